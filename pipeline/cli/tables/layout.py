"""A table of a width, for people: what is cut, what goes on in the next line, what is left out, and what never is.

Owns the order in which room is made. First headings take several lines, texts go on in the next line and ids are
shortened in their middle; then columns of detail are left out, the last first; then long words are broken, behind a
separator where they have one; then columns that say the same in every row are said below it, and late details left
out; and where that is not enough, every record is written one field a line. Numbers and dates are never cut, and
nothing else is ever left out.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from pipeline.cli.tables.columns import Kind
from pipeline.cli.visible import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.cli.tables.columns import Column

_GAP = "  "
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"
_ELLIPSIS = "…"
_TEXT_MIN = 12
_WORDS_MAX = (24, 18, _TEXT_MIN)
"""Words up to this length are not broken, and ids not shortened, if that can be: a long one is tried first."""
_ID_MIN = 10
"""INV-000001 and ``unassigned`` are whole."""
_HEAD_MIN, _TAIL_MAX = 4, 4
"""An id is recognised by its beginning, and may be asked for by it; its end only tells it from others, and is longer
than that only where ids begin alike: ``draft-2026-…027-eur``."""
_SEPARATORS = re.compile(r"[-/:._@|](?=[^-/:._@|])")
"""Behind one of these a word is broken, rather than within its parts."""
_AFTER_WORD = re.compile(r"(?<=_)|(?<= )")


def laid_out(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    *,
    left_out: Sequence[str] = (),
    width: int | None = None,
    is_coloured: bool = False,
) -> str:
    """Return rows of shown texts as a table, or as records, at most ``width`` characters wide.

    Wider than that is only a single number that is, which is never cut. ``left_out`` are columns that say nothing; a
    line below names them.
    """
    if not rows:
        return "no rows\n"
    natural = _natural(columns, rows)
    limit = sum(natural) + len(_GAP) * (len(columns) - 1)
    if width is None or limit <= width:
        lines, cut = _table(columns, rows, natural, is_coloured=is_coloured), set[int]()
    else:
        limit = width
        lines, cut = _fitted(columns, rows, limit, is_coloured=is_coloured)
    titles = [visible(column.title) for column in columns]
    alike = [f"{titles[place]} {rows[0][place]}" for place in sorted(cut) if _is_alike(columns[place], place, rows)]
    without = [titles[place] for place in sorted(cut) if not _is_alike(columns[place], place, rows)]
    below = [f"the same in every row: {', '.join(alike)}"] if alike else []
    below += [f"left out, 0 or empty in every row: {', '.join(left_out)}"] if left_out else []
    below += [f"left out for want of room, -o csv has them: {', '.join(without)}"] if without else []
    notes = [line for note in below for line in _wrapped(note, width or limit)]
    return "".join(f"{line.rstrip()}\n" for line in [*lines, *([""] if notes else []), *notes])


def _fitted(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], limit: int, *, is_coloured: bool
) -> tuple[list[str], set[int]]:
    """Return the lines of a table or of records, and the columns that are not in it."""
    alike = [place for place, column in enumerate(columns) if _is_alike(column, place, rows)]
    late = [place for place, column in enumerate(columns) if column.is_late_detail]
    details = [place for place, column in enumerate(columns) if column.is_detail and not column.is_asked]
    seen = [{row[place] for row in rows} for place in range(len(columns))]
    ways = [
        *product(_WORDS_MAX, [details[len(details) - count :] for count in range(len(details) + 1)]),
        *product(_WORDS_MAX, [[*alike, *details[len(details) - count :]] for count in range(len(details) + 1)]),
        *(
            (word_max, [*alike, *details, *late[len(late) - count :]])
            for count in range(1, len(late) + 1)
            for word_max in _WORDS_MAX
        ),
    ]
    rooms = {
        word_max: [_room(column, cells, word_max) for column, cells in zip(columns, seen, strict=True)]
        for word_max in _WORDS_MAX
    }
    for word_max, cut in ways:
        kept = [place for place in range(len(columns)) if place not in cut]
        widths = _widths([rooms[word_max][place] for place in kept], limit)
        if widths is not None:
            cells = [[row[place] for place in kept] for row in rows] if cut else rows
            lines = _table([columns[place] for place in kept], cells, widths, is_coloured=is_coloured)
            return lines, set(cut)
    return _records(columns, rows, limit, is_coloured=is_coloured), set()


def _is_alike(column: Column, place: int, rows: Sequence[Sequence[str]]) -> bool:
    """Say whether a column that is no number, and was not asked for, says the same in every one of several rows."""
    if len(rows) == 1 or column.kind.is_number or column.is_varied or (column.is_asked and not column.is_late_detail):
        return False
    return all(row[place] == rows[0][place] for row in rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """How narrow a column can be, and how wide it wants to be."""

    least: int
    cells: int
    """All cells in one line."""
    all: int
    """The heading in one line, too."""


def _natural(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[int]:
    return [
        max([_width(visible(column.title)), *map(_width, {row[place] for row in rows})])
        for place, column in enumerate(columns)
    ]


def _widths(rooms: Sequence[_Room], limit: int) -> list[int] | None:
    """Return how wide each column is, or None where they do not fit.

    Columns that lack least are given all they lack first: an id that is shortened by one letter gains nothing.
    """
    widths = [room.least for room in rooms]
    spare = limit - sum(widths) - len(_GAP) * (len(rooms) - 1)
    if spare < 0:
        return None
    for lacks, place in sorted((room.cells - widths[place], place) for place, room in enumerate(rooms)):
        if 0 < lacks <= spare:
            widths[place] += lacks
            spare -= lacks
    for wanted in ([room.cells for room in rooms], [room.all for room in rooms]):
        while spare and (narrow := [place for place, most in enumerate(wanted) if widths[place] < most]):
            for place in narrow[:spare]:
                widths[place] += 1
            spare -= len(narrow[:spare])
    return widths


def _room(column: Column, cells: set[str], word_max: int) -> _Room:
    """Return the room of a column with these cells, in which no word of ``word_max`` or less is broken."""
    heading = visible(column.title)
    part = max(_width(part.rstrip()) for part in _AFTER_WORD.split(heading))
    widest = max(map(_width, cells))
    if column.kind is Kind.TEXT:
        word = max(_width(word) for text in cells for word in text.split(" "))
        least = min(widest, max(_TEXT_MIN, min(word, word_max)))
    elif column.kind is Kind.ID:
        whole = [_width(text) for text in cells if not _is_id(text) or _width(text) <= word_max]
        least = max([_least_that_tells_apart({text for text in cells if _is_id(text)}, widest), *whole])
    else:
        least = widest
    return _Room(least=max(least, part), cells=max(widest, part), all=max(widest, _width(heading)))


def _least_that_tells_apart(ids: set[str], widest: int) -> int:
    return next((width for width in range(_ID_MIN, widest) if _tail_that_tells_apart(ids, width) is not None), widest)


def _tail_that_tells_apart(ids: set[str], width: int) -> int | None:
    """Return how much of the ends of ids tells them apart at a width, the usual if it does; None where nothing does."""
    usual = min(_TAIL_MAX, (width - 1) // 3)
    for tail in range(usual, max(usual + 1, width - _HEAD_MIN)):
        if len({_shortened(each, width, tail) for each in ids}) == len(ids):
            return tail
    return None


def _is_id(text: str) -> bool:
    """Say whether a cell of a column of ids is one, and not words about several, such as ``4995 others``."""
    return " " not in text


def _shortened(text: str, width: int, tail: int) -> str:
    """Return an id of a width: its beginning, so much of its end, and between them what says that some is missing."""
    if _width(text) <= width:
        return text
    return f"{_begin(text, width - 1 - tail)}{_ELLIPSIS}{_begin(text[::-1], tail)[::-1]}"


def _table(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], widths: Sequence[int], *, is_coloured: bool
) -> list[str]:
    headings = [_heading(visible(column.title), width) for column, width in zip(columns, widths, strict=True)]
    height = max(map(len, headings))
    above = [[""] * (height - len(lines)) + lines for lines in headings]  # so that each stands on its rule
    header = [_line(columns, parts, widths) for parts in zip(*above, strict=True)]
    rule = "─" * (sum(widths) + len(_GAP) * (len(widths) - 1))
    tails = [
        _tail_of({row[place] for row in rows}, width) if column.kind is Kind.ID else 0
        for place, (column, width) in enumerate(zip(columns, widths, strict=True))
    ]
    body: list[str] = []
    for row in rows:
        cells = [
            _wrapped(text, width) if column.kind is Kind.TEXT else [_fitting(text, column, width, tail)]
            for column, text, width, tail in zip(columns, row, widths, tails, strict=True)
        ]
        tallest = max(map(len, cells))
        if tallest == 1:
            body.append(_line(columns, [each[0] for each in cells], widths))
            continue
        padded = [lines + [""] * (tallest - len(lines)) for lines in cells]
        body += [_line(columns, parts, widths) for parts in zip(*padded, strict=True)]
    return [*(_set_off(line, is_coloured=is_coloured) for line in header), rule, *body]


def _tail_of(cells: set[str], width: int) -> int:
    """Return how long the end of a shortened id is in a column of this width."""
    ids = {text for text in cells if _is_id(text)}
    return 0 if all(_width(text) <= width for text in ids) else _tail_that_tells_apart(ids, width) or 0


def _fitting(text: str, column: Column, width: int, tail: int) -> str:
    return _shortened(text, width, tail) if column.kind is Kind.ID and _is_id(text) else text


def _line(columns: Sequence[Column], texts: Sequence[str], widths: Sequence[int]) -> str:
    padded = [_padded(*each) for each in zip(columns, texts, widths, strict=True)]
    return _GAP.join(padded).rstrip()


def _padded(column: Column, text: str, width: int) -> str:
    spaces = " " * (width - _width(text))
    return spaces + text if column.kind.is_number else text + spaces


def _heading(title: str, width: int) -> list[str]:
    """Return the lines of a heading, which is broken behind its words alone."""
    lines = [""]
    for part in _AFTER_WORD.split(title):
        if _width((lines[-1] + part).rstrip()) <= width:
            lines[-1] += part
        else:
            lines.append(part)
    return [line.rstrip() for line in lines if line]


def _records(columns: Sequence[Column], rows: Sequence[Sequence[str]], limit: int, *, is_coloured: bool) -> list[str]:
    """Return one field a line; fields that are empty in a record are left out of it, unless they were asked for."""
    titles = [visible(column.title) for column in columns]
    margin = min(max(map(_width, titles)), limit // 2)
    lines: list[str] = []
    for number, row in enumerate(rows):
        lines += [""] if number else []
        for column, title, text in zip(columns, titles, row, strict=True):
            if text or column.is_asked:
                lines += _field(column, title, text, margin, limit, is_coloured=is_coloured)
    return lines


def _field(column: Column, title: str, text: str, margin: int, limit: int, *, is_coloured: bool) -> list[str]:
    room = limit - margin - len(_GAP)
    *above, last = _wrapped(title, margin)
    label = _set_off(last, is_coloured=is_coloured) + " " * (margin - _width(last))
    before = [_set_off(line, is_coloured=is_coloured) for line in above]
    if column.kind in (Kind.TEXT, Kind.ID):
        first, *rest = _wrapped(text, room)
        return [*before, f"{label}{_GAP}{first}", *(f"{' ' * margin}{_GAP}{line}" for line in rest)]
    if _width(text) <= room:
        return [*before, f"{label}{_GAP}{text}"]
    return [*before, label, " " * max(0, limit - _width(text)) + text]


def _set_off(text: str, *, is_coloured: bool) -> str:
    return f"{_BOLD}{text}{_PLAIN}" if is_coloured and text else text


def _wrapped(text: str, width: int) -> list[str]:
    """Return the lines of a text, broken at spaces, and within a word where it is longer than a line.

    Such a word is broken behind its last separator that is in the second half of the line, if there is one.
    """
    if _width(text) <= width:
        return [text]
    lines = [""]
    for word in text.split(" "):
        candidate = f"{lines[-1]} {word}" if lines[-1] else word
        if _width(candidate) <= width:
            lines[-1] = candidate
            continue
        rest = word
        if lines[-1]:
            lines.append("")
        while _width(rest) > width:
            part = _begin(rest, width) or rest[0]
            breaks = [found.end() for found in _SEPARATORS.finditer(rest, 0, len(part) + 1)]
            part = part[: breaks[-1]] if breaks and 2 * breaks[-1] >= len(part) else part
            lines[-1] = part
            lines.append("")
            rest = rest[len(part) :]
        lines[-1] = rest
    return lines


def _begin(text: str, width: int) -> str:
    """Return as much of a text as fits, with the accents of its last letter."""
    if text.isascii():
        return text[:width]
    used = 0
    for place, character in enumerate(text):
        used += _width(character)
        if used > width:
            return text[:place]
    return text


def _width(text: str) -> int:
    """Return how many columns a terminal needs for a visible text: two for a wide letter, none for an accent."""
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.combining(each) or unicodedata.category(each) in ("Mn", "Me")
        else 2
        if unicodedata.east_asian_width(each) in "WF"
        else 1
        for each in text
    )
