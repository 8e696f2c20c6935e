from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import permutations
from threading import Event, active_count
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lake_inputs import COMMITTED_AT, commit_events, event, events_table, quarantine_table, record, tree

from pipeline import lake
from pipeline.base.errors import CommitConflict, DataFileDamaged
from pipeline.lake import event_files
from pipeline.lake.event_files import SORTED_BY, by_date, sorted_days
from pipeline.objects import append_log, layout
from pipeline.objects.encoded import parquet_bytes
from pipeline.tables import schemas

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

EVENING = datetime(2026, 3, 1, 23, 59, 59, 999_999, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)


def test_a_lake_that_does_not_exist_is_empty(tmp_path: Path) -> None:
    assert lake.read_log(tmp_path / "lake") == lake.LakeSnapshot()
    assert not (tmp_path / "lake").exists()


def test_what_was_committed_is_what_is_read(tmp_path: Path) -> None:
    first = commit_events(tmp_path, lake.LakeSnapshot(), [event(1, EVENING), event(2, MIDNIGHT)], quarantined=[3])
    second = commit_events(tmp_path, first, [event(4, MIDNIGHT)], source="logs/b.jsonl")
    assert lake.read_log(tmp_path) == second
    assert second.version == 1
    assert [file.date for file in second.data_files] == [date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 2)]
    assert [each.source for each in second.sources] == ["logs/a.jsonl", "logs/b.jsonl"]
    paths = lake.verified_files(tmp_path, second)
    assert [pq.read_table(path, partitioning=None)["line"].to_pylist() for path in paths] == [[1], [2], [4]]
    (quarantined,) = lake.verified_quarantine(tmp_path, second)
    assert pq.read_table(quarantined).equals(quarantine_table([3]))


def test_a_commit_may_hold_sources_and_no_events(tmp_path: Path) -> None:
    snapshot = commit_events(tmp_path, lake.LakeSnapshot(), [], quarantined=[1, 2])
    assert snapshot.data_files == ()
    assert snapshot.quarantine_files[0].rows == 2
    assert lake.read_log(tmp_path) == snapshot


def test_a_commit_without_sources_is_refused_since_collecting_twice_must_change_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="commit nothing instead"):
        lake.commit(
            tmp_path,
            lake.LakeSnapshot(),
            events=events_table([]),
            quarantined=quarantine_table([]),
            sources=[],
            committed_at=COMMITTED_AT,
            key_secret_check=None,
        )
    assert tree(tmp_path) == {}


@pytest.mark.parametrize(
    ("events", "quarantined", "counted"),
    [([1], [], [1, 2]), ([1, 2], [], [1]), ([1], [2], [1])],
    ids=["event lost", "event extra", "line extra"],
)
def test_a_commit_whose_sources_do_not_account_for_every_row_is_refused(
    tmp_path: Path, events: list[int], quarantined: list[int], counted: list[int]
) -> None:
    with pytest.raises(ValueError, match="the sources count"):
        lake.commit(
            tmp_path,
            lake.LakeSnapshot(),
            events=events_table([event(number, MIDNIGHT) for number in events]),
            quarantined=quarantine_table(quarantined),
            sources=[record("logs/a.jsonl", [event(number, MIDNIGHT) for number in counted])],
            committed_at=COMMITTED_AT,
            key_secret_check=None,
        )
    assert tree(tmp_path) == {}


@pytest.mark.parametrize(
    "change", [lambda table: table.select(table.schema.names[::-1]), lambda table: table.drop_columns(["line"])]
)
def test_events_in_other_columns_are_refused(tmp_path: Path, change: Any) -> None:
    with pytest.raises(ValueError, match=r"see pipeline\.tables\.schemas"):
        lake.commit(
            tmp_path,
            lake.LakeSnapshot(),
            events=change(events_table([])),
            quarantined=quarantine_table([]),
            sources=[record("logs/a.jsonl", [])],
            committed_at=COMMITTED_AT,
            key_secret_check=None,
        )


def test_a_naive_instant_of_commit_is_refused_and_commits_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        lake.commit(
            tmp_path,
            lake.LakeSnapshot(),
            events=events_table([]),
            quarantined=quarantine_table([]),
            sources=[record("logs/a.jsonl", [])],
            committed_at=COMMITTED_AT.replace(tzinfo=None),
            key_secret_check=None,
        )
    assert lake.read_log(tmp_path).version is None


def test_the_last_stated_key_secret_check_is_remembered(tmp_path: Path) -> None:
    snapshot = lake.LakeSnapshot()
    for number, check in enumerate(["first", "second", None]):
        snapshot = lake.commit(
            tmp_path,
            snapshot,
            events=events_table([]),
            quarantined=quarantine_table([]),
            sources=[record(f"logs/{number}.jsonl", [])],
            committed_at=COMMITTED_AT,
            key_secret_check=check,
        )
    assert snapshot.key_secret_check == lake.read_log(tmp_path).key_secret_check
    assert snapshot.key_secret_check == "second"  # noqa: S105 - a check, from which no secret follows


def test_the_same_commits_make_the_same_lake_to_the_byte_whatever_the_order_of_rows(tmp_path: Path) -> None:
    events = [
        event(1, EVENING),
        event(2, MIDNIGHT, api_key_id="key_b"),
        event(3, MIDNIGHT, model_reported="jamba-large"),
    ]
    trees = []
    for number, order in enumerate(permutations(events)):
        lake_dir = tmp_path / str(number)
        lake_dir.mkdir()
        first = commit_events(lake_dir, lake.LakeSnapshot(), order, quarantined=[5, 4] if number % 2 else [4, 5])
        commit_events(lake_dir, first, [event(6, MIDNIGHT)], source="logs/b.jsonl")
        trees.append(tree(lake_dir))
    assert all(each == trees[0] for each in trees)
    assert len(trees[0]) == 6  # three data files, one of quarantined lines, two entries: nothing temporary is left


def test_the_same_rows_committed_again_as_another_source_are_another_file(tmp_path: Path) -> None:
    first = commit_events(tmp_path, lake.LakeSnapshot(), [event(1, MIDNIGHT)], quarantined=[2])
    second = commit_events(tmp_path, first, [event(1, MIDNIGHT)], quarantined=[2])
    assert lake.read_log(tmp_path) == second
    assert len({file.path for file in second.data_files}) == 2
    assert len({file.path for file in second.quarantine_files}) == 2


def test_a_commit_that_was_overtaken_is_told_and_changes_nothing_that_counts(tmp_path: Path) -> None:
    empty = lake.read_log(tmp_path)
    winner = commit_events(tmp_path, empty, [event(1, MIDNIGHT)])
    with pytest.raises(CommitConflict, match="read the log again"):
        commit_events(tmp_path, empty, [event(2, MIDNIGHT)], source="logs/b.jsonl")
    assert lake.read_log(tmp_path) == winner
    again = commit_events(tmp_path, winner, [event(2, MIDNIGHT)], source="logs/b.jsonl")
    assert [
        pq.read_table(path, partitioning=None)["line"].to_pylist() for path in lake.verified_files(tmp_path, again)
    ] == [[1], [2]]


def test_the_loser_of_a_race_over_the_same_logs_leaves_the_winners_files_alone(tmp_path: Path) -> None:
    empty = lake.read_log(tmp_path)
    winner = commit_events(tmp_path, empty, [event(1, MIDNIGHT)])
    with pytest.raises(CommitConflict):
        commit_events(tmp_path, empty, [event(1, MIDNIGHT)])
    assert len(lake.verified_files(tmp_path, winner)) == 1


@pytest.mark.parametrize("kind", ["data", "quarantine"])
@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("missing", "is missing"),
        ("truncated", "bytes, and its log says"),
        ("flipped", "has the sha256"),
        ("link", "is a link"),
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, kind: str, damage: str, told: str) -> None:
    snapshot = commit_events(tmp_path, lake.LakeSnapshot(), [event(1, MIDNIGHT)], quarantined=[2])
    verified = lake.verified_files if kind == "data" else lake.verified_quarantine
    (path,) = verified(tmp_path, snapshot)
    content = path.read_bytes()
    path.unlink()
    if damage == "link":
        (tmp_path / "elsewhere").write_bytes(content)
        path.symlink_to(tmp_path / "elsewhere")
    elif damage != "missing":
        middle = len(content) // 2
        path.write_bytes(
            content[:-1]
            if damage == "truncated"
            else content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        )
    with pytest.raises(DataFileDamaged, match=f"{path}.*{told}.*restore the lake from a backup"):
        verified(tmp_path, snapshot)


def test_orphans_are_invisible_and_then_swept_and_nothing_else_is(tmp_path: Path) -> None:
    snapshot = commit_events(tmp_path, lake.LakeSnapshot(), [event(1, MIDNIGHT)], quarantined=[2])
    before = tree(tmp_path)
    orphans = [
        "quarantine/" + "0" * 64 + ".parquet",
        "usage_events/date=2026-03-02/" + "0" * 64 + ".parquet",
        "usage_events/date=2026-03-09/" + "1" * 64 + ".parquet",
    ]
    foreign = [
        "usage_events/_delta_log/_last_checkpoint",
        "usage_events/date=2026-03-02/notes.txt",
        "usage_events/" + "2" * 64 + ".parquet",
    ]
    for name in orphans + foreign:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"left behind")
    assert lake.read_log(tmp_path) == snapshot
    assert lake.sweep_orphans(tmp_path, snapshot) == sorted(orphans)
    assert tree(tmp_path) == before | dict.fromkeys(foreign, b"left behind")
    assert lake.sweep_orphans(tmp_path, snapshot) == []


def test_the_files_of_a_commit_under_way_are_not_swept_even_by_a_run_that_should_have_waited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = commit_events(tmp_path, lake.LakeSnapshot(), [event(1, MIDNIGHT)])
    swept: list[list[str]] = []

    def sweep_then_append(*arguments: Any) -> str:
        swept.append(lake.sweep_orphans(tmp_path, lake.read_log(tmp_path)))
        return append_entry(*arguments)

    append_entry = append_log.append_entry
    monkeypatch.setattr(append_log, "append_entry", sweep_then_append)
    second = commit_events(tmp_path, first, [event(2, MIDNIGHT)], source="logs/b.jsonl", quarantined=[3])
    assert swept == [[]]
    assert len(lake.verified_files(tmp_path, second)) == 2
    assert len(lake.verified_quarantine(tmp_path, second)) == 1


def test_the_files_of_a_commit_that_was_overtaken_are_swept(tmp_path: Path) -> None:
    winner = commit_events(tmp_path, lake.LakeSnapshot(), [event(1, MIDNIGHT)])
    before = tree(tmp_path)
    with pytest.raises(CommitConflict):
        commit_events(tmp_path, lake.LakeSnapshot(), [event(2, MIDNIGHT)], quarantined=[3])
    assert len(lake.sweep_orphans(tmp_path, winner)) == 2
    assert tree(tmp_path) == before


def test_a_lake_whose_log_was_deleted_keeps_its_data(tmp_path: Path) -> None:
    snapshot = commit_events(tmp_path, lake.LakeSnapshot(), [event(1, MIDNIGHT)])
    append_log.entry_path(layout.delta_log(tmp_path), 0).unlink()
    assert lake.sweep_orphans(tmp_path, lake.read_log(tmp_path)) == []
    assert len(lake.verified_files(tmp_path, snapshot)) == 1


def test_nothing_of_a_lake_that_does_not_exist_is_swept(tmp_path: Path) -> None:
    assert lake.sweep_orphans(tmp_path / "lake", lake.LakeSnapshot()) == []


instants = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants naive bounds
few = st.sampled_from([None, "b", "a", "jamba-mini"])


@pytest.mark.long
@settings(deadline=None)
@given(st.lists(st.tuples(instants, few, few, st.sampled_from(["key_b", "key_a"])), max_size=30))
def test_every_event_is_in_the_file_of_its_utc_date_once_and_in_the_order_of_the_keys(
    drawn: list[tuple[datetime, Any, Any, str]],
) -> None:
    events = [
        event(number, at, model_reported=reported, model_requested=requested, api_key_id=key)
        for number, (at, reported, requested, key) in enumerate(drawn)
    ]
    split = list(by_date(events_table(events)))
    assert [day for day, _ in split] == sorted({at.date() for at, *_ in drawn})
    in_parts = [(day, list(day.parts)) for day in sorted_days(events_table(events), rows_max=2)]
    assert [(day.date, pa.concat_tables(parts)) for day, parts in in_parts] == split
    assert all(
        [part.num_rows for part in parts] == [2] * (day.rows // 2) + [1] * (day.rows % 2) for day, parts in in_parts
    )
    for day, rows in split:
        expected = events_table([each for each in events if each["occurred_at"].date() == day])
        assert rows.equals(expected.sort_by([(name, "ascending") for name in SORTED_BY]))


def _parts_of_a_day(monkeypatch: pytest.MonkeyPatch, before_each: Callable[[int], None]) -> Iterator[pa.Table]:
    """Return the parts of ten rows by four; ``before_each`` is called by who makes one, with its number."""
    made = event_files._parts  # noqa: SLF001 - where parts are made

    def parts(*known: Any) -> Iterator[pa.Table]:
        for number, part in enumerate(made(*known)):
            before_each(number)
            yield part

    monkeypatch.setattr(event_files, "_parts", parts)
    ((_, rows, found),) = sorted_days(events_table([event(number, MIDNIGHT) for number in range(10)]), rows_max=4)
    assert rows == 10
    return found


def test_the_next_part_of_a_day_is_made_while_the_one_before_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    are_made = [Event(), Event(), Event()]
    parts = _parts_of_a_day(monkeypatch, lambda number: are_made[number].set())
    assert next(parts).num_rows == 4
    assert are_made[1].wait(60)
    assert not are_made[2].is_set(), "two at once would be held"
    assert [part.num_rows for part in parts] == [4, 2]


def test_what_fails_while_a_part_is_made_is_raised_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_at_the_last(number: int) -> None:
        if number == 2:
            message = "no memory"
            raise MemoryError(message)

    parts = _parts_of_a_day(monkeypatch, fail_at_the_last)
    assert [next(parts).num_rows, next(parts).num_rows] == [4, 4]
    with pytest.raises(MemoryError, match="no memory"):
        next(parts)


def test_who_asks_for_no_further_part_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = _parts_of_a_day(monkeypatch, lambda _: None)
    next(parts)
    threads = active_count()
    parts.close()  # type: ignore[attr-defined] - a generator, as whoever lets it go closes it
    assert active_count() == threads - 1


def test_a_file_of_many_groups_of_rows_is_the_same_whether_they_come_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parquet_bytes, "ROWS_PER_GROUP", 20)
    rows = events_table([event(number, MIDNIGHT, model_reported=None) for number in range(101)])
    groups = [rows.slice(at, 20) for at in range(0, 101, 20)]
    content = parquet_bytes.encode(rows, {"note": "n"})
    assert parquet_bytes.encode_groups(iter(groups), rows.schema, 101, {"note": "n"}) == content
    assert pq.ParquetFile(pa.BufferReader(content)).num_row_groups == 6
    assert parquet_bytes.decode(content).equals(rows)


def test_no_file_ever_holds_a_floating_column() -> None:
    with pytest.raises(ValueError, match="are floating"):
        parquet_bytes.encode(pa.table({"tokens": pa.array([1.0])}))


def test_a_null_where_none_may_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="non-nullable"):
        commit_events(tmp_path, lake.LakeSnapshot(), [event(1, MIDNIGHT, api_key_id=None)])
    assert lake.read_log(tmp_path).version is None


SCHEMAS = [each for each in vars(schemas).values() if isinstance(each, pa.Schema)]


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.names[0])
def test_every_table_of_the_project_comes_back_with_its_very_types(schema: pa.Schema) -> None:
    examples: dict[pa.DataType, Any] = {
        pa.binary(16): b"0123456789abcdef",
        pa.string(): "jamba",
        pa.bool_(): True,
        pa.int32(): 7,
        pa.int64(): 2**63 - 1,
        pa.date32(): date(2026, 3, 1),
        schemas.INSTANT: EVENING,
    }
    row = {field.name: examples.get(field.type, Decimal("0.000000000001")) for field in schema}
    table = pa.Table.from_pylist([row], schema=schema)
    content = parquet_bytes.encode(table)
    assert parquet_bytes.decode(content).equals(table)
    assert parquet_bytes.decode(content).schema.equals(schema)
    physical = pq.ParquetFile(pa.BufferReader(content)).schema
    assert not {physical.column(index).physical_type for index in range(len(physical))} & {"DOUBLE", "FLOAT"}
