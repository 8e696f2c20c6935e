"""What lies beside the events in force: earlier readings, quarantined lines, received logs, shares of tiers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from at_rest import holds
from workspaces import STANDARD, make_workspace, plain, tallybook, write_log

from pipeline import lake, register

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = '[[sources]]\nname = "gateway"\npaths = ["logs/*"]\nformat = "request-log"\n'
WRONG = SOURCE + 'fields = { ts = "time" }\n'
BEFORE = ("forget", "--before", "2026-10-01", "--yes")


def done(root: Path, *arguments: str, stdin: str = "") -> str:
    result = tallybook(root, *arguments, stdin=stdin)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def is_sound(root: Path) -> None:
    for document in register.read(root):
        done(root, "recompute", document["invoice_id"])
    done(root, "verify")


def timed(line: str, at: str) -> str:
    return json.dumps(json.loads(line) | {"time": at})


@pytest.mark.slow
def test_earlier_readings_are_forgotten_with_their_lines_and_invoices_of_them_are_recomputed(tmp_path: Path) -> None:
    """The first reading took other instants: it has 2 of 3 events, on other days, and was invoiced."""
    root = make_workspace(tmp_path / "books", config=WRONG)
    lines = [plain(f"2026-09-{day}T10:00:00Z", id=f"CANARY-{day}", prompt=1_000_000 * int(day)) for day in ("01", "02")]
    lines += [plain("2026-10-03T10:00:00Z", id="october")]
    write_log(
        root,
        "a.jsonl",
        timed(lines[0], "2026-09-05T10:00:00Z"),
        timed(lines[1], "2026-10-05T10:00:00Z"),
        lines[2],
    )
    done(root, "nightly", "--as-of", "2026-10-10")
    done(root, "invoice", "issue", "--period", "2026-09", "--as-of", "2026-10-10")
    (root / "tallybook.toml").write_text(SOURCE)
    done(root, "collect", "--again", "--as-of", "2026-10-11")
    done(root, "nightly", "--as-of", "2026-10-11")
    done(root, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-02")
    totals = [document["total"] for document in register.read(root)]
    assert totals == ["2.00", "6.00"], "the second has October, and 4.00 that September is worth more"
    is_sound(root)
    assert holds(root / "lake", b"CANARY")
    told = done(root, *BEFORE, "--as-of", "2026-11-03")
    assert "forgot 2 usage events" in told
    assert holds(root / "lake", b"CANARY") == []
    assert [document["total"] for document in register.read(root)] == totals
    is_sound(root)
    done(root, "nightly", "--as-of", "2026-11-04")
    is_sound(root)
    done(root, "forget", "--before", "2026-11-01", "--yes", "--as-of", "2026-11-05")
    is_sound(root)


@pytest.mark.long
def test_quarantined_lines_of_a_key_are_forgotten_and_those_of_others_stay(tmp_path: Path) -> None:
    root = make_workspace(
        tmp_path / "books", accounts='[[accounts]]\nid = "acme"\nname = "A"\nkeys = ["key_a", "key_b"]\n'
    )
    torn = [plain("2026-09-02T10:00:00Z", id="x", key=key)[:-3] for key in ("key_a", "key_b")]
    write_log(root, "a.jsonl", plain("2026-09-01T10:00:00Z", id="a"), *torn)
    done(root, "nightly", "--force", "--as-of", "2026-10-02")
    done(root, "invoice", "issue", "--period", "2026-09", "--as-of", "2026-10-02")
    told = done(root, "forget", "--key", "key_b", "--yes", "--as-of", "2026-10-03")
    assert "forgot 0 usage events and 1 quarantined line" in told
    assert holds(root / "lake" / "quarantine", b"key_b") == []
    assert len(holds(root / "lake" / "quarantine", b"key_a")) == 1
    is_sound(root)


@pytest.mark.long
def test_a_received_log_of_which_nothing_counts_any_more_is_removed_and_others_stay(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    for text in (plain("2026-09-01T10:00:00Z", id="CANARY-1"), plain("2026-10-01T10:00:00Z", id="october")):
        done(root, "collect", "-", "--keep", "--as-of", "2026-10-02", stdin=f"{text}\n")
    done(root, "nightly", "--as-of", "2026-10-02")
    done(root, "invoice", "issue", "--period", "2026-09", "--as-of", "2026-10-02")
    assert len(list((root / "received").rglob("*.log"))) == 2
    done(root, *BEFORE, "--as-of", "2026-10-03")
    assert holds(root, b"CANARY") == []
    assert len(list((root / "received").rglob("*.log"))) == 1
    assert "CANARY" not in done(root, "nightly", "--as-of", "2026-10-04")
    is_sound(root)


@pytest.mark.slow
def test_a_lake_of_which_everything_is_forgotten_goes_on(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    write_log(root, "a.jsonl", plain("2026-09-01T10:00:00Z", id="CANARY-1"))
    done(root, "nightly", "--as-of", "2026-10-02")
    done(root, "invoice", "issue", "--period", "2026-09", "--as-of", "2026-10-02")
    done(root, *BEFORE, "--as-of", "2026-10-03")
    assert lake.read_log(root / "lake").data_files == ()
    done(root, "nightly", "--as-of", "2026-10-04")
    is_sound(root)
    write_log(root, "b.jsonl", plain("2026-10-04T10:00:00Z", id="new"))
    assert "draft-2026-10-acme" in done(root, "nightly", "--as-of", "2026-10-05")
    is_sound(root)


@pytest.mark.slow
def test_of_a_month_whose_prices_depend_on_all_of_it_no_share_is_shown_once_some_is_forgotten(tmp_path: Path) -> None:
    tiers = 'prompt = { mode = "graduated", tiers = [ { up_to = 1_000_000, rate = 3.00 }, { rate = 1.00 } ] }'
    root = make_workspace(tmp_path / "books", cards={"standard": STANDARD.replace("prompt = 2.00", tiers)},
                          accounts='[[accounts]]\nid = "acme"\nname = "A"\nkeys = ["key_a", "key_b"]\n')  # fmt: skip
    write_log(root, "a.jsonl", *(plain(f"2026-09-0{day}T10:00:00Z", id=f"{day}-{key}", key=key) for day in (1, 2)
                                 for key in ("key_a", "key_b")))  # fmt: skip
    done(root, "nightly", "--as-of", "2026-10-02")
    done(root, "invoice", "issue", "--period", "2026-09", "--as-of", "2026-10-02")
    done(root, "forget", "--key", "key_a", "--yes", "--as-of", "2026-10-03")
    said = json.loads(done(root, "explain", "INV-000001", "3", "-o", "json"))
    assert (said["rows"], said["is_complete"]) == ([], True)
    assert said["forgotten"] == "forgotten on 2026-10-03 by --key key_a"
    is_sound(root)


@pytest.mark.slow
def test_late_usage_of_a_month_of_which_a_key_was_forgotten_corrects_nothing(tmp_path: Path) -> None:
    root = make_workspace(
        tmp_path / "books", accounts='[[accounts]]\nid = "acme"\nname = "A"\nkeys = ["key_a", "key_b"]\n'
    )
    write_log(root, "a.jsonl", *(plain("2026-09-01T10:00:00Z", id=key, key=key) for key in ("key_a", "key_b")))
    done(root, "nightly", "--as-of", "2026-10-02")
    done(root, "invoice", "issue", "--period", "2026-09", "--as-of", "2026-10-02")
    done(root, "forget", "--key", "key_a", "--yes", "--as-of", "2026-10-03")
    write_log(root, "late.jsonl", plain("2026-09-02T10:00:00Z", id="late", key="key_b", prompt=3_000_000))
    told = done(root, "nightly", "--as-of", "2026-10-04")
    assert "draft" not in told
    assert "acme, 2026-09 (INV-000001) is worth 6.00 USD more" in told
    is_sound(root)


@pytest.mark.slow
def test_requests_that_cost_a_fee_and_state_no_tokens_are_not_forgotten_before_they_are_invoiced(
    tmp_path: Path,
) -> None:
    card = STANDARD.replace("prompt = 2.00", "prompt = 2.00\nper_request = 0.25")
    root = make_workspace(tmp_path / "books", cards={"standard": card})
    write_log(root, "a.jsonl", plain("2026-09-01T10:00:00Z", id="a", prompt=1))
    done(root, "nightly", "--as-of", "2026-10-02")
    result = tallybook(root, *BEFORE, "--as-of", "2026-10-03")
    assert (result.returncode, "acme 2026-09: 0.25 USD on draft-2026-09-acme" in result.stderr) == (4, True)
    done(root, "invoice", "issue", "--period", "2026-09", "--as-of", "2026-10-02")
    done(root, *BEFORE, "--as-of", "2026-10-03")
    is_sound(root)


@pytest.mark.slow
def test_a_time_zone_that_changes_later_makes_nothing_of_what_is_left_forgotten(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    write_log(root, "a.jsonl", plain("2026-09-30T23:00:00Z", id="a"), plain("2026-10-01T01:00:00Z", id="b"))
    done(root, "nightly", "--as-of", "2026-10-03")
    done(root, "invoice", "issue", "--period", "2026-09", "--as-of", "2026-10-03")
    done(root, *BEFORE, "--as-of", "2026-10-03")
    accounts = root / "accounts.toml"
    accounts.write_text(accounts.read_text() + 'timezone = "America/Los_Angeles"\n')
    done(root, "nightly", "--as-of", "2026-10-04")
    is_sound(root)


def test_nothing_is_forgotten_of_an_empty_lake(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    assert "nothing is left to be forgotten" in done(root, *BEFORE, "--as-of", "2026-10-03")
