"""Zstandard as Python's own library has it, which it has since 3.14: before, by the package that hands it on.

Loaded where something is compressed so, or its tests.
"""

from __future__ import annotations

import sys

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["zstd"]
