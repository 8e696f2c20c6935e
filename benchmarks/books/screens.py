"""What a terminal shows of large books: 200 models and 5,000 keys.

``python -m benchmarks.books.screens [--width 80] [--into docs/terminal.md]`` makes the books (``screen_books``), keeps
them for two months as somebody would, and prints what each command of ``SCREENS`` shows. Equal recipes make equal
screens, on every day after 26 October 2026. Does not own how tables fit (``pipeline.cli.tables``).
"""

from __future__ import annotations

import os
import pty
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from benchmarks.inputs.screen_books import BooksRecipe, make_large_books
from benchmarks.turns.report import write_table

KEPT = (
    "nightly --as-of 2026-10-05",
    "invoice issue --period 2026-09 --as-of 2026-10-05",
    "nightly --as-of 2026-10-26",
)
"""What is done to the books before anybody looks."""
SCREENS = (
    "usage --by key,model --period 2026-10 --top 6",
    "usage --by account --period 2026-10 --compare previous --top 6",
    "cost --period 2026-10",
    "cost --by account,key,model --period 2026-10 --compare previous --account customer-000-usd --top 4",
    "margin --by model,key --period 2026-10 --account customer-021-usd --top 6",
    "budgets --as-of 2026-10-26",
    "anomalies --period 2026-10 --at-least 50",
    "invoice list",
    "invoice list --overdue --as-of 2026-10-26",
    "invoice show INV-000001",
)
_HEAD_LINES, _TAIL_LINES = 14, 9


def keep(root: Path, recipe: BooksRecipe) -> None:
    """Make the books and keep them. Raises ``CalledProcessError`` where a command of ``KEPT`` fails."""
    make_large_books(root, recipe)
    for words in KEPT:
        subprocess.run(_command(root, words), check=True, capture_output=True)  # noqa: S603 - words of this module


def screen(root: Path, words: str, width: int) -> str:
    """Return what a command shows on a terminal of a width; messages on stderr are not among it."""
    controller, terminal = pty.openpty()
    environment = os.environ | {"COLUMNS": str(width), "TERM": "dumb"}
    with subprocess.Popen(  # noqa: S603 - words of this module
        _command(root, words), env=environment, stdin=subprocess.DEVNULL, stdout=terminal, stderr=subprocess.DEVNULL
    ) as process:
        os.close(terminal)
        shown = _read_all(controller)
        process.wait()
    os.close(controller)
    return shown.replace("\r\n", "\n")


def shortened(text: str) -> str:
    """Return a screen for a page: of a long one its beginning and its end, and between them how much is missing."""
    lines = text.splitlines()
    missing = len(lines) - _HEAD_LINES - _TAIL_LINES
    if missing > 1:
        lines = [*lines[:_HEAD_LINES], f"[… {missing} lines]", *lines[-_TAIL_LINES:]]
    return "".join(f"{line}\n" for line in lines)


def _command(root: Path, words: str) -> list[str]:
    return [sys.executable, "-m", "pipeline.cli", "-w", str(root), *shlex.split(words)]


def _read_all(descriptor: int) -> str:
    parts: list[bytes] = []
    while True:
        try:
            part = os.read(descriptor, 65_536)
        except OSError:  # how Linux says that the other end of a terminal was closed
            part = b""
        if not part:
            return b"".join(parts).decode("utf-8")
        parts.append(part)


@click.command()
@click.option("--width", default=80, show_default=True, type=click.IntRange(min=20))
@click.option("--models", default=BooksRecipe().models, show_default=True, type=click.IntRange(min=1))
@click.option("--keys", default=BooksRecipe().keys, show_default=True, type=click.IntRange(min=2))
@click.option(
    "--into", type=click.Path(path_type=Path), help="Write the screens between their marks of this page, too."
)
def main(*, width: int, models: int, keys: int, into: Path | None) -> None:
    """Print the screens."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "books"
        keep(root, BooksRecipe(models=models, keys=keys))
        shown = "".join(f"$ tallybook {words}\n{shortened(screen(root, words, width))}\n" for words in SCREENS)
    text = f"```text\n{shown.removesuffix(chr(10))}```\n"
    click.echo(text, nl=False)
    if into is not None:
        write_table(into, "screens", text)


if __name__ == "__main__":
    main()
