"""Which Parquet files a contender reads: those the lake's log names.

Checking their digests is left to the pipeline, which does it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import lake
from pipeline.objects import layout

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = [
    "event_id",
    "occurred_at",
    "api_key_id",
    "model_reported",
    "model_requested",
    "status",
    "prompt_tokens",
    "completion_tokens",
    "prompt_cached_tokens",
]
"""What the task needs of an event."""


def event_files(root: Path) -> list[Path]:
    """Return the data files of a workspace's lake."""
    lake_dir = layout.lake(root)
    return [layout.usage_events(lake_dir) / file.path for file in lake.read_log(lake_dir).data_files]
