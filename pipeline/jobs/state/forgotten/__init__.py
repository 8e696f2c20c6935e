"""What was forgotten: which events these are, and the counts that stay of them.

Owns the meaning of a rule of forgetting, and what is added to the counts of the events that are there. Does not own
how something is forgotten (``pipeline.jobs.upkeep``) nor how that stands in the log (``pipeline.lake.log.forgetting``).
Read first: ``kept``, then ``rules``.
"""
