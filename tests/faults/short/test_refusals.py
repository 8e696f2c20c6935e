"""The kind of refusals: it finds what it is for, and a short run holds; streams that are not there are told."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import lives
import machine_refusals
import pytest
from quick import Share
from workspaces import Done, append_log, make_workspace, plain, tallybook, write_log

from pipeline import cli
from pipeline.cli import failures, surroundings
from pipeline.cli.context import Invocation
from pipeline.lake import checked_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ACCOUNT_BEYOND_ASCII = '[[accounts]]\nid = "acme"\nname = "Äcme ☃"\nkeys = ["key_a"]\n'
SHORT = lives.Life(name="of one command", begin=lives.begin, steps=lives.LIFE[:1], night=lives.NIGHT)


@pytest.mark.long
def test_a_few_calls_that_are_refused_lose_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lives, "LIVES", (SHORT,))
    tally = machine_refusals.tried(tmp_path, every=199)
    assert tally.injected.total() >= 3
    assert not tally.wrong, "\n".join(tally.lines())


@pytest.mark.long
def test_a_command_that_ends_in_a_traceback_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lives, "LIVES", (SHORT,))
    monkeypatch.setattr(failures, "machine_error_text", lambda _: None)
    tally = machine_refusals.tried(tmp_path, every=499)
    assert any("a traceback" in case for case in tally.silent)


@pytest.mark.parametrize(
    ("code", "said", "outcome"),
    [
        (8, "tallybook: No space left on device at {root}/lake; run the command again\n", "refused"),
        (8, "tallybook: No space left on device; run the command again\n", "refused, and no path is named"),
        (8, "tallybook: oh\n", "refused, and not in one line that says why and what to do"),
        (1, "tallybook: the file is missing\n", "ended with another reason"),
        (0, "warning: a.jsonl: opening: No space left on device\n", "told what it could not read"),
        (0, "", "went on in silence"),
    ],
)
def test_what_a_command_says_of_a_refusal_is_told_apart(tmp_path: Path, code: int, said: str, outcome: str) -> None:
    done = Done(returncode=code, stdout="", stderr=said.format(root=tmp_path))
    assert machine_refusals.outcome_of(done, 28, tmp_path, is_done=False) == outcome


def test_a_lock_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_workspace(tmp_path / "books")
    reading = ("read", f"{root}/lake/.lock")
    counting = machine_refusals.Refusing(f"{root}/")
    with counting.patched():
        assert tallybook(root, "collect").returncode == 0
    refusing = machine_refusals.Refusing(f"{root}/", number=errno.EIO, refuse_at=counting.calls.index(reading) - 1)
    refusing.is_lasting = True
    monkeypatch.setitem(machine_refusals.MAY_BE_REFUSED, errno.EIO, {"read"})
    with refusing.patched():
        done = tallybook(root, "collect")
    assert reading in refusing.calls
    assert (done.returncode, done.stderr.partition(";")[0]) == (8, f"tallybook: Input/output error at {reading[1]}")


@pytest.mark.parametrize("number", sorted(machine_refusals.MAY_BE_REFUSED))
def test_each_reason_is_worded_in_the_same_way(number: int) -> None:
    """So that of one refusal that was tried it is known how others end that nobody has told apart from it."""
    said = surroundings.machine_error_text(OSError(number, os.strerror(number), "/books/lake"))
    assert said is not None
    assert said.startswith(f"{os.strerror(number)} at /books/lake; ")
    remedy = surroundings.machine_remedy(OSError(number, os.strerror(number)))
    assert remedy is not None
    for each in (said, remedy):
        assert "run the command again" in each


@pytest.mark.parametrize("number", sorted(machine_refusals.MAY_BE_REFUSED))
@pytest.mark.parametrize("path", [[], ["/books/lake/part-0.parquet"]])
def test_whether_a_data_file_is_named_says_nothing_of_the_reason(
    number: int, path: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command line looks for one in the words of every error; all that it finds is the path."""
    error = machine_refusals.Unasked(number, os.strerror(number), *path)
    looked_for = []

    def refused(*_: object, **__: object) -> None:
        raise error

    def left(_: Path, met: Exception) -> None:
        looked_for.append(met)

    monkeypatch.setattr(click.Group, "invoke", refused)
    monkeypatch.setattr(checked_files, "refuse_what_left", left)
    commands = cli.LazyCommands("tallybook")
    context = click.Context(commands, obj=Invocation(workspace=tmp_path))
    with pytest.raises(machine_refusals.Unasked) as raised:
        commands.invoke(context)
    assert raised.value is error
    assert len(looked_for) == len(path)
    assert not error.is_asked


def refused(number: int) -> machine_refusals.Unasked:
    return machine_refusals.Unasked(number, os.strerror(number), "/books")


@pytest.mark.parametrize(
    "ask", [lambda each: each.errno, lambda each: each.strerror, str, repr, lambda each: each.args]
)
def test_who_asks_for_the_reason_is_noticed(ask: Callable[[OSError], object]) -> None:
    error = refused(errno.EIO)
    assert not error.is_asked
    assert surroundings.machine_error_text(error)
    assert not error.is_asked  # it only words it
    ask(error)
    assert error.is_asked


def seen(number: int, *later: str, is_lasting: bool = False, is_asked: bool = False) -> machine_refusals.Seen:
    return machine_refusals.Seen(number=number, is_lasting=is_lasting, later=frozenset(later), is_asked=is_asked)


@pytest.mark.parametrize(
    ("of", "number", "is_lasting", "proven"),
    [
        (seen(errno.EIO, "write"), errno.ENOSPC, False, True),
        (seen(errno.EIO, "write", is_asked=True), errno.ENOSPC, False, False),
        (seen(errno.EIO, "write"), errno.EACCES, False, False),  # another class of errors
        (seen(errno.EIO, "write"), errno.EIO, True, False),
        (seen(errno.EIO, "unlink", is_asked=True), errno.EIO, True, False),
        (seen(errno.ENOSPC, "unlink", "open"), errno.ENOSPC, True, True),
        (seen(errno.ENOSPC, "unlink", "open", is_asked=True), errno.ENOSPC, True, True),
        (seen(errno.ENOSPC, "unlink"), errno.EROFS, True, False),
        (seen(errno.EROFS, "unlink", is_lasting=True), errno.EIO, True, True),
        (seen(errno.EROFS, "unlink", "read", is_lasting=True), errno.EIO, True, False),
    ],
)
def test_what_one_refusal_proves_of_another(
    of: machine_refusals.Seen, number: int, *, is_lasting: bool, proven: bool
) -> None:
    assert of.proves(number, is_lasting=is_lasting) is proven


@pytest.mark.slow
def test_what_is_proven_comes_to_the_same_where_it_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The simple version tries all; the quick one finds the same and tries less."""
    monkeypatch.setattr(lives, "LIVES", (SHORT,))
    tallies = [machine_refusals.tried(tmp_path, every=1, share=Share(1, 6), simply=simply) for simply in (False, True)]
    assert tallies[0].injected == tallies[1].injected
    assert tallies[0].outcomes.keys() - {"proven to come to what another came to"} == tallies[1].outcomes.keys()
    assert not tallies[0].wrong
    assert not tallies[1].wrong
    assert tallies[0].outcomes["proven to come to what another came to"] > tallies[0].injected.total() // 3


@pytest.mark.slow
def test_refusals_lose_and_double_nothing(tmp_path: Path) -> None:
    tally = machine_refusals.tried(tmp_path, every=300)
    assert not tally.wrong, "\n".join(tally.lines())


def test_what_was_read_when_the_machine_refused_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="directory") as refused:
        tmp_path.read_bytes()
    refused.value.filename = None  # as where it fails once it is open
    assert surroundings.refused_path(refused.value) == str(tmp_path)


def with_streams(root: Path, redirected: str) -> subprocess.CompletedProcess[str]:
    command = f'exec "$0" -m pipeline.cli -w "$1" usage {redirected}'
    return subprocess.run(
        ["/bin/sh", "-c", command, sys.executable, str(root)], capture_output=True, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")  # noqa: PTH110
def test_an_answer_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    done = with_streams(make_workspace(tmp_path / "books"), ">/dev/full")
    assert done.returncode == 8
    assert done.stderr.count("\n") == 1
    assert "No space left on device at standard output" in done.stderr
    assert with_streams(tmp_path / "books", ">/dev/full 2>/dev/full").returncode == 8  # and nowhere to say it


@pytest.mark.slow
def test_a_full_pipe_that_does_not_wait_loses_no_answer(tmp_path: Path) -> None:
    """Some programs begin others with such pipes; Python drops what they do not take, and says nothing."""
    root = make_workspace(tmp_path / "books")
    write_log(root, "a.jsonl", plain("2026-09-28T10:00:00Z", id="a"))
    assert tallybook(root, "collect").returncode == 0
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    filled = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            filled += os.write(writes, b"x")
    command = [sys.executable, "-m", "pipeline.cli", "-w", str(root), "usage"]
    with subprocess.Popen(command, stdout=writes) as process, os.fdopen(reads, "rb") as pipe:
        os.close(writes)
        answered = pipe.read()[filled:]
        assert process.wait() == 0
    assert answered.decode() == tallybook(root, "usage").stdout


def test_a_path_that_is_not_utf_8_is_one_line(tmp_path: Path) -> None:
    done = tallybook(make_workspace(tmp_path / os.fsdecode(b"b\xfccher")), "nightly")
    assert done.returncode == 2
    assert "the workspace's path is not UTF-8 here: " in done.stderr
    assert "b\\udcfccher'; rename the folder" in done.stderr


@pytest.mark.slow
def test_the_locale_changes_no_byte(tmp_path: Path) -> None:
    """Nor the name by which a log is known: the night after, in another locale, reads nothing again."""
    answers = set()
    ascii_alone = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    for locale in ({"LC_ALL": "C.UTF-8"}, {"LC_ALL": "POSIX"}, ascii_alone):
        root = make_workspace(tmp_path / f"books-{len(answers)}-{len(locale)}", accounts=ACCOUNT_BEYOND_ASCII)
        write_log(root, "übung.jsonl", plain("2026-09-28T10:00:00Z", id="a"), plain("2026-09-28T10:00:00Z", id="ü"))
        said = []
        for words in (("nightly", "--as-of", "2026-10-02"), ("invoice", "list"), ("export", "jsonl")):
            command = [sys.executable, "-m", "pipeline.cli", "-w", str(root), *words]
            done = subprocess.run(command, capture_output=True, env={**os.environ, **locale}, check=True)
            said.append(done.stdout + done.stderr)
        answers.add((*said, (root / "invoices/2026-09/lines.csv").read_bytes()))
        assert "collected 0 new lines" in tallybook(root, "nightly", "--as-of", "2026-10-03").stdout
    assert len(answers) == 1


@pytest.mark.long
def test_a_clock_that_goes_back_loses_nothing_and_issues_nothing_before_what_was_issued(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    write_log(root, "a.jsonl", plain("2026-09-28T10:00:00Z", id="a"))
    assert tallybook(root, "nightly", "--as-of", "2026-10-05").returncode == 0
    append_log(root, "a.jsonl", plain("2026-09-29T10:00:00Z", id="b"))
    back = tallybook(root, "nightly", "--as-of", "2026-10-02")
    assert (back.returncode, back.stdout.splitlines()[0][:21]) == (0, "collected 1 new line ")
    assert tallybook(root, "invoice", "issue", "--period", "2026-09", "--as-of", "2026-10-06").returncode == 0
    void = tallybook(root, "invoice", "void", "INV-000001", "--yes", "--as-of", "2026-10-04")
    assert void.returncode == 2
    assert "numbers never run backwards in time; give --as-of 2026-10-06" in void.stderr
    assert tallybook(root, "verify").returncode == 0


@pytest.mark.slow
def test_a_process_begun_without_streams_says_so_or_does_without(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    done = with_streams(root, ">&-")
    assert (done.returncode, done.stderr) == (
        8,
        "tallybook: standard output is closed; write it to a file or to /dev/null, and run the command again\n",
    )
    done = with_streams(root, "<&- 2>&-")
    assert (done.returncode, done.stderr) == (0, "")
