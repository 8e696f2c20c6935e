"""Logs in UTF-16, as Windows writes what goes from PowerShell into a file: the bytes of the log are those of its UTF-8.

What is no UTF-16 becomes what is no UTF-8, so the line it stands in is quarantined and the rest goes on. Owns the
recoding. Does not own how such a log is known (``compression``).
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from pipeline.collectors.logs.problems import LogUnreadable, ProblemReason
from pipeline.collectors.logs.stored.compression import Piece

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LITTLE, _BIG = "utf-16-le", "utf-16-be"
_MARK = "\ufeff"


def recoded(blocks: Iterable[bytes], *, bytes_max: int) -> Iterator[Piece]:
    """Yield the log in UTF-8, without the mark that it may begin with.

    Where it ends within a character, the last piece is empty and not verified. Raises ``LogUnreadable``:
    ``expands_too_much`` beyond ``bytes_max``.
    """
    decoder: codecs.IncrementalDecoder | None = None
    size = 0
    for block in blocks:
        if decoder is None:
            is_big = block[:2] == codecs.BOM_UTF16_BE or block[:1] == b"\0"
            decoder = codecs.getincrementaldecoder(_BIG if is_big else _LITTLE)("surrogatepass")
            text = decoder.decode(block).removeprefix(_MARK)
        else:
            text = decoder.decode(block)
        content = text.encode("utf-8", "surrogatepass")
        size += len(content)
        if size > bytes_max:
            raise LogUnreadable(ProblemReason.EXPANDS_TOO_MUCH, f"more than {bytes_max} bytes in UTF-8")
        if content:
            yield Piece(content=content, is_verified=True)
    if decoder is not None and decoder.getstate()[0]:
        yield Piece(content=b"", is_verified=False)
