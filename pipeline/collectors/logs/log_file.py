"""One log as a file: opened without following links, read as of the moment it was opened, plain or compressed alike.

Owns the file descriptor and the offsets, which are those of the decompressed log. Does not own lines (``lines``), the
question whether the log is known (``lineage``), nor how an object of a store is read (``object_bytes``). Reading is
bounded in memory whatever the file says.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from pipeline.collectors.logs.problems import SAY_NOTHING_OF_THE_BYTES, LogUnreadable, ProblemReason
from pipeline.collectors.logs.stored.compression import (
    MAGIC_BYTES_MAX,
    MEMBER_BEGINS,
    PIECE_BYTES_MAX,
    Compression,
    Piece,
    compression_of,
    decompressed,
    zstd_content_size,
)
from pipeline.collectors.logs.stored.parquet_rows import pieces_of, rows_in
from pipeline.collectors.logs.stored.recoded import recoded
from pipeline.collectors.logs.stored.xz_index import xz_content_size
from pipeline.configuration.stored.stored_log import StoredLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline.collectors.formats.log_format import LogFormat
    from pipeline.configuration.stored.stored_log import LogPath

    Read = TypeVar("Read", bound=bytes | memoryview)

WINDOW_BYTES = 2**16
"""Size of the windows by which a log is known again."""

_PLAIN_BLOCK_BYTES = 2**23
_COMPRESSED_BLOCK_BYTES = 2**16
_ZSTD_HEADER_BYTES_MAX = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFile:
    """An open log.

    It is read up to the size it had when it was opened; what is written later belongs to the next run.
    """

    read: Callable[[int, int], bytes]
    """Returns the bytes at an offset on disk, at most so many; raises ``LogUnreadable``."""
    read_into: Callable[[int, memoryview], int] | None = None
    """Puts bytes from an offset on where there is room, returns how many, and raises likewise; ``None``: it cannot."""
    file_size: int
    """Size on disk in bytes."""
    compression: Compression
    log_format: LogFormat
    is_stored: bool = False
    """Whether it is an object of a store."""
    cut_at: list[int] = field(default_factory=list)
    """Holds the size on disk once the log was read to its end and turned out to end inside a member."""
    beginning: list[bytes] = field(default_factory=list)
    """Holds the head, once it was asked for."""

    @property
    def is_written_once(self) -> bool:
        """Whether whoever wrote it is done with it, as a rule: objects are written once, and files compressed then."""
        return self.is_stored or self.compression not in (Compression.NONE, Compression.UTF_16)

    def pieces(self, on_bytes: Callable[[int], None] | None = None) -> Iterator[Piece]:
        """Yield the decompressed log from its start; raises ``LogUnreadable`` where it cannot go on."""
        if self.compression is Compression.NONE:
            for block in self._blocks(self.read, 0, _PLAIN_BLOCK_BYTES):
                yield Piece(content=block, is_verified=True)
            return
        if self.compression is Compression.PARQUET:
            bytes_max = self.log_format.decompressed_bytes_max
            yield from pieces_of(self.read, self.file_size, bytes_max=bytes_max, reads_ahead=self.is_stored)
            return
        blocks = self._blocks(self.read, 0, _COMPRESSED_BLOCK_BYTES, on_bytes=on_bytes)
        bytes_max = self.log_format.decompressed_bytes_max
        pieces = (
            recoded(blocks, bytes_max=bytes_max)
            if self.compression is Compression.UTF_16
            else decompressed(blocks, self.compression, bytes_max=bytes_max)
        )
        for piece in pieces:
            if not piece.content and not piece.is_verified:
                self.cut_at.append(self.file_size)
            yield piece

    def span(self, start: int, end: int, on_bytes: Callable[[int], None] | None = None) -> Iterator[bytes]:
        """Yield the decompressed bytes ``[start, end)``, or what there is of them.

        ``on_bytes`` is told how far the file has been read.
        """
        if self.compression is Compression.NONE:
            yield from self._blocks(self.read, start, _PLAIN_BLOCK_BYTES, end, on_bytes, ends_with_lines=True)
            return
        offset = 0
        for piece in self.pieces(on_bytes):
            content = piece.content[max(start - offset, 0) : max(end - offset, 0)]
            offset += len(piece.content)
            if content:
                yield content
            if offset >= end:
                return

    def span_into(
        self, lend: Callable[[int], memoryview | None], start: int, end: int, on_bytes: Callable[[int], None] | None
    ) -> Iterator[bytes | memoryview]:
        """Yield the same bytes; what is read of a file lies where ``lend`` has room, if it has any.

        ``lend`` is told a size, and what it lends must not be lent again before the next bytes are asked for.
        """
        read_into = self.read_into
        if self.compression is not Compression.NONE:
            yield from _put_into(lend, self.span(start, end, on_bytes))
            return
        if read_into is None:
            yield from self.span(start, end, on_bytes)
            return

        def read(offset: int, size: int) -> bytes | memoryview:
            room = lend(size)
            return self.read(offset, size) if room is None else room[: read_into(offset, room)]

        yield from self._blocks(read, start, _PLAIN_BLOCK_BYTES, end, on_bytes, ends_with_lines=True)

    def head(self) -> bytes:
        """Return the first bytes of the log, at most a window; of a stream that breaks before, those up to there.

        Raises ``LogUnreadable`` where bytes are not handed out: by fewer of them, a known log would be a new one.
        """
        if not self.beginning:
            self.beginning.append(self._head())
        return self.beginning[0]

    def _head(self) -> bytes:
        content = bytearray()
        try:
            for part in self.span(0, WINDOW_BYTES):
                content += part
        except LogUnreadable as error:
            if error.reason in SAY_NOTHING_OF_THE_BYTES:
                raise
            # Whoever reads the log in earnest meets the broken stream, and reports it.
        return bytes(content)

    def stated_size(self) -> int | None:
        """Return the size of the log that its container states, gzip modulo 2**32.

        ``None`` where it does not speak for the whole log.
        """
        if self.compression is Compression.NONE:
            return self.file_size
        if self.compression is Compression.XZ:
            return xz_content_size(self.read, self.file_size)
        if self.compression not in (Compression.GZIP, Compression.ZSTD) or not self._is_single_member():
            return None
        if self.compression is Compression.GZIP:
            return int.from_bytes(self.read(max(self.file_size - 4, 0), 4), "little")
        return zstd_content_size(self.read(0, _ZSTD_HEADER_BYTES_MAX))

    def stated_rows(self) -> int:
        """Return how many lines there are, of a log that is rows of Parquet. Raises ``LogUnreadable``."""
        return rows_in(self.read, self.file_size)

    def _is_single_member(self) -> bool:
        """Tell that no second member can begin anywhere.

        Searching the compressed bytes is cheap beside decompressing them.
        """
        before = b""
        for block in self._blocks(self.read, 1, _PLAIN_BLOCK_BYTES):
            if MEMBER_BEGINS.search(before + block):
                return False
            before = block[-3:]
        return True

    def _blocks(
        self,
        read: Callable[[int, int], Read],
        start: int,
        block_bytes: int,
        end: int | None = None,
        on_bytes: Callable[[int], None] | None = None,
        *,
        ends_with_lines: bool = False,
    ) -> Iterator[Read]:
        """Yield the bytes on disk; ``ends_with_lines``: each block but the last ends with a line, where one ends near.

        Whoever splits them then need not put together what lies in two of them.
        """
        offset, end = start, self.file_size if end is None else min(end, self.file_size)
        while offset < end:
            size = min(block_bytes, end - offset)
            if ends_with_lines and size == block_bytes:
                size -= self._behind_last_line(offset, size)
            block = read(offset, size)
            if not block:
                return  # truncated while being read
            yield block
            offset += len(block)
            if on_bytes is not None:
                on_bytes(offset)

    def _behind_last_line(self, start: int, size: int) -> int:
        """Return how many bytes lie behind the last line end of a span; 0 where none is near its end."""
        return _behind_last_line(self.read(start + size - min(size, WINDOW_BYTES), min(size, WINDOW_BYTES)))


def _put_into(lend: Callable[[int], memoryview | None], contents: Iterator[bytes]) -> Iterator[bytes | memoryview]:
    """Yield the same bytes in blocks that lie where ``lend`` has room, if it has any; each ends with a line, if it can.

    No content is larger than ``PIECE_BYTES_MAX``.
    """
    rest = b""
    for content in contents:
        room = lend(max(len(rest) + len(content), _PLAIN_BLOCK_BYTES))
        if room is None:
            yield rest + content
            rest = b""
            continue
        size = len(rest)
        room[:size] = rest
        for part in chain((content,), contents):
            room[size : size + len(part)] = part
            size += len(part)
            if size + PIECE_BYTES_MAX > len(room):
                break
        end = size - _behind_last_line(bytes(room[max(size - WINDOW_BYTES, 0) : size]))
        rest = bytes(room[end:size])
        yield room[:end]
    if rest:
        yield rest


def _behind_last_line(near: bytes) -> int:
    """Return how many bytes lie behind the last line end of some; 0 where there is none."""
    at = near.rfind(b"\n") + 1
    return len(near) - at if at else 0


@contextmanager
def open_log(path: LogPath, log_format: LogFormat, *, follows_links: bool = False) -> Iterator[LogFile]:
    """Open a log.

    Raises ``LogUnreadable`` for what is no regular file, for a link unless ``follows_links``, and where the system, or
    the store, refuses.
    """
    if isinstance(path, StoredLog):
        from pipeline.collectors.logs.stored.object_bytes import opened  # noqa: PLC0415  # few have logs there

        with opened(path) as read:
            yield LogFile(
                read=read,
                file_size=path.size,
                compression=compression_of(read(0, MAGIC_BYTES_MAX)),
                log_format=log_format,
                is_stored=True,
            )
        return
    with _opened_file(path, follows_links=follows_links) as (descriptor, size):
        read_at = partial(_read, descriptor)
        yield LogFile(
            read=read_at,
            read_into=partial(_read_into, descriptor) if hasattr(os, "preadv") else None,
            file_size=size,
            compression=compression_of(read_at(0, MAGIC_BYTES_MAX)),
            log_format=log_format,
        )


@contextmanager
def _opened_file(path: Path, *, follows_links: bool) -> Iterator[tuple[int, int]]:
    """Yield the descriptor of a regular file, and its size."""
    # O_NONBLOCK: opening a FIFO must not wait for somebody to write into it.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follows_links else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        reason = (
            ProblemReason.NOT_A_REGULAR_FILE if error.errno in (errno.ELOOP, errno.ENXIO) else ProblemReason.UNREADABLE
        )
        raise LogUnreadable(reason, f"opening: {os.strerror(error.errno or 0)}") from None
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise LogUnreadable(ProblemReason.NOT_A_REGULAR_FILE, "only regular files are logs")
        yield descriptor, state.st_size
    finally:
        os.close(descriptor)


def _read(descriptor: int, offset: int, size: int) -> bytes:
    try:
        return os.pread(descriptor, size, offset)
    except OSError as error:
        raise _unreadable(error) from None


def _read_into(descriptor: int, offset: int, room: memoryview) -> int:
    try:
        return os.preadv(descriptor, [room], offset)
    except OSError as error:
        raise _unreadable(error) from None


def _unreadable(error: OSError) -> LogUnreadable:
    return LogUnreadable(ProblemReason.UNREADABLE, f"reading: {os.strerror(error.errno or 0)}")
