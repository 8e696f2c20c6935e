"""The standard library's ``json``: what most people write, and the baseline."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks.reading.plain_python import every_chunk, read

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.turns.rows import Row


def all_chunks(path: Path) -> list[Row]:
    """Parse the line, and every chunk of a stream."""
    return read(path, json.loads, every_chunk)
