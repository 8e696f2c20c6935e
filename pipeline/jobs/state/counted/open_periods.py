"""Marts and charges without building closed months again.

A billing period is built and rated when what it is made of has changed.

A period is a function of the slice totals and copies of its dates (a day more on either side, for time zones), of the
copies on other dates that share an identity with them, of what is kept of forgotten events, of the configuration and of
the program. The sha256 of all these is in its entry's ``inputs``. What cannot be priced is not among what is kept: a
period that has any is rated again every night, until there is a rate. Where no period changed, nothing is counted, and
no check is asked twice of the same marts (``pipeline.jobs.state.counted.answers``).

Owns which periods are built. Does not own what was counted of the dates (``dates_counted``), nor any truth:
``aggregate`` does it all without what is kept here, and the same rows come out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.base.errors import DataFileDamaged
from pipeline.jobs.state.counted.answers import keep_answers, question_of, read_answers
from pipeline.jobs.state.engines import engine_of
from pipeline.jobs.state.forgotten.kept import NOTHING
from pipeline.jobs.state.rate import RatedUsage, rate
from pipeline.lake.counted import NewEntry, read_entries, read_piece, write_entries
from pipeline.objects.encoded import arrow_bytes, parquet_bytes
from pipeline.objects.encoded.parquet_bytes import Encoded
from pipeline.tables import schemas
from pipeline.warehouse.date_counts import checked_marts, count_periods
from pipeline.warehouse.marts import Marts
from pipeline.warehouse.program import digest_of, program_parts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.state.counted.dates_counted import DatesCounted
    from pipeline.jobs.state.forgotten.kept import Kept
    from pipeline.lake.counted import Entry
    from pipeline.warehouse.engines.engine import Rows

KIND = "periods"
_CHARGES, _LINES = "charges", "line_charges"
_SCHEMAS = {**schemas.MARTS, _CHARGES: schemas.CHARGES, _LINES: schemas.CHARGES}
_UNPRICED = "unpriced"
"""The piece that says whether some of its usage has no rate, by having bytes."""
_BEFORE_WINDOW = ("account_id", "api_key_id", "model", "service_tier", "meter")
_FROM_WINDOW = ("rate_window_start", "usage_date", "prompt_band")
"""The order of usage daily, windows without a start first (``sql/marts/usage_daily.sql``)."""

Tables = dict[str, pa.Table]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """What a period is made of."""

    dates: frozenset[date]
    """Whose events may fall into it."""
    linked: frozenset[date]
    """Others that have copies of theirs."""


_NO_DATES = _Made(dates=frozenset(), linked=frozenset())
"""All events of which were forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodsBuilt:
    """Marts and charges, their rows period by period."""

    marts: Marts
    rated: RatedUsage
    encoded: Mapping[str, Mapping[str, Encoded]]
    """The tables of periods that did not change, by period and name, as they were encoded."""
    kept: Mapping[str, Entry]
    new: Mapping[str, NewEntry]
    is_known: bool
    """Whether nothing was counted, and no check was asked: an earlier night had asked all of these same marts."""

    def keep(self, workspace: Workspace, dates: DatesCounted, reference: Mapping[str, pa.Table]) -> None:
        """Keep the periods, and what was asked of them, for nights to come.

        To be called where every claim about them holds.
        """
        entries = write_entries(workspace.lake, KIND, self.kept, self.new)
        if not self.is_known:
            keep_answers(workspace.lake, _question(workspace, dates, reference, entries), self.marts)


def forget_periods(lake: Path) -> None:
    """Let the next night build every period again."""
    write_entries(lake, KIND, {}, {})


def build_open_periods(
    workspace: Workspace, dates: DatesCounted, reference: Mapping[str, pa.Table], forgotten: Kept = NOTHING
) -> PeriodsBuilt:
    """Build and rate what is not kept; ``keep`` of the result keeps it. For the holder of the workspace's lock."""
    found = _looked_up(workspace, dates, reference, forgotten)
    kept = {
        period: {name: parquet_bytes.decode(mine[name]).cast(schema) for name, schema in _SCHEMAS.items()}
        for period, mine in found.pieces.items()
    }
    unpriced = {period for period, mine in found.pieces.items() if mine[_UNPRICED]}
    new: dict[str, Tables] = {}
    answers = (
        None if found.opened else read_answers(workspace.lake, _question(workspace, dates, reference, found.entries))
    )
    if answers is None:
        counted = _counted(workspace, found, dates, reference)
        new, without_rate = _rated(workspace, forgotten.added_to(counted), found.opened)
        unpriced |= without_rate
        marts = _checked(workspace, kept | new, reference, broken={**counted.broken_claims, **dates.claims})
    else:
        broken: Mapping[str, Rows] = {name: [] for name in answers.blocking} | dates.broken_claims
        marts = _marts(kept, broken=broken, advisories=answers.advisories)
    left_over = _left_over(workspace, marts.usage_daily, unpriced)
    return PeriodsBuilt(
        marts=marts,
        rated=RatedUsage(
            charges=_together(_CHARGES, kept | new),
            line_charges=_together(_LINES, kept | new),
            unpriced=left_over.unpriced,
            unassigned_tokens=left_over.unassigned_tokens,
        ),
        encoded={
            period: {name: Encoded(content=mine[name], rows=kept[period][name].num_rows) for name in _SCHEMAS}
            for period, mine in found.pieces.items()
        },
        kept={period: found.entries[period] for period in found.pieces},
        new={period: _entry(found.inputs[period], tables, period in unpriced) for period, tables in new.items()},
        is_known=answers is not None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _LookedUp:
    """What earlier nights kept of periods, and which periods are to be built."""

    inputs: Mapping[str, str]
    """Of every period, the digest of what it is made of."""
    entries: Mapping[str, Entry]
    """Of periods that are made of the same as when they were kept."""
    pieces: Mapping[str, Mapping[str, bytes]]
    """Their encoded tables, without those of which one is damaged."""
    opened: Mapping[str, _Made]
    """Those that are to be built."""

    @property
    def needed(self) -> frozenset[date]:
        """The dates of which the counts are needed to build them."""
        return frozenset().union(*(made.dates for made in self.opened.values()))

    @property
    def linked(self) -> frozenset[date]:
        """Dates of which the copies are needed."""
        return frozenset().union(*(made.linked for made in self.opened.values()))


def _looked_up(
    workspace: Workspace, dates: DatesCounted, reference: Mapping[str, pa.Table], forgotten: Kept
) -> _LookedUp:
    """Look up what is kept of periods, and count again the dates that are needed and damaged."""
    known, program = read_entries(workspace.lake, KIND), program_parts()
    while True:
        made_of = dict.fromkeys(forgotten.periods, _NO_DATES) | _made_of(dates, reference)
        inputs = {
            period: _inputs(workspace, dates, made, [*program, *_digests(forgotten, period)])
            for period, made in made_of.items()
        }
        entries = {period: entry for period, entry in known.items() if inputs.get(period) == entry.inputs}
        read = {period: _read(workspace, entry) for period, entry in entries.items()}
        pieces = {period: mine for period, mine in read.items() if mine is not None}
        opened = {period: made for period, made in made_of.items() if period not in pieces}
        found = _LookedUp(inputs=inputs, entries=entries, pieces=pieces, opened=opened)
        damaged = dates.damaged(found.needed | found.linked)
        if not damaged:
            return found
        dates.count_again(damaged)


def _counted(workspace: Workspace, found: _LookedUp, dates: DatesCounted, reference: Mapping[str, pa.Table]) -> Marts:
    return count_periods(
        dates.totals(found.needed),
        dates.copies(found.needed | found.linked),
        reference,
        engine=engine_of(workspace),
        parameters=_parameters(workspace),
    )


def _rated(workspace: Workspace, counted: Marts, periods: Collection[str]) -> tuple[dict[str, Tables], set[str]]:
    """Return the tables of each period, and those of the periods that have usage without a rate."""
    usage_daily = counted.usage_daily.filter(_is_in(counted.usage_daily, periods))
    rated = rate(usage_daily, workspace.accounts, workspace.rate_cards)
    built = {
        **counted.tables,
        "usage_daily": usage_daily,
        _CHARGES: rated.charges,
        _LINES: rated.line_charges,
    }
    by_period = {
        period: {name: table.filter(_is_in(table, [period])) for name, table in built.items()} for period in periods
    }
    unpriced = {
        str(workspace.accounts.month_of(each.usage.account_id, each.usage.usage_date)) for each in rated.unpriced
    }
    return by_period, unpriced


def _checked(
    workspace: Workspace,
    tables: Mapping[str, Tables],
    reference: Mapping[str, pa.Table],
    *,
    broken: Mapping[str, Rows],
) -> Marts:
    return checked_marts(
        _marts(tables, broken=broken, advisories={}),
        reference,
        engine=engine_of(workspace),
        parameters=_parameters(workspace),
    )


def _marts(tables: Mapping[str, Tables], *, broken: Mapping[str, Rows], advisories: Mapping[str, Rows]) -> Marts:
    return Marts(
        **{name: _together(name, tables) for name in schemas.MARTS},
        broken_claims=broken,
        advisories=advisories,
    )


def _left_over(workspace: Workspace, usage_daily: pa.Table, unpriced: Iterable[str]) -> RatedUsage:
    """Rate once more what is of no account and what is of a period that could not be priced to its end.

    In the order of usage daily, so that the same usage is told in the same order, whatever of it was kept.
    """
    is_left = pc.or_(pc.equal(usage_daily["account_id"], ""), _is_in(usage_daily, unpriced))
    left = usage_daily.filter(is_left)
    keyed = left.append_column("has_start", pc.is_valid(left["rate_window_start"]))
    names = (*_BEFORE_WINDOW, "has_start", *_FROM_WINDOW)
    order = pc.sort_indices(keyed, [(name, "ascending") for name in names])
    return rate(left.take(order), workspace.accounts, workspace.rate_cards)


def _question(
    workspace: Workspace, dates: DatesCounted, reference: Mapping[str, pa.Table], periods: Mapping[str, Entry]
) -> str:
    return question_of(workspace, dates.files, reference, periods)


def _parameters(workspace: Workspace) -> dict[str, str]:
    return {"timezone": workspace.settings.timezone, "unmeasured": workspace.settings.unmeasured.value}


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
        linked = np.flatnonzero(np.bincount(number[is_shared[identity] & ~is_mine], minlength=len(days)))
        made_of[period] = _Made(dates=frozenset(mine), linked=frozenset(days[place] for place in linked))
    return made_of


def _inputs(workspace: Workspace, dates: DatesCounted, made: _Made, program: Sequence[object]) -> str:
    """Return the digest of everything that a period's marts and charges are a function of."""
    counted = (
        [dates.digest(day) for day in sorted(made.dates)],
        [dates.digest(day, of_copies_alone=True) for day in sorted(made.linked)],
    )
    return digest_of([program, schemas.CHARGES.names, workspace.digest, *counted])


def _digests(forgotten: Kept, period: str) -> list[object]:
    """Return what identifies the kept counts of a period; nothing where there are none."""
    tables = forgotten.of_period(period) if forgotten else {}
    return [[name, digest_of([arrow_bytes.encode(table).hex()])] for name, table in tables.items() if table.num_rows]


def _read(workspace: Workspace, entry: Entry) -> dict[str, bytes] | None:
    """Return the encoded tables that are kept of a period; None where one is damaged."""
    try:
        return {name: read_piece(workspace.lake, KIND, entry, name) for name in (*_SCHEMAS, _UNPRICED)}
    except DataFileDamaged:
        return None


def _entry(inputs: str, tables: Tables, is_unpriced: bool) -> NewEntry:  # noqa: FBT001
    pieces = {name: parquet_bytes.encode(table) for name, table in tables.items()}
    return NewEntry(inputs=inputs, pieces=pieces | {_UNPRICED: b"yes" if is_unpriced else b""})


def _together(name: str, tables: Mapping[str, Tables]) -> pa.Table:
    return pa.concat_tables([_SCHEMAS[name].empty_table(), *(tables[period][name] for period in sorted(tables))])


def _is_in(table: pa.Table, periods: Iterable[str]) -> pa.ChunkedArray:
    return pc.is_in(table["billing_period"], pa.array(list(periods), pa.string()))
