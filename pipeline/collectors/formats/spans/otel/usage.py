"""How usage is counted where a tool counts otherwise than the conventions say, or keeps the answer itself in its spans.

Owns what is done about it, a function a tool. Does not own names (``conventions``), nor what counts mean once they are
said in a way that is known (``pipeline.collectors.families``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.native import vercel
from pipeline.collectors.families.reading import less, word
from pipeline.collectors.formats.mapping import first_count, object_in
from pipeline.collectors.formats.spans.otel.conventions import (
    ADK,
    ANSWER_OF_ADK,
    CACHED_AUDIO,
    COUNTS,
    DETAILS_OF_LANGSMITH,
    DETAILS_OF_VERCEL,
    EVENT_OF_CODEX,
    EVENT_OF_GEMINI_CLI,
    EVENT_OF_QWEN_CODE,
    METADATA_OF_VERCEL,
    MODELS,
    NOT_COUNTED,
)
from pipeline.collectors.formats.spans.otel.held import answer_held
from pipeline.collectors.formats.spans.otel.otlp import first, has_error, integer_of
from pipeline.collectors.formats.traced_ids import traced_id
from pipeline.collectors.values.traced import is_integer, whole_number

if TYPE_CHECKING:
    from pipeline.collectors.formats.spans.otel.conventions import Event
    from pipeline.collectors.values.strict_json import JsonObject

_IS_COUNTED_BY_ADK = re.compile(r'"(?:prompt|total)_token_count":')
_GEMINI = re.compile(r"(?:.*/)?models/gemini-[^/]*|gemini-[^/]*")
"""Models that ADK asks itself; those that LiteLLM asks for it have a provider before their name."""
_LAST = re.compile(r"\.")
_NUMBER_IN = re.compile(r"""['"]([a-z0-9_]{1,64})['"]: ?([0-9]{1,19})(?![0-9.eE])""")
_FAST = re.compile("fast")


def usage_of(attributes: JsonObject) -> JsonObject:
    """Return what the attributes of an inference say of its usage, and of its answer where that is among them."""
    counted = {
        **_held(attributes),
        **{f"usage.{name}": count(attributes, *names) for name, names in COUNTS.items()},
        "usage.completion_tokens": _output(attributes),
        "usage.prompt_audio_tokens": _uncached_audio(attributes),
    }
    return counted if states_usage(attributes) else {**counted, **answer_held(attributes)}


def two_counts(attributes: JsonObject) -> JsonObject:
    """Return the prompt and the completion, as they are stated."""
    return {name: count(attributes, *COUNTS[name]) for name in ("prompt_tokens", "completion_tokens")}


def states_usage(attributes: JsonObject) -> bool:
    """Tell whether one of the two counts is stated."""
    return any(value is not None for value in two_counts(attributes).values())


def count(attributes: JsonObject, *names: str) -> Any:
    """Return the first count of several names, but for a zero beside a real one, and for what stands for no count."""
    return first_count(_stated(attributes, name) for name in names)


def of_event(event: Event, record: JsonObject, attributes: JsonObject) -> JsonObject:
    """Return what a tool's own event of a call says of the answer."""
    usage = _usage_named(event, attributes)
    if event is EVENT_OF_GEMINI_CLI:
        return {"response": {"usageMetadata": usage}} if any(usage.values()) else {}
    if event is EVENT_OF_QWEN_CODE:
        return {"response.id": attributes.get("response_id"), "usage": usage}
    if event is EVENT_OF_CODEX:
        call = traced_id(attributes.get("conversation.id"), attributes.get("event.timestamp"))
        return {"request_id": call, **{f"usage.{name}": value for name, value in usage.items()}}
    return {"response.error": has_error(record, attributes), **_of_coding_tool(attributes, usage)}


def _of_coding_tool(attributes: JsonObject, usage: JsonObject) -> JsonObject:
    """Return what an event of Anthropic's coding tool says; its input leaves out what was cached, as the API's does."""
    is_fast = any(_FAST.fullmatch(word(value)) for value in usage.values())
    tier = _FAST.pattern if is_fast else None
    return {"response.id": attributes.get("request_id"), "service_tier": tier, "usage": usage}


def _usage_named(event: Event, attributes: JsonObject) -> JsonObject:
    """Return what an API calls attributes of a tool's event, whose numbers may be texts."""
    named = ((event.usage.fullmatch(name), value) for name, value in attributes.items())
    return {str(found.lastgroup): integer_of(value) for found, value in named if found is not None}


def _stated(attributes: JsonObject, name: str) -> Any:
    value = attributes.get(name)
    return None if name in NOT_COUNTED and value == NOT_COUNTED[name] else value


def _held(attributes: JsonObject) -> JsonObject:
    """Return the answer, and parts of the two counts, that a span holds as text."""
    answer = _answer_of_adk(attributes) or _answer_of_vercel(attributes)
    held = {"response": answer, "usage": _details_of_langsmith(attributes)}
    return {name: value for name, value in held.items() if value is not None}


def _answer_of_adk(attributes: JsonObject) -> str | None:
    """Return the answer that a span of Google's ADK holds, where that counts anything.

    It is JSON text in the names of Google's SDK, unless ADK was told to leave contents out (``trace_call_llm`` of its
    ``telemetry/tracing.py``). The counts of the answer come before those of the span.
    """
    held = word(attributes.get(ANSWER_OF_ADK))
    return held if _IS_COUNTED_BY_ADK.search(held) else None


def _answer_of_vercel(attributes: JsonObject) -> JsonObject | None:
    """Return the result that a span of Vercel's SDK tells of, where its counts are those of a provider that says how.

    The SDK counted as each provider does before its version 6, and spans of its version 5 leave out what was cached or
    thought (``generate-text.ts``). What the provider says beside it is in the span as JSON text, the usage objects of
    Anthropic and Google among it. ``None`` where its counts have their parts, or are none: then they say what they are.
    """
    held = word(attributes.get(METADATA_OF_VERCEL))
    if not held or any(attributes.get(name) is not None for name in DETAILS_OF_VERCEL):
        return None
    counts = {name: count(attributes, *names) for name, names in COUNTS.items()}
    of_all = [value for value in counts.values() if value is not None]
    if not any(two_counts(attributes).values()) or not all(map(is_integer, of_all)):
        return None
    return vercel.of_span(counts, object_in(held))


def _details_of_langsmith(attributes: JsonObject) -> JsonObject | None:
    """Return parts of the two counts that LangSmith's SDK has as text of an object; ``None`` where none are.

    They are those of LangChain, within their wholes: JSON by the SDK for JavaScript, Python's own notation by that for
    Python (``_set_io_attributes`` of ``langsmith/_internal/otel/_otel_exporter.py``).
    """
    stated = {_LAST.split(name)[-1]: word(attributes.get(name)) for name in DETAILS_OF_LANGSMITH}
    return {name: _numbers_in(text) for name, text in stated.items() if text} or None


def _numbers_in(text: str) -> JsonObject:
    """Return the whole numbers of an object by their names; JSON writes these in other quotes than Python."""
    return {name: whole_number(value) for name, value in _NUMBER_IN.findall(text)}


def _output(attributes: JsonObject) -> Any:
    """Return the output, with the thoughts that older versions of Google's ADK state beside that of Gemini.

    Before its version 2.4 the output was without thoughts, which stood beside it or, in the oldest versions, nowhere:
    in its own test an answer of 50 candidates and 10 thoughts was an output of 50, and is one of 60 since. What it asks
    through LiteLLM, by a model with its provider before it, has thoughts within. What is no count stays as it is, to be
    refused.
    """
    output = count(attributes, *COUNTS["completion_tokens"])
    thoughts = first(attributes, *ADK.counts["reasoning_tokens"])
    are_counts = all(is_integer(value) and value >= 0 for value in (output, thoughts))
    is_beside = are_counts and _GEMINI.fullmatch(word(first(attributes, *MODELS))) is not None
    return output + thoughts if is_beside else output


def _uncached_audio(attributes: JsonObject) -> Any:
    """Return what of the prompt's audio was not read from a cache; what is no count stays as it is, to be refused."""
    audio, cached = count(attributes, *COUNTS["prompt_audio_tokens"]), first(attributes, *CACHED_AUDIO)
    are_counts = all(is_integer(value) and value >= 0 for value in (audio, cached))
    return less(audio, cached) if are_counts else audio
