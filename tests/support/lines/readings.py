"""One exchange from its logged line to its reading, and bodies in all the ways in which logs hold them."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from typing import TYPE_CHECKING, Any

from pipeline.collectors import LogFormat, families
from pipeline.collectors.bodies.body import Body, take_apart
from pipeline.collectors.exchange import read_exchange
from pipeline.collectors.families.reading import Asked
from pipeline.collectors.formats.request_log import read_envelope
from pipeline.collectors.values.strict_json import parse

if TYPE_CHECKING:
    from pipeline.collectors.counting import BodyReading
    from pipeline.collectors.families.reading import Reading


def read(response: Any, **line: Any) -> BodyReading:
    """Return what an exchange amounts to whose line has this response; keywords are other fields of the line."""
    whole = {
        "ts": "2026-09-01T12:00:00Z",
        "api_key_id": "key_1",
        "status": 200,
        "method": "POST",
        "response": response,
    } | line
    log_format = LogFormat()
    document = parse(json.dumps(whole), depth_max=log_format.depth_max)
    assert isinstance(document, dict)
    return read_exchange(read_envelope(document, log_format, str), log_format)


def tokens(response: Any, **line: Any) -> tuple[int | None, ...]:
    """Return prompt, completion, cached, cache-write and reasoning tokens of an exchange that is measured."""
    reading = read(response, **line)
    assert reading.status.value == "measured", reading
    counts = reading.tokens
    assert counts is not None
    return (
        counts.prompt_tokens,
        counts.completion_tokens,
        counts.prompt_cached_tokens,
        counts.prompt_cache_write_tokens,
        counts.reasoning_tokens,
    )


def family_reading(response: Any, *, model: str | None = None) -> Reading:
    """Return what the family of a body says of it, before anything follows from it."""
    again = parse(json.dumps(response), depth_max=64)
    body = take_apart(again, depth_max=64)
    family = families.family_of(body.documents)
    assert family is not None
    return family.read(body, Asked(model=model))


def said(
    *documents: Any,
    model: str | None = None,
    choices: int | None = None,
    is_stream: bool = False,
    by: str | None = None,
) -> Reading:
    """Return what a family makes of some documents, theirs or that ``by`` a name; text is one as it was written."""
    again = [parse(each if isinstance(each, str) else json.dumps(each), depth_max=64) for each in documents]
    family = families.family_of(again) if by is None else families.BY_NAME[by]
    assert family is not None, "nobody recognises it"
    return family.read(Body(documents=again, is_stream=is_stream), Asked(model=model, choices=choices))


def sse(*events: dict[str, Any], end: str = "") -> str:
    """Return a transcript of server-sent events, each called by its ``type`` where it has one."""
    named = [f"event: {event['type']}\n" if "type" in event else "" for event in events]
    return "".join(f"{name}data: {json.dumps(event)}\n\n" for name, event in zip(named, events, strict=True)) + end


def json_lines(*documents: dict[str, Any]) -> str:
    """Return documents on lines of their own."""
    return "".join(json.dumps(document) + "\n" for document in documents)


def ways(*documents: dict[str, Any]) -> dict[str, Any]:
    """Return the chunks of a stream in each way in which a log may hold them."""
    return {
        "transcript": sse(*documents),
        "transcript that ends in [DONE]": sse(*documents, end="data: [DONE]\n\n"),
        "lines": json_lines(*documents),
        "array": list(documents),
        "text of an array": json.dumps(documents),
        "array of payloads": [json.dumps(document) for document in documents],
        "array of events": [{"event": "message", "data": document} for document in documents],
    }


def aws_stream(*events: tuple[str, dict[str, Any]], exception: str | None = None) -> str:
    """Return an event stream of AWS in base64: of each event its name and its payload, at the end an exception."""
    frames = [
        _frame({":event-type": name, ":content-type": "application/json", ":message-type": "event"}, payload)
        for name, payload in events
    ]
    if exception is not None:
        frames.append(_frame({":exception-type": exception, ":message-type": "exception"}, {"message": "it broke"}))
    return base64.b64encode(b"".join(frames)).decode()


def invoke_events(*chunks: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the events of an invoke stream: the model's own chunks in base64 within events called ``chunk``."""
    return [
        ("chunk", {"bytes": base64.b64encode(json.dumps(chunk).encode()).decode(), "p": "abcdef"}) for chunk in chunks
    ]


def invoke_ways(*chunks: dict[str, Any]) -> dict[str, Any]:
    """Return an invoke stream in each way in which a log may hold it."""
    events = invoke_events(*chunks)
    return {
        "frames in base64": aws_stream(*events),
        "lines of events": json_lines(*({name: payload} for name, payload in events)),
        "array of events": [{name: payload} for name, payload in events],
        "array of payloads": [payload for _, payload in events],
    }


def converse_ways(*events: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """Return a stream of Converse in each way in which a log may hold it."""
    return {
        "frames in base64": aws_stream(*events),
        "lines of events": json_lines(*({name: payload} for name, payload in events)),
        "array of events": [{name: payload} for name, payload in events],
        "text of an array": json.dumps([{name: payload} for name, payload in events]),
    }


def _frame(headers: dict[str, str], payload: dict[str, Any]) -> bytes:
    content = json.dumps(payload).encode()
    head = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack(">II", 16 + len(head) + len(content), len(head))
    frame = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + content
    return frame + struct.pack(">I", zlib.crc32(frame))
