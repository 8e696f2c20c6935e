"""``tallybook reprice``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.base.money import exact_sum
from pipeline.cli.context import PeriodType, warn
from pipeline.cli.options.examples import examples
from pipeline.cli.options.ids import whole_account_id, whole_card_id
from pipeline.cli.output import output_option, say
from pipeline.cli.tables.columns import Column, Kind
from pipeline.cli.tables.forms import Form, json_rows
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.answers.reprice import reprice
from pipeline.jobs.wording import are, counted

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from pipeline.base.periods import BillingPeriod
    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output
    from pipeline.jobs.answers.reprice import Repricing
    from pipeline.jobs.answers.repriced_lines import RepricedLine
    from pipeline.rating import UnpricedUsage

_AMOUNTS = (
    Column(name="currency"),
    Column(name="old_amount", kind=Kind.MONEY, is_kept=True),
    Column(name="new_amount", kind=Kind.MONEY, is_kept=True),
    Column(name="difference", kind=Kind.MONEY, is_kept=True),
)
_INVOICE = (
    Column(name="period", kind=Kind.DATE),
    Column(name="account_id", kind=Kind.ID),
    Column(name="invoice_id", kind=Kind.ID),
)
_COLUMNS = (
    *_INVOICE,
    Column(name="api_key_id", kind=Kind.ID),
    Column(name="model"),
    Column(name="service_tier"),
    Column(name="meter"),
    Column(name="old_quantity", kind=Kind.COUNT, is_detail=True),
    Column(name="new_quantity", kind=Kind.COUNT, is_detail=True),
    Column(name="old_rates", is_detail=True),
    Column(name="new_rates", is_detail=True),
    *_AMOUNTS,
)
_TOTALS = (*_INVOICE, *_AMOUNTS)


@click.command(
    name="reprice",
    epilog=examples(
        "tallybook reprice --card standard-2027",
        "tallybook reprice --card standard-2027 --period last-month -o csv",
    ),
)
@click.option(
    "--card",
    "card_id",
    required=True,
    metavar="ID",
    help="The other rate card: rates/ID.toml; no account needs to name it.",
)
@click.option(
    "--period", type=PeriodType(), help="Only this month, such as 2026-10, or the months of 2026-Q4 or 2026; else all."
)
@click.option("--account", "account_id", metavar="ID", help="Only this account.")
@output_option()
@click.pass_obj
def command(
    invocation: Invocation, *, card_id: str, period: BillingPeriod | None, account_id: str | None, output: Output
) -> None:
    """Price past usage by another rate card, and show the difference per account and line. Nothing is written.

    Issued invoices are compared as issued, other months as their drafts are now. Rates that are not in force yet price
    nothing: give the other card rates for the months you ask about. Its usage without a rate is listed on stderr.
    """
    workspace = open_workspace(invocation.workspace, now=invocation.now(), engine=invocation.engine)
    card_id, account_id = whole_card_id(workspace, card_id), whole_account_id(workspace, account_id)
    repricing = reprice(workspace, card_id, period=period, account_id=account_id)
    rows = [_row(line) for line in repricing.lines]
    if output.form is Form.JSON:
        totals, unpriced = json_rows(_TOTALS, _totals(repricing.lines)), [text for text, _ in _unpriced(repricing)]
        listed = {"lines": json_rows(_COLUMNS, rows), "totals": totals, "unpriced": unpriced}
        output.document({"card": repricing.card_id, **listed})
    else:
        output.rows(_COLUMNS, rows)
    if output.is_for_people:
        say("")
        output.rows(_TOTALS, _totals(repricing.lines))
    for text, why in _unpriced(repricing):
        warn(f"{text}; {why}, so the new amounts are without it")


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


def _totals(lines: Iterable[RepricedLine]) -> list[tuple[str | Decimal, ...]]:
    by_invoice: dict[tuple[str, str, str], list[RepricedLine]] = {}
    for line in lines:
        by_invoice.setdefault((str(line.period), line.account_id, line.currency), []).append(line)
    return [
        (
            period,
            account_id,
            next((line.invoice_id for line in group if line.invoice_id), ""),
            currency,
            exact_sum(line.old_amount for line in group),
            exact_sum(line.new_amount for line in group),
            exact_sum(line.difference for line in group),
        )
        for (period, account_id, currency), group in by_invoice.items()
    ]


def _unpriced(repricing: Repricing) -> list[tuple[str, str]]:
    """Return what is unpriced, and why."""
    found: dict[tuple[str, str, bool], list[UnpricedUsage]] = {}
    for each in repricing.unpriced:
        found.setdefault((each.usage.account_id, each.usage.model, each.lacks_exchange), []).append(each)
    told = []
    for (account_id, model, lacks_exchange), rows in sorted(found.items(), key=lambda each: each[0]):
        tokens = sum(each.usage.quantity for each in rows)
        text = f"{counted(tokens, 'token')} of {account_id} for model {model!r} {are(tokens)} unpriced"
        first = min(rows, key=lambda each: each.usage.usage_date)
        no_rate = f"rates/{repricing.card_id}.toml has no rate in force for it"
        told.append((text, first.reason if lacks_exchange else no_rate))
    return told
