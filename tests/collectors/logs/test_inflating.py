"""What inflates gzip quickly says what zlib says, of whole members and of damaged ones."""

from __future__ import annotations

import random
import struct
import sys
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collectors.logs.problems import LogUnreadable
from pipeline.collectors.logs.stored import compression
from pipeline.collectors.logs.stored.compression import Compression, decompressed, inflating

_FEW_LETTERS = bytes(b'ab{}":01'[value % 8] for value in range(256))
_HAS_CRC, _HAS_EXTRA, _HAS_NAME, _HAS_COMMENT = 2, 4, 8, 16


def _member(chance: random.Random) -> bytes:
    """Return a gzip member with any of the parts that a header may have, or not quite one."""
    size = chance.choice([0, 1, 10, 1000, 70_000])
    text = chance.randbytes(size)
    if chance.random() < 0.7:
        text = text.translate(_FEW_LETTERS)
    flags = chance.choice([0, 0, _HAS_EXTRA, _HAS_NAME, _HAS_COMMENT, _HAS_CRC, _HAS_CRC | _HAS_NAME | _HAS_EXTRA])
    header = b"\x1f\x8b\x08" + bytes([flags]) + bytes(6)
    if flags & _HAS_EXTRA:
        header += struct.pack("<H", 5) + chance.randbytes(5)
    if flags & _HAS_NAME:
        header += b"app.log\0"
    if flags & _HAS_COMMENT:
        header += b"a comment\0"
    if flags & _HAS_CRC:
        header += struct.pack("<H", (zlib.crc32(header) + chance.choice([0, 0, 0, 1])) & 0xFFFF)
    strategy = chance.choice([zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY])
    deflater = zlib.compressobj(chance.choice([0, 1, 6, 9]), zlib.DEFLATED, -zlib.MAX_WBITS, 8, strategy)
    deflated = deflater.compress(text) + deflater.flush()
    return header + deflated + struct.pack("<II", zlib.crc32(text), size)


def _damaged(content: bytes, chance: random.Random) -> bytes:
    """Flip a bit, cut the end off, put a byte in, or do nothing."""
    at = chance.randrange(len(content))
    match chance.randrange(5):
        case 0 | 1:
            return content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :]
        case 2:
            return content[:at]
        case 3:
            return content[:at] + chance.randbytes(1) + content[at:]
        case _:
            return content


def _said(content: bytes, block: int) -> list[tuple[bytes, bool]] | str:
    """Return what is made of a stream that comes in blocks: its pieces, or why it is refused."""
    blocks = [content[start : start + block] for start in range(0, len(content), block)]
    try:
        pieces = list(decompressed(blocks, Compression.GZIP, bytes_max=2**30))
    except LogUnreadable as error:
        return str(error)
    return [(piece.content, piece.is_verified) for piece in pieces]


def test_zlib_ng_is_what_inflates_here() -> None:
    assert inflating().__name__ == "zlib_ng.zlib_ng"


@given(seed=st.integers(0, 2**32), block=st.sampled_from([1, 7, 100, 65_536]))
def test_both_inflaters_say_the_same_of_any_stream(seed: int, block: int) -> None:
    chance = random.Random(seed)
    content = b"".join(_damaged(_member(chance), chance) for _ in range(chance.choice([1, 1, 2, 3])))
    block = block if len(content) < 1000 else 65_536

    quickly = _said(content, block)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compression, "inflating", lambda: zlib)
        plainly = _said(content, block)

    assert quickly == plainly


def test_without_zlib_ng_zlib_inflates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zlib_ng", None)
    inflating.cache_clear()
    try:
        assert inflating() is zlib
    finally:
        inflating.cache_clear()
