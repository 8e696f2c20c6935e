"""Runs the golden cases of rate cards: ``tests/golden/rates/<case>/{*.toml, usage.csv, expected.csv}``, one month each.

A case holds no code: rate cards, one request a row, and the invoice lines that an accountant would write. The account
uses the card ``contract`` where there is one, else ``standard``. ``expected.csv`` names the columns it is about; ``#``
begins a remark. Where there is an ``expected_events.csv``, it says what ``explain`` shows: each event's share of each
line.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from workspaces import make_workspace, tallybook, write_log

from pipeline.configuration.workspace import open_workspace
from pipeline.documents.event_csv import events_csv
from pipeline.jobs.state.at_issue import present_state
from pipeline.jobs.state.drafts import invoice_book
from pipeline.jobs.state.lines.traced_lines import event_rows, explain_lines

CASES = sorted(path.parent for path in Path(__file__).parent.glob("*/expected.csv"))


def rows(path: Path) -> list[dict[str, str]]:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return list(csv.DictReader(lines))


def logged(number: int, row: dict[str, str]) -> str:
    prompt, completion = int(row.get("prompt") or 0), int(row.get("completion") or 0)
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    usage |= {
        "prompt_tokens_details": {
            "cached_tokens": int(row.get("cached") or 0),
            "cache_write_tokens": int(row.get("cache_write") or 0),
        }
    }
    usage |= {"completion_tokens_details": {"reasoning_tokens": int(row.get("reasoning") or 0)}}
    message = {"role": "assistant", "content": "Hello."}
    body = {
        "id": f"response-{number}",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": usage,
    }
    body |= {"service_tier": row["tier"]} if row.get("tier") else {}
    line = {"ts": row["at"], "api_key_id": row.get("key") or "key_a", "status": 200, "path": "/v1/chat/completions"}
    return json.dumps(line | {"request": {"model": row["model"], "stream": False}, "response": body})


@pytest.mark.long
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_golden_case(case: Path, tmp_path: Path) -> None:
    cards = {path.stem: path.read_text(encoding="utf-8") for path in case.glob("*.toml")}
    card = "contract" if "contract" in cards else "standard"
    accounts = f'[[accounts]]\nid = "acme"\nname = "Acme"\nrate_card = "{card}"\nkeys = ["key_a", "key_b"]\n'
    root = make_workspace(tmp_path / "books", cards=cards, accounts=accounts)
    write_log(root, "log.jsonl", *(logged(number, row) for number, row in enumerate(rows(case / "usage.csv"))))
    night = tallybook(root, "nightly", "--as-of", "2026-12-01")
    assert night.returncode == 0, night.stderr
    expected = rows(case / "expected.csv")
    found = rows(next(root.glob("invoices/2026-10/lines.csv")))
    assert [{column: line.get(column, "") for column in expected[0]} for line in found] == expected
    verified = tallybook(root, "verify")
    assert verified.returncode == 0, verified.stdout
    if (case / "expected_events.csv").is_file():
        shares = rows(case / "expected_events.csv")
        events = csv.DictReader(explained(root).splitlines())
        assert [{column: event[column] for column in shares[0]} for event in events] == shares


def explained(root: Path) -> str:
    """Return what ``explain LINE --csv`` prints, of every line of the one draft."""
    state = present_state(open_workspace(root))
    (draft,) = invoice_book(state.workspace, state.built).drafts
    explanations = explain_lines(draft, state, draft.lines)
    assert all(explanation.is_complete for explanation in explanations)
    return events_csv(row for explanation in explanations for row in event_rows(explanation)).decode("utf-8")
