"""Bytes at rest: written durably or not at all, chained, locked, and checked against their digests.

Owns every call that syncs, links or renames, the layout of a workspace, and the bytes of Parquet, Arrow and JSON. Does
not own what the bytes mean (``pipeline.lake``, ``pipeline.register``, ``pipeline.configuration``). Read first:
``disk``, then ``append_log``.
"""
