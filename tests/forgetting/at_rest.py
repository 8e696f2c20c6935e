"""What lies in the files of a workspace, to the last byte."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def holds(folder: Path, word: bytes) -> list[str]:
    """Return the files below a folder that have a word in any byte, and in any value where they are of tables."""
    return [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and word in path.read_bytes() + b"".join(values_of(path))
    ]


def values_of(path: Path) -> Iterator[bytes]:
    if path.suffix == ".parquet":
        yield _shown(path.read_bytes())
    if path.suffix == ".counted":
        entries = json.loads((path.parent / "_manifest.json").read_text())["entries"].values()
        (entry,) = [each for each in entries if each["file"] == path.name]
        content = path.read_bytes()
        for piece in entry["pieces"].values():
            yield _shown(content[piece["start"] :][: piece["size"]])


def _shown(content: bytes) -> bytes:
    """Return the values of a table, of Parquet or of Arrow, as text; the bytes themselves where it is none."""
    if content.startswith(b"PAR1"):
        return repr(pq.read_table(io.BytesIO(content)).to_pylist()).encode()
    try:
        return repr(pa.ipc.open_stream(content).read_all().to_pylist()).encode()
    except (pa.ArrowInvalid, OSError):
        return content
