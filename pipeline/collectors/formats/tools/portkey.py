"""Rows of Portkey's logs export: one JSON object a call, by its API (``/v1/logs/exports``) or from its pages.

Facts. What stands in a row is chosen for each export. ``request`` and ``response`` are the bodies as callers of the
gateway see them; a stream is logged as one answer, put together. Every target of a fallback that was tried is a row of
its own, with the trace of the others; a target that was asked again, until it answered, is one row. ``request_url`` is
where the provider was asked; of a row without an answer it tells nothing where no list knows it. ``created_at`` may be
written as JavaScript writes a date. A row names no key: what a caller said of its call is in ``metadata``, an object or
JSON text, and ``_user`` there is the request's ``user`` where the caller gave no other. ``portkeyHeaders`` have keys
that are masked, and are not looked at.

``req_units`` and ``res_units`` are not looked at either. They are those of the answer where it states usage; where it
states none they are made with a tokenizer and by counting chunks, for streams and for some vectors; and a copy out of
the gateway's cache has those of the first call. No field of an export says which. So a row without its answer is
unknown. With it, a copy is known by the id of the answer, under the same key.

Not known: whether older exports have the bodies one level deeper, as their columns were called (``response.body``). An
answer that lies so beside a status is found; in any other place it is not looked for.

Source: https://portkey.ai/docs/product/observability/logs-export, its page on metadata; of Portkey-AI/gateway, branch
2.0.0, ``services/winky/index.ts`` and ``middlewares/portkey``, which write what is exported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.formats.gateways.access_logs import changed, is_route_of_ones_own
from pipeline.collectors.formats.mapping import says_nothing
from pipeline.collectors.formats.places import Places

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.collectors.values.strict_json import JsonObject

NAME = "portkey"

_CACHE_STATUS = {
    "HIT": True,
    "SEMANTIC HIT": True,
    "MISS": False,
    "SEMANTIC MISS": False,
    "REFRESH": False,
    "DISABLED": False,
}
CACHE_STATUS: Mapping[str, bool] = {
    name: is_hit for stated, is_hit in _CACHE_STATUS.items() for name in (stated, stated.lower())
}
"""Whether an answer came out of the gateway's cache, by each word for it; the documentation writes them in both ways.
Any other word is refused.
"""

MAPPING: Mapping[str, Any] = {
    "ts": "created_at",
    "api_key_id": ["metadata.api_key_id", "metadata._user"],
    "request_id": "id",
    "status": "response_status_code",
    "path": "request_url",
    "request": "request",
    "response": "response",
    "response.model": "ai_model",
    "cache_hit": {"from": "cache_status", **CACHE_STATUS},
}

PLACES = Places()


def recognises(document: JsonObject) -> bool:
    """Tell the row of one call."""
    return "created_at" in document and "ai_org" in document and "ai_model" in document


def entries(document: JsonObject) -> list[JsonObject]:
    """Return the row; one without its answer has no path that no list knows, since every row is a call."""
    is_own = says_nothing(document.get("response")) and is_route_of_ones_own(document.get("request_url"))
    return [changed(document, {"request_url": None}) if is_own else document]
