"""The kind of real refusals: it tells apart what commands come to, and short runs hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lives
import pytest
import real_refusals
from surrounded import Came, Surrounding, Surroundings
from workspaces import make_workspace, plain, tallybook, write_log

if TYPE_CHECKING:
    from pathlib import Path

REFUSED = "tallybook: No space left on device at /x/books/lake; make room and run the command again\n"


@pytest.mark.parametrize(
    ("code", "said", "outcome"),
    [
        (8, REFUSED, "refused"),
        (8, f"{REFUSED}{REFUSED}", "refused, and not in one line that says why and what to do"),
        (8, "tallybook: No space left on device; run the command again\n", "refused, and no path is named"),
        (-25, "", "ended by signal 25"),
        (1, "Traceback (most recent call last):\n", "a traceback"),
        (2, "tallybook: there is no tallybook.toml\n", "ended with another reason"),
        (0, "warning: a.jsonl: opening: Permission denied\n", "told what it could not read"),
        (0, "usual\n", "went on in silence"),
        (0, "Exception ignored in: <_io.FileIO>\n", "went on, and said something else"),
    ],
)
def test_what_a_command_comes_to_is_told_apart(code: int, said: str, outcome: str) -> None:
    assert real_refusals.outcome_of(Came(code=code, stderr=said), "usual\n", is_done=False) == outcome


def test_a_signal_is_excused_where_there_is_next_to_no_memory_alone() -> None:
    ended = Came(code=-11)
    assert real_refusals.outcome_of(ended, "", is_done=False) not in real_refusals.AS_PROMISED
    outcome = real_refusals.outcome_of(ended, "", is_done=False, has_little_memory=True)
    assert outcome in real_refusals.AS_PROMISED


@pytest.mark.slow
def test_real_refusals_lose_and_double_nothing(tmp_path: Path) -> None:
    tally = real_refusals.tried(tmp_path, every=60)
    assert not tally.wrong, "\n".join(tally.lines())


@pytest.mark.slow
def test_what_counting_puts_down_is_refused_in_one_line_and_counted_later(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "life")
    line = plain("2026-09-28T10:00:00Z", id="the-id", prompt=7, key="the_key")
    lines = (line.replace("the-id", f"id-{number}").replace("the_key", f"key_{number}") for number in range(50_000))
    write_log(root, "a.jsonl", *lines)
    assert tallybook(root, "collect").returncode == 0
    night = ("nightly", "--as-of", "2026-10-02")
    refusals = {
        "File too large": Surrounding(limits={"RLIMIT_FSIZE": 3 << 20}, memory_max="30MB"),
        "Permission denied": Surrounding(sealed=("lake",), memory_max="30MB"),
        "": Surrounding(free_kib=4 << 10, memory_max="30MB"),  # DuckDB says of its limits what it thinks of first
    }
    with Surroundings() as surroundings:
        for said, surrounding in refusals.items():
            came = surroundings.run(root, night, surrounding)
            if came.refused:
                pytest.skip(came.refused)
            assert came.code == 8
            assert came.stderr.startswith("tallybook: counting failed: ")
            assert said in came.stderr
            assert came.stderr.count("\n") == 1
        assert surroundings.run(root, night, Surrounding(memory_max="30MB")).code == 0  # it is put down, and counted
    assert not list((root / "lake").glob(".spill*"))
    assert tallybook(root, "verify").returncode == 0


@pytest.mark.slow
def test_a_machine_without_any_temporary_folder_is_one_line(tmp_path: Path) -> None:
    root = lives.begin(tmp_path / "life")
    for step in lives.LIFE[:4]:
        lives.prepare(root, step)
        assert lives.run(root, step.arguments).returncode == 0
    with Surroundings() as surroundings:
        came = surroundings.run(root, ("recompute", "INV-000001"), Surrounding(tmp="read-only"))
    if came.refused:
        pytest.skip(came.refused)
    assert came.code == 8
    assert came.stderr.count("\n") == 1
    assert came.stderr.startswith("tallybook: no temporary file can be written in any of '")
    assert "Errno" not in came.stderr
    assert "set TMPDIR to a folder with room" in came.stderr


@pytest.mark.slow
def test_a_night_without_threads_is_one_line(tmp_path: Path) -> None:
    root = lives.begin(tmp_path / "life")
    assert lives.run(root, ("collect",)).returncode == 0
    with Surroundings() as surroundings:
        came = surroundings.run(root, lives.LIFE[1].arguments, Surrounding(as_nobody=True, limits={"RLIMIT_NPROC": 1}))
    if came.refused:
        pytest.skip(came.refused)
    assert came.code in {0, 8}
    assert came.code == 0 or came.stderr.count("\n") == 1


@pytest.mark.slow
def test_what_the_limit_of_a_file_stops_is_one_line(tmp_path: Path) -> None:
    root = lives.begin(tmp_path / "life")
    with Surroundings() as surroundings:
        came = surroundings.run(root, ("collect",), Surrounding(limits={"RLIMIT_FSIZE": 1500}))
    assert came.code == 8  # not 153, as of a process that SIGXFSZ ends
    assert came.stderr.count("\n") == 1
    assert came.stderr.startswith("tallybook: File too large at ")
    assert not came.litter
