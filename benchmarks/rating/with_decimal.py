"""A loop over rows with ``Decimal``: exact, and what an accountant would check by."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from benchmarks.rating.cells import CELLS_FILE

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path


def loop(root: Path) -> list[tuple[str, str, date, Decimal]]:
    """Multiply row by row; the card has one rate for each model and meter."""
    rates = tomllib.loads((root / "rates" / "standard.toml").read_text(encoding="utf-8"), parse_float=Decimal)["rates"]
    card = {(rate["model"], meter): rate[meter] for rate in rates for meter in ("prompt", "completion")}
    million = Decimal(1_000_000)
    return [
        (
            row["api_key_id"],
            row["model"],
            row["usage_date"],
            row["quantity"] * card[row["model"], row["meter"]] / million,
        )
        for row in pq.read_table(root / CELLS_FILE).to_pylist()
    ]
