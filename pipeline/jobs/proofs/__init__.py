"""Why anybody may believe it: the claims of ``verify``, an invoice decided once more, and a bundle for its customer.

Owns which claims are made in which order, and what else shows that an invoice is right. Does not own the claims
(``claims``), nor those about counts (``sql/checks``). Read first: ``verify``, then ``recompute``.
"""
