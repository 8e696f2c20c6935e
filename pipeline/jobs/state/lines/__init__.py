"""Lines of usage of many accounts at once, and the events behind them with the share of each.

Owns the way from charges to lines as columns, and the way back from a line to its events. Does not own what a line is
(``pipeline.invoicing.worth``), nor drafts (``pipeline.jobs.state.drafts``). Read first: ``charged_lines``, then
``traced_lines``.
"""
