"""The night: collect what is new, count it, rate it, draft invoices, and say what somebody must know.

Owns the steps and their order, and which logs are read. Does not own how they are read (``pipeline.collectors``) nor
how they are counted (``state``). Read first: ``nightly``, then ``collect``.
"""
