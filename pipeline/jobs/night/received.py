"""A log that comes by standard input: kept in the workspace before it is read, as every log is.

It is a file of its source from then on, ``received/<source>/<sha256>.log``, named by its bytes. So the same log given
twice is one file, every night finds it, and it can be read again as long as it is there.

Owns the keeping. Does not own which source it is (``given_files``) nor reading.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError
from pipeline.objects import disk, layout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from pipeline.jobs.night.given_files import ChosenSource

STANDARD_INPUT = "standard input"
_COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
_READABLE_BY_OWNER = 0o600
"""It may hold raw keys, and prompts."""


def keep_received(
    root: Path, pieces: Iterable[bytes], choose: Callable[[Path], ChosenSource]
) -> tuple[Path, ChosenSource]:
    """Write what comes, durably, and return its place in the workspace and its source.

    A last line without its end is given one, since nothing more will come. ``choose`` is shown the file before it has
    its name; what it raises leaves nothing behind. Raises ``ConfigurationError`` where nothing comes. The caller holds
    the workspace's lock.
    """
    received = layout.received(root)
    disk.make_folders(root, received)
    disk.sweep_temporaries(received)
    counted = _Counted(pieces)
    temporary = disk.write_pieces(received, counted, mode=_READABLE_BY_OWNER)
    if not counted.size:
        disk.remove(temporary)
        message = f"{STANDARD_INPUT} is empty, so there is nothing to collect; look at the command before the pipe"
        raise ConfigurationError(message)
    try:
        chosen = choose(temporary)
    except ConfigurationError:
        disk.remove(temporary)
        raise
    folder = received / chosen.source.name
    disk.make_folders(root, folder)
    path = folder / f"{counted.digest.hexdigest()}.log"
    try:
        disk.link_new(temporary, path)
    except FileExistsError:
        return path, chosen  # the same bytes came before
    return path, chosen


class _Counted:
    """Passes pieces on, and knows their digest and size; ends the last line of what is not compressed."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.digest = hashlib.sha256()
        self.size = 0
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        first = last = b""
        for piece in self._pieces:
            first, last = (first or piece), (piece or last)
            yield self._taken(piece)
        if last and not last.endswith(b"\n") and not first.startswith(_COMPRESSED):
            yield self._taken(b"\n")

    def _taken(self, piece: bytes) -> bytes:
        self.digest.update(piece)
        self.size += len(piece)
        return piece
