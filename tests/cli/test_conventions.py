"""Every command keeps the conventions: forms, examples, dates, ids, what is meant, and who is asked before."""

from __future__ import annotations

import re
import shlex
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
import pytest
from commands import COMMANDS
from workspaces import make_workspace, plain, tallybook, write_log

from pipeline import __version__
from pipeline.base.beginnings import whole_id
from pipeline.base.errors import ConfigurationError
from pipeline.cli import _tallybook
from pipeline.cli.commands.invoice import freeze
from pipeline.cli.context import Invocation
from pipeline.cli.dates import date_said, period_said

if TYPE_CHECKING:
    from pathlib import Path

    from workspaces import Done

AS_OF = ("--as-of", "2026-11-02")
NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
TODAY = NOW.date()


WITHOUT_ROWS = {
    *(("init",), ("acknowledge",), ("completion",), ("report",), ("keys", "id"), ("keys", "rotate")),
    *(("export", name) for name in ("focus", "jsonl", "stripe", "lago", "ledger", "duckdb")),
}
"""They answer with one thing, with lines that are said, or with a file in a format of its own."""


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(Invocation, "now", lambda _: NOW)
    accounts = (
        '[[accounts]]\nid = "acme"\nname = "Acme"\nkeys = ["key_a"]\n'
        '[[accounts]]\nid = "acorn"\nname = "Acorn"\nkeys = ["key_b"]\n'
    )
    root = make_workspace(tmp_path / "books", accounts=accounts)
    write_log(
        root, "l.jsonl", plain("2026-10-01T10:00:00Z", id="a"), plain("2026-10-01T10:00:00Z", id="b", key="key_b")
    )
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    return root


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_the_help_of_every_command_has_examples_that_it_can_parse(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    lines = [line.strip() for line in (command.epilog or "").splitlines() if "tallybook " in line]
    assert lines, "examples(…) makes an epilog of them"
    known = {option for parameter in command.params for option in parameter.opts}
    for line in lines:
        said = re.split(r"tallybook (?:-w \S+ )?", line)[-1]
        words = shlex.split(re.sub(r' [<>|] .*|\)".*', "", said))
        assert words[: len(path)] == list(path) or "&&" in line, line
        assert {word for word in words if re.fullmatch(r"--?[a-z][a-z-]*", word)} <= known, line


@pytest.mark.parametrize("path", sorted(set(COMMANDS) - WITHOUT_ROWS), ids=" ".join)
def test_every_command_that_answers_with_rows_takes_the_same_option(path: tuple[str, ...]) -> None:
    options = {option: each for each in COMMANDS[path].params for option in each.opts}
    assert {"-o", "--output", "--json"} <= set(options)
    assert isinstance(options["-o"].type, click.Choice)
    forms = list(options["-o"].type.choices)
    assert forms == (["table", "json"] if path in (("collect",), ("sign",)) else ["table", "csv", "json", "markdown"])
    assert ("--csv" in options) is ("csv" in forms)


def test_a_wrong_command_or_option_is_answered_by_what_was_meant(tmp_path: Path) -> None:
    for words, meant in (
        (["nightley"], "nightly"),
        (["invoice", "isue"], "issue"),
        (["issue", "--period", "2026-10"], "'invoice issue'"),
        (["export", "fokus"], "focus"),
        (["usage", "--form", "2026-10-01"], "--from"),
        (["rates", "shwo"], "show"),
    ):
        done = tallybook(tmp_path, *words)
        assert (done.returncode, f"'{meant}'" in done.stderr or meant in done.stderr) == (2, True), done.stderr
        assert "Did you mean" in done.stderr or "did you mean" in done.stderr.lower()


def test_the_version_is_printed(tmp_path: Path) -> None:
    assert tallybook(tmp_path, "--version").stdout.split()[-1] == __version__


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_given_a_script_that_asks_for_what_may_follow(tmp_path: Path, shell: str) -> None:
    done = tallybook(tmp_path, "completion", shell)
    assert (done.returncode, f"_TALLYBOOK_COMPLETE={shell}_complete" in done.stdout) == (0, True)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("tallybook inv", "plain,invoice\n"),
        ("tallybook invoice is", "plain,issue\n"),
        ("tallybook verify --outp", "plain,--output\n"),
        ("tallybook verify -o ma", "plain,markdown\n"),
    ],
)
def test_the_tab_key_completes_commands_options_and_values(
    words: str, found: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_TALLYBOOK_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    with pytest.raises(SystemExit):
        _tallybook.main(args=[], prog_name="tallybook", standalone_mode=False)
    assert capsys.readouterr().out == found


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-10-03", "2026-10-03"),
        ("today", "2026-11-02"),
        ("yesterday", "2026-11-01"),
        ("this-month", "2026-11-01"),
        ("last-month", "2026-10-01"),
        ("2026-10", "2026-10-01"),
    ],
)
def test_a_day_may_be_said_in_words_and_a_month_is_its_first_day(text: str, day: str) -> None:
    assert date_said(text, TODAY).isoformat() == day


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("2026-10", "2026-10"),
        ("this-month", "2026-11"),
        ("last-month", "2026-10"),
        ("2026-10-15", "2026-10-15"),
        ("2026-10-15--2027-01-14", "2026-10-15--2027-01-14"),
    ],
)
def test_a_month_may_be_said_in_words_and_one_that_begins_on_another_day_by_that_day(text: str, month: str) -> None:
    assert str(period_said(text, TODAY)) == month


@pytest.mark.parametrize("text", ["yesterday", "2026-10-01", "2026-10-29", "next-month", "2026-13", ""])
def test_a_day_or_nonsense_is_no_month(text: str) -> None:
    with pytest.raises(ConfigurationError, match="month"):
        period_said(text, TODAY)


@pytest.mark.long
def test_words_for_dates_are_taken_by_commands_and_mean_the_clock_of_the_command_line(books: Path) -> None:
    listed = tallybook(books, "invoice", "list", "--period", "last-month", "-o", "csv").stdout
    assert "draft-2026-10-acme" in listed
    none = tallybook(books, "invoice", "list", "--period", "this-month", "-o", "csv").stdout
    assert "draft" not in none
    assert tallybook(books, "invoice", "issue", "--period", "last-month", "--as-of", "yesterday").returncode == 0
    paid = tallybook(books, "invoice", "paid", "INV-000001", "--on", "yesterday", "-o", "json")
    assert '"on": "2026-11-01"' in paid.stdout


@pytest.mark.parametrize(
    ("given", "whole"),
    [("key_a1b2", "key_a1b2c3"), ("key_a1b2c3", "key_a1b2c3"), ("key_a…c3", "key_a1b2c3"), ("kez", "kez"), ("", "")],
)
def test_as_much_of_an_id_as_names_no_other_is_enough(given: str, whole: str) -> None:
    assert whole_id(given, ["key_a1b2c3", "key_a1x9c4", "key_b"], "key") == whole


def test_an_id_that_begins_another_is_itself() -> None:
    assert whole_id("INV-1", ["INV-1", "INV-10"], "invoice") == "INV-1"


def test_too_little_of_an_id_names_those_that_it_could_be() -> None:
    with pytest.raises(
        ConfigurationError, match=r"invoice 'INV-00' could be INV-0000, INV-0001, .* and 10 more; write"
    ):
        whole_id("INV-00", [f"INV-{number:04}" for number in range(20)], "invoice")


@pytest.mark.long
def test_beginnings_of_ids_are_taken_where_nothing_is_written_and_whole_ones_asked_for_where_it_is(books: Path) -> None:
    shown = tallybook(books, "invoice", "show", "draft-2026-10-aco")
    assert shown.stdout.startswith("draft-2026-10-acorn (draft)")
    ambiguous = tallybook(books, "invoice", "list", "--account", "ac")
    assert (ambiguous.returncode, "could be acme, acorn; write more" in ambiguous.stderr) == (2, True)
    assert "acorn" in tallybook(books, "invoice", "list", "--account", "aco").stdout
    refused = tallybook(books, "invoice", "issue", "--period", "2026-10", "--account", "aco", *AS_OF)
    assert refused.returncode == 2
    assert tallybook(books, "invoice", "issue", "--period", "2026-10", *AS_OF).returncode == 0
    assert tallybook(books, "invoice", "show", "INV-000001").returncode == 0
    assert "could be INV-000001, INV-000002" in tallybook(books, "recompute", "INV").stderr
    assert tallybook(books, "recompute", "INV…2").stdout.startswith("INV-000002 is recomputed")
    assert tallybook(books, "invoice", "void", "INV…2", *AS_OF).returncode == 2


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, books: Path, answer: str, *words: str) -> Done:
    monkeypatch.setattr(freeze, "is_terminal", lambda stream: stream is sys.stdin)
    return tallybook(books, "invoice", *words, *AS_OF, stdin=answer)


@pytest.mark.long
def test_who_sits_at_a_terminal_is_asked_before_issuing_and_no_writes_nothing(
    books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = at_a_terminal(monkeypatch, books, "n\n", "issue", "--period", "2026-10")
    assert done.returncode == 130
    assert "this issues 2 invoices of 2026-10, INV-000001 to INV-000002:" in done.stderr
    assert done.stderr.endswith("nothing was written\n")
    assert not (books / "invoices/register").exists()
    assert at_a_terminal(monkeypatch, books, "y\n", "issue", "--period", "2026-10").returncode == 0
    again = at_a_terminal(monkeypatch, books, "", "issue", "--period", "2026-10")
    assert (again.returncode, "Go on?" in again.stderr) == (0, False)


def test_who_says_yes_or_only_rehearses_is_not_asked(books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dry = at_a_terminal(monkeypatch, books, "", "issue", "--period", "2026-10", "--dry-run")
    assert (dry.returncode, "Go on?" in dry.stderr) == (0, False)
    sure = at_a_terminal(monkeypatch, books, "", "issue", "--period", "2026-10", "--yes")
    assert (sure.returncode, "Go on?" in sure.stderr) == (0, False)


@pytest.mark.long
def test_who_sits_at_a_terminal_is_asked_before_voiding_once(books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tallybook(books, "invoice", "issue", "--period", "2026-10", *AS_OF).returncode == 0
    done = at_a_terminal(monkeypatch, books, "n\n", "void", "INV-000001")
    assert done.returncode == 130
    assert "this voids INV-000001 of acme by credit note INV-000003: " in done.stderr
    assert at_a_terminal(monkeypatch, books, "y\n", "void", "INV-000001").returncode == 0
    again = at_a_terminal(monkeypatch, books, "", "void", "INV-000001")
    assert (again.returncode, "voided already" in again.stderr) == (0, True)
