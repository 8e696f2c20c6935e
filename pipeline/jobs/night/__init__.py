"""The night: collect what is new, count it, rate it, draft invoices, and say what somebody must know.

Owns the steps and their order. Does not own which logs are read (``logs``), how they are read
(``pipeline.collectors``) nor how they are counted (``state``). Read first: ``nightly``, then ``collect``.
"""
