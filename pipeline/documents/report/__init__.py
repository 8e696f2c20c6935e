"""The report of a period as one page for people: what was spent, what moved, what is at risk, what is billed.

Owns what a report holds (``figures``), how it is worded and drawn, and its page. Does not own any number: what usage
costs, what is on a bill and what is on none is counted by jobs (``pipeline.jobs.reported``). Read first: ``figures``,
then ``page``.

Invariants: amounts of different currencies are never added up, every amount is printed with all its digits, no name is
ever taken for markup, and a page asks for nothing beyond itself.
"""
