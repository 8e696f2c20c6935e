r"""Lines of long streams without the chunks that say nothing new: a proof first, then a cut.

A stream repeats its chunk for every token: the same bytes around another ``content``. Between two chunks that are equal but
for that text, nothing that a reader looks at can change: the first id and model stay the first, the last tier, reason and
usage stay the last. So all of them but the first of a run are cut out of the line before it is parsed, and only counted.

What is cut lies between repetitions of one *seam*: the bytes from the end of one content, over the blank line, to the
beginning of the next. A seam is believed where it fits a grammar of flat chunks (``_SAMPLE``), found once in the line;
all others must be its very bytes. The contents between seams must be JSON text inside JSON text (``_CONTENTS``), in UTF-8.
So each cut chunk was well-formed, had no error, no usage, no key that the chunk before it had not; and what surrounds the
cut is untouched, so that whatever is wrong there is still wrong.

Owns the cut. Does not own what the rest of the line says; whoever cannot tell that either reads the whole line.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.collectors.fast.positions import positions_of, set_positions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.collectors.fast.positions import Positions

DEPTH = 4
"""How deep a chunk that is cut out is nested: chunk, choices, choice, delta."""
LONG_LINE_BYTES = 4096
"""Shorter lines are cheaper to parse than to cut."""

_ANCHOR = ord("[")
_ANCHORS_MIN = 8
_WINDOW_BYTES = 2**19
"""What is worked on at once: its arrays stay near the processor, and calls are few."""
_SAMPLES_MAX = 4
_SAMPLE_BYTES_MAX = 4096

# Quotes and backslashes of a chunk are escaped once more in its line: \" is a quote, \\n a line feed inside the text,
# \r\n the line end of the transcript.
_KEY = rb'\\"[a-z_]{1,32}\\": ?'
_SCALAR = rb'(?:\\"[^"\\\[\]{}\x00-\x1f]{0,256}\\"|(?:0|[1-9][0-9]{0,14})|null|true|false)'
_BEFORE = (
    rb"data: ?\{(?:" + _KEY + _SCALAR + rb", ?)*+"
    rb'\\"choices\\": ?\[\{(?:\\"index\\": ?(?:0|[1-9][0-9]{0,8}), ?)?\\"delta\\": ?\{(?:\\"role\\": ?\\"assistant\\", ?)?\\"content\\": ?\\"'
)
_AFTER = rb'\\"\}(?:, ?' + _KEY + _SCALAR + rb")*+\}\](?:, ?" + _KEY + _SCALAR + rb")*+\}(?:\\r\\n\\r\\n|\\n\\n)"
_ESCAPE = rb'\\\\(?:[bfnrt/]|\\\\|\\"|u[0-9a-fA-F]{4})|\\u(?!00[0-7])[0-9a-fA-F]{4}|\\/'
_CONTENT = rb'[^"\\\x00-\x1f]*+(?:(?:' + _ESCAPE + rb')[^"\\\x00-\x1f]*+)*+'
_SAMPLE = re.compile(rb"(" + _BEFORE + rb")" + _CONTENT + rb"(" + _AFTER + rb")")
_CONTENTS = re.compile(rb'[^"\\\x01-\x1f]*+(?:(?:' + _ESCAPE + rb')[^"\\\x01-\x1f]*+)*+')
"""Contents, each followed by a NUL, which no content can hold."""


class Condensed(NamedTuple):
    """A line without the chunks that repeat, and how many of these had content."""

    content: bytes
    content_chunks: int
    at: int
    """Where in ``content`` the cut is."""


class _Seam(NamedTuple):
    """The seam of one line, and the anchors of that line as a slice of all anchors."""

    line: int
    content: bytes
    first: int
    last: int


def condensed(block: bytes, spans: Sequence[tuple[int, int]]) -> dict[int, Condensed]:
    """Return the lines that could be cut, by their index in ``spans``, which are ascending ``[start, end)`` in ``block``."""
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
    groups: dict[tuple[int, int], list[_Seam]] = {}
    for index, (first, last) in zip(long, edges, strict=True):
        if last - first >= _ANCHORS_MIN and (seam := _sampled(block, spans[index], anchors, first, last)):
            groups.setdefault((len(seam), seam.index(_ANCHOR)), []).append(_Seam(index, seam, first, last))
    lines: dict[int, Condensed] = {}
    for (size, offset), seams in groups.items():
        lines |= _cut(block, spans, seams, *_repeated(block, seams, anchors, offset), size)
    return lines


def _sampled(block: bytes, span: tuple[int, int], anchors: Positions, first: int, last: int) -> bytes | None:
    """Return the seam around a chunk in the middle of the stream, where that chunk fits the grammar."""
    start, end = span
    middle = (first + last) // 2
    for anchor in anchors[middle : min(middle + _SAMPLES_MAX, last)].tolist():
        at = block.rfind(b"data:", max(start, anchor - _SAMPLE_BYTES_MAX), anchor)
        sample = _SAMPLE.match(block, at, end) if at >= 0 else None
        if sample is not None:
            return sample[2] + sample[1]
    return None


def _repeated(block: bytes, seams: Sequence[_Seam], anchors: Positions, offset: int) -> tuple[Positions, Positions]:
    """Return where lines hold exactly their seam, ascending, and to which of ``seams`` each belongs; all seams are equally long."""
    size, words = len(seams[0].content), len(seams[0].content) // 8
    starts = np.concatenate([anchors[seam.first : seam.last] for seam in seams]) - offset
    counts = [seam.last - seam.first for seam in seams]
    owners = np.repeat(np.arange(len(seams)), counts)
    fits = (starts >= 0) & (starts <= len(block) - size)
    if not fits.all():
        starts, owners = starts[fits], owners[fits]
    heads = np.ndarray(len(block) - words * 8 + 1, f"V{words * 8}", block, 0, (1,))[starts].view("<u8").reshape(-1, words)
    expected = np.frombuffer(b"".join([seam.content[: words * 8] for seam in seams]), "<u8").reshape(-1, words)
    differing = set_positions((heads != expected[owners]).ravel()) // words
    tails = np.ndarray(len(block) - 7, "V8", block, 0, (1,))[starts + (size - 8)].view("<u8")
    is_seam = tails == np.frombuffer(b"".join([seam.content[-8:] for seam in seams]), "<u8")[owners]
    is_seam[differing] = False
    return starts[is_seam], owners[is_seam]


def _cut(block: bytes, spans: Sequence[tuple[int, int]], seams: Sequence[_Seam], starts: Positions, owners: Positions, size: int) -> dict[int, Condensed]:
    """Cut the lines whose contents are sound: from the end of the first content between seams to the last seam."""
    edges = np.searchsorted(owners, np.arange(len(seams) + 1)).tolist()
    begins, sizes = starts[:-1] + size, np.diff(starts) - size
    is_dropped = owners[:-1] == owners[1:]
    is_dropped[[first for first in edges[:-1] if first < len(is_dropped)]] = False  # the first of a line stays, for all
    begins, sizes, dropped_by = begins[is_dropped], sizes[is_dropped], owners[:-1][is_dropped]
    if not len(sizes):
        return {}
    sound = set(range(len(seams)))
    if not _are_contents(block, begins, sizes):
        sound = {owner for owner in sound if (own := dropped_by == owner).any() and _are_contents(block, begins[own], sizes[own])}
    with_content = np.bincount(dropped_by[sizes > 0], minlength=len(seams)).tolist()
    lines = {}
    for owner, (seam, first, last) in enumerate(zip(seams, edges, edges[1:], strict=False)):
        if last - first > _ANCHORS_MIN // 2 and owner in sound:
            start, end = spans[seam.line]
            to = int(starts[first + 1])
            lines[seam.line] = Condensed(block[start:to] + block[starts[last - 1] : end], with_content[owner], to - start)
    return lines


def _are_contents(block: bytes, begins: Positions, sizes: Positions) -> bool:
    """Tell whether all these spans are text inside a chunk inside a line; a seam that overlaps the one before it is not one."""
    if int(sizes.min()) < 0:
        return False
    closed = sizes + 1
    ends = np.cumsum(closed)
    gathered = np.frombuffer(block, np.uint8)[np.arange(int(ends[-1])) + np.repeat(begins - (ends - closed), closed)]
    gathered[ends - 1] = 0
    if np.count_nonzero(gathered) != len(gathered) - len(sizes):
        return False
    contents = gathered.tobytes()
    if _CONTENTS.fullmatch(contents) is None:
        return False
    try:
        contents.decode()
    except UnicodeDecodeError:
        return False
    return True
