"""Logs read by the workers of an engine, to the very segments that this machine would read.

Only for a workspace whose ``[engine]`` says ``collect``. This machine says which logs, and what is known of them;
workers read, and hand back events, quarantined lines and source records; this machine believes what fits what is known
by then, reads the rest itself, and commits as always. Where it says ``write`` too, workers write the rows into the
lake, and hand back source records and the names of files.

Owns who reads what, the form of what goes there and back, when it is believed, and what of written files is looked at
before. Does not own reading (``pipeline.collectors``), the way to the workers
(``pipeline.warehouse.engines.on_workers``), nor the commit (``collect``). Read first: ``logs_on_workers``, then
``at_worker``.
"""
