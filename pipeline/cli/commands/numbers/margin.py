"""``tallybook margin``."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from pipeline.base.money import normalised, plain_amount
from pipeline.cli.context import warn
from pipeline.cli.options.examples import examples
from pipeline.cli.options.grouping import by_option, top_option, words_of
from pipeline.cli.options.selecting import KINDS, meter_option, selection_of, selection_options
from pipeline.cli.output import output_option
from pipeline.cli.tables.columns import Column, Kind
from pipeline.cli.tables.forms import Form, json_rows
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.answers.grouped.margin import margin
from pipeline.jobs.answers.grouped.words import DIMENSIONS, HOUR, UNMETERED
from pipeline.jobs.wording import are, counted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from pipeline.base.periods import BillingPeriod
    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output
    from pipeline.cli.tables.columns import Cell
    from pipeline.jobs.answers.grouped.margin import MarginAnswer, MarginRow, Uncosted

_WORDS = [word for word, column in DIMENSIONS.items() if word not in UNMETERED and column != HOUR]
_REASONS_MAX = 10


@click.command(
    name="margin",
    epilog=examples(
        "tallybook margin --period 2026-10",
        "tallybook margin --by model --period last-month --top 10",
        "tallybook margin --by month,account --account birke",
        "tallybook margin --by team,meter -o csv",
    ),
)
@by_option("account,model", _WORDS)
@selection_options
@meter_option
@top_option("that are charged most")
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
    output: Output,
    **chosen: tuple[str, ...],
) -> None:
    """Charge, cost and margin of usage, exact; charges are those of 'tallybook cost'.

    What usage costs us says the rate card that cost_card names, in tallybook.toml for all or in accounts.toml for an
    account. A margin is of usage that has both a charge and a cost: usage without a price on the cost card is listed
    with its uncosted tokens, and usage that nobody is charged with its cost; neither is ever zero. Fees, included
    tokens, minimums, coupons, credits and tax are on invoices and not in a margin. Currencies are never added up.
    """
    workspace = open_workspace(invocation.workspace, now=invocation.now(), engine=invocation.engine)
    answer = margin(
        workspace,
        words_of(by),
        selection_of(period=period, from_date=from_date, to_date=to_date, **chosen),
        top=top,
    )
    _print(output, answer)
    _tell_of_what_is_missing(answer)


def _print(output: Output, answer: MarginAnswer) -> None:
    columns = [
        *(Column(name=name, kind=KINDS.get(name, Kind.TEXT), is_asked=True) for name in answer.columns),
        Column(name="currency", heading="in"),
        Column(name="requests", kind=Kind.COUNT, is_detail=True),
        Column(name="tokens", kind=Kind.COUNT, is_detail=True),
        Column(name="charge", kind=Kind.MONEY, is_asked=True),
        Column(name="cost", kind=Kind.MONEY, is_asked=True, is_late_detail=True),
        Column(name="margin", kind=Kind.MONEY, is_asked=True),
        Column(name="margin_share", heading="margin %", kind=Kind.SHARE, is_asked=True),
        Column(name="uncosted_tokens", kind=Kind.COUNT, is_detail=True),
        Column(name="uncosted_charge", kind=Kind.MONEY, is_detail=True),
        Column(name="unpriced_tokens", kind=Kind.COUNT, is_detail=True),
        Column(name="uncharged_cost", kind=Kind.MONEY, is_detail=True),
        Column(name="cost_per_request", kind=Kind.MONEY, is_detail=True),
        Column(name="margin_per_request", kind=Kind.MONEY, is_detail=True),
    ]
    rows = [_cells(row, answer) for row in answer.rows]
    totals = [_cells(total, answer) for total in answer.totals]
    if output.form is Form.JSON:
        span = answer.selection.span
        output.document(
            {
                "by": list(answer.columns),
                "period": {
                    name: None if day is None else day.isoformat()
                    for name, day in (("from", span.from_date), ("to", span.to_date))
                },
                "rows": [
                    cells | ({"others": row.others} if row.others else {})
                    for cells, row in zip(json_rows(columns, rows), answer.rows, strict=True)
                ],
                "totals": json_rows(columns[len(answer.columns) :], [row[len(answer.columns) :] for row in totals]),
                "uncosted": [_document(each) for each in answer.uncosted],
            }
        )
    else:
        shown = totals if output.form in (Form.TABLE, Form.MARKDOWN) else []
        output.rows(columns, [*rows, *shown], totals=len(shown))


def _cells(row: MarginRow, answer: MarginAnswer) -> list[Cell]:
    """Return what stands in each column; amounts have the decimal places of their currency at least."""
    sums = row.sums
    places = row.place if row.place or not answer.columns else ("total", *("" for _ in answer.columns[1:]))
    return [
        *places,
        row.currency or None,
        sums.requests,
        sums.tokens,
        _amount(sums.charge, row.currency),
        _amount(sums.cost, row.currency),
        _amount(sums.margin, row.currency),
        sums.margin_share,
        sums.uncosted_tokens,
        _amount(sums.uncosted_charge, row.currency),
        sums.unpriced_tokens,
        _amount(sums.uncharged_cost, row.currency),
        sums.cost_per_request,
        sums.margin_per_request,
    ]


def _amount(amount: Decimal | None, currency: str) -> Decimal | None:
    return None if amount is None else Decimal(plain_amount(normalised(amount), currency) if currency else amount)


def _document(uncosted: Uncosted) -> dict[str, Any]:
    return {
        "cost_card": uncosted.cost_card or None,
        "model": uncosted.model or None,
        "meter": uncosted.meter or None,
        "tokens": uncosted.tokens,
        "charge": None if uncosted.charge is None else plain_amount(uncosted.charge, uncosted.currency),
        "currency": uncosted.currency or None,
        "from": uncosted.first_date.isoformat(),
        "last": uncosted.last_date.isoformat(),
        "reason": uncosted.reason,
    }


def _tell_of_what_is_missing(answer: MarginAnswer) -> None:
    for each in answer.uncosted[:_REASONS_MAX]:
        charged = f", charged {plain_amount(each.charge, each.currency)} {each.currency}," if each.charge else ""
        warn(f"{counted(each.tokens, 'token')}{charged} {are(each.tokens)} uncosted and in no margin: {each.reason}")
    if len(answer.uncosted) > _REASONS_MAX:
        warn(f"{len(answer.uncosted) - _REASONS_MAX} more reasons for uncosted usage; '-o json' lists all")
    for said in _uncharged(answer):
        warn(said)


def _uncharged(answer: MarginAnswer) -> Iterator[str]:
    for total in answer.totals:
        if total.sums.uncharged_cost:
            amount = f"{plain_amount(total.sums.uncharged_cost, total.currency)} {total.currency}"
            yield f"{amount} of these costs are of usage that nobody is charged, and in no margin"
