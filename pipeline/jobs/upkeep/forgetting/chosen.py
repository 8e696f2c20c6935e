"""Which rows of which files are forgotten.

Those that the rule means; all copies of a response whose counting copy is among them, or one of these would count
instead; the earlier readings of the same lines; and of the quarantine the lines of a key that is meant, or, since a
quarantined line has no date, those that stand in their log behind an event that is forgotten.

Owns this choice. Writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.base.errors import ForgettingBlocked
from pipeline.jobs.state.engines import engine_of
from pipeline.jobs.state.forgotten.rules import is_meant
from pipeline.jobs.wording import counted
from pipeline.lake.checked_files import verified_data_files, verified_quarantine_files
from pipeline.lake.log.forgetting import RuleKind
from pipeline.objects.encoded.parquet_bytes import read_rows, rows_as
from pipeline.tables import schemas
from pipeline.warehouse.grains.tracing import trace_events
from pipeline.warehouse.reference import reference_tables

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime
    from pathlib import Path
    from typing import TypeAlias

    import numpy.typing as npt

    from pipeline.configuration.workspace import Workspace
    from pipeline.lake.log.commit import DataFile, QuarantineFile
    from pipeline.lake.log.forgetting import ForgettingRule
    from pipeline.lake.log.snapshot import LakeSnapshot

    Mask: TypeAlias = npt.NDArray[np.bool_]

_ID = ("event_id",)
_PLACE = ("source", "byte_start")
_OF_ROWS = ("api_key_id", "occurred_at", *_PLACE)
_FAR = timedelta(days=2)
"""So far from a UTC date, no event of it is of that date in any time zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The rows to forget, by the path of their file: of every file that has one, and whether each row is."""

    events: Mapping[str, Mask]
    """Of data files, in force and superseded."""
    lines: Mapping[str, Mask]
    """Of files of quarantined lines, likewise."""
    identities: pa.Array
    """Of the events in force, but of those that another copy counts for that stays; each once, sorted."""


def choose(
    workspace: Workspace, snapshot: LakeSnapshot, held: Collection[str], rule: ForgettingRule, at: datetime
) -> Chosen:
    """Return what a rule of the instant ``at`` means in a lake. ``held`` are the paths of dates that have not come.

    Raises ``ForgettingBlocked`` where events are meant that are held, and ``DataFileDamaged``.
    """
    lake = workspace.lake
    masks: dict[str, Mask] = {}
    for file in snapshot.data_files:
        mask = _meant(workspace, file, rule, at)
        if mask is None:
            continue
        if file.path in held:
            message = (
                f"{counted(int(mask.sum()), 'event')} of {file.date} are held until that day comes, and on no bill; "
                "they can be forgotten once they were invoiced"
            )
            raise ForgettingBlocked(message)
        masks[file.path] = mask
    identities = _with_copies(workspace, snapshot, masks)
    places = _places(lake, snapshot.data_files, masks)
    for file in snapshot.superseded_files:
        mask = _meant(workspace, file, rule, at)
        is_of_place = places.have(lake, file)
        both = is_of_place if mask is None else mask | is_of_place
        if both.any():
            masks[file.path] = both
    lines = {}
    neighbours = _Neighbours(lake, snapshot, masks)
    for each in dict.fromkeys((*snapshot.quarantine_files, *snapshot.superseded_quarantine_files)):
        mask = neighbours.mask(each, rule)
        if mask.any():
            lines[each.path] = mask
    return Chosen(events=masks, lines=lines, identities=identities)


def rows_of(lake: Path, file: DataFile, columns: Iterable[str] | None = None) -> pa.Table:
    """Return the rows of a data file, or some columns of them. Raises ``DataFileDamaged``."""
    rows = verified_data_files(lake, [file])[0]
    return rows_as(rows, schemas.USAGE_EVENTS) if columns is None else read_rows(rows, columns)


def _meant(workspace: Workspace, file: DataFile, rule: ForgettingRule, at: datetime) -> Mask | None:
    """Return which rows the rule means by itself; None where it means none."""
    if rule.kind is RuleKind.BEFORE and file.date > rule.before_date + _FAR:
        return None
    if rule.kind is RuleKind.BEFORE and file.date < rule.before_date - _FAR:
        return np.ones(file.rows, np.bool_)
    mask = as_mask(is_meant(workspace, rule, at, rows_of(workspace.lake, file, _OF_ROWS[:2])))
    return mask if mask.any() else None


def as_mask(found: pa.Array) -> Mask:
    """Return an Arrow column of flags as a mask; what is not known is not meant."""
    return np.asarray(pc.fill_null(found, False).to_numpy(zero_copy_only=False), dtype=np.bool_)  # noqa: FBT003  # the value to fill in


def _with_copies(workspace: Workspace, snapshot: LakeSnapshot, masks: dict[str, Mask]) -> pa.Array:
    """Add the copies of what is chosen to ``masks``, and return the identities that are forgotten.

    Of a response with copies on both sides all are forgotten where the one that counts is, else only those that were
    chosen: then the identity is not.
    """
    lake, files = workspace.lake, snapshot.data_files
    chosen = [_ids(lake, file).filter(pa.array(masks[file.path])) for file in files if file.path in masks]
    ids = pc.unique(pa.chunked_array(chosen, pa.binary()))
    others = _other_copies(lake, files, masks, ids)
    if not others:
        return ids.sort()
    straddling = [_ids(lake, file).filter(pa.array(others[file.path])) for file in files if file.path in others]
    wanted = pc.unique(pa.chunked_array(straddling, pa.binary()))
    sides, is_mine = [], []
    for file in (each for each in files if each.path in masks or each.path in others):
        rows = rows_of(lake, file)
        is_wanted = as_mask(pc.is_in(rows["event_id"].cast(pa.binary()).combine_chunks(), value_set=wanted))
        sides.append(rows.filter(pa.array(is_wanted)))
        is_mine.append(masks.get(file.path, np.zeros(rows.num_rows, np.bool_))[is_wanted])
    counts = _counting(workspace, pa.concat_tables(sides), np.concatenate(is_mine))
    stays = pa.array(sorted(set(wanted.to_pylist()) - counts), pa.binary())
    for file in (each for each in files if each.path in others):
        is_more = others[file.path] & ~as_mask(pc.is_in(_ids(lake, file), value_set=stays))
        if is_more.any():
            masks[file.path] = masks.get(file.path, np.zeros(len(is_more), np.bool_)) | is_more
    return ids.filter(pc.invert(pc.is_in(ids, value_set=stays))).sort()


def _other_copies(lake: Path, files: Iterable[DataFile], masks: Mapping[str, Mask], ids: pa.Array) -> dict[str, Mask]:
    """Return where events of some identities are that are not chosen."""
    others = {}
    for file in files:
        mask = masks.get(file.path)
        if mask is not None and mask.all():
            continue
        is_copy = as_mask(pc.is_in(_ids(lake, file), value_set=ids))
        is_copy = is_copy if mask is None else is_copy & ~mask
        if is_copy.any():
            others[file.path] = is_copy
    return others


def _ids(lake: Path, file: DataFile) -> pa.Array:
    return rows_of(lake, file, _ID)["event_id"].combine_chunks().cast(pa.binary())


def _counting(workspace: Workspace, events: pa.Table, is_chosen: Mask) -> set[bytes]:
    """Return the identities whose counting copy is among the chosen ones."""
    dates = set(pc.unique(events["occurred_at"].cast(pa.timestamp("us")).cast(pa.date32())).to_pylist())
    reference = reference_tables(
        workspace.accounts, workspace.rate_cards, timezone=workspace.settings.timezone, utc_dates=dates
    )
    settings = workspace.settings
    traced = trace_events(
        events,
        reference,
        engine=engine_of(workspace),
        timezone=settings.timezone,
        unmeasured=settings.unmeasured.value,
    )
    columns = [events[name].to_pylist() for name in ("event_id", "source", "line")]
    mine = {place for place, is_mine in zip(zip(*columns, strict=True), is_chosen, strict=True) if is_mine}
    return {
        row["event_id"]
        for row in traced.select(["event_id", "survivor_source", "survivor_line"]).to_pylist()
        if (row["event_id"], row["survivor_source"], row["survivor_line"]) in mine
    }


@dataclass(frozen=True, slots=True)
class _Places:
    """The places of chosen rows: the commit whose lines they are, the log, and the first byte."""

    by_origin: Mapping[int | None, pa.Array]

    def have(self, lake: Path, file: DataFile) -> Mask:
        """Say of each row of a file whether its line is one of them."""
        places = self.by_origin.get(file.origin)
        rows = rows_of(lake, file, _PLACE)
        if places is None:
            return np.zeros(rows.num_rows, np.bool_)
        return as_mask(pc.is_in(_place_texts(rows), value_set=places))


def _places(lake: Path, files: Iterable[DataFile], masks: Mapping[str, Mask]) -> _Places:
    found: dict[int | None, list[pa.Array]] = {}
    for file in files:
        if file.path in masks:
            rows = rows_of(lake, file, _PLACE).filter(pa.array(masks[file.path]))
            found.setdefault(file.origin, []).append(_place_texts(rows))
    return _Places({origin: pa.concat_arrays(places) for origin, places in found.items()})


def _place_texts(rows: pa.Table) -> pa.Array:
    places = pc.binary_join_element_wise(rows["source"], rows["byte_start"].cast(pa.string()), "\0")
    return places.combine_chunks() if isinstance(places, pa.ChunkedArray) else places


class _Neighbours:
    """Whether the event that stands before a line in its log is forgotten; the one behind it where none does."""

    def __init__(self, lake: Path, snapshot: LakeSnapshot, masks: Mapping[str, Mask]) -> None:
        self._lake, self._snapshot, self._masks = lake, snapshot, masks
        self._known: dict[int | None, dict[str, tuple[npt.NDArray[np.int64], Mask]]] = {}

    def mask(self, file: QuarantineFile, rule: ForgettingRule) -> Mask:
        rows = rows_as(verified_quarantine_files(self._lake, [file])[0], schemas.QUARANTINE)
        if rule.kind is not RuleKind.BEFORE:
            keys = [rule.value] if rule.kind is RuleKind.KEY else [span.key_id for span in rule.keys]
            return as_mask(pc.is_in(rows["api_key_id"].combine_chunks(), value_set=pa.array(keys, pa.string())))
        events = self._events(file.origin)
        return np.array(
            [
                _is_behind(events.get(source), start)
                for source, start in zip(rows["source"].to_pylist(), rows["byte_start"].to_pylist(), strict=True)
            ],
            np.bool_,
        )

    def _events(self, origin: int | None) -> dict[str, tuple[npt.NDArray[np.int64], Mask]]:
        """Return of each log of a commit where its events begin, in order, and whether each is forgotten."""
        if origin not in self._known:
            tables = []
            for file in self._snapshot.data_files:
                if file.origin == origin:
                    rows = rows_of(self._lake, file, _PLACE)
                    mask = self._masks.get(file.path, np.zeros(rows.num_rows, np.bool_))
                    tables.append(rows.append_column("is_forgotten", pa.array(mask)))
            found = {}
            if tables:
                rows = pa.concat_tables(tables).sort_by("byte_start")
                for source in pc.unique(rows["source"]).to_pylist():
                    mine = rows.filter(pc.equal(rows["source"], source))
                    flags = as_mask(mine["is_forgotten"].combine_chunks())
                    found[source] = mine["byte_start"].to_numpy(), flags
            self._known[origin] = found
        return self._known[origin]


def _is_behind(events: tuple[npt.NDArray[np.int64], Mask] | None, start: int) -> bool:
    if events is None:
        return False
    starts, flags = events
    return bool(flags[max(int(np.searchsorted(starts, start, side="right")) - 1, 0)])
