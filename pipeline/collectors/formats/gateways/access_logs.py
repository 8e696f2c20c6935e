"""What the logs of gateways have in common: lines about something else, marks of absence, keys in headers.

A line that its format does not recognise is left to the mapping, which refuses it or finds in it what a source says
where it lies: only what is known to be a gateway's, and of no model, is left out.

Owns what is told of a line before it is read by its format's mapping. Does not own any format.
"""

from __future__ import annotations

import re
from copy import copy
from typing import TYPE_CHECKING, Any

from pipeline.collectors import families
from pipeline.collectors.bodies.body import take_apart
from pipeline.collectors.families import chat, unbilled
from pipeline.collectors.formats.fingerprint import bare_key
from pipeline.collectors.formats.mapping import number
from pipeline.collectors.routes import SWITCHING_PROTOCOLS, Route, path_led_to, route_of, route_of_streamed
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import DEPTH_MAX

if TYPE_CHECKING:
    from pipeline.collectors.values.strict_json import JsonObject

_BEARER = re.compile(r"\s*bearer\s", re.IGNORECASE)
_MASKED = re.compile(r"\*\*|\.\.\.|…|x{6}|redacted|^[<\[].*[>\]]$", re.IGNORECASE)
_WITH_BEARER = "authorization"
KEY_HEADERS = (_WITH_BEARER, "x-api-key", "api-key", "x-goog-api-key", "apikey")
"""In which headers a key is, in small letters; the first that has one counts."""
_ABSENT = "-"
"""How access logs write what a request has not."""


def is_about_a_model(path: Any, method: Any, *, is_traced: bool = False, answer: Any = None) -> bool:
    """Tell a line that a model may have been asked in, from the rest that a gateway serves.

    ``is_traced``: whether the log itself says so, by a model or by counts; else the path does, or an ``answer`` that
    has the shape of a model's. A line that says nothing, on the route of a completion or an embedding, is about one
    too: it is counted as unknown, and so it is seen.
    """
    route = _route(path, method)
    if is_traced or route in (Route.COMPLETION, Route.EMBEDDING):
        return True
    is_posted = not isinstance(method, str) or method.strip().upper() == "POST"
    # what is asked for, by GET, is an answer that was made before, but for a stream of events
    is_streamed = not is_posted and route is Route.OTHER
    may_be_one = is_posted or route is Route.UNLISTED or _route_of_streamed(path, method) is not Route.OTHER
    is_answer = may_be_one and isinstance(answer, str | dict | list)
    return is_answer and _is_of_a_model(answer, route, is_streamed=is_streamed)


def is_route_of_ones_own(path: Any, method: Any = None) -> bool:
    """Tell a route that no list knows, and that something is posted to.

    Of a call whose log says itself that a model was asked, such a path says nothing: its entry is read without it, as
    of a completion, so that a call that nobody counted is unknown and not lost. To ask for an answer that is made later
    (``/predictions/{id}``) is no call of a model, also where the log has no method.
    """
    is_asked_for = _route(path, "GET") is not Route.OTHER
    return _route(path, method) is Route.UNLISTED and not is_asked_for


def is_route_of_no_meter(path: Any) -> bool:
    """Tell a route of images, files and the like, that something is posted to."""
    return _route(path, None) is Route.OTHER


def method_of(method: Any, status: Any) -> Any:
    """Return the method that says what a route is for: none of a WebSocket, which is asked for by GET."""
    return None if number(status) == SWITCHING_PROTOCOLS else method


def method_of_asked(path: Any, method: Any) -> Any:
    """Return the method that says what a route is for, where the gateway says that it asked a model itself.

    It posts what it asks, by whatever method a caller brought it: none is said by one that would make the route of a
    model another one.
    """
    is_made_another = _route(path, method) is Route.OTHER and _route(path, None) is not Route.OTHER
    return None if is_made_another else method


def path_of(path: Any) -> str:
    """Return where a path leads, as a gateway compares it: without query, escapes, and segments that lead nowhere."""
    return path_led_to(path) if isinstance(path, str) else ""


def _route(path: Any, method: Any) -> Route:
    return route_of(path if isinstance(path, str) else None, method if isinstance(method, str) else None)


def _route_of_streamed(path: Any, method: Any) -> Route:
    return route_of_streamed(path if isinstance(path, str) else None, method if isinstance(method, str) else None)


def _is_of_a_model(answer: str | JsonObject | list[Any], route: Route, *, is_streamed: bool) -> bool:
    """Tell the answer of a model; images and their like are one on their own routes alone."""
    try:
        body = families.held_in(take_apart(answer, depth_max=DEPTH_MAX))
    except LineRefused:
        return False
    if is_streamed and not body.is_transcript:
        return False
    documents = [families.plainly(document) for document in body.documents]
    family = families.family_of(documents)
    if family is families.CHAT:
        return any(map(chat.recognises, documents))  # there are other lists of choices in the world
    return family is not None and (family.name != unbilled.NAME or route is Route.OTHER)


def changed(document: JsonObject, values: JsonObject) -> JsonObject:
    """Return a copy with other values; what the log states twice stays known as such."""
    copied = copy(document)
    copied.update(values)
    return copied


def without_absent(document: JsonObject) -> JsonObject:
    """Return a document without the values at its top that are written as absent."""
    return changed(document, {name: None for name, value in document.items() if value == _ABSENT})


def key_in(headers: Any) -> str | None:
    """Return the raw key that a caller sent, ``None`` where the headers have none or the logger masked it.

    Of ``Authorization`` a bearer token alone is a key: signatures (AWS) differ by request. A masked one would make one
    customer of all.
    """
    if not isinstance(headers, dict):
        return None
    named = {name.lower(): _only(value) for name, value in headers.items()}
    if not _BEARER.match(named.get(_WITH_BEARER) or ""):
        named.pop(_WITH_BEARER, None)
    candidates = [named.get(name) for name in KEY_HEADERS]
    return next((each for each in candidates if each and bare_key(each) and not _MASKED.search(bare_key(each))), None)


def _only(value: Any) -> str | None:
    """Return the text of a header, which some log as a list; of several none is the one."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, str) else None
