"""How a log is stored: compressed, as the rows of a Parquet file, as an object of a store, or as what is no log.

Owns what is taken off before there are lines. Does not own the open log (``pipeline.collectors.logs.log_file``), nor
what is put around single lines (``pipeline.collectors.wrappers``). Read first: ``compression``, then ``parquet_rows``.
"""
