"""Higress' access log, whose ``ai_log`` the plugin ``ai-statistics`` fills in: JSON text in a field of the line.

Facts. ``ai_log`` is in the access log that Higress is installed with, ``-`` where no model was asked. Its counts are
numbers, text in older versions; ``input_token`` of Anthropic's API leaves out what was read from and written to a
cache, which ``total_token`` includes; ``output_token`` of Gemini leaves out thoughts, likewise. What was cached or
thought is there where the plugin is told to log ``input_token_details`` and ``output_token_details`` (attributes with
``apply_to_log``), each an object or JSON text of its own; where counts do not add up without them, the line is
quarantined with its numbers. Newer plugins write them unasked, and write Gemini's parts as words of their own
(``thoughts_token_count``). What Gemini consumed for a tool is beside its prompt. Whether it is charged, its answer says
and the plugin does not (what a search retrieved is not), so such a line is refused. ``chat_id`` is the id of the
answer. A model that is found nowhere is ``unknown``, or ``UNKNOWN``. ``consumer`` is there where the plugin is told to
log the header ``x-mse-consumer``. Bodies are never there. The plugin writes of every request of its routes how long it
took; of a model's answer it writes the model, or counts.

Source: https://higress.cn/en/docs/latest/plugins/ai/api-o11y/ai-statistics/, ``helm/core/templates/configmap.yaml`` and
``plugins/wasm-go/extensions/ai-statistics`` of Higress (April 2026), ``pkg/tokenusage`` of higress-group/wasm-go.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pipeline.collectors.formats.gateways.access_logs import (
    changed,
    is_about_a_model,
    is_route_of_ones_own,
    method_of,
    without_absent,
)
from pipeline.collectors.formats.mapping import number
from pipeline.collectors.formats.places import Places
from pipeline.collectors.values.refusal import LineRefused, shown
from pipeline.collectors.values.strict_json import DEPTH_MAX, document_in
from pipeline.collectors.values.traced import is_integer
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.collectors.values.strict_json import JsonObject

NAME = "higress"

_COUNTS = ("input_token", "output_token", "total_token")
_OF_TOOL = "tool_use_prompt_token_count"
_NO_MODEL = ("unknown", "UNKNOWN")
"""What the plugin calls a model that it found neither in an answer nor in what was asked."""

MAPPING: Mapping[str, Any] = {
    "ts": ["start_time", "timestamp"],
    "api_key_id": ["ai_log.consumer", "consumer", "x_mse_consumer"],
    "request_id": "request_id",
    "status": "response_code",
    "method": "method",
    "path": "path",
    "request.model": "ai_log.model",
    "request.stream": {"from": "ai_log.response_type", "stream": True, "normal": False},
    "response.id": "ai_log.chat_id",
    "response.model": "ai_log.model",
    "usage.prompt_tokens": "ai_log.input_token",
    "usage.completion_tokens": "ai_log.output_token",
    "usage.total_tokens": "ai_log.total_token",
    "usage.cached_tokens": [
        "ai_log.cached_tokens",
        "ai_log.input_token_details.cached_tokens",
        "ai_log.input_token_details.cache_read_input_tokens",
        "ai_log.input_token_details.cachedContentTokenCount",
        "ai_log.input_token_details.cached_content_token_count",
    ],
    "usage.cache_write_tokens": "ai_log.input_token_details.cache_creation_input_tokens",
    "usage.reasoning_tokens": [
        "ai_log.reasoning_tokens",
        "ai_log.output_token_details.reasoning_tokens",
        "ai_log.output_token_details.thoughtsTokenCount",
        "ai_log.output_token_details.thoughts_token_count",
    ],
    "usage.prompt_audio_tokens": "ai_log.input_token_details.audio_tokens",
    "usage.completion_audio_tokens": "ai_log.output_token_details.audio_tokens",
}


PLACES = Places()


def recognises(document: JsonObject) -> bool:
    """Tell a line with the plugin's field."""
    return "ai_log" in document


def entries(document: JsonObject) -> list[JsonObject]:
    """Return the line where it is about a model.

    Raises ``LineRefused`` (``contradictory_usage``) where a tool consumed what may be charged or not.
    """
    line = without_absent(document)
    path, method = line.get("path"), method_of(line.get("method"), line.get("response_code"))
    if recognises(document) and not is_about_a_model(path, method, is_traced=bool(line.get("ai_log"))):
        return []
    of_plugin = _object(line.get("ai_log"))
    of_tool = number(_object(of_plugin.get("input_token_details")).get(_OF_TOOL))
    if (is_integer(of_tool) or isinstance(of_tool, Decimal)) and of_tool:
        detail = f"{_OF_TOOL} is {shown(of_tool)}, and whether they are charged Higress does not say"
        raise LineRefused(QuarantineReason.CONTRADICTORY_USAGE, detail)
    values: JsonObject = {}
    if of_plugin.get("model") in _NO_MODEL:
        values["ai_log"] = changed(of_plugin, {"model": None})
    if is_route_of_ones_own(path, method) and _is_of_a_model(of_plugin):
        values["path"] = None
    return [changed(line, values)] if values else [line]


def _object(stated: Any) -> JsonObject:
    found = document_in(stated, depth_max=DEPTH_MAX) if isinstance(stated, str) else stated
    return found if isinstance(found, dict) else {}


def _is_of_a_model(of_plugin: JsonObject) -> bool:
    """Tell what the plugin wrote of a model's answer, by the model or a count, from what it writes of any request."""
    is_counted = any(of_plugin.get(name) is not None for name in _COUNTS)
    return is_counted or of_plugin.get("model") not in (None, "", *_NO_MODEL)
