"""What is spent, watched: budgets and their forecasts, and days of keys, models and accounts that are out of line.

Owns whose spending is added up, and which days are complete. Does not own the rules (``pipeline.budgets``) nor what
usage costs: these are the charges that ``cost`` adds up (``pipeline.jobs.answers.grouped``). Read first: ``spending``,
then ``budgets``.
"""
