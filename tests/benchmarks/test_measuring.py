from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.turns.measure import Run, RunFailed, ratios, run, take_turns
from benchmarks.turns.report import table, write_between_marks
from benchmarks.turns.suites import Entry, Result

DOCUMENT = Path(__file__).parents[2] / "docs" / "performance.md"


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code]


def seconds(wall: float) -> Run:
    return Run(wall_seconds=wall, cpu_seconds=wall, peak_bytes=10_000_000)


@pytest.mark.long
def test_a_run_knows_the_memory_of_its_own_process_and_not_of_the_one_that_measures() -> None:
    ballast = bytearray(b"x") * 150_000_000  # held by the measuring process

    assert run(python("pass")).peak_bytes < 50_000_000 < len(ballast)
    assert run(python("ballast = bytearray(b'x') * 120_000_000")).peak_bytes > 120_000_000


def test_a_run_returns_what_the_process_said_last() -> None:
    said = run(python("print('first'); print('{\"seconds\": 0.5}')"))

    assert said.task_seconds == 0.5
    assert run(python("print('no json')")).task_seconds > 0


def test_a_process_that_fails_is_reported_with_its_last_words() -> None:
    with pytest.raises(RunFailed, match="no such thing"):
        run(python("raise SystemExit('there is no such thing')"))


def test_turns_are_taken() -> None:
    order: list[tuple[str, int]] = []

    take_turns({"a": python("pass"), "b": python("pass")}, 2, lambda name, turn: order.append((name, turn)))

    assert order == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]


def test_ratios_are_made_within_a_turn() -> None:
    quick, slow = [seconds(1), seconds(10), seconds(2)], [seconds(3), seconds(20), seconds(8)]

    assert ratios(quick, slow, lambda each: each.wall_seconds) == (3, 2, 4)


def result() -> Result:
    entries = (
        Entry(name="theirs", runs=(seconds(8),), rows_differing=0),
        Entry(name="ours", runs=(seconds(2),), rows_differing=7),
        Entry(name="absent", trouble="is not installed"),
    )
    return Result(suite="reading-short", title="Reading", baseline="theirs", entries=entries, notes=("A note.",))


def test_a_table_names_who_differs_and_who_is_absent() -> None:
    lines = table(result()).splitlines()

    assert (
        next(line for line in lines if "ours" in line and "|" in line)
        == "| ours | 4.0 (4.0 to 4.0) | 4.0 | 4.0 | 2.0 | 2.0 | 10 | 7 |"
    )
    assert any("absent | is not installed" in line for line in lines)
    assert lines[-1] == "A note."


def test_a_result_survives_being_kept() -> None:
    assert Result.from_json(result().as_json()) == result()


def test_tables_go_between_their_marks_and_nothing_else_changes(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text(
        (
            "before\n<!-- measured: reading-short -->\nold\n<!-- end -->\nbetween\n<!-- measured: "
            "nights -->\nkept\n<!-- end -->\n"
        ),
        encoding="utf-8",
    )

    missing = write_between_marks(document, {"reading-short": table(result())})

    text = document.read_text(encoding="utf-8")
    assert missing == ["nights"]
    assert text.startswith("before\n<!-- measured: reading-short -->\n**Reading**")
    assert text.endswith("A note.\n<!-- end -->\nbetween\n<!-- measured: nights -->\nkept\n<!-- end -->\n")
    assert "old" not in text


def test_the_document_has_a_place_for_every_suite() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")

    for suite in (
        "goals",
        "families",
        "reading-streams-1GB",
        "reading-short-1GB",
        "reading-mixed-1GB",
        "reading-mixed-64MB",
        "reading-obfuscated-1GB",
        "first-nights",
        "compression-streams",
        "committing-streams",
        "rating",
        "nights",
        "commands",
    ):
        assert f"<!-- measured: {suite} -->" in text
