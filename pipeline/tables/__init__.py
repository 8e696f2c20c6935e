"""Arrow tables: the schemas of the lake's and the marts' tables, and what is done to whole columns at once.

Owns the Arrow types, texts that are codes, codes of rows, and rating on columns, which equals ``pipeline.rating`` to
the last digit. Does not own where tables lie (``pipeline.lake``) nor how they are counted (``pipeline.warehouse``).
Read first: ``schemas`` and ``rating``.
"""
