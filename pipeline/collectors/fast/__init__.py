"""The quick way through usual lines: many at a time, typed, and only where the answer is provably that of the plain reader.

Owns what a *usual* line is, and reading it. Whatever is unusual in any respect (odd order, escapes, lax JSON, damage) is handed over
to ``pipeline.collectors.decode``, which decides; ``tests/collectors/test_fast_equals_plain.py`` compares the two on random and damaged
lines. Does not own any rule of its own.
"""
