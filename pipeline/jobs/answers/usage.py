"""Usage rolled up for people: by key, model, day and more, from the mart of exchanges.

Does not own the words of ``--by`` (``grouped.words``) nor what is counted (``sql/marts/exchanges_daily.sql``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.base.errors import ConfigurationError
from pipeline.base.money import normalised, plain_amount
from pipeline.jobs.answers.grouped.hours import sliced_by_hour
from pipeline.jobs.answers.grouped.rated import named
from pipeline.jobs.answers.grouped.words import HOUR, UNBILLED, UNMETERED, columns_of, with_words
from pipeline.jobs.state.aggregate import EXCHANGES_DAILY, USAGE_DAILY, current_mart
from pipeline.jobs.state.suspicious import suspicious_copies_now
from pipeline.tables.sums import sums_by
from pipeline.usage import events

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.answers.grouped.selection import Selection
    from pipeline.usage.events import Column


def usage(workspace: Workspace, by: Sequence[str], selection: Selection, *, top: int | None = None) -> pa.Table:
    """Return billed usage grouped by ``by``, sorted, of what is selected.

    By ``meter`` there is one ``quantity`` (tokens, every one on one meter); else events and tokens, each count followed
    by its parts. Counts that came with a later version of the lake are there where any is above zero. By ``status`` or
    ``fate`` what is not billed is listed too; by a tag of keys, keys without it have an empty one. With ``top``, the
    groups of the most tokens, and all others as one row. Raises ``ConfigurationError`` for an unknown word or id.
    """
    columns = columns_of(by, workspace.accounts)
    is_metered = "meter" in columns or bool(selection.meters)
    if is_metered and not set(by).isdisjoint(UNMETERED):
        message = f"a meter counts billed tokens only and cannot be combined with {' or '.join(UNMETERED)}"
        raise ConfigurationError(message)
    if HOUR in columns:
        sliced = sliced_by_hour(workspace, [selection.span])
        table = sliced.usage if is_metered else sliced.exchanges
    else:
        table = current_mart(workspace, USAGE_DAILY if is_metered else EXCHANGES_DAILY)
    if not is_metered and set(columns).isdisjoint(UNBILLED):
        table = table.filter(table["is_billed"])
    selection = selection.completed([table], workspace.accounts)
    table = with_words(named(selection.chosen(table, workspace.accounts)), by, workspace.accounts)
    counts = ["quantity"] if is_metered else ["events", *_counts(table)]
    grouped = sums_by(table, columns, counts)
    if not columns:
        return grouped
    grouped = grouped.sort_by([(column, "ascending") for column in columns])
    return grouped if top is None else _greatest(grouped, columns, counts, top)


def listed_copies(workspace: Workspace, selection: Selection) -> pa.Table:
    """Return the selected suspicious copies, as ``schemas.SUSPICIOUS_COPIES``.

    But ``would_have_cost`` in place of the amount: text, with every digit.
    """
    selection = selection.completed([copies := suspicious_copies_now(workspace)], workspace.accounts)
    table = named(selection.chosen(copies, workspace.accounts))
    costs = [
        None if row["amount"] is None else plain_amount(normalised(row["amount"]), row["currency"])
        for row in table.select(["amount", "currency"]).to_pylist()
    ]
    return table.set_column(table.schema.get_field_index("amount"), "would_have_cost", pa.array(costs, pa.string()))


def _greatest(table: pa.Table, columns: Sequence[str], counts: Sequence[str], top: int) -> pa.Table:
    """Return the rows of the most tokens, and the sum of all others; their columns are text then."""
    if table.num_rows <= top + 1:  # one row is as short as a row of all others, and says more
        return table
    text = table
    for column in columns:
        text = text.set_column(text.schema.get_field_index(column), column, text[column].cast(pa.string()))
    stated = [name for name in ("quantity", "prompt_tokens", "completion_tokens") if name in counts]
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
