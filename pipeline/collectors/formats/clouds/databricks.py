"""What Databricks keeps of each call of a model that it serves: inference tables, and its system tables of usage.

Facts. A row of an inference table has the bodies of ``request`` and ``response`` as JSON text, or none where they are
greater than what is kept (``logging_error_codes``); of the first tables, which say nobody (``timestamp_ms``,
``execution_time_ms``), of those of the AI gateway (``request_time``, ``execution_duration_ms``) and of the newer ones
(``event_time``, ``latency_ms``), which both have ``requester``, a user or a service principal.

``system.serving.endpoint_usage`` has counts (``input_token_count``, ``output_token_count``) and no model: it is that of
``system.serving.served_entities``, with its ``task``. ``system.ai_gateway.usage`` names the model
(``destination_model``), what was asked (``api_type``) and parts of the counts (``token_details``); whether its input
holds what was read from and written to a cache is documented nowhere, and its total tells. Of what is no model
(``service_type``) there are rows as well. What a caller said of its call is in ``usage_context`` of the body, or in
``request_tags``: who signed in is ``requester``, and what a caller says may be anybody, so a source has to name it.

Ids are the request's, which an inference table and ``endpoint_usage`` share; a body has the answer's.

Source: "Monitor served models using AI Gateway-enabled inference tables", "Inference tables for monitoring and
debugging models" and "Monitor usage for AI Gateway endpoints" of Databricks' documentation, and the dashboard that is
linked there; ``_INFERENCE_TABLE_PAYLOD_SCHEMA`` of its RAG Studio; queries of ``system.ai_gateway.usage`` in public.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.reading import word
from pipeline.collectors.formats.gateways.access_logs import changed, is_route_of_ones_own
from pipeline.collectors.formats.instants import in_utc
from pipeline.collectors.formats.mapping import first_stated
from pipeline.collectors.formats.places import Places
from pipeline.collectors.values.strict_json import stated_once

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.collectors.values.strict_json import JsonObject

NAME = "databricks"

_ROWS = (
    ("databricks_request_id", "response"),
    ("databricks_request_id", "input_token_count", "output_token_count"),
    ("event_time", "logging_error_codes", "request", "response"),
    ("event_time", "requester", "destination_model", "token_details"),
)
"""What a row of each kind of table has."""
_INSTANTS = ("request_time", "event_time")
_TASKS = {
    "llm/v1/chat": "/v1/chat/completions",
    "llm/v1/completions": "/v1/completions",
    "llm/v1/embeddings": "/v1/embeddings",
}
"""The endpoint that each task of a served entity is."""

MAPPING: Mapping[str, Any] = {
    "ts": [*_INSTANTS, "timestamp_ms"],
    "api_key_id": "requester",
    "request_id": ["databricks_request_id", "invocation_id", "request_id"],
    "status": "status_code",
    "path": "api_type",
    "request": "request",
    "request.stream": "request_streaming",
    "response": "response",
    "response.model": ["destination_model", "model", "endpoint_name"],
    "usage.prompt_tokens": ["input_tokens", "input_token_count"],
    "usage.completion_tokens": ["output_tokens", "output_token_count"],
    "usage.total_tokens": "total_tokens",
    "usage.cached_tokens": "token_details.cache_read_input_tokens",
    "usage.cache_write_tokens": "token_details.cache_creation_input_tokens",
    "usage.reasoning_tokens": "token_details.output_reasoning_tokens",
}

PLACES = Places()


def recognises(document: JsonObject) -> bool:
    """Tell the row of one call."""
    return any(all(name in document for name in names) for names in _ROWS)


def entries(document: JsonObject) -> list[JsonObject]:
    """Return the row with its time in UTC, and the endpoint in the place of what was asked; none of what is no model.

    Raises ``LineRefused`` (``duplicate_key``) where one of these is stated twice.
    """
    if word(stated_once(document, "service_type")).upper().startswith("MCP"):
        return []
    asked = first_stated(document, "api_type", "task")
    path = _TASKS.get(asked, f"/{asked}") if isinstance(asked, str) and asked else None
    values = {name: in_utc(stated_once(document, name)) for name in _INSTANTS if name in document}
    return [changed(document, {**values, "api_type": None if is_route_of_ones_own(path) else path})]
