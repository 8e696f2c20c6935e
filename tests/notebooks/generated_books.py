"""Books of any size in the place of the sample: models, keys, currencies, and a price on every meter."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from execution import make_checkout

if TYPE_CHECKING:
    from pathlib import Path


def many(models: int) -> str:
    """Return a card of so many models, each with a price on every meter."""
    return "currency = 'USD'\n" + "".join(
        f"[[rates]]\nmodel = 'model-{number}'\nprompt = {number + 1}\nprompt_cached = 0.5\nprompt_cache_write = 1.5\n"
        "prompt_cache_write_1h = 2.5\nprompt_audio = 3.5\ncompletion = 4.5\ncompletion_audio = 5.5\nreasoning = 6.5\n"
        "per_request = 0.01\n"
        for number in range(models)
    )


def logged(number: int, *, key: str, model: str) -> str:
    usage = {
        "prompt_tokens": 1000 + number,
        "completion_tokens": 500,
        "prompt_tokens_details": {
            "cached_tokens": 100,
            "cache_write_tokens": 90,
            "audio_tokens": 30,
        },
        "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 10},
    }
    line = {
        "ts": f"2026-10-{number % 28 + 1:02}T10:00:00Z",
        "api_key_id": key,
        "status": 200,
        "request": {"model": model},
        "response": {"id": f"resp-{number}", "model": model, "choices": [], "usage": usage},
    }
    return json.dumps(line) + "\n"


def make_books(checkout: Path, *, models: int, keys: int, currencies: tuple[str, ...]) -> None:
    """Put generated books in the place of the sample."""
    data = make_checkout(checkout)
    for folder in ("logs", "rates"):
        shutil.rmtree(data / folder)
        (data / folder).mkdir()
    named = 'cost_card = "card0"\n' if currencies else ""  # in the first currency: what is charged in others has no cost
    (data / "tallybook.toml").write_text(
        f'{named}[[sources]]\nname = "g"\npaths = ["logs/*"]\nformat = "request-log"\n'
    )
    accounts = ""
    for place, currency in enumerate(currencies):
        (data / "rates" / f"card{place}.toml").write_text(
            f'id = "card{place}"\n' + many(models).replace("USD", currency)
        )
        owned = [f"key_{number:032}" for number in range(place, keys, len(currencies))]
        accounts += f'[[accounts]]\nid = "a{place}"\nname = "A"\nrate_card = "card{place}"\nkeys = {owned}\n'
    (data / "accounts.toml").write_text(accounts)
    lines = [
        logged(number, key=f"key_{number % keys:032}", model=f"model-{number % models}" if models else "model-new")
        for number in range(max(2 * models * len(currencies), keys))
    ]
    (data / "logs" / "october.jsonl").write_text("".join(lines))
