"""HTTP archives (HAR 1.2), as browsers and intercepting proxies save them: one JSON document a file.

Facts. ``log.entries`` are all requests in their order, those of models among them. ``startedDateTime`` has an offset;
``postData.text`` and ``content.text`` are the bodies, the latter in base64 where ``encoding`` says so; a status of 0 is
a request that got no answer. Event streams are text, transcripts as they came; Chrome has what it received of one in
``_eventSourceMessages``, its events one by one, where the text is missing. What was said on a WebSocket is in
``_webSocketMessages``, of which those that were received and are text (opcode 1) are the answer; Chrome and mitmproxy
write them alike. Its key may stand among the protocols that a browser asks for, since it can set no other header. Of a
query nothing is kept but the model (``/realtime?model=…``). Keys are in the headers, and in the URL of Gemini's API:
they are fingerprinted and never kept. Chrome leaves ``Authorization`` out unless it is told otherwise ("Allow to
generate HAR with sensitive data"), and the texts of events with it. An archive has no id of a request but those that
providers answer with; else it is a digest of when, where and how long, never of a text.

Source: http://www.softwareishard.com/blog/har-12-spec/, and ``front_end/models/har/Log.ts`` of
chrome-devtools-frontend 1.0.1705227.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from pipeline.collectors.families.reading import object_at, word
from pipeline.collectors.formats.gateways.access_logs import is_about_a_model, key_in
from pipeline.collectors.routes import SWITCHING_PROTOCOLS, with_model_of
from pipeline.collectors.values.refusal import LineRefused
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from pipeline.collectors.values.strict_json import JsonObject

NAME = "har"

_MESSAGES = "_webSocketMessages"
_TEXT = 1
"""The opcode of a message that is text."""
_REQUEST_IDS = ("x-request-id", "request-id", "apim-request-id", "x-amzn-requestid")
"""Headers of answers in which providers (OpenAI, Anthropic, Azure, AWS) name the request."""
_KEYS_IN_URL = ("key", "api-key")
"""By which names a URL has a key: of Gemini's API, and of Azure's for WebSockets."""
_KEY_AMONG_PROTOCOLS = "openai-insecure-api-key."
"""How the protocol begins by which a browser says its key to OpenAI's Realtime."""


def recognises(document: JsonObject) -> bool:
    """Tell an archive."""
    log = document.get("log")
    return isinstance(log, dict) and isinstance(log.get("entries"), list)


def entries(document: JsonObject) -> list[JsonObject]:
    """Return the requests of models. Raises ``LineRefused`` where the entries are no list of objects."""
    log = object_at(document.get("log"))
    listed = log.get("entries")
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise LineRefused(QuarantineReason.INVALID_FIELD, "log.entries is no array of objects")
    return [found for entry in listed if (found := _entry(entry)) is not None]


def _entry(entry: JsonObject) -> JsonObject | None:
    """Return an entry in our names, ``None`` where no model was asked; its own fields stay for a source to name."""
    request, response = object_at(entry.get("request")), object_at(entry.get("response"))
    url = _url(request.get("url"))
    path = url.path if url else None
    is_session = response.get("status") == SWITCHING_PROTOCOLS or isinstance(entry.get(_MESSAGES), list)
    method = None if is_session else request.get("method")  # a WebSocket is asked for by GET, or by CONNECT
    answer = _received(entry) if is_session else _answer(entry, object_at(response.get("content")))
    if not is_about_a_model(path, method, answer=answer):
        return None
    headers = _headers(request)
    key = key_in(headers) or _key_among_protocols(headers) or (_key_in_url(url.query) if url else None)
    answered = _headers(response)
    return {
        **entry,
        "headers": headers,
        "ts": entry.get("startedDateTime"),
        "api_key": key,
        "request_id": next((answered[name] for name in _REQUEST_IDS if answered.get(name)), _digest(entry, path)),
        "status": response.get("status"),
        "method": method,
        "path": with_model_of(path, url.query) if url and path else path,
        "request": object_at(request.get("postData")).get("text"),
        "response": answer,
        "response_headers": answered,
    }


def _url(stated: Any) -> SplitResult | None:
    try:
        return urlsplit(stated) if isinstance(stated, str) else None
    except ValueError:  # as of a host that is no address
        return None


def _received(entry: JsonObject) -> str | None:
    """Return what was received on a WebSocket as a stream would say it; ``None`` where nothing of it is JSON."""
    listed = entry.get(_MESSAGES)
    received = [
        message
        for message in map(object_at, listed if isinstance(listed, list) else [])
        if message.get("type") == "receive" and message.get("opcode", _TEXT) == _TEXT
    ]
    return _transcript([message for message in received if word(message.get("data")).lstrip().startswith("{")])


def _answer(entry: JsonObject, content: JsonObject) -> str | None:
    """Return the body of an answer as text; one in base64 that is no text stays in base64, as event streams of AWS."""
    text = content.get("text")
    if isinstance(text, str) and content.get("encoding") == "base64":
        try:
            text = base64.b64decode(text, validate=True).decode()
        except ValueError:  # also what is no base64, and what is no UTF-8
            return text
    if isinstance(text, str) and text:
        return text
    events = entry.get("_eventSourceMessages")
    return _transcript(events) if isinstance(events, list) else None


def _transcript(events: list[Any]) -> str | None:
    """Return the events, or the messages, that Chrome lists as the stream that they came in."""
    lines = []
    for event in map(object_at, events):
        data = event.get("data")
        if isinstance(data, str):
            named = f"event: {event['eventName']}\n" if isinstance(event.get("eventName"), str) else ""
            lines.append(named + "".join(f"data: {line}\n" for line in data.split("\n")))
    return "\n".join(lines) + "\n" if lines else None


def _headers(message: JsonObject) -> JsonObject:
    """Return headers by their names in lower case; of several that are called alike, the last."""
    listed = message.get("headers")
    return {
        header["name"].lower(): header.get("value")
        for header in (listed if isinstance(listed, list) else [])
        if isinstance(header, dict) and isinstance(header.get("name"), str)
    }


def _key_in_url(query: str) -> str | None:
    asked = parse_qs(query)
    return next((key for name in _KEYS_IN_URL for each in asked.get(name, []) if (key := _bare(each))), None)


def _key_among_protocols(headers: JsonObject) -> str | None:
    named = headers.get("sec-websocket-protocol")
    protocols = [each.strip() for each in named.split(",")] if isinstance(named, str) else []
    found = [each.removeprefix(_KEY_AMONG_PROTOCOLS) for each in protocols if each.startswith(_KEY_AMONG_PROTOCOLS)]
    return next(filter(None, map(_bare, found)), None)


def _bare(key: str) -> str | None:
    return key_in({"x-api-key": key})


def _digest(entry: JsonObject, path: str | None) -> str:
    """Return what stands in for the id of a request: the same entry of another archive has the same."""
    of = [entry.get("startedDateTime"), entry.get("time"), object_at(entry.get("request")).get("method"), path]
    return "har-" + hashlib.sha256(json.dumps(of, default=str).encode()).hexdigest()[:32]
