"""Cost, usage and invoices in the formats of others: FOCUS, and items for Stripe and Lago to collect.

Owns the columns of each format. Does not own how invoices become its rows (``pipeline.jobs.answers``) nor invoices
themselves (``pipeline.documents``). Read first: ``focus``, then ``docs/focus.md``.
"""
