"""CSV as bytes: RFC 4180, UTF-8, safe to open in a spreadsheet, and the same bytes for the same rows everywhere.

Owns quoting, line ends, plain numbers, and keeping text from being taken for a formula. Does not own which columns a
file has.

A text cell whose first visible character could start a formula gets a leading apostrophe, and so does every further
line of it (OWASP, "CSV Injection"). A line that begins with an apostrophe gets one more, so that nothing is lost:
``unescaped(escaped(text)) == text`` for every text. Numeric cells are plain decimals and never escaped.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pipeline.base.money import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

Cell = str | int | Decimal | None
"""Text, a plain number, or nothing."""

_FORMULA_STARTS = frozenset("=+-@|\t\r\n\0")
_LINE_BREAKS = re.compile(
    "([\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029])"
)  # as str.splitlines knows them: some program breaks lines at each
_NEEDS_QUOTES = re.compile('[",\r\n\0]|^ | $')
_BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")  # letters and a symbol by category, but nothing to see


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Write a header and rows.

    ``str`` cells are text, ``int`` and ``Decimal`` cells plain numbers, ``None`` an empty cell.

    Every row ends with CRLF. Raises ``TypeError`` for any other type (a float among them), ``InexactAmount`` for NaN or
    infinity, ``ValueError`` for a row of another length than the header or for text that is not Unicode (a lone
    surrogate).
    """
    listed = list(rows)
    for row in listed:
        if len(row) != len(header):
            message = f"a row has {len(row)} cells, the header {len(header)}"
            raise ValueError(message)
    return csv_of_columns(header, list(zip(*listed, strict=True)) or [()] * len(header))


def csv_of_columns(header: Sequence[str], columns: Sequence[Sequence[Cell]]) -> bytes:
    """Write what ``csv_bytes`` writes, from columns of equal length.

    Where all cells of one are of a type, none is asked for its own.
    """
    return csv_of_rows(header, csv_rows(columns))


def csv_rows(columns: Sequence[Sequence[Cell]]) -> list[str]:
    """Return the rows of columns of equal length as they stand in a file, without their line ends."""
    return list(map(",".join, zip(*map(_cells, columns), strict=True)))


def csv_of_rows(header: Sequence[str], rows: Iterable[str]) -> bytes:
    """Write a header and rows that ``csv_rows`` made."""
    return "\r\n".join([",".join(_quoted(escaped(name)) for name in header), *rows, ""]).encode("utf-8")


@lru_cache(maxsize=4_096)  # most cells of a book are the same few texts
def escaped(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: ``=1+1`` becomes ``'=1+1``."""
    parts = _LINE_BREAKS.split(text)  # lines at even places, the breaks between them at odd ones
    parts[0] = f"'{parts[0]}" if text[:1] in _FORMULA_STARTS and text else _escaped_line(parts[0])
    parts[2::2] = [_escaped_line(line) for line in parts[2::2]]
    return "".join(parts)


def unescaped(text: str) -> str:
    """Return the text that ``escaped`` was given."""
    parts = _LINE_BREAKS.split(text)
    parts[::2] = [line.removeprefix("'") for line in parts[::2]]
    return "".join(parts)


def _escaped_line(line: str) -> str:
    first = next((character for character in line if _is_visible(character)), "")
    return f"'{line}" if line.startswith("'") or _may_start_a_formula(first) else line


def _may_start_a_formula(character: str) -> bool:
    """Say so of the characters themselves and of their full-width, small and superscript twins.

    Some programs fold them together.
    """
    return unicodedata.normalize("NFKC", character)[:1] in _FORMULA_STARTS if character else False


def _is_visible(character: str) -> bool:
    """Say whether something of a character shows at the start of a cell.

    Tabs and NUL count, since they can hide what follows.
    """
    if character in _FORMULA_STARTS:
        return True
    return (
        character.isprintable()
        and not character.isspace()
        and unicodedata.category(character)[0] != "M"
        and character not in _BLANK_LETTERS
    )


def _cells(column: Sequence[Cell]) -> Iterator[str]:
    types = set(map(type, column))
    write: Callable[[Any], str] = _WRITERS.get(types.pop(), _cell) if len(types) == 1 else _cell
    return map(write, column)


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return _text_cell(value)
    if isinstance(value, Decimal):
        return plain(value)
    if type(value) is int:  # bool is an int to Python, and no number on an invoice
        return str(value)
    message = f"{value!r} is a {type(value).__name__}; a cell is text, an int, a Decimal or None"
    raise TypeError(message)


@lru_cache(maxsize=1 << 16)
def _text_cell(text: str) -> str:
    """Most cells of a file say what a cell above them says: names, models, keys, descriptions."""
    return _quoted(escaped(text))


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text


_WRITERS: dict[type, Callable[[Any], str]] = {str: _text_cell, int: str, Decimal: plain}
"""What ``_cell`` comes to for each type."""
