"""msgspec: untyped, and with typed structs that skip what nobody asked for."""

from __future__ import annotations

from datetime import UTC, datetime  # noqa: TC003 - msgspec reads the annotations of its structs
from typing import TYPE_CHECKING

import msgspec

from benchmarks.reading.plain_python import every_chunk, read
from benchmarks.turns.rows import Row

if TYPE_CHECKING:
    from pathlib import Path

_OK = 200


class _Request(msgspec.Struct):
    model: str


class _Envelope(msgspec.Struct):
    ts: datetime
    api_key_id: str
    status: int
    request: _Request
    response: msgspec.Raw = msgspec.Raw()


class _Details(msgspec.Struct):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Details | None = None


class _Body(msgspec.Struct):
    id: str | None = None
    model: str | None = None
    usage: _Usage | None = None


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_BODY = msgspec.json.Decoder(_Body)
_TEXT = msgspec.json.Decoder(str)
_NOTHING = _Body()
_BEFORE_CHUNK = rb"\r\n\r\ndata: "
"""As it is written within the JSON string."""


def all_chunks(path: Path) -> list[Row]:
    """Parse the line, and every chunk of a stream, into plain objects."""
    return read(path, msgspec.json.decode, every_chunk)


def typed(path: Path) -> list[Row]:
    """Parse the envelope with its body left raw, then the body.

    Or the last chunks of the stream without unescaping the others.
    """
    rows = []
    with path.open("rb") as file:
        for raw in file:
            try:
                line = _ENVELOPE.decode(raw)
                body = _body(line) if line.status == _OK else _NOTHING
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
            usage = body.usage or _Usage()
            cached = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else None
            rows.append(
                Row(
                    body.id,
                    line.api_key_id,
                    body.model or line.request.model,
                    line.status,
                    usage.prompt_tokens,
                    usage.completion_tokens,
                    cached,
                    line.ts.astimezone(UTC).date(),
                )
            )
    return rows


def _body(line: _Envelope) -> _Body:
    raw = bytes(line.response)
    if not raw.startswith(b'"'):
        return _BODY.decode(raw)
    if not raw.startswith(b'"data:'):
        return _BODY.decode(_TEXT.decode(raw))
    end = len(raw) - 1
    while end > 0:
        start = raw.rfind(_BEFORE_CHUNK, 0, end)
        escaped = raw[start + len(_BEFORE_CHUNK) if start >= 0 else len(b'"data: ') : end]
        if escaped.startswith(b"{"):
            try:
                return _BODY.decode(_TEXT.decode(b'"%b"' % escaped).strip())
            except msgspec.DecodeError:
                pass  # cut in the middle
        end = start
    return _NOTHING
