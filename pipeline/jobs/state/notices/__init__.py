"""Warnings that somebody knows of: those that a night told of before, and those that somebody acknowledged.

Owns what is remembered of them, and when one is new again. Does not own what is worth a warning
(``pipeline.jobs.warned``). Read first: ``told``, then ``acknowledged``.
"""
