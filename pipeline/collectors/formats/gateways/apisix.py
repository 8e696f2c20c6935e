"""Apache APISIX's loggers (``http-logger``, ``file-logger``, ``kafka-logger`` and their like) in their default format.

Facts. ``start_time`` is when the request began, in milliseconds since 1970. ``consumer.username`` is whom it was
authenticated as; without a consumer it is the key in the caller's headers, which are logged as they came (``ai-proxy``
sends the provider's key in a request of its own, so that it is in none of them). ``llm_summary`` is there with
``logging.summaries`` of ``ai-proxy``, its counts as text, 0 where there are none. For callers of ``/v1/messages`` its
prompt is Anthropic's ``input_tokens``, which leaves out what was read from and written to a cache; for all others what
was cached is within the prompt. Bodies are there with ``include_resp_body`` and ``include_req_body`` of the logger, cut
at 512 KiB, and count for more than the summary. A route of a caller's own (``/anything`` in APISIX's examples) is one
of a model where a summary is there. ``X-AI-Cache-Status: HIT`` is an answer of ``ai-cache``.

Source: ``apisix/utils/log-util.lua``, ``apisix/plugins/ai-proxy/base.lua``, ``apisix/plugins/ai-protocols`` and
``apisix/plugins/ai-cache.lua`` of APISIX 3.18, https://apisix.apache.org/docs/apisix/plugins/http-logger/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.reading import object_at
from pipeline.collectors.formats.gateways.access_logs import (
    changed,
    is_about_a_model,
    is_route_of_ones_own,
    key_in,
    method_of,
)
from pipeline.collectors.formats.mapping import number
from pipeline.collectors.formats.places import Places

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.collectors.values.strict_json import JsonObject

NAME = "apisix"

_MESSAGES = "/v1/messages"
_CACHED, _WRITTEN = "cache_read_input_tokens", "cache_creation_input_tokens"

MAPPING: Mapping[str, Any] = {
    "ts": "start_time",
    "api_key_id": "consumer.username",
    "request_id": ["apisix_request_id", "request_id"],
    "status": "response.status",
    "method": "request.method",
    "path": "request.uri",
    "request": "request.body",
    "request.model": ["llm_summary.request_model", "request.body.model"],
    "request.stream": {"from": ["llm_summary.stream", "request.body.stream"], "true": True, "false": False},
    "response": "response.body",
    "response_headers": "response.headers",
    "response.model": "llm_summary.model",
    "cache_hit": {"from": 'response.headers."x-ai-cache-status"', "HIT": True, "MISS": False, "BYPASS": False},
    "usage.prompt_tokens": "llm_summary.prompt_tokens",
    "usage.completion_tokens": "llm_summary.completion_tokens",
    "usage.total_tokens": "llm_summary.total_tokens",
    "usage.cached_tokens": f"llm_summary.{_CACHED}",
    "usage.cache_write_tokens": f"llm_summary.{_WRITTEN}",
    "usage.reasoning_tokens": "llm_summary.reasoning_tokens",
}


_LATENCY = "apisix_latency"
PLACES = Places(marks=(_LATENCY,), headers=("request.headers",))


def recognises(document: JsonObject) -> bool:
    """Tell the default format, by the latency that APISIX states of itself."""
    return "start_time" in document and _LATENCY in document and isinstance(document.get("request"), dict)


def entries(document: JsonObject) -> list[JsonObject]:
    """Return the document where it is about a model, with the caller's key, and a prompt that is the whole one."""
    request, response, summary = (object_at(document.get(name)) for name in ("request", "response", "llm_summary"))
    path, method = request.get("uri"), method_of(request.get("method"), response.get("status"))
    is_about = is_about_a_model(path, method, is_traced=bool(summary), answer=response.get("body"))
    if recognises(document) and not is_about:
        return []
    values: JsonObject = {}
    if not object_at(document.get("consumer")).get("username"):
        values["api_key"] = key_in(request.get("headers"))
    if summary and str(path).partition("?")[0].endswith(_MESSAGES):
        values["llm_summary"] = _with_cache_in_prompt(summary)
    if summary and is_route_of_ones_own(path, method):
        values["request"] = changed(request, {"uri": None})
    return [changed(document, values)] if values else [document]


def _with_cache_in_prompt(summary: JsonObject) -> JsonObject:
    """Return a summary whose prompt includes what was read from and written to a cache; its total then is no more."""
    counts = [number(summary.get(name)) for name in ("prompt_tokens", _CACHED, _WRITTEN)]
    stated = [count for count in counts if type(count) is int]
    whole = sum(stated) if len(stated) == len([count for count in counts if count is not None]) else None
    return summary if whole is None else changed(summary, {"prompt_tokens": whole, "total_tokens": None})
