"""The kind of real refusals: it tells apart what commands come to, and short runs hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lives
import pytest
import real_refusals
from surrounded import Came, Surrounding, Surroundings

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
def test_what_the_limit_of_a_file_stops_is_one_line(tmp_path: Path) -> None:
    root = lives.begin(tmp_path / "life")
    with Surroundings() as surroundings:
        came = surroundings.run(root, ("collect",), Surrounding(limits={"RLIMIT_FSIZE": 1500}))
    assert came.code == 8  # not 153, as of a process that SIGXFSZ ends
    assert came.stderr.count("\n") == 1
    assert came.stderr.startswith("tallybook: File too large at ")
    assert not came.litter
