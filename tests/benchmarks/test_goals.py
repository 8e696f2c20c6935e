from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks import families
from benchmarks.turns.goals import GOALS, Measured, table
from benchmarks.turns.measure import Run
from benchmarks.turns.suites import OVER_STREAMS, SAMPLE, Entry, Result, keep, kept

if TYPE_CHECKING:
    from pathlib import Path


X = " \N{MULTIPLICATION SIGN}"


def _run(wall: float, *, task: float = 1, cpu: float = 1, peak_bytes: int = 10**8) -> Run:
    return Run(wall_seconds=wall, cpu_seconds=cpu, peak_bytes=peak_bytes, said={"seconds": task})


def _reading(ours: Run, **others: Entry) -> Result:
    entries = (
        Entry(name="json.loads", runs=(_run(50, task=48),), rows_differing=0),
        Entry(name="tallybook", runs=(ours,), rows_differing=0),
        *others.values(),
    )
    return Result(suite="reading-streams-1GB", title="Reading", baseline="json.loads", entries=entries)


def _rows(*results: Result, measured: tuple[families.Measured, ...] = ()) -> dict[str, list[str]]:
    text = table(Measured({each.suite: each for each in results}, measured))
    cells = [[cell.strip() for cell in line.strip("| \n").split(" | ")] for line in text.splitlines()[2:]]
    return {first: rest for first, *rest in cells}


def test_each_goal_has_a_row_and_what_was_not_measured_is_shown_as_such() -> None:
    rows = _rows()
    assert list(rows) == [goal.text for goal in GOALS]
    assert {row[-1] for row in rows.values()} == {"not measured"}


@pytest.mark.parametrize(("seconds", "said"), [(2, "met"), (2.5, "**missed**: 80 % of it")])
def test_a_goal_is_met_or_missed_by_what_was_measured(seconds: float, said: str) -> None:
    row = _rows(_reading(_run(seconds)))["1 GB of streams, whole process"]
    assert row == [f"≥ 25{X}", f"{50 / seconds:.0f}{X} ({seconds} s)".replace("2 s", "2.0 s"), said]


def test_start_up_is_left_out_where_a_goal_says_so() -> None:
    assert _rows(_reading(_run(9, task=1)))["the same without start-up, two processors"][1] == f"48{X} (1.00 s)"


def test_the_best_other_one_has_the_same_rows() -> None:
    wrong = Entry(name="quick and wrong", runs=(_run(1),), rows_differing=3)
    right = Entry(name="right", runs=(_run(6),), rows_differing=0)
    slower = Entry(name="slower", runs=(_run(7),), rows_differing=0)
    absent = Entry(name="absent", trouble="is not installed")
    found = _rows(_reading(_run(2), wrong=wrong, right=right, slower=slower, absent=absent))
    assert found["the same beside the best other one whose rows are the same"][1:] == [f"3.0{X} (right)", "met"]


def test_the_slowest_family_says_whether_all_are_met() -> None:
    measured = (
        families.Measured("a", 1000, 9, 1, (9.0,)),
        families.Measured("b", 1000, 9, 2, (4.0, 5.0, 6.0)),
        families.Measured("c, streamed", 9000, 90, 9, (10.0,)),
    )
    rows = _rows(measured=measured)
    assert rows["whole bodies of every other family, warm"][1:] == [f"5.0{X} (b, of 2)", "**missed**: 62 % of it"]
    assert rows["streams of every other family, warm"][1:] == [f"10.0{X} (c, streamed, of 1)", "met"]


def test_the_most_memory_is_that_of_our_own_runs() -> None:
    night = Result(
        suite="first-nights",
        title="Nights",
        baseline=SAMPLE,
        entries=(
            Entry(name=OVER_STREAMS, runs=(_run(2, cpu=1.5, peak_bytes=310 * 10**6),)),
            Entry(name=SAMPLE, runs=(_run(1, cpu=0.9),)),
        ),
    )
    heavy = Entry(name="heavy", runs=(_run(9, peak_bytes=10**9),), rows_differing=0)
    rows = _rows(_reading(_run(2), heavy=heavy), night)
    assert rows["the most memory that any of these took"][1:] == ["310 MB (first-nights)", "**missed**: 97 % of it"]
    assert rows["a night over 1 GB of streams"][1:] == ["1.50 s of CPU", "**missed**: 80 % of it"]
    assert rows["the sample's night"][1:] == ["0.90 s of CPU", "met"]


def test_what_was_measured_is_kept_and_a_later_result_takes_its_place(tmp_path: Path) -> None:
    keep(tmp_path, _reading(_run(2)))
    later = _reading(_run(3))
    keep(tmp_path, later)
    assert kept(tmp_path) == {later.suite: later}
