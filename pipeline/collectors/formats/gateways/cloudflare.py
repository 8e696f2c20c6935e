"""Logs of Cloudflare's AI Gateway, as its API lists them: one JSON object a request.

Facts. ``tokens_in`` and ``tokens_out`` are what the gateway saw of the answer's usage, 0 where it saw none; what of
these was read from a provider's cache it does not say. ``cached`` is an answer out of the gateway's own cache, whose
counts are the first one's. ``metadata`` is JSON text, or an object: what a caller sent in ``cf-aig-metadata``, and the
only thing that says whose call it was. ``path`` is the one at the provider, which of some (``run/@cf/…`` of Workers AI,
``predictions`` of Replicate) is no sign of what a model answered with; the content type of an answer is, where it is an
image, a sound or a film. Bodies are not in the list. What Logpush delivers is another thing, without counts and ids,
and with bodies that are encrypted: the page of sources has a mapping for them.

Source: https://developers.cloudflare.com/api/resources/ai_gateway/subresources/logs/methods/list/, ``AiGatewayLog`` of
``@cloudflare/workers-types`` 4.20251118, and of Logpush the dataset ``ai_gateway_events``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.reading import word
from pipeline.collectors.formats.gateways.access_logs import changed, is_route_of_ones_own
from pipeline.collectors.formats.places import Places

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.collectors.values.strict_json import JsonObject

NAME = "cloudflare"

MAPPING: Mapping[str, Any] = {
    "ts": "created_at",
    "api_key_id": "metadata.api_key_id",
    "request_id": "id",
    "status": ["status_code", {"from": "success", "true": 200, "false": 500}],
    "response.error": {"from": "success", "true": False, "false": True},
    "path": "path",
    "request.model": "model",
    "cache_hit": "cached",
    "usage.prompt_tokens": "tokens_in",
    "usage.completion_tokens": "tokens_out",
}

PLACES = Places()

_MEDIA = ("image/", "audio/", "video/")
"""How the types of answers begin that no tokens are in."""


def recognises(document: JsonObject) -> bool:
    """Tell the log of one request."""
    return "created_at" in document and "cached" in document and "tokens_in" in document and "tokens_out" in document


def entries(document: JsonObject) -> list[JsonObject]:
    """Return the row, whose path is the provider's and says nothing where no list knows it: every row is a call."""
    is_media = word(document.get("response_content_type")).startswith(_MEDIA)
    is_own = not is_media and is_route_of_ones_own(document.get("path"))
    return [changed(document, {"path": None}) if is_own else document]
