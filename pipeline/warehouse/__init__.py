"""The only place that speaks DuckDB: SQL counts tokens here; money is counted in Python (``pipeline.rating``).

Owns the connection, the loading and ordering of ``sql/``, and the build of the marts. Does not own which files are
believed (``pipeline.lake`` verifies them first) nor what a rate is worth. Read first: ``marts``, then ``relations``.
"""
