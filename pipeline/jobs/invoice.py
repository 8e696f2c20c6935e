"""Charges → drafts → issued invoices, and their CSV.

Owns which account and month get an invoice, and when one may be issued. Does not own lines, rounding or ids
(``pipeline.invoicing``), nor the register that numbers and freezes (``pipeline.storage.register``).

Later arrivals for an issued month are late usage: they are listed with their amount and change no issued invoice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from pipeline.errors import InvoiceNotFound, IssueBlocked
from pipeline.exports.invoice_csv import invoices_csv, lines_csv
from pipeline.invoicing import draft_invoice, invoice_document, invoice_from_document, issued_invoice
from pipeline.periods import BillingPeriod, instant_text
from pipeline.rating import Charge
from pipeline.storage import register
from pipeline.storage.invoice_files import write_period_files, written_periods
from pipeline.usage import Meter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from decimal import Decimal

    import pyarrow as pa

    from pipeline.invoicing import Invoice
    from pipeline.jobs.aggregate import Aggregate
    from pipeline.rating import UnpricedUsage
    from pipeline.storage.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class LateUsage:
    """An issued period is worth something else now than what was invoiced for it."""

    invoice: Invoice
    """As issued."""
    worth_now: Invoice
    """The draft that the period would get today."""

    @property
    def difference(self) -> Decimal:
        """Worth now minus what was invoiced, in the invoice's currency."""
        return self.worth_now.total - self.invoice.total


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceBook:
    """All invoices of a workspace as of now."""

    issued: tuple[Invoice, ...]
    """By number."""
    drafts: tuple[Invoice, ...]
    """By period and account; one for every account and month with usage that is not issued."""
    late: tuple[LateUsage, ...]

    def of(self, period: BillingPeriod | None = None, account_id: str | None = None) -> list[Invoice]:
        """Return issued invoices and drafts, optionally of one period or account."""
        return [
            invoice
            for invoice in (*self.issued, *self.drafts)
            if (period is None or invoice.period == period) and (account_id is None or invoice.account_id == account_id)
        ]


def invoice_book(workspace: Workspace, built: Aggregate) -> InvoiceBook:
    """Draft an invoice for every account and month with usage; issued ones come from the register. Writes nothing."""
    issued = tuple(invoice_from_document(document) for document in register.read(workspace.root))
    frozen = {(invoice.account_id, invoice.period): invoice for invoice in issued}
    drafts, late = [], []
    charges = _charges_by_invoice(built.rated.line_charges)
    for account_id, period in _accounts_and_periods(built.marts.usage_daily):
        account = workspace.accounts.by_id(account_id)
        if account is None:
            continue  # unassigned: listed, on no invoice
        card = workspace.rate_cards[account.rate_card]
        draft = draft_invoice(
            charges.get((account_id, period), ()),
            account=account,
            period=period,
            currency=card.currency,
            rounding=workspace.settings.rounding,
            monthly_fee=card.monthly_fee,
        )
        already = frozen.get((account_id, period))
        if already is None:
            drafts.append(draft)
        elif draft.lines != already.lines:
            late.append(LateUsage(invoice=already, worth_now=draft))
    return InvoiceBook(issued=issued, drafts=tuple(drafts), late=tuple(late))


def write_invoices(workspace: Workspace, book: InvoiceBook) -> None:
    """Write ``invoices/YYYY-MM/invoices.csv`` and ``lines.csv`` for every period; the same book gives the same bytes."""
    periods = {invoice.period for invoice in book.of()} | set(written_periods(workspace.root))
    for period in sorted(periods):
        write_period_files(workspace.root, period, period_files(book, period))


def period_files(book: InvoiceBook, period: BillingPeriod) -> dict[str, bytes]:
    """Return the files of a period by name; none where it has no invoice."""
    invoices = book.of(period)
    return {"invoices.csv": invoices_csv(invoices), "lines.csv": lines_csv(invoices)} if invoices else {}


def issue(workspace: Workspace, built: Aggregate, *, period: BillingPeriod, account_id: str | None, now: datetime) -> list[Invoice]:
    """Give every draft of a period (or of one account in it) the next number and freeze it; return what was issued, in order of numbers.

    Raises ``IssueBlocked`` where any of them has unpriced usage (then none is issued), ``InvoiceNotFound`` where the period has no invoice at all.
    An interrupted issue is finished by calling it again: what has a number keeps it.
    """
    book = invoice_book(workspace, built)
    chosen = book.of(period, account_id)
    if not chosen:
        who = f" and account {account_id!r}" if account_id else ""
        message = f"there is no invoice for {period}{who}; 'tallybook invoice list' shows what there is"
        raise InvoiceNotFound(message)
    drafts = [invoice for invoice in chosen if invoice.number is None]
    _refuse_unpriced(built.rated.unpriced, {draft.account_id for draft in drafts}, period)
    return [_issue_one(workspace, draft, built, now) for draft in drafts]


def charge_of(row: Mapping[str, object]) -> Charge:
    """Return a row of ``schemas.CHARGES`` as a charge."""
    return Charge(
        account_id=row["account_id"],  # type: ignore[arg-type]  # as the schema says, here and below
        api_key_id=row["api_key_id"],  # type: ignore[arg-type]
        model=row["model"],  # type: ignore[arg-type]
        service_tier=row["service_tier"],  # type: ignore[arg-type]
        meter=Meter(str(row["meter"])),
        usage_date=row["usage_date"],  # type: ignore[arg-type]
        quantity=row["quantity"],  # type: ignore[arg-type]
        rate_per_million=row["rate_per_million"],  # type: ignore[arg-type]
        currency=row["currency"],  # type: ignore[arg-type]
        amount=row["amount"],  # type: ignore[arg-type]
        list_rate_per_million=row["list_rate_per_million"],  # type: ignore[arg-type]
        package_tokens=row["package_tokens"],  # type: ignore[arg-type]
    )


def _issue_one(workspace: Workspace, draft: Invoice, built: Aggregate, now: datetime) -> Invoice:
    def make_document(number: int) -> dict[str, object]:
        invoice = issued_invoice(draft, number=number, prefix=workspace.settings.invoice_prefix)
        provenance = {
            "issued_at": instant_text(now),
            "commit": built.snapshot.version,
            "commit_sha256": built.snapshot.entry_sha256,
            "configuration_sha256": workspace.digest,
        }
        return invoice_document(invoice) | provenance

    return invoice_from_document(register.append(workspace.root, register.read(workspace.root), make_document))


def _charges_by_invoice(charges: pa.Table) -> dict[tuple[str, BillingPeriod], list[Charge]]:
    found: dict[tuple[str, BillingPeriod], list[Charge]] = {}
    for row in charges.to_pylist():
        charge = charge_of(row)
        found.setdefault((charge.account_id, BillingPeriod.parse(row["billing_period"])), []).append(charge)
    return found


def _accounts_and_periods(usage_daily: pa.Table) -> list[tuple[str, BillingPeriod]]:
    pairs = usage_daily.filter(pc.not_equal(usage_daily["account_id"], "")).group_by(["account_id", "billing_period"]).aggregate([]).to_pylist()
    return sorted(((pair["account_id"], BillingPeriod.parse(pair["billing_period"])) for pair in pairs), key=lambda pair: (pair[1], pair[0]))


def _refuse_unpriced(unpriced: Iterable[UnpricedUsage], account_ids: set[str], period: BillingPeriod) -> None:
    tokens: dict[tuple[str, str], int] = {}
    for row in unpriced:
        if row.usage.account_id in account_ids and BillingPeriod.of(row.usage.usage_date) == period:
            place = (row.usage.account_id, row.usage.model)
            tokens[place] = tokens.get(place, 0) + row.usage.quantity
    if tokens:
        listed = "; ".join(f"account {account_id!r}: {quantity} tokens of model {model!r}" for (account_id, model), quantity in sorted(tokens.items()))
        message = f"{period} cannot be issued: no rate is in force for {listed}; add rates (or an alias) to the accounts' rate cards and try again"
        raise IssueBlocked(message)
