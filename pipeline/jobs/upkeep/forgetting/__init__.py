"""To forget events for good: which, what stays of them, the entry that makes it so, and the removal of what lies there.

Owns the order of these steps. Does not own what a rule means (``pipeline.jobs.state.forgotten``) nor the entry
(``pipeline.lake.log.forgetting``). Read first: ``plan``, then ``forget``.
"""
