"""Whatever is kept of earlier nights, and whatever happened to it.

A night's marts are those of all events counted at once.
"""

from __future__ import annotations

import itertools
import random
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from faulty_os import POWER_CUTS, Died, FaultyOs
from lake_nights import commit_night, used
from workspaces import STANDARD, fingerprints, make_workspace, tallybook

from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.state.aggregate import aggregate, aggregate_what_is_new, by_period
from pipeline.jobs.state.counted import dates_counted
from pipeline.jobs.state.drafts import invoice_book
from pipeline.lake import counted
from pipeline.objects import disk
from pipeline.objects.encoded import parquet_bytes
from pipeline.warehouse import connection, program

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from pipeline.lake.log.commit import DataFile

AT_NOON = STANDARD.replace("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z\neffective_to = 2026-10-01T12:00:00Z") + (
    '[[rates]]\nmodel = "jamba-large"\neffective_from = 2026-10-01T12:00:00Z\nprompt = 3.00\ncompletion = 9.00\n'
)
BANDS = (
    '[[rates]]\nmodel = "jamba-large"\nabove_prompt_tokens = 5\neffective_from = 2026-01-01T00:00:00Z\nprompt = 4.00\n'
    "completion = 9.00\n"
)
AS_OF = ("--as-of", "2026-12-01")
TWO_CALENDARS = (
    '[[accounts]]\nid = "acme"\nname = "Acme"\nkeys = ["key_a"]\nbilling_day = 2\nbilling_interval = "quarter"\n'
    '[[accounts]]\nid = "bolt"\nname = "Bolt"\nkeys = ["key_b"]\n'
)
"""Months from the 2nd beside those of the calendar: one date of the lake is in months of both."""
SOURCES = '[[sources]]\nname = "gateway"\npaths = ["logs/*"]\n'


def assert_counted_alike(root: Path) -> None:
    workspace = open_workspace(root)
    mine, whole = aggregate_what_is_new(workspace), aggregate(workspace)
    assert by_period(mine.marts.usage_daily) == by_period(whole.marts.usage_daily)
    assert by_period(mine.marts.exchanges_daily) == by_period(whole.marts.exchanges_daily)
    assert by_period(mine.marts.suspicious_usage) == by_period(whole.marts.suspicious_usage)
    assert mine.marts.broken_claims == whole.marts.broken_claims
    assert not any(mine.marts.broken_claims.values())
    assert mine.marts.advisories == whole.marts.advisories
    assert by_period(mine.rated.charges) == by_period(whole.rated.charges)
    assert mine.rated.unpriced == whole.rated.unpriced
    assert mine.rated.unassigned_tokens == whole.rated.unassigned_tokens
    assert invoice_book(workspace, mine).of() == invoice_book(workspace, whole).of()


@pytest.fixture
def dates_read(monkeypatch: pytest.MonkeyPatch) -> list[date]:
    """The dates whose data files were read, in order of reading."""
    seen: list[date] = []
    read = dates_counted.verified_data_files

    def noting(lake: Path, files: list[DataFile]) -> list[Path]:
        seen.extend({file.date for file in files})
        return read(lake, files)

    monkeypatch.setattr(dates_counted, "verified_data_files", noting)
    return seen


def days_of(dates: list[date]) -> list[str]:
    found = sorted(day.strftime("%m-%d") for day in dates)
    dates.clear()
    return found


RESIZED = "bytes, and its log says"


def one_byte_less(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def one_byte_more(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (Path.unlink, "is missing"),
        pytest.param(one_byte_less, RESIZED, marks=pytest.mark.long),
        pytest.param(one_byte_more, RESIZED, marks=pytest.mark.long),
    ],
)
def test_a_missing_or_resized_file_of_a_date_that_is_counted_already_stops_the_night(
    tmp_path: Path, harm: Callable[[Path], object], said: str
) -> None:
    """What is kept of the date would do; but then nobody would hear of it before the date is read again."""
    root = make_workspace(tmp_path / "books")
    commit_night(root, [used("09-29T10:00", "a"), used("10-01T10:00", "b")])
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    (path,) = (root / "lake" / "usage_events" / "date=2026-09-29").iterdir()
    harm(path)
    before = fingerprints(root)
    night = tallybook(root, "nightly", *AS_OF)
    assert night.returncode == 1
    assert str(path) in night.stderr
    assert said in night.stderr
    assert fingerprints(root) == before


@pytest.mark.slow
def test_a_night_reads_the_dates_that_are_new_and_those_that_new_copies_reach(
    tmp_path: Path, dates_read: list[date]
) -> None:
    root = make_workspace(tmp_path / "books")
    commit_night(
        root, [used("09-29T10:00", "a"), used("09-30T10:00", "b"), used("09-30T11:00", "b"), used("10-01T10:00", "c")]
    )
    assert_counted_alike(root)
    assert days_of(dates_read) == ["09-29", "09-30", "10-01"]
    assert_counted_alike(root)
    assert days_of(dates_read) == []
    commit_night(
        root, [used("10-02T10:00", "a", completion_tokens=5), used("10-02T10:00", "d")]
    )  # the later measurement wins: 09-29 loses an event
    assert_counted_alike(root)
    assert days_of(dates_read) == ["09-29", "10-02"]
    commit_night(root, [used("10-03T10:00", "a", completion_tokens=6), used("10-01T09:00", "late")])
    assert_counted_alike(root)
    assert days_of(dates_read) == ["10-01", "10-03"]  # the other copies of "a" are kept
    commit_night(root, [used("10-04T10:00", "a" + "." * 8 + "x")])  # only begins like them
    assert_counted_alike(root)


@pytest.mark.long
def test_a_later_copy_takes_an_event_out_of_a_closed_month_whose_own_dates_did_not_change(
    tmp_path: Path, dates_read: list[date]
) -> None:
    root = make_workspace(tmp_path / "books")
    commit_night(root, [used("09-28T10:00", "a"), used("10-02T10:00", "a", status="estimated")])
    assert_counted_alike(root)
    days_of(dates_read)
    commit_night(root, [used("10-03T10:00", "a", completion_tokens=5)])
    assert_counted_alike(root)
    assert days_of(dates_read) == ["10-03"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("change", "read"),
    [
        ({"cards": {"standard": AT_NOON}}, ["10-01"]),
        ({"cards": {"standard": STANDARD + BANDS}}, ["09-30", "10-01"]),
        ({"config": 'timezone = "Asia/Kolkata"\n' + SOURCES}, ["09-30", "10-01"]),
        ({"accounts": '[[accounts]]\nid = "acme"\nname = "Acme"\nkeys = ["key_b"]\n'}, []),
    ],
    ids=["a price from noon on", "a threshold of prompt size", "another time zone", "another key"],
)
def test_a_configuration_that_moves_slices_counts_their_dates_again(
    tmp_path: Path, dates_read: list[date], change: dict[str, Any], read: list[str]
) -> None:
    root = make_workspace(tmp_path / "books")
    commit_night(
        root,
        [
            used(f"{day}T{hour}:00", f"{day}{hour}", prompt_tokens=int(hour))
            for day in ("09-30", "10-01")
            for hour in ("03", "11", "13", "20")
        ],
    )
    assert_counted_alike(root)
    days_of(dates_read)
    other = make_workspace(tmp_path / "other", **change)
    for file in other.rglob("*.toml"):
        shutil.copy(file, root / file.relative_to(other))
    assert_counted_alike(root)
    assert days_of(dates_read) == read


@pytest.mark.long
def test_another_program_believes_nothing_that_was_kept(
    tmp_path: Path, dates_read: list[date], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_workspace(tmp_path / "books")
    commit_night(root, [used("09-30T10:00", "a")])
    aggregate_what_is_new(open_workspace(root))
    for name in ("sql_digest", "engine", "__version__", "FORMAT"):
        days_of(dates_read)
        monkeypatch.setattr(program, name, (lambda: "another") if callable(getattr(program, name)) else "another")
        aggregate_what_is_new(open_workspace(root))
        assert days_of(dates_read) == ["09-30"], name


def one_of(root: Path, dice: random.Random) -> Path:
    return dice.choice(sorted((root / "lake/counted").rglob("*.*")))


def flip(root: Path, dice: random.Random) -> None:
    path = one_of(root, dice)
    content = bytearray(path.read_bytes())
    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    path.write_bytes(content)


def swap(root: Path, dice: random.Random) -> None:
    """A file of this folder, and whole, but of another date."""
    one_of(root, dice).write_bytes(one_of(root, dice).read_bytes())


def truncate(root: Path, dice: random.Random) -> None:
    path = one_of(root, dice)
    path.write_bytes(path.read_bytes()[: dice.randrange(2_000)])


def restore(root: Path, dice: random.Random) -> None:
    """The folder as it was nights ago."""
    earlier = root.parent / "earlier"
    if dice.random() < 0.5 and earlier.exists():
        shutil.rmtree(root / "lake/counted")
        shutil.copytree(earlier, root / "lake/counted")
    else:
        shutil.copytree(root / "lake/counted", earlier, dirs_exist_ok=True)


def forget(root: Path, dice: random.Random) -> None:
    for kind in ("dates", "periods", "answers"):
        kept = {key: entry for key, entry in counted.read_entries(root / "lake", kind).items() if dice.random() < 0.5}
        counted.write_entries(root / "lake", kind, kept, {})


MISCHIEF: dict[str, Callable[[Path, random.Random], object]] = {
    "nothing": lambda _root, _dice: None,
    "again nothing": lambda _root, _dice: None,
    "a file is gone": lambda root, dice: one_of(root, dice).unlink(),
    "all is gone": lambda root, _: shutil.rmtree(root / "lake/counted"),
    "a bit is flipped": flip,
    "a file is another's": swap,
    "a file is cut": truncate,
    "the folder is an old one": restore,
    "the manifest lists only half": forget,
}


def live_through_nights(root: Path, seed: int, nights: int) -> None:
    dice = random.Random(seed)
    accounts = TWO_CALENDARS if seed % 2 else ""
    make_workspace(root, cards={"standard": AT_NOON}, accounts=accounts)
    for _ in range(nights):
        commit_night(root, [any_event(dice) for _ in range(dice.randrange(1, 9))])
        assert_counted_alike(root)
        MISCHIEF[dice.choice(sorted(MISCHIEF))](root, dice)
    assert_counted_alike(root)


def any_event(dice: random.Random) -> dict[str, Any]:
    at = (
        f"{dice.choice(['09-29', '09-30', '10-01', '10-02'])}T{dice.choice(['00', '11', '12', '23'])}:"
        f"{dice.choice(['00', '59'])}"
    )
    identity = dice.choice(["a", "b", "c", "d"]) + "." * 7 + dice.choice(["x", "y"])
    status = dice.choice(["measured", "measured", "measured", "estimated", "failed"])
    return used(
        at,
        identity,
        status=status,
        completion_tokens=dice.choice([3, 3, 4]),
        api_key_id=dice.choice(["key_a", "key_b", "key_nobody"]),
    )


@pytest.mark.long
@pytest.mark.parametrize("seed", [1])
def test_late_events_copies_and_damage_never_change_the_marts(tmp_path: Path, seed: int) -> None:
    live_through_nights(tmp_path / "books", seed, nights=3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 60))
def test_many_more_nights_never_change_the_marts(tmp_path: Path, seed: int) -> None:
    live_through_nights(tmp_path / "books", seed, nights=6)


@pytest.mark.long
def test_dates_are_counted_in_rounds_and_the_copies_among_rounds_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dates_counted, "ROUND_EVENTS_MAX", 2)
    root = make_workspace(tmp_path / "books")
    commit_night(
        root,
        [
            used(f"09-{day}T10:00", identity, completion_tokens=day)
            for day in (26, 27, 28, 29)
            for identity in ("a", f"{day}")
        ],
    )
    assert_counted_alike(root)
    assert_counted_alike(root)


def slices_changed(monkeypatch: pytest.MonkeyPatch, change: Callable[[pa.Table], pa.Table]) -> None:
    """Let a date be counted otherwise than its events say, behind the back of the claims about it."""
    count = dates_counted.count_slices

    def changed(*args: Any, **named: Any) -> tuple[pa.Table, dict[str, Any]]:
        totals, broken = count(*args, **named)
        return change(totals), broken

    monkeypatch.setattr(dates_counted, "count_slices", changed)


@pytest.mark.long
def test_events_that_a_night_lost_are_heard_that_night_and_not_lost_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_workspace(tmp_path / "books")
    commit_night(root, [used("09-30T10:00", "a")])
    slices_changed(monkeypatch, lambda totals: totals.slice(0, 0))
    done = tallybook(root, "nightly", *AS_OF)
    assert (done.returncode, "committed_events_lost does not hold" in done.stderr) == (7, True), done.stderr
    monkeypatch.undo()
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    assert tallybook(root, "verify").returncode == 0


@pytest.mark.long
def test_a_kept_period_that_lost_events_is_heard_although_none_of_it_is_counted(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    commit_night(root, [used("09-30T10:00", "a"), used("10-02T10:00", "b")])
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    lake = root / "lake"
    entry = counted.read_entries(lake, "periods")["2026-09"]
    pieces = {name: counted.read_piece(lake, "periods", entry, name) for name in entry.pieces}
    emptied = {
        name: parquet_bytes.encode(parquet_bytes.decode(content).slice(0, 0)) if content else b""
        for name, content in pieces.items()
    }
    wrong = counted.NewEntry(inputs=entry.inputs, pieces=emptied)
    counted.write_entries(lake, "periods", counted.read_entries(lake, "periods"), {"2026-09": wrong})
    done = tallybook(root, "nightly", *AS_OF)
    assert (done.returncode, "committed_events_lost does not hold" in done.stderr) == (7, True), done.stderr
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    assert tallybook(root, "verify").returncode == 0


@pytest.fixture
def counted_by_sql(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A word for every time that a connection to the engine was opened."""
    opened: list[str] = []
    open_again = connection._database  # noqa: SLF001

    def noting(folder: str, spill: str) -> Any:
        opened.append("opened")
        return open_again(folder, spill)

    monkeypatch.setattr(connection, "_database", noting)
    return opened


UNPRICED = {**used("09-29T12:00", "c"), "model_requested": "jamba-unheard-of"}
NOBODY = {**used("10-02T12:00", "d"), "api_key_id": "key_nobody"}


@pytest.mark.long
def test_a_night_with_nothing_new_asks_no_sql_and_says_what_the_night_before_said(
    tmp_path: Path, counted_by_sql: list[str]
) -> None:
    root = make_workspace(tmp_path / "books")
    commit_night(root, [used("09-30T10:00", "a"), used("10-02T10:00", "b", status="unknown"), UNPRICED, NOBODY])
    first = tallybook(root, "nightly", *AS_OF)
    assert "tokens of acme for model 'jamba-unheard-of' are unpriced" in first.stderr
    assert "tokens of key key_nobody, model 'jamba-large', are unassigned" in first.stderr
    assert "exchange of acme stated no usage" in first.stderr
    assert counted_by_sql
    counted_by_sql.clear()
    before = fingerprints(root)
    second = tallybook(root, "nightly", *AS_OF)
    known = "".join(f"{line} (known since 2026-12-01)\n" for line in first.stderr.splitlines())
    assert (counted_by_sql, second.stderr) == ([], known)
    assert second.stdout == first.stdout
    assert fingerprints(root) == before
    assert_counted_alike(root)


@pytest.mark.long
def test_answers_that_are_gone_or_damaged_are_asked_again(tmp_path: Path, counted_by_sql: list[str]) -> None:
    root = make_workspace(tmp_path / "books")
    commit_night(root, [used("09-30T10:00", "a", status="unknown")])
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    for harm in (lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:40])):
        for path in sorted((root / "lake/counted/answers").iterdir()):
            harm(path)
            counted_by_sql.clear()
            aggregate_what_is_new(open_workspace(root))
            assert counted_by_sql
    assert_counted_alike(root)


@pytest.mark.long
@pytest.mark.parametrize(
    "changed",
    [
        {"accounts": '[[accounts]]\nid = "acme"\nname = "Acme, Inc."\nkeys = ["key_a"]\n'},
        {"config": '[policy]\nunmeasured = "bill-estimate"\n'},
    ],
    ids=["accounts", "policy"],
)
def test_answers_about_another_configuration_are_not_believed(
    tmp_path: Path, counted_by_sql: list[str], changed: dict[str, str]
) -> None:
    root = make_workspace(tmp_path / "books")
    commit_night(root, [used("09-30T10:00", "a", status="unknown")])
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    other = make_workspace(tmp_path / "other", **changed)
    for file in other.rglob("*.toml"):
        shutil.copy(file, root / file.relative_to(other))
    counted_by_sql.clear()
    aggregate_what_is_new(open_workspace(root))
    assert counted_by_sql
    assert_counted_alike(root)


@pytest.mark.long
def test_a_wrong_count_that_breaks_no_claim_refuses_issue_and_void_which_believe_nothing_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_workspace(tmp_path / "books")
    commit_night(root, [used("09-30T10:00", "a")])
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    assert tallybook(root, "invoice", "issue", "--period", "2026-09", *AS_OF).returncode == 0
    commit_night(root, [used("10-02T10:00", "b")])
    slices_changed(monkeypatch, all_tokens_stated_as_ten)
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    monkeypatch.undo()
    assert tallybook(root, "nightly", *AS_OF).returncode == 0  # still wrong: nothing that it depends on changed
    before = fingerprints(root / "invoices")
    for command in (("issue", "--period", "2026-10"), ("void", "INV-000001")):
        refused = tallybook(root, "invoice", *command, *AS_OF)
        assert (refused.returncode, "usage_daily_is_what_the_events_say" in refused.stderr) == (4, True), refused.stderr
    assert fingerprints(root / "invoices") == before
    assert tallybook(root, "verify").returncode == 6
    shutil.rmtree(root / "lake/counted")  # as the refusal says
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    assert tallybook(root, "invoice", "issue", "--period", "2026-10", *AS_OF).returncode == 0
    assert tallybook(root, "verify").returncode == 0


def all_tokens_stated_as_ten(totals: pa.Table) -> pa.Table:
    column = totals.schema.get_field_index("completion_tokens")
    return totals.set_column(
        column, totals.schema.field(column), pa.array([10] * totals.num_rows, totals.schema.field(column).type)
    )


@pytest.mark.slow
def test_a_night_that_dies_at_any_call_leaves_nothing_that_the_next_one_believes_wrongly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = make_workspace(tmp_path / "base")
    commit_night(base, [used("09-29T10:00", "a"), used("09-30T10:00", "b")])
    aggregate_what_is_new(open_workspace(base))
    commit_night(base, [used("10-01T10:00", "a", completion_tokens=5), used("09-30T11:00", "c")])
    whole = aggregate(open_workspace(base)).marts
    deaths = 0
    for die_at in itertools.count(1, 4):  # every fourth call: each takes four whole nights
        root = tmp_path / str(die_at)
        shutil.copytree(base, root)
        fault = FaultyOs(root, die_at=die_at)
        monkeypatch.setattr(disk, "os", fault)
        try:
            aggregate_what_is_new(open_workspace(root))
            break
        except Died:
            fault.revive()
        cuts = [fault.after_power_cut(tmp_path / f"{die_at} {name}", survives) for name, survives in POWER_CUTS.items()]
        monkeypatch.undo()
        for each in (root, *cuts):
            mine = aggregate_what_is_new(open_workspace(each)).marts
            assert by_period(mine.usage_daily) == by_period(whole.usage_daily)
            assert by_period(mine.exchanges_daily) == by_period(whole.exchanges_daily)
        deaths += 1
    assert deaths > 5
