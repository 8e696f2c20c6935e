"""Marts and charges without building closed months again.

A billing period is built and rated when what it is made of has changed.

A period is a function of the slice totals and copies of its dates (a day more on either side, for time zones), of the
copies on other dates that share an identity with them, of the configuration and of the program. The sha256 of all these
is in its entry's ``inputs``. A period with unpriced usage is never closed: it is rated again every night, until there
is a rate.

Owns which periods are built. Does not own what was counted of the dates (``pipeline.jobs.state.dates_counted``), nor
any truth: ``aggregate`` does it all without what is kept here, and the same rows come out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.base.errors import DataFileDamaged
from pipeline.jobs.state.dates_counted import digest_of, program_parts
from pipeline.jobs.state.rate import RatedUsage, rate
from pipeline.lake.counted import NewEntry, read_entries, read_piece, write_entries
from pipeline.objects import parquet_bytes
from pipeline.objects.parquet_bytes import Encoded
from pipeline.objects.spill import spill_folder
from pipeline.tables import schemas
from pipeline.warehouse.date_counts import checked_marts, count_periods

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date
    from pathlib import Path

    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.state.dates_counted import DatesCounted
    from pipeline.lake.counted import Entry
    from pipeline.warehouse.marts import Marts

KIND = "periods"
_USAGE, _EXCHANGES, _SUSPICIOUS = "usage_daily", "exchanges_daily", "suspicious_usage"
_CHARGES, _LINES = "charges", "line_charges"
_SCHEMAS = {
    _USAGE: schemas.USAGE_DAILY,
    _EXCHANGES: schemas.EXCHANGES_DAILY,
    _SUSPICIOUS: schemas.USAGE_DAILY,
    _CHARGES: schemas.CHARGES,
    _LINES: schemas.CHARGES,
}

Tables = dict[str, pa.Table]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """What a period is made of."""

    dates: frozenset[date]
    """Whose events may fall into it."""
    linked: frozenset[date]
    """Others that have copies of theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodsBuilt:
    """Marts and charges, their rows period by period."""

    marts: Marts
    rated: RatedUsage
    encoded: Mapping[str, Mapping[str, Encoded]]
    """The tables of periods that did not change, by period and name, as they were encoded."""
    kept: Mapping[str, Entry]
    new: Mapping[str, NewEntry]

    def keep(self, lake: Path) -> None:
        """Keep the periods that are priced, for nights to come; to be called where every claim about them holds."""
        write_entries(lake, KIND, self.kept, self.new)


def forget_periods(lake: Path) -> None:
    """Let the next night build every period again."""
    write_entries(lake, KIND, {}, {})


def build_open_periods(workspace: Workspace, dates: DatesCounted, reference: Mapping[str, pa.Table]) -> PeriodsBuilt:
    """Build and rate what is not kept; ``keep`` of the result keeps it. For the holder of the workspace's lock."""
    found = read_entries(workspace.lake, KIND)
    while True:
        made_of = _made_of(dates, reference)
        inputs = {period: _inputs(workspace, dates, made) for period, made in made_of.items()}
        entries = {period: entry for period, entry in found.items() if inputs.get(period) == entry.inputs}
        pieces = {
            period: mine
            for period, mine in ((period, _read(workspace, entry)) for period, entry in entries.items())
            if mine is not None
        }
        opened = {period: made for period, made in made_of.items() if period not in pieces}
        needed = _union(made.dates for made in opened.values())
        linked = _union(made.linked for made in opened.values())
        damaged = dates.damaged(needed | linked)
        if not damaged:
            break
        dates.count_again(damaged)
    parameters = {"timezone": workspace.settings.timezone, "unmeasured": workspace.settings.unmeasured.value}
    counted = count_periods(
        dates.totals(needed),
        dates.copies(needed | linked),
        reference,
        lake=workspace.lake,
        spill=spill_folder(workspace.lake),
        parameters=parameters,
    )
    usage_daily = counted.usage_daily.filter(_is_in(counted.usage_daily, opened))
    rated = rate(usage_daily, workspace.accounts, workspace.rate_cards)
    built = {
        _USAGE: usage_daily,
        _EXCHANGES: counted.exchanges_daily,
        _SUSPICIOUS: counted.suspicious_usage,
        _CHARGES: rated.charges,
        _LINES: rated.line_charges,
    }
    by_period = {
        period: {name: table.filter(_is_in(table, [period])) for name, table in built.items()} for period in opened
    }
    unpriced = {
        str(workspace.accounts.month_of(each.usage.account_id, each.usage.usage_date)) for each in rated.unpriced
    }
    new = {period: _entry(inputs[period], tables) for period, tables in by_period.items() if period not in unpriced}
    kept = {
        period: {name: parquet_bytes.decode(content).cast(_SCHEMAS[name]) for name, content in mine.items()}
        for period, mine in pieces.items()
    }
    whole = {name: _together(schema, name, kept | by_period) for name, schema in _SCHEMAS.items()}
    marts = checked_marts(
        whole[_USAGE],
        whole[_EXCHANGES],
        whole[_SUSPICIOUS],
        reference,
        lake=workspace.lake,
        parameters=parameters,
        broken={**counted.broken_claims, **dates.broken_claims},
    )
    unassigned = rate(
        marts.usage_daily.filter(pc.equal(marts.usage_daily["account_id"], "")),
        workspace.accounts,
        workspace.rate_cards,
    )
    return PeriodsBuilt(
        marts=marts,
        rated=RatedUsage(
            charges=whole[_CHARGES],
            line_charges=whole[_LINES],
            unpriced=rated.unpriced,
            unassigned_tokens=unassigned.unassigned_tokens,
        ),
        encoded={
            period: {name: Encoded(content=content, rows=kept[period][name].num_rows) for name, content in mine.items()}
            for period, mine in pieces.items()
        },
        kept={period: entries[period] for period in pieces},
        new=new,
    )


def _made_of(dates: DatesCounted, reference: Mapping[str, pa.Table]) -> dict[str, _Made]:
    """Say of every period with dates what it is made of."""
    found: dict[str, set[date]] = {}
    for row in reference["slice_dates"].select(["slice_at", "billing_period"]).to_pylist():
        found.setdefault(row["billing_period"], set()).add(row["slice_at"].date())
    days = sorted(dates.entries)
    copied = [dates.beginnings_of_copies(day) for day in days]
    number = np.repeat(np.arange(len(days)), [each.size for each in copied])
    distinct, identity = np.unique(np.concatenate([np.empty(0, np.uint64), *copied]), return_inverse=True)
    made_of = {}
    for period, mine in sorted(found.items()):
        is_mine = np.isin(number, [place for place, day in enumerate(days) if day in mine])
        is_shared = np.zeros(distinct.size, np.bool_)
        is_shared[identity[is_mine]] = True
        linked = np.unique(number[is_shared[identity] & ~is_mine])
        made_of[period] = _Made(dates=frozenset(mine), linked=frozenset(days[place] for place in linked))
    return made_of


def _inputs(workspace: Workspace, dates: DatesCounted, made: _Made) -> str:
    """Return the digest of everything that a period's marts and charges are a function of."""
    counted = (
        [dates.digest(day) for day in sorted(made.dates)],
        [dates.digest(day, of_copies_alone=True) for day in sorted(made.linked)],
    )
    return digest_of([program_parts(), schemas.CHARGES.names, workspace.digest, *counted])


def _read(workspace: Workspace, entry: Entry) -> dict[str, bytes] | None:
    """Return the encoded tables that are kept of a period; None where one is damaged."""
    try:
        return {name: read_piece(workspace.lake, KIND, entry, name) for name in _SCHEMAS}
    except DataFileDamaged:
        return None


def _entry(inputs: str, tables: Tables) -> NewEntry:
    return NewEntry(inputs=inputs, pieces={name: parquet_bytes.encode(table) for name, table in tables.items()})


def _together(schema: pa.Schema, name: str, tables: Mapping[str, Tables]) -> pa.Table:
    return pa.concat_tables([schema.empty_table(), *(tables[period][name] for period in sorted(tables))])


def _is_in(table: pa.Table, periods: Iterable[str]) -> pa.ChunkedArray:
    return pc.is_in(table["billing_period"], pa.array(list(periods), pa.string()))


def _union(sets: Iterable[frozenset[date]]) -> frozenset[date]:
    return frozenset().union(*sets)
