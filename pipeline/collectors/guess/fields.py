"""The fields of a log by their names, as gateways give them; those by what lies there, where no name tells.

A field is certain where exactly one place of the lines has a name that gateways give it and a value that it can have,
in every line. Where none has, of the instant and the answer, it is the one place that has what can be nothing else.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.collectors.guess.contents import CACHED, COUNTS, answers, counts, dates, is_body, is_instant
from pipeline.collectors.guess.keys import is_key_id, may_be_raw
from pipeline.collectors.guess.places import innermost, safe_places

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.collectors.values.strict_json import JsonObject

_STATUSES = range(100, 600)


def _is_request(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, str) and value.lstrip().startswith("{"))


def _is_status(value: Any) -> bool:
    return type(value) is int and value in _STATUSES


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("/")


def _is_method(value: Any) -> bool:
    return value in ("GET", "POST", "PUT", "DELETE", "PATCH")


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    """How gateways call one of our fields, in small letters without anything between them."""

    can_be: Callable[[Any], bool]
    names: tuple[str, ...]
    """At the top of a line, or within one of ``within``."""
    within: tuple[str, ...] = ()
    """Objects in which it may lie, one or two of them."""
    only_within: tuple[str, ...] = ()
    """Names too general to be meant at the top."""

    def is_called(self, steps: Sequence[str]) -> bool:
        """Say whether this is a path that it may have."""
        *parents, last = steps
        if any(parent not in self.within for parent in parents):
            return False
        return last in self.names or bool(parents and last in self.only_within)


_RESPONSE, _REQUEST = ("response", "resp", "res"), ("request", "req")
_FIELDS = {
    "ts": _Field(
        can_be=is_instant,
        names=(
            *("ts", "time", "timestamp", "@timestamp", "datetime", "starttime", "startedat", "requesttime"),
            *("requestedat", "receivedat", "createdat"),
        ),
        within=(*_REQUEST, "meta", "metadata"),
    ),
    "api_key_id": _Field(
        can_be=is_key_id,
        names=(
            *("apikeyid", "keyid", "keyname", "keyalias", "keyhash", "apikeyhash", "apikeyname", "apikey"),
            *("consumerid", "consumer", "virtualkeyid"),
        ),
        within=("auth", "key", "apikey", "consumer", "meta", "metadata"),
        only_within=("id", "key"),
    ),
    "api_key": _Field(
        can_be=may_be_raw,
        names=("apikey", "rawkey", "authorization", "keyid", "key", "token"),
        within=("auth", "headers", "requestheaders", *_REQUEST),
    ),
    "response": _Field(
        can_be=is_body, names=("response", "responsebody", "resp", "respbody"), within=_RESPONSE, only_within=("body",)
    ),
    "request": _Field(
        can_be=_is_request, names=("request", "requestbody", "req", "reqbody"), within=_REQUEST, only_within=("body",)
    ),
    "status": _Field(
        can_be=_is_status,
        names=("status", "statuscode", "httpstatus", "httpstatuscode", "responsestatus", "responsecode"),
        within=(*_RESPONSE, "http"),
        only_within=("code",),
    ),
    "path": _Field(
        can_be=_is_path,
        names=("path", "uri", "requesturi", "requestpath", "urlpath", "url", "endpoint"),
        within=(*_REQUEST, "http"),
    ),
    "method": _Field(
        can_be=_is_method, names=("method", "httpmethod", "requestmethod", "verb"), within=(*_REQUEST, "http")
    ),
    "request_id": _Field(
        can_be=_is_id, names=("requestid", "reqid", "xrequestid"), within=(*_REQUEST, "meta", "metadata")
    ),
}


_NEEDED = ("ts", "response")
_KEYS = ("api_key_id", "api_key")
_NAMED_IF_MISSING = ("status",)
"""What a log mostly has under some name, and what no line needs: it tells an answer from a failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What the fields of a log are called."""

    fields: dict[str, str]
    """Our name → its path, where that is certain and another one than ours."""
    doubtful: dict[str, tuple[str, ...]]
    """Our name → the paths of which nobody knows which it is; one alone, where nobody knows whether it is."""
    missing: tuple[str, ...]
    """Of the fields without which nothing is billed, those that no place has."""
    unknown: tuple[str, ...] = ()
    """Of those that decide less, such as the status, those that no place has."""
    has_unread_response: bool = False
    """Whether answers are counted beside what is called ``response``, and that is in no line an answer with usage."""


def guess_fields(documents: Sequence[JsonObject]) -> Guess:
    """Return what the fields are called in lines of one log.

    A field that is called as we do is not in the answer. Of a body within an object that has it, the body is meant:
    ``resp.body`` and not ``resp``. A log that counts answers which it does not hold has ``usage`` in the answer, or its
    counts one by one, and the model beside them.
    """
    found = _by_names(documents)
    if not found["ts"]:
        found["ts"] = dates(documents)
    read = answers(documents)
    if not set(found["response"]) & set(read):
        found["response"] = read or found["response"]
    if found["api_key_id"]:
        found["api_key"] = []  # an id is preferred to a raw key
    named_as_ours = {name for name, paths in found.items() if name in paths}
    if not read:
        found |= counts(documents)
    of_doubt = {name: paths for name, paths in found.items() if name not in named_as_ours}
    fields = {name: paths[0] for name, paths in of_doubt.items() if len(paths) == 1 and name != CACHED}
    doubtful = {name: tuple(paths) for name, paths in of_doubt.items() if paths and name not in fields}
    is_counted = "usage" in fields or fields.keys() >= {*COUNTS}
    missing = [name for name in _NEEDED if not (found[name] or (name == "response" and is_counted))]
    if not any(found[name] for name in _KEYS):
        missing.append(_KEYS[0])
    unknown = tuple(name for name in _NAMED_IF_MISSING if not found[name])
    is_unread = is_counted and any(dict.get(document, "response") for document in documents)
    return Guess(
        fields=fields, doubtful=doubtful, missing=tuple(missing), unknown=unknown, has_unread_response=is_unread
    )


def _by_names(documents: Sequence[JsonObject]) -> dict[str, list[str]]:
    """Return the places of each field that have one of its names, and in every line what it can be."""
    places: dict[str, Counter[str]] = {name: Counter() for name in _FIELDS}
    for document in documents:
        for path, value in safe_places(document, ()):
            steps = [re.sub(r"[^a-z@]", "", step.lower()) for step in path]
            for name, field in _FIELDS.items():
                if field.is_called(steps) and field.can_be(value):
                    places[name][".".join(path)] += 1
    return {
        name: innermost([path for path, count in found.items() if count == len(documents)])
        for name, found in places.items()
    }
