"""What Vercel's AI SDK makes of answers: results of ``generateText`` and of providers, and parts of their streams.

``usage`` is the last step's, or that of all steps, by version; ``totalUsage`` is that of all. Each step is a call of a
model, which may be another one, and states its own usage, in ``steps`` of a result and in the parts ``finish-step`` of
a stream: where there are steps, each is an event. What providers hand to the SDK since its version 6 has total and
parts in one object each (``inputTokens.total``, ``.cacheRead``). Source: ``LanguageModelUsage`` of its package ``ai``,
and ``LanguageModelV2Usage`` to ``V4`` of ``@ai-sdk/provider``. Genkit's responses look alike, and mean the same.

The input includes what was cached, and the output reasoning, since version 6 (``inputTokenDetails``). Before, both were
as each provider counts: Anthropic's and Bedrock's left the cache out of the input, and what the SDK has no name for
stands in ``providerMetadata``, the usage objects of Anthropic and Google among it. Google's left thoughts out of the
output, and the total tells. Source: ``anthropic-messages-language-model.ts``, ``bedrock-chat-language-model.ts`` and
``google-generative-ai-language-model.ts`` of its version 5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.chat_usage import stated_by
from pipeline.collectors.families.reading import (
    Reading,
    any_of,
    at_most,
    count_of,
    counted_at,
    error_of,
    first,
    last,
    latest,
    object_at,
    part_at,
    sum_of,
    word,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.collectors.bodies.body import Body
    from pipeline.collectors.families.reading import Asked, Stated
    from pipeline.collectors.values.strict_json import JsonObject

NAME = "vercel-sdk"

_USAGES = ("totalUsage", "usage")
_INPUT, _OUTPUT = ("inputTokens", "promptTokens"), ("outputTokens", "completionTokens")
_DETAILS = ("inputTokenDetails", "outputTokenDetails")
_STEPS = ("finish-step", "step-finish")
"""What the part of a stream is called that ends a step; the last by version 4."""
_DELTAS = ("text-delta", "reasoning-delta", "tool-input-delta", "tool-call-delta")
_OF_OPENAI, _OF_GOOGLE = ("openai", "azure"), ("google", "vertex")
_TELLING = ("anthropic", "bedrock", *_OF_OPENAI, *_OF_GOOGLE)
_MARKS = ("cachedInputTokens", "reasoningTokens", *_DETAILS)
"""What no other usage has beside ``inputTokens``."""
_OF_ORACLE = ("apiFormat", "pad")


def of_span(counts: Mapping[str, Any], metadata: JsonObject) -> JsonObject | None:
    """Return the result that a span tells of, whose ``counts`` are what the SDK counted, by our names of them.

    ``None`` where its ``metadata`` is of no provider that says how it counts.
    """
    if not any(part_at(metadata, name) for name in _TELLING):
        return None
    names = {"prompt_tokens": _INPUT[0], "completion_tokens": _OUTPUT[0], "total_tokens": "totalTokens"}
    names |= {"cached_tokens": _MARKS[0], "reasoning_tokens": _MARKS[1]}
    usage = {names[name]: value for name, value in counts.items() if name in names and value is not None}
    return {"finishReason": None, "usage": usage, "providerMetadata": metadata}


def recognises(document: JsonObject) -> bool:
    """Tell a result, or the part of a stream that ends a step or all of it; Oracle has such names as well."""
    usages = [part_at(document, name) for name in _USAGES]
    if any(isinstance(usage.get(_INPUT[0]), dict) or any(name in usage for name in _MARKS) for usage in usages):
        return True
    is_counted = any(name in usage for usage in usages for name in (*_INPUT, *_OUTPUT))
    return is_counted and "finishReason" in document and not any(name in document for name in _OF_ORACLE)


def read(body: Body, asked: Asked) -> Reading:
    """Read a result, or a stream. Raises ``LineRefused`` where a count is none, or contradicts another."""
    documents = body.documents
    model = first(_model_of(document) for document in documents)
    response_id = first(_id_of(document) for document in documents)
    steps = [step for document in documents for step in _steps(document)]
    ends = [document for document in documents if recognises(document)]
    main, *others = [_of_step(step, model, asked) for step in steps] or [_of_end(ends, model, asked)]
    return main._replace(
        response_id=main.response_id or response_id,
        finish_reason=last(_reason(end) for end in ends),
        has_error=any(map(error_of, documents)),
        has_content=any(any_of(document, name) for document in documents for name in ("text", "content", "toolCalls")),
        generated_chunks=sum(word(any_of(document, "type")) in _DELTAS for document in documents),
        parts=tuple(
            other._replace(
                response_id=other.response_id or response_id,
                has_content=True,
                part=None if isinstance(other.response_id, str) else f"step {number}",
            )
            for number, other in enumerate(others, 1)
        ),
    )


def _steps(document: JsonObject) -> list[JsonObject]:
    """Return the steps that a document is about, of which each states its own usage."""
    if any_of(document, "type") in _STEPS:
        return [document]
    steps = [step for step in counted_at(document, "steps") if isinstance(step, dict)]
    return steps if steps and all(object_at(step, "usage") for step in steps) else []


def _of_step(step: JsonObject, model: Any, asked: Asked) -> Reading:
    own = _model_of(step) or model
    return Reading(
        family=NAME,
        stated=_stated(step, object_at(step, "usage"), word(own) or asked.model),
        response_id=_id_of(step),
        model=own,
        finish_reason=_reason(step),
        choices=1,
    )


def _of_end(ends: Sequence[JsonObject], model: Any, asked: Asked) -> Reading:
    stated = None
    for end in ends:
        usage = next((found for name in _USAGES if (found := object_at(end, name))), {})
        stated = latest(stated, _stated(end, usage, word(model) or asked.model))
    return Reading(family=NAME, stated=stated, model=model, choices=1)


def _model_of(document: JsonObject) -> Any:
    return first((part_at(document, "response").get("modelId"), _of_metadata(document, "modelId")))


def _id_of(document: JsonObject) -> Any:
    return first((part_at(document, "response").get("id"), _of_metadata(document, "id")))


def _of_metadata(document: JsonObject, name: str) -> Any:
    return any_of(document, name) if any_of(document, "type") == "response-metadata" else None


def _reason(document: JsonObject) -> Any:
    reason = any_of(document, "finishReason")
    return any_of(reason, "unified") if isinstance(reason, dict) else reason


def _stated(step: JsonObject, usage: JsonObject, model: str | None) -> Stated | None:
    whole = _flat(usage)
    if not any(name in whole for name in _DETAILS):
        whole = _as_its_provider_counts(whole, object_at(step, "providerMetadata"))
    stated = stated_by(whole, model=model)
    hour = count_of(object_at(usage, "raw", "cache_creation"), "ephemeral_1h_input_tokens")
    if stated is None or not hour:
        return stated
    return stated._replace(written_1h=at_most(hour, stated.written))


def _flat(usage: JsonObject) -> JsonObject:
    """Return usage that providers hand to the SDK by the names that it hands on."""
    if not any(isinstance(usage.get(name), dict) for name in (_INPUT[0], _OUTPUT[0])):
        return usage
    of_input, of_output = object_at(usage, _INPUT[0]), object_at(usage, _OUTPUT[0])
    return {
        _INPUT[0]: of_input.get("total"),
        _OUTPUT[0]: of_output.get("total"),
        _DETAILS[0]: {"cacheReadTokens": of_input.get("cacheRead"), "cacheWriteTokens": of_input.get("cacheWrite")},
        _DETAILS[1]: {"reasoningTokens": of_output.get("reasoning")},
    }


def _as_its_provider_counts(usage: JsonObject, metadata: JsonObject) -> JsonObject:
    """Return usage of versions before 6 with what the provider counts beside it, by names that say how it counts."""
    if of_anthropic := object_at(metadata, "anthropic"):
        own = object_at(of_anthropic, "usage")
        return own if own.get("input_tokens") is not None else _of_anthropic(usage, of_anthropic)
    if of_bedrock := object_at(metadata, "bedrock", "usage"):
        read_, wrote = _cached(usage, of_bedrock, "cacheReadInputTokens"), of_bedrock.get("cacheWriteInputTokens")
        plain = {name: usage.get(name) for name in usage if name != "cachedInputTokens"}
        return {**plain, "cacheReadInputTokens": read_, "cacheWriteInputTokens": wrote}
    for provider in _OF_GOOGLE:
        of_google = object_at(metadata, provider, "usageMetadata")
        if of_google.get("promptTokenCount") is not None:
            return _of_google(of_google)
    for provider in _OF_OPENAI:
        if of_openai := object_at(metadata, provider):
            cached = _cached(usage, of_openai, "cachedPromptTokens")
            return {"reasoningTokens": of_openai.get("reasoningTokens"), **usage, "cachedInputTokens": cached}
    return usage


def _of_google(usage: JsonObject) -> JsonObject:
    return {
        _INPUT[0]: sum_of(count_of(usage, "promptTokenCount"), count_of(usage, "toolUsePromptTokenCount")),
        _OUTPUT[0]: count_of(usage, "candidatesTokenCount") or 0,
        "totalTokens": usage.get("totalTokenCount"),
        "cachedInputTokens": usage.get("cachedContentTokenCount"),
        "reasoningTokens": usage.get("thoughtsTokenCount"),
    }


def _of_anthropic(usage: JsonObject, metadata: JsonObject) -> JsonObject:
    return {
        "input_tokens": count_of(usage, *_INPUT),
        "output_tokens": count_of(usage, *_OUTPUT),
        "cache_read_input_tokens": _cached(usage, metadata, "cacheReadInputTokens"),
        "cache_creation_input_tokens": metadata.get("cacheCreationInputTokens"),
    }


def _cached(usage: JsonObject, metadata: JsonObject, name: str) -> int | None:
    found = count_of(usage, "cachedInputTokens")
    return count_of(metadata, name) if found is None else found
