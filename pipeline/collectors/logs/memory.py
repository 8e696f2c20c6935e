"""Memory that is used again instead of being given back.

Owns what this process asks of its allocator.
"""

from __future__ import annotations

from functools import cache

import numpy as np

_AT_ONCE_BYTES = 2**24


@cache
def keep_freed_memory() -> None:
    """Let the allocator keep what is freed of up to some 32 MB, where it is glibc's.

    By default it gives blocks of more than 128 KB back to the system, which hands them out again page by page, each
    zeroed first: where pages are dear (virtual machines), that takes as long as decoding. It raises that bound, and the
    one for the end of its heap, to what the largest block that was freed asks for (mallopt(3), ``M_MMAP_THRESHOLD``),
    and so one is freed that was never written to.
    """
    np.empty(_AT_ONCE_BYTES, np.uint8)
