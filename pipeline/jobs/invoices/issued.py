"""The issued document that somebody names.

Does not own what may be done with it: each job says that itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.base.errors import InvoiceNotFound

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.invoicing import Invoice


def issued_of_id(issued: Iterable[Invoice], invoice_id: str, *, of_drafts: str) -> Invoice:
    """Return the issued invoice or credit note with an id.

    Raises ``InvoiceNotFound``, which says of drafts what ``of_drafts`` does: ``a draft needs no credit note``.
    """
    found = next((each for each in issued if each.id == invoice_id), None)
    if found is None:
        message = f"no invoice {invoice_id!r} is issued; 'tallybook invoice list' shows what there is, and {of_drafts}"
        raise InvoiceNotFound(message)
    return found
