"""Access logs that nginx or OpenResty write as JSON, with fields that are called as nginx calls its variables.

Facts. nginx writes a line when a request has ended, so ``$msec`` and ``$time_iso8601`` are its end; ``$request_time``
before it is when it arrived. All values may be text, and what a request has not is an empty text, or ``-`` without
``escape=json``. nginx has no variable for an answer: ``$resp_body``, or ``$llm_usage`` and its like for logs without
texts, are those of the configurations in ``docs/sources.md``. ``$http_authorization`` is a raw key, and is not looked
at: ``$http_x_api_key_id``, or ``$api_key_id`` of a ``map``, names it.

Source: https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format, and the variables of
https://nginx.org/en/docs/varindex.html; run with nginx 1.22 and lua-nginx-module 0.10.23.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from pipeline.collectors.formats.gateways.access_logs import (
    changed,
    is_about_a_model,
    is_route_of_ones_own,
    method_of,
    without_absent,
)
from pipeline.collectors.formats.instants import instant_us
from pipeline.collectors.formats.places import Places
from pipeline.collectors.routes import model_in_path
from pipeline.collectors.values.refusal import LineRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.collectors.values.strict_json import JsonObject

NAME = "nginx"

_INSTANTS = ("msec", "time_iso8601", "time_local")
_ABOUT_REQUESTS = ("request_uri", "request_method", "request", "uri")
_REQUEST_LINE = re.compile(r"([A-Z]{3,10}) (\S+) HTTP/[0-9.]+")
_LOCAL = re.compile(r"([0-9]{2})/([A-Z][a-z]{2})/([0-9]{4}):([0-9:]{8}) ([+-][0-9]{4})")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SECOND_US = 1_000_000
_SECONDS_DIGITS_MAX = 12
_PATHS = ("request_uri", "uri")
_ASKED = "llm_request_model"

MAPPING: Mapping[str, Any] = {
    "ts": ["arrived_at", "msec", "time_iso8601"],
    "api_key_id": ["api_key_id", "http_x_api_key_id"],
    "request_id": "request_id",
    "status": "status",
    "method": "request_method",
    "path": list(_PATHS),
    "request": "request_body",
    "request.model": ["request_body.model", _ASKED],
    "response": ["resp_body", "response_body"],
    "response.id": "llm_response_id",
    "response.model": "llm_model",
    "usage": "llm_usage",
}

_TAKEN = "request_time"
PLACES = Places(durations=(_TAKEN,), instants=(_INSTANTS[-1],))


def recognises(document: JsonObject) -> bool:
    """Tell a line by the names of nginx's variables."""
    return (
        any(name in document for name in _INSTANTS)
        and "status" in document
        and any(name in document for name in _ABOUT_REQUESTS)
    )


def entries(document: JsonObject) -> list[JsonObject]:
    """Return the line where it is about a model, with when it arrived, and what ``$request`` says."""
    line = without_absent(document)
    line = changed(line, {**_of_request_line(line), "arrived_at": _arrival(line)})
    is_traced = any(line.get(name) for name in ("llm_usage", "llm_model"))
    path = line.get("request_uri") or line.get("uri")
    method = method_of(line.get("request_method"), line.get("status"))
    answer = line.get("resp_body") or line.get("response_body")
    if recognises(document) and not is_about_a_model(path, method, is_traced=is_traced, answer=answer):
        return []
    if is_traced and is_route_of_ones_own(path, method):
        asked = line.get(_ASKED) or model_in_path(str(path))
        line = changed(line, {**dict.fromkeys(_PATHS), _ASKED: asked})
    return [line]


def _of_request_line(line: JsonObject) -> JsonObject:
    stated = line.get("request")
    parts = _REQUEST_LINE.fullmatch(stated) if isinstance(stated, str) else None
    if parts is None:
        return {}
    return {
        "request_method": line.get("request_method") or parts[1],
        "request_uri": line.get("request_uri") or line.get("uri") or parts[2],
    }


def _arrival(line: JsonObject) -> int | None:
    """Return when the request arrived, in microseconds since 1970; ``None`` where the line does not say."""
    stated = next(((name, line[name]) for name in _INSTANTS if line.get(name)), None)
    if stated is None:
        return None
    name, value = stated
    try:
        return instant_us(_iso(value), name) - _taken_us(line.get(_TAKEN))
    except (InvalidOperation, LineRefused):
        return None


def _taken_us(seconds: Any) -> int:
    """Return how long a request took. Raises ``InvalidOperation`` where that is no number of seconds."""
    taken = Decimal(str(seconds or 0))
    if not taken.is_finite() or taken.adjusted() > _SECONDS_DIGITS_MAX:
        raise InvalidOperation
    return int(taken * _SECOND_US)


def _iso(local: Any) -> Any:
    """Return nginx's ``27/Nov/2026:16:00:00 +0000`` as ISO 8601 writes it, and anything else as it is."""
    parts = _LOCAL.fullmatch(local) if isinstance(local, str) else None
    if parts is None or parts[2] not in _MONTHS:
        return local
    day, month, year, time, offset = parts.groups()
    return f"{year}-{_MONTHS.index(month) + 1:02}-{day}T{time}{offset}"
