"""What lies in the files of a workspace, to the last byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path


def holds(folder: Path, word: bytes) -> list[str]:
    """Return the files below a folder that have a word in any byte, and in any value where they are Parquet."""
    return [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and word in path.read_bytes() + _values(path)
    ]


def _values(path: Path) -> bytes:
    return repr(pq.ParquetFile(path).read().to_pylist()).encode() if path.suffix == ".parquet" else b""
