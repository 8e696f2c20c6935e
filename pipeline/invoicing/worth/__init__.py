"""What a period is worth: usage lines, the monthly fee and seats, commitments, items and coupons.

Owns which charges share a line, the one rounding of it, and what is owed for a period whatever was used. Does not own
the kinds of lines (``pipeline.invoicing.lines``), corrections, credits and tax, nor which drafts there are
(``pipeline.invoicing.book``). Read first: ``period_lines``, then ``usage_lines``.
"""
