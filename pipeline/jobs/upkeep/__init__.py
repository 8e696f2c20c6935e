"""Keeping a workspace: making one, looking it over, and adding published prices to its cards.

Owns what an owner is told of a workspace. Does not own what its files may say (``pipeline.configuration``). Read first:
``doctor``, then ``import_rates``.
"""
