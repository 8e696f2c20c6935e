"""One answer in each form: ``table_text`` is what commands call, by way of ``pipeline.cli.output``."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pipeline.cli.tables.columns import Kind, csv_cells, is_nothing, plain_text, shown_text
from pipeline.cli.tables.layout import laid_out
from pipeline.cli.visible import visible, visible_in_json
from pipeline.documents.csv_text import csv_of_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.cli.tables.columns import Cell, Column

SCHEMA_VERSION = 1
"""Of what ``-o json`` prints. It is raised where a member gets another name or meaning, not where one is added."""

_MARKDOWN = re.compile(r"[\\`*\[\]|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_MARKUP = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


class Form(StrEnum):
    """How rows are written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    MARKDOWN = "markdown"
    LINES = "lines"
    """Tab-separated, with all columns: a table where a program reads."""


def table_text(
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell]],
    *,
    form: Form,
    width: int | None = None,
    is_coloured: bool = False,
) -> str:
    """Return rows as text that ends with a line end, or as no text at all.

    A table is at most ``width`` characters wide, or as wide as it wants to be (None); ``is_coloured`` sets its header
    off. Tables and Markdown begin with the columns that were asked for and leave out those that are 0 or empty in every
    row, which a line below says. CSV, JSON and tab-separated lines have every column, as given. In CSV and JSON a name
    is exact; in all other forms ``visible``. Raises ``ValueError`` for a row of another length than the columns.
    """
    if any(len(row) != len(columns) for row in rows):
        message = f"a row has {next(len(row) for row in rows if len(row) != len(columns))} cells of {len(columns)}"
        raise ValueError(message)
    if form is Form.JSON:
        return json_text({"rows": json_rows(columns, rows)})
    if form is Form.CSV:
        cells = list(zip(*rows, strict=True)) or [() for _ in columns]
        written = [csv_cells(mine, column.kind) for mine, column in zip(cells, columns, strict=True)]
        return csv_of_columns([column.name for column in columns], written).decode("utf-8")
    if form is Form.LINES:
        lines = [[visible(column.title) for column in columns]]
        lines += [[visible(plain_text(cell)) for cell in row] for row in rows]
        return "".join("\t".join(line) + "\n" for line in lines)
    order = sorted(range(len(columns)), key=lambda place: not columns[place].is_asked)
    empty = [place for place in order if _says_nothing(columns[place], [row[place] for row in rows])]
    kept = [place for place in order if place not in empty]
    if not kept:  # a table without columns says less than one of zeros
        empty, kept = [], order
    chosen = [columns[place] for place in kept]
    cells_shown = [[shown_text(row[place], columns[place].kind) for place in kept] for row in rows]
    left_out = [visible(columns[place].title) for place in empty]
    if form is Form.MARKDOWN:
        return _markdown(chosen, cells_shown, left_out)
    return laid_out(chosen, cells_shown, left_out=left_out, width=width, is_coloured=is_coloured)


def json_rows(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> list[dict[str, str | int | None]]:
    """Return rows as JSON values by the names of their columns: counts are numbers, money and shares text."""
    return [
        {column.name: _json_value(cell, column.kind) for column, cell in zip(columns, row, strict=True)} for row in rows
    ]


def json_text(document: Mapping[str, Any]) -> str:
    """Return a JSON object that states the version of its schema first; no character in it acts on a terminal."""
    written = json.dumps({"schema_version": SCHEMA_VERSION, **document}, indent=1, ensure_ascii=False)
    return f"{visible_in_json(written)}\n"


def _json_value(cell: Cell, kind: Kind) -> str | int | None:
    if cell is None:
        return None
    if kind is Kind.COUNT and isinstance(cell, (int, Decimal)) and cell == int(cell):
        return int(cell)
    return plain_text(cell)


def _says_nothing(column: Column, cells: Sequence[Cell]) -> bool:
    return bool(cells) and not column.is_asked and not column.is_kept and all(map(is_nothing, cells))


def _markdown(columns: Sequence[Column], rows: Sequence[Sequence[str]], left_out: Sequence[str]) -> str:
    lines = [
        [_in_markdown(visible(column.title)) for column in columns],
        ["---:" if column.kind.is_number else "---" for column in columns],
        *([_in_markdown(text) for text in row] for row in rows),
    ]
    below = f"\nLeft out, 0 or empty in every row: {', '.join(map(_in_markdown, left_out))}.\n" if left_out else ""
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + below


def _in_markdown(text: str) -> str:
    """Return text that Markdown shows as it is: no name becomes a link, a picture or another cell."""
    marked = _MARKDOWN.sub(lambda found: f"\\{found[0]}", text)
    return "".join(_MARKUP.get(character, character) for character in marked)
