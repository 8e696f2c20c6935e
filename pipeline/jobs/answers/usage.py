"""Usage rolled up for people: by key, model, day and more, from the mart of exchanges.

Does not own the words of ``--by`` (``grouped.words``) nor what is counted (``sql/marts/exchanges_daily.sql``).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import partial, reduce
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.base.errors import ConfigurationError
from pipeline.base.money import normalised, plain_amount
from pipeline.jobs.answers.grouped.compared import moved_to
from pipeline.jobs.answers.grouped.hours import sliced_by_hour
from pipeline.jobs.answers.grouped.mart_rows import rows_of_months, values_of
from pipeline.jobs.answers.grouped.rated import named
from pipeline.jobs.answers.grouped.selection import values_in
from pipeline.jobs.answers.grouped.summed import SHARE_DIGITS, rounded_quotient
from pipeline.jobs.answers.grouped.words import HOUR, PROVIDER, UNBILLED, UNMETERED, columns_of, with_words
from pipeline.jobs.state.suspicious import suspicious_copies_now
from pipeline.lake.derived import EXCHANGES_DAILY, USAGE_DAILY
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
    counted = _counted(workspace, by, selection, None)
    return _listed(counted.now, counted.columns, counted.counts, _stated(counted.counts), top)


def usage_compared(
    workspace: Workspace, by: Sequence[str], selection: Selection, *, top: int | None = None
) -> UsageCompared:
    """Return what ``usage`` returns, beside the tokens of the period before, date by date where it is by dates.

    Raises ``ConfigurationError`` likewise, and for a period that has no beginning or no end.
    """
    previous = selection.span.previous()
    counted = _counted(workspace, by, selection, previous)
    compared = "quantity" if counted.is_metered else "tokens"
    earlier = f"previous_{compared}"
    stated = _stated(counted.counts)
    counts = [name for name in counted.counts if name != compared]
    leading = ["events"] if "events" in counts else []
    ordered = [*leading, compared, earlier, *(name for name in counts if name not in leading)]
    both = pa.concat_tables(
        [
            _side(counted.now, counted.columns, {compared: stated, **{name: [name] for name in counts}}, ordered),
            _side(counted.before, counted.columns, {earlier: stated}, ordered),
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
    table = named(selection.chosen(copies, workspace.accounts), workspace.accounts)
    costs = [
        None if row["amount"] is None else plain_amount(normalised(row["amount"]), row["currency"])
        for row in table.select(["amount", "currency"]).to_pylist()
    ]
    return table.set_column(table.schema.get_field_index("amount"), "would_have_cost", pa.array(costs, pa.string()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """Sums of a mart by some words."""

    columns: list[str]
    counts: list[str]
    now: pa.Table
    before: pa.Table
    """Those of the dates before, moved to the dates that they are compared with; without such dates, as ``now``."""
    is_metered: bool


def _counted(workspace: Workspace, by: Sequence[str], selection: Selection, previous: Span | None) -> _Counted:
    """Add up what is selected, and what was before, some rows of the mart after the others."""
    columns = columns_of(by, workspace.accounts)
    is_metered = "meter" in columns or bool(selection.meters)
    if is_metered and not set(by).isdisjoint(UNMETERED):
        message = f"a meter counts billed tokens only and cannot be combined with {' or '.join(UNMETERED)}"
        raise ConfigurationError(message)
    is_billed = not is_metered and set(columns).isdisjoint(UNBILLED)
    spans = [selection.span, *([previous] if previous else [])]
    counts = ["quantity"] if is_metered else ["events", *(column.name for column in events.COUNTS)]
    mart = USAGE_DAILY if is_metered else EXCHANGES_DAILY
    if HOUR in columns:
        sliced = sliced_by_hour(workspace, spans)
        table = sliced.usage if is_metered else sliced.exchanges
        parts = iter([_billed(table) if is_billed else table])
        selection = selection.completed(values_in([_billed(table) if is_billed else table]), workspace.accounts)
    else:
        selection = selection.completed(partial(values_of, workspace, mart, is_billed=is_billed), workspace.accounts)
        names = {*counts, *columns, *selection.columns, *(["model"] if PROVIDER in columns else [])}
        parts = rows_of_months(workspace, mart, spans, names, is_billed=is_billed)

    def sums(table: pa.Table) -> pa.Table:
        found = sums_by(with_words(table, by, workspace.accounts), columns, counts)
        return pa.table(
            {name: found[name].cast(WIDE) if name in counts else found[name] for name in found.column_names}
        )

    now, before = [], []
    for part in parts:
        now.append(sums(named(selection.chosen(part, workspace.accounts), workspace.accounts)))
        if previous is not None:
            hours = now[-1][HOUR].to_pylist() if HOUR in columns else ()
            earlier = named(selection.chosen(part, workspace.accounts, previous), workspace.accounts)
            before.append(sums(moved_to(earlier, selection.span, previous, hours)))
    shown = counts if is_metered else ["events", *_counts(pa.concat_tables([*now, *before]))]
    sums_now, sums_before = (
        sums_by(pa.concat_tables(tables), columns, counts).select([*columns, *shown]) for tables in (now, before or now)
    )
    return _Counted(columns=columns, counts=shown, now=sums_now, before=sums_before, is_metered=is_metered)


def _billed(table: pa.Table) -> pa.Table:
    return table.filter(table["is_billed"])


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
