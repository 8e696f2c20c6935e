"""What may be handed over to a system that collects money: issued invoices and credit notes, never drafts.

Read from the register alone, for which nothing is counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import register
from pipeline.base.money import plain_amount
from pipeline.invoicing import invoice_from_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.base.periods import BillingPeriod
    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing import Invoice


def issued_invoices(
    workspace: Workspace, *, period: BillingPeriod | None = None, account_id: str | None = None
) -> list[Invoice]:
    """Return what is issued, in the order of its numbers, optionally of one period or account."""
    return [
        invoice
        for invoice in map(invoice_from_document, register.read(workspace.root))
        if (period is None or invoice.period == period) and (account_id is None or invoice.account_id == account_id)
    ]


def taxes_left_out(invoices: Iterable[Invoice]) -> Iterator[str]:
    """Yield the tax of each invoice that has any, as a sentence: that of an export without tax lines."""
    for invoice in invoices:
        if invoice.tax_amount:
            amount = plain_amount(invoice.tax_amount, invoice.currency)
            yield f"{amount} {invoice.currency} of tax on {invoice.id}; add it there, or export it by --with-tax"
