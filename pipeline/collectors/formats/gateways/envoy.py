"""Envoy's access log in JSON, with what Envoy AI Gateway states of a request: the fields of its published example.

Facts. The names are those that whoever configures Envoy chose; these are the ones that the documentation of Envoy AI
Gateway chooses, and for cached and written tokens, which it has no example of, the ones of OpenTelemetry's conventions.
``start_time`` is when the request began. Counts are ``llmRequestCosts`` of the route, for every provider in one
convention: the input includes what was read from and written to a cache; 0 where the answer stated no usage. What a
request has not is null, or ``-`` in older Envoys. There is no body and no id of the answer: the request's id stands in,
which Envoy makes where the request comes from outside. The published example does not say whose request it was: the
header that ``SecurityPolicy.apiKeyAuth.forwardClientIDHeader`` of Envoy Gateway sets does, logged as ``x-client-id``.
Lines of MCP and of anything else that is no model's have null in all of the gateway's fields, and give nothing.

Source: https://aigateway.envoyproxy.io/docs/capabilities/observability/accesslogs, ``examples/access-log/basic.yaml``
and ``internal/metrics/metrics.go`` (``ExtractTokenUsageFromExplicitCaching``) of envoyproxy/ai-gateway 1.1,
https://gateway.envoyproxy.io/docs/tasks/security/apikey-auth/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.formats.gateways.access_logs import (
    changed,
    is_about_a_model,
    is_route_of_ones_own,
    method_of,
    without_absent,
)
from pipeline.collectors.formats.places import Places

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.collectors.values.strict_json import JsonObject

NAME = "envoy"

_GATEWAY = "gen_ai."
"""How the names of the fields begin that the gateway fills in."""
_PATHS = ("x-envoy-origin-path", "request.path", "path")

MAPPING: Mapping[str, Any] = {
    "ts": "start_time",
    "api_key_id": ["x-client-id", "x-api-key-id", "api_key_id"],
    "request_id": ["x-request-id", "request_id"],
    "status": "response_code",
    "method": "method",
    "path": [f'"{path}"' for path in _PATHS],
    "request.model": '"gen_ai.request.model"',
    "response.id": '"gen_ai.response.id"',
    "response.model": '"gen_ai.response.model"',
    "usage.prompt_tokens": '"gen_ai.usage.input_tokens"',
    "usage.completion_tokens": '"gen_ai.usage.output_tokens"',
    "usage.total_tokens": '"gen_ai.usage.total_tokens"',
    "usage.cached_tokens": '"gen_ai.usage.cache_read.input_tokens"',
    "usage.cache_write_tokens": [
        '"gen_ai.usage.cache_creation.input_tokens"',
        '"gen_ai.usage.cache_write.input_tokens"',
    ],
    "usage.reasoning_tokens": ['"gen_ai.usage.reasoning_tokens"', '"gen_ai.usage.reasoning.output_tokens"'],
}


PLACES = Places()


def recognises(document: JsonObject) -> bool:
    """Tell a line with the fields of the gateway, or with Envoy Gateway's name for the path."""
    return (
        "start_time" in document
        and "response_code" in document
        and ("x-envoy-origin-path" in document or any(name.startswith(_GATEWAY) for name in document))
    )


def entries(document: JsonObject) -> list[JsonObject]:
    """Return the line where it is about a model."""
    line = without_absent(document)
    is_traced = any(value is not None for name, value in line.items() if name.startswith(_GATEWAY))
    path = next((line[name] for name in _PATHS if line.get(name)), None)
    method = method_of(line.get("method"), line.get("response_code"))
    if recognises(document) and not is_about_a_model(path, method, is_traced=is_traced):
        return []
    is_own = is_traced and is_route_of_ones_own(path, method)
    return [changed(line, dict.fromkeys(_PATHS)) if is_own else line]
