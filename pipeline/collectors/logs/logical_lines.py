"""Lines of a log to lines of what was logged: a wrapper is taken off, and parts of a long line are joined.

Owns which lines belong together, and up to where a log is split when the last one has not ended yet. Does not own what
lies in a wrapped line (``pipeline.collectors.wrappers``) nor what it says. Bounded in memory: what is held back is at
most twice the cap on a line.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from pipeline.collectors.logs.lines import Line, Run, lines_of
from pipeline.collectors.logs.log_file import WINDOW_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeAlias

    from pipeline.collectors.logs.lines import LineSplitter
    from pipeline.collectors.wrappers import Unwrapped, Wrapper
    from pipeline.usage.sources import SegmentDigest

    ReadTogether: TypeAlias = Callable[[memoryview, int, int, int], Run | None]
    """Reads what lies in a block, from a place and a line of the log on, up to so many rows.

    ``None`` where these lines are for whoever takes them one by one.
    """

_MEMBER = re.compile(rb'"[^"\\\x00-\x1f]{1,64}" *: *["{\[0-9tfn]')
"""What only a part of a JSON document has: other text that a program writes beside its log is none of its lines."""
_BEGINS_LINE = re.compile(rb'\{[ \t]*"')
"""How a line begins, and no part of a text within one: a quote is escaped there."""
_EDGE_BYTES = WINDOW_BYTES
_RUN_BYTES = 2**20
"""About so much is unwrapped at once here."""
_HELD_BACK_MAX = 64
"""So many lines wait for a numbered part: what has no parts any more is not written behind it."""


class _Part(NamedTuple):
    line: Line
    content: bytes
    ordinal: int | None = None


class _Group:
    """Lines of what was logged since the last place where no stream had begun a line and not ended it."""

    def __init__(self, unwrap: Callable[[bytes], Unwrapped | None], bytes_max: int) -> None:
        self._unwrap = unwrap
        self._bytes_max = bytes_max
        self._open: dict[str, list[_Part]] = {}
        self._ended: list[Line] = []
        self._bytes = 0

    @property
    def is_open(self) -> bool:
        """Whether a part waits for its end."""
        return bool(self._open)

    def take(self, line: Line) -> None:
        """Take in the next line of the log."""
        found = None if line.content is None else self._unwrap(line.content)
        if found is None or not self._is_in_turn(found):
            self._ended.append(line)
            self._bytes += len(line.content or b"")
        else:
            self._bytes += len(found.content)
            self._open.setdefault(found.stream, []).append(_Part(line, found.content, found.ordinal))
            if not found.is_part:
                self._end(found.stream)
        if self._bytes > 2 * self._bytes_max:
            self.end_all()
        if len(self._ended) > _HELD_BACK_MAX:
            self._leave_numbered()

    def end_all(self) -> None:
        """End each line that was begun; where parts are numbered, those that have no last one are left as they are."""
        self._leave_numbered()
        for stream in list(self._open):
            self._end(stream)

    def given_out(self) -> list[Line]:
        """Return the lines, and begin anew."""
        group, self._ended, self._bytes = self._ended, [], 0
        group.sort(key=lambda line: line.number)
        return group

    def _is_in_turn(self, part: Unwrapped) -> bool:
        """Tell whether a part follows what is open of its stream; where it does not, that is left as it is."""
        begun = self._open.get(part.stream, [])
        if part.ordinal is None or part.ordinal == len(begun) + 1:
            return True
        self._leave(part.stream)
        return False

    def _leave_numbered(self) -> None:
        for stream in [stream for stream, parts in self._open.items() if parts[0].ordinal is not None]:
            self._leave(stream)

    def _leave(self, stream: str) -> None:
        """Let the lines that have the parts of one be lines of their own: whoever reads one sees that it is a part."""
        self._ended += [part.line for part in self._open.pop(stream, [])]

    def _end(self, stream: str) -> None:
        self._ended += map(self._joined, _together(self._open.pop(stream)))

    def _joined(self, parts: Sequence[_Part]) -> Line:
        first, last = parts[0].line, parts[-1].line
        content = b"".join(part.content for part in parts)
        place = Line(last.number, first.start, last.end, b"", lines=len(parts))
        if len(content) > self._bytes_max:
            return place._replace(content=None, edges=content[:_EDGE_BYTES] + b"\n" + content[-_EDGE_BYTES:])
        return place._replace(content=_said(content))


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
        read_together: ReadTogether | None = None,
    ) -> None:
        """Begin where the splitter stands; without a ``wrapper`` each line is a group as it is.

        ``read_together`` reads groups while they lie in a block; a ``Run`` of it is handed out as it is.
        """
        self.run_max = 0
        """So many lines may come next together, where each holds a whole line; to be set as one reads."""
        self._splitter = splitter
        self._wrapper = wrapper
        self._bytes_max = bytes_max
        self._closes = closes
        self._read_together = read_together
        self._apart_until = 0
        """Up to this place of the log nothing is read by it."""
        self._group = None if wrapper is None else _Group(wrapper.unwrap, bytes_max)

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

    @property
    def reads_together(self) -> bool:
        """Whether what follows may be a ``Run``."""
        return self._read_together is not None and self._splitter.end >= self._apart_until

    def begin_segment(self) -> None:
        """Let a segment begin after the group handed out last."""
        self._splitter.begin_segment()

    def __iter__(self) -> Iterator[list[Line]]:
        """Yield groups of lines in their order.

        Afterwards the splitter stands behind the last group.
        """
        return (each for each in self.in_runs() if isinstance(each, list))

    def in_runs(self) -> Iterator[list[Line] | Run]:
        """Yield the same; groups that were read together are a run, where ``run_max`` says that there may be any."""
        group = self._group
        if group is None:
            for line in self._splitter:
                yield [line]
            return
        place = self._splitter.place()
        for each in self._splitter.in_runs(self._run_at):
            if isinstance(each, Run):
                yield each.found if isinstance(each.found, list) else each
            else:
                group.take(each)
                if group.is_open:
                    continue
                yield group.given_out()
            place = self._splitter.place()
        if group.is_open and self._closes:
            group.end_all()
            yield group.given_out()
        elif group.is_open:
            self._splitter.return_to(place)

    @property
    def _is_open(self) -> bool:
        return self._group is not None and self._group.is_open

    def _run_at(self, block: bytes | memoryview, at: int) -> Run | None:
        """Return the lines at a place of a block, as far as they can be read together."""
        if self._wrapper is None or self._is_open or not self.run_max or len(block) > self._bytes_max:
            return None
        if self._read_together is not None and self.reads_together:
            run = self._read_together(memoryview(block)[at:], self.end, self.next_line, self.run_max)
            if run is None or run.instead is not None:
                self._apart_until = self.end + len(block) - at
            if run is not None:
                return run
        return None if isinstance(block, memoryview) else self._whole_lines(block, at, self._wrapper.unwrap)

    def _whole_lines(self, block: bytes, at: int, unwrap: Callable[[bytes], Unwrapped | None]) -> Run | None:
        """Return the lines at a place of a block, as long as each holds a whole line."""
        lines: list[Line] = []
        begin, before = at, self.end - at
        while len(lines) < self.run_max and begin - at <= _RUN_BYTES and (end := block.find(b"\n", begin)) >= 0:
            held = unwrap(block[begin:end].removesuffix(b"\r"))
            if held is None or held.is_part or held.ordinal not in (None, 1) or block.endswith(b"\0", begin, end):
                break
            lines.append(Line(self.next_line + len(lines), before + begin, before + end + 1, _said(held.content)))
            begin = end + 1
        return Run(begin - at, len(lines), lines) if lines else None


def group_of(content: bytes, wrapper: Wrapper, *, start: int, first_line: int) -> list[Line] | None:
    """Return what some complete lines of a log hold; ``None`` where they are not one group, but several or a part."""
    group = _Group(wrapper.unwrap, len(content))
    *lines, last = lines_of(content, start, first_line)
    for line in lines:
        group.take(line)
        if not group.is_open:
            return None
    group.take(last)
    return None if group.is_open else group.given_out()


def _said(content: bytes) -> bytes:
    """Return the content of a line, nothing of one that is no document."""
    return content if _MEMBER.search(content) else b""


def _together(parts: list[_Part]) -> list[list[_Part]]:
    """Return which parts make a line.

    All of them, unless that is no JSON and some last ones are: who was killed while it wrote never ended its line.
    Those that are numbered do.
    """
    begin = [at for at in range(len(parts) - 1, 0, -1) if _BEGINS_LINE.match(parts[at].content)]
    if begin and parts[0].ordinal is None and not _is_json(parts, if_deep=True):
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
