"""A workspace and a commit, counted, rated and drafted: as of now, and as an invoice was decided.

Owns the way from events to drafts, and the way back to the state of an issued invoice. Does not own what is done with
it (the other rooms of ``pipeline.jobs``), nor the rules (``pipeline.rating``, ``pipeline.invoicing``). Read first:
``aggregate``, then ``drafts``.
"""
