"""Zstandard as Python's own library has it since 3.14: found here without a line of the product."""

from __future__ import annotations

import sys

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["zstd"]
