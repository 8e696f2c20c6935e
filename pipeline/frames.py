"""The marts as pandas DataFrames, for notebooks: the only import of pandas.

Columns keep their Arrow types, so that an integer stays an integer and an amount an exact decimal; turn an amount into
a float where it is plotted, not before. As of now: what is dated later than tomorrow is held. Does not own what the
marts mean (``sql/marts``, ``pipeline.tables.schemas``).
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.state.aggregate import CHARGES, EXCHANGES_DAILY, USAGE_DAILY, current_mart


def usage_daily(workspace: str | Path = "data") -> pd.DataFrame:
    """Return billed tokens by account, key, model, tier, meter, rate window and usage date.

    The columns are ``schemas.USAGE_DAILY``.
    """
    return _frame(workspace, USAGE_DAILY)


def exchanges_daily(workspace: str | Path = "data") -> pd.DataFrame:
    """Return what became of every logged exchange, by status and fate (``schemas.EXCHANGES_DAILY``)."""
    return _frame(workspace, EXCHANGES_DAILY)


def charges(workspace: str | Path = "data") -> pd.DataFrame:
    """Return what billed tokens cost: rate per million, currency and exact amount of each row (``schemas.CHARGES``)."""
    return _frame(workspace, CHARGES)


def _frame(workspace: str | Path, name: str) -> pd.DataFrame:
    frame: pd.DataFrame = current_mart(open_workspace(Path(workspace), now=datetime.now(UTC)), name).to_pandas(
        types_mapper=pd.ArrowDtype
    )
    return frame
