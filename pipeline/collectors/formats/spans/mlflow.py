"""What MLflow says in spans: attributes of its own, each the JSON text of a value.

Facts. A trace is written with its ``info`` and its spans in ``data``, and a span has the ids of OTLP in base64.
``mlflow.spanType`` says which are about models: ``CHAT_MODEL``, ``LLM`` and ``EMBEDDING``. ``mlflow.chat.tokenUsage``
has ``input_tokens``, ``output_tokens`` and ``total_tokens``, and what was read from and written to a cache
(``cache_read_input_tokens``, ``cache_creation_input_tokens``); its integrations leave this in the input or out of it,
by their version. ``mlflow.spanOutputs`` is what the provider answered, as its client has it: where that states its
usage, it is the answer. What came by OTLP has the names of the conventions beside, whose texts are no JSON.

Whose call it was is ``mlflow.trace.user`` of the trace, where nobody says it otherwise.

Source: ``mlflow/tracing/constant.py`` and ``mlflow/bedrock/utils.py`` of mlflow/mlflow; traces recorded in "Creating AI
Processing Pipelines" (2025), and of vLLM's spans.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.reading import word
from pipeline.collectors.formats.mapping import first_count, object_in
from pipeline.collectors.values.strict_json import BrokenJson, parse

if TYPE_CHECKING:
    from pipeline.collectors.values.strict_json import JsonObject

_OWN = "mlflow."
_TYPE = "mlflow.spanType"
_USAGE = "mlflow.chat.tokenUsage"
_OUTPUTS = "mlflow.spanOutputs"
OF_OBJECTS = (_USAGE, _OUTPUTS)
"""What is the text of an object."""
_USER = "mlflow.trace.user"
_MODELS = ("mlflow.llm.model", "model")
_OPERATION = "gen_ai.operation.name"
_OPERATIONS = {"chat": re.compile('"?(?:CHAT_MODEL|LLM)"?'), "embeddings": re.compile('"?EMBEDDING"?')}
"""The types of spans that are about models, by what the conventions call it."""
_UNTOLD = re.compile('(?:"?UNKNOWN"?|(?:"")?)')
_COUNTS = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "total_tokens": "gen_ai.usage.total_tokens",
    "cache_read_input_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_creation_input_tokens": "gen_ai.usage.cache_creation.input_tokens",
}
_STATES_USAGE = ("usage", "usageMetadata", "usage_metadata")
"""What an answer has that says what it consumed."""
_BASE64 = re.compile(r"[A-Za-z0-9+/]{11}=|[A-Za-z0-9+/]{22}==")


def is_of_mlflow(attributes: JsonObject) -> bool:
    """Tell a span that MLflow made, or kept."""
    return _TYPE in attributes or _USAGE in attributes


def attributes_and_answer(attributes: JsonObject) -> tuple[JsonObject, JsonObject | None]:
    """Return attributes by the conventions, and the answer, where the span holds one that states its usage."""
    kind = word(attributes.get(_TYPE))
    operation = next((name for name, kinds in _OPERATIONS.items() if kinds.fullmatch(kind)), None)
    if _OPERATION not in attributes and operation is None and not _UNTOLD.fullmatch(kind):
        return {}, None
    named = {_OPERATION: operation} if _OPERATION not in attributes and operation is not None else {}
    usage = object_in(attributes.get(_USAGE))
    counts = {theirs: first_count((attributes.get(theirs), usage.get(ours))) for ours, theirs in _COUNTS.items()}
    outputs = object_in(attributes.get(_OUTPUTS)) if operation is not None else {}
    asked = next((found for name in _MODELS if (found := word(_plain(attributes.get(name))))), None)
    of_answer = {
        "gen_ai.request.model": asked,
        "gen_ai.response.model": word(outputs.get("model")) or None,
        "gen_ai.response.id": word(outputs.get("id")) or None,
    }
    stated = {name: value for name, value in {**of_answer, **named}.items() if value is not None}
    said = {name: _plain(attributes.get(name)) for name in attributes if not name.startswith(_OWN)}
    counted = {name: value for name, value in counts.items() if value is not None}
    has_usage = any(isinstance(outputs.get(name), dict) for name in _STATES_USAGE)
    return {**stated, **said, **counted}, outputs if has_usage else None


def resource_of(document: JsonObject) -> JsonObject:
    """Return what a trace says of all its spans: its metadata and its tags; an empty object of anything else."""
    info = object_in(document.get("info"))
    said = {**object_in(info.get("trace_metadata")), **object_in(info.get("tags"))}
    return {**said, "user.id": said[_USER]} if isinstance(said.get(_USER), str) else said


def hex_of(value: Any) -> Any:
    """Return an id that is written in base64 in hexadecimal digits; anything else as it is.

    >>> hex_of("7uGbfsPBsXQ="), hex_of("span-1")
    ('eee19b7ec3c1b174', 'span-1')
    """
    if not isinstance(value, str) or _BASE64.fullmatch(value) is None:
        return value
    try:
        return b64decode(value, validate=True).hex()
    except binascii.Error:  # pragma: no cover  # the pattern leaves nothing that is none
        return value


def _plain(value: Any) -> Any:
    """Return what is a JSON text as what it says, anything else as it is."""
    if not isinstance(value, str) or not value.startswith('"'):
        return value
    try:
        return parse(value)
    except BrokenJson:
        return value
