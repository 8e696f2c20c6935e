"""Which logs are read: those under globs, given ones, what comes by standard input, and those on object stores.

Owns which source each log is of, and what is told of that. Does not own the globs
(``pipeline.configuration.source_files``), nor reading (``pipeline.jobs.night.collect``). Read first: ``logs_to_read``,
then ``given_files``.
"""
