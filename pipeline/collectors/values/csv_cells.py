"""A table as text: which columns its first line names, and each row as the JSON object that it is.

Cells may stand in quotes, where a quote is two (RFC 4180). What is JSON in a cell is that: an object, an array, a whole
number, true or false; any other text is a text, and what is empty is not there. Does not own which lines make a row
(``pipeline.collectors.reading.csv_rows``).
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from pipeline.collectors.values.strict_json import BrokenJson, parse

_DELIMITERS = (",", "\t", ";", "|")
_COLUMN = re.compile(r"[A-Za-z_@$][A-Za-z0-9_.@$:/ ()\[\]-]{0,99}")
"""In brackets Azure's portal says of what zone a time is: ``TimeGenerated [UTC]``."""
_NUMBER = re.compile(r"(?:0|-?[1-9][0-9]{0,17})", re.ASCII)
_TRUTHS = ("true", "false")
_NAMED = re.compile(r"\.[ct]sv(?:\.(?:gz|zst|zstd))?(?:\.[0-9]{1,9})?$", re.IGNORECASE)
_AROUND = "\ufeff \t\r"


class Header(NamedTuple):
    """The columns of a table, and what stands between its cells."""

    columns: tuple[str, ...]
    delimiter: str


def header_of(name: str, first_line: bytes) -> Header | None:
    """Return the header of a table, ``None`` where a file is not called so, or its first line names no columns.

    >>> header_of("calls.csv", b'ts,"api_key_id"'), header_of("calls.jsonl", b"ts,key"), header_of("calls.csv", b"7,8")
    (Header(columns=('ts', 'api_key_id'), delimiter=','), None, None)
    """
    if _NAMED.search(name) is None:
        return None
    try:
        line = first_line.decode().strip(_AROUND)
    except UnicodeDecodeError:
        return None
    found = [Header(cells, each) for each in _DELIMITERS if (cells := _cells_of(line, each)) and _are_columns(cells)]
    return max(found, key=lambda header: len(header.columns), default=None)


def object_of(row: str, header: Header) -> str | None:
    """Return a row as a JSON object, ``None`` where it has other cells than the header has columns."""
    cells = _cells_of(row, header.delimiter)
    if cells is None or len(cells) != len(header.columns):
        return None
    members = (
        f"{json.dumps(column)}: {_written(cell)}" for column, cell in zip(header.columns, cells, strict=True) if cell
    )
    return "{" + ", ".join(members) + "}"


def _are_columns(cells: tuple[str, ...]) -> bool:
    return len(cells) > 1 and all(map(_COLUMN.fullmatch, cells))


def _cells_of(row: str, delimiter: str) -> tuple[str, ...] | None:
    between = re.escape(delimiter)
    cell = re.compile(rf'(?:"((?:[^"]|"")*+)"|([^"{between}][^{between}]*+)?)({between}|\Z)')
    cells: list[str] = []
    at = 0
    while (found := cell.match(row, at)) is not None:
        cells.append(found[2] or "" if found[1] is None else found[1].replace('""', '"'))
        at = found.end()
        if not found[3]:
            return tuple(cells)
    return None


def _written(cell: str) -> str:
    if cell in _TRUTHS or _NUMBER.fullmatch(cell):
        return cell
    return cell if is_object_or_array(cell) else json.dumps(cell)


def is_object_or_array(cell: str) -> bool:
    """Tell whether a text is a JSON object or array, and so stands in its row as one."""
    if not cell.startswith(("{", "[")):
        return False
    try:
        parse(cell)
    except BrokenJson:
        return False
    return True
