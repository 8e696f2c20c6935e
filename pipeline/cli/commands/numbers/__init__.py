"""Commands that answer with numbers: usage, what it costs, questions in SQL, and all of it in one file.

Owns their options and columns. Does not own the answers (``pipeline.jobs.answers``). Read first: ``cost``, then
``sql``.
"""
