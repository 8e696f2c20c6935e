"""The course of reading one log, from the place where it was left to segments that may be committed.

Owns where reading begins, how a log is split, which reader takes in its lines, and where a segment ends. Does not own
bytes and lines (``pipeline.collectors.logs``), nor what a line amounts to (``pipeline.collectors.decode``,
``pipeline.collectors.kernel``). Read first: ``log_reading``, then ``splitting`` and ``filling``.
"""
