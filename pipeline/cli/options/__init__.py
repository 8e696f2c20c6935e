"""What several commands take, and how their help is written: which usage is meant, logs, beginnings of ids, examples.

Owns what is typed, and what it stands for. Does not own the clock and the workspace (``pipeline.cli.context``), nor the
options of one command alone (``pipeline.cli.commands``). Read first: ``selecting``, then ``ids``.
"""
