"""Commands that answer with numbers: usage, what it costs, and questions in SQL.

Owns their options and columns. Does not own the answers (``pipeline.jobs.answers``). Read first: ``cost``, then
``sql``.
"""
