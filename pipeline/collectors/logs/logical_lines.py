"""Lines of a log to lines of what was logged: a wrapper is taken off, and parts of a long line are joined.

Owns which lines belong together, and up to where a log is split when the last one has not ended yet. Does not own what
lies in a wrapped line (``pipeline.collectors.wrappers``) nor what it says. Bounded in memory: what is held back is at
most twice the cap on a line.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from pipeline.collectors.logs.lines import Line
from pipeline.collectors.logs.log_file import WINDOW_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pipeline.collectors.logs.lines import LineSplitter
    from pipeline.collectors.wrappers import Unwrapped, Wrapper
    from pipeline.usage.sources import SegmentDigest

_MEMBER = re.compile(rb'"[^"\\\x00-\x1f]{1,64}" *: *["{\[0-9tfn]')
"""What only a part of a JSON document has: other text that a program writes beside its log is none of its lines."""
_EDGE_BYTES = WINDOW_BYTES
_RUN_LINES = 2**10
_RUN_BYTES = 2**20
"""So much is unwrapped at once."""


class _Part(NamedTuple):
    line: Line
    content: bytes


class LogicalLines:
    """Iterates the lines of what was logged, in groups that end where nothing is left open.

    A group is one line, as a rule. While a part waits for its end, lines of other streams wait too, so that all lines
    up to the end of a group are accounted for. What is open at the end of the log is for the next run, unless
    ``closes`` says that there will be none.
    """

    def __init__(
        self,
        splitter: LineSplitter,
        wrapper: Wrapper | None,
        *,
        bytes_max: int,
        closes: bool,
    ) -> None:
        """Begin where the splitter stands; without a ``wrapper`` each line is a group as it is."""
        self.run_max = 0
        """So many lines may come next together, as one group, where each holds a whole line; to be set as one reads."""
        self._splitter = splitter
        self._wrapper = wrapper
        self._bytes_max = bytes_max
        self._closes = closes
        self._seen: tuple[list[bytes], int, list[bytes | None]] = ([], 0, [])
        """Lines of a block, the index of the first that was asked of, and what it and those behind it hold."""
        self._open: dict[str, list[_Part]] = {}
        self._ended: list[Line] = []
        self._bytes = 0

    @property
    def end(self) -> int:
        """The end of what was handed out, and once all was, of what counts."""
        return self._splitter.end

    @property
    def next_line(self) -> int:
        """The number of the line that follows."""
        return self._splitter.next_line

    @property
    def segment_start(self) -> int:
        """Where the segment begins."""
        return self._splitter.segment_start

    @property
    def segment_digest(self) -> SegmentDigest:
        """The digest of the lines since then."""
        return self._splitter.segment_digest

    @property
    def tail(self) -> bytes:
        """The last bytes before ``end``."""
        return self._splitter.tail

    def begin_segment(self) -> None:
        """Let a segment begin after the group handed out last."""
        self._splitter.begin_segment()

    def __iter__(self) -> Iterator[list[Line]]:
        """Yield groups of lines in their order.

        Afterwards the splitter stands behind the last group.
        """
        if self._wrapper is None:
            for line in self._splitter:
                yield [line]
            return
        place = self._splitter.place()
        for each in self._splitter.in_runs(self._usual):
            if isinstance(each, list):
                yield each
                place = self._splitter.place()
                continue
            self._take(each, self._wrapper.unwrap)
            if self._bytes > 2 * self._bytes_max:
                self._end_all()
            if not self._open:
                yield self._group()
                place = self._splitter.place()
        if self._open and self._closes:
            self._end_all()
            yield self._group()
        elif self._open:
            self._splitter.return_to(place)

    def _usual(self, lines: list[bytes], at: int) -> list[bytes]:
        """Return what the lines from an index on hold, where each holds a whole one, and no part waits for its end."""
        if self._wrapper is None or self._open or not self.run_max:
            return []
        of, first, held = self._seen
        if of is not lines or at >= first + len(held):
            first, some = at, [line.removesuffix(b"\r") for line in lines[at : at + _RUN_LINES]]
            held = self._wrapper.usual(some)
            self._seen = lines, first, held
        run: list[bytes] = []
        size = 0
        for index in range(at, min(at + self.run_max, first + len(held))):
            content = held[index - first]
            if content is None or lines[index].endswith(b"\0") or size > _RUN_BYTES:
                break
            run.append(content if _MEMBER.search(content) else b"")
            size += len(content)
        return run

    def _take(self, line: Line, unwrap: Callable[[bytes], Unwrapped | None]) -> None:
        found = None if line.content is None else unwrap(line.content)
        if found is None:
            self._ended.append(line)
            self._bytes += len(line.content or b"")
            return
        self._bytes += len(found.content)
        parts = self._open.setdefault(found.stream, [])
        parts.append(_Part(line, found.content))
        if not found.is_part:
            self._end(found.stream)

    def _end_all(self) -> None:
        for stream in list(self._open):
            self._end(stream)

    def _end(self, stream: str) -> None:
        parts = self._open.pop(stream)
        for together in _together(parts):
            self._ended.append(self._joined(together))

    def _joined(self, parts: Sequence[_Part]) -> Line:
        first, last = parts[0].line, parts[-1].line
        content = b"".join(part.content for part in parts)
        place = Line(last.number, first.start, last.end, b"", lines=len(parts))
        if len(content) > self._bytes_max:
            return place._replace(content=None, edges=content[:_EDGE_BYTES] + b"\n" + content[-_EDGE_BYTES:])
        return place._replace(content=content if _MEMBER.search(content) else b"")

    def _group(self) -> list[Line]:
        group, self._ended, self._bytes = self._ended, [], 0
        group.sort(key=lambda line: line.number)
        return group


def _together(parts: list[_Part]) -> list[list[_Part]]:
    """Return which parts make a line.

    All of them, unless that is no JSON and some last ones are: who was killed while it wrote never ended its line.
    """
    begin = [at for at in range(len(parts) - 1, 0, -1) if parts[at].content.startswith(b"{")]
    if begin and not _is_json(parts, if_deep=True):
        for at in begin:
            if _is_json(parts[at:], if_deep=False):
                return [parts[:at], parts[at:]]
    return [parts]


def _is_json(parts: Sequence[_Part], *, if_deep: bool) -> bool:
    """Say whether parts are JSON; of what is nested without end, ``if_deep``: looking once more costs too much."""
    try:
        json.loads(b"".join(part.content for part in parts))
    except ValueError:
        return False
    except RecursionError:
        return if_deep
    return True
