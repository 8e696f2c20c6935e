"""Commands that keep a workspace in order: made, looked after, compacted, forgotten from, with its prices and keys.

Owns their options and what they print. Does not own what is done (``pipeline.jobs.upkeep``). Read first: ``init``, then
``forget``.
"""
