"""Audio tokens and tokens that a cache keeps for an hour: on meters of their own, from the log to the invoice."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest
from workspaces import STANDARD, make_workspace, plain, tallybook, write_log

if TYPE_CHECKING:
    from pathlib import Path

AS_OF = ("--as-of", "2026-11-01T03:00:00Z")


def lines(root: Path) -> dict[str, tuple[str, str, str]]:
    with (root / "invoices/2026-10/lines.csv").open(newline="", encoding="utf-8") as file:
        return {row["meter"]: (row["quantity"], row["rate_per_million"], row["amount"]) for row in csv.DictReader(file)}


@pytest.mark.long
def test_audio_without_a_price_is_unpriced_and_never_billed_as_text(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    write_log(root, "l.jsonl", plain("2026-10-01T10:00:00Z", id="a", prompt=1000, completion=500, audio=(400, 300)))
    night = tallybook(root, "nightly", *AS_OF)
    assert (night.returncode, "700 tokens of acme for model 'jamba-large' are unpriced" in night.stderr) == (0, True)
    assert {meter: quantity for meter, (quantity, _, _) in lines(root).items()} == {
        "prompt": "600",
        "completion": "200",
    }
    refused = tallybook(root, "invoice", "issue", "--period", "2026-10", *AS_OF)
    assert refused.returncode == 4
    assert "700 tokens of model 'jamba-large' in 2026-10" in refused.stderr
    card = root / "rates/standard.toml"
    prices = "prompt_audio = 40.00\ncompletion_audio = 80.00\nprompt = "
    card.write_text(card.read_text(encoding="utf-8").replace("prompt = ", prices, 1), encoding="utf-8")
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    assert lines(root)["prompt_audio"] == ("400", "40.00", "0.02")
    assert lines(root)["completion_audio"] == ("300", "80.00", "0.02")
    assert tallybook(root, "verify").returncode == 0
    assert tallybook(root, "invoice", "issue", "--period", "2026-10", *AS_OF).returncode == 0
    assert tallybook(root, "recompute", "INV-000001").returncode == 0


@pytest.mark.long
def test_what_is_written_for_an_hour_costs_what_writing_costs_until_it_has_a_price(tmp_path: Path) -> None:
    body = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": "Hello."}],
        "usage": {
            "input_tokens": 100_000,
            "output_tokens": 0,
            "cache_creation_input_tokens": 900_000,
            "cache_creation": {"ephemeral_5m_input_tokens": 300_000, "ephemeral_1h_input_tokens": 600_000},
        },
    }
    line = {
        "ts": "2026-10-01T10:00:00Z",
        "api_key_id": "key_a",
        "status": 200,
        "request": {"model": "jamba-large"},
        "response": body,
    }
    priced = STANDARD.replace("prompt = ", "prompt_cache_write = 3.00\nprompt = ", 1)
    root = make_workspace(tmp_path / "books", cards={"standard": priced})
    write_log(root, "l.jsonl", json.dumps(line))
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    assert lines(root)["prompt_cache_write"] == ("900000", "3.00", "2.70")
    card = root / "rates/standard.toml"
    card.write_text(
        "".join(
            (
                priced.partition("prompt = ")[0],
                "prompt_cache_write_1h = 5.00\nprompt = ",
                priced.partition("prompt = ")[2],
            )
        ),
        encoding="utf-8",
    )
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    assert lines(root)["prompt_cache_write"] == ("300000", "3.00", "0.90")
    assert lines(root)["prompt_cache_write_1h"] == ("600000", "5.00", "3.00")
    assert tallybook(root, "verify").returncode == 0
