"""Rows that databases exported one a line: of MongoDB, of DynamoDB, and of changes as Debezium writes them.

``{"_id": {"$oid": "…"}, "ts": {"$date": "…"}, …}``, ``{"Item": {"ts": {"S": "…"}, …}}``,
``{"before": null, "after": {"ts": "…", …}, "source": {…}, "op": "c"}``. What lies in a line is the row, by its names
and plain values. A row that was only taken away says nothing. What each of them means, and its source:
``pipeline.collectors.values.stored_rows``.
"""

from __future__ import annotations

import re

from pipeline.collectors.values.stored_rows import NO_ROW, row_in, written
from pipeline.collectors.values.strict_json import BrokenJson, parse
from pipeline.collectors.wrappers.wrapper import Unwrapped

NAME = "stored-rows"

_TYPES = rb"(?:S|N|B|BOOL|NULL|M|L|SS|NS|BS)"
_OBJECT = rb"\{\s*"
_BEGINNING = re.compile(
    _OBJECT + rb'(?:"_id"\s*:\s*\{\s*"(?:\$[a-zA-Z]+|_data)"\s*:'
    rb'|"Item"\s*:\s*\{\s*"[^"\\]+"\s*:\s*\{\s*"' + _TYPES + rb'"\s*:'
    rb'|"Metadata"\s*:\s*\{\s*"WriteTimestampMicros"\s*:'
    rb'|"(?:awsRegion|eventID)"\s*:\s*"[^"\\]*"\s*,\s*"event(?:ID|Name)"\s*:\s*"'
    rb'|"before"\s*:\s*(?:null|\{)'
    rb'|"schema"\s*:\s*\{\s*"type"\s*:\s*"struct"\s*,)'
)
"""How lines of each begin: the order of names is that of whoever writes them."""


def unwrap(line: bytes) -> Unwrapped | None:
    """Return the row that a line is of, as JSON of plain values; ``None`` where it is of none."""
    if not line.startswith(b"{"):
        return None
    try:
        document = parse(line.decode())
        row = row_in(document) if isinstance(document, dict) else None
        if row is None:
            return None
        return Unwrapped(content=b"" if row is NO_ROW else written(row).encode("utf-8", "surrogatepass"))
    except (BrokenJson, UnicodeDecodeError):
        return None


def knows(line: bytes) -> bool:
    """Tell how such a line begins, as far as it is there."""
    return _BEGINNING.match(line) is not None
