"""Cost and usage in the formats of others: today FOCUS.

Owns the columns of each format. Does not own how invoices become its rows (``pipeline.jobs.answers``) nor invoices
themselves (``pipeline.documents``). Read first: ``focus``, then ``docs/focus.md``.
"""
