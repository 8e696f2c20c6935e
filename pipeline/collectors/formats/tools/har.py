"""HTTP archives (HAR 1.2), as browsers and intercepting proxies save them: one JSON document a file.

Facts. ``log.entries`` are all requests in their order, those of models among them. ``startedDateTime`` has an offset;
``postData.text`` and ``content.text`` are the bodies, the latter in base64 where ``encoding`` says so; a status of 0 is
a request that got no answer. Event streams are text, transcripts as they came; Chrome has what it received of one in
``_eventSourceMessages``, its events one by one, where the text is missing. Keys are in the headers, and in the URL of
Gemini's API: they are fingerprinted and never kept. Chrome leaves ``Authorization`` out unless it is told otherwise
("Allow to generate HAR with sensitive data"), and the texts of events with it. An archive has no id of a request but
those that providers answer with; else it is a digest of when, where and how long, never of a text.

Source: http://www.softwareishard.com/blog/har-12-spec/, and ``front_end/models/har/Log.ts`` of
chrome-devtools-frontend 1.0.1705227.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from pipeline.collectors.families.reading import object_at
from pipeline.collectors.formats.gateways.access_logs import is_about_a_model, key_in
from pipeline.collectors.values.refusal import LineRefused
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from pipeline.collectors.values.strict_json import JsonObject

NAME = "har"

_REQUEST_IDS = ("x-request-id", "request-id", "apim-request-id", "x-amzn-requestid")
"""Headers of answers in which providers (OpenAI, Anthropic, Azure, AWS) name the request."""
_KEY_IN_URL = "key"


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
    path, method = url.path if url else None, request.get("method")
    answer = _answer(entry, object_at(response.get("content")))
    if not is_about_a_model(path, method, answer=answer):
        return None
    headers = _headers(request)
    key = key_in(headers) or (_key_in_url(url.query) if url else None)
    answered = _headers(response)
    return {
        **entry,
        "headers": headers,
        "ts": entry.get("startedDateTime"),
        "api_key": key,
        "request_id": next((answered[name] for name in _REQUEST_IDS if answered.get(name)), _digest(entry, path)),
        "status": response.get("status"),
        "method": method,
        "path": path,
        "request": object_at(request.get("postData")).get("text"),
        "response": answer,
        "response_headers": answered,
    }


def _url(stated: Any) -> SplitResult | None:
    try:
        return urlsplit(stated) if isinstance(stated, str) else None
    except ValueError:  # as of a host that is no address
        return None


def _answer(entry: JsonObject, content: JsonObject) -> str | None:
    """Return the body of an answer as text; one in base64 that is no text stays in base64, as event streams of AWS."""
    text = content.get("text")
    if isinstance(text, str) and content.get("encoding") == "base64":
        try:
            text = base64.b64decode(text, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return text
    if isinstance(text, str) and text:
        return text
    events = entry.get("_eventSourceMessages")
    return _transcript(events) if isinstance(events, list) else None


def _transcript(events: list[Any]) -> str | None:
    """Return the events that Chrome lists as the stream that they came in."""
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
    return key_in({"x-api-key": next(iter(parse_qs(query).get(_KEY_IN_URL, [])), None)})


def _digest(entry: JsonObject, path: str | None) -> str:
    """Return what stands in for the id of a request: the same entry of another archive has the same."""
    of = [entry.get("startedDateTime"), entry.get("time"), object_at(entry.get("request")).get("method"), path]
    return "har-" + hashlib.sha256(json.dumps(of, default=str).encode()).hexdigest()[:32]
