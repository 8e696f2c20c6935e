"""Log objects of Portkey's gateway: one JSON object a call, as it puts them into a log store of one's own.

Facts. ``request`` and ``response`` hold URL, status, headers and ``body``; bodies are those of rows of the export
(``portkey``). A call that asked not to be tracked (``x-portkey-debug: false``) has none, and instead of vectors stands
``...REDACTED...``. ``metrics`` are the row of analytics: ``api_key_id`` is the id of the key that the gateway gave its
caller, ``cache_status`` whether the answer is a copy out of its cache, ``created_at`` of UTC without an offset. Objects
of older gateways have no ``metrics``: their key is what the caller said, and the cache's status stands in a header.

The answer decides. Where there is none, ``metrics.req_units`` and ``res_units`` are billed, which hold what was read
from a provider's cache and written to it and do not tell it apart; but not of a stream, whose units are made with a
tokenizer and by counting chunks where the provider states none. A guardrail that withholds an answer (446) leaves no
usage in it.

Source: as of ``portkey``, and the sample in Portkey-AI/docs-core, ``images/enterprise/private-cloud-deployments/
architecture/sample_log_file.json``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.reading import object_at
from pipeline.collectors.formats.gateways.access_logs import changed, is_route_of_ones_own
from pipeline.collectors.formats.instants import in_utc
from pipeline.collectors.formats.places import Places
from pipeline.collectors.formats.tools.portkey import CACHE_STATUS
from pipeline.collectors.values.strict_json import stated_once

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.collectors.values.strict_json import JsonObject

NAME = "portkey-log"

_REDACTED = "...REDACTED..."
"""What stands in the place of vectors."""
_UNITS = ("req_units", "res_units")
_SAID = "request.portkeyHeaders.x-portkey-metadata"

MAPPING: Mapping[str, Any] = {
    "ts": ["metrics.created_at", "created_at"],
    "api_key_id": ["metrics.api_key_id", f"{_SAID}.api_key_id", f"{_SAID}._user"],
    "request_id": "_id",
    "status": "response.status",
    "method": "request.method",
    "path": "request.url",
    "request": "request.body",
    "response": "response.body",
    "response.model": "metrics.ai_model",
    "cache_hit": {"from": ["metrics.cache_status", "response.headers.x-portkey-cache-status"], **CACHE_STATUS},
    "usage.prompt_tokens": "metrics.req_units",
    "usage.completion_tokens": "metrics.res_units",
}

PLACES = Places()


def recognises(document: JsonObject) -> bool:
    """Tell the log object of one call."""
    return all(name in document for name in ("_id", "request", "response", "organisation_id", "created_at"))


def entries(document: JsonObject) -> list[JsonObject]:
    """Return the object with the time of its metrics in UTC, and without units that are not the provider's."""
    metrics, answer = object_at(document, "metrics"), object_at(document, "response")
    body = stated_once(answer, "body")
    is_redacted = body == _REDACTED
    values: JsonObject = {}
    request = object_at(document, "request")
    if not body and is_route_of_ones_own(request.get("url"), request.get("method")):
        values["request"] = changed(request, {"url": None})
    if is_redacted:
        values["response"] = changed(answer, {"body": None})
    if metrics:
        in_place: JsonObject = {"created_at": in_utc(stated_once(metrics, "created_at"))}
        if (body and not is_redacted) or stated_once(metrics, "stream_mode"):
            in_place |= dict.fromkeys(_UNITS)
        values["metrics"] = changed(metrics, in_place)
    return [changed(document, values)]
