"""Usage at grains that the marts do not have: by price and cost, time slice, UTC day, and single event.

Owns which relations each needs beside the marts', and its columns. Does not own what is counted (``sql/marts``), nor
how relations are built (``pipeline.warehouse.build``). Read first: ``by_slice``, then ``tracing``.
"""
