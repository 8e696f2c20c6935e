"""A lake to daily totals, as people do it.

Every module has functions from a workspace to an answer with the columns of ``comparing.AGGREGATING``.

The task is to sum measured usage by key, model and UTC date, each identity once. What people write without thinking
(keep one copy, whichever) is there beside what gives the right answer: among equal copies the earliest, among different
ones the latest.
"""
