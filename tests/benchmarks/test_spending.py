"""The tables of ``docs/budgets.md`` are what the benchmarks print, and say what the page says of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.books import anomalies, forecasts
from benchmarks.inputs.spending import KINDS

PAGE = (Path(__file__).parents[2] / "docs" / "budgets.md").read_text(encoding="utf-8")


def table_of(name: str) -> str:
    (found,) = re.findall(rf"<!-- measured: {name} -->\n(.*?)<!-- end -->", PAGE, re.DOTALL)
    return str(found)


def numbers(row: str) -> list[float]:
    return [float(number) for number in re.findall(r"\| ([0-9.]+)(?: %)?(?= \|)", row)]


@pytest.mark.slow
def test_the_table_of_forecasts_is_what_is_measured() -> None:
    assert table_of("forecasts") == forecasts.table(10)


@pytest.mark.slow
def test_the_table_of_anomalies_is_what_is_measured() -> None:
    assert table_of("anomalies") == anomalies.table(100)


@pytest.mark.slow
def test_of_each_kind_forecasts_are_nearer_than_those_of_a_spreadsheet_or_hardly_further() -> None:
    for kind in KINDS:
        found = list(forecasts.trials(kind, 1))
        assert found
        assert all(trial.width >= 0 for trial in found)
    (row,) = (line for line in table_of("forecasts").splitlines() if "all kinds" in line)
    naive, four_weeks, ours, within, _ = numbers(row)
    assert ours < four_weeks < naive
    assert 75 <= within <= 90


def test_there_are_fewer_false_alarms_than_by_three_standard_deviations() -> None:
    for line in table_of("anomalies").splitlines()[2:]:
        naive, ours, *_ = numbers(line)
        assert ours <= naive
