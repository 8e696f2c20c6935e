"""Books of any size for looking at screens: models, keys, accounts, three currencies, and all that needs somebody.

``make_large_books(root, BooksRecipe())`` writes a workspace of 200 models and 5,000 keys: nine weeks of request logs,
rate cards in dollars, euros and yen, a cost card, budgets, and what nights warn of: keys in no account, models without
a rate, damaged lines, conflicts. Equal recipes make equal books. Owns what is in them. Does not own what is printed of
them (``screens``).
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIRST_DATE = date(2026, 8, 24)
END_DATE = date(2026, 10, 26)
"""The day that nothing is logged of any more: both are Mondays."""
CURRENCIES = ("USD", "EUR", "JPY")
_EXPONENTS = {"JPY": 100}
_WEEK = 7
_NOBODYS = 50
"""One key of so many is in no account."""
_UNPRICED, _UNPRICED_FROM = 40, date(2026, 10, 1)
"""One model of so many has no rate, and is used from this day on."""
_FAILED, _DAMAGED, _REPEATED, _CONTRADICTED = 97, 2_000, 1_000, 1_500
"""One line of so many says that a request failed, cannot be read, is there twice, or is there with other counts."""
_SPIKE_DATE = date(2026, 10, 22)
_SPIKE = 30
_NAMES = (
    "jamba-large-{:03}",
    "jamba-mini-{:03}-instruct",
    "sentence-embedding-v{}",
    "arn:aws:bedrock:eu-central-1:000000000000:inference-profile/summaries-{:03}",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BooksRecipe:
    """How large the books are."""

    models: int = 200
    keys: int = 5_000
    accounts: int = 60
    seed: int = 1


def make_large_books(root: Path, recipe: BooksRecipe) -> None:
    """Write the workspace; ``root`` must not be there."""
    chance = random.Random(recipe.seed)
    keys = [f"key_{chance.getrandbits(128):032x}" for _ in range(recipe.keys)]
    models = [_NAMES[number % len(_NAMES)].format(number) for number in range(recipe.models)]
    for folder in ("rates", "logs"):
        (root / folder).mkdir(parents=True)
    _write_configuration(root, recipe, keys, models)
    by_month: dict[str, list[str]] = {}
    for day, line in _lines(chance, keys, models):
        by_month.setdefault(f"{day:%Y-%m}", []).append(line)
    for month, lines in by_month.items():
        (root / "logs" / f"gateway-eu-central-1-{month}.jsonl").write_text("".join(lines), encoding="utf-8")


def _write_configuration(root: Path, recipe: BooksRecipe, keys: list[str], models: list[str]) -> None:
    (root / "tallybook.toml").write_text(
        'cost_card = "provider"\n[[sources]]\nname = "gateway"\npaths = ["logs/*"]\nformat = "request-log"\n',
        encoding="utf-8",
    )
    for currency in CURRENCIES:
        _write_card(root, currency.lower(), currency, models, part=4)
    _write_card(root, "provider", "USD", models[: -max(1, len(models) // 20)], part=5)
    accounts = [
        f"""[[accounts]]
id = "customer-{number:03}-{CURRENCIES[number % len(CURRENCIES)].lower()}"
name = "Customer {number} of Some Length, Limited"
rate_card = "{CURRENCIES[number % len(CURRENCIES)].lower()}"
payment_terms_days = 14
keys = {json.dumps([key for place, key in enumerate(keys) if place % recipe.accounts == number and place % _NOBODYS])}
"""
        for number in range(recipe.accounts)
    ]
    accounts += [
        (
            f'[keys.{key}]\nteam = "team-{place // recipe.accounts % 20:02}"\n'
            f'environment = "{("production", "staging")[place % 3 == 0]}"\n'
        )
        for place, key in enumerate(keys)
        if place % _NOBODYS
    ]
    (root / "accounts.toml").write_text("\n".join(accounts), encoding="utf-8")
    budgets = [
        f'[[budgets]]\nname = "{name}"\namount = {amount}\n{more}\n'
        for name, amount, more in (
            ("everything in dollars", 60_000, ""),
            ("everything in euros", 40_000, 'currency = "EUR"'),
            ("everything in yen", 4_000_000, 'currency = "JPY"\nperiod = "quarter"'),
            ("the first customer", 500, 'accounts = ["customer-000-usd"]\non_forecast = true'),
            ("a team in production", 900, 'tags = { team = "team-03", environment = "production" }'),
            ("the most used key", 200, f'currency = "EUR"\nkeys = ["{keys[1]}"]'),
        )
    ]
    (root / "budgets.toml").write_text("\n".join(budgets), encoding="utf-8")


def _write_card(root: Path, name: str, currency: str, models: list[str], *, part: int) -> None:
    """Write a card on which a prompt costs a fourth, or another part, of a unit and some more."""
    times = _EXPONENTS.get(currency, 1)
    rates = [
        f"""[[rates]]
model = "{model}"
effective_from = 2026-01-01T00:00:00Z
prompt = {times * (number % 17 + 1) / part:.4f}
prompt_cached = {times * (number % 17 + 1) / part / 10:.4f}
completion = {times * (number % 23 + 3) / part * 2:.4f}
"""
        for number, model in enumerate(models)
        if number % _UNPRICED != _UNPRICED - 1
    ]
    text = f'id = "{name}"\ncurrency = "{currency}"\n' + "\n".join(rates)
    (root / "rates" / f"{name}.toml").write_text(text, encoding="utf-8")


def _lines(chance: random.Random, keys: list[str], models: list[str]) -> Iterator[tuple[date, str]]:
    """Yield lines with their days: of every key one a week, of one key in a hundred one a day, of the second all."""
    number = 0
    day = FIRST_DATE
    while day < END_DATE:
        for place, key in enumerate(keys):
            is_daily = place % 100 == 1
            if not is_daily and place % _WEEK != day.weekday():
                continue
            used = (
                range(len(models)) if place == 1 and day.weekday() == 0 else [(place + 7 * (number % 5)) % len(models)]
            )
            for which in used:
                is_new = which % _UNPRICED == _UNPRICED - 1 and day >= _UNPRICED_FROM
                model = models[which if is_new or which % _UNPRICED != _UNPRICED - 1 else which - 1]
                number += 1
                size = _SPIKE if is_daily and place == 101 % len(keys) and day == _SPIKE_DATE else 1
                line = _line(chance, number, day, (key, model), size * (40 if is_daily else 1))
                yield day, line
                if number % _REPEATED == 1:
                    yield day, line
                elif number % _CONTRADICTED == 1:
                    yield day, line.replace('"prompt_tokens": ', '"prompt_tokens": 1')
        day += timedelta(days=1)


def _line(chance: random.Random, number: int, day: date, used: tuple[str, str], size: int) -> str:
    key, model = used
    at = datetime(day.year, day.month, day.day, 8, tzinfo=UTC) + timedelta(milliseconds=chance.randrange(36_000_000))
    prompt, completion = (size * round(chance.lognormvariate(mean, 0.5)) for mean in (10, 8))
    usage: dict[str, Any] = {"prompt_tokens": prompt, "completion_tokens": completion}
    if number % 3 == 0:
        usage["prompt_tokens_details"] = {"cached_tokens": prompt // 2}
    if number % _DAMAGED == _DAMAGED - 1:
        usage["prompt_tokens"] = -prompt
    answer = {"id": f"chatcmpl-{chance.getrandbits(96):024x}", "model": model, "choices": [], "usage": usage}
    is_failed = number % _FAILED == 0
    line = {
        "ts": at.isoformat(timespec="milliseconds"),
        "api_key_id": key,
        "status": 429 if is_failed else 200,
        "request": {"model": model},
        "response": {"error": {"message": "too many requests"}} if is_failed else answer,
    }
    return json.dumps(line) + "\n"
