"""Programs with one thing wrong, and whether the tests notice: what they do not notice, no test claims.

Owns what is changed, and which changes amount to nothing. Does not own the tests. Read ``sql.py`` and ``kernel.py``.
"""
