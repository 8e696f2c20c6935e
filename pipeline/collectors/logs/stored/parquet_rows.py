"""The rows of a Parquet file as a log of JSON lines: what a lake, a warehouse or a stream's archive keeps of calls.

Facts. A Parquet file is written once, front to back. Its footer, behind which its last four bytes stand, says where the
groups of its rows are, and is written last: without it nothing of the file can be read. Source: "File Format" of Apache
Parquet.

So such a file is read as one that is compressed: what counts as the log's bytes are its rows as lines, whose offsets
and digests the lake keeps. A group of rows is believed once all of it was read. Does not own what a row is as a line
(``pipeline.collectors.values.arrow_rows``).
"""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.collectors.logs.problems import LogUnreadable, ProblemReason
from pipeline.collectors.logs.stored.compression import PIECE_BYTES_MAX, Piece

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow.parquet as pq
    from _typeshed import WriteableBuffer

_MAGIC = b"PAR1"
_BUFFER_BYTES = 2**20
"""So much is read at once of each column: a group of rows, which has one column behind the other, may be large."""
_HELD_BYTES = 2**16
"""About so much is handed out at once: as much as a log is known again by, so that no more rows than these are made."""
_ROWS_AT_ONCE = 64
"""So many are held as values: a row may have a long prompt, and a column of the same one takes no room in the file."""


def pieces_of(
    read: Callable[[int, int], bytes], size: int, *, bytes_max: int, reads_ahead: bool = False
) -> Iterator[Piece]:
    """Yield the rows in their order, each a line, in pieces.

    ``read`` returns the bytes at an offset of the file, ``size`` is that of the file. Where it ``reads_ahead``, it is
    asked for a column of a group at once. Raises ``LogUnreadable``, as ``read`` does; ``expands_too_much`` beyond
    ``bytes_max``.
    """
    written = 0
    with _refusing():
        for lines, is_verified in _lines_of(_opened(read, size, 0 if reads_ahead else _BUFFER_BYTES)):
            written += len(lines)
            if written > bytes_max:
                raise LogUnreadable(ProblemReason.EXPANDS_TOO_MUCH, f"more than {bytes_max} bytes as JSON lines")
            for at in range(0, len(lines), PIECE_BYTES_MAX):
                end = at + PIECE_BYTES_MAX
                yield Piece(content=lines[at:end], is_verified=is_verified and end >= len(lines))


def rows_in(read: Callable[[int, int], bytes], size: int) -> int:
    """Return how many rows the footer says that there are; as ``pieces_of``."""
    with _refusing():
        return int(_opened(read, size).metadata.num_rows)


def _lines_of(file: pq.ParquetFile) -> Iterator[tuple[bytes, bool]]:
    """Yield lines of rows, some together, and whether their group ends with them."""
    from pipeline.collectors.values.arrow_rows import lines_of  # noqa: PLC0415  # few logs are stored so

    for group in range(file.num_row_groups):
        held = bytearray()
        for rows in file.iter_batches(_ROWS_AT_ONCE, row_groups=[group], use_threads=False):
            for line in lines_of(rows):
                if len(held) >= _HELD_BYTES:
                    yield bytes(held), False
                    held.clear()
                held += line
        yield bytes(held), True


def _opened(read: Callable[[int, int], bytes], size: int, buffer_bytes: int = 0) -> pq.ParquetFile:
    import pyarrow.parquet as pq  # noqa: PLC0415  # few logs are stored so

    if size < 2 * len(_MAGIC) or read(size - len(_MAGIC), len(_MAGIC)) != _MAGIC:
        detail = "the Parquet file has no footer: it was cut, or is still being written"
        raise LogUnreadable(ProblemReason.ENDS_INSIDE_MEMBER, detail)
    file = _File(read, size)
    return pq.ParquetFile(file, buffer_size=buffer_bytes, pre_buffer=False, page_checksum_verification=True)


@contextmanager
def _refusing() -> Iterator[None]:
    """Raise ``LogUnreadable`` where Arrow cannot read on."""
    import pyarrow as pa  # noqa: PLC0415  # few logs are stored so

    try:
        yield
    except (pa.ArrowException, OSError, ValueError):
        detail = "the Parquet file breaks its format or a checksum, or is encrypted"
        raise LogUnreadable(ProblemReason.CORRUPT_COMPRESSION, detail) from None


class _File(io.RawIOBase):
    """What ``read`` returns, as a file that can be read anywhere."""

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        self._read = read
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, room: WriteableBuffer) -> int:
        into = memoryview(room).cast("B")
        content = self._read(self._at, len(into))
        into[: len(content)] = content
        self._at += len(content)
        return len(content)
