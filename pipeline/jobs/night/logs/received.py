"""A log that comes by standard input.

It is read from a file without a name, which is gone when the run has ended: a log may hold prompts and raw keys, and no
file of ours does. The lake calls it ``standard-input:<sha256>`` by its bytes, and knows it again when it is given once
more. Where somebody asks for it, the log is kept as a file of its source, ``received/<source>/<sha256>.log``, which
every night finds.

Owns how it is held while it is read, and the keeping. Does not own which source it is (``given_files``) nor reading.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError
from pipeline.collectors.logs.stored.compression import Compression, compression_of
from pipeline.objects import disk, layout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from pipeline.jobs.night.logs.given_files import ChosenSource

STANDARD_INPUT = "standard input"
_CALLED = "standard-input:"
_READABLE_BY_OWNER = 0o600
"""It may hold raw keys, and prompts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedLog:
    """A log that came by standard input, and where it is read from."""

    path: Path
    """Without a name in any folder where it is not kept."""
    sha256: str
    """The digest (hex) of its bytes."""
    chosen: ChosenSource

    @property
    def called(self) -> str:
        """Return how the lake calls one that is not kept."""
        return f"{_CALLED}{self.sha256}"


def is_received(called: str) -> bool:
    """Say whether the lake calls so a log that came by standard input and was not kept."""
    return called.startswith(_CALLED)


@contextmanager
def held_received(pieces: Iterable[bytes], choose: Callable[[Path], ChosenSource]) -> Iterator[ReceivedLog]:
    """Hold what comes for as long as it is read.

    A last line without its end is given one, since nothing more will come. ``choose`` is shown the log. Raises what
    that raises, and ``ConfigurationError`` where nothing comes.
    """
    counted = _Counted(pieces)
    with disk.nameless(counted) as path:
        counted.refuse_nothing()
        yield ReceivedLog(path=path, sha256=counted.digest.hexdigest(), chosen=choose(path))


def keep_received(root: Path, pieces: Iterable[bytes], choose: Callable[[Path], ChosenSource]) -> ReceivedLog:
    """Write what comes, durably, into the workspace, where it is a log of its source from then on.

    A last line without its end is given one, since nothing more will come. ``choose`` is shown the file before it has
    its name; what it raises leaves nothing behind. Raises ``ConfigurationError`` where nothing comes. The caller holds
    the workspace's lock.
    """
    received = layout.received(root)
    disk.make_folders(root, received)
    counted = _Counted(pieces)
    temporary = disk.write_pieces(received, counted, mode=_READABLE_BY_OWNER)
    try:
        counted.refuse_nothing()
        chosen = choose(temporary)
    except ConfigurationError:
        disk.remove(temporary)
        raise
    folder = received / chosen.source.name
    disk.make_folders(root, folder)
    log = ReceivedLog(
        path=folder / f"{counted.digest.hexdigest()}.log", sha256=counted.digest.hexdigest(), chosen=chosen
    )
    try:
        disk.link_new(temporary, log.path)
    except FileExistsError:
        return log  # the same bytes came before
    return log


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
        if last and not last.endswith(b"\n") and compression_of(first) is Compression.NONE:
            yield self._taken(b"\n")

    def refuse_nothing(self) -> None:
        """Raise ``ConfigurationError`` where nothing came."""
        if not self.size:
            message = f"{STANDARD_INPUT} is empty, so there is nothing to collect; look at the command before the pipe"
            raise ConfigurationError(message)

    def _taken(self, piece: bytes) -> bytes:
        self.digest.update(piece)
        self.size += len(piece)
        return piece
