"""Where text goes: ``-o/--output`` of every command that answers with rows, and what a terminal is spared.

Owns the one way to stdout and stderr. Names are written by others; so all that is not data is ``visible``. Data (CSV,
JSON) is exact where a program reads it; where a terminal would show it, CSV is ``visible`` too, and JSON has escapes.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, replace
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.context import is_terminal
from pipeline.cli.messages.lines import current_call
from pipeline.cli.surroundings import STANDARD_OUTPUT
from pipeline.cli.tables.columns import is_nothing
from pipeline.cli.tables.forms import Form, json_rows, json_text, table_text
from pipeline.cli.visible import visible, visible_in_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.cli.tables.columns import Cell, Column

_WIDTH_USUAL = 80
TERMINAL_ROWS_MAX = 200
"""How many rows of a long answer a terminal is shown: more than anybody reads there."""
TERMINAL_LINES_MAX = 300
"""In how many lines they are, about, where rows take several lines or are records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """How an answer is printed: the form that was asked for, and what stdout can show."""

    form: Form
    width: int | None
    """Characters in a line of the terminal; None where there is no terminal, and so no limit."""
    is_coloured: bool

    @property
    def is_for_people(self) -> bool:
        """Whether sentences may stand around the rows: false for CSV and JSON, which hold nothing but data."""
        return self.form not in (Form.CSV, Form.JSON)

    @property
    def is_shortened(self) -> bool:
        """Whether long answers end before their last row: tables on a terminal."""
        return self.form is Form.TABLE and self.width is not None

    def rows(
        self,
        columns: Sequence[Column],
        rows: Sequence[Sequence[Cell]],
        *,
        is_list: bool = False,
        rows_max: int | None = TERMINAL_ROWS_MAX,
        totals: int = 0,
        is_beginning: bool = False,
    ) -> None:
        """Print rows; JSON is ``{"schema_version": …, "rows": […]}``, or the list of rows where programs read it so.

        A terminal is shown the first ``rows_max`` of a table, or fewer where they are long, and the last ``totals``; a
        line below says how many more there are. It is shown all where ``rows_max`` is None: of a list without which an
        answer is none, or whose length was asked for. Where ``is_beginning``, nobody knows how many rows there are
        beyond those that are given.
        """
        more = 0
        if rows_max is not None and self.is_shortened:
            columns, rows, more = self._first(columns, rows, rows_max, totals)
        if is_list and self.form is Form.JSON:
            put_list(json_rows(columns, rows))
            return
        text = table_text(columns, rows, form=self.form, width=self.width, is_coloured=self.is_coloured)
        if self.form is Form.CSV:
            put_file(text.encode("utf-8"))
        else:
            put(text)
        if more:
            say("", f"and {'' if is_beginning else f'{more:,} '}more rows; -o csv has all of them")

    def _first(
        self, columns: Sequence[Column], rows: Sequence[Sequence[Cell]], rows_max: int, totals: int
    ) -> tuple[Sequence[Column], Sequence[Sequence[Cell]], int]:
        """Return the rows that a terminal is shown, with the totals, and how many it is not shown.

        A column that says something in a row which is not shown is kept: only one that is empty everywhere may be named
        as such.
        """
        count = len(rows) - totals
        shown = rows_max if count > rows_max + 1 else count  # one row is as short as a line that says so
        kept = [
            replace(
                column,
                is_kept=column.is_kept or not all(is_nothing(row[place]) for row in rows),
                is_varied=any(row[place] != rows[0][place] for row in rows),
            )
            for place, column in enumerate(columns)
        ]
        lines_max = TERMINAL_LINES_MAX * rows_max // TERMINAL_ROWS_MAX
        lines = table_text(kept, rows[:shown], form=self.form, width=self.width).count("\n")
        if count and lines > lines_max:
            shown = max(1, shown * lines_max // lines)
        if shown >= count - 1:
            return columns, rows, 0
        return kept, [*rows[:shown], *(rows[-totals:] if totals else [])], count - shown

    def document(self, document: Mapping[str, Any]) -> None:
        """Print a JSON object, with the version of its schema first."""
        put(json_text(document))


def output_option(*forms: Form) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command ``-o/--output`` and its aliases ``--json`` and ``--csv``; it gets ``output``, an ``Output``.

    Without it, rows are a table on a terminal and tab-separated lines elsewhere. ``forms`` are those that the command
    knows; default: all four. Raises ``click.UsageError`` where two forms are asked for.
    """
    known = forms or (Form.TABLE, Form.CSV, Form.JSON, Form.MARKDOWN)

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def with_output(*arguments: Any, output_form: str | None, **options: Any) -> Any:
            given = {form for form in (Form.CSV, Form.JSON) if options.pop(f"as_{form.value}_alias", False)}
            given |= {Form(output_form)} if output_form else set()
            if len(given) > 1:
                message = f"{' and '.join(sorted(given))} are asked for; an answer has one form"
                raise click.UsageError(message)
            return command(*arguments, output=output_of(next(iter(given), None)), **options)

        options = [
            click.option(
                "-o",
                "--output",
                "output_form",
                type=click.Choice([form.value for form in known]),
                help="Default: a table on a terminal, tab-separated lines elsewhere.",
            ),
            *(
                click.option(f"--{form.value}", f"as_{form.value}_alias", is_flag=True, help=f"The same as -o {form}.")
                for form in (Form.JSON, Form.CSV)
                if form in known
            ),
        ]
        for option in reversed(options):
            with_output = option(with_output)
        return with_output

    return decorate


def output_of(form: Form | None) -> Output:
    """Return how a form is printed on this stdout; of no form, a table on a terminal, else tab-separated lines."""
    is_read_by_people = is_terminal()
    return Output(
        form=form or (Form.TABLE if is_read_by_people else Form.LINES),
        width=_terminal_width() if is_read_by_people else None,
        is_coloured=is_read_by_people and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb",
    )


def say(*lines: str) -> None:
    """Print lines for people to stdout; a name that holds a line end stays in its line."""
    for line in lines:
        put(f"{visible(line)}\n")


def put_list(objects: Sequence[Mapping[str, Any]]) -> None:
    """Print objects as one JSON list, without anything around it."""
    put(f"{visible_in_json(json.dumps(objects, ensure_ascii=False, indent=1))}\n")


def put_documents(documents: Sequence[Mapping[str, Any]]) -> None:
    """Print documents of invoices as one JSON list of what the register holds, or would hold."""
    put(f"{visible_in_json(json.dumps(documents, ensure_ascii=False, sort_keys=True, indent=1))}\n")


def put_file(content: bytes) -> None:
    """Write what is made for a file to stdout: exact where a program reads it, visible where a terminal shows it."""
    lines = [line.removesuffix("\r") for line in content.decode("utf-8").removesuffix("\n").split("\n")]
    put("".join(f"{visible(line)}\n" for line in lines) if is_terminal() else content)


def put(text: str | bytes) -> None:
    """Write text to stdout as it is: data, or what is made visible already."""
    if isinstance(text, str):
        text = text.encode("utf-8", "backslashreplace")
    current_call().is_answered = True
    flush_stdout()
    click.echo(text, nl=False)


def flush_stdout() -> None:
    """Write what is buffered; an error of the machine says that it is of stdout."""
    try:
        sys.stdout.flush()
    except OSError as error:
        error.filename = STANDARD_OUTPUT
        raise


def _terminal_width() -> int:
    """Return how many characters a line has: as COLUMNS says, else the terminal, else the usual 80."""
    said = os.environ.get("COLUMNS", "")
    if said.isascii() and said.isdigit() and int(said):
        return int(said)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or _WIDTH_USUAL
    except (OSError, ValueError):
        return _WIDTH_USUAL
