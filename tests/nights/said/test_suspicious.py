"""Copies that look like requests of their own are not billed, and told of: how many, whose, what they would cost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from workspaces import make_workspace, plain, tallybook, write_log

if TYPE_CHECKING:
    from pathlib import Path

AS_OF = ("--as-of", "2026-11-05T00:00:00Z")


def request(second: int, *, id: str = "chosen", **more: Any) -> str:
    """A request of a million prompt tokens, 2.00 USD by the card."""
    return plain(f"2026-10-05T10:00:{second:02}Z", id=id, request_id=f"r{second}", **more)


@pytest.fixture
def books(tmp_path: Path) -> Path:
    return make_workspace(tmp_path / "books", config='timezone = "UTC"\n')


def night(root: Path, *options: str, code: int = 0) -> dict[str, Any]:
    done = tallybook(root, "nightly", *AS_OF, "--json", *options)
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def listed(root: Path, *options: str) -> list[dict[str, Any]]:
    done = tallybook(root, "usage", "--copies", "-o", "json", *options)
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


@pytest.mark.long
def test_a_caller_who_reuses_an_id_is_billed_once_and_listed_with_what_the_others_would_have_cost(books: Path) -> None:
    lines = [request(second) for second in range(5)]
    write_log(books, "a.jsonl", *lines, plain("2026-10-06T10:00:00Z", id="own"))
    write_log(books, "b.jsonl", *lines)  # a second shipment of the same lines adds nothing
    found = night(books)
    assert found["counts"]["billed"] == 2
    assert found["counts"]["duplicates"] == 9
    assert found["counts"]["suspicious"] == 4
    assert found["suspicious_copies"] == [
        {
            "period": "2026-10",
            "account": "acme",
            "key": "key_a",
            "suspicious_copies": 4,
            "tokens": 4_000_000,
            "unpriced_tokens": 0,
            "would_have_cost": "8.00",
            "currency": "USD",
        }
    ]
    (warning,) = [each["text"] for each in found["warnings"] if each["code"] == "suspicious_copies"]
    assert (
        "4 suspicious copies of key key_a (acme) with 4000000 tokens, not billed, would have cost 8.00 USD" in warning
    )
    assert listed(books) == [
        {
            "account_id": "acme",
            "api_key_id": "key_a",
            "model": "jamba-large",
            "usage_date": "2026-10-05",
            "billing_period": "2026-10",
            "events": 4,
            "tokens": 4_000_000,
            "unpriced_tokens": 0,
            "would_have_cost": "8.00",
            "currency": "USD",
        }
    ]
    assert listed(books, "--from", "2026-10-06") == []


@pytest.mark.long
def test_the_summary_lists_suspicious_copies_and_without_any_it_does_not(books: Path) -> None:
    write_log(books, "a.jsonl", request(1))
    write_log(books, "b.jsonl", request(1))
    assert "would_have_cost" not in tallybook(books, "nightly", *AS_OF).stdout
    write_log(books, "c.jsonl", request(2))
    printed = tallybook(books, "nightly", *AS_OF)
    assert "2026-10\tacme\tkey_a\t1\t1000000\t0\t2.00\tUSD" in printed.stdout.splitlines()
    assert "1 suspicious copy of key key_a" in printed.stderr


@pytest.mark.long
def test_what_has_no_rate_or_no_account_is_said_to_be_unpriced_or_unassigned_and_never_free(books: Path) -> None:
    lines = [request(second, id="u", model="other", prompt=70) for second in (1, 2)]
    lines += [request(second, id="w", key="key_x", prompt=30) for second in (3, 4)]
    write_log(books, "a.jsonl", *lines)
    rows = {row["key"]: row for row in night(books)["suspicious_copies"]}
    assert rows["key_a"]["unpriced_tokens"] == rows["key_a"]["tokens"] == 70
    assert rows["key_a"]["would_have_cost"] is None
    assert rows["key_x"]["account"] == "unassigned"
    assert rows["key_x"]["would_have_cost"] is None
    assert rows["key_x"]["tokens"] == 30
    printed = tallybook(books, "usage", "--copies", "-o", "csv").stdout.splitlines()
    assert sorted(printed[1:]) == [
        "acme,key_a,other,2026-10-05,2026-10,1,70,70,,",
        "unassigned,key_x,jamba-large,2026-10-05,2026-10,1,30,0,,",
    ]


@pytest.mark.long
def test_strict_fails_for_new_suspicious_copies_and_not_for_those_of_nights_before(books: Path) -> None:
    write_log(books, "a.jsonl", request(1), request(2))
    assert night(books, "--strict", code=3)["strict_failures"] == ["suspicious_copies (key_a)"]
    again = night(books, "--strict")
    assert again["counts"]["suspicious"] == 1
    assert len([each for each in again["warnings"] if each["code"] == "suspicious_copies"]) == 1
    assert tallybook(books, "invoice", "draft", "--period", "2026-10").returncode == 0
    write_log(books, "b.jsonl", request(3), request(4))
    # Drafts are made of the same marts, and tell nobody of copies.
    assert tallybook(books, "collect", *AS_OF).returncode == 0
    assert tallybook(books, "invoice", "draft", "--period", "2026-10").returncode == 0
    assert night(books, "--strict", code=3)["strict_failures"] == ["suspicious_copies (key_a)"]


@pytest.mark.long
def test_another_model_under_one_id_is_a_conflict_and_the_bill_keeps_its_survivor(books: Path) -> None:
    write_log(books, "a.jsonl", request(1), plain("2026-10-05T10:00:01Z", id="chosen", request_id="r1", model="small"))
    found = night(books, "--strict", code=3)
    assert found["counts"]["conflicts"] == 1
    assert [row["total"] for row in found["invoices"]] == ["2.00"]
    assert found["strict_failures"] == ["conflict (key_a)", "suspicious_copies (key_a)"]


@pytest.mark.long
def test_ids_of_other_callers_hide_nothing(books: Path) -> None:
    write_log(books, "a.jsonl", request(1), request(2, key="key_b"), request(3, key="key_c"))
    found = night(books)
    assert found["counts"]["billed"] == 3
    assert found["suspicious_copies"] == []


def test_copies_and_a_grouping_are_not_asked_at_once(books: Path) -> None:
    done = tallybook(books, "usage", "--copies", "--by", "model")
    assert done.returncode == 2
    assert "--copies has its own columns and takes no --by model" in done.stderr


@pytest.mark.long
def test_a_stream_that_was_cut_never_beats_the_whole_one_whichever_was_logged_first(books: Path) -> None:
    text = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hail."}}
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 500}}
    lines = []
    for day, seconds in ((5, (0, 1)), (6, (1, 0))):
        message = {"id": f"msg_{day}", "type": "message", "role": "assistant", "model": "jamba-large"}
        begun = {"type": "message_start", "message": message | {"usage": {"input_tokens": 25, "output_tokens": 1}}}
        for second, response in zip(seconds, ([begun, text, end], [begun, text]), strict=True):
            line = {"ts": f"2026-10-0{day}T10:00:0{second}Z", "api_key_id": "key_a", "request_id": f"r{day}"}
            lines.append(json.dumps(line | {"status": 200, "path": "/v1/messages", "response": response}))
    write_log(books, "a.jsonl", *lines)
    counts = night(books)["counts"]
    assert (counts["billed"], counts["duplicates"], counts["conflicts"], counts["suspicious"]) == (2, 2, 0, 0)
    usage = json.loads(tallybook(books, "usage", "-o", "json").stdout)
    assert [(each["prompt_tokens"], each["completion_tokens"]) for each in usage] == [(25, 500), (25, 500)]
