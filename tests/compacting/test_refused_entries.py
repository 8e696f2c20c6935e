"""An entry that compacts is believed where every row is where it says, and other engines count the same by it."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from forged_entries import body, rewrite
from lake_inputs import COMMITTED_AT, commit_events, event

from pipeline import lake
from pipeline.base.errors import LogEntryRefused
from pipeline.jobs.upkeep.compact import _committed, planned
from pipeline.lake.log.applying import check_apart, moved
from pipeline.lake.log.commit import COMPACT, Commit, DataFile
from pipeline.lake.log.compacting import CompactedFile, Compaction, Part, Within
from pipeline.lake.log.superseding import Superseding
from pipeline.objects import append_log, layout

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from forged_entries import Actions

    Change = Callable[[Actions], object]

DAYS = [datetime(2026, 3, day, 12, tzinfo=UTC) for day in (1, 2)]


@pytest.fixture(scope="module")
def compacted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days of two commits each are compacted, of one and of two rows; and so are their quarantined lines."""
    folder = tmp_path_factory.mktemp("compacted") / "lake"
    snapshot = lake.LakeSnapshot()
    for number in (1, 2):
        events = [event(10 * number + each, day) for day in DAYS for each in range(number)]
        snapshot = commit_events(folder, snapshot, events, source=f"logs/{number}.jsonl", quarantined=[number])
    groups = planned(snapshot, before=datetime(2026, 4, 1, tzinfo=UTC).date(), size_max=10**6)
    snapshot = _committed(folder, snapshot, groups, COMMITTED_AT)
    assert (snapshot.version, len(snapshot.compacted), snapshot.lake_version) == (3, 3, 7)
    return folder


def compacts(change: Callable[[dict[str, Any]], object]) -> Change:
    return lambda actions: change(body(actions, "commitInfo")["compacts"])


def of_first(**fields: Any) -> Change:
    return compacts(lambda stated: stated["files"][0].update(fields))


def parts(change: Callable[[list[dict[str, Any]]], object]) -> Change:
    return compacts(lambda stated: change(stated["files"][0]["parts"]))


def without(kind: str) -> Change:
    """Take one action of a kind out."""

    def change(actions: Actions) -> None:
        actions.remove(next(each for each in actions if kind in each))

    return change


def exchanged(found: list[dict[str, Any]]) -> None:
    found[0]["rows"], found[1]["rows"] = found[1]["rows"], found[0]["rows"]


def of_the_other_day(stated: dict[str, Any]) -> None:
    one, other = (file["parts"] for file in stated["files"])
    one[0], other[0] = other[0], one[0]


REFUSED: dict[str, tuple[Change, str]] = {
    "a part with other rows": (parts(exchanged), "it compacts 2 rows of date=2026-03-01/"),
    "a part less": (parts(lambda found: found.pop()), "it adds other compacted files than it states"),
    "a part twice": (parts(lambda found: found.append(found[0])), "or one twice"),
    "no part": (parts(lambda found: found.clear()), "or one twice, or none"),
    "a part of another day": (compacts(of_the_other_day), "it compacts files of 2 dates"),
    "a part that never was": (
        parts(lambda found: found[0].update(path=f"date=2026-03-01/{'0b' * 32}.parquet")),
        "rows of date=2026-03-01/0b0b",
    ),
    "a part that is no file of ours": (parts(lambda found: found[0].update(path="../x")), "which is no file of ours"),
    "a part with a field of its own": (parts(lambda found: found[0].update(more=1)), "more"),
    "a file that counts and is not added": (without("add"), "it adds other compacted files than it states"),
    "a file that does not leave the table": (without("remove"), "leave a table that holds something else"),
    "a file that is kept and counts": (of_first(inForce=False), "it compacts files and does something else"),
    "another size": (of_first(size=1), "it adds other compacted files than it states"),
    "another day": (of_first(path=f"date=2026-03-07/{'0b' * 32}.parquet"), "it compacts files of 2 dates"),
    "changes of the table": (
        lambda actions: body(actions, "remove").update(dataChange=True),
        "its actions remove are not those that Tallybook writes",
    ),
    "nothing": (
        lambda actions: (
            body(actions, "commitInfo")["compacts"].update(files=[], quarantine=[]),
            actions.__setitem__(slice(None), [each for each in actions if not {"add", "remove"} & each.keys()]),
        ),
        "it compacts no file",
    ),
    "a source": (lambda actions: body(actions, "commitInfo")["sources"].append({}), "a source"),
    "another operation": (lambda actions: body(actions, "commitInfo").update(operation="COLLECT"), "compacts"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_nobody_could_have_compacted_is_refused(what: str, compacted: Path, tmp_path: Path) -> None:
    change, says = REFUSED[what]
    forged = shutil.copytree(compacted, tmp_path / "lake")
    rewrite(append_log.entry_path(layout.delta_log(forged), 3), change)
    with pytest.raises(LogEntryRefused, match=says) as refused:
        lake.read_log(forged)
    assert re.search("restore the lake from a backup", str(refused.value))


def of_rows(name: str, rows: int) -> DataFile:
    day = date(2026, 3, 1)
    return DataFile(path=f"date={day}/{name}.parquet", date=day, sha256=name, size=9, rows=rows)


def holding(name: str, *files: DataFile, in_force: bool = True) -> CompactedFile:
    """Return a compacted file of these, one behind the other."""
    parts = tuple(Part(path=file.path, rows=file.rows) for file in files)
    path, rows = of_rows(name, 0).path, sum(file.rows for file in files)
    return CompactedFile(path=path, sha256=name, size=9, rows=rows, in_force=in_force, parts=parts)


def lie_in(
    file: CompactedFile, locations: Mapping[str, Within], counts: list[DataFile], kept: list[DataFile]
) -> list[int]:
    """Return at which rows the parts of a compacted file begin."""
    compaction = Compaction(data_files=(file,), quarantine_files=(), removed=())
    found = moved(locations, compaction, *({each.path: each for each in files} for files in (counts, kept)))
    return [location.start for location in found.values() if location.file is file]


def test_a_compacted_file_holds_what_counts_or_what_is_kept_and_leaves_no_part_behind() -> None:
    one, two, three = of_rows("1", 1), of_rows("2", 2), of_rows("3", 3)
    assert lie_in(holding("a", one, two), {}, [one, two], [three]) == [0, 1]
    assert lie_in(holding("a", three, in_force=False), {}, [one, two], [three]) == [0]
    for in_force in (True, False):
        with pytest.raises(
            ValueError, match=r"it leaves date=2026-03-01/[13].parquet in date=.*a.parquet, whose parts"
        ):
            lie_in(holding("a", one, three, in_force=in_force), {}, [one, two], [three])
    before = holding("b", one, two)
    locations = {one.path: Within(file=before, start=0), two.path: Within(file=before, start=1)}
    assert lie_in(holding("a", three, one, two), locations, [one, two, three], []) == [3, 4, 0]
    with pytest.raises(ValueError, match=r"it leaves date=2026-03-01/b.parquet with 3 rows, of which 2 are of a file"):
        lie_in(holding("a", three, one), locations, [one, two, three], [])


def test_a_part_is_taken_out_only_where_it_is_said_what_becomes_of_the_others() -> None:
    one, two = of_rows("1", 1), of_rows("2", 2)
    locations = {each.path: Within(file=holding("a", one, two), start=0) for each in (one, two)}
    superseding = Superseding(places=(), data_files=(two.path,), quarantine_files=(), events=0, quarantined=0)
    commit = Commit(
        number=3,
        committed_at=COMMITTED_AT,
        previous_sha256="0" * 64,
        data_files=(),
        quarantine_files=(),
        sources=(),
        key_secret_check=None,
        superseding=superseding,
    )
    check_apart(commit, {})
    with pytest.raises(
        ValueError, match=r"it takes out date=2026-03-01/2.parquet, which lies in date=.*a.parquet with"
    ):
        check_apart(commit, locations)
    compaction = Compaction(data_files=(), quarantine_files=(), removed=())
    check_apart(replace(commit, compaction=compaction), locations)


def test_nothing_is_compacted_before_the_lake_says_so(compacted: Path, tmp_path: Path) -> None:
    forged = shutil.copytree(compacted, tmp_path / "lake")
    log_dir = layout.delta_log(forged)
    entry = append_log.entry_path(log_dir, 2)

    def older(actions: Actions) -> None:
        body(actions, "metaData")["configuration"]["tallybook.lakeVersion"] = "6"

    rewrite(entry, older)
    sha256 = append_log.sha256_of(entry.read_bytes())
    rewrite(
        append_log.entry_path(log_dir, 3),
        lambda actions: body(actions, "commitInfo").update(previousSha256=sha256),
    )
    with pytest.raises(LogEntryRefused, match="it compacts files in version 6 of the lake"):
        lake.read_log(forged)


def test_an_entry_that_compacts_reads_back_as_it_was_written(compacted: Path) -> None:
    snapshot = lake.read_log(compacted)
    assert [file.in_force for file in snapshot.compacted] == [True, True, True]
    assert [sum(part.rows for part in file.parts) for file in snapshot.compacted] == [3, 3, 2]
    assert {file.within.start for file in snapshot.data_files if file.within} == {0, 1}
    before = lake.read_log(compacted, until=1)
    assert before.data_files == snapshot.data_files
    assert [file.stored for file in before.data_files] == [file.stored for file in snapshot.data_files]
    assert body_of(compacted)["operation"] == COMPACT


def body_of(lake_dir: Path) -> dict[str, Any]:
    import json  # noqa: PLC0415

    content = append_log.entry_path(layout.delta_log(lake_dir), 3).read_bytes()
    found: dict[str, Any] = json.loads(content.split(b"\n")[0])["commitInfo"]
    return found
