"""The same loop with orjson."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from benchmarks.reading.plain_python import every_chunk, last_chunks, read

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.turns.rows import Row


def all_chunks(path: Path) -> list[Row]:
    """Parse the line, and every chunk of a stream."""
    return read(path, orjson.loads, every_chunk)


def from_the_end(path: Path) -> list[Row]:
    """Parse the line, and of a stream only the last chunks."""
    return read(path, orjson.loads, last_chunks)
