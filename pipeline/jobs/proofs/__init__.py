"""Why anybody may believe it: the claims of ``verify``, an invoice decided once more, and a bundle for its customer.

Owns the claims about lake and invoices. Does not own those about counts (``sql/checks``). Read first: ``verify``, then
``recompute``.
"""
