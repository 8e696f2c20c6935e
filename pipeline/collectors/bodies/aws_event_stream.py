"""The binary event streams of AWS (``application/vnd.amazon.eventstream``), as logs hold them.

In base64, or as the SDK's events.

Owns messages and their checksums, and the way from an event to the document in it. Source: the AWS event stream
encoding: four bytes of total length, four of headers' length, four of CRC of these eight, headers, payload, four of CRC
of all before; big-endian, CRC32. A text is such a stream only where every length and checksum holds, but for a last
message that was cut.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import struct
import zlib
from typing import TYPE_CHECKING

from pipeline.collectors.values.strict_json import stated_once

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.collectors.values.strict_json import JsonObject

_PRELUDE = struct.Struct(">III")
_AROUND = 16
"""Bytes of a message beside its headers and its payload."""
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]++={0,2}+\s*+")
_STRING = 7
"""The type of a header whose value is text."""
_WIDTHS = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}


def payloads_of(text: str) -> list[str] | None:
    """Return the payloads of a stream in base64, each as JSON text wrapped in its event's name.

    ``None`` where it is no stream.

    An event that is an exception becomes ``{"error": name}``.
    """
    if not _BASE64.fullmatch(text):
        return None
    try:
        messages = list(_messages(base64.b64decode("".join(text.split()), validate=True)))
    except (binascii.Error, _NoFrames):
        return None
    return [_payload(headers, payload) for headers, payload in messages] or None


class _NoFrames(ValueError):
    """A length or a checksum does not hold."""


def _messages(content: bytes) -> Iterator[tuple[dict[str, str], bytes]]:
    at = 0
    while at < len(content):
        if len(content) - at < _PRELUDE.size:
            break
        total, headers_length, prelude_crc = _PRELUDE.unpack_from(content, at)
        if zlib.crc32(content[at : at + 8]) != prelude_crc or total < headers_length + _AROUND:
            raise _NoFrames
        message = content[at : at + total]
        if len(message) < total:
            break  # the last message was cut
        if zlib.crc32(message[:-4]) != int.from_bytes(message[-4:]):
            raise _NoFrames
        headers_end = _PRELUDE.size + headers_length
        yield _headers(message[_PRELUDE.size : headers_end]), message[headers_end:-4]
        at += total


def _headers(content: bytes) -> dict[str, str]:
    found = {}
    at = 0
    while at < len(content):
        name_end = at + 1 + content[at]
        name, kind, at = content[at + 1 : name_end], content[name_end], name_end + 1
        if kind in _WIDTHS:
            at += _WIDTHS[kind]
            continue
        value_at = at + 2
        at = value_at + int.from_bytes(content[at:value_at])
        if kind == _STRING:
            found[name.decode("utf-8", "replace")] = content[value_at:at].decode("utf-8", "replace")
    return found


def _payload(headers: dict[str, str], payload: bytes) -> str:
    if headers.get(":message-type") in ("exception", "error"):
        return json.dumps({"error": headers.get(":exception-type") or headers.get(":error-code") or "exception"})
    text = payload.decode("utf-8", "replace")
    event = headers.get(":event-type", "")
    return f"{{{json.dumps(event)}: {text}}}" if event and text.lstrip().startswith("{") else text


def inner_of(event: JsonObject) -> str | None:
    """Return the text of the model's own chunk in an event of an invoke stream.

    It is ``{"chunk": {"bytes": "<base64>"}}``.
    """
    chunk = stated_once(event, "chunk", event)
    held = stated_once(chunk, "bytes") if isinstance(chunk, dict) else None
    if not isinstance(held, str):
        return None
    try:
        return base64.b64decode(held, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return None


def is_of_agent(event: JsonObject) -> bool:
    """Tell the event of an agent of Bedrock, whose chunks hold what its model wrote, and no chunk of a model's API.

    It is ``{"trace": {…, "trace": {…}}}`` ("TracePart" of the agents' runtime).
    """
    part = event.get("trace")
    return isinstance(part, dict) and isinstance(part.get("trace"), dict)


def exception_in(event: JsonObject) -> str | None:
    """Return the name of the exception that an event of an SDK is.

    ``{"throttlingException": {…}}``; ``None`` where it is none.
    """
    name = next(iter(event), "") if len(event) == 1 else ""
    return name if name.endswith("Exception") and isinstance(event.get(name), dict) else None
