"""Invoices as JSON lines: the document of each on a line of its own, drafts with their draft id.

An issued invoice's line has what its frozen document has, but for what the register adds (the chain, the commit and the
configuration). Amounts are text, so that no reader makes floating-point numbers of them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipeline.invoicing import invoice_document

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.invoicing import Invoice


def exported(invoices: Iterable[Invoice]) -> bytes:
    """Return one line for each invoice, in the order given."""
    return b"".join(map(document_bytes, invoices))


def document_bytes(invoice: Invoice) -> bytes:
    """Return an invoice's document as a line of JSON."""
    return (json.dumps(invoice_document(invoice), ensure_ascii=False, sort_keys=True) + "\n").encode("utf-8")
