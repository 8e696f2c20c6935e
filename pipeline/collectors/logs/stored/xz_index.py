"""The index at the end of a log as xz, which states how much it holds: known without decompressing it.

Source: "The .xz File Format" 1.2, sections 2.1.2 (stream footer) and 4 (index).
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_HEADER_BYTES = _FOOTER_BYTES = 12
_ENDING = b"YZ"
_INDEX_BYTES_MAX = 2**20


def xz_content_size(read: Callable[[int, int], bytes], file_size: int) -> int | None:
    """Return how many bytes a file of one stream holds, as its index states; ``None`` where that is not certain.

    ``read`` returns the bytes at an offset, at most so many. Raises what that raises.
    """
    footer = read(max(file_size - _FOOTER_BYTES, 0), _FOOTER_BYTES)
    if len(footer) < _FOOTER_BYTES or not footer.endswith(_ENDING) or not _is_sound(footer[4:10], footer[:4]):
        return None
    size = (int.from_bytes(footer[4:8], "little") + 1) * 4
    if size > _INDEX_BYTES_MAX:
        return None
    index = read(max(file_size - _FOOTER_BYTES - size, 0), size)
    if len(index) < size or index[0] or not _is_sound(index[:-4], index[-4:]):
        return None
    numbers = _numbers(index[1:-4])
    records = numbers[1 : 1 + 2 * numbers[0]] if numbers else []
    stream = sum(-(-unpadded // 4) * 4 for unpadded in records[::2]) + _HEADER_BYTES + size + _FOOTER_BYTES
    return sum(records[1::2]) if stream == file_size else None


def _is_sound(content: bytes, checksum: bytes) -> bool:
    return zlib.crc32(content) == int.from_bytes(checksum, "little")


def _numbers(content: bytes) -> list[int]:
    """Return the numbers in some bytes, seven bits a byte, the least first."""
    numbers, number, shift = [], 0, 0
    for byte in content:
        number |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            numbers.append(number)
            number = shift = 0
    return numbers
