"""Death, failure and power cuts at every call to the disk.

Old or new, never between, and a plain re-run ends with every event once.

The harness proves itself: it asserts that both outcomes were seen, and that it kills the mutants of the protocol.
"""

from __future__ import annotations

import errno
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from faulty_os import POWER_CUTS, Died, FaultyOs
from lake_inputs import commit_events, event, tree

from pipeline import lake, register
from pipeline.base.errors import CommitConflict, LakeError
from pipeline.objects import disk, layout, litter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 3, tzinfo=UTC)
LOGS = {"logs/a.jsonl": [event(1, NOON)], "logs/b.jsonl": [event(2, NOON), event(3, MIDNIGHT)]}
UNREADABLE = {"logs/a.jsonl": [], "logs/b.jsonl": [9]}
OLD, NEW = [1], [1, 2, 3]
NOTHING_SURVIVES = POWER_CUTS["no name survives"]


def collect(lake_dir: Path, *sources: str) -> None:
    """What a run does: read the log, sweep, commit what is not committed yet."""
    snapshot = lake.read_log(lake_dir)
    litter.sweep(lake_dir.parent)
    lake.sweep_orphans(lake_dir, snapshot)
    known = {each.source for each in snapshot.sources}
    for source in sources:
        if source not in known:
            snapshot = commit_events(lake_dir, snapshot, LOGS[source], source=source, quarantined=UNREADABLE[source])


def lines(lake_dir: Path) -> list[int]:
    """The lines of all events that count, each file verified."""
    snapshot = lake.read_log(lake_dir)
    lake.verified_quarantine(lake_dir, snapshot)
    assert [each.source for each in snapshot.sources] == list(LOGS)[: len(snapshot.sources)]
    paths = lake.verified_files(lake_dir, snapshot)
    return sorted(line for path in paths for line in pq.ParquetFile(path).read(["line"])["line"].to_pylist())


def lake_with_one_commit(tmp_path: Path) -> Path:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    collect(workspace / "lake", "logs/a.jsonl")
    return workspace / "lake"


@pytest.mark.long
def test_death_at_any_call_leaves_old_or_new_and_a_rerun_ends_with_every_event_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = []
    for die_at in count(1):
        folder = tmp_path / f"death-{die_at}"
        lake_dir = folder / "workspace" / "lake"
        lake_dir.parent.mkdir(parents=True)
        fault = FaultyOs(lake_dir.parent, die_at=die_at)
        monkeypatch.setattr(disk, "os", fault)
        try:
            collect(lake_dir, *LOGS)
            break
        except Died:
            fault.revive()
        outcomes.append(tuple(lines(lake_dir)))
        for name, survives in POWER_CUTS.items():
            cut = fault.after_power_cut(folder / name, survives)
            left = lines(cut / "lake")
            assert left in ([], OLD, NEW)
            assert len(left) >= len(outcomes[-1]), "what a reader was shown was lost"
        collect(lake_dir, *LOGS)
        assert lines(lake_dir) == NEW
        cut = fault.after_power_cut(folder / "cut-after", NOTHING_SURVIVES)
        assert lines(cut / "lake") == NEW, "what was acknowledged was lost"
        snapshot = lake.read_log(lake_dir)
        assert lake.sweep_orphans(lake_dir, snapshot) == []
        assert len(tree(lake_dir)) == 3 + 1 + 2  # data files, quarantine files, entries: no leftover
    assert set(outcomes) == {(), tuple(OLD), tuple(NEW)}
    assert len(outcomes) > 50


@pytest.mark.long
def test_an_io_error_at_any_call_is_raised_and_a_rerun_ends_with_every_event_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = []
    for fail_at in count(1):
        lake_dir = tmp_path / f"failure-{fail_at}" / "lake"
        lake_dir.parent.mkdir()
        fault = FaultyOs(lake_dir.parent, fail_at=fail_at)
        monkeypatch.setattr(disk, "os", fault)
        try:
            collect(lake_dir, *LOGS)
            break
        except OSError as failure:
            assert failure.errno == errno.EIO  # noqa: PT017 - the last round must not fail
            fault.revive()
        outcomes.append(tuple(lines(lake_dir)))
        collect(lake_dir, *LOGS)
        assert lines(lake_dir) == NEW
    assert set(outcomes) == {(), tuple(OLD), tuple(NEW)}
    assert len(outcomes) > 50


def acknowledged_then_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ignore_fsync: Callable[[str, bool], bool]
) -> list[list[int]]:
    """Collect everything, cut the power, and read what is left, in every bad case."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    fault = FaultyOs(workspace, ignore_fsync=ignore_fsync)
    monkeypatch.setattr(disk, "os", fault)
    collect(workspace / "lake", *LOGS)
    cuts = [fault.after_power_cut(tmp_path / name, survives) for name, survives in POWER_CUTS.items()]
    monkeypatch.undo()
    left = []
    for cut in cuts:
        try:
            left.append(lines(cut / "lake"))
        except LakeError:
            left.append([])
    return left


def test_what_was_acknowledged_survives_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert acknowledged_then_cut(tmp_path, monkeypatch, lambda *_: False) == [NEW] * len(POWER_CUTS)


MUTANTS: dict[str, Callable[[str, bool], bool]] = {
    "no fsync of data files": lambda path, _: "/date=" in path and "/.tmp-" in path,
    "no fsync of quarantine files": lambda path, _: "/quarantine/.tmp-" in path,
    "no fsync of log entries": lambda path, _: "/_delta_log/.tmp-" in path,
    "no fsync of partition folders": lambda path, is_folder: is_folder and "/date=" in path,
    "no fsync of the log folder": lambda path, _: path.endswith("/_delta_log"),
    "no fsync of the quarantine folder": lambda path, _: path.endswith("/quarantine"),
    "no fsync of the table's folder": lambda path, _: path.endswith("/usage_events"),
    "no fsync of the lake's folder": lambda path, _: path.endswith("/lake"),
    "no fsync of the workspace's folder": lambda path, _: path.endswith("/workspace"),
}


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS.keys())
def test_every_fsync_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mutant: Callable[[str, bool], bool]
) -> None:
    assert acknowledged_then_cut(tmp_path, monkeypatch, mutant) != [NEW] * len(POWER_CUTS)


def test_an_entry_that_a_dead_run_linked_and_did_not_sync_is_durable_once_it_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake_dir = lake_with_one_commit(tmp_path)
    workspace = lake_dir.parent
    fault = FaultyOs(workspace, ignore_fsync=lambda path, _: path.endswith("/_delta_log"))
    monkeypatch.setattr(disk, "os", fault)
    collect(lake_dir, *LOGS)
    assert lines(fault.after_power_cut(tmp_path / "unread", NOTHING_SURVIVES) / "lake") == OLD
    fault.ignore_fsync = lambda *_: False
    collect(lake_dir, *LOGS)  # finds nothing new, and ends well
    assert lines(fault.after_power_cut(tmp_path / "read", NOTHING_SURVIVES) / "lake") == NEW


def race(tmp_path: Path) -> tuple[list[int], int]:
    """Let two writers commit after the same snapshot, the loser trying again.

    Return what counts, and how many conflicts there were.
    """
    lake_dir = lake_with_one_commit(tmp_path)
    seen_by_both = lake.read_log(lake_dir)
    commit_events(lake_dir, seen_by_both, [event(2, NOON)], source="logs/b.jsonl")
    conflicts = 0
    try:
        commit_events(lake_dir, seen_by_both, [event(3, NOON)], source="logs/c.jsonl")
    except CommitConflict:
        conflicts += 1
        commit_events(lake_dir, lake.read_log(lake_dir), [event(3, NOON)], source="logs/c.jsonl")
    snapshot = lake.read_log(lake_dir)
    paths = lake.verified_files(lake_dir, snapshot)
    return sorted(line for path in paths for line in pq.ParquetFile(path).read(["line"])["line"].to_pylist()), conflicts


def test_of_two_writers_one_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    assert race(tmp_path) == ([1, 2, 3], 1)


def test_the_race_notices_a_rename_in_the_place_of_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "link_new", disk.rename)
    counted, conflicts = race(tmp_path)
    assert (counted, conflicts) == ([1, 3], 0), "the mutant loses what the first writer was acknowledged"


def issue(workspace: Path, period: str) -> None:
    """What a run does: issue the period's invoice unless it is issued."""
    documents = register.read(workspace)
    litter.sweep(workspace)
    if period not in [document["period"] for document in documents]:
        register.append(workspace, documents, lambda number: {"number": number, "period": period})


def test_an_invoice_is_issued_once_whenever_its_run_dies_and_its_number_leaves_no_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = set()
    for die_at in count(1):
        workspace = tmp_path / f"death-{die_at}"
        workspace.mkdir()
        fault = FaultyOs(workspace, die_at=die_at)
        monkeypatch.setattr(disk, "os", fault)
        try:
            issue(workspace, "2026-03")
            break
        except Died:
            fault.revive()
        outcomes.add(len(register.read(workspace)))
        issue(workspace, "2026-03")
        issue(workspace, "2026-04")
        cut = fault.after_power_cut(tmp_path / f"cut-{die_at}", NOTHING_SURVIVES)
        expected = [(1, "2026-03"), (2, "2026-04")]
        assert [(each["number"], each["period"]) for each in register.read(cut)] == expected
        assert len(tree(layout.register(workspace))) == 2
    assert outcomes == {0, 1}
