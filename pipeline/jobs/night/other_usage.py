"""What answers state and no meter holds.

Whose it is and how much, so that nothing that was consumed is dropped without a word.

Images, seconds of audio, searches, and the tokens of answers that are not metered. Owns the sums by key. Does not own
what is kept of an answer (``pipeline.collectors``). Only files that hold such a thing are read, and of these two
columns and the identity.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.base.errors import DataFileDamaged
from pipeline.jobs.wording import UNASSIGNED, counted
from pipeline.lake.counted import WHOLE, NewEntry, read_entries, read_piece, write_entries
from pipeline.objects import layout
from pipeline.warehouse.program import digest_of, program_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pipeline.configuration.workspace import Workspace
    from pipeline.lake.log.commit import DataFile
    from pipeline.lake.log.snapshot import LakeSnapshot

_KIND = "other_usage"
_SILENT = "silent"
_NAME = "other_usage"
_ROW = "row"
"""The number of a row in its file, from 0."""
_COLUMNS = ["event_id", "api_key_id", _NAME]


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherUsage:
    """What the answers to one key stated beside the meters."""

    api_key_id: str
    account_id: str
    """Empty where the key belongs to no account now."""
    events: int
    quantities: Mapping[str, int]
    """By the names of the answers, in their order."""


def other_usage(workspace: Workspace, snapshot: LakeSnapshot, *, is_kept: bool = False) -> tuple[OtherUsage, ...]:
    """Return what stands beside the meters, key by key; of copies of one response, one.

    A file that states nothing is not opened again by later nights: it is named by its bytes. With ``is_kept``, for the
    holder of the workspace's lock alone, those that were found now are kept for them.
    """
    folder = layout.usage_events(workspace.lake)
    silent, found_silent, tables = _read_silent(workspace.lake), set[str](), []
    found: dict[str, pa.Table | None] = {}  # a compacted file is opened once
    for file in snapshot.data_files:
        if file.path in silent:
            continue
        if file.stored.path not in found:
            found[file.stored.path] = _stated(folder / file.stored.path)
        table = found[file.stored.path]
        if table is None:
            found_silent.add(file.path)
        else:
            tables.append(_of_part(table, file))
    if is_kept and found_silent:
        _keep_silent(workspace.lake, [file.path for file in snapshot.data_files if file.path in silent | found_silent])
    if not tables:
        return ()
    seen: dict[bytes, tuple[str, str]] = {}
    rows = pa.concat_tables(tables)
    for identity, key, stated in zip(*(rows[name].to_pylist() for name in _COLUMNS), strict=True):
        seen.setdefault(identity, (key, stated))
    quantities: dict[str, Counter[str]] = {}
    events: Counter[str] = Counter()
    for key, stated in seen.values():
        events[key] += 1
        quantities.setdefault(key, Counter()).update(_quantities(stated))
    return tuple(
        OtherUsage(
            api_key_id=key,
            account_id=workspace.accounts.owner_of(key, workspace.now),
            events=events[key],
            quantities=dict(sorted(quantities[key].items())),
        )
        for key in sorted(events)
    )


def _read_silent(lake: Path) -> frozenset[str]:
    entry = read_entries(lake, _KIND).get(WHOLE)
    if entry is None or entry.inputs != digest_of(program_parts()):
        return frozenset()
    try:
        return frozenset(read_piece(lake, _KIND, entry, _SILENT).decode().split("\n"))
    except DataFileDamaged:
        return frozenset()


def _keep_silent(lake: Path, paths: Iterable[str]) -> None:
    content = "\n".join(sorted(paths)).encode()
    write_entries(lake, _KIND, {}, {WHOLE: NewEntry(inputs=digest_of(program_parts()), pieces={_SILENT: content})})


def _quantities(stated: str) -> dict[str, int]:
    """Return names and counts; whatever else stands there is for ``verify`` to say."""
    try:
        found = json.loads(stated)
    except ValueError:
        return {}
    return {name: count for name, count in found.items() if type(count) is int} if isinstance(found, dict) else {}


def _stated(path: Path) -> pa.Table | None:
    """Return the rows of a file that state something, ``None`` where its own statistics say that none does."""
    with pq.ParquetFile(path) as file:
        metadata = file.metadata
        if _NAME not in metadata.schema.names:
            return None  # written before there was such a column
        at = metadata.schema.names.index(_NAME)
        statistics = [metadata.row_group(group).column(at).statistics for group in range(metadata.num_row_groups)]
        groups = [
            group
            for group, found in enumerate(statistics)
            if found is None or not found.has_null_count or found.null_count < metadata.row_group(group).num_rows
        ]
        if not groups:
            return None
        counts = (metadata.row_group(group).num_rows for group in range(metadata.num_row_groups))
        first = list(accumulate(counts, initial=0))
        numbers = [pa.array(range(first[group], first[group + 1]), pa.int64()) for group in groups]
        rows = file.read_row_groups(groups, columns=_COLUMNS).append_column(_ROW, pa.chunked_array(numbers))
    return rows.filter(pc.is_valid(rows[_NAME]))


def _of_part(rows: pa.Table, file: DataFile) -> pa.Table:
    """Return those of a file's rows that are of a part; all of them where it was not compacted."""
    if file.within is None:
        return rows
    start = file.within.start
    return rows.filter(pc.and_(pc.greater_equal(rows[_ROW], start), pc.less(rows[_ROW], start + file.rows)))


def other_usage_text(usage: OtherUsage) -> str:
    """Say what the answers to a key stated beside the meters."""
    listed = ", ".join(f"{quantity} {name}" for name, quantity in usage.quantities.items())
    answers = counted(usage.events, "answer")
    return (
        f"{answers} to key {usage.api_key_id} ({usage.account_id or UNASSIGNED}) stated what no meter holds and nobody "
        f"bills: {listed}"
    )
