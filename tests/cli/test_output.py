"""How an answer is printed: one convention of forms, and nothing raw where a terminal shows it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner

from pipeline.cli import output as printed
from pipeline.cli.context import tell
from pipeline.cli.options.files import WrittenFile
from pipeline.cli.output import output_option, say
from pipeline.cli.tables.columns import Column, Kind
from pipeline.cli.tables.forms import Form

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.cli.output import Output

COLUMNS = (Column(name="model", is_asked=True), Column(name="tokens", kind=Kind.COUNT))
ROWS = [("evil\x1b[2Jmodel\u202e", 1_234)]


@click.command()
@output_option()
def answer(output: Output) -> None:
    output.rows(COLUMNS, ROWS)


def on_a_terminal(monkeypatch: pytest.MonkeyPatch, **environment: str) -> None:
    monkeypatch.setattr(printed, "is_terminal", lambda *_: True)
    for name in ("NO_COLOR", "TERM", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "model\ttokens\nevil\\x1b[2Jmodel\\u202e\t1234\n"),
        (
            ["-o", "table"],
            "model                   tokens\n──────────────────────────────\nevil\\x1b[2Jmodel\\u202e   1,234\n",
        ),
        (["--output", "markdown"], "| model | tokens |\n| --- | ---: |\n| evil\\\\x1b\\[2Jmodel\\\\u202e | 1,234 |\n"),
        (["-o", "csv"], "model,tokens\r\nevil\x1b[2Jmodel\u202e,1234\r\n"),
        (["--csv"], "model,tokens\r\nevil\x1b[2Jmodel\u202e,1234\r\n"),
    ],
)
def test_a_form_that_is_asked_for_is_printed(arguments: list[str], expected: str) -> None:
    done = CliRunner().invoke(answer, arguments)
    assert done.exit_code == 0
    assert done.stdout_bytes.decode().startswith(expected)


@pytest.mark.parametrize("arguments", [["-o", "json"], ["--json"]])
def test_json_is_exact_and_acts_on_no_terminal(arguments: list[str]) -> None:
    text = CliRunner().invoke(answer, arguments).stdout
    assert json.loads(text)["rows"] == [{"model": ROWS[0][0], "tokens": 1_234}]
    assert "\\u202e" in text
    assert text.isascii()


def test_two_forms_are_a_usage_error() -> None:
    done = CliRunner().invoke(answer, ["-o", "csv", "--json"])
    assert (done.exit_code, "csv and json are asked for" in done.stderr) == (2, True)


def test_csv_on_a_terminal_is_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    on_a_terminal(monkeypatch)
    assert CliRunner().invoke(answer, ["-o", "csv"]).stdout == "model,tokens\nevil\\x1b[2Jmodel\\u202e,1234\n"


@pytest.mark.parametrize(
    ("environment", "is_coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({"NO_COLOR": ""}, True)],
)
def test_a_terminal_is_shown_a_table_of_its_width_in_colour_unless_it_says_no(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], *, is_coloured: bool
) -> None:
    on_a_terminal(monkeypatch, COLUMNS="60", **environment)
    done = CliRunner().invoke(answer, color=True)
    assert ("\x1b[1m" in done.stdout) is is_coloured
    assert done.stdout.replace("\x1b[1m", "").startswith("model")


@pytest.mark.parametrize(("said", "width"), [("100", 100), ("", 80), ("0", 80), ("wide", 80)])
def test_the_width_is_what_columns_says_or_the_usual(monkeypatch: pytest.MonkeyPatch, said: str, width: int) -> None:
    on_a_terminal(monkeypatch, COLUMNS=said)
    monkeypatch.setattr("os.get_terminal_size", lambda _: (_ for _ in ()).throw(OSError))
    assert printed.output_of(None).width == width


@pytest.mark.parametrize("speak", [say, tell])
def test_a_sentence_is_one_line_whatever_names_it_holds(
    speak: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    speak("model 'a\nwarning: forged\x1b[8m\udcff'")
    out, err = capsys.readouterr()
    assert out + err == "model 'a\\nwarning: forged\\x1b[8m\\udcff'\n"


@pytest.mark.parametrize("name", ["pipe", "/dev/null", "/dev/stdout"])
def test_what_is_no_regular_file_is_not_replaced_by_one(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(click.BadParameter, match="is no regular file, and would be replaced by one"):
        WrittenFile().convert(str(tmp_path / name), None, None)


def test_a_file_may_be_new_or_replaced_and_a_dash_is_stdout_where_a_command_says_so(tmp_path: Path) -> None:
    (tmp_path / "old").touch()
    (tmp_path / "link").symlink_to("old")
    for name in ("old", "new", "link"):
        assert WrittenFile().convert(str(tmp_path / name), None, None) == tmp_path / name
    assert WrittenFile(is_dash_stdout=True).convert("-", None, None) == "-"


def test_a_form_that_a_command_does_not_know_is_not_offered() -> None:
    @click.command()
    @output_option(Form.TABLE, Form.JSON)
    def narrow(output: Output) -> None:
        output.rows(COLUMNS, ROWS)

    assert CliRunner().invoke(narrow, ["--csv"]).exit_code == 2
    assert CliRunner().invoke(narrow, ["-o", "csv"]).exit_code == 2
    assert CliRunner().invoke(narrow, ["-o", "json"]).exit_code == 0


@click.command()
@output_option()
@click.argument("count", type=int)
def long_answer(output: Output, count: int) -> None:
    output.rows(COLUMNS, [*((f"m{each}", each) for each in range(count)), ("total", 7)], totals=1)


def test_a_terminal_is_shown_the_beginning_of_a_long_answer_its_totals_and_how_many_more_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on_a_terminal(monkeypatch, COLUMNS="80")
    lines = CliRunner().invoke(long_answer, ["1450"]).output.splitlines()
    assert [line.split()[0] for line in lines[2:202]] == [f"m{each}" for each in range(200)]
    assert lines[201].split() == ["m199", "199"]
    assert lines[202].split() == ["total", "7"]
    assert lines[-1] == "and 1,250 more rows; -o csv has all of them"
    nearly = CliRunner().invoke(long_answer, ["201"]).output
    assert "m200" in nearly, "one row is as short as a line that says so"
    assert "more rows" not in nearly


@pytest.mark.parametrize("form", ["csv", "json", "markdown"])
def test_other_forms_and_a_pipe_have_every_row_of_a_long_answer(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    assert "m1449" in CliRunner().invoke(long_answer, ["1450"]).output
    on_a_terminal(monkeypatch, COLUMNS="80")
    assert "m1449" in CliRunner().invoke(long_answer, ["1450", "-o", form]).output


@click.command()
@output_option()
def tall_answer(output: Output) -> None:
    columns = [Column(name=f"field_{place}", kind=Kind.COUNT) for place in range(6)]
    rows = [(number, 10**9, 10**9, 10**9, 0, int(number == 5_000)) for number in range(1, 5_001)]
    output.rows(columns, rows)


def test_fewer_rows_are_shown_where_each_takes_several_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    on_a_terminal(monkeypatch, COLUMNS="24", NO_COLOR="1")
    lines = CliRunner().invoke(tall_answer, []).output.splitlines()
    assert 200 < len(lines) < 400
    records = sum(line.startswith("field_0 ") for line in lines)
    assert lines[-1] == f"and {5_000 - records:,} more rows; -o csv has all of them"
    assert sum(line.startswith("field_5 ") for line in lines) == records, "its last row, which is not shown, has one"
    assert lines[-4:-2] == ["left out, 0 or empty in", "every row: field_4"]


def test_of_an_answer_that_goes_on_a_terminal_is_not_told_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    @output_option()
    def beginning(output: Output) -> None:
        output.rows(COLUMNS, [("m", each) for each in range(1, 1_001)], is_beginning=True)

    on_a_terminal(monkeypatch, COLUMNS="80")
    assert CliRunner().invoke(beginning, []).output.splitlines()[-1] == "and more rows; -o csv has all of them"
