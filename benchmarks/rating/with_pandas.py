"""pandas: a merge and a multiplication in floating point, as notebooks do it. Fast, and not exact."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from benchmarks.rating.cells import CELLS_FILE

if TYPE_CHECKING:
    from pathlib import Path


def floats(root: Path) -> pa.Table:
    """Merge rates to cells and multiply."""
    rates = tomllib.loads((root / "rates" / "standard.toml").read_text(encoding="utf-8"))["rates"]
    card = pd.DataFrame(rates).melt("model", ["prompt", "completion"], "meter", "rate")
    cells = pd.read_parquet(root / CELLS_FILE).merge(card, on=["model", "meter"])
    cells["amount"] = cells["quantity"] * cells["rate"] / 1e6
    amounts = pa.array(cells["amount"].to_numpy()).cast(pa.decimal128(38, 18), safe=False)
    return pa.table(
        {**{name: pa.array(cells[name]) for name in ("api_key_id", "model", "usage_date")}, "amount": amounts}
    )
