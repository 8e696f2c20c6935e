"""``tallybook cost``."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from pipeline.base.money import normalised, plain, plain_amount
from pipeline.cli.context import warn
from pipeline.cli.selecting import selection_of, selection_options
from pipeline.cli.printing import print_table
from pipeline.configuration.workspace import open_workspace
from pipeline.documents.csv_text import csv_bytes
from pipeline.jobs.answers.grouped.cost import cost
from pipeline.jobs.answers.grouped.words import DIMENSIONS, UNMETERED
from pipeline.jobs.wording import are, counted

if TYPE_CHECKING:
    from pipeline.base.periods import BillingPeriod
    from pipeline.cli.context import Invocation
    from pipeline.documents.csv_text import Cell
    from pipeline.jobs.answers.grouped.cost import CostAnswer, CostRow
    from pipeline.jobs.answers.grouped.selection import Span

SCHEMA_VERSION = 1
"""Of the JSON document."""
_WORDS = ", ".join(word for word in DIMENSIONS if word not in UNMETERED)


@click.command(name="cost")
@click.option(
    "--by",
    default="account,model",
    show_default=True,
    help=f"One or more of: {_WORDS}, and tag:NAME for a tag of keys, such as tag:team.",
)
@selection_options
@click.option("--meter", "meters", multiple=True, help="On this meter alone, such as prompt or completion.")
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="The N that cost most, and all others as one row.")
@click.option("--compare", "compared", type=click.Choice(["previous"]), help="With the period before, of equal length.")
@click.option("-o", "--output", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.pass_obj
def command(
    invocation: Invocation,
    /,
    *,
    by: str,
    period: BillingPeriod | None,
    from_text: str | None,
    to_text: str | None,
    top: int | None,
    compared: str | None,
    output: str,
    **chosen: tuple[str, ...],
) -> None:
    r"""Exact cost beside requests and tokens; dates are days in each account's time zone.

    A cost is what tokens and requests are charged by the account's rate card, with its tiers, packages and discount,
    before anything is rounded. A draft's total is another number: its lines are rounded, and included tokens, fees,
    minimums, commitments, corrections, credits and tax are lines of their own. Usage without a rate, or of a key in no
    account, has no cost: it is listed with its unpriced tokens, never as zero. Currencies are never added up.

    \b
    tallybook cost --period 2026-10
    tallybook cost --by team,model --period 2026-10 --compare previous
    tallybook cost --by key --account birke --top 5
    tallybook cost --by hour --from 2026-10-12 --to 2026-10-13 -o csv
    """
    workspace = open_workspace(invocation.workspace, now=invocation.now())
    answer = cost(
        workspace,
        [word.strip() for word in by.split(",") if word.strip()],
        selection_of(period=period, from_text=from_text, to_text=to_text, **chosen),
        top=top,
        is_compared=compared is not None,
    )
    if output == "json":
        click.echo(json.dumps(_document(answer), indent=1, ensure_ascii=False))
        return
    columns = _columns(answer)
    rows = [tuple(_cells(row, answer)[column] for column in columns) for row in answer.rows]
    if output == "csv":
        click.echo(csv_bytes(columns, rows), nl=False)
    else:
        rows += [tuple(_cells(total, answer)[column] for column in columns) for total in answer.totals]
        print_table(columns, rows)
    _tell_of_unpriced(answer)


def _columns(answer: CostAnswer) -> list[str]:
    compared = ["previous_cost", "change", "change_percent"] if answer.previous else []
    measured = ["requests", "tokens", "unpriced_tokens", "cost", "share_percent"]
    return [*answer.columns, "currency", *measured, *compared, "cost_per_request", "cost_per_thousand_tokens"]


def _cells(row: CostRow, answer: CostAnswer) -> dict[str, Cell]:
    """Return what stands in each column; amounts have the decimal places of their currency at least."""
    places = row.place if row.place or not answer.columns else ("total", *("" for _ in answer.columns[1:]))
    return {
        **dict(zip(answer.columns, places, strict=True)),
        "currency": row.currency,
        "requests": row.sums.requests,
        "tokens": row.sums.tokens,
        "unpriced_tokens": row.sums.unpriced_tokens,
        "cost": _amount(row.cost, row),
        "share_percent": row.share_percent,
        "previous_cost": _amount(row.previous_cost, row),
        "change": _amount(row.change, row),
        "change_percent": row.change_percent,
        "cost_per_request": row.sums.cost_per_request,
        "cost_per_thousand_tokens": row.sums.cost_per_thousand_tokens,
    }


def _amount(amount: Decimal | None, row: CostRow) -> Decimal | None:
    return None if amount is None else Decimal(plain_amount(normalised(amount), row.currency))


def _document(answer: CostAnswer) -> dict[str, Any]:
    columns = _columns(answer)

    def of(row: CostRow) -> dict[str, Any]:
        cells = _cells(row, answer)
        named = {
            column: plain(cell) if isinstance(cell := cells[column], Decimal) else cell
            for column in columns
            if row.place or column not in answer.columns
        }
        return {**named, "currency": row.currency or None, **({"others": row.others} if row.others else {})}

    return {
        "schema_version": SCHEMA_VERSION,
        "by": list(answer.columns),
        "period": _dates(answer.selection.span),
        "previous_period": None if answer.previous is None else _dates(answer.previous),
        "rows": [of(row) for row in answer.rows],
        "totals": [of(row) for row in answer.totals],
    }


def _dates(span: Span) -> dict[str, str | None]:
    return {
        name: None if day is None else day.isoformat() for name, day in (("from", span.from_date), ("to", span.to_date))
    }


def _tell_of_unpriced(answer: CostAnswer) -> None:
    for total in answer.totals:
        tokens = total.sums.unpriced_tokens
        if tokens and total.currency:
            warn(f"{counted(tokens, 'token')} {are(tokens)} unpriced and not in these costs; add a rate for them")
        elif tokens:
            warn(f"{counted(tokens, 'token')} {are(tokens)} of keys in no account and not in these costs")
