r"""Lines of long streams without the chunks that say nothing new: a proof first, then a cut.

A stream repeats its chunk for every token: the same bytes around another ``content``. Between two chunks that are equal
but for that text, nothing that a reader looks at can change: the first id and model stay the first, the last tier,
reason and usage stay the last. So all of them but the first of a run are cut out of the line before it is parsed, and
only counted.

What is cut lies between repetitions of one *delimiter*: the bytes from the end of one content, over the blank line, to
the beginning of the next. A delimiter is believed where it fits a grammar of flat chunks (``_SAMPLE``), found once in
the line; all others must be its very bytes. The contents between delimiters must be JSON text inside JSON text
(``_CONTENTS``), in UTF-8. So each cut chunk was well-formed, had no error, no usage, no key that the chunk before it
had not; and what surrounds the cut is untouched, so that whatever is wrong there is still wrong.

Owns the cut. Does not own what the rest of the line says; whoever cannot tell that either reads the whole line.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.collectors.fast.grammar import CONTENT_INSIDE, OUTSIDE
from pipeline.collectors.fast.streams.positions import is_utf8, positions_of, set_positions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.collectors.fast.streams.positions import Positions

DEPTH = 4
"""How deep a chunk that is cut out is nested: chunk, choices, choice, delta."""
LONG_LINE_BYTES = 4096
"""Shorter lines are cheaper to parse than to cut."""

_ANCHOR = ord("[")
_ANCHORS_MIN = 8
_WINDOW_BYTES = 2**21
"""What is worked on at once: the arrays of more do not stay near the processor, and those of less are many calls."""
_SAMPLES_MAX = 4
_SAMPLE_BYTES_MAX = 4096

# Quotes and backslashes of a chunk are escaped once more in its line: \" is a quote, \\n a line feed inside the text,
# \r\n the line end of the transcript.
_KEY = rb'\\"[a-z_]{1,32}\\": ?'
_SCALAR = rb'(?:\\"[^"\\\[\]{}\x00-\x1f]{0,256}\\"|(?:0|[1-9][0-9]{0,14})|null|true|false)'
_BEFORE = (
    rb"data: ?\{(?:" + _KEY + _SCALAR + rb", ?)*+"
    rb'\\"choices\\": ?\[\{(?:\\"index\\": ?(?:0|[1-9][0-9]{0,8}), ?)?\\"delta\\": ?\{(?:\\"role\\": ?\\"assistant\\",'
    rb' ?)?\\"content\\": ?\\"'
)
_AFTER = rb'\\"\}(?:, ?' + _KEY + _SCALAR + rb")*+\}\](?:, ?" + _KEY + _SCALAR + rb")*+\}(?:\\r\\n\\r\\n|\\n\\n)"
_SAMPLE = re.compile(rb"(" + _BEFORE + rb")" + CONTENT_INSIDE + rb"(" + _AFTER + rb")")
_IN_RESPONSE = re.compile(rb'"response"[ \t]*:[ \t]*"(?:data|event|id|retry)?:(?:[^"\\]|\\.)*')
"""Up to a place in a response that is a transcript from its beginning: lines of JSON may go before one, too."""
_CONTENTS = re.compile(rb"(?:" + CONTENT_INSIDE + rb"\x00)*+")
"""Contents, each followed by a NUL, which no content can hold."""


class Condensed(NamedTuple):
    """A line without the chunks that repeat."""

    content: bytes
    sizes: Positions
    """The sizes of the contents that were cut out."""
    at: int
    """Where in ``content`` the cut is."""

    @property
    def content_chunks(self) -> int:
        """How many of the chunks that were cut out had content."""
        return int(np.count_nonzero(self.sizes))

    @property
    def is_in_response(self) -> bool:
        """Whether what was cut out was the response of the line, if that is JSON.

        A prompt may hold a transcript too, under that name even.
        """
        begin = self.content.rfind(b'"response"', 0, self.at)
        if begin < 0 or _IN_RESPONSE.fullmatch(self.content, begin, self.at) is None:
            return False
        before = OUTSIDE.string.sub(b"", self.content[:begin])
        return (
            before.count(b"{") == before.count(b"}") + 1
            and before.count(b"[") == before.count(b"]")
            and b'"' not in before
        )


class _Delimiter(NamedTuple):
    """The delimiter of one line, and the anchors of that line as a slice of all anchors."""

    line: int
    content: bytes
    first: int
    last: int


class _Runs(NamedTuple):
    """For each line of a group the longest run of equal delimiters.

    Where they begin in the block, and which of them are the line's.
    """

    starts: Positions
    edges: list[tuple[int, int]]


def condensed(block: bytes, spans: Sequence[tuple[int, int]]) -> dict[int, Condensed]:
    """Return the lines that could be cut, by their index in ``spans``.

    Those are ascending ``[start, end)`` in ``block``.
    """
    lines: dict[int, Condensed] = {}
    together: list[int] = []
    for index, (start, end) in enumerate(spans):
        if together and end - spans[together[0]][0] > _WINDOW_BYTES:
            lines |= _condensed(block, spans, together)
            together = []
        if end - start >= LONG_LINE_BYTES:
            together.append(index)
    return lines | _condensed(block, spans, together) if together else lines


def _condensed(block: bytes, spans: Sequence[tuple[int, int]], long: Sequence[int]) -> dict[int, Condensed]:
    begin = spans[long[0]][0]
    anchors = positions_of(memoryview(block)[begin : spans[long[-1]][1]], _ANCHOR) + begin
    edges = np.searchsorted(anchors, np.array([spans[index] for index in long], np.int64)).tolist()
    groups: dict[tuple[int, int], list[_Delimiter]] = {}
    for index, (first, last) in zip(long, edges, strict=True):
        if last - first >= _ANCHORS_MIN and (delimiter := _sampled(block, spans[index], anchors, first, last)):
            groups.setdefault((len(delimiter), delimiter.index(_ANCHOR)), []).append(
                _Delimiter(index, delimiter, first, last)
            )
    lines: dict[int, Condensed] = {}
    for (size, offset), delimiters in groups.items():
        runs = _runs(block, delimiters, anchors, offset)
        if runs is not None:
            lines |= _cut(block, spans, delimiters, runs, size)
    return lines


def _sampled(block: bytes, span: tuple[int, int], anchors: Positions, first: int, last: int) -> bytes | None:
    """Return the delimiter around a chunk in the middle of the stream, where that chunk fits the grammar."""
    start, end = span
    middle = (first + last) // 2
    for anchor in anchors[middle : min(middle + _SAMPLES_MAX, last)].tolist():
        at = block.rfind(b"data:", max(start, anchor - _SAMPLE_BYTES_MAX), anchor)
        sample = _SAMPLE.match(block, at, end) if at >= 0 else None
        if sample is not None:
            return sample[2] + sample[1]
    return None


def _runs(block: bytes, delimiters: Sequence[_Delimiter], anchors: Positions, offset: int) -> _Runs | None:
    """Return where each line holds exactly its delimiter, again and again; all delimiters are equally long."""
    size = len(delimiters[0].content)
    starts = np.concatenate([anchors[delimiter.first : delimiter.last] for delimiter in delimiters]) - offset
    owners = np.repeat(np.arange(len(delimiters)), [delimiter.last - delimiter.first for delimiter in delimiters])
    # most of what is no delimiter does not end like one
    ends = np.frombuffer(b"".join([delimiter.content[-8:] for delimiter in delimiters]), "<u8")
    is_seam = (starts >= 0) & (starts <= len(block) - size)
    if not is_seam.all():
        starts, owners = starts[is_seam], owners[is_seam]
    is_seam = _rows(block, starts + (size - 8), 8).view("<u8") == ends[owners]
    starts, owners = starts[is_seam], owners[is_seam]
    if not len(starts):
        return None
    words = size // 8
    rows = _rows(block, starts, words * 8).view("<u8").reshape(-1, words)
    is_last = owners[1:] != owners[:-1]
    is_last[set_positions((rows[1:] != rows[:-1]).ravel()) // words] = True
    bounds = [0, *(np.flatnonzero(is_last) + 1).tolist(), len(starts)]
    longest = [(0, 0)] * len(delimiters)
    for owner, first, last in zip(owners[bounds[:-1]].tolist(), bounds[:-1], bounds[1:], strict=True):
        if last - first > longest[owner][1] - longest[owner][0]:
            longest[owner] = first, last
    return _Runs(starts, longest)


def _cut(
    block: bytes, spans: Sequence[tuple[int, int]], delimiters: Sequence[_Delimiter], runs: _Runs, size: int
) -> dict[int, Condensed]:
    """Cut the lines whose contents are sound, from the end of the first content between delimiters to the last one."""
    begins, sizes = runs.starts[:-1] + size, np.diff(runs.starts) - size
    sound: list[tuple[_Delimiter, int, int]] = []
    for delimiter, (first, last) in zip(delimiters, runs.edges, strict=True):
        start = int(runs.starts[first])
        if last - first > _ANCHORS_MIN // 2 and block.startswith(delimiter.content, start):
            sound.append((delimiter, first + 1, last - 1))
    dropped = [slice(first, last) for _, first, last in sound]
    if not dropped:
        return {}
    if not _are_contents(
        block, np.concatenate([begins[own] for own in dropped]), np.concatenate([sizes[own] for own in dropped])
    ):
        sound = [
            each for each, own in zip(sound, dropped, strict=True) if _are_contents(block, begins[own], sizes[own])
        ]
    lines = {}
    for delimiter, first, last in sound:
        start, end = spans[delimiter.line]
        to, again = int(runs.starts[first]), int(runs.starts[last])
        lines[delimiter.line] = Condensed(block[start:to] + block[again:end], sizes[first:last], to - start)
    return lines


def _are_contents(block: bytes, begins: Positions, sizes: Positions) -> bool:
    """Tell whether all these spans are text inside a chunk inside a line.

    A delimiter that overlaps the one before it is not one.
    """
    if int(sizes.min()) < 0:
        return False
    is_short = sizes <= _SHORT
    short_begins = begins[is_short]
    letters = _rows(block, short_begins, _SHORT).view(np.uint8)
    is_plain = (letters - np.uint8(0x20) <= np.uint8(0x7E - 0x20)) & (letters != ord('"')) & (letters != ord("\\"))
    is_plain |= _BEYOND[sizes[is_short]].view(np.bool_)
    is_odd = ~is_short
    is_odd[np.flatnonzero(is_short)[set_positions(~is_plain) // _SHORT]] = True
    contents = _texts(block, begins[is_odd], sizes[is_odd])
    return (
        contents.count(b"\x00") == np.count_nonzero(is_odd)
        and _CONTENTS.fullmatch(contents) is not None
        and is_utf8(contents)
    )


def _texts(block: bytes, begins: Positions, sizes: Positions) -> bytes:
    """Return some spans of a block, each with a NUL after it."""
    ends = np.cumsum(sizes + 1)
    texts = np.frombuffer(block, np.uint8)[
        np.repeat(begins + sizes + 1 - ends, sizes + 1) + np.arange(ends[-1] if len(ends) else 0)
    ]
    texts[ends - 1] = 0
    return bytes(texts)


_SHORT = 16
"""Contents of up to so many bytes are looked at together."""
_BEYOND = (np.arange(_SHORT) >= np.arange(_SHORT + 1)[:, None]).view(f"V{_SHORT}").ravel()
"""For each size, which of so many bytes lie beyond it."""


def _rows(block: bytes, starts: Positions, size: int) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """Return so many bytes from each of ``starts`` on."""
    return np.ndarray(len(block) - size + 1, f"V{size}", block, 0, (1,))[starts]
