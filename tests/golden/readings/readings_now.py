"""What the reader makes of stored lines, as digests: `python tests/golden/readings/readings_now.py` writes them anew.

To be run where what a line amounts to has changed, after ``READER_VERSION`` was raised: lines that could not be read
before are read again by that number.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

from pipeline.collectors.decode import EventRow, decode_line
from pipeline.collectors.formats.log_format import READER_VERSION, LogFormat
from pipeline.collectors.logs.lines import Line, bare_span
from pipeline.tables.schemas import QUARANTINE, USAGE_EVENTS

HERE = Path(__file__).parent
LINES, ROWS = HERE / "lines.jsonl.gz", HERE / "rows.txt"


def rows_now() -> list[str]:
    """Return a digest for each stored line, of all that its rows state; a column that is null says nothing."""
    found = []
    for number, raw in enumerate(gzip.decompress(LINES.read_bytes()).split(b"\n")[:-1], 1):
        line = Line(number, 0, len(raw) + 1, raw[slice(*bare_span(raw, 0, len(raw)))])
        rows = decode_line(line, source="s", log_format=LogFormat(), fingerprint=lambda raw_key: f"key_{len(raw_key)}")
        stated = [_stated(row.values, USAGE_EVENTS if isinstance(row, EventRow) else QUARANTINE) for row in rows]
        found.append(hashlib.sha256(json.dumps(stated, sort_keys=True).encode()).hexdigest()[:16])
    return found


def _stated(values: tuple[Any, ...], schema: Any) -> dict[str, Any]:
    named = zip(schema.names, values, strict=True)
    return {
        name: value.hex() if isinstance(value, bytes) else value for name, value in named if value not in (None, "s")
    }


if __name__ == "__main__":
    ROWS.write_text("\n".join([str(READER_VERSION), *rows_now(), ""]), encoding="utf-8")
