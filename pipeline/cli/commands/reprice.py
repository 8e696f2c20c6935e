"""``tallybook reprice``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from pipeline.base.money import exact_sum, plain
from pipeline.cli.context import PeriodType, warn
from pipeline.cli.printing import print_table
from pipeline.configuration.workspace import open_workspace
from pipeline.documents.csv_text import csv_bytes
from pipeline.jobs.answers.reprice import reprice
from pipeline.jobs.wording import are, counted

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from pipeline.base.periods import BillingPeriod
    from pipeline.cli.context import Invocation
    from pipeline.jobs.answers.reprice import Repricing
    from pipeline.jobs.answers.repriced_lines import RepricedLine

_HEADER = (
    "period",
    "account_id",
    "invoice_id",
    "api_key_id",
    "model",
    "service_tier",
    "meter",
    "old_quantity",
    "new_quantity",
    "old_rates",
    "new_rates",
    "currency",
    "old_amount",
    "new_amount",
    "difference",
)
_TOTAL_HEADER = ("period", "account_id", "invoice_id", "currency", "old_amount", "new_amount", "difference")


@click.command(name="reprice")
@click.option(
    "--card",
    "card_id",
    required=True,
    metavar="NEW",
    help="The other rate card: rates/NEW.toml; no account needs to name it.",
)
@click.option("--period", type=PeriodType(), help="Only this month, such as 2026-10; else all.")
@click.option("--account", "account_id", metavar="ID", help="Only this account.")
@click.option("-o", "--output", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.pass_obj
def command(
    invocation: Invocation, *, card_id: str, period: BillingPeriod | None, account_id: str | None, output: str
) -> None:
    """Price past usage by another rate card, and show the difference per account and line. Nothing is written.

    Issued invoices are compared as issued, other months as their drafts are now. Rates that are not in force yet price
    nothing: give the other card rates for the months you ask about. Its usage without a rate is listed on stderr.
    """
    repricing = reprice(
        open_workspace(invocation.workspace, now=invocation.now()), card_id, period=period, account_id=account_id
    )
    rows = [_row(line) for line in repricing.lines]
    if output == "csv":
        click.echo(csv_bytes(_HEADER, rows), nl=False)
    elif output == "json":
        click.echo(json.dumps(_document(repricing, rows), indent=1))
    else:
        print_table(_HEADER, [tuple(_text(cell) for cell in row) for row in rows])
        click.echo("")
        print_table(_TOTAL_HEADER, _totals(repricing.lines))
    for text in _unpriced(repricing):
        warn(f"{text}; rates/{card_id}.toml has no rate in force for it, so the new amounts are without it")


def _row(line: RepricedLine) -> tuple[str | int | Decimal, ...]:
    return (
        str(line.period),
        line.account_id,
        line.invoice_id,
        line.api_key_id,
        line.model,
        line.service_tier,
        line.meter,
        line.old_quantity,
        line.new_quantity,
        " ".join(line.old_rates),
        " ".join(line.new_rates),
        line.currency,
        line.old_amount,
        line.new_amount,
        line.difference,
    )


def _totals(lines: Iterable[RepricedLine]) -> list[tuple[str, ...]]:
    by_invoice: dict[tuple[str, str, str], list[RepricedLine]] = {}
    for line in lines:
        by_invoice.setdefault((str(line.period), line.account_id, line.currency), []).append(line)
    return [
        (
            period,
            account_id,
            next((line.invoice_id for line in group if line.invoice_id), ""),
            currency,
            plain(exact_sum(line.old_amount for line in group)),
            plain(exact_sum(line.new_amount for line in group)),
            plain(exact_sum(line.difference for line in group)),
        )
        for (period, account_id, currency), group in by_invoice.items()
    ]


def _unpriced(repricing: Repricing) -> list[str]:
    tokens: dict[tuple[str, str], int] = {}
    for each in repricing.unpriced:
        place = (each.usage.account_id, each.usage.model)
        tokens[place] = tokens.get(place, 0) + each.usage.quantity
    return [
        f"{counted(quantity, 'token')} of {account_id} for model {model!r} {are(quantity)} unpriced"
        for (account_id, model), quantity in sorted(tokens.items())
    ]


def _document(repricing: Repricing, rows: list[tuple[str | int | Decimal, ...]]) -> dict[str, object]:
    listed = [
        {name: cell if isinstance(cell, int) else _text(cell) for name, cell in zip(_HEADER, row, strict=True)}
        for row in rows
    ]
    totals = [dict(zip(_TOTAL_HEADER, row, strict=True)) for row in _totals(repricing.lines)]
    return {"card": repricing.card_id, "lines": listed, "totals": totals, "unpriced": _unpriced(repricing)}


def _text(cell: str | int | Decimal) -> str | int:
    return cell if isinstance(cell, (str, int)) else plain(cell)
