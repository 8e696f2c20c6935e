"""Where lines have what a format looks at, for those who read many of them at once.

A format that is a ``MAPPING`` has said it there; one that makes entries by code says it here as well, as ``PLACES``. It
decides how quickly lines are read, and not what they amount to: a name that the code of a format looks at stands in the
shape of a line in any case (``pipeline.collectors.kernel.places``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping


class TakenApart(NamedTuple):
    """An id that the code of a format takes apart: what it looks like decides what it is."""

    name: str
    """The name that it stands under, at the top of a line."""
    pattern: re.Pattern[str]
    """What the code asks of the whole id. Its group is what is taken of the id; without one, all of it is."""
    example: str
    """An id that fits, as any does that has other digits in the place of its digits."""
    compared: tuple[str, ...] = ()
    """The names under which ids stand, at whatever depth, that the code compares with what is taken of the id."""

    def taken_of(self, text: str) -> str | None:
        """Return what is taken of an id, ``None`` where it does not fit."""
        found = self.pattern.fullmatch(text)
        return None if found is None else found[self.pattern.groups]


class Places(NamedTuple):
    """The places of one format's lines."""

    fields: Mapping[str, Any] = {}
    """Of what will be a field of an entry, in the language of ``fields``: several places where one of several is."""
    counts: tuple[str, ...] = ()
    """Paths of objects that state counts, and of which all names are looked at."""
    counts_within: tuple[str, ...] = ()
    """Names of counts that do not say so, in objects of which the names of bodies are looked at (``nested``)."""
    marks: tuple[str, ...] = ()
    """Paths under which nobody asks more than whether anything is there: what lines are recognised by, errors."""
    rows: tuple[str, ...] = ()
    """Paths of arrays of objects, each of which is an exchange, or none; what holds such an array lies in one too."""
    pairs: tuple[str, ...] = ()
    """Paths of arrays of pairs: a ``key``, which is a name, and a ``value`` under the name of its type."""
    within: tuple[str, str] | None = None
    """By which ids, a row's own and the other's, a row says that it is within another one of its line."""
    headers: tuple[str, ...] = ()
    """Paths of the headers of requests, in which their keys may be (``access_logs.key_in``)."""
    words: Mapping[str, tuple[str, ...]] = {}
    """Names at the top of texts of which the code asks no more than which of some words they are."""
    streams: tuple[str, ...] = ()
    """Names of bodies under which a stream lies, as an array of its chunks or as a text."""
    unread: tuple[str, ...] = ()
    """Names that the code has from elsewhere, and that are not looked at where they stand at the top."""
    instants: tuple[str, ...] = ()
    """Paths of instants that the code reads, beside those that fields are."""
    durations: tuple[str, ...] = ()
    """Paths of what is in seconds, or a text of milliseconds (``1250ms``), and taken off an instant."""
    nested: tuple[str, ...] = ()
    """Paths below which objects may lie in arrays and in one another, or the text of one; any other text is none."""
    objects: tuple[str, ...] = ()
    """Paths of objects of which every object is looked into, whatever its name."""
    literals: tuple[str, ...] = ()
    """Paths of what the code asks for by what it is, in objects that may be JSON text; it stands in the shape so."""
    plain: tuple[str, ...] = ()
    """Paths of what the plain reader alone looks into: where something lies there, the line is its."""
    taken_apart: tuple[TakenApart, ...] = ()
    """Ids of which the code asks more than whether they are equal."""
