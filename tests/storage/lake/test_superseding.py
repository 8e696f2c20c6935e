"""Which rows of a lake a new reading replaces: row by row, in the segment that was read again and nowhere else."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lake_inputs import COMMITTED_AT, event, events_table, quarantine_table, record

from pipeline import lake
from pipeline.lake.log.superseding import STATED, Place, Superseding, parsed, removal, rendered
from pipeline.lake.rereading import NewReading, Rereading, superseded_events
from pipeline.objects import layout
from pipeline.objects.encoded import parquet_bytes
from pipeline.tables.schemas import QUARANTINE, USAGE_EVENTS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

A, B = "logs/a.jsonl", "logs/b.jsonl"
FIRST, SECOND, OTHER = Place(commit=0, source=0), Place(commit=0, source=1), Place(commit=0, source=2)


def day(number: int) -> datetime:
    return datetime(2026, 3, number, 10, tzinfo=UTC)


E0, E1, E2 = (event(number, day(1 if number == 1 else 2)) for number in (0, 1, 2))
E3, E5 = event(3, day(2)), event(5, day(2))
B1, B3 = (event(number, day(2), source=B, event_id=bytes([number]) * 16) for number in (1, 3))
"""Events of two logs, whose bytes begin at their hundreds."""


def segment(source: str, start: int, end: int, events: Sequence[dict[str, Any]], quarantined: int = 0) -> Any:
    return replace(record(source, events, quarantined), start=start, end=end)


OF_FIRST = segment(A, 0, 300, [E0, E1, E2])
OF_SECOND = segment(A, 300, 600, [E3, E5], 1)
OF_OTHER = segment(B, 0, 400, [B1, B3])


@pytest.fixture
def made(tmp_path: Path) -> lake.LakeSnapshot:
    """A lake of one commit: a log in two segments, the second with a quarantined line, and another log."""
    return lake.commit(
        tmp_path,
        lake.LakeSnapshot(),
        events=events_table([E0, E1, E2, E3, E5, B1, B3]),
        quarantined=quarantine_table([4]),
        sources=[OF_FIRST, OF_SECOND, OF_OTHER],
        committed_at=COMMITTED_AT,
        key_secret_check=None,
    )


def reading(place: Place, of: Any, events: Sequence[dict[str, Any]], quarantined: Any = None) -> NewReading:
    lines = quarantine_table([]) if quarantined is None else quarantined
    return NewReading(
        place=place,
        record=replace(
            of,
            events={"measured": len(events)} if events else {},
            quarantined={"invalid_json": lines.num_rows} if lines.num_rows else {},
            blank=max(of.lines - len(events) - lines.num_rows, 0),
            further=max(len(events) + lines.num_rows - of.lines, 0),
        ),
        events=events_table(events),
        quarantined=lines,
    )


def again(lake_dir: Path, snapshot: lake.LakeSnapshot, *readings: NewReading) -> tuple[Rereading, lake.LakeSnapshot]:
    found = Rereading(lake_dir=lake_dir, snapshot=snapshot, committed_at=COMMITTED_AT)
    for origin in sorted({each.place.commit for each in readings}):
        found.supersede(origin, [each for each in readings if each.place.commit == origin])
    return found, found.commit(None)


def held(lake_dir: Path, snapshot: lake.LakeSnapshot) -> list[tuple[str, int, int]]:
    """Source, first byte and tokens of the prompt of every event that counts."""
    tables = [pq.ParquetFile(path).read() for path in lake.verified_files(lake_dir, snapshot)]
    return sorted(
        (row["source"], row["byte_start"], row["prompt_tokens"]) for table in tables for row in table.to_pylist()
    )


def counted(found: Rereading) -> dict[str, int]:
    names = ("replaced_events", "new_events", "released", "new_quarantined", "told_otherwise")
    return {name: count for name in names if (count := getattr(found, name))}


def test_the_same_reading_leaves_the_lake_as_it_is(tmp_path: Path, made: lake.LakeSnapshot) -> None:
    for readings in (
        [],
        [reading(FIRST, OF_FIRST, [E0, E1, E2])],
        [reading(FIRST, OF_FIRST, [E2, E1, E0]), reading(SECOND, OF_SECOND, [E3, E5], quarantine_table([4]))],
    ):
        found, after = again(tmp_path, made, *readings)
        assert after is made
        assert counted(found) == {}
        assert lake.read_log(tmp_path).version == 0


def test_a_changed_event_is_replaced_and_all_others_of_its_day_stay(tmp_path: Path, made: lake.LakeSnapshot) -> None:
    new = E2 | {"prompt_tokens": 99}
    found, after = again(tmp_path, made, reading(FIRST, OF_FIRST, [E0, E1, new]))
    assert counted(found) == {"replaced_events": 1, "new_events": 1}
    assert after.version == 1
    tables = [pq.ParquetFile(path).read() for path in lake.verified_files(tmp_path, after)]
    rows = [row for table in tables for row in table.to_pylist()]
    assert sorted(rows, key=str) == sorted(events_table([E0, E1, new, E3, E5, B1, B3]).to_pylist(), key=str)
    back, _ = again(tmp_path, after, reading(FIRST, OF_FIRST, [E0, E1, E2]))
    assert counted(back) == {"replaced_events": 1, "new_events": 1}


@pytest.mark.parametrize(
    "changed",
    [{"prompt_tokens": 99}, {"model_requested": None}, {"model_reported": "x"}, {"completion_tokens": 0}],
    ids=str,
)
def test_a_value_that_came_went_or_is_another_makes_an_event_another(
    tmp_path: Path, made: lake.LakeSnapshot, changed: dict[str, Any]
) -> None:
    found, after = again(tmp_path, made, reading(FIRST, OF_FIRST, [E0, E1, E2 | changed]))
    assert counted(found) == {"replaced_events": 1, "new_events": 1}
    assert after.superseded[0].events == superseded_events(tmp_path, after.superseded[0]) == 1
    assert len(after.superseded_files) == 1  # the file of the first of March stays


def test_an_event_of_another_identity_is_another(tmp_path: Path, made: lake.LakeSnapshot) -> None:
    found, _ = again(tmp_path, made, reading(FIRST, OF_FIRST, [E0, E1, E2 | {"event_id": b"another identity"}]))
    assert counted(found) == {"replaced_events": 1, "new_events": 1}


def test_an_event_may_move_to_another_day_and_a_day_may_end_empty(tmp_path: Path, made: lake.LakeSnapshot) -> None:
    found, after = again(tmp_path, made, reading(FIRST, OF_FIRST, [E0, E1 | {"occurred_at": day(9)}, E2]))
    assert counted(found) == {"replaced_events": 1, "new_events": 1}
    assert sorted(str(file.date) for file in after.data_files) == ["2026-03-02", "2026-03-09"]
    assert [str(file.date) for file in after.superseded_files] == ["2026-03-01"]


def test_fewer_and_more_events_are_counted_apart(tmp_path: Path, made: lake.LakeSnapshot) -> None:
    fewer, after = again(tmp_path, made, reading(FIRST, OF_FIRST, [E1]))
    assert counted(fewer) == {"replaced_events": 2}
    assert held(tmp_path, after) == [(A, 100, 11), (A, 300, 13), (A, 500, 15), (B, 100, 11), (B, 300, 13)]
    more, _ = again(tmp_path, after, reading(FIRST, OF_FIRST, [E0, E1, E2]))
    assert counted(more) == {"new_events": 2}


def test_rows_belong_to_the_segment_their_first_byte_is_in(tmp_path: Path, made: lake.LakeSnapshot) -> None:
    _, after = again(tmp_path, made, reading(FIRST, OF_FIRST, []))
    assert held(tmp_path, after) == [(A, 300, 13), (A, 500, 15), (B, 100, 11), (B, 300, 13)]
    _, after = again(tmp_path, after, reading(OTHER, OF_OTHER, []))
    assert held(tmp_path, after) == [(A, 300, 13), (A, 500, 15)]
    _, after = again(tmp_path, after, reading(SECOND, OF_SECOND, [], quarantine_table([4])))
    assert held(tmp_path, after) == []
    assert after.data_files == ()


def test_all_segments_of_a_commit_may_be_read_again_at_once(tmp_path: Path, made: lake.LakeSnapshot) -> None:
    found, after = again(
        tmp_path,
        made,
        reading(FIRST, OF_FIRST, [E0, E2]),
        reading(SECOND, OF_SECOND, [E3], quarantine_table([4, 5])),
        reading(OTHER, OF_OTHER, [B1, B3]),
    )
    assert counted(found) == {"replaced_events": 2, "new_quarantined": 1}
    assert held(tmp_path, after) == [(A, 0, 10), (A, 200, 12), (A, 300, 13), (B, 100, 11), (B, 300, 13)]
    assert [each.events for each in after.sources] == [{"measured": 2}, {"measured": 1}, {"measured": 2}]


def test_a_quarantined_line_is_released_comes_or_is_told_of_otherwise(tmp_path: Path, made: lake.LakeSnapshot) -> None:
    e4 = event(4, day(2))
    released, after = again(tmp_path, made, reading(SECOND, OF_SECOND, [E3, e4, E5]))
    assert counted(released) == {"new_events": 1, "released": 1}
    assert after.quarantine_files == ()
    assert len(after.superseded_quarantine_files) == 1
    come, after = again(tmp_path, after, reading(SECOND, OF_SECOND, [E5], quarantine_table([3, 4])))
    assert counted(come) == {"replaced_events": 2, "new_quarantined": 2}
    detail = quarantine_table([3, 4]).to_pylist()
    detail[1]["detail"] = "byte 7"
    otherwise, after = again(
        tmp_path, after, reading(SECOND, OF_SECOND, [E5], pa.Table.from_pylist(detail, QUARANTINE))
    )
    assert counted(otherwise) == {"told_otherwise": 1}
    swapped, _ = again(tmp_path, after, reading(SECOND, OF_SECOND, [E3], quarantine_table([4, 5])))
    assert counted(swapped) == {
        "replaced_events": 1,
        "new_events": 1,
        "released": 1,
        "new_quarantined": 1,
        "told_otherwise": 1,
    }


def test_a_quarantined_line_of_another_segment_or_log_stays(tmp_path: Path, made: lake.LakeSnapshot) -> None:
    found, after = again(
        tmp_path,
        made,
        reading(FIRST, OF_FIRST, [E0, E1], quarantine_table([2])),
        reading(OTHER, OF_OTHER, [B1], quarantine_table([3], B)),
    )
    assert counted(found) == {"replaced_events": 2, "new_quarantined": 2}
    tables = [pq.ParquetFile(path).read() for path in lake.verified_quarantine(tmp_path, after)]
    assert sorted((row["source"], row["line"]) for table in tables for row in table.to_pylist()) == [
        (A, 2),
        (A, 4),
        (B, 3),
    ]


def test_what_a_record_says_besides_is_replaced_too_but_not_how_the_log_lay_there_first(
    tmp_path: Path, made: lake.LakeSnapshot
) -> None:
    now = replace(reading(FIRST, OF_FIRST, [E0, E1, E2]).record, read_by="7", compression="gzip", file_size=99)
    whole = NewReading(place=FIRST, record=now, events=events_table([E0, E1, E2]), quarantined=QUARANTINE.empty_table())
    found, after = again(tmp_path, made, whole)
    assert counted(found) == {}
    assert after.version == 1
    assert after.data_files == made.data_files
    (stored, *others) = after.sources
    assert (stored.read_by, stored.compression, stored.file_size) == ("7", "none", 4096)
    assert others == [OF_SECOND, OF_OTHER]
    (superseded,) = after.superseded
    assert (superseded.data_files, superseded.quarantine_files, superseded.events) == ((), (), 0)


def test_readings_of_several_commits_are_one_commit_that_counts_them_all(
    tmp_path: Path, made: lake.LakeSnapshot
) -> None:
    c1, c2 = (event(number, day(3), source="logs/c", event_id=bytes([number + 9]) * 16) for number in (1, 2))
    of_c = segment("logs/c", 0, 300, [c1, c2], 1)
    made = lake.commit(
        tmp_path,
        made,
        events=events_table([c1, c2]),
        quarantined=quarantine_table([0], "logs/c"),
        sources=[of_c],
        committed_at=COMMITTED_AT,
        key_secret_check=None,
    )
    place = Place(commit=1, source=0)
    moved, _ = again(
        tmp_path,
        made,
        reading(SECOND, OF_SECOND, [E3 | {"line": 77}, E5, event(4, day(2))]),
        reading(place, of_c, [c1 | {"line": 77}, c2, event(0, day(3), source="logs/c")]),
    )
    assert counted(moved) == {"replaced_events": 2, "new_events": 4, "released": 2}
    after = lake.read_log(tmp_path)
    assert after.version == 2
    assert sorted(Rereading(lake_dir=tmp_path, snapshot=after, committed_at=COMMITTED_AT)._origins) == [0, 1]  # noqa: SLF001
    (superseded,) = after.superseded
    assert superseded.events == superseded_events(tmp_path, superseded) == 2
    assert {file.origin for file in after.data_files} == {0, 1}
    back, after = again(
        tmp_path,
        after,
        reading(SECOND, OF_SECOND, [E3, E5], quarantine_table([4])),
        reading(place, of_c, [c1, c2], quarantine_table([0], "logs/c")),
    )
    assert counted(back) == {"replaced_events": 4, "new_events": 2, "new_quarantined": 2}
    told = [quarantine_table([number], source).to_pylist() for number, source in ((4, A), (0, "logs/c"))]
    for (row,) in told:
        row["detail"] = "byte 7"
    otherwise, _ = again(
        tmp_path,
        after,
        reading(SECOND, OF_SECOND, [E3, E5], pa.Table.from_pylist(told[0], QUARANTINE)),
        reading(place, of_c, [c1, c2], pa.Table.from_pylist(told[1], QUARANTINE)),
    )
    assert counted(otherwise) == {"told_otherwise": 2}


def test_records_that_do_not_account_for_the_rows_are_refused(tmp_path: Path, made: lake.LakeSnapshot) -> None:
    whole = reading(SECOND, OF_SECOND, [E3, E5], quarantine_table([4]))
    for wrong in (
        replace(whole, record=replace(whole.record, events={"measured": 1})),
        replace(whole, record=replace(whole.record, quarantined={})),
        replace(whole, events=events_table([E3])),
        replace(whole, quarantined=QUARANTINE.empty_table()),
        replace(whole, events=events_table([E3]), quarantined=quarantine_table([4, 5])),
    ):
        found = Rereading(lake_dir=tmp_path, snapshot=made, committed_at=COMMITTED_AT)
        with pytest.raises(
            ValueError, match=r"count \(\d, \d\) events and quarantined lines after they are read again"
        ):
            found.supersede(0, [wrong])
        assert found.commit(None) is made


def test_segments_are_told_apart_where_no_other_of_their_log_overlaps_them(
    tmp_path: Path, made: lake.LakeSnapshot
) -> None:
    def is_apart(one: tuple[str, int, int], other: tuple[str, int, int]) -> bool:
        records = tuple(replace(OF_FIRST, source=source, start=start, end=end) for source, start, end in (one, other))
        snapshot = replace(made, places=(FIRST, SECOND), sources=records)
        found = Rereading(lake_dir=tmp_path, snapshot=snapshot, committed_at=COMMITTED_AT)
        assert found.is_told_apart(FIRST) == found.is_told_apart(SECOND)
        return found.is_told_apart(FIRST)

    assert is_apart((A, 0, 300), (A, 300, 600))
    assert is_apart((A, 0, 300), (B, 0, 300))
    for other in ((A, 299, 600), (A, 0, 1), (A, 0, 300), (A, 100, 200), (A, 0, 900)):
        assert not is_apart((A, 0, 300), other)
    apart = replace(made, places=(FIRST, Place(commit=1, source=0)), sources=(OF_FIRST, OF_FIRST))
    assert Rereading(lake_dir=tmp_path, snapshot=apart, committed_at=COMMITTED_AT).is_told_apart(FIRST)


def test_columns_that_came_later_are_null_in_files_of_before() -> None:
    before = events_table([E0]).drop_columns(["model_reported", "other_usage"])
    assert parquet_bytes.with_columns(before, USAGE_EVENTS).equals(events_table([E0]))


FILES = [f"{digit * 64}.parquet" for digit in "0a"]
WHOLE = Superseding(
    places=(FIRST, SECOND),
    data_files=(f"date=2026-03-01/{FILES[0]}", f"date=2026-03-02/{FILES[1]}"),
    quarantine_files=(FILES[0],),
    events=3,
    quarantined=2,
)


def info_of(superseding: Superseding, **changed: Any) -> dict[str, Any]:
    return rendered(superseding) | {"sources": [{}] * len(superseding.places)} | changed


def test_what_an_entry_supersedes_is_read_back_as_it_was_written() -> None:
    info = info_of(WHOLE)
    assert info | {"sources": None} == {
        "supersedes": [{"commit": 0, "source": 0}, {"commit": 0, "source": 1}],
        "removedQuarantine": [FILES[0]],
        "supersededEvents": 3,
        "releasedLines": 2,
        "sources": None,
    }
    assert {name: type(info[name]) for name in STATED} == dict(STATED)
    removals = [removal(path, 1_772_000_000_000) for path in WHOLE.data_files]
    assert removals[0] == {
        "path": f"date=2026-03-01/{FILES[0]}",
        "deletionTimestamp": 1_772_000_000_000,
        "dataChange": True,
    }
    assert parsed(info, removals) == WHOLE
    nothing = replace(WHOLE, data_files=(), quarantine_files=(), events=0, quarantined=0)
    assert parsed(info_of(nothing), []) == nothing


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("../../etc/passwd", "it removes the data file '../../etc/passwd', which is no date="),
        (f"date=2026-3-1/{FILES[0]}", "it removes the data file"),
        (FILES[0], "it removes the data file"),
        (f"date=2026-03-01/x{FILES[0]}", "it removes the data file"),
        (f"date=2026-03-01/{FILES[0]}/{FILES[0]}", "it removes the data file"),
        (7, "path"),
    ],
)
def test_a_removal_of_what_is_no_data_file_is_refused(path: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parsed(info_of(WHOLE), [removal(path, 0)])
    for missing in ("path", "deletionTimestamp", "dataChange"):
        action = removal(WHOLE.data_files[0], 0)
        del action[missing]
        with pytest.raises(ValueError, match=missing):
            parsed(info_of(WHOLE), [action])


@pytest.mark.parametrize("path", [7, None, "x.parquet", f"date=2026-03-01/{FILES[0]}", f"{FILES[0]} "])
def test_a_quarantine_file_of_another_name_is_refused(path: Any) -> None:
    with pytest.raises(ValueError, match=r"it removes the quarantine file .*, which is no <sha256>\.parquet"):
        parsed(info_of(WHOLE, removedQuarantine=[FILES[0], path]), [])


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"sources": [{}]}, "its 1 sources supersede 2 of before; each has one of its own"),
        ({"sources": [{}] * 3}, "its 3 sources supersede 2 of before"),
        ({"supersedes": [{"commit": 0, "source": 0}] * 2}, "its 2 sources supersede 1 of before"),
        ({"supersedes": [{"commit": 0}] * 2}, r"^a superseded source has \['commit'\] where \['commit', 'source'\]"),
        ({"supersedes": [{"commit": 0, "source": "1"}] * 2}, "^source of a superseded source is a str, not a int$"),
        ({"supersedes": [{"commit": True, "source": 1}] * 2}, "^commit of a superseded source is a bool, not a int$"),
        ({"supersedes": [7]}, "^a superseded source has int where"),
    ],
)
def test_each_source_supersedes_one_of_its_own(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parsed(info_of(WHOLE, **changed), [])


def test_an_action_that_has_other_fields_is_refused_by_the_name_of_it() -> None:
    with pytest.raises(ValueError, match=r"^remove has \['path'\] where \['dataChange', 'deletionTimestamp', 'path'\]"):
        parsed(info_of(WHOLE), [{"path": WHOLE.data_files[0]}])
    with pytest.raises(ValueError, match=r"^path of remove is a int, not a str$"):
        parsed(info_of(WHOLE), [removal(7, 0)])  # type: ignore[arg-type]


def test_a_record_that_is_what_it_was_is_not_superseded_with_another(tmp_path: Path, made: lake.LakeSnapshot) -> None:
    same = reading(SECOND, OF_SECOND, [E3, E5], quarantine_table([4]))
    other = reading(FIRST, OF_FIRST, [E0, E1, E2])
    again(tmp_path, made, same, replace(other, record=replace(other.record, read_by="7")))
    entry = max(layout.delta_log(tmp_path).glob("*.json")).read_text(encoding="utf-8").splitlines()[0]
    assert json.loads(entry)["commitInfo"]["supersedes"] == [{"commit": 0, "source": 0}]
