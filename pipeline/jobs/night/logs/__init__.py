"""Which logs are read: those of configured sources, given ones, and what comes by standard input.

Owns which source each log is of, and what is told of that. Does not own the globs
(``pipeline.configuration.source_files``), nor reading (``pipeline.jobs.night.collect``). Read first: ``logs_to_read``,
then ``given_files``.
"""
