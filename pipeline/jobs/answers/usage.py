"""Usage rolled up for people: by key, model, day and more, from the mart of exchanges.

Does not own the words of ``--by`` (``grouped.words``) nor what is counted (``sql/marts/exchanges_daily.sql``).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.base.errors import ConfigurationError
from pipeline.base.money import normalised, plain_amount
from pipeline.jobs.answers.grouped.compared import moved_to
from pipeline.jobs.answers.grouped.hours import sliced_by_hour
from pipeline.jobs.answers.grouped.rated import named
from pipeline.jobs.answers.grouped.selection import values_in
from pipeline.jobs.answers.grouped.summed import SHARE_DIGITS, rounded_quotient
from pipeline.jobs.answers.grouped.words import HOUR, UNBILLED, UNMETERED, columns_of, with_words
from pipeline.jobs.state.aggregate import EXCHANGES_DAILY, USAGE_DAILY, current_mart
from pipeline.jobs.state.suspicious import suspicious_copies_now
from pipeline.tables.sums import WIDE, sums_by
from pipeline.usage import events

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.answers.grouped.selection import Selection, Span
    from pipeline.usage.events import Column

_WIDER = pa.decimal256(40, 0)
"""Holds sums of ``WIDE``, of which Arrow says that they may have a digit more."""
_SHARE = pa.decimal128(38, SHARE_DIGITS)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageCompared:
    """Usage of a period beside that of the one before."""

    rows: pa.Table
    """Its groups, and those of the period before that are not there now, with counts of 0.

    What is compared is ``tokens``, prompt and completion, or by meter ``quantity``. ``previous_…`` is that of the
    period before, ``change`` the difference, and ``relative_change`` the difference as a part of what was before,
    rounded to ``SHARE_DIGITS``: null where that is 0.
    """
    total: pa.Table
    """One row: the sums of these, without the columns that they are grouped by."""
    columns: tuple[str, ...]
    """Those that they are grouped by."""
    span: Span
    previous: Span


def usage(workspace: Workspace, by: Sequence[str], selection: Selection, *, top: int | None = None) -> pa.Table:
    """Return billed usage grouped by ``by``, sorted, of what is selected.

    By ``meter`` there is one ``quantity`` (tokens, every one on one meter); else events and tokens, each count followed
    by its parts. Counts that came with a later version of the lake are there where any is above zero. By ``status`` or
    ``fate`` what is not billed is listed too; by a tag of keys, keys without it have an empty one. With ``top``, the
    groups of the most tokens, and all others as one row. Raises ``ConfigurationError`` for an unknown word or id.
    """
    counted = _counted(workspace, by, selection, [selection.span])
    grouped = counted.grouped(counted.chosen(selection.span))
    return _listed(grouped, counted.columns, counted.counts, _stated(counted.counts), top)


def usage_compared(
    workspace: Workspace, by: Sequence[str], selection: Selection, *, top: int | None = None
) -> UsageCompared:
    """Return what ``usage`` returns, beside the tokens of the period before, date by date where it is by dates.

    Raises ``ConfigurationError`` likewise, and for a period that has no beginning or no end.
    """
    previous = selection.span.previous()
    counted = _counted(workspace, by, selection, [selection.span, previous])
    now = counted.grouped(counted.chosen(selection.span))
    hours = now[HOUR].to_pylist() if HOUR in counted.columns else ()
    before = counted.grouped(moved_to(counted.chosen(previous), selection.span, previous, hours))
    compared = "quantity" if counted.is_metered else "tokens"
    earlier = f"previous_{compared}"
    stated = _stated(counted.counts)
    counts = [name for name in counted.counts if name != compared]
    leading = ["events"] if "events" in counts else []
    ordered = [*leading, compared, earlier, *(name for name in counts if name not in leading)]
    both = pa.concat_tables(
        [
            _side(now, counted.columns, {compared: stated, **{name: [name] for name in counts}}, ordered),
            _side(before, counted.columns, {earlier: stated}, ordered),
        ]
    )
    grouped = sums_by(both, counted.columns, ordered)
    listed = _listed(grouped, counted.columns, ordered, [compared], top)
    return UsageCompared(
        rows=_with_changes(listed, compared, earlier),
        total=_with_changes(sums_by(both, [], ordered), compared, earlier),
        columns=tuple(counted.columns),
        span=selection.span,
        previous=previous,
    )


def listed_copies(workspace: Workspace, selection: Selection) -> pa.Table:
    """Return the selected suspicious copies, as ``schemas.SUSPICIOUS_COPIES``.

    But ``would_have_cost`` in place of the amount: text, with every digit.
    """
    copies = suspicious_copies_now(workspace)
    selection = selection.completed(values_in([copies]), workspace.accounts)
    table = named(selection.chosen(copies, workspace.accounts))
    costs = [
        None if row["amount"] is None else plain_amount(normalised(row["amount"]), row["currency"])
        for row in table.select(["amount", "currency"]).to_pylist()
    ]
    return table.set_column(table.schema.get_field_index("amount"), "would_have_cost", pa.array(costs, pa.string()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """A mart that some words group."""

    workspace: Workspace
    by: Sequence[str]
    table: pa.Table
    selection: Selection
    """With whole ids."""
    columns: list[str]
    counts: list[str]
    is_metered: bool

    def chosen(self, span: Span) -> pa.Table:
        """Return the rows of some dates."""
        return named(self.selection.chosen(self.table, self.workspace.accounts, span))

    def grouped(self, table: pa.Table) -> pa.Table:
        """Return the sums of some rows."""
        return sums_by(with_words(table, self.by, self.workspace.accounts), self.columns, self.counts)


def _counted(workspace: Workspace, by: Sequence[str], selection: Selection, spans: Sequence[Span]) -> _Counted:
    columns = columns_of(by, workspace.accounts)
    is_metered = "meter" in columns or bool(selection.meters)
    if is_metered and not set(by).isdisjoint(UNMETERED):
        message = f"a meter counts billed tokens only and cannot be combined with {' or '.join(UNMETERED)}"
        raise ConfigurationError(message)
    if HOUR in columns:
        sliced = sliced_by_hour(workspace, spans)
        table = sliced.usage if is_metered else sliced.exchanges
    else:
        table = current_mart(workspace, USAGE_DAILY if is_metered else EXCHANGES_DAILY)
    if not is_metered and set(columns).isdisjoint(UNBILLED):
        table = table.filter(table["is_billed"])
    selection = selection.completed(values_in([table]), workspace.accounts)
    chosen = pa.concat_tables([selection.chosen(table, workspace.accounts, span) for span in spans])
    return _Counted(
        workspace=workspace,
        by=by,
        table=table,
        selection=selection,
        columns=columns,
        counts=["quantity"] if is_metered else ["events", *_counts(chosen)],
        is_metered=is_metered,
    )


def _stated(counts: Sequence[str]) -> list[str]:
    """Return the counts that hold every token once."""
    return [name for name in ("quantity", "prompt_tokens", "completion_tokens") if name in counts]


def _side(table: pa.Table, columns: Sequence[str], sums: Mapping[str, list[str]], ordered: Sequence[str]) -> pa.Table:
    """Return a table with some counts, each the sum of others, and 0 for those that it has not."""
    nothing = pa.repeat(pa.scalar(0, WIDE), table.num_rows)
    counts = {name: _together([table[part] for part in sums[name]]) if name in sums else nothing for name in ordered}
    return pa.table({name: table[name] for name in columns} | counts)


def _together(counts: Sequence[pa.ChunkedArray]) -> pa.ChunkedArray:
    return reduce(pc.add, (each.cast(_WIDER) for each in counts)).cast(WIDE)


def _with_changes(table: pa.Table, now: str, before: str) -> pa.Table:
    pairs = list(zip(map(int, table[now].to_pylist()), map(int, table[before].to_pylist()), strict=True))
    changes = pa.array([Decimal(new - old) for new, old in pairs], WIDE)
    parts = [rounded_quotient(Decimal(new - old), old, SHARE_DIGITS) if old else None for new, old in pairs]
    at = table.schema.get_field_index(before) + 1
    return table.add_column(at, "relative_change", pa.array(parts, _SHARE)).add_column(at, "change", changes)


def _listed(
    table: pa.Table, columns: Sequence[str], counts: Sequence[str], stated: Sequence[str], top: int | None
) -> pa.Table:
    if not columns:
        return table
    table = table.sort_by([(column, "ascending") for column in columns])
    return table if top is None else _greatest(table, columns, counts, stated, top)


def _greatest(
    table: pa.Table, columns: Sequence[str], counts: Sequence[str], stated: Sequence[str], top: int
) -> pa.Table:
    """Return the rows of the most tokens, and the sum of all others; their columns are text then."""
    if table.num_rows <= top + 1:  # one row is as short as a row of all others, and says more
        return table
    text = table
    for column in columns:
        text = text.set_column(text.schema.get_field_index(column), column, text[column].cast(pa.string()))
    tokens = [sum(int(value) for value in row.values()) for row in text.select(stated).to_pylist()]
    order = sorted(range(text.num_rows), key=lambda row: (-tokens[row], row))
    others = sums_by(text.take(order[top:]), [], counts).to_pylist()[0]
    label = dict.fromkeys(columns, "") | {columns[0]: f"{text.num_rows - top} others"}
    last = pa.Table.from_pylist([label | others], schema=text.schema)
    return pa.concat_tables([text.take(order[:top]), last])


def _counts(table: pa.Table) -> list[str]:
    """Return each count and then its parts; of later ones those that are above zero anywhere."""
    shown = [
        column for column in events.COUNTS if column.since == 1 or pc.any(pc.greater(table[column.name], 0)).as_py()
    ]
    return [name for column in shown if column.part_of is None for name in _with_parts(column.name, shown)]


def _with_parts(name: str, shown: Sequence[Column]) -> list[str]:
    parts = [part for column in shown if column.part_of == name for part in _with_parts(column.name, shown)]
    return [name, *parts]
