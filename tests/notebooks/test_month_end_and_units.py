"""``month_end`` and ``unit_economics`` run on the sample and on any books, and say what the books say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from execution import ROOT, committed, executed, make_checkout
from generated_books import make_books

if TYPE_CHECKING:
    from pathlib import Path

    from nbformat import NotebookNode

NAMES = ["month_end.ipynb", "unit_economics.ipynb"]
pytestmark = pytest.mark.slow


def printed(notebook: NotebookNode) -> str:
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"] == []
    return "".join(
        output.text if output.output_type == "stream" else output.data.get("text/plain", "") for output in outputs
    )


@pytest.mark.parametrize("name", NAMES)
def test_committed_outputs_are_what_is_printed_today(tmp_path: Path, name: str) -> None:
    make_checkout(tmp_path)
    now = printed(executed(tmp_path, name))
    assert printed(committed(ROOT / "notebooks" / name)) == now
    if name == "month_end.ipynb":
        assert "2026-10: 13.24 USD on 4 documents" in now
        assert "36,388 tokens of model 'jamba-1.5-mini' of dojo have no price" in now
        assert "4 drafts of 2026-10, of which 3 have no unpriced usage" in now
    else:
        assert "5.31     21.8                    107.9488                       29.9975" in now
        assert "0 are sold below cost" in now
        assert "tokens read from a cache are charged 0.52 USD, and as prompts 0.56" in now
        assert "tokens read from a cache cost us 0.36 USD, and as prompts 0.43" in now
        assert "are sold below cost" in now


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("models", "keys", "currencies"),
    [(1, 1, ("JPY",)), (200, 60, ("EUR", "JPY", "USD")), (0, 2, ())],
    ids=["one model", "200 models in three currencies", "nothing has a price"],
)
def test_it_survives_any_books(tmp_path: Path, name: str, models: int, keys: int, currencies: tuple[str, ...]) -> None:
    make_books(tmp_path, models=models, keys=keys, currencies=currencies)
    said = printed(executed(tmp_path, name))
    assert all(f" {currency}" in said for currency in currencies)
    if name == "unit_economics.ipynb" and currencies:
        assert f"in {currencies[0]}, the models that are charged most" in said
        assert all(f"no margin of a request is known in {other}" in said for other in currencies[1:])
    if not currencies:
        assert "of keys in no account" in said or "nothing that was used has a price" in said
