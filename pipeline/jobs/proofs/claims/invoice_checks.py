"""The claims about invoices.

Totals are sums of printed lines, worth their charges, and numbered without gaps.

Does not own their files (``file_checks``), nor how a failed claim is reported (``pipeline.jobs.proofs.verify``).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.base.money import exact_sum, minor_unit_digits, plain
from pipeline.base.periods import BillingPeriod
from pipeline.invoicing import InvoiceStatus, LineKind
from pipeline.invoicing.book import credit_balances
from pipeline.invoicing.lines import PERIOD_KINDS, total_of
from pipeline.jobs.check import check_that_none
from pipeline.jobs.state.drafts import account_currencies
from pipeline.jobs.state.held import has_begun
from pipeline.jobs.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing import InvoiceBook
    from pipeline.jobs.check import Check
    from pipeline.jobs.state.aggregate import Aggregate


def invoice_checks(workspace: Workspace, built: Aggregate, book: InvoiceBook) -> Iterator[Check]:
    """Check everything between the charges and what is printed."""
    wrong = [invoice.id for invoice in book.of() if invoice.total != exact_sum(line.amount for line in invoice.lines)]
    fine = f"{counted(len(book.issued), 'issued invoice')} and {counted(len(book.drafts), 'draft')}"
    yield check_that_none(wrong, name="totals_are_the_sum_of_their_lines", fine=fine, found="not so")
    residuals = list(_residuals(workspace, built, book))
    yield check_that_none(
        residuals,
        name="invoices_are_worth_their_charges",
        fine=_residual_text(book),
        found="beyond one rounding a line",
    )
    numbers = [invoice.number for invoice in book.issued]
    gaps = [] if numbers == list(range(1, len(numbers) + 1)) else numbers
    yield check_that_none(
        gaps,
        name="invoice_numbers_have_no_gaps",
        fine=f"{len(numbers)} issued, each chained to the one before",
        found="numbers",
    )
    yield check_that_none(
        list(_untrue(book)), name="invoices_and_corrections_are_the_truth", fine=_truth_text(book), found="not so"
    )
    yield check_that_none(
        list(_broken_notes(book)),
        name="credit_notes_take_back_one_invoice_each",
        fine=_notes_text(book),
        found="not so",
    )
    yield check_that_none(
        list(_overdrawn(workspace, book)),
        name="credits_are_never_negative",
        fine="no grant is used beyond its amount",
        found="overdrawn",
    )


def _residuals(workspace: Workspace, built: Aggregate, book: InvoiceBook) -> Iterator[str]:
    """Sum of a period's usage lines as of now = sum of its charges, give or take half a minor unit a line."""
    charged: dict[tuple[str, BillingPeriod], list[Decimal]] = {}
    charges = built.rated.charges.select(["account_id", "billing_period", "currency", "amount"]).to_pylist()
    currencies: dict[str, str] = {}
    for row in charges:
        charged.setdefault((row["account_id"], BillingPeriod.parse(row["billing_period"])), []).append(row["amount"])
        currencies[row["account_id"]] = row["currency"]
    for (account_id, period), amounts in sorted(charged.items()):
        if not has_begun(workspace, built.snapshot, account_id, period):
            continue
        if (account_id, period) not in book.worth:
            yield f"{account_id} {period} has charges and no invoice"
            continue
        lines = [line for line in book.worth[account_id, period] if line.kind is LineKind.USAGE]
        allowed = Decimal(len(lines)).scaleb(-minor_unit_digits(currencies[account_id])) / 2
        residual = exact_sum([*amounts, -total_of(lines)])
        if abs(residual) > allowed:
            yield f"{account_id} {period} by {plain(residual)} {currencies[account_id]}"


def _untrue(book: InvoiceBook) -> Iterator[str]:
    """Over all invoices, credit notes and drafts, a period's lines and its corrections = what the period is worth now.

    To the cent. Where usage has no price nobody knows what that is, and what was invoiced stands.
    """
    invoiced: dict[tuple[str, BillingPeriod], list[Decimal]] = {}
    for invoice in book.of():
        for line in invoice.lines:
            if line.kind in PERIOD_KINDS or line.kind is LineKind.CORRECTION:
                place = (line.account_id or invoice.account_id, invoice.month_of(line))
                invoiced.setdefault(place, []).append(line.amount)
    for account_id, period in sorted({*invoiced, *book.worth} - book.kept):
        worth = total_of(book.worth.get((account_id, period), ()))
        difference = exact_sum([*invoiced.get((account_id, period), ()), -worth])
        if difference:
            yield f"{account_id} {period} is invoiced at {plain(difference)} too much"


def _broken_notes(book: InvoiceBook) -> Iterator[str]:
    """Yield where less than nothing is left of an invoice or of a line, or something of one that was taken back."""
    invoices = {invoice.id: invoice for invoice in book.issued if invoice.status is InvoiceStatus.ISSUED}
    left = {invoice.id: invoice.total for invoice in invoices.values()}
    lines = {(invoice.id, line.number): line.amount for invoice in invoices.values() for line in invoice.lines}
    voided: set[str] = set()
    for note in (invoice for invoice in book.issued if invoice.credits_invoice):
        credited_id = note.credits_invoice
        if credited_id not in left:
            yield f"{note.id} does not take back {credited_id}"
            continue
        if credited_id in voided:
            yield f"{note.id} takes back {credited_id}, of which nothing was left"
        left[credited_id] = exact_sum([left[credited_id], note.total])
        for line in note.lines:
            if line.credits_line is not None:
                place = (credited_id, line.credits_line)
                lines[place] = exact_sum([lines.get(place, line.amount - line.amount), line.amount])
                if lines[place] < 0:
                    yield f"{note.id} takes back more of line {line.credits_line} than {credited_id} has"
        if (note.is_partial and left[credited_id] < 0) or (not note.is_partial and left[credited_id] != 0):
            yield f"{note.id} leaves {plain(left[credited_id])} of {credited_id}"
        voided |= set() if note.is_partial else {credited_id}


def _overdrawn(workspace: Workspace, book: InvoiceBook) -> Iterator[str]:
    for balance in credit_balances(book, workspace.accounts, account_currencies(workspace)):
        if balance.unused < 0 or balance.consumed < 0:
            yield f"credit {balance.grant.id} of {balance.account_id} by {plain(balance.unused)} {balance.currency}"


def _truth_text(book: InvoiceBook) -> str:
    corrected = (
        f"; {counted(len(book.late), 'issued month is', 'issued months are')} corrected on drafts" if book.late else ""
    )
    return f"{counted(len(book.worth), 'month')} of accounts{corrected}"


def _notes_text(book: InvoiceBook) -> str:
    partial = sum(invoice.is_partial for invoice in book.issued)
    in_part = f", {counted(partial, 'of a part', 'of parts')}" if partial else ""
    return counted(len(book.credited_by()) + partial, "credit note") + in_part


def _residual_text(book: InvoiceBook) -> str:
    by_currency: dict[str, list[Decimal]] = {}
    for invoice in book.of():
        by_currency.setdefault(invoice.currency, []).append(invoice.residual)
    listed = (
        ", ".join(f"{plain(exact_sum(residuals))} {currency}" for currency, residuals in sorted(by_currency.items()))
        or "nothing"
    )
    return f"charges minus invoices: {listed} lost or won by rounding"
