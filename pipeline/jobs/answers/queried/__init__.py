"""Relations that anyone may query: events, quarantine, marts, charges, invoices and their lines, and what they mean.

Owns their names, columns and units, and where their rows come from. Does not own the query (``pipeline.warehouse``) nor
what is counted (``sql/``). Read first: ``columns``, then ``relations``.
"""
