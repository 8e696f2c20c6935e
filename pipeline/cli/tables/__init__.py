"""Rows as text, in the forms that ``-o`` names: a table that fits, CSV, JSON, Markdown.

Owns what a column is, and how rows look in each form. Does not own what is in them, nor where they go: nothing here
prints or knows a terminal (``pipeline.cli.output``). Read first: ``columns``, then ``forms``.
"""
