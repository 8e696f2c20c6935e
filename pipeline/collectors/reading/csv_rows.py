"""Rows of a table as text, each read as the line that it is as JSON.

Owns which lines of a log make a row: cells in quotes may have line ends in them. Does not own what a row says
(``pipeline.collectors.values.csv_cells``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.collectors.logs.logical_lines import LogicalLines
from pipeline.collectors.values.csv_cells import object_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.collectors.logs.lines import Line, LineSplitter, Run
    from pipeline.collectors.values.csv_cells import Header


_NO_LINE = b","
"""What is put before that which is no row, so that nothing in it is taken for a line of JSON: a caller wrote it."""


class CsvRows(LogicalLines):
    """Iterates the rows of a table, each as a group of one line; its header, and a blank line, say nothing.

    What is no row of it nobody can read. Behind a line that is longer than the cap nobody knows whether a cell is open,
    so all that follows is none.
    """

    def __init__(self, splitter: LineSplitter, header: Header, *, bytes_max: int, closes: bool) -> None:
        """Begin where the splitter stands."""
        super().__init__(splitter, None, bytes_max=bytes_max, closes=closes)
        self._header = header
        self._is_at_header = splitter.end == 0
        self._is_lost = False

    def in_runs(self) -> Iterator[list[Line] | Run]:
        """Yield the rows in their order, as far as none is open."""
        lines: list[Line] = []
        quotes = 0
        place = self._splitter.place()
        for line in self._splitter:
            self._is_lost = self._is_lost or line.content is None
            quotes += (line.content or b"").count(b'"')
            lines.append(line if self._fits(lines, line) else line._replace(content=None))
            if quotes % 2 and not self._is_lost:
                continue
            yield [self._row(lines)]
            lines, quotes, place = [], 0, self._splitter.place()
        if lines and self._closes:
            yield [self._row(lines)]
        elif lines:
            self._splitter.return_to(place)

    def _fits(self, before: list[Line], line: Line) -> bool:
        return line.end - (before[0].start if before else line.start) <= self._bytes_max + 1  # with its line end

    def _row(self, lines: list[Line]) -> Line:
        whole = lines[-1]._replace(start=lines[0].start, lines=len(lines))
        if any(line.content is None for line in lines):
            return whole._replace(content=None)
        content = b"\n".join(line.content or b"" for line in lines)
        if self._is_at_header or not content.strip():
            self._is_at_header = self._is_at_header and not content.strip()
            return whole._replace(content=b"")
        row = None if self._is_lost else self._object(content)
        return whole._replace(content=_NO_LINE + content if row is None else row)

    def _object(self, content: bytes) -> bytes | None:
        try:
            row = object_of(content.decode(), self._header)
        except UnicodeDecodeError:
            return None
        return None if row is None else row.encode("utf-8", "surrogatepass")
