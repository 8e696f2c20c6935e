"""``tallybook cost``."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import click

from pipeline.base.errors import ConfigurationError
from pipeline.base.money import normalised, plain_amount
from pipeline.cli.context import warn
from pipeline.cli.options.examples import examples
from pipeline.cli.options.grouping import by_option, compare_option, top_option, words_of
from pipeline.cli.options.selecting import KINDS, meter_option, selection_of, selection_options
from pipeline.cli.output import output_option
from pipeline.cli.tables.columns import Column, Kind
from pipeline.cli.tables.forms import Form, json_rows
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.answers.grouped.bills import bill_steps
from pipeline.jobs.answers.grouped.cost import cost
from pipeline.jobs.answers.grouped.words import DIMENSIONS, UNMETERED
from pipeline.jobs.wording import are, counted

if TYPE_CHECKING:
    from datetime import date

    from pipeline.base.periods import BillingPeriod
    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output
    from pipeline.cli.tables.columns import Cell
    from pipeline.jobs.answers.grouped.bills import BillStep
    from pipeline.jobs.answers.grouped.cost import CostAnswer, CostRow

_BY = "account,model"
_WORDS = [word for word in DIMENSIONS if word not in UNMETERED]


@click.command(
    name="cost",
    epilog=examples(
        "tallybook cost --period 2026-10",
        "tallybook cost --by team,model --period last-month --compare previous",
        "tallybook cost --by key --account birke --top 5",
        "tallybook cost --bills --period last-month --account birke",
        "tallybook cost --by hour --from yesterday --to today -o csv",
    ),
)
@by_option(_BY, _WORDS)
@selection_options
@meter_option
@top_option("that cost most")
@compare_option
@click.option(
    "--bills", "is_of_bills", is_flag=True, help="Instead: from this cost to the totals of drafts and invoices."
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
    is_of_bills: bool,
    output: Output,
    **chosen: tuple[str, ...],
) -> None:
    """Exact cost beside requests and tokens; dates are days in each account's time zone.

    A cost is what tokens and requests are charged by the account's rate card, with its tiers, packages and discount,
    before anything is rounded. A draft's total is another number: its lines are rounded, and included tokens, fees,
    minimums, commitments, corrections, credits and tax are lines of their own. Usage without a rate, or of a key in no
    account, has no cost: it is listed with its unpriced tokens, never as zero. Currencies are never added up.

    --bills leads from the one number to the other, step by step, for whole months.
    """
    workspace = open_workspace(invocation.workspace, now=invocation.now(), engine=invocation.engine)
    selection = selection_of(period=period, from_date=from_date, to_date=to_date, **chosen)
    if is_of_bills:
        if by != _BY or top is not None or compared is not None:
            message = "--bills has its own rows and takes no --by, --top or --compare; leave them out"
            raise ConfigurationError(message)
        output.rows(_STEPS, [_step_cells(step) for step in bill_steps(workspace, selection)])
        return
    answer = cost(
        workspace,
        words_of(by),
        selection,
        top=top,
        is_compared=compared is not None,
    )
    _print(output, answer)
    _tell_of_unpriced(answer)


_STEPS = [
    Column(name="currency", heading="in", is_asked=True),
    Column(name="step", is_asked=True),
    Column(name="lines", kind=Kind.COUNT),
    Column(name="amount", kind=Kind.MONEY, is_asked=True),
]


def _step_cells(step: BillStep) -> list[Cell]:
    return [step.currency, step.step, step.lines, Decimal(plain_amount(step.amount, step.currency))]


def _print(output: Output, answer: CostAnswer) -> None:
    columns = _columns(answer)
    rows = [_cells(row, answer) for row in answer.rows]
    totals = [_cells(total, answer) for total in answer.totals]
    if output.form is Form.JSON:
        listed = json_rows(columns, rows)
        output.document(
            {
                "by": list(answer.columns),
                "period": answer.selection.span.as_json(),
                "previous_period": None if answer.previous is None else answer.previous.as_json(),
                "rows": [
                    cells | ({"others": row.others} if row.others else {})
                    for cells, row in zip(listed, answer.rows, strict=True)
                ],
                "totals": json_rows(columns[len(answer.columns) :], [row[len(answer.columns) :] for row in totals]),
            }
        )
    else:
        shown = totals if output.form in (Form.TABLE, Form.MARKDOWN) else []
        output.rows(columns, [*rows, *shown], totals=len(shown))


def _columns(answer: CostAnswer) -> list[Column]:
    compared = [
        Column(name="previous_cost", kind=Kind.MONEY, is_detail=True),
        Column(name="change", kind=Kind.MONEY, is_late_detail=True),
        Column(name="relative_change", kind=Kind.SHARE),
    ]
    return [
        *(Column(name=name, kind=KINDS.get(name, Kind.TEXT), is_asked=True) for name in answer.columns),
        Column(name="currency", heading="in"),
        Column(name="requests", kind=Kind.COUNT, is_detail=True),
        Column(name="tokens", kind=Kind.COUNT, is_detail=answer.previous is not None),
        Column(name="unpriced_tokens", kind=Kind.COUNT, is_detail=True),
        Column(name="cost", kind=Kind.MONEY, is_asked=True),
        Column(name="share", kind=Kind.SHARE, is_detail=True),
        *(compared if answer.previous else []),
        Column(name="cost_per_request", kind=Kind.MONEY, is_detail=True),
        Column(name="cost_per_thousand_tokens", kind=Kind.MONEY, is_detail=True),
    ]


def _cells(row: CostRow, answer: CostAnswer) -> list[Cell]:
    """Return what stands in each column; amounts have the decimal places of their currency at least."""
    places = row.place if row.place or not answer.columns else ("total", *("" for _ in answer.columns[1:]))
    compared = [_amount(row.previous_cost, row), _amount(row.change, row), row.relative_change]
    return [
        *places,
        row.currency or None,
        row.sums.requests,
        row.sums.tokens,
        row.sums.unpriced_tokens,
        _amount(row.cost, row),
        row.share,
        *(compared if answer.previous else []),
        row.sums.cost_per_request,
        row.sums.cost_per_thousand_tokens,
    ]


def _amount(amount: Decimal | None, row: CostRow) -> Decimal | None:
    return None if amount is None else Decimal(plain_amount(normalised(amount), row.currency))


def _tell_of_unpriced(answer: CostAnswer) -> None:
    are_several = len([total for total in answer.totals if total.currency]) > 1
    for total in answer.totals:
        tokens = total.sums.unpriced_tokens
        if tokens and total.currency:
            which = f"the costs in {total.currency}" if are_several else "these costs"
            warn(f"{counted(tokens, 'token')} {are(tokens)} unpriced and not in {which}; add a rate for them")
        elif tokens:
            warn(f"{counted(tokens, 'token')} {are(tokens)} of keys in no account and not in these costs")
