"""Apache APISIX's loggers (``http-logger``, ``file-logger``, ``kafka-logger`` and their like) in their default format.

Facts. ``start_time`` is when the request began, in milliseconds since 1970. ``consumer.username`` is whom it was
authenticated as; without a consumer it is the key in the caller's headers, which are logged as they came (``ai-proxy``
sends the provider's key in a request of its own, so that it is in none of them). ``llm_summary`` is there with
``logging.summaries`` of ``ai-proxy``, its counts as text, 0 where there are none. For callers of ``/v1/messages`` its
prompt is Anthropic's ``input_tokens``, which leaves out what was read from and written to a cache; for all others what
was cached is within the prompt. But of a stream that APISIX put into Anthropic's form from chat's, counts are those of
chat, and what was cached is within the prompt there as well. Nothing says which of the two it was: parts that exceed
the prompt are not within it, reasoning is counted of chat alone, and models of Anthropic's are taken to be asked by its
own API. Any other stream with a cache is refused, where no body is there.

What a caller's request is for, ``ai-proxy`` tells by the body, and for four endings of the path by that, as nginx
decodes it; then it asks by a path and a method of its own. So a summary that counts tokens is of a completion or of
vectors, whatever the caller's path and method are: of anything else APISIX counts nothing. Bodies are there with
``include_resp_body`` and ``include_req_body`` of the logger, cut at 512 KiB, and count for more than the summary. A
route of a caller's own (``/anything`` in APISIX's examples) is one of a model where a summary is there.
``X-AI-Cache-Status: HIT`` is an answer of ``ai-cache``.

Source: ``apisix/utils/log-util.lua``, ``apisix/plugins/ai-proxy/base.lua``, ``apisix/plugins/ai-providers/base.lua``,
``apisix/plugins/ai-protocols`` with their ``converters``, and ``apisix/plugins/ai-cache.lua`` of APISIX 3.18,
https://apisix.apache.org/docs/apisix/plugins/http-logger/.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.reading import object_at, word
from pipeline.collectors.formats.gateways.access_logs import (
    changed,
    is_about_a_model,
    is_route_of_no_meter,
    is_route_of_ones_own,
    key_in,
    method_of,
    method_of_asked,
    path_of,
)
from pipeline.collectors.formats.mapping import number
from pipeline.collectors.formats.places import Places
from pipeline.collectors.values.refusal import LineRefused, shown
from pipeline.collectors.values.traced import is_integer
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.collectors.values.strict_json import JsonObject

NAME = "apisix"

_MESSAGES = "/v1/messages"
_PROMPT, _COMPLETION, _REASONING = "prompt_tokens", "completion_tokens", "reasoning_tokens"
_CACHED, _WRITTEN = "cache_read_input_tokens", "cache_creation_input_tokens"
_OF_ANTHROPIC = re.compile("opus|sonnet|haiku", re.IGNORECASE)
"""What names of Anthropic's models have in them that have a cache."""

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
    "usage.prompt_tokens": f"llm_summary.{_PROMPT}",
    "usage.completion_tokens": f"llm_summary.{_COMPLETION}",
    "usage.total_tokens": "llm_summary.total_tokens",
    "usage.cached_tokens": f"llm_summary.{_CACHED}",
    "usage.cache_write_tokens": f"llm_summary.{_WRITTEN}",
    "usage.reasoning_tokens": f"llm_summary.{_REASONING}",
}


_LATENCY = "apisix_latency"
PLACES = Places(marks=(_LATENCY,), headers=("request.headers",))


def recognises(document: JsonObject) -> bool:
    """Tell the default format, by the latency that APISIX states of itself."""
    return "start_time" in document and _LATENCY in document and isinstance(document.get("request"), dict)


def entries(document: JsonObject) -> list[JsonObject]:
    """Return the document where it is about a model, with the caller's key, and a prompt that is the whole one.

    Raises ``LineRefused`` (``contradictory_usage``) where it is not known whether that holds what was cached.
    """
    request, response, summary = (object_at(document.get(name)) for name in ("request", "response", "llm_summary"))
    path, method = request.get("uri"), method_of(request.get("method"), response.get("status"))
    if summary:
        method = method_of_asked(path, method)
    is_about = is_about_a_model(path, method, is_traced=bool(summary), answer=response.get("body"))
    if recognises(document) and not is_about:
        return []
    values: JsonObject = {}
    if not object_at(document.get("consumer")).get("username"):
        values["api_key"] = key_in(request.get("headers"))
    if summary and path_of(path).endswith(_MESSAGES):
        values["llm_summary"] = _with_cache_in_prompt(summary, has_body=bool(response.get("body")))
    of_request: JsonObject = {} if method == request.get("method") else {"method": method}
    if summary and (is_route_of_ones_own(path, method) or (_is_counted(summary) and is_route_of_no_meter(path))):
        of_request["uri"] = None
    if of_request:
        values["request"] = changed(request, of_request)
    return [changed(document, values)] if values else [document]


def _is_counted(summary: JsonObject) -> bool:
    return any(number(summary.get(name)) not in (None, 0) for name in (_PROMPT, _COMPLETION))


def _with_cache_in_prompt(summary: JsonObject, *, has_body: bool) -> JsonObject:
    """Return a summary whose prompt includes what was read from and written to a cache; its total then is no more."""
    counts = [number(summary.get(name)) for name in (_PROMPT, _CACHED, _WRITTEN)]
    stated = [count for count in counts if is_integer(count)]
    whole = sum(stated) if len(stated) == len([count for count in counts if count is not None]) else None
    if whole is None or (not has_body and _is_within(summary, *counts)):
        return summary
    return changed(summary, {_PROMPT: whole, "total_tokens": None})


def _is_within(summary: JsonObject, prompt: int | None, *cached: int | None) -> bool:
    """Tell whether what was cached is within the prompt: of a stream that was put into Anthropic's form."""
    parts = sum(count or 0 for count in cached)
    if summary.get("stream") not in ("true", True) or not 0 < parts <= (prompt or 0):
        return False
    if number(summary.get(_REASONING)):
        return True
    if _OF_ANTHROPIC.search(word(summary.get("model"))) is not None:
        return False
    detail = (
        f"{shown(parts)} of cached tokens may be within the prompt of {shown(prompt or 0)} or beside it: APISIX does "
        "not say by which API it asked for this stream; let its logger keep the answers (include_resp_body)"
    )
    raise LineRefused(QuarantineReason.CONTRADICTORY_USAGE, detail)
