"""A line to an exchange: what each log format calls its fields, and how instants and keys are read of them.

Owns what stands around a body. Does not own the body (``pipeline.collectors.bodies``) nor what it states
(``pipeline.collectors.families``). Read first: ``request_log``, then ``log_format``.
"""
