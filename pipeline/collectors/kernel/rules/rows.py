"""Rows that obey a rule, and what is to be said of them beside: which ids are two, or look like keys, or repeat others.

Owns in which columns a rule leaves the program, and what of a row no sum says. Does not own rules (``table``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pipeline.base.raw_keys import is_raw_key
from pipeline.collectors.counting import named
from pipeline.collectors.event_columns import IDS, NUMBERS, Chosen
from pipeline.collectors.kernel.rules.rule import JOINT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from pipeline.collectors.kernel.program import Program, Told
    from pipeline.collectors.kernel.rules.rule import Rule

    Array: TypeAlias = np.ndarray[Any, Any]

ID_BYTES_MAX = 256
"""So long ids are at most (``fields.IDENTIFIER``)."""
OWN, AROUND = "own", "around"
USUAL = (*NUMBERS, "occurred_at", "key", "shared", *IDS)
COLUMNS = (*USUAL, *(f"{name}, behind" for name in IDS), OWN, AROUND)
"""What the program works out of each row: mostly the usual ones alone.

A key is a number of the program's, or of ``same_keys``, times ``KINDS_OF_KEY``, and how the line has it. An id, what
stands behind a part of one, and the ids by which a row is within another are places in ``Told.texts``.
"""


class Rows(NamedTuple):
    """Told rows that obey a rule, an element of each array a row."""

    at: Array
    """Which of the told ones."""
    lines: Array
    rules: Array
    """By their numbers."""
    columns: Array
    """Those of ``COLUMNS``, a row a column."""

    @property
    def numbers(self) -> Array:
        """The columns ``NUMBERS``, a row a column."""
        return self.columns[: len(NUMBERS)]

    def column(self, name: str) -> Array:
        """Return one of ``COLUMNS``."""
        found: Array = self.columns[COLUMNS.index(name)]
        return found

    def texts(self, name: str) -> tuple[Array, Array]:
        """Return where the texts of a column begin, and their sizes: of none no size."""
        places = self.column(name)
        return places >> 16, places & 0xFFFF

    def some(self, which: Array) -> Rows:
        """Return those of which it is true."""
        if which.all():
            return self
        return Rows(self.at[which], self.lines[which], self.rules[which], self.columns.compress(which, axis=1))


def kept_of(told: Told, rows: Rows, rules: Mapping[int, Rule]) -> Chosen:
    """Return the column ``KEPT``; ``rules`` are those by which anything is kept by name."""
    codes = np.zeros(len(rows.at), np.int64)
    values: dict[str | None, int] = {None: 0}
    for number, rule in rules.items():
        which = np.flatnonzero(rows.rules == number)
        texts = _kept_by(rule, told, told.first_holes[rows.at[which]])
        codes[which] = [values.setdefault(text, len(values)) for text in texts]
    return Chosen(codes, list(values))


def _kept_by(rule: Rule, told: Told, first_holes: Array) -> list[str | None]:
    """Return the column ``KEPT`` of rows that obey a rule, by where their holes begin."""
    amounts = [found.of(lambda hole: told.holes[first_holes + hole]) for found in rule.kept.values()]
    counts = [np.broadcast_to(each, len(first_holes)).tolist() for each in amounts]
    return [named(dict(zip(rule.kept, each, strict=True))) for each in zip(*counts, strict=True)]


def join_ids(told: Told, rows: Rows) -> tuple[Told, Array]:
    """Write down ids that are made of two; return which rows have theirs.

    One that is longer than ids are has none: the plain reader spells it.
    """
    has_ids: Array = np.ones(len(rows.at), np.bool_)
    if len(rows.columns) == len(USUAL):
        return told, has_ids
    end = told.texts_size
    content = told.texts[:end].tobytes()
    for name in IDS:
        firsts, first_sizes = rows.texts(name)
        starts, sizes = rows.texts(f"{name}, behind")
        which = np.flatnonzero(sizes)
        whole = first_sizes[which] + len(JOINT) + sizes[which]
        has_ids[which] &= (whole <= ID_BYTES_MAX) & (end + np.cumsum(whole) <= len(told.texts))
        which, whole = which[has_ids[which]], whole[has_ids[which]]
        places = np.stack((firsts[which], first_sizes[which], starts[which], sizes[which]), axis=1).tolist()
        joined = b"".join(
            content[first : first + size] + JOINT.encode() + content[second : second + other]
            for first, size, second, other in places
        )
        told.texts[end : end + len(joined)] = np.frombuffer(joined, np.uint8)
        rows.column(name)[which] = end + np.cumsum(whole) - whole << 16 | whole
        end += len(joined)
    return told._replace(texts_size=end), has_ids


def holds_raw_key(program: Program, told: Told, rows: Rows) -> Array:
    """Return of which rows an id looks like a raw key: the plain reader spells it."""
    found: Array = np.zeros(len(rows.at), np.bool_)
    begun = program.beginnings_in(told.texts_size)
    if not len(begun):
        return found
    for starts, sizes in map(rows.texts, IDS):
        has_some = np.searchsorted(begun, starts, "right") < np.searchsorted(begun, starts + sizes, "right")
        for row in np.flatnonzero(has_some).tolist():
            text = told.texts[starts[row] : starts[row] + sizes[row]].tobytes().decode()
            found[row] |= is_raw_key(text)
    return found


def may_repeat(told: Told, rows: Rows, counted: Mapping[int, tuple[int, ...] | None]) -> Array:
    """Return which rows are within another one of their line, and may be the same exchange (``Places.within``).

    ``counted`` has the holes of their counts, by rule (``Rule.counts``). Whether they are, the plain reader says of the
    whole line. Two that have no count in common are two, but where the one around has none: of vectors, that is one
    call.
    """
    found: Array = np.zeros(len(rows.at), np.bool_)
    if not counted:
        return found
    is_next_to: Array = np.zeros(len(rows.at) + 1, np.bool_)
    is_next_to[1:-1] = rows.lines[1:] == rows.lines[:-1]
    which = np.flatnonzero(is_next_to[1:] | is_next_to[:-1])
    content = told.texts[: told.texts_size].tobytes() if len(which) else b""
    own, around = (
        [
            (line, content[at : at + size])
            for line, at, size in zip(rows.lines[which], *(each[which] for each in rows.texts(name)), strict=True)
        ]
        for name in (OWN, AROUND)
    )
    by_id: dict[tuple[int, bytes], set[int] | None] = {}
    for row, place in zip(which.tolist(), own, strict=True):
        counts, of_others = _counts_of(told, rows, row, counted), by_id.setdefault(place, set())
        if not counts or of_others is None:
            by_id[place] = None
        else:
            of_others |= counts
    for row, place in zip(which.tolist(), around, strict=True):
        if place[1] and place in by_id:
            counts, of_others = _counts_of(told, rows, row, counted), by_id[place]
            is_alike = counts is None or of_others is None or not counts.isdisjoint(of_others)
            found[row] = is_alike and counts != set()
    return found


def _counts_of(told: Told, rows: Rows, row: int, counted: Mapping[int, tuple[int, ...] | None]) -> set[int] | None:
    """Return the counts of a row, ``None`` where not all of them are known."""
    holes, first = counted[int(rows.rules[row])], told.first_holes[rows.at[row]]
    return None if holes is None else {int(told.holes[first + hole]) for hole in holes}
