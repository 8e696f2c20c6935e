"""Compressed bytes to plain ones, as a stream of bounded pieces that says how far it has been verified.

Owns how a log may be stored, known by its magic bytes and never by a name, and of these gzip, zstd, xz and bzip2;
members and frames may follow one another. Does not own files (``log_file``), rows of Parquet (``parquet_rows``) nor
what is written in UTF-16 (``recoded``). A stream that ends inside a member is a file that is still being written; a
stream that breaks its format or checksum raises, and what came after the last verified member is not to be believed.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from pipeline.collectors.logs.problems import LogUnreadable, ProblemReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

PIECE_BYTES_MAX = 2**20
"""So much comes of a stream at once, at most, whatever it is made of."""
_ZSTD_WINDOW_LOG_MAX = 27  # 128 MiB: what the zstd command accepts by default
_XZ_MEMORY_MAX = 2**27  # what is compressed by ``xz -9`` takes half of it


class Compression(StrEnum):
    """How a log is stored."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"
    XZ = "xz"
    BZIP2 = "bzip2"
    PARQUET = "parquet"
    UTF_16 = "utf-16"


_MAGIC = {
    b"\x1f\x8b": Compression.GZIP,
    b"\x28\xb5\x2f\xfd": Compression.ZSTD,
    **{bytes([first]) + b"\x2a\x4d\x18": Compression.ZSTD for first in range(0x50, 0x60)},
    b"\xfd7zXZ\0": Compression.XZ,
    b"BZh": Compression.BZIP2,
    b"PAR1": Compression.PARQUET,
    **dict.fromkeys((b"\xff\xfe", b"\xfe\xff", b'{\0"\0', b'\0{\0"'), Compression.UTF_16),
}
"""A frame of zstd to be skipped may come first (RFC 8878, 3.1.2), as each one does that ``pzstd`` writes."""
_UTF_32 = b"\xff\xfe\0\0"
"""Begins as UTF-16 does, and is none."""
MAGIC_BYTES_MAX = max(map(len, _MAGIC))
MEMBER_BEGINS = re.compile(rb"\x1f\x8b\x08[\x00-\x1f]|\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18")
"""Four bytes with which a further gzip member or zstd frame begins; compressed bytes hold them by chance now and then.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Decompressed bytes, at most ``PIECE_BYTES_MAX``.

    ``is_verified`` where everything up to their end belongs to members that ended cleanly.
    """

    content: bytes
    is_verified: bool


def compression_of(first_bytes: bytes) -> Compression:
    """Tell the compression from the first ``MAGIC_BYTES_MAX`` bytes of a file."""
    if first_bytes.startswith(_UTF_32):
        return Compression.NONE
    return next(
        (compression for magic, compression in _MAGIC.items() if first_bytes.startswith(magic)), Compression.NONE
    )


def zstd_content_size(header: bytes) -> int | None:
    """Return how many bytes the first frame states to hold, from its header; ``None`` where it states none."""
    from pipeline.base.zstd import zstd  # noqa: PLC0415  # 4 ms

    try:
        return zstd.get_frame_info(header).decompressed_size
    except zstd.ZstdError:
        return None


def decompressed(blocks: Iterable[bytes], compression: Compression, *, bytes_max: int) -> Iterator[Piece]:
    """Yield the decompressed pieces of ``blocks``.

    Where the stream ends inside a member, the last piece is empty and not verified.

    Raises ``LogUnreadable``: ``corrupt_compression``, or ``expands_too_much`` beyond ``bytes_max``. There is no bound
    on how well bytes compress: a caller who repeats a prompt must not make the log of others unreadable. A piece is
    bounded, whatever it is made of.
    """
    member_of = _MEMBERS[compression]
    written = 0
    is_begun = False
    member: _Member = member_of()
    is_between = False
    for block in blocks:
        rest = memoryview(block)
        while rest:
            if is_between:
                rest = member.padding_skipped(rest)
                if not rest:
                    break
                member, is_between = member_of(), False
            is_begun = True
            try:
                content, rest, is_between = member.feed(rest)
            except member.broken:
                raise LogUnreadable(
                    ProblemReason.CORRUPT_COMPRESSION, f"the {compression} stream breaks its format or checksum"
                ) from None
            written += len(content)
            if written > bytes_max:
                raise LogUnreadable(ProblemReason.EXPANDS_TOO_MUCH, f"more than {bytes_max} bytes when decompressed")
            if content or is_between:
                yield Piece(content=content, is_verified=is_between)
    if is_begun and not is_between:
        yield Piece(content=b"", is_verified=False)


class _Member(Protocol):
    broken: type[Exception]
    """What ``feed`` raises where the format or a checksum is broken."""

    def feed(self, content: memoryview) -> tuple[bytes, memoryview, bool]:
        """Return output, unread input, and whether the member has ended and its checksum held."""

    def padding_skipped(self, content: memoryview) -> memoryview:
        """Return what follows a finished member without the padding that the format allows there."""


@cache
def inflating() -> Any:
    """Return what inflates gzip: zlib-ng, which says what zlib says in less than half of the time, or zlib without it.

    Loaded for logs as gzip alone.
    """
    try:
        from zlib_ng import zlib_ng  # noqa: PLC0415  # 5 ms
    except ImportError:
        return zlib
    return zlib_ng


class _GzipMember:
    def __init__(self) -> None:
        module = inflating()
        self.broken: type[Exception] = module.error
        self._inflater = module.decompressobj(zlib.MAX_WBITS | 16)

    def feed(self, content: memoryview) -> tuple[bytes, memoryview, bool]:
        output = self._inflater.decompress(content, PIECE_BYTES_MAX)
        if self._inflater.eof:
            return output, memoryview(self._inflater.unused_data), True
        return output, content[len(content) - len(self._inflater.unconsumed_tail) :], False

    def padding_skipped(self, content: memoryview) -> memoryview:
        return memoryview(bytes(content).lstrip(b"\0"))


class _BufferingMember:
    """One whose decompressor keeps what it was fed until it is asked for the rest of its output."""

    broken: type[Exception]

    def __init__(self, inflater: Any) -> None:
        self._inflater = inflater
        self._has_all = False
        """Whether it keeps all that it was fed: it is asked for the rest of the output before it is fed again."""

    def feed(self, content: memoryview) -> tuple[bytes, memoryview, bool]:
        output = self._inflater.decompress(b"" if self._has_all else content, PIECE_BYTES_MAX)
        if self._inflater.eof:
            return output, memoryview(self._inflater.unused_data), True
        self._has_all = not self._inflater.needs_input
        return output, content if self._has_all else content[len(content) :], False

    def padding_skipped(self, content: memoryview) -> memoryview:
        return content


class _ZstdMember(_BufferingMember):
    def __init__(self) -> None:
        from pipeline.base.zstd import zstd  # noqa: PLC0415  # 4 ms

        self.broken = zstd.ZstdError
        window_max = {int(zstd.DecompressionParameter.window_log_max): _ZSTD_WINDOW_LOG_MAX}
        super().__init__(zstd.ZstdDecompressor(options=window_max))


class _XzMember(_BufferingMember):
    def __init__(self) -> None:
        import lzma  # noqa: PLC0415  # few logs are stored so

        self.broken = lzma.LZMAError
        super().__init__(lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_MAX))

    def padding_skipped(self, content: memoryview) -> memoryview:
        return memoryview(bytes(content).lstrip(b"\0"))


class _Bzip2Member(_BufferingMember):
    def __init__(self) -> None:
        import bz2  # noqa: PLC0415  # few logs are stored so

        self.broken = OSError
        super().__init__(bz2.BZ2Decompressor())


_MEMBERS: Mapping[Compression, Callable[[], _Member]] = {
    Compression.GZIP: _GzipMember,
    Compression.ZSTD: _ZstdMember,
    Compression.XZ: _XzMember,
    Compression.BZIP2: _Bzip2Member,
}
