"""Daily tokens to charges.

Every module has functions from a workspace to an answer with the columns of ``comparing.RATING``.

The input is ``cells.parquet`` in the workspace (``cells`` writes it): rows of usage daily, as many as asked for.
"""
