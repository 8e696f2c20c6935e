"""Long streams, read without the chunks that say nothing new: a proof first, then a cut.

Owns what may be cut. Does not own what the last chunks state (``pipeline.collectors.fast.transcripts``). Read first:
``condense``.
"""
