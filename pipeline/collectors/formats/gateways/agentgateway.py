"""agentgateway's access log in JSON (``logging.format: json``), with what it states of a call of a model.

Facts. A line has the ``scope`` ``request``, and is written when the request has ended; its ``duration`` (``1250ms``)
before that it arrived. What a request has not is absent. The names of a model's call are those of OpenTelemetry's
conventions 1.40, without an operation for anything else but ``gen_ai.tool.name`` and ``gen_ai.prompt.name``, which are
MCP's. Counts are of one convention for all providers since August 2026 (its pull request 2880): the input includes what
was read from and written to a cache; before, Anthropic's and Bedrock's left it out, and nothing in the line tells. The
output includes reasoning. Of an answer that states no usage, the input may be counted by a tokenizer (``tokenize``);
there is no output then. There is no body and no id of the answer: where calls are traced, the ids of trace and span are
there, as in the span. Whose call it was is what a token says (``jwt.sub``), or what the configuration adds.

Source: ``crates/agentgateway/src/telemetry/log.rs``, ``crates/core/src/telemetry.rs`` and ``crates/llm/src/lib.rs`` of
agentgateway/agentgateway (September 2026), https://agentgateway.dev/docs/standalone/latest/reference/cel/.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipeline.collectors.formats.gateways.access_logs import (
    changed,
    is_about_a_model,
    is_route_of_ones_own,
    method_of,
    without_absent,
)
from pipeline.collectors.formats.instants import instant_us
from pipeline.collectors.formats.places import Places
from pipeline.collectors.formats.traced_ids import traced_id
from pipeline.collectors.values.refusal import LineRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.collectors.values.strict_json import JsonObject

NAME = "agentgateway"

_PATH, _METHOD, _STATUS = "http.path", "http.method", "http.status"
_MODELS = ("gen_ai.request.model", "gen_ai.response.model")
_TAKEN = re.compile(r"([0-9]{1,12})ms", re.ASCII)
_MILLISECOND_US = 1_000
_EMBEDDINGS, _EMBEDDINGS_PATH = "embeddings", "/v1/embeddings"
_OF_NO_USE = (
    *("provider.name", "request.temperature", "request.top_p", "request.max_tokens", "request.seed", "prompt.name"),
    *("request.frequency_penalty", "request.presence_penalty", "request.encoding_formats", "tool.name"),
)
"""What else such names begin with: another format goes through all of them."""

MAPPING: Mapping[str, Any] = {
    "ts": ["arrived_at", "time"],
    "api_key_id": ["api_key_id", '"agw.api_key.name"', '"jwt.sub"'],
    "request_id": ["request_id", "traced_id"],
    "status": f'"{_STATUS}"',
    "method": f'"{_METHOD}"',
    "path": f'"{_PATH}"',
    "request.model": f'"{_MODELS[0]}"',
    "response.id": '"gen_ai.response.id"',
    "response.model": f'"{_MODELS[1]}"',
    "service_tier": '"gen_ai.response.service_tier"',
    "usage.prompt_tokens": '"gen_ai.usage.input_tokens"',
    "usage.completion_tokens": '"gen_ai.usage.output_tokens"',
    "usage.cached_tokens": '"gen_ai.usage.cache_read.input_tokens"',
    "usage.cache_write_tokens": '"gen_ai.usage.cache_creation.input_tokens"',
    "usage.reasoning_tokens": '"gen_ai.usage.reasoning_tokens"',
    "usage.prompt_audio_tokens": '"gen_ai.usage.input_audio_tokens"',
    "usage.completion_audio_tokens": '"gen_ai.usage.output_audio_tokens"',
}
PLACES = Places(
    fields={"request_id": ["request_id", '"trace.id"', '"span.id"']},
    durations=("duration",),
    marks=tuple(f'"gen_ai.{name}"' for name in _OF_NO_USE),
)


def recognises(document: JsonObject) -> bool:
    """Tell a line about a request, by its scope and by where the request came from."""
    return document.get("scope") == "request" and "src.addr" in document and "duration" in document


def entries(document: JsonObject) -> list[JsonObject]:
    """Return the line where it is about a model, with when it arrived, and the ids of its span as one."""
    line = without_absent(document)
    path, method = line.get(_PATH), method_of(line.get(_METHOD), line.get(_STATUS))
    is_traced = any(line.get(name) for name in _MODELS)
    if recognises(document) and not is_about_a_model(path, method, is_traced=is_traced):
        return []
    traced = traced_id(line.get("trace.id"), line.get("span.id"))  # as OpenTelemetry's spans of the same call have it
    found: JsonObject = {"arrived_at": _arrival(line), "traced_id": traced}
    if is_traced and is_route_of_ones_own(path, method):
        is_embedding = line.get("gen_ai.operation.name") == _EMBEDDINGS
        found[_PATH] = _EMBEDDINGS_PATH if is_embedding else None
    return [changed(line, found)]


def _arrival(line: JsonObject) -> int | None:
    """Return when the request arrived, in microseconds since 1970; ``None`` where the line does not say."""
    stated = line.get("duration")
    taken = _TAKEN.fullmatch(stated) if isinstance(stated, str) else None
    try:
        return None if taken is None else instant_us(line.get("time"), "time") - int(taken[1]) * _MILLISECOND_US
    except LineRefused:
        return None
