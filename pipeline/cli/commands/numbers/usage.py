"""``tallybook usage``."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import click

from pipeline.base.errors import ConfigurationError
from pipeline.cli.options.examples import examples
from pipeline.cli.options.grouping import by_option, compare_option, top_option, words_of
from pipeline.cli.options.selecting import KINDS, meter_option, selection_of, selection_options
from pipeline.cli.output import output_option
from pipeline.cli.tables.columns import Column, Kind
from pipeline.cli.tables.forms import Form, json_rows
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.answers.grouped.words import DIMENSIONS
from pipeline.jobs.answers.usage import listed_copies, usage, usage_compared
from pipeline.usage import events

if TYPE_CHECKING:
    import pyarrow as pa

    from pipeline.base.periods import BillingPeriod
    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output
    from pipeline.cli.tables.columns import Cell
    from pipeline.jobs.answers.usage import UsageCompared


_BY = "key,model,day"
_COMPARED = {
    "previous_tokens": Kind.COUNT,
    "previous_quantity": Kind.COUNT,
    "change": Kind.COUNT,
    "relative_change": Kind.SHARE,
}
_COUNTS = {"events", "quantity", "tokens", "unpriced_tokens", *(column.name for column in events.COUNTS)}


@click.command(
    name="usage",
    epilog=examples(
        "tallybook usage --by account,model --period last-month",
        "tallybook usage --by day --key key_0c52 --from 2026-10-01 --to 2026-10-08",
        "tallybook usage --by key --top 5 -o csv",
        "tallybook usage --by team --period last-month --compare previous",
        "tallybook usage --by hour,meter --account birke --from yesterday --to today",
    ),
)
@by_option(_BY, DIMENSIONS)
@selection_options
@meter_option
@top_option("of the most tokens")
@compare_option
@click.option(
    "--copies", "is_of_copies", is_flag=True, help="Suspicious copies instead, by account, key, model and day."
)
@output_option()
@click.pass_obj
def command(
    invocation: Invocation,
    /,
    *,
    by: str,
    period: BillingPeriod | None,
    from_date: date | None,
    to_date: date | None,
    top: int | None,
    compared: str | None,
    is_of_copies: bool,
    output: Output,
    **chosen: tuple[str, ...],
) -> None:
    """Tokens and requests of billed usage; dates are days in each account's time zone.

    By status or fate, what is not billed is listed too. Suspicious copies are not billed either: they look like
    requests of their own, and another one of the same id is billed. They are listed with what they would have cost.
    What billed usage costs says 'tallybook cost'.
    """
    workspace = open_workspace(invocation.workspace, now=invocation.now(), engine=invocation.engine)
    selection = selection_of(period=period, from_date=from_date, to_date=to_date, **chosen)
    if is_of_copies and (by != _BY or top is not None or compared is not None):
        what = f"--by {by}" if by != _BY else f"--top {top}" if top is not None else f"--compare {compared}"
        message = f"--copies has its own columns and takes no {what}; leave one of them out"
        raise ConfigurationError(message)
    words = words_of(by)
    if compared is not None:
        _print_compared(output, usage_compared(workspace, words, selection, top=top))
    else:
        listed = listed_copies(workspace, selection) if is_of_copies else usage(workspace, words, selection, top=top)
        output.rows(_columns(listed), _cells(listed), is_list=True)


def _print_compared(output: Output, answer: UsageCompared) -> None:
    columns, rows, total = _columns(answer.rows, is_compared=True), _cells(answer.rows), _cells(answer.total)
    if output.form is Form.JSON:
        output.document(
            {
                "by": list(answer.columns),
                "period": answer.span.as_json(),
                "previous_period": answer.previous.as_json(),
                "rows": json_rows(columns, rows),
                "total": json_rows(columns[len(answer.columns) :], total)[0],
            }
        )
        return
    has_total = output.form in (Form.TABLE, Form.MARKDOWN) and bool(answer.columns and rows)
    last = [("total", *("" for _ in answer.columns[1:]), *total[0])] if has_total else []
    output.rows(columns, [*rows, *last], totals=len(last))


def _columns(table: pa.Table, *, is_compared: bool = False) -> list[Column]:
    return [_column(name, is_compared=is_compared) for name in table.schema.names]


def _column(name: str, *, is_compared: bool) -> Column:
    if name in _COMPARED:
        return Column(name=name, kind=_COMPARED[name], is_detail=name.startswith("previous_"))
    if name in _COUNTS:
        is_part = any(column.name == name and column.part_of for column in events.COUNTS)
        is_detail = is_part or (is_compared and name not in ("tokens", "quantity"))
        return Column(name=name, kind=Kind.COUNT, is_detail=is_detail)
    return Column(name=name, kind=KINDS.get(name, Kind.TEXT), is_asked=True)


def _cells(table: pa.Table) -> list[tuple[Cell, ...]]:
    return [tuple(_cell(name, value) for name, value in row.items()) for row in _rows(table)]


def _rows(table: pa.Table) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = table.to_pylist()
    return rows


def _cell(name: str, value: object) -> Cell:
    if isinstance(value, Decimal):
        return value if _COMPARED.get(name) is Kind.SHARE else int(value)  # a sum may be wider than an integer column
    return value if value is None or isinstance(value, (int, date)) else str(value)
