"""pandas: ``drop_duplicates`` and ``groupby``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from benchmarks.aggregating.files import COLUMNS, event_files
from benchmarks.turns.comparing import AGGREGATING

if TYPE_CHECKING:
    from pathlib import Path


def last_copy(root: Path) -> pa.Table:
    """Sort by time and keep the last copy of each identity."""
    frames = [
        pd.read_parquet(file, columns=COLUMNS, filters=[("status", "==", "measured")]) for file in event_files(root)
    ]
    events = pd.concat(frames, ignore_index=True).sort_values("occurred_at").drop_duplicates("event_id", keep="last")
    events["model"] = events["model_reported"].fillna(events["model_requested"])
    events["usage_date"] = events["occurred_at"].dt.date
    totals = events.groupby(["api_key_id", "model", "usage_date"], as_index=False).agg(
        events=("event_id", "size"),
        prompt_tokens=("prompt_tokens", "sum"),
        completion_tokens=("completion_tokens", "sum"),
        cached_tokens=("prompt_cached_tokens", "sum"),
    )
    return pa.Table.from_pandas(totals, schema=AGGREGATING, preserve_index=False, safe=False)
