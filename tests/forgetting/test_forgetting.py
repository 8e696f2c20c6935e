"""What is forgotten is gone from every byte, what was invoiced is recomputed all the same, and nothing comes back."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest
from at_rest import holds
from deltalake import DeltaTable
from workspaces import account, append_log, make_workspace, plain, tallybook, write_log

from pipeline import lake, register
from pipeline.cli.commands.upkeep import forget as command
from pipeline.lake.log.parsing import parse_commit
from pipeline.objects import layout

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNTS = account("acme", "key_a", "key_b") + account("tokyo", "key_t", timezone="Asia/Tokyo")
FORGET = ("forget", "--before", "2026-10-01", "--yes", "--as-of", "2026-11-03")


def canary(day: str, key: str, *, prompt: int = 1_000_000, at: str = "10:00:00Z") -> str:
    """A line that has the word CANARY in every id that a log can state."""
    name = f"{day}-{key}"
    return plain(f"2026-{day}T{at}", id=f"chatcmpl-CANARY-{name}", key=key, prompt=prompt, request_id=f"CANARY-{name}")


SEPTEMBER = [canary(f"09-{day}", key) for day in ("01", "15", "30") for key in ("key_a", "key_b", "key_t")]
OCTOBER = [plain(f"2026-10-{day}T10:00:00Z", id=f"oct-{day}-{key}", key=key) for day in ("02", "20")
           for key in ("key_a", "key_b", "key_t")]  # fmt: skip


@pytest.fixture(scope="module")
def issued_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """September is issued, and October is drafted."""
    root = make_workspace(tmp_path_factory.mktemp("issued") / "books", accounts=ACCOUNTS)
    write_log(root, "september.jsonl", *SEPTEMBER, "CANARY is no line of a log", "")
    write_log(root, "october.jsonl", *OCTOBER)
    assert tallybook(root, "nightly", "--as-of", "2026-11-02").returncode == 0
    assert tallybook(root, "invoice", "issue", "--period", "2026-09", "--as-of", "2026-11-02").returncode == 0
    return root


@pytest.fixture
def issued(issued_once: Path, tmp_path: Path) -> Path:
    return shutil.copytree(issued_once, tmp_path / "books")


def done(root: Path, *arguments: str) -> str:
    result = tallybook(root, *arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def refused(root: Path, *arguments: str, code: int = 4) -> str:
    result = tallybook(root, *arguments)
    assert result.returncode == code, result.stdout + result.stderr
    return result.stderr


def totals(root: Path) -> dict[str, str]:
    rows = json.loads(done(root, "invoice", "list", "-o", "json"))
    return {row["invoice_id"]: row["total"] for row in rows}


def documents(root: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(layout.register(root).glob("*.json"))]


def recomputed(root: Path) -> None:
    for document in register.read(root):
        assert "is recomputed byte for byte" in done(root, "recompute", document["invoice_id"])


@pytest.mark.long
def test_no_byte_of_the_workspace_but_its_logs_holds_an_id_of_what_was_forgotten(issued: Path) -> None:
    lake_dir = issued / "lake"
    assert holds(lake_dir, b"CANARY-09-15-key_a")
    done(issued, *FORGET)
    shutil.rmtree(issued / "logs")
    assert holds(issued, b"CANARY") == []
    assert list(lake_dir.glob("usage_events/date=2026-09-*")) == []
    assert list((lake_dir / "quarantine").iterdir()) == []


@pytest.mark.long
def test_what_was_invoiced_is_recomputed_from_the_counts_that_are_kept(issued: Path) -> None:
    before = documents(issued), totals(issued)
    done(issued, *FORGET)
    assert (documents(issued), totals(issued)) == before
    recomputed(issued)
    done(issued, "verify")
    done(issued, "nightly", "--as-of", "2026-11-04")
    assert (documents(issued), totals(issued)) == before
    told = done(issued, "verify")
    assert (
        "ok    what_was_forgotten_is_gone: 9 events and 1 quarantined line forgotten on 2026-11-03 by --before" in told
    )
    assert "ok    nothing_forgotten_came_back" in told


@pytest.mark.long
def test_a_file_of_counts_that_is_changed_or_gone_is_named(issued: Path) -> None:
    done(issued, *FORGET)
    forgetting = lake.read_log(issued / "lake").forgettings[-1]
    path = layout.forgotten(issued / "lake") / forgetting.counts["usage_daily"].name
    path.unlink()
    result = tallybook(issued, "recompute", "INV-000001")
    assert result.returncode == 1
    assert f"{path} is missing; restore it from a backup" in result.stderr


@pytest.mark.long
def test_what_still_lies_there_is_found_by_verify(issued: Path) -> None:
    file = next((issued / "lake" / "usage_events").glob("date=2026-09-15/*"))
    content = file.read_bytes()
    done(issued, *FORGET)
    file.parent.mkdir()
    file.write_bytes(content)
    result = tallybook(issued, "verify")
    assert result.returncode == 6
    assert (
        "FAIL  what_was_forgotten_is_gone: still there (it was begun and not finished, or a backup "
        "was put back; 'tallybook nightly' removes it): lake/usage_events/date=" in (result.stdout)
    )
    done(issued, "nightly", "--as-of", "2026-11-04")
    assert not file.exists()


@pytest.mark.long
def test_usage_that_is_not_invoiced_is_named_and_not_forgotten(issued: Path) -> None:
    before = documents(issued)
    told = refused(issued, "forget", "--before", "2026-10-15", "--yes", "--as-of", "2026-11-03")
    assert "acme 2026-10: 8.00 USD on draft-2026-10-acme; tokyo 2026-10: 4.00 USD on draft-2026-10-tokyo" in told
    assert lake.read_log(issued / "lake").forgettings == ()
    assert documents(issued) == before


@pytest.mark.slow
def test_usage_that_is_forgotten_before_it_is_invoiced_is_invoiced_by_its_counts(issued: Path) -> None:
    before = totals(issued)
    done(issued, "forget", "--before", "2026-11-01", "--with-uninvoiced", "--yes", "--as-of", "2026-11-03")
    assert totals(issued) == before
    done(issued, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-04")
    assert [document["total"] for document in register.read(issued)] == ["12.00", "6.00", "8.00", "4.00"]
    recomputed(issued)
    done(issued, "verify")


@pytest.mark.slow
def test_a_pending_correction_is_issued_before_its_month_is_forgotten(issued: Path) -> None:
    append_log(issued, "september.jsonl", canary("09-20", "key_a"))
    done(issued, "nightly", "--as-of", "2026-11-03")
    told = refused(issued, *FORGET, "--with-uninvoiced")
    assert "acme 2026-09: a correction of 2.00 USD on draft-2026-10-acme; issue these drafts first" in told
    done(issued, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-03")
    done(issued, *FORGET)
    recomputed(issued)
    done(issued, "verify")


@pytest.mark.long
def test_neither_a_copy_of_a_log_nor_a_late_line_bills_or_credits_what_was_forgotten(issued: Path) -> None:
    before = totals(issued)
    done(issued, *FORGET)
    copies = [line.replace("{", "{ ", 1) for line in SEPTEMBER]
    late = canary("09-20", "key_a")
    retried = canary("09-30", "key_a").replace("2026-09-30T10", "2026-10-01T10")
    write_log(issued, "copies.jsonl", *copies, late, retried)
    told = done(issued, "nightly", "--as-of", "2026-11-04")
    assert "logs/copies.jsonl: 11 exchanges are of what was forgotten, and left out" in told
    assert totals(issued) == before
    assert holds(issued / "lake", b"CANARY") == []
    done(issued, "verify")


@pytest.mark.long
def test_a_log_that_is_read_again_brings_nothing_back(issued: Path) -> None:
    done(issued, *FORGET)
    before = lake.read_log(issued / "lake").version
    told = done(issued, "collect", "--again", "--as-of", "2026-11-04")
    assert "1 segment holds what was forgotten, and stay as they were read" in told
    assert lake.read_log(issued / "lake").version == before
    (issued / "logs" / "september.jsonl").rename(issued / "logs" / "september.jsonl.1")
    done(issued, "nightly", "--as-of", "2026-11-04")
    assert lake.read_log(issued / "lake").version == before


@pytest.mark.slow
def test_a_price_that_changes_later_corrects_no_month_of_which_something_was_forgotten(issued: Path) -> None:
    before = totals(issued)
    done(issued, *FORGET)
    card = issued / "rates" / "standard.toml"
    card.write_text(card.read_text().replace("prompt = 2.00", "prompt = 3.00"))
    done(issued, "nightly", "--as-of", "2026-11-04")
    now = totals(issued)
    assert now == before | {"draft-2026-10-acme": "12.00", "draft-2026-10-tokyo": "6.00"}
    recomputed(issued)
    done(issued, "verify")


@pytest.mark.slow
def test_a_month_that_is_voided_is_drafted_again_by_its_counts(issued: Path) -> None:
    done(issued, *FORGET)
    done(issued, "invoice", "void", "INV-000001", "--as-of", "2026-11-04")
    assert totals(issued)["draft-2026-09-acme"] == "12.00"
    done(issued, "invoice", "issue", "--period", "2026-09", "--as-of", "2026-11-05")
    recomputed(issued)
    done(issued, "verify")


@pytest.mark.slow
def test_a_day_ends_in_the_time_zone_of_its_account(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books", accounts=ACCOUNTS)
    at_night = [plain("2026-09-30T20:00:00Z", id=f"night-{key}", key=key) for key in ("key_a", "key_t")]
    write_log(root, "a.jsonl", *SEPTEMBER, *at_night)
    done(root, "nightly", "--as-of", "2026-10-02")
    done(root, "invoice", "issue", "--period", "2026-09", "--as-of", "2026-10-02")
    told = done(root, "forget", "--before", "2026-10-01", "--yes", "--as-of", "2026-10-03")
    assert "forgot 10 usage events" in told, "the one of key_t was in October in Tokyo"
    assert totals(root)["draft-2026-10-tokyo"] == "2.00"
    recomputed(root)
    done(root, "verify")


@pytest.mark.long
def test_a_key_is_forgotten_and_its_account_goes_on(issued: Path) -> None:
    before = totals(issued)
    told = refused(issued, "forget", "--key", "key_b", "--yes", "--as-of", "2026-11-03")
    assert "acme 2026-10: 8.00 USD on draft-2026-10-acme" in told
    done(issued, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-03")
    done(issued, "forget", "--key", "key_b", "--yes", "--as-of", "2026-11-03")
    assert holds(issued / "lake", b"CANARY-09-15-key_b") == []
    assert holds(issued / "lake", b"CANARY-09-15-key_a")
    recomputed(issued)
    done(issued, "verify")
    append_log(issued, "october.jsonl", plain("2026-11-04T10:00:00Z", id="new", key="key_b"), canary("10-31", "key_b"))
    told = done(issued, "nightly", "--as-of", "2026-11-05")
    assert "1 exchange is of what was forgotten" in told
    assert {name: total for name, total in totals(issued).items() if name.startswith("draft")} == {
        "draft-2026-11-acme": "2.00"
    }
    assert before["INV-000001"] == totals(issued)["INV-000001"]


@pytest.mark.slow
def test_an_account_is_forgotten_by_the_keys_that_it_had(issued: Path) -> None:
    done(issued, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-03")
    done(issued, "forget", "--account", "tokyo", "--yes", "--as-of", "2026-11-03")
    assert holds(issued / "lake" / "usage_events", b"CANARY-09-15-key_t") == []
    recomputed(issued)
    done(issued, "verify")


@pytest.mark.slow
@pytest.mark.parametrize("is_copy_first", [True, False])
def test_a_copy_on_the_other_side_of_the_date_counts_as_it_did(*, is_copy_first: bool, tmp_path: Path) -> None:
    """The copy that is logged latest decides between two measurements; of equal ones the first is billed."""
    root = make_workspace(tmp_path / "books", accounts=ACCOUNTS)
    old = canary("09-30", "key_a", at="23:59:59Z")
    other = json.loads(old) | {"ts": "2026-10-01T00:00:01Z"}
    if not is_copy_first:
        other["response"]["usage"] = {"prompt_tokens": 3_000_000, "completion_tokens": 0, "total_tokens": 3_000_000}
    write_log(root, "a.jsonl", *SEPTEMBER, old, json.dumps(other))
    done(root, "nightly", "--as-of", "2026-10-02")
    done(root, "invoice", "issue", "--period", "2026-09", "--as-of", "2026-10-02")
    before = totals(root)
    assert before.get("draft-2026-10-acme") == (None if is_copy_first else "6.00")
    done(root, "forget", "--before", "2026-10-01", "--yes", "--as-of", "2026-10-03")
    assert totals(root) == before
    assert bool(holds(root / "lake", b"CANARY")) is not is_copy_first
    done(root, "nightly", "--as-of", "2026-10-04")
    assert totals(root) == before
    recomputed(root)
    done(root, "verify")


@pytest.mark.slow
def test_what_is_forgotten_in_steps_is_kept_as_if_at_once(issued: Path) -> None:
    before = totals(issued)
    for number, day in enumerate(("2026-09-02", "2026-09-16", "2026-10-01"), 3):
        done(issued, "forget", "--before", day, "--yes", "--as-of", f"2026-11-0{number}")
        done(issued, "nightly", "--as-of", f"2026-11-0{number}")
        assert totals(issued) == before
        recomputed(issued)
        done(issued, "verify")
    assert "nothing is left to be forgotten by --before 2026-09-16" in done(
        issued, "forget", "--before", "2026-09-16", "--yes", "--as-of", "2026-11-06"
    )


@pytest.mark.long
def test_a_dry_run_says_what_it_would_be_and_writes_nothing(issued: Path) -> None:
    before = {path: path.read_bytes() for path in issued.rglob("*") if path.is_file() and path.name != ".lock"}
    result = json.loads(tallybook(issued, *FORGET[:-3], "--dry-run", *FORGET[-2:], "-o", "json").stdout)
    assert (result["events"], result["quarantined"], result["files_removed"]) == (9, 1, 4)
    assert result["logs_that_may_be_deleted"] == ["logs/september.jsonl"]
    assert [(row["account"], row["billed_tokens"], row["invoice"]) for row in result["rows"]] == [
        ("acme", 6_000_000, "INV-000001"),
        ("tokyo", 3_000_000, "INV-000002"),
    ]
    assert {path: path.read_bytes() for path in issued.rglob("*") if path.is_file() and path.name != ".lock"} == before


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ((), "say what to forget"),
        (("--before", "2026-10-01", "--key", "key_a"), "say what to forget"),
        (("--before", "2027-10-01"), "which has not come"),
        (("--account", "nobody"), "there is no account 'nobody'"),
        (("--key", "sk-proj-0123456789abcdefghij"), "--key is no key id"),
        (("--before", "2026-10-01"), "give --yes"),
    ],
)
def test_what_cannot_be_meant_is_refused(asked: tuple[str, ...], why: str, issued_once: Path) -> None:
    sure = () if why == "give --yes" else ("--yes",)
    told = refused(issued_once, "forget", *asked, *sure, "--as-of", "2026-11-03", code=2)
    assert why in told
    assert "0123456789abcdefghij" not in told


@pytest.mark.long
def test_an_older_program_is_told_that_the_lake_is_newer_and_a_lake_that_forgot_nothing_is_not(issued: Path) -> None:
    assert lake.read_log(issued / "lake").lake_version == 5
    done(issued, *FORGET)
    assert lake.read_log(issued / "lake").lake_version == 6


@pytest.mark.slow
def test_what_was_forgotten_says_so_wherever_somebody_asks_for_it(issued: Path) -> None:
    bundle = issued.parent / "bundle"
    done(issued, *FORGET)
    said = "forgotten on 2026-11-03 by --before 2026-10-01"
    told = done(issued, "explain", "INV-000001", "1")
    assert f"the events behind 3000000 tokens of it were {said}; their counts are kept" in told
    assert json.loads(done(issued, "explain", "INV-000001", "1", "-o", "json"))["forgotten"] == said
    assert f"by the counts that are kept of events which were {said}" in done(issued, "recompute", "INV-000001")
    told = refused(issued, "recompute", "INV-000001", "--bundle", str(bundle), code=1)
    assert f"events behind INV-000001 (acme, 2026-09) were {said}, so no bundle can hold them" in told
    assert f"of what was {said} no id is kept" in refused(
        issued, "explain", "--request-id", "CANARY-09-15-key_a", code=2
    )
    told = done(issued, "explain", "--source", "logs/september.jsonl", "--line", "3")
    assert f"logs/september.jsonl line 3: forgotten: what the line told was {said}" in told
    done(issued, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-04")
    assert "is recomputed byte for byte" in done(issued, "recompute", "INV-000003", "--bundle", str(bundle))
    assert "2 usage events" in done(issued, "explain", "INV-000003", "1")


@pytest.mark.slow
def test_days_are_answered_as_before_and_hours_that_were_forgotten_are_refused(issued: Path) -> None:
    asked = [("usage", "--by", "day,key", "-o", "csv"), ("cost", "--by", "account,month", "-o", "csv")]
    before = [done(issued, *words) for words in asked]
    done(issued, *FORGET)
    assert [done(issued, *words) for words in asked] == before
    told = refused(issued, "cost", "--by", "hour", "--period", "2026-09", code=2)
    assert "usage of 2026-09-01 to 2026-09-30 was forgotten on 2026-11-03 by --before 2026-10-01: hours" in told
    refused(issued, "usage", "--by", "hour", "--period", "2026-09", code=2)
    done(issued, "usage", "--by", "hour", "--period", "2026-10")
    theirs = issued / "there.csv"
    rows = "date,api_key_id,model,prompt_tokens,completion_tokens\n{0},key_a,jamba-large,1000000,0\n"
    theirs.write_text(rows.format("2026-09-15"))
    assert "UTC days of these days cannot be told" in refused(issued, "reconcile", str(theirs), code=2)
    theirs.write_text(rows.format("2026-10-02"))
    done(issued, "reconcile", str(theirs), "--only-their-keys")


@pytest.mark.long
def test_a_person_at_a_terminal_is_asked_and_may_say_no(issued: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "is_terminal", lambda *_: True)
    asked = ("forget", "--before", "2026-10-01", "--as-of", "2026-11-03")
    result = tallybook(issued, *asked, stdin="n\n")
    assert result.returncode == 130
    assert "this forgets 9 usage events and 1 quarantined line, billed on INV-000001, INV-000002" in result.stderr
    assert "nothing was written" in result.stderr
    assert lake.read_log(issued / "lake").forgettings == ()
    assert tallybook(issued, *asked, stdin="y\n").returncode == 0
    assert len(lake.read_log(issued / "lake").forgettings) == 1


@pytest.mark.long
def test_an_entry_that_forgets_something_else_than_it_removes_is_refused(issued: Path) -> None:
    done(issued, *FORGET)
    (entry,) = [each for each in delta_log(issued) if "FORGET" in each.decode()]
    assert parse_commit(entry, 2)[1].forgetting is not None
    actions = entry.splitlines(keepends=True)
    without = b"".join(line for number, line in enumerate(actions) if number != 2)
    with pytest.raises(ValueError, match="it removes other data files than those that it forgets"):
        parse_commit(without, 2)
    with pytest.raises(ValueError, match="which is none of ours"):
        parse_commit(entry.replace(b"date=2026-09-01/", b"../2026-09-01/"), 2)


def delta_log(root: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(layout.delta_log(root / "lake").glob("*.json"))]


@pytest.mark.long
def test_other_engines_read_what_is_left(issued: Path) -> None:
    before = DeltaTable(issued / "lake" / "usage_events").to_pyarrow_table().num_rows
    done(issued, *FORGET)
    after = DeltaTable(issued / "lake" / "usage_events").to_pyarrow_table()
    assert (before, after.num_rows) == (15, 6)
    assert not any("CANARY" in each for each in after["response_id"].to_pylist())


@pytest.mark.long
def test_margins_that_need_the_events_are_refused_of_what_was_forgotten_and_others_are_told(issued: Path) -> None:
    card = (issued / "rates/standard.toml").read_text(encoding="utf-8").replace('id = "standard"', 'id = "provider"')
    (issued / "rates/provider.toml").write_text(card, encoding="utf-8")
    config = issued / "tallybook.toml"
    config.write_text('cost_card = "provider"\n' + config.read_text(encoding="utf-8"), encoding="utf-8")
    september = ("margin", "--period", "2026-09", "--by", "account", "--json")
    before = tallybook(issued, *september)
    assert json.loads(before.stdout)["rows"], before.stderr
    assert tallybook(issued, *FORGET).returncode == 0
    assert tallybook(issued, *september).stdout == before.stdout
    noon = "2026-09-15T12:00:00Z"
    ending = re.sub(r"(effective_from = \S+)", rf"\1\neffective_to = {noon}", card)
    entries = re.sub(r"effective_from = \S+", f"effective_from = {noon}", card[card.index("[[rates]]") :])
    (issued / "rates/provider.toml").write_text(f"{ending}\n{entries}", encoding="utf-8")
    refused = tallybook(issued, *september)
    assert refused.returncode == 2
    assert "margins by this cost card of these days cannot be told any more" in refused.stderr
    assert tallybook(issued, "margin", "--period", "2026-10", "--by", "account").returncode == 0
