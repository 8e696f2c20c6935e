"""Rows of commands that state no kinds of columns: what holds numbers alone is a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.cli.output import output_of
from pipeline.cli.tables.columns import Column, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.cli.tables.columns import Cell


def print_table(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Print rows as a table on a terminal, else as tab-separated lines."""
    listed = list(rows)
    kinds = [
        Kind.COUNT if listed and all(isinstance(row[place], int) for row in listed) else Kind.TEXT
        for place in range(len(header))
    ]
    output_of(None).rows([Column(name=name, kind=kind) for name, kind in zip(header, kinds, strict=True)], listed)
