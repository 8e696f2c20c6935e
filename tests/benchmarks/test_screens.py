"""Screens of large books: they fit, what is asked for comes first, and nothing is lost in a pipe."""

from __future__ import annotations

import shlex
import unicodedata
from typing import TYPE_CHECKING

import pytest
from workspaces import tallybook

from benchmarks.books.screens import KEPT, SCREENS, screen, shortened
from benchmarks.inputs.screen_books import BooksRecipe, make_large_books
from benchmarks.turns.measure import ROOT
from pipeline.cli import output

if TYPE_CHECKING:
    from pathlib import Path

SMALL = BooksRecipe(models=40, keys=240, accounts=6)
ACCOUNTS = {"customer-021-usd": "customer-003-usd"}
"""Of the books in the document, and which one of the small ones is asked about instead."""
FIRST = {
    "usage --by key,model": "api_key_id",
    "usage --by account": "account_id",
    "cost --period": "account_id",
    "cost --by account,key,model": "account_id",
    "margin --by model,key": "model",
    "budgets": "budget",
    "anomalies": "usage_date",
    "invoice list": "invoice",
}


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("large") / "books"
    make_large_books(root, SMALL)
    for words in KEPT:
        assert tallybook(root, *shlex.split(words)).returncode == 0
    return root


def on_a_terminal(books: Path, words: str, width: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(output, "is_terminal", lambda *_: True)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(width))
    done = tallybook(books, *shlex.split(words))
    assert done.returncode in (0, 6), done.stderr
    return done.stdout.splitlines()


def of_small_books(words: str) -> str:
    for of_large, of_small in ACCOUNTS.items():
        words = words.replace(of_large, of_small)
    return words


def wide(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


@pytest.mark.slow
@pytest.mark.parametrize("width", [80, 100, 200])
def test_no_line_of_a_table_of_large_books_is_longer_than_the_terminal(
    books: Path, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words in map(of_small_books, SCREENS):
        lines = on_a_terminal(books, words, width, monkeypatch)
        rules = [place for place, line in enumerate(lines) if line.startswith("───")]
        assert rules, f"{words} is a table at {width} columns, and no records"
        assert max(map(wide, lines)) <= width, words
        for begins, column in FIRST.items():
            if words.startswith(begins):
                assert lines[rules[0] - 1].startswith(column), words


@pytest.mark.slow
def test_every_id_that_a_screen_shortens_is_enough_to_ask_for_it(books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = on_a_terminal(books, "usage --by key --period 2026-10 --top 12", 50, monkeypatch)
    typed = [line.split()[0] for line in lines if "…" in line]
    assert len(typed) == 12
    for each in typed:
        monkeypatch.setattr(output, "is_terminal", lambda *_: False)
        asked = tallybook(books, "usage", "--by", "key", "--key", each).stdout.splitlines()
        begins, ends = each.split("…")
        assert len(asked) == 2
        assert asked[1].startswith(begins)
        assert asked[1].split("\t")[0].endswith(ends)


@pytest.mark.slow
def test_a_pipe_has_every_row_whole(books: Path) -> None:
    rows = [line.split("\t") for line in tallybook(books, "usage", "--by", "key,model").stdout.splitlines()]
    assert len(rows) > output.TERMINAL_ROWS_MAX
    assert len({len(row) for row in rows}) == 1
    assert all(len(row[0]) == 36 for row in rows[1:])


def test_a_long_screen_is_shortened_in_its_middle() -> None:
    text = shortened("".join(f"{number}\n" for number in range(100)))
    assert text.splitlines()[13:15] == ["13", "[… 77 lines]"]
    assert text.splitlines()[-1] == "99"
    assert shortened("1\n2\n") == "1\n2\n"


@pytest.mark.slow
def test_a_screen_is_what_a_terminal_shows(books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "invoice list --period 2026-09"
    assert screen(books, words, 80).splitlines() == on_a_terminal(books, words, 80, monkeypatch)


def test_the_document_shows_every_screen_at_eighty_columns() -> None:
    text = (ROOT / "docs" / "terminal.md").read_text(encoding="utf-8")
    shown = text.partition("<!-- measured: screens -->\n```text\n")[2].partition("```\n<!-- end -->")[0]
    assert [line.removeprefix("$ tallybook ") for line in shown.splitlines() if line.startswith("$ ")] == list(SCREENS)
    assert all(wide(line) <= 80 for line in shown.splitlines() if not line.startswith("$ "))
