"""A log that is one JSON document: an array of entries, or an object that some tool exported, over many lines.

Several objects over many lines, one after another, as ``jq`` prints them, are one as an array of them would be. So are
several without any line end, as Firehose puts them into an object of a store.

Owns the question whether a log is one, and the reading of it as one line. It is read once it is whole: what a tool is
still writing is for the next run. Does not own what the document says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.collectors.logs.digests import new_digest
from pipeline.collectors.logs.lines import Line, LinesTaken, bare_span
from pipeline.collectors.logs.log_file import WINDOW_BYTES
from pipeline.collectors.values.strict_json import BrokenJson, documents_of, parse, texts_of_documents
from pipeline.usage.sources import Algorithm

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_BEGINS_OBJECT = re.compile(
    rb'\{[ \t]*\r?\n\s*(?:"|\Z)|'  # { and a name on a line of its own
    rb'\{[ \t]*"(?:[^"\\]|\\.)*"[ \t]*:[ \t]*'  # or {"name":
    rb'(?:\{[ \t]*\r?\n\s*(?:["}]|\Z)|\[[ \t]*\r?\n\s*(?:[\[{"\]]|\Z))'  # and { or [
)
"""The first lines of an object over several lines, as far as they are there: no log of JSON lines begins so."""
_BEGINS_ARRAY = re.compile(rb'\[[ \t]*(?:\{(?:[^"]|"(?:[^"\\]|\\.)*+")*+)?\r?')
"""The first line of an array of objects, between two of its tokens: what ends within a text is a line that is torn."""
_MAY_BEGIN_ARRAY = re.compile(rb"\[[ \t]*(?:\{|\Z)")
"""How such a line begins, of which there may be more than was looked at."""
_NO_ARRAY = b"[pod/"
"""How a line of ``kubectl logs --prefix`` begins (``pipeline.collectors.wrappers.commands``)."""
AROUND = b"\0\xef\xbb\xbf \t\r\n"
"""What stands before a document and is no part of it: NULs, a byte order mark, blanks."""
_COMPRESSED = re.compile(r"\.(?:gz|zst|zstd)$")


def is_blank(content: bytes) -> bool:
    """Tell whether bytes say nothing, so that a document may begin behind them."""
    return not content.strip(AROUND)


def is_one_document(name: str, head: bytes, pieces: Iterable[bytes], *, is_final: bool = False) -> bool:
    """Tell whether a log is one JSON document, from its name and its first bytes.

    An array of objects is one, unless it is a line; so is an object over several lines. Its first line alone decides,
    however much follows it so far: a log that is being written must not be lines at first and a document later. An
    object on one line without its line end is one where the file's name, less ``.gz`` and the like, ends in ``.json``
    or ``.har``: a log of JSON lines begins so too. It is one as well where the log ``is_final``, since whoever wrote it
    is done with it, and ends where an object may. ``pieces`` are the log from its beginning; they are asked for until
    the first line ends.
    """
    begin, _ = bare_span(head, 0, len(head))
    head = head[begin:].lstrip()
    is_array = head.startswith(b"[") and not head.startswith(_NO_ARRAY)
    if not is_array and not head.startswith(b"{"):
        return False
    first, line_end, _ = head.partition(b"\n")
    if line_end:
        if is_array:
            return _BEGINS_ARRAY.fullmatch(first) is not None and not _is_json(first)
        return _BEGINS_OBJECT.match(head) is not None
    last, is_ended = _end_of_first_line(pieces)
    if is_ended:
        return _MAY_BEGIN_ARRAY.match(head) is not None and last not in b"}]\r"  # a long line that is torn is a line
    is_named_so = _COMPRESSED.sub("", name.lower()).endswith((".json", ".har"))
    return is_array or is_named_so or (is_final and last == b"}")


def _end_of_first_line(pieces: Iterable[bytes]) -> tuple[bytes, bool]:
    """Return the last byte of the first line that says something, and whether the line has its end."""
    last, has_begun = b"\r", False
    for piece in pieces:
        rest = piece if has_begun else piece.lstrip(AROUND)
        has_begun = bool(rest) or has_begun
        line, line_end, _ = rest.partition(b"\n")
        last = line[-1:] or last
        if line_end:
            return last, True
    return last, False


def is_object(content: bytes) -> bool:
    """Tell whether what stands behind the last line end of a log is an object."""
    return content.lstrip(AROUND).startswith(b"{") and _is_json(content)


def _is_json(content: bytes) -> bool:
    if not content.rstrip().endswith((b"}", b"]")):  # what is nested without end is not looked through for it
        return False
    try:
        parse(content.decode())
    except (BrokenJson, UnicodeDecodeError):
        return False
    return True


def goes_on_as_document(head: bytes) -> bool:
    """Tell whether what was added to a log, of which a document was read, is of the same kind: objects over lines.

    What is added behind an array is lines.
    """
    begin, _ = bare_span(head, 0, len(head))
    return _BEGINS_OBJECT.match(head[begin:].lstrip()) is not None


def _whole(content: bytes) -> bytes | None:
    """Return one document, or several on lines of their own; ``None`` of anything else."""
    if not content.rstrip().endswith((b"}", b"]")):
        return None
    if _is_json(content):
        return content
    if b"\n" in content:
        return None if documents_of(content.decode("utf-8", "replace")) is None else content
    texts = texts_of_documents(content.decode("utf-8", "surrogateescape"))
    return "\n".join(texts).encode("utf-8", "surrogateescape") or None


class WholeDocument(LinesTaken):
    """Iterates the one line that such a log is, as a group, once it is whole.

    A document beyond the cap on a line is one that is too long.
    """

    def __init__(
        self,
        pieces: Iterable[bytes],
        *,
        start: int,
        first_line: int,
        line_bytes_max: int,
        algorithm: Algorithm = Algorithm.SHA256,
    ) -> None:
        super().__init__(start=start, first_line=first_line, before=b"", algorithm=algorithm)
        self.is_whole = False
        """Whether the log was read to its end, and is one."""
        self._pieces = pieces
        self._line_bytes_max = line_bytes_max

    def __iter__(self) -> Iterator[list[Line]]:
        """Yield the document, or nothing while it is not whole."""
        kept: bytearray | None = bytearray()
        digest = new_digest(self._algorithm)
        size = lines = 0
        edges, tail = b"", b""
        for piece in self._pieces:
            digest.update(piece)
            size += len(piece)
            lines += piece.count(b"\n")
            edges += piece[: WINDOW_BYTES - len(edges)]
            tail = (tail + piece)[-WINDOW_BYTES:]
            if kept is not None:
                kept += piece
                if len(kept) > self._line_bytes_max:
                    kept = None
        bare = None if kept is None else _bare(bytes(kept))
        whole = None if bare is None else _whole(bare)
        is_whole = tail.rstrip().endswith((b"}", b"]")) if bare is None else whole is not None
        is_blank = size > 0 and bare == b""
        if not is_whole and not is_blank:
            return
        content = bare if whole is None else whole
        if content is not None and not content.strip(b"[] \t\r\n"):  # an export of nothing
            content = b""
        lines += not tail.endswith(b"\n")
        line = Line(self.next_line, self.end, self.end + size, content, edges + b"\n" + tail, lines)
        self._digest, self.is_whole = digest, True
        self._count(tail, size, lines)
        yield [line._replace(number=line.number + lines - 1)]


def _bare(content: bytes) -> bytes:
    begin, end = bare_span(content, 0, len(content))
    return content[begin:end].strip()
