"""What the marts of a state lose with the rows that are forgotten: what is kept of these.

An identity of which nothing is forgotten counts the same before and after, so only the others are counted: all of
their events, less those of them that stay. Dates are counted one by one, and what copies link together once.

Owns this counting. Does not own the arithmetic of marts (``pipeline.jobs.state.forgotten.kept``).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.jobs.state.engines import engine_of
from pipeline.jobs.state.forgotten.kept import negated, summed
from pipeline.jobs.upkeep.forgetting.chosen import as_mask, rows_of
from pipeline.tables import schemas
from pipeline.tables.schemas import MARTS
from pipeline.warehouse.marts import count_events
from pipeline.warehouse.reference import reference_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.upkeep.forgetting.chosen import Chosen
    from pipeline.lake.log.commit import DataFile

_BINARY = pa.binary()


@dataclass(slots=True, kw_only=True)
class Differences:
    """Counts what states lose; what two of them lose alike is counted once."""

    chosen: Chosen
    _counted: dict[str, dict[str, pa.Table]] = field(default_factory=dict)

    def of(self, workspace: Workspace, files: Sequence[DataFile]) -> dict[str, pa.Table]:
        """Return by mart what the state with these files in force loses, by its own configuration."""
        by_date: dict[str, list[DataFile]] = {}
        for file in files:
            if file.path in self.chosen.events:
                by_date.setdefault(str(file.date), []).append(file)
        ids = {day: self._ids(workspace, mine) for day, mine in by_date.items()}
        linked, mates = self._linked(workspace, files, ids)
        parts: list[dict[str, pa.Table]] = []
        pool = [mates] if mates.num_rows else []
        for day, mine in by_date.items():
            is_linked = as_mask(pc.is_in(ids[day], value_set=linked))
            key = _key(workspace, day, [file.path for file in mine], ids[day].filter(pa.array(is_linked)))
            if is_linked.any() or key not in self._counted:
                rows = self._forgotten(workspace, mine)
                is_of_pool = as_mask(pc.is_in(rows["event_id"].cast(_BINARY).combine_chunks(), value_set=linked))
                if is_of_pool.any():
                    pool.append(rows.filter(pa.array(is_of_pool)))
                if key not in self._counted:
                    self._counted[key] = _marts(workspace, rows.filter(pa.array(~is_of_pool)))
            parts.append(self._counted[key])
        if pool:
            parts.append(_marts(workspace, pa.concat_tables(pool)))
            parts.append({name: negated(name, table) for name, table in _marts(workspace, mates).items()})
        return {name: summed(name, (part[name] for part in parts)) for name in MARTS}

    def _forgotten(self, workspace: Workspace, files: Iterable[DataFile]) -> pa.Table:
        return pa.concat_tables(
            [rows_of(workspace.lake, file).filter(pa.array(self.chosen.events[file.path])) for file in files]
        )

    def _ids(self, workspace: Workspace, files: Iterable[DataFile]) -> pa.Array:
        ids = [
            rows_of(workspace.lake, file, ["event_id"])["event_id"]
            .combine_chunks()
            .cast(_BINARY)
            .filter(pa.array(self.chosen.events[file.path]))
            for file in files
        ]
        return pc.unique(pa.chunked_array(ids, _BINARY))

    def _linked(
        self, workspace: Workspace, files: Iterable[DataFile], ids: Mapping[str, pa.Array]
    ) -> tuple[pa.Array, pa.Table]:
        """Return the identities that more than one date has, or that something has which stays; and that."""
        every = pa.chunked_array(list(ids.values()), _BINARY)
        counts = pc.value_counts(every)
        linked = [counts.field("values").filter(pc.greater(counts.field("counts"), 1))]
        value_set = pc.unique(every)
        mates = [schemas.USAGE_EVENTS.empty_table()]
        for file in files:
            mask = self.chosen.events.get(file.path)
            if mask is not None and mask.all():
                continue
            mine = rows_of(workspace.lake, file, ["event_id"])["event_id"].combine_chunks().cast(_BINARY)
            is_mate = as_mask(pc.is_in(mine, value_set=value_set))
            is_mate = is_mate if mask is None else is_mate & ~mask
            if is_mate.any():
                rows = rows_of(workspace.lake, file).filter(pa.array(is_mate))
                mates.append(rows)
                linked.append(pc.unique(rows["event_id"].combine_chunks().cast(_BINARY)))
        return pc.unique(pa.chunked_array(linked, _BINARY)), pa.concat_tables(mates)


def _marts(workspace: Workspace, events: pa.Table) -> dict[str, pa.Table]:
    if not events.num_rows:
        return {name: schema.empty_table() for name, schema in MARTS.items()}
    settings = workspace.settings
    dates = pc.unique(events["occurred_at"].cast(pa.timestamp("us")).cast(pa.date32())).to_pylist()
    reference = reference_tables(
        workspace.accounts, workspace.rate_cards, timezone=settings.timezone, utc_dates=set(dates)
    )
    marts = count_events(
        events,
        reference,
        engine=engine_of(workspace),
        timezone=settings.timezone,
        unmeasured=settings.unmeasured.value,
    )
    return marts.tables


def _key(workspace: Workspace, day: str, paths: Iterable[str], linked: pa.Array) -> str:
    """Return the digest of all that the counts of a date are a function of, but for what other dates have."""
    digest = hashlib.sha256("\n".join([workspace.digest, day, *sorted(paths)]).encode())
    digest.update(b"".join(np.sort(np.array(linked.to_pylist(), dtype=object)).tolist()))
    return digest.hexdigest()
