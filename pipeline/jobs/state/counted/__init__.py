"""What nights counted and asked before, so that the next one counts and asks what is new alone.

Owns what is kept of dates, of months and of the checks that were asked, and when it is believed. Does not own what is
counted (``pipeline.warehouse``) nor the files (``pipeline.lake.counted``). Read first: ``dates_counted``, then
``open_periods``.
"""
