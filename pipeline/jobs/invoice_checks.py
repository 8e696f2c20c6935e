"""The claims about invoices: totals are sums of printed lines, worth their charges, numbered without gaps, and printed as computed.

Does not own how a failed claim is reported (``pipeline.jobs.verify``).
"""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.invoicing import LineKind
from pipeline.jobs.aggregate import CHARGES, inputs_of
from pipeline.jobs.check import Check, check_that_none
from pipeline.jobs.invoice import period_files
from pipeline.money import exact_sum, minor_unit_digits, plain
from pipeline.storage.derived import read_manifest
from pipeline.storage.invoice_files import read_period_file, written_periods

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.jobs.aggregate import Aggregate
    from pipeline.jobs.invoice import InvoiceBook
    from pipeline.storage.workspace import Workspace


def invoice_checks(workspace: Workspace, built: Aggregate, book: InvoiceBook) -> Iterator[Check]:
    """Check everything between the charges and the CSV files."""
    wrong = [invoice.id for invoice in book.of() if invoice.total != exact_sum(line.amount for line in invoice.lines)]
    fine = f"{len(book.issued)} issued invoices and {len(book.drafts)} drafts"
    yield check_that_none(wrong, name="totals_are_the_sum_of_their_lines", fine=fine, found="not so")
    residuals = list(_residuals(built, book))
    yield check_that_none(residuals, name="invoices_are_worth_their_charges", fine=_residual_text(book), found="beyond one rounding a line")
    numbers = [invoice.number for invoice in book.issued]
    gaps = [] if numbers == list(range(1, len(numbers) + 1)) else numbers
    yield check_that_none(gaps, name="invoice_numbers_have_no_gaps", fine=f"{len(numbers)} issued, each chained to the one before", found="numbers")
    yield _files(workspace, built, book)
    differences = list(_csv_differences(workspace))
    yield check_that_none(differences, name="csv_totals_are_the_sum_of_csv_lines", fine="as a spreadsheet adds them", found="not so")


def _files(workspace: Workspace, built: Aggregate, book: InvoiceBook) -> Check:
    name = "csv_files_are_what_the_invoices_say"
    manifest = read_manifest(workspace.lake, CHARGES)
    if manifest is None or manifest.inputs != inputs_of(workspace, built.snapshot):
        return Check(name=name, ok=True, detail="not written for this commit and configuration yet; 'tallybook nightly' writes them")
    wrong = [
        f"{period}/{file}"
        for period in sorted({invoice.period for invoice in book.of()} | set(written_periods(workspace.root)))
        for file, content in period_files(book, period).items()
        if read_period_file(workspace.root, period, file) != content
    ]
    return check_that_none(
        wrong, name=name, fine="every CSV is byte for byte what is computed now", found="changed or missing ('tallybook nightly' writes them again)"
    )


def _residuals(built: Aggregate, book: InvoiceBook) -> Iterator[str]:
    """Sum of an invoice's lines = sum of its charges, give or take half a minor unit a line; late usage is listed instead of invoiced."""
    charged: dict[tuple[str, str], list[Decimal]] = {}
    charges = built.rated.charges.select(["account_id", "billing_period", "amount"]).to_pylist()
    for row in charges:
        charged.setdefault((row["account_id"], row["billing_period"]), []).append(row["amount"])
    current = {(invoice.account_id, str(invoice.period)): invoice for invoice in book.of()} | {
        (late.worth_now.account_id, str(late.worth_now.period)): late.worth_now for late in book.late
    }
    for place, amounts in sorted(charged.items()):
        invoice = current.get(place)
        if invoice is None:
            yield f"{place[0]} {place[1]} has charges and no invoice"
            continue
        printed = [line.amount for line in invoice.lines if line.kind is LineKind.USAGE]
        allowed = Decimal(len(printed)).scaleb(-minor_unit_digits(invoice.currency)) / 2
        residual = exact_sum([*amounts, -exact_sum(printed)])
        if abs(residual) > allowed:
            yield f"{invoice.id} by {plain(residual)} {invoice.currency}"


def _residual_text(book: InvoiceBook) -> str:
    by_currency: dict[str, list[Decimal]] = {}
    for invoice in book.of():
        by_currency.setdefault(invoice.currency, []).append(invoice.residual)
    listed = ", ".join(f"{plain(exact_sum(residuals))} {currency}" for currency, residuals in sorted(by_currency.items())) or "nothing"
    late = f"; {len(book.late)} issued months have late usage" if book.late else ""
    return f"charges minus invoices: {listed} lost or won by rounding{late}"


def _csv_differences(workspace: Workspace) -> Iterator[str]:
    for period in written_periods(workspace.root):
        invoices, lines = (_rows(read_period_file(workspace.root, period, name)) for name in ("invoices.csv", "lines.csv"))
        sums: dict[str, Decimal] = {}
        for line in lines:
            sums[line["invoice_id"]] = exact_sum([sums.get(line["invoice_id"], Decimal(0)), Decimal(line["amount"])])
        yield from (f"{period}: {row['invoice_id']}" for row in invoices if Decimal(row["total"]) != sums.get(row["invoice_id"], Decimal(0)))


def _rows(content: bytes | None) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((content or b"").decode("utf-8"), newline="")))
