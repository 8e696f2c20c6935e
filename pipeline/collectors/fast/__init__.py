"""The quick way through usual lines, and only where the answer is provably that of the plain reader.

Lines of one gateway are written alike. The plain reader's answer for one of them is kept with its *pattern*: an
expression that matches exactly the lines that are written so, and captures what rows need. Lines that a known pattern
matches are *matched* by it, many at a time (``patterns``, ``matching``, ``captures``). Long streams are cut first:
chunks that repeat are proven, counted and left out (``condense``). A line that no pattern matches is looked into by
simdjson (``lines``, ``bodies``, ``transcripts``), and what is unusual in any respect (escapes in names, lax JSON,
damage, another family's body) is left to ``pipeline.collectors.decode``, which decides: from what is left of the line
where that is a stream that was cut off (``cut_streams``), else from all of it. ``blocks`` has the order of these steps.

Owns speed. Does not own any rule: ``tests/collectors`` compares both readers on random and damaged lines. Read first:
``blocks``, then ``lines``.
"""
