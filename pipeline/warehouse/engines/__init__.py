"""What the relations of ``sql/`` are run on: DuckDB on this machine, or a server that speaks Spark Connect.

Owns how each is given rows, builds a relation and is asked for it; every one gives the same rows. Does not own the
relations (``sql/``), nor which of them are built (``pipeline.warehouse.build``). Read first: ``engine``, then
``on_spark``.
"""
