"""Lines of usage as columns: those that charges make, and those of invoices that are there already.

Owns the table of lines. Does not own which charges share one (``pipeline.jobs.state.lines``; where sums might not fit
into columns, the lines are made by ``pipeline.invoicing``, which this must equal to the cent, line for line:
``tests/oracle/compared/test_repricing.py``), nor rounding (``pipeline.tables.rating``), nor what follows from terms:
included tokens, fees, commitments.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.base.money import plain_rate
from pipeline.base.periods import BillingPeriod
from pipeline.invoicing import draft_invoice
from pipeline.invoicing.draft import DRAFT, behind_period, draft_id
from pipeline.invoicing.lines import LineKind, is_of_usage
from pipeline.jobs.state.lines.charged_lines import charges_by_invoice, summed_to_lines
from pipeline.tables.rating import rounded_amounts, sums_fit
from pipeline.tables.row_codes import whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pipeline.accounts import Accounts
    from pipeline.base.money import Rounding
    from pipeline.invoicing import Invoice, InvoiceLine
    from pipeline.rates.limits import EntryLimit

PLACE = ("billing_period", "account_id", "api_key_id", "model", "service_tier", "meter")
"""What a line is about, whatever its rate."""
PRINTED = pa.decimal128(38, 4)
"""Printed amounts of any currency: none has more than four minor digits."""
LINES = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in PLACE),
        pa.field("invoice_id", pa.string(), nullable=False),
        pa.field("currency", pa.string(), nullable=False),
        pa.field("rate", pa.string(), nullable=False),  # per million, as price lists write it; '' = none
        pa.field("quantity", pa.decimal128(38, 0), nullable=False),  # sums of tokens may be beyond 64 bits
        pa.field("amount", PRINTED, nullable=False),  # of the one rounding
    ]
)
"""Lines of usage, those of one place in the order of their invoice."""


def lines_of_charges(
    line_charges: pa.Table,
    accounts: Accounts,
    rounding: Rounding,
    limits: Mapping[tuple[str, BillingPeriod], Mapping[str, EntryLimit]] | None = None,
) -> pa.Table:
    """Return the lines that a ``schemas.CHARGES`` table makes on drafts of accounts, as ``LINES``.

    ``limits`` are those of the entries that charges name, by account id and billing period.
    """
    if not line_charges.num_rows:
        return LINES.empty_table()
    if not sums_fit(line_charges) or line_charges["entry"].null_count < line_charges.num_rows:
        return lines_of_invoices(_drafts(line_charges, accounts, rounding, limits or {}))
    lines = summed_to_lines(line_charges.combine_chunks())
    drafts = _draft_ids(lines, accounts)
    lines = lines.append_column("invoice_id", drafts)
    return pa.concat_tables(
        [
            LINES.empty_table(),
            *(_printed(lines, currency, rounding) for currency in sorted(lines["currency"].unique().to_pylist())),
        ]
    )


def _draft_ids(lines: pa.Table, accounts: Accounts) -> pa.Array:
    """Return the id of the draft that each line is on: its account's, or its parent's."""
    places = lines.select(["billing_period", "account_id"])
    payers = {account.id: account for account in accounts if account.invoiced_to}
    invoiced = places["account_id"]
    if payers:
        pairs = zip(places["billing_period"].to_pylist(), places["account_id"].to_pylist(), strict=True)
        found = [
            payers[account_id].invoiced_in(BillingPeriod.parse(period)) if account_id in payers else account_id
            for period, account_id in pairs
        ]
        invoiced = pa.chunked_array([pa.array(found, pa.string())])
    encoded = whole(invoiced.dictionary_encode())
    ends = pa.array(map(behind_period, encoded.dictionary.to_pylist()), pa.string()).take(encoded.indices)
    return pc.binary_join_element_wise(DRAFT, whole(places["billing_period"]), ends, "")


def lines_of_invoices(invoices: Iterable[Invoice]) -> pa.Table:
    """Return the usage lines of invoices as ``LINES``, and those of the limits that a card sets to usage."""
    rows = [
        {
            "billing_period": str(invoice.month_of(line)),
            "account_id": invoice.account_id,
            "api_key_id": line.api_key_id,
            "model": line.model,
            "service_tier": line.service_tier,
            "meter": line.meter.value if line.meter else "",
            "invoice_id": invoice.id,
            "currency": invoice.currency,
            "rate": _rate_text(line),
            "quantity": Decimal(line.quantity),
            "amount": line.amount,
        }
        for invoice in invoices
        for line in invoice.lines
        if is_of_usage(line) or line.kind is LineKind.LIMIT
    ]
    return pa.Table.from_pylist(rows, schema=LINES)


def _rate_text(line: InvoiceLine) -> str:
    """Write the rate of a line; flat amounts and limits have none."""
    rate = line.rate_per_million if line.flat_amount is None else None
    return "" if rate is None else plain_rate(rate)


def _drafts(
    line_charges: pa.Table,
    accounts: Accounts,
    rounding: Rounding,
    limits: Mapping[tuple[str, BillingPeriod], Mapping[str, EntryLimit]],
) -> Iterator[Invoice]:
    """Draft an invoice for each account and period, as every other one is drafted."""
    for (account_id, period), charges in charges_by_invoice(line_charges).items():
        account = accounts.by_id(account_id)
        if account is not None:
            draft = draft_invoice(
                charges,
                account=account,
                period=period,
                currency=charges[0].currency,
                rounding=rounding,
                limits=limits.get((account_id, period)),
            )
            yield replace(draft, id=draft_id(account.invoiced_in(period), period))


def _printed(lines: pa.Table, currency: str, rounding: Rounding) -> pa.Table:
    """Round the lines of one currency, and write their rates."""
    mine = lines.filter(pc.equal(lines["currency"], currency))
    rates = whole(mine["rate_per_million"]).dictionary_encode()
    columns = {name: mine[name] for name in (*PLACE, "invoice_id", "currency")} | {
        "rate": pc.if_else(
            pc.is_valid(whole(mine["flat_amount"])),
            "",
            pa.array([plain_rate(rate) for rate in rates.dictionary.to_pylist()], pa.string()).take(rates.indices),
        ),
        "quantity": mine["quantity"].cast(LINES.field("quantity").type),
        "amount": rounded_amounts(mine, currency, rounding).cast(PRINTED),
    }
    return pa.table([columns[name] for name in LINES.names], schema=LINES)
