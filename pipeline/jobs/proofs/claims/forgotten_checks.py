"""The claims about what was forgotten: it is gone, nothing of it came back, and what is kept of it is whole.

Does not own how a failed claim is reported (``pipeline.jobs.proofs.verify``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.compute as pc

from pipeline.base.errors import DataFileDamaged
from pipeline.jobs.check import Check, check_that_none
from pipeline.jobs.state.forgotten.rules import COLUMNS, WhatWasForgotten
from pipeline.jobs.wording import counted
from pipeline.lake.checked_files import verified_kept
from pipeline.lake.commits import kept_files
from pipeline.objects import layout
from pipeline.objects.encoded.parquet_bytes import path_of, read_rows
from pipeline.tables.sums import total

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pipeline.configuration.workspace import Workspace
    from pipeline.lake.log.snapshot import LakeSnapshot
    from pipeline.objects.encoded.parquet_bytes import FileRows


def forgotten_checks(workspace: Workspace, snapshot: LakeSnapshot, events: Sequence[FileRows]) -> Iterator[Check]:
    """Check all of it, where anything was forgotten; ``events`` are the data files in force, verified."""
    forgettings = snapshot.forgettings
    if not forgettings:
        return
    still = [path for path in forgotten_files(workspace, snapshot) if path.exists()]
    yield check_that_none(
        [path.relative_to(workspace.root).as_posix() for path in still],
        name="what_was_forgotten_is_gone",
        fine=f"{counted(sum(each.events for each in forgettings), 'event')} and "
        f"{counted(sum(each.quarantined for each in forgettings), 'quarantined line')} "
        + "; ".join(each.text for each in forgettings),
        found="still there (it was begun and not finished, or a backup was put back; 'tallybook nightly' removes it)",
    )
    files = kept_files(snapshot)
    try:
        verified_kept(workspace.lake, files)
    except DataFileDamaged as damage:
        yield Check(name="counts_of_what_was_forgotten_are_kept", ok=False, detail=str(damage))
        return
    yield Check(
        name="counts_of_what_was_forgotten_are_kept",
        ok=True,
        detail=f"{counted(len(files), 'file')} with the sha256 that the log states, for the present and for "
        f"{counted(len(forgettings[-1].points), 'state')} that documents name",
    )
    forgotten = WhatWasForgotten(workspace=workspace, forgettings=forgettings)
    back = {path_of(file): _came_back(forgotten, file) for file in events}
    yield check_that_none(
        [f"{counted(count, 'event')} in {path.parent.name}/{path.name}" for path, count in back.items() if count],
        name="nothing_forgotten_came_back",
        fine="no event is meant by a rule, or is a copy of one that was forgotten",
        found="is there",
    )


def _came_back(forgotten: WhatWasForgotten, file: FileRows) -> int:
    table = read_rows(file, ["event_id", *COLUMNS])
    return total(pc.cast(forgotten.certainly_has(table), "int64"))


def forgotten_files(workspace: Workspace, snapshot: LakeSnapshot) -> Iterator[Path]:
    """Yield where the forgotten files lay, compacted files with their rows among them.

    What is left of one may be what was left of another, and stays.
    """
    events, lines = layout.usage_events(workspace.lake), layout.quarantine(workspace.lake)
    stays = {file.path for file in snapshot.all_files}
    gone = [file.path for each in snapshot.forgettings for file in (*each.data_files, *each.quarantine_files)]
    had = _compacted_with(snapshot, frozenset(gone))
    for path in dict.fromkeys((*(path for path in gone if path not in stays), *had)):
        yield (events if "/" in path else lines) / path


def _compacted_with(snapshot: LakeSnapshot, paths: frozenset[str]) -> list[str]:
    """Return the compacted files of before that had the rows of any of these files."""
    had: dict[str, bool] = {}
    for file in snapshot.compacted:  # what one was made of stands before it in the log
        had[file.path] = any(part.path in paths or had.get(part.path, False) for part in file.parts)
    in_use = {file.stored.path for file in snapshot.all_files}
    return [path for path, is_of_these in had.items() if is_of_these and path not in in_use]
