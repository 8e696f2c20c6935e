"""What a line says around its body: when, by which key, with which answer, asked how.

Owns the fields of the request log and their renaming. Does not own the body (``body``, ``chat``) nor what the path
means (``routes``). Fields that nobody named are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from pipeline.collectors import fields
from pipeline.collectors.fingerprint import bare_key
from pipeline.collectors.instants import instant_us
from pipeline.collectors.refusal import LineRefused
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.collectors.log_format import LogFormat
    from pipeline.collectors.strict_json import JsonObject


_Lookup: TypeAlias = Callable[..., Any]
"""Returns the value of a field, or a default: called with one or two arguments, as ``dict.get`` is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The validated fields of one line; ``response`` is not looked into yet."""

    occurred_us: int
    """Microseconds since 1970-01-01T00:00:00Z."""
    api_key_id: str
    request_id: str | None
    http_status: int
    method: str | None
    path: str | None
    model_requested: str | None
    stream_requested: bool | None
    choices_requested: int | None
    response: JsonObject | list[Any] | str | None
    response_headers: JsonObject
    """Of the response, where the log has them: AWS states counts there."""


def read_envelope(line: JsonObject, log_format: LogFormat, fingerprint: Callable[[str], str]) -> Envelope:
    """Return the envelope of a parsed line.

    ``fingerprint`` is called only where the line has a raw key and no key id. Raises ``LineRefused``: ``missing_field``,
    ``invalid_field`` or ``duplicate_key``, naming the field as ours.
    """
    value: _Lookup = _Renamed(line, log_format.fields) if log_format.fields else line.get
    request = value("request")
    if request is not None and not isinstance(request, dict):
        raise LineRefused(QuarantineReason.INVALID_FIELD, "request is no object")
    asked: JsonObject = request or {}
    response = value("response")
    if response is not None and not isinstance(response, dict | list | str):
        raise LineRefused(QuarantineReason.INVALID_FIELD, "response is neither an object, an array nor a string")
    headers = value("response_headers")
    return Envelope(
        occurred_us=instant_us(_required(value, "ts")),
        api_key_id=_api_key_id(value, fingerprint),
        request_id=_request_id(value("request_id")),
        http_status=_http_status(_required(value, "status")),
        method=fields.text(value("method"), "method"),
        path=fields.text(value("path"), "path"),
        model_requested=fields.model(value("request.model", asked.get("model")), "request.model"),
        stream_requested=fields.flag(value("request.stream", asked.get("stream")), "request.stream"),
        choices_requested=fields.integer(value("request.n", asked.get("n")), "request.n", low=0, high=fields.INT32_MAX),
        response=response,
        response_headers=headers if isinstance(headers, dict) else {},
    )


@dataclass(frozen=True, slots=True)
class _Renamed:
    """Looks up a field under the name that the source gives it."""

    line: JsonObject
    names: Mapping[str, str]

    def __call__(self, name: str, default: Any = None, /) -> Any:
        path = self.names.get(name)
        if path is None:
            return self.line.get(name, default)
        if path in self.line:  # a key that contains dots wins over the walk
            return self.line.get(path)
        value: Any = self.line
        for step in path.split("."):
            if not isinstance(value, dict):
                return None
            value = value.get(step)
        return value


def _required(value: _Lookup, name: str) -> Any:
    found = value(name)
    if found is None:
        raise LineRefused(QuarantineReason.MISSING_FIELD, name)
    return found


def _api_key_id(value: _Lookup, fingerprint: Callable[[str], str]) -> str:
    key_id = fields.model(value("api_key_id"), "api_key_id")
    if key_id is not None:
        return key_id
    raw = fields.text(value("api_key"), "api_key")
    if raw is None or not bare_key(raw):
        raise LineRefused(QuarantineReason.MISSING_FIELD, "api_key or api_key_id")
    if not raw.isascii() and any("\ud800" <= character <= "\udfff" for character in raw):
        raise LineRefused(QuarantineReason.INVALID_FIELD, "api_key holds half a character")
    return fingerprint(raw)


def _request_id(value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return fields.identifier(value, "request_id")


def _http_status(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 100 <= value <= 599:  # noqa: PLR2004 - the range of HTTP
        raise LineRefused(QuarantineReason.INVALID_FIELD, "status is no integer between 100 and 599")
    return value
