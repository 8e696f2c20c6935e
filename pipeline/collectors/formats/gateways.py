"""What the logs of gateways have in common: lines about something else, marks of absence, keys in headers.

Owns what is told of a line before it is read by its format's mapping. Does not own any format.
"""

from __future__ import annotations

import re
from copy import copy
from typing import TYPE_CHECKING, Any

from pipeline.collectors.formats.fingerprint import bare_key
from pipeline.collectors.routes import Route, route_of

if TYPE_CHECKING:
    from pipeline.collectors.strict_json import JsonObject

_BEARER = re.compile(r"\s*bearer\s", re.IGNORECASE)
_MASKED = re.compile(r"\*\*|\.\.\.|…|x{6}|redacted|^[<\[].*[>\]]$", re.IGNORECASE)
_KEY_HEADERS = ("x-api-key", "api-key", "x-goog-api-key", "apikey")
_ABSENT = "-"
"""How access logs write what a request has not."""


def is_about_a_model(path: Any, method: Any, *, is_traced: bool) -> bool:
    """Tell a line that a model may have been asked in, from the rest that a gateway serves.

    ``is_traced``: whether the log itself says so, by a model, by counts or by a body. A line that says nothing, on the
    route of a completion or an embedding, is about one too: it is counted as unknown, and so it is seen.
    """
    if is_traced or not isinstance(path, str) or not path:
        return True
    return route_of(path, method if isinstance(method, str) else None) in (Route.COMPLETION, Route.EMBEDDING)


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
    bearer = named.get("authorization")
    candidates = [bearer if bearer is not None and _BEARER.match(bearer) else None]
    candidates += [named.get(name) for name in _KEY_HEADERS]
    return next((each for each in candidates if each and bare_key(each) and not _MASKED.search(bare_key(each))), None)


def _only(value: Any) -> str | None:
    """Return the text of a header, which some log as a list; of several none is the one."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, str) else None
