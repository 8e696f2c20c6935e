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
    documents = (json.dumps(invoice_document(invoice), ensure_ascii=False, sort_keys=True) for invoice in invoices)
    return "".join(f"{document}\n" for document in documents).encode("utf-8")
