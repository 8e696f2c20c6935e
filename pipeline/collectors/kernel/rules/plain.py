"""The plain reader, asked of made-up lines of one format in logs of one.

Owns the question, and what the format says of its lines that decides what may be concluded from an answer. Does not own
the answer (``decode``), nor the lines (``samples``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.decode import EventRow, decode_line
from pipeline.collectors.formats.found import format_of
from pipeline.collectors.formats.gateways.access_logs import KEY_HEADERS
from pipeline.collectors.formats.log_format import read_by
from pipeline.collectors.kernel.places import stated_by
from pipeline.collectors.kernel.rules.rule import NOTHING, OF_HEADER, OF_RAW
from pipeline.collectors.logs.lines import Line
from pipeline.collectors.values.strict_json import parse

if TYPE_CHECKING:
    from pipeline.collectors.decode import Row
    from pipeline.collectors.formats.found import Format
    from pipeline.collectors.formats.log_format import LogFormat
    from pipeline.collectors.kernel.rules.rule import Nothing

LINE = Line(7, 1000, 2000, b"")
"""Where each sample lies, it is said."""
SOURCE = "sample"
_WHOLES = ("prompt_tokens", "completion_tokens")


class PlainReader:
    """Says what lines of one format in logs of one amount to."""

    def __init__(self, log_format: LogFormat, found: Format | None) -> None:
        self._log_format = log_format
        self._of = found
        self.places = stated_by(found)
        """What the format states of its lines."""
        self.name = name_of(log_format, found)
        """What identifies it: another one of this name answers likewise."""
        self.identity = log_format.identity
        """The rule of the source."""
        self.within = self.places.within or ()

    def row_of(self, sample: bytes) -> Row | Nothing | None:
        """Return the row that is made of a line; ``None`` where that is none of an event."""
        line = LINE._replace(content=sample)
        rows = decode_line(line, source=SOURCE, log_format=self._log_format, fingerprint=fingerprint)
        if not rows and self._of is not None:
            return NOTHING
        return rows[0].values if len(rows) == 1 and isinstance(rows[0], EventRow) else None

    def counted_in(self, sample: bytes) -> list[Any]:
        """Return the counts that tell whether a row is within another one of its line and the same exchange."""
        if not self.within or self._of is None or self._of.entries is None:
            return []
        entry, *_ = self._of.entries(parse(sample.decode(), depth_max=self._log_format.depth_max))
        return [entry.get(f"usage.{name}") for name in _WHOLES] if isinstance(entry, dict) else []

    def is_of_its_format(self, sample: bytes) -> bool:
        """Tell whether a line is of the format whose names its shape has: of another it has too few."""
        if self._log_format.format is not None or self._log_format.fields:
            return True
        document = parse(sample.decode(), depth_max=self._log_format.depth_max)
        return isinstance(document, dict) and format_of(document) is self._of

    def how_raw(self, name: str) -> int:
        """Return how a line has a raw key that stands under a name: it may be in a header of a request."""
        return OF_HEADER + KEY_HEADERS.index(name) if self.places.headers and name in KEY_HEADERS else OF_RAW


def name_of(log_format: LogFormat, found: Format | None) -> str:
    """Return what identifies what reads lines of a format in logs of one: the settings, and the format of the lines."""
    return f"{read_by(log_format)} {found.name if found else ''}"


def fingerprint(raw: str) -> str:
    """Stand for the fingerprint of a key, in samples; no id of a key is written so."""
    return f"\0{raw}"
