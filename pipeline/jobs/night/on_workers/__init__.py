"""Logs read by the workers of an engine, to the very segments that this machine would read.

Only for a workspace whose ``[engine]`` says ``collect``. This machine says which logs, and what is known of them;
workers read, and hand back events, quarantined lines and source records; this machine believes what fits what is known
by then, reads the rest itself, and commits as always.

Owns who reads what, the form of what goes there and back, and when it is believed. Does not own reading
(``pipeline.collectors``), the way to the workers (``pipeline.warehouse.engines.on_workers``), nor the commit
(``collect``). Read first: ``logs_on_workers``, then ``at_worker``.
"""
