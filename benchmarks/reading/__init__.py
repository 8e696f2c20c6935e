"""Logs to rows, as people do it.

Every module has functions from a log's path to an answer with the columns of ``comparing.READING``.

What they share is the task: a line that is no JSON has no row; a response that failed has one without tokens; of a
stream the last chunk with usage counts. ``by_tallybook`` is the pipeline itself, and its plain reader the oracle.
"""
