"""The digest of a segment, by the algorithm that its record names.

Owns which algorithm new records have. Does not own the windows by which a log is known again (``lineage``), which are
SHA-256 whatever the segment's is.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Protocol, TypeAlias

from pipeline.base.errors import TallybookError
from pipeline.usage.sources import Algorithm

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

Bytes: TypeAlias = bytes | bytearray | memoryview


class Digest(Protocol):
    """The digest of what has been added so far, as ``hashlib`` has it; ``update`` gives the interpreter away."""

    def update(self, content: Bytes, /) -> object:
        """Add bytes."""

    def copy(self) -> Self:
        """Return another of the same bytes."""

    def hexdigest(self) -> str:
        """Return the digest as hexadecimal digits."""


class DigestUnavailable(TallybookError):
    """A segment cannot be compared with its record: this platform has no program for its digest."""


_blake3: Callable[[], Digest] | None
try:
    from blake3 import blake3
except ImportError:  # no wheel for this platform: SHA-256 takes four times as long
    _blake3 = None
else:
    _blake3 = blake3


def usual_algorithm() -> Algorithm:
    """Return the algorithm of new records."""
    return Algorithm.SHA256 if _blake3 is None else Algorithm.BLAKE3


def new_digest(algorithm: Algorithm) -> Digest:
    """Return the digest of nothing yet. Raises ``DigestUnavailable`` where the algorithm's package is not installed."""
    if algorithm is Algorithm.SHA256:
        return hashlib.sha256()
    if _blake3 is None:
        message = "the digest of the segment is BLAKE3, and the package blake3 is not installed; pip install blake3"
        raise DigestUnavailable(message)
    return _blake3()
