"""Kong's log plugins (``file-log``, ``http-log`` and their like): one JSON object a request, with what AI plugins add.

Facts. ``started_at`` is when the request came in, in milliseconds since 1970. ``authenticated_entity.id`` is the
credential that it was authenticated by, ``consumer`` whose that is; headers are logged, but ``authorization`` as
``REDACTED``, and other headers with keys are the provider's after AI Proxy has set them, so none is looked at.
``upstream_uri`` is the path at the provider. What AI Proxy counted is ``ai.proxy.usage``, in the names of chat, its
parts since 3.11; before 3.10 it went by the name of the plugin (``ai.ai-proxy``), and its counts were documented as
``prompt_token`` and ``completion_token``. What other AI plugins asked of models for themselves stands beside it, and is
not what the caller asked for. Bodies are there with ``logging.log_payloads``; of a stream Kong puts one together of
its text and its own totals, without an id and without the parts of counts: so what Kong counted is read, and not that.
``ai.proxy.cache.cache_status`` is ``Hit`` where Kong answered by itself. Where a stream states no usage, Kong guesses
the completion from its length, and leaves a prompt of 0: a guess is no measurement, so it is dropped. A model that Kong
does not know is ``UNSPECIFIED``.

Source: https://developer.konghq.com/ai-gateway/ai-audit-log-reference/ (Gateway 3.6 to 3.15), its changelog, and
``kong/pdk/log.lua``, ``ctx.lua``, ``serialize-analytics.lua`` and ``normalize-sse-chunk.lua`` of Kong 3.10.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.reading import object_at
from pipeline.collectors.formats.gateways.access_logs import (
    changed,
    is_about_a_model,
    is_route_of_ones_own,
    method_of,
    method_of_asked,
)
from pipeline.collectors.formats.places import Places

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.collectors.values.strict_json import JsonObject

NAME = "kong"

_PLUGINS = ("proxy", "ai-proxy", "ai-proxy-advanced")
"""Under which names the plugin that forwards to models writes, the newest first."""


_MODELS, _UNSPECIFIED = ("request_model", "response_model"), "UNSPECIFIED"


def _of_plugin(*paths: str) -> list[str]:
    return [f'ai."{plugin}".{path}' for path in paths for plugin in _PLUGINS]


MAPPING: Mapping[str, Any] = {
    "ts": "started_at",
    "api_key_id": ["authenticated_entity.id", "consumer.id"],
    "request_id": "request.id",
    "status": "response.status",
    "method": "request.method",
    "path": ["upstream_uri", "request.uri"],
    "request": [*_of_plugin("payload.request"), "ai.payload.request"],
    "request.model": _of_plugin("meta.request_model"),
    "request.stream": {"from": _of_plugin("meta.request_mode"), "stream": True, "realtime": True, "oneshot": False},
    "response": _of_plugin("payload.response"),
    "response_headers": "response.headers",
    "response.model": _of_plugin("meta.response_model"),
    "cache_hit": {
        "from": _of_plugin("cache.cache_status"),
        "Hit": True,
        "Miss": False,
        "Bypass": False,
        "Refresh": False,
    },
    "usage": _of_plugin("usage"),
    "usage.prompt_tokens": _of_plugin("usage.prompt_token"),
    "usage.completion_tokens": _of_plugin("usage.completion_token"),
    "usage.prompt_audio_tokens": _of_plugin("usage.input_tokens_details.audio_tokens_count"),
    "usage.reasoning_tokens": _of_plugin("usage.output_tokens_reasoning_tokens_count"),
}


_LATENCIES = "latencies"
PLACES = Places(marks=(_LATENCIES,))


def recognises(document: JsonObject) -> bool:
    """Tell what Kong's serializer makes of a request."""
    return "started_at" in document and _LATENCIES in document and isinstance(document.get("request"), dict)


def entries(document: JsonObject) -> list[JsonObject]:
    """Return the document where it is about a model, without what Kong guessed or put together."""
    request = document.get("request")
    asked: JsonObject = request if isinstance(request, dict) else {}
    ai = object_at(document.get("ai"))
    plugins = {name: of for name in _PLUGINS if isinstance(of := ai.get(name), dict)}
    is_traced = bool(plugins)
    path = document.get("upstream_uri") or asked.get("uri")
    method = method_of(asked.get("method"), object_at(document.get("response")).get("status"))
    if is_traced:
        method = method_of_asked(path, method)
    if recognises(document) and not is_about_a_model(path, method, is_traced=is_traced):
        return []
    values: JsonObject = {}
    if read := {name: changed(of, left) for name, of in plugins.items() if (left := _left_out(of))}:
        values["ai"] = changed(ai, read)
    of_request: JsonObject = {} if method == asked.get("method") else {"method": method}
    if is_traced and is_route_of_ones_own(path, method):
        values["upstream_uri"] = of_request["uri"] = None
    if of_request:
        values["request"] = changed(asked, of_request)
    return [changed(document, values)] if values else [document]


def _is_guessed(usage: Any) -> bool:
    """Tell a completion without a prompt, which no model counts: Kong divided the length of a text by four."""
    if not isinstance(usage, dict):
        return False
    prompts = [usage.get(name) for name in ("prompt_tokens", "prompt_token", "input_tokens")]
    completion = usage.get("completion_tokens") or usage.get("completion_token")
    return bool(completion) and 0 in prompts and not any(prompts)


def _left_out(plugin: JsonObject) -> JsonObject:
    """Return what is read otherwise than a plugin has it: its guesses, and what its statistics say better."""
    usage = plugin.get("usage")
    meta, payload = object_at(plugin.get("meta")), object_at(plugin.get("payload"))
    values: JsonObject = {}
    if nameless := dict.fromkeys(name for name in _MODELS if meta.get(name) == _UNSPECIFIED):
        values["meta"] = changed(meta, nameless)
    if _is_guessed(usage):
        values.update(usage=None, payload=None)
    elif meta.get("request_mode") == "stream" and "response" in payload and _is_counted(usage):
        values["payload"] = changed(payload, {"response": None})
    return values


def _is_counted(usage: Any) -> bool:
    return isinstance(usage, dict) and bool(usage.get("prompt_tokens") and usage.get("completion_tokens"))
