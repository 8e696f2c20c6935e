"""The claims about payments: each is of an issued invoice, in its currency, and taken back at most once, in full.

Does not own how a failed claim is reported (``pipeline.jobs.proofs.verify``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.base.errors import LogEntryRefused
from pipeline.invoicing import InvoiceStatus
from pipeline.jobs.check import Check, check_that_none
from pipeline.jobs.wording import counted
from pipeline.register.payments import read_payments

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing import InvoiceBook
    from pipeline.invoicing.payments import Payment


def payment_checks(workspace: Workspace, book: InvoiceBook) -> Iterator[Check]:
    """Check the recorded payments against the issued invoices."""
    try:
        payments = read_payments(workspace.root)
    except LogEntryRefused as refused:
        yield Check(name="payments_are_unchanged", ok=False, detail=str(refused))
        return
    yield check_that_none(
        list(_wrong(payments, book)),
        name="payments_are_of_issued_invoices",
        fine=f"{counted(len(payments), 'entry', 'entries')}, each chained to the one before",
        found="not so",
    )


def _wrong(payments: Sequence[Payment], book: InvoiceBook) -> Iterator[str]:
    currencies = {invoice.id: invoice.currency for invoice in book.issued if invoice.status is InvoiceStatus.ISSUED}
    standing: dict[int, Payment] = {}
    for payment in payments:
        if currencies.get(payment.invoice_id) != payment.currency:
            yield f"payment {payment.number} is of {payment.invoice_id} in {payment.currency}, which is not issued"
        if payment.takes_back is None:
            standing[payment.number] = payment
            continue
        taken = standing.pop(payment.takes_back, None)
        if taken is None or (taken.invoice_id, taken.amount) != (payment.invoice_id, -payment.amount):
            yield f"payment {payment.number} does not take back {payment.takes_back}"
