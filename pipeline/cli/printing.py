"""How rows are printed: a table on a terminal, tab-separated lines where a program reads.

Does not own what is in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.cli.context import is_terminal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    Cell = str | int | Decimal | None


def print_table(
    header: Sequence[str], rows: Iterable[Sequence[Cell]], *, title: str | None = None, always: bool = False
) -> None:
    """Print rows: aligned where a person reads (or ``always``), else tab-separated with a header.

    Numbers stand at the right.
    """
    listed = [tuple(row) for row in rows]
    if not (always or is_terminal()):
        for row in (header, *listed):
            click.echo("\t".join(_text(cell) for cell in row))
        return
    from rich import box  # noqa: PLC0415  # only where a person reads, so that a pipe does not wait for it
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for index, name in enumerate(header):
        is_number = all(not isinstance(row[index], str) for row in listed) and bool(listed)
        table.add_column(name, justify="right" if is_number else "left", overflow="fold", no_wrap=is_number)
    for row in listed:
        table.add_row(*(Text(f"{cell:,}" if isinstance(cell, int) else _text(cell)) for cell in row))
    Console(soft_wrap=not is_terminal()).print(table)


def _text(cell: Cell) -> str:
    return "" if cell is None else str(cell)
