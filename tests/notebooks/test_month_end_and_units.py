"""``month_end`` and ``unit_economics`` run on the sample and on any books, and say what the books say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from execution import ROOT, committed, executed, make_checkout
from generated_books import logged, make_books

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
        assert "5.31     21.8               107.9488                  29.9975" in now
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


def test_the_last_month_is_one_of_the_calendar_and_a_childs_usage_blocks_its_parents_draft(tmp_path: Path) -> None:
    """Quarters sort behind months as texts, and a child has no draft of its own."""
    make_books(tmp_path, models=2, keys=3, currencies=("USD",))
    accounts = tmp_path / "data" / "accounts.toml"
    lines = [*(tmp_path / "data" / "logs" / "october.jsonl").read_text().splitlines()]
    for number, (month, key, model) in enumerate(
        [("08", 1, "model-1"), ("09", 0, "model-0"), ("09", 1, "model-1"), ("10", 2, "model-new"), ("10", 1, "model-1")]
    ):
        line = json.loads(logged(100 + number, key=f"key_{key:032}", model=model))
        lines.append(json.dumps({**line, "ts": f"2026-{month}-05T10:00:00Z"}))
    (tmp_path / "data" / "logs" / "october.jsonl").write_text("".join(f"{line}\n" for line in lines))
    accounts.write_text(
        "".join(
            f'[[accounts]]\nid = "{name}"\nname = "A"\nrate_card = "card0"\nkeys = ["key_{place:032}"]\n{more}\n'
            for place, (name, more) in enumerate(
                [("acme", ""), ("bolt", 'billing_interval = "quarter"'), ("corp", 'invoiced_to = "acme"')]
            )
        )
    )
    said = printed(executed(tmp_path, "month_end.ipynb"))
    assert "2026-10, beside 2026-09\n" in said
    assert "accounts that are billed otherwise have 2026-Q3, 2026-Q4: write one as PERIOD" in said
    assert "of model 'model-new' of corp have no price, and block the invoice of acme" in said
    assert "1 drafts of 2026-10, of which 0 have no unpriced usage" in said
