"""What is said of months that nobody has run follows from what was measured, and the page says the same."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.nights.on_paper import SIZES, Measured, Month, cost_table, month_table

PAGE = (Path(__file__).parents[2] / "docs/scale.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "text"),
    [("months", cost_table(Measured(), Month())), ("a-great-month", month_table(Measured(), Month()))],
)
def test_the_page_holds_the_tables_that_are_made(name: str, text: str) -> None:
    found = re.search(rf"<!-- measured: {name} -->\n(.*?)<!-- end -->", PAGE, re.DOTALL)
    assert found is not None
    assert found[1] == text, "run python -m benchmarks.nights.on_paper --into docs/scale.md"


def test_there_is_a_row_for_each_size_and_only_what_was_run_is_called_measured() -> None:
    rows = cost_table(Measured(), Month()).splitlines()[2:]
    assert len(rows) == len(SIZES)
    measured = [row.split("|")[-2].strip() for row in rows]
    assert measured == ["CPU measured", *["CPU of counting measured, the rest computed"] * 2, *["computed"] * 4]


def test_what_one_machine_takes_in_decides_what_breaks_first() -> None:
    slow = month_table(replace(Measured(), taken_in_microseconds=10.0), Month())
    assert "100,000 a second" in slow
    assert "3.9 of them would be needed" in slow


def test_a_month_with_twice_the_events_has_twice_the_commits_and_the_same_rows_of_usage_daily() -> None:
    once, twice = (month_table(Measured(), Month(), events) for events in (10**11, 2 * 10**11))
    assert ("139 an hour" in once, "278 an hour" in twice) == (True, True)
    assert all("2,250,000 rows" in text for text in (once, twice))
