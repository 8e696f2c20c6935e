"""What a line says around its body: when, by which key, with which answer, asked how.

Owns the fields of the request log and what each must be. Does not own where a log has them (``mapping``), the body
(``body``, ``chat``) nor what the path means (``routes``). Fields that nobody named are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from pipeline.base.raw_keys import is_raw_key
from pipeline.collectors.bodies.body import document_within
from pipeline.collectors.formats.fingerprint import bare_key
from pipeline.collectors.formats.instants import instant_us
from pipeline.collectors.formats.mapping import number
from pipeline.collectors.values import fields
from pipeline.collectors.values.fields import LeftOut
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import document_in, stated_once
from pipeline.configuration.log_fields import path_of
from pipeline.usage import TOKENS_MAX, QuarantineReason
from pipeline.usage.events import COUNTED_FIELDS, LOG_FIELDS, LOGGED, MAPPED_FIELDS, Kind, Role

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from pipeline.collectors.formats.log_format import LogFormat
    from pipeline.collectors.values.strict_json import JsonObject
    from pipeline.usage.events import Column


_Lookup: TypeAlias = Callable[..., Any]
"""Returns the value of a field, or a default: called with one or two arguments, as ``dict.get`` is."""


NO_STATUS = 0
"""Stands for a status that the log does not state, or that HTTP has not: some gateways write 0 where the client left
first.
"""


class SaidBeside(NamedTuple):
    """What a log says of an answer in fields of its own, beside the body or in place of it.

    Of these, the tier is the log's where it states one; the others count where the body states none.
    """

    usage: JsonObject | None = None
    """As chat's usage object."""
    response_id: Any = None
    model: Any = None
    finish_reason: Any = None
    service_tier: str | None = None
    has_error: bool = False
    is_cached: bool = False
    """Whether the gateway answered from its own cache: a copy of an answer, which nobody computed again."""


NOTHING_BESIDE = SaidBeside()


class Envelope(NamedTuple):
    """The validated fields of one line; ``response`` is not looked into yet."""

    occurred_us: int
    """Microseconds since 1970-01-01T00:00:00Z."""
    api_key_id: str
    request_id: str | None
    http_status: int
    """100 to 599, or ``NO_STATUS``: what was consumed is in the body, whatever the status says."""
    method: str | None
    path: str | None
    model_requested: str | None
    stream_requested: bool | None
    choices_requested: int | None
    response: JsonObject | list[Any] | str | None
    response_headers: JsonObject
    """Of the response, where the log has them: AWS states counts there."""
    logged: tuple[Any, ...]
    """The values of the columns ``LOGGED``."""
    left_out: frozenset[str]
    """The fields that were ill-formed, decide no bill, and are read as absent."""
    beside: SaidBeside = NOTHING_BESIDE


def read_envelope(line: JsonObject, log_format: LogFormat, fingerprint: Callable[[str], str]) -> Envelope:
    """Return the envelope of a parsed line.

    ``fingerprint`` is called only where the line has a raw key and no key id. Raises ``LineRefused`` for a field that
    decides the bill or is stated twice at the top of the line: ``missing_field``, ``invalid_field`` or
    ``duplicate_key``, naming the field as ours. Any other that is ill-formed is read as absent, and named in
    ``left_out``.
    """
    value = _lookup(line, log_format)
    left_out = LeftOut()
    asked: JsonObject = (
        left_out.checked(partial(_object, depth_max=log_format.depth_max), value("request"), "request") or {}
    )
    response = value("response")
    if response is not None and not isinstance(response, dict | list | str):
        raise LineRefused(QuarantineReason.INVALID_FIELD, "response is neither an object, an array nor a string")
    headers = value("response_headers")
    if isinstance(headers, str):
        headers = document_in(headers, depth_max=log_format.depth_max)

    def of_request(name: str) -> Any:
        return (
            value(f"request.{name}")
            if f"request.{name}" in log_format.fields or f"request.{name}" in line
            else asked.get(name)
        )

    return Envelope(
        occurred_us=instant_us(_required(value, "ts"), zone=log_format.zone),
        api_key_id=api_key_id_of(line, log_format, fingerprint),
        request_id=left_out.checked(fields.identifier, value("request_id"), "request_id"),
        http_status=left_out.checked(_http_status, value("status"), "status") or NO_STATUS,
        method=left_out.checked(fields.text, value("method"), "method"),
        path=left_out.checked(fields.text, value("path"), "path"),
        model_requested=left_out.looked_up(of_request, "model", fields.model, "request.model"),
        stream_requested=left_out.looked_up(of_request, "stream", fields.flag, "request.stream"),
        choices_requested=left_out.looked_up(of_request, "n", _small, "request.n"),
        response=response,
        response_headers=headers if isinstance(headers, dict) else {},
        logged=tuple(_logged(column, line, log_format, left_out) for column in LOGGED),
        beside=_beside(value, log_format, left_out),
        left_out=left_out.names,
    )


def _beside(value: _Lookup, log_format: LogFormat, left_out: LeftOut) -> SaidBeside:
    """Return what the log says of the answer; what nobody named is not looked at."""
    if log_format.rules.keys().isdisjoint(MAPPED_FIELDS):
        return NOTHING_BESIDE
    stated = {name: value(name) for name in log_format.rules if name in MAPPED_FIELDS and name not in _OF_USAGE}
    return SaidBeside(
        usage=_usage(value, log_format.rules, log_format.depth_max),
        response_id=left_out.checked(fields.identifier, stated.get("response.id"), "response.id"),
        model=left_out.checked(fields.model, stated.get("response.model"), "response.model"),
        finish_reason=left_out.checked(fields.label, stated.get("response.finish_reason"), "finish_reason"),
        service_tier=fields.label(stated.get("service_tier"), "service_tier"),
        has_error=stated.get("response.error") not in _NO_ERROR,
        is_cached=_decides(stated.get("cache_hit"), "cache_hit"),
    )


_OF_USAGE = frozenset(("usage", *(f"usage.{name}" for name in COUNTED_FIELDS)))
_NO_ERROR: tuple[Any, ...] = (None, False, "", "-", 0, {}, [])


def _usage(value: _Lookup, named: Container[str], depth_max: int) -> JsonObject | None:
    """Return what is counted of tokens, as chat's usage object; ``None`` where the log counts nothing."""
    usage = _with_numbers(_object(value("usage"), "usage", depth_max=depth_max) if "usage" in named else None) or {}
    for name, (*within, last) in COUNTED_FIELDS.items():
        stated = number(value(f"usage.{name}")) if f"usage.{name}" in named else None
        if stated is None:
            continue
        place = usage
        for step in within:
            if not isinstance(place.get(step), dict):
                place[step] = {}
            place = place[step]
        place[last] = stated
    return usage or None


def _with_numbers(stated: Any) -> Any:
    """Return a usage object with the counts that are written as text as numbers, its parts too."""
    return {key: _with_numbers(stated.get(key)) for key in stated} if isinstance(stated, dict) else number(stated)


def _decides(value: Any, field: str) -> bool:
    """Return a flag that decides a bill. Raises ``LineRefused`` where it is neither true nor false."""
    return bool(fields.flag(_FLAGS.get(str(value).lower(), value), field))


_FLAGS: Mapping[str, bool] = {"true": True, "1": True, "false": False, "0": False, "": False}
"""How logs write a flag that are written by programs without one."""


def _logged(column: Column, line: JsonObject, log_format: LogFormat, left_out: LeftOut) -> Any:
    """Return the value of a column that is read from a field as it is; usage decides a bill, anything else does not."""
    name = str(column.log_field)
    looked_up = log_format.of(line)
    value = looked_up(name) if name in log_format.rules else looked_up.found(path_of(name))
    check = _CHECK_OF_DIMENSION if column.role is Role.DIMENSION else _CHECKS[column.kind]
    return check(value, name) if column.role is Role.USAGE else left_out.checked(check, value, name)


def api_key_id_of(line: JsonObject, log_format: LogFormat, fingerprint: Callable[[str], str]) -> str:
    """Return whose key a parsed line was called with. Raises ``LineRefused`` where it states none, or what is none.

    Where a source says that the field in which an id is looked for has the raw key, there is no id.
    """
    value = _lookup(line, log_format)
    names = log_format.fields
    has_id = not names or names.get("api_key", "api_key") != names.get("api_key_id", "api_key_id")
    stated = value("api_key_id") if has_id else None
    key_id = fields.model(stated, "api_key_id", may_look_like_key=True)
    if key_id is not None:
        if isinstance(stated, str) and bare_key(stated) != stated.strip():
            raise LineRefused(
                QuarantineReason.INVALID_FIELD,
                "api_key_id begins as an Authorization header does; name that field api_key",
            )
        if is_raw_key(str(stated)) and not log_format.ids_may_look_like_keys:
            raise LineRefused(QuarantineReason.INVALID_FIELD, _ID_IS_RAW)
        return key_id
    raw = fields.text(value("api_key"), "api_key")
    if raw is None or not bare_key(raw):
        raise LineRefused(QuarantineReason.MISSING_FIELD, "api_key or api_key_id")
    if not raw.isascii() and any("\ud800" <= character <= "\udfff" for character in raw):
        raise LineRefused(QuarantineReason.INVALID_FIELD, "api_key holds half a character")
    return fingerprint(raw)


_ID_IS_RAW = (
    "api_key_id looks like a raw key; name that field api_key, so that it is fingerprinted, or where it is an id write "
    "ids_may_look_like_keys = true in its source"
)


def in_our_names(line: JsonObject, log_format: LogFormat) -> JsonObject:
    """Return the fields of a line that are looked at by our names of them, less those that it states twice."""
    value = _lookup(line, log_format)
    found: JsonObject = {}
    for name in LOG_FIELDS:
        if name in MAPPED_FIELDS and name not in log_format.rules:
            continue
        with suppress(LineRefused):
            if (stated := value(name)) is not None:
                found[name] = stated
    return found


def _lookup(line: JsonObject, log_format: LogFormat) -> _Lookup:
    if log_format.fields:
        return log_format.of(line)
    return line.get if type(line) is dict else partial(stated_once, line)


def _required(value: _Lookup, name: str) -> Any:
    found = value(name)
    if found is None:
        raise LineRefused(QuarantineReason.MISSING_FIELD, name)
    return found


def _object(value: Any, field: str, *, depth_max: int) -> JsonObject | None:
    """Return an object, which a log may state as JSON text; ``None`` where it is absent or empty."""
    if value is None or (isinstance(value, str) and value.strip() in _NO_OBJECT):
        return None
    found = document_within(value, depth_max=depth_max) if isinstance(value, str) else value
    if isinstance(found, dict):
        return found or None
    raise LineRefused(QuarantineReason.INVALID_FIELD, f"{field} is no object")


_NO_OBJECT = ("", "null")


def _small(value: Any, field: str) -> int | None:
    return fields.integer(value, field, low=0, high=fields.INT32_MAX)


def _count(value: Any, field: str) -> int | None:
    return fields.integer(value, field, low=0, high=TOKENS_MAX)


_CHECK_OF_DIMENSION: Callable[[Any, str], Any] = fields.label
_CHECKS: Mapping[Kind, Callable[[Any, str], Any]] = {
    Kind.TEXT: fields.identifier,
    Kind.FLAG: fields.flag,
    Kind.NUMBER: _small,
    Kind.COUNT: _count,
}


def _http_status(value: Any, field: str) -> int | None:
    return fields.integer(value, field, low=100, high=599)
