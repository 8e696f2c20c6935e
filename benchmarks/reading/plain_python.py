"""Lines to rows in Python, whichever JSON library reads them. Owns the way; the libraries' modules own the calls."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from benchmarks.turns.rows import Row

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Loads = Callable[[bytes | str], Any]
    BodyReader = Callable[[str, Loads], dict[str, Any]]

_OK = 200


def read(path: Path, loads: Loads, body_of: BodyReader) -> list[Row]:
    """Return the rows of a log; ``loads`` raises ``ValueError`` for what is no JSON."""
    rows = []
    with path.open("rb") as file:
        for raw in file:
            try:
                line = loads(raw)
                rows.append(_row(line, loads, body_of))
            except ValueError:
                continue
    return rows


def every_chunk(text: str, loads: Loads) -> dict[str, Any]:
    """Return the body in a text, of a stream by parsing all of its chunks."""
    if not text.startswith("data:"):
        body: dict[str, Any] = loads(text)
        return body
    body = {}
    for event in text.split("\r\n\r\n"):
        payload = event.removeprefix("data: ")
        if not payload.startswith("{"):
            continue
        try:
            chunk = loads(payload)
        except ValueError:
            continue  # cut in the middle
        if chunk.get("usage") or "id" not in body:
            body = {**body, **chunk}
    return body


def last_chunks(text: str, loads: Loads) -> dict[str, Any]:
    """Return the body in a text, of a stream by parsing from its end until a chunk can be read."""
    if not text.startswith("data:"):
        body: dict[str, Any] = loads(text)
        return body
    end = len(text)
    while (start := text.rfind("\r\n\r\ndata: ", 0, end)) >= 0 or end == len(text):
        payload = text[start + 10 if start >= 0 else 6 : end].strip()
        if payload.startswith("{"):
            try:
                chunk: dict[str, Any] = loads(payload)
            except ValueError:
                chunk = {}  # cut in the middle
            if chunk:
                return chunk
        if start < 0:
            break
        end = start
    return {}


def _row(line: dict[str, Any], loads: Loads, body_of: BodyReader) -> Row:
    response = line["response"]
    usage_date = datetime.fromisoformat(line["ts"]).astimezone(UTC).date()
    if line["status"] != _OK:
        return Row(None, line["api_key_id"], line["request"]["model"], line["status"], None, None, None, usage_date)
    body = body_of(response, loads) if isinstance(response, str) else response
    usage = body.get("usage") or {}
    details = usage.get("prompt_tokens_details") or {}
    return Row(
        body.get("id"),
        line["api_key_id"],
        body.get("model") or line["request"]["model"],
        line["status"],
        usage.get("prompt_tokens"),
        usage.get("completion_tokens"),
        details.get("cached_tokens"),
        usage_date,
    )
