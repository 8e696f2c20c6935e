"""The notebook runs on a fresh checkout, adds up to the cent, and its committed outputs are those of today."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from execution import NOTEBOOK, committed, executed, make_checkout
from generated_books import make_books

from pipeline.base.money import exact_sum
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.night.nightly import nightly
from pipeline.usage import Meter

if TYPE_CHECKING:
    from pathlib import Path

    from nbformat import NotebookNode

COMMITTED_BYTES_MAX = 300_000
MACHINE_PATH = re.compile(r"/(?:home|root|tmp|usr|var|work|Users|private)/|[A-Z]:\\\\")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("checkout")
    make_checkout(folder)
    return folder


@pytest.fixture(scope="module")
def notebook(checkout: Path) -> NotebookNode:
    return executed(checkout)


@pytest.mark.long
def test_the_notebook_runs_on_a_fresh_checkout_without_an_error(notebook: NotebookNode) -> None:
    assert all(cell.execution_count for cell in code_cells(notebook))
    assert [output for output in outputs(notebook) if output.output_type == "error"] == []
    assert [output.text for output in outputs(notebook) if output.get("name") == "stderr"] == []


@pytest.mark.long
def test_the_notebook_leaves_the_sample_as_it_was(checkout: Path, notebook: NotebookNode) -> None:
    assert notebook.cells
    assert sorted(path.name for path in (checkout / "data").iterdir()) == ["accounts.toml", "logs", "rates", "tallybook.toml"]


@pytest.mark.long
def test_the_total_it_prints_is_the_exact_sum_of_the_charges(tmp_path: Path, notebook: NotebookNode) -> None:
    workspace = open_workspace(make_checkout(tmp_path))
    charges = nightly(workspace, now=datetime(2026, 11, 1, tzinfo=UTC), key_secret=None).built.rated.charges
    tokens, total = sum(charges["quantity"].to_pylist()), exact_sum(charges["amount"].to_pylist())
    assert f"{tokens:,} tokens cost {total.normalize():f} USD" in printed(notebook)


@pytest.mark.long
def test_its_committed_outputs_are_what_it_prints_today(notebook: NotebookNode) -> None:
    kept = committed(NOTEBOOK)
    assert printed(kept) == printed(notebook), "run `just notebook` and look at what changed"
    assert images(kept) == images(notebook) == 3


def test_its_committed_outputs_are_small_and_name_no_machine() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert len(text) < COMMITTED_BYTES_MAX
    assert not MACHINE_PATH.search(re.sub(r'"image/png": "[^"]*"', "", text))


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook: NotebookNode) -> list[NotebookNode]:
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def printed(notebook: NotebookNode) -> str:
    return "".join(output.text if output.output_type == "stream" else output.data.get("text/plain", "") for output in outputs(notebook))


def images(notebook: NotebookNode) -> int:
    return sum("image/png" in output.get("data", {}) for output in outputs(notebook))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("models", "keys", "currencies"),
    [(1, 1, ("JPY",)), (7, 3, ("USD",)), (200, 60, ("EUR", "JPY", "USD")), (0, 2, ("USD",))],
    ids=["one model", "a seventh model", "200 models in three currencies", "nothing has a price"],
)
def test_the_notebook_survives_any_books(tmp_path: Path, models: int, keys: int, currencies: tuple[str, ...]) -> None:
    make_books(tmp_path, models=models, keys=keys, currencies=currencies if models else ())
    workspace = open_workspace(tmp_path / "data")
    executed_notebook = executed(tmp_path)
    charges = nightly(workspace, now=datetime(2026, 11, 1, tzinfo=UTC), key_secret=None).built.rated.charges
    rows = charges.to_pylist()
    assert images(executed_notebook) == (3 * len(currencies) if models else 0)
    assert {row["currency"] for row in rows} == (set(currencies) if models else set())
    for currency in currencies if models else ():
        mine = [row for row in rows if row["currency"] == currency]
        hourly = {Meter.PROMPT_CACHE_WRITE_1H.value}  # chat completions do not state how long a cache keeps what is written
        assert {row["meter"] for row in mine} == {meter.value for meter in Meter} - hourly
        total = exact_sum(row["amount"] for row in mine)
        used = sum(row["quantity"] for row in mine if row["meter"] != "request")
        assert f": {used:,} tokens cost {total.normalize():f} {currency}" in printed(executed_notebook)
    tokens = sum(row["quantity"] for row in rows if row["meter"] != "request")
    assert f"{tokens:,} charged" in printed(executed_notebook)
