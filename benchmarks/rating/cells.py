"""Rows of usage daily for the rating benchmark, seeded."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.inputs.events import ACCOUNTS, MODELS, key_ids
from pipeline.tables import schemas
from pipeline.usage import Meter

if TYPE_CHECKING:
    from pathlib import Path

CELLS_FILE = "cells.parquet"
_METERS = (Meter.PROMPT.value, Meter.COMPLETION.value)
_FIRST_DATE = date(2026, 3, 1)
_PERIOD_DAYS = 31
_WINDOW_START = datetime(2026, 1, 1, tzinfo=UTC)


def write_cells(root: Path, count: int, seed: int = 1) -> None:
    """Write ``count`` cells: every account's keys, models, meters and days of March 2026, sorted by account."""
    chance = np.random.default_rng(seed)
    keys = key_ids()
    key = np.sort(chance.integers(0, len(keys), count))
    text = pa.string()
    columns = {
        "account_id": pa.array([f"account-{number:02d}" for number in range(ACCOUNTS)], text).take(
            pa.array(key // (len(keys) // ACCOUNTS))
        ),
        "api_key_id": pa.array(keys, text).take(pa.array(key)),
        "model": pa.array(MODELS, text).take(pa.array(chance.integers(0, len(MODELS), count))),
        "service_tier": pa.array([""] * count, text),
        "prompt_band": pa.array(np.zeros(count, np.int64)),
        "meter": pa.array(_METERS, text).take(pa.array(chance.integers(0, len(_METERS), count))),
        "rate_window_start": pa.array([_WINDOW_START] * count, schemas.INSTANT),
        "usage_date": pa.array(
            chance.integers(0, _PERIOD_DAYS, count).astype("timedelta64[D]") + np.datetime64(_FIRST_DATE), pa.date32()
        ),
        "billing_period": pa.array([f"{_FIRST_DATE:%Y-%m}"] * count, text),
        "quantity": pa.array(chance.integers(1, 10_000_000, count)),
    }
    pq.write_table(pa.table(columns, schema=schemas.USAGE_DAILY), root / CELLS_FILE)
