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


class CsvRows(LogicalLines):
    """Iterates the rows of a table, each as a group of one line; its header, and a blank line, say nothing.

    What is no row of it is a line as it stands, which nobody can read.
    """

    def __init__(self, splitter: LineSplitter, header: Header, *, bytes_max: int, closes: bool) -> None:
        """Begin where the splitter stands."""
        super().__init__(splitter, None, bytes_max=bytes_max, closes=closes)
        self._header = header
        self._is_at_header = splitter.end == 0

    def in_runs(self) -> Iterator[list[Line] | Run]:
        """Yield the rows in their order, as far as none is open."""
        lines: list[Line] = []
        quotes = 0
        place = self._splitter.place()
        for line in self._splitter:
            lines.append(line)
            quotes += (line.content or b"").count(b'"')
            is_too_long = line.content is None or line.end - lines[0].start > self._bytes_max
            if quotes % 2 and not is_too_long:
                continue
            yield lines if is_too_long else [self._row(lines)]
            lines, quotes, place = [], 0, self._splitter.place()
        if lines and self._closes:
            yield lines
        elif lines:
            self._splitter.return_to(place)

    def _row(self, lines: list[Line]) -> Line:
        content = b"\n".join(line.content or b"" for line in lines)
        whole = lines[-1]._replace(start=lines[0].start, content=content, lines=len(lines))
        if self._is_at_header or not content.strip():
            self._is_at_header = self._is_at_header and not content.strip()
            return whole._replace(content=b"")
        try:
            row = object_of(content.decode(), self._header)
        except UnicodeDecodeError:
            return whole
        return whole if row is None else whole._replace(content=row.encode("utf-8", "surrogatepass"))
