"""Usage and cost as people ask for them: grouped by any words, of some accounts, keys, models, tags and days.

Owns the words of ``--by``, what is chosen, what is compared with what, and how rows beyond the greatest are summed up.
Does not own what is counted (``sql/``), what it costs (``pipeline.rating``) nor how it is printed (``pipeline.cli``).
Read first: ``words``, then ``cost``.
"""
