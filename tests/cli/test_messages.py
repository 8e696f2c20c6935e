"""What a failing command answers to a program, and messages as JSON lines."""

from __future__ import annotations

import errno
import json
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import click
import pytest
from workspaces import make_workspace, plain, tallybook, write_log

from pipeline.base import errors
from pipeline.base.errors import TallybookError
from pipeline.cli import progress as progress_module
from pipeline.cli import show_traceback
from pipeline.cli.commands.invoice import freeze
from pipeline.cli.failures import OTHER_KINDS, kind_of
from pipeline.cli.messages.asked import LogFormat, is_json_asked, log_format_asked
from pipeline.cli.messages.lines import Call, calling

if TYPE_CHECKING:
    from workspaces import Done

AS_OF = ("--as-of", "2026-11-02")
LOGGED = ("timestamp", "level", "event", "command")
NIGHT = "pipeline.cli.commands.nightly.nightly"
ERRORS = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, TallybookError)]


@pytest.fixture
def books(tmp_path: Path) -> Path:
    root = make_workspace(tmp_path / "books")
    write_log(
        root,
        "l.jsonl",
        plain("2026-10-01T10:00:00Z", id="a"),
        plain("2026-10-01T10:00:00Z", id="n", model="new\x1b[2J\u202e", prompt=11),
        plain("2026-10-02T10:00:00Z", id="x", key="key_x", prompt=30),
    )
    return root


def logged(done: Done) -> list[dict[str, Any]]:
    """Return the messages of a call whose messages are JSON."""
    messages = [json.loads(line) for line in done.stderr.splitlines()]
    assert all(tuple(message)[: len(LOGGED)] == LOGGED for message in messages)
    return messages


def error_of(done: Done) -> dict[str, Any]:
    """Return what the one document on stdout says."""
    document = json.loads(done.stdout)
    assert list(document) == ["schema_version", "error"]
    assert document["schema_version"] == 1
    assert list(document["error"]) == ["kind", "message", "exit_code", "path"]
    assert document["error"]["exit_code"] == done.returncode
    found: dict[str, Any] = document["error"]
    return found


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_is_one_document_of_its_kind_with_the_exit_code_and_the_words_of_stderr(
    books: Path, kind: type[TallybookError]
) -> None:
    with mock.patch(NIGHT, side_effect=kind("what is wrong, with \x1b and a\nline end")):
        plainly, done = tallybook(books, "nightly"), tallybook(books, "nightly", "--json")
    error = error_of(done)
    assert (error["kind"], error["path"]) == (kind_of(kind), None)
    assert error["message"] == "what is wrong, with \x1b and a\nline end"
    assert done.stderr == plainly.stderr == "tallybook: what is wrong, with \\x1b and a\\nline end\n"
    assert (done.returncode, plainly.stdout) == (plainly.returncode, "")


@pytest.mark.parametrize(
    ("words", "kind", "code", "said"),
    [
        (("usage", "--json", "--nope"), "usage", 2, "No such option '--nope'."),
        (("usage", "-o", "json", "--period", "x"), "usage", 2, "Invalid value for '--period'"),
        (("usage", "--json", "--csv"), "usage", 2, "an answer has one form"),
        (("nightley", "--json"), "usage", 2, "Did you mean 'nightly'?"),
        (("invoice", "isue", "-ojson"), "usage", 2, "'issue'"),
        (("--nope", "usage", "--json"), "usage", 2, "No such option '--nope'."),
        (("usage", "--output=json", "--card", "x"), "usage", 2, "No such option '--card'."),
        (("-w", "nowhere", "usage", "--json"), "configuration", 2, "there is no tallybook.toml in nowhere"),
        (("invoice", "show", "INV-9", "-o", "json"), "invoice_not_found", 2, "INV-9"),
        (("invoice", "issue", "--period", "2026-10", "--json", *AS_OF), "issue_blocked", 4, "model 'new"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_refused_is_a_document_for_whoever_asked_for_one(
    books: Path, words: tuple[str, ...], kind: str, code: int, said: str
) -> None:
    assert tallybook(books, "nightly", *AS_OF).returncode == 0
    done = tallybook(books, *words)
    error = error_of(done)
    assert (error["kind"], done.returncode) == (kind, code)
    assert said in error["message"]
    assert said.partition("'")[0] in done.stderr


def test_answers_that_are_lists_stay_lists_and_where_there_is_no_answer_it_is_an_object(books: Path) -> None:
    assert tallybook(books, "nightly", *AS_OF).returncode == 0
    lists = ("usage",), ("invoice", "list"), ("invoice", "credits")
    for words in lists:
        assert isinstance(json.loads(tallybook(books, *words, "--json").stdout), list)
    (books / "accounts.toml").write_text("x = 1\n", encoding="utf-8")
    for words in lists:
        assert error_of(tallybook(books, *words, "--json"))["kind"] == "accounts"


def test_what_the_machine_refuses_is_named_with_its_path(books: Path) -> None:
    with mock.patch(NIGHT, side_effect=OSError(errno.ENOSPC, "No space left on device", "lake/x\x1b")):
        done = tallybook(books, "nightly", "--json")
    error = error_of(done)
    assert (error["kind"], error["path"], done.returncode) == ("machine", "lake/x\x1b", 8)
    assert done.stderr.startswith("tallybook: No space left on device at lake/x\\x1b; ")


def test_an_answer_that_was_given_is_followed_by_no_second_document(books: Path, tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    with mock.patch("pipeline.cli.commands.nightly.disk", mock.Mock(replace_durably=mock.Mock(side_effect=full))):
        done = tallybook(books, "nightly", *AS_OF, "--json", "--metrics-file", str(tmp_path / "m.prom"))
    assert (done.returncode, "No space left" in done.stderr) == (8, True)
    assert json.loads(done.stdout)["collected"]["lines"] == 3


def test_a_bug_is_a_document_without_its_data_and_keeps_its_traceback(
    books: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["tallybook", "nightly", "--json"])
    printed = []
    with (
        mock.patch(NIGHT, side_effect=LookupError("key_secret")),
        mock.patch("pipeline.cli.output.put", side_effect=printed.append),
        pytest.raises(LookupError) as raised,
    ):
        tallybook(books, "nightly", "--json")
    assert json.loads(printed[0])["error"] == {
        "kind": "bug",
        "message": "LookupError: a bug; its traceback is on stderr, report it",
        "exit_code": 1,
        "path": None,
    }
    monkeypatch.setenv("TALLYBOOK_LOG_FORMAT", "json")
    show_traceback(raised.type, raised.value, raised.tb)
    (line,) = capsys.readouterr().err.splitlines()
    said = json.loads(line)
    assert (said["kind"], said["exit_code"]) == ("bug", 1)
    assert said["traceback"].endswith("LookupError: key_secret")


def test_a_no_at_a_terminal_is_a_document_too(books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (books / "logs/l.jsonl").write_text(plain("2026-10-01T10:00:00Z", id="a") + "\n", encoding="utf-8")
    assert tallybook(books, "nightly", *AS_OF).returncode == 0
    monkeypatch.setattr(freeze, "is_terminal", lambda stream: stream is sys.stdin)
    words = ("invoice", "issue", "--period", "2026-10", "--json", *AS_OF)
    done = tallybook(books, *words, stdin="n\n")
    assert error_of(done) == {"kind": "interrupted", "message": "nothing was written", "exit_code": 130, "path": None}
    asked = tallybook(books, "--log-format", "json", *words, stdin="n\n")
    assert [message["event"] for message in logged(asked)] == ["question", "note", "finished"]


def test_a_command_that_ends_with_a_code_and_no_answer_says_its_last_message(books: Path) -> None:
    def ended(*_: object, **__: object) -> None:
        raise click.exceptions.Exit(3)

    with mock.patch(NIGHT, side_effect=ended):
        assert error_of(tallybook(books, "nightly", "--json"))["kind"] == "unanswered"


def test_messages_as_json_say_what_the_lines_say_and_more(books: Path) -> None:
    lines = tallybook(books, "nightly", "--strict", *AS_OF).stderr.splitlines()
    shutil.rmtree(books / "lake/told")
    done = tallybook(books, "--log-format", "json", "nightly", "--strict", *AS_OF)
    *messages, last = logged(done)
    before = {"warning": "warning: ", "error": "tallybook: ", "info": ""}
    texts = [before[each["level"]] + each["message"].encode("unicode_escape").decode("ascii") for each in messages]
    assert texts == lines
    unpriced = next(each for each in messages if each.get("code") == "unpriced")
    assert unpriced["subject"] == "new%1B%5B2J%E2%80%AE"
    assert (unpriced["counts"], unpriced["amount"], unpriced["is_new"]) == ({"tokens": 11}, None, True)
    assert next(each for each in messages if each["event"] == "strict")["failures"][0].startswith("unpriced")
    assert (last["event"], last["level"], last["exit_code"], done.returncode) == ("finished", "error", 3, 3)
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", done.stderr)
    assert {each["command"] for each in messages} == {"nightly"}


@pytest.mark.long
def test_the_rest_of_many_warnings_is_one_message_with_its_sums(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    write_log(root, "l.jsonl", *(plain("2026-10-01T10:00:00Z", id=f"{n}", key=f"k{n:02}", prompt=5) for n in range(14)))
    messages = logged(tallybook(root, "nightly", *AS_OF, env={"TALLYBOOK_LOG_FORMAT": "json"}))
    (more,) = (each for each in messages if each["event"] == "more_warnings")
    assert (more["code"], more["warnings"], more["counts"], more["amounts"]) == ("unassigned", 4, {"tokens": 20}, {})
    assert [each["event"] for each in messages].count("warning") == 10


def test_a_command_that_ends_well_says_so_and_stdout_is_as_ever(books: Path) -> None:
    assert tallybook(books, "nightly", *AS_OF).returncode == 0
    said, done = tallybook(books, "invoice", "list"), tallybook(books, "--log-format=json", "invoice", "list")
    assert said.stdout == done.stdout
    (finished,) = logged(done)
    assert (finished["command"], finished["exit_code"], finished["level"]) == ("invoice list", 0, "info")


@pytest.mark.parametrize("words", [("usage", "--nope"), ("nightley",), ("--nope",), ("-w", "nowhere", "usage"), ()])
def test_what_is_not_understood_is_a_message_too(books: Path, words: tuple[str, ...]) -> None:
    done = tallybook(books, *words, env={"TALLYBOOK_LOG_FORMAT": "json"})
    failed, finished = logged(done)
    assert (failed["event"], failed["exit_code"], finished["event"]) == ("failed", 2, "finished")


def test_a_format_that_there_is_not_is_refused(books: Path) -> None:
    done = tallybook(books, "usage", env={"TALLYBOOK_LOG_FORMAT": "xml"})
    assert (done.returncode, "'xml' is not one of 'text', 'json'" in done.stderr) == (2, True)


def test_an_interrupt_writes_nothing_but_messages(books: Path) -> None:
    with mock.patch(NIGHT, side_effect=KeyboardInterrupt):
        done = tallybook(books, "--log-format", "json", "nightly", "--json")
    assert [message["event"] for message in logged(done)] == ["failed", "finished"]
    assert (error_of(done)["kind"], done.returncode) == ("interrupted", 130)


def test_progress_is_a_message_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 9.9, 10.0, 15.0, 20.1])
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: next(clock))
    with calling(Call(log_format=LogFormat.JSON, started=0.0)), progress_module.progress() as draw:
        assert draw is not None
        for read in range(1, 5):
            draw("logs/\x1b.jsonl", read, 4)
    said = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(each["event"], each["source"], each["bytes_read"], each["bytes_in_all"]) for each in said] == [
        ("progress", "logs/\x1b.jsonl", 2, 4),
        ("progress", "logs/\x1b.jsonl", 4, 4),
    ]


@pytest.mark.parametrize(
    ("words", "is_asked"),
    [
        ("usage --json", True),
        ("usage -o json", True),
        ("usage -ojson", True),
        ("usage --output=json", True),
        ("usage --output json", True),
        ("usage -o csv", False),
        ("usage -- --json", False),
        ("usage", False),
        ("usage -o", False),
    ],
)
def test_words_ask_for_json_before_they_are_understood(words: str, *, is_asked: bool) -> None:
    assert is_json_asked(words.split()) is is_asked


@pytest.mark.parametrize(
    ("words", "variable", "asked"),
    [
        ("--log-format json usage", "", "json"),
        ("--log-format=json usage", "text", "json"),
        ("--log-format text usage", "json", "text"),
        ("usage", "json", "json"),
        ("usage", "", "text"),
        ("usage -- --log-format json", "", "text"),
    ],
)
def test_an_option_is_asked_before_the_environment(words: str, variable: str, asked: str) -> None:
    assert log_format_asked(words.split(), {"TALLYBOOK_LOG_FORMAT": variable}).value == asked


def test_the_page_of_the_terminal_names_every_kind_of_failure_and_its_exit_code() -> None:
    text = (
        (Path(__file__).parents[2] / "docs/terminal.md")
        .read_text(encoding="utf-8")
        .partition("## Failures")[2]
        .partition("\n## ")[0]
    )
    named = re.findall(r"^\| (\d+|that of the command) \| (.*?) \|", text, re.MULTILINE)
    kinds = [kind for _, cell in named for kind in re.findall(r"`(\w+)`", cell)]
    assert len(kinds) == len(set(kinds))
    assert set(kinds) == {kind_of(each) for each in ERRORS} | set(OTHER_KINDS)
