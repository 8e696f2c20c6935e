"""What frameworks make of answers, and applications log in their place: a message or a response of the framework's own.

* ``langchain``: messages. ``usage_metadata`` has parts within their wholes, and the total tells where its integration
  for Vertex AI leaves thoughts out. Chunks of a stream state what is to be added up. ``id`` is the run's;
  ``response_metadata`` has the provider's, and its model. ``LLMResult``, which its callbacks hand on, has the messages
  of each prompt, of which each states the usage of all answers to it; where none does, ``llm_output`` may, for all
  prompts together. Source: ``AIMessage``, ``add_usage`` and ``LLMResult`` of its core; ``_create_chat_result`` and
  ``_combine_llm_outputs`` of its package for OpenAI.
* ``pydantic-ai``: ``ModelResponse``; the input includes what was cached and written. Source: its ``messages.py``.
* ``microsoft-ai``: ``ChatResponse`` of Microsoft.Extensions.AI, in the letters of either of its serializers, and what
  OpenAI's SDK for .NET makes of an answer, whose parts lie within details (``InputTokenDetails.CachedTokenCount``).
  Source: ``UsageDetails`` of dotnet/extensions, ``ChatTokenUsage`` and ``ResponseTokenUsage`` of openai-dotnet.
* ``spring-ai``: ``ChatResponse`` of Spring AI. ``promptTokens`` are the provider's own input, which Anthropic's leaves
  the cache out of; ``nativeUsage`` is its usage object, which counts where it has both counts. Source: ``DefaultUsage``
  and ``ChatResponseMetadata`` of spring-projects/spring-ai.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.collectors.families.chat_usage import both_counts, stated_by
from pipeline.collectors.families.native.counted import Native
from pipeline.collectors.families.reading import (
    Reading,
    Stated,
    any_of,
    counted_at,
    error_of,
    first,
    last,
    latest,
    list_at,
    object_at,
    part_at,
    sum_of,
    word,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from pipeline.collectors.bodies.body import Body
    from pipeline.collectors.families.reading import Asked
    from pipeline.collectors.values.strict_json import JsonObject

_LANGCHAIN = "langchain"
_OUTPUT = "llm_output"
_CHUNK = "AIMessageChunk"
_MESSAGES = ("ai", _CHUNK)
_MODELS = ("model_name", "model", "model_id")
_REASONS = ("finish_reason", "stop_reason", "done_reason")


class Framework(NamedTuple):
    """A framework whose documents are read by code of their own."""

    name: str
    recognises: Callable[[JsonObject], bool]
    read: Callable[[Body, Asked], Reading]


def _is_langchain(document: JsonObject) -> bool:
    is_message = any_of(document, "type") in _MESSAGES and "response_metadata" in document
    return is_message or _is_result(document)


def _is_result(document: JsonObject) -> bool:
    return isinstance(any_of(document, "generations"), list) and _OUTPUT in document


def _read_langchain(body: Body, asked: Asked) -> Reading:
    """Read messages, chunks of one, or results. Raises ``LineRefused`` where a count is none, or contradicts another.

    What several messages of one prompt state is its usage, once.
    """
    documents = [document for document in body.documents if _is_langchain(document)]
    answers = [answer for document in documents for answer in _answers_in(document)]
    model = first(_of_answer(answer, _MODELS) for answer in answers)
    named, stated = word(model) or asked.model, None
    for document in documents:
        own = _of_result(document, named) if _is_result(document) else _of_message(document, named)
        stated = _added(stated, own) if any_of(document, "type") == _CHUNK else latest(stated, own)
    said = [bool(any(any_of(answer, name) for name in ("content", "tool_calls", "text"))) for answer in answers]
    return Reading(
        family=_LANGCHAIN,
        stated=stated,
        response_id=last(_of_answer(answer, ("id",)) for answer in answers),
        model=model,
        finish_reason=last(_of_answer(answer, _REASONS) for answer in answers),
        choices=1,
        has_error=any(map(error_of, body.documents)),
        has_content=any(said),
        generated_chunks=sum(said),
    )


def _answers_in(document: JsonObject) -> Iterator[JsonObject]:
    """Yield a message, or what a result has of each answer, and of all of them."""
    if not _is_result(document):
        yield document
        return
    for prompt in _prompts_in(document):
        for each in prompt:
            yield from (part_at(each, "message", "kwargs") or part_at(each, "message"), each)
    yield {"response_metadata": part_at(document, _OUTPUT)}


def _prompts_in(document: JsonObject) -> list[list[JsonObject]]:
    """Return what a result has of each prompt: the answers to it."""
    prompts = [prompt for prompt in counted_at(document, "generations") if isinstance(prompt, list)]
    return [[each for each in prompt if isinstance(each, dict)] for prompt in prompts]


def _of_result(document: JsonObject, model: str | None) -> Stated | None:
    """Return what the prompts of a result state together, else what it states of them itself."""
    of_prompts = [
        next((usage for each in prompt if (usage := _usage_of(each))), {}) for prompt in _prompts_in(document)
    ]
    if of_prompts and all(of_prompts):
        stated = None
        for usage in of_prompts:
            stated = _added(stated, stated_by(usage, model=model))
        return stated
    usage = object_at(document, _OUTPUT, "token_usage") or object_at(document, _OUTPUT, "usage")
    return stated_by(usage, model=model) if usage else None


def _usage_of(generation: JsonObject) -> JsonObject:
    return object_at(generation, "message", "kwargs", "usage_metadata") or object_at(
        generation, "message", "usage_metadata"
    )


def _of_message(document: JsonObject, model: str | None) -> Stated | None:
    usage = object_at(document, "usage_metadata") or object_at(document, "response_metadata", "token_usage")
    return stated_by(usage, model=model) if usage else None


def _of_answer(document: JsonObject, names: Sequence[str]) -> Any:
    said = ("response_metadata", "generation_info")
    return first(part_at(document, of).get(name) for of in said for name in names)


def _added(earlier: Stated | None, later: Stated | None) -> Stated | None:
    """Return what two chunks state together."""
    if earlier is None or later is None:
        return later if earlier is None else earlier
    return Stated(
        prompt=sum_of(earlier.prompt, later.prompt),
        completion=sum_of(earlier.completion, later.completion),
        cached=sum_of(earlier.cached, later.cached),
        written=sum_of(earlier.written, later.written),
        written_1h=sum_of(earlier.written_1h, later.written_1h),
        reasoning=sum_of(earlier.reasoning, later.reasoning),
        prompt_audio=sum_of(earlier.prompt_audio, later.prompt_audio),
        completion_audio=sum_of(earlier.completion_audio, later.completion_audio),
        conventions=(*earlier.conventions, *(one for one in later.conventions if one not in earlier.conventions)),
    )


def _is_pydantic(document: JsonObject) -> bool:
    return any_of(document, "kind") == "response" and isinstance(any_of(document, "parts"), list)


def _is_microsoft(document: JsonObject) -> bool:
    return any(name in object_at(document, of) for of, name in (("usage", _INPUT), ("Usage", _INPUT_OF_OLD)))


_INPUT, _INPUT_OF_OLD = "inputTokenCount", "InputTokenCount"
_SPRING = "spring-ai"
_OF_SPRING = ("promptTokens", "completionTokens", "generationTokens", "totalTokens")
"""What Spring AI counts; the third is what it called the second before its first version."""


def _is_spring(document: JsonObject) -> bool:
    has_answer = "result" in document or "results" in document
    return has_answer and _OF_SPRING[0] in object_at(document, "metadata", "usage")


def _read_spring(body: Body, asked: Asked) -> Reading:
    """Read responses of Spring AI. Raises ``LineRefused`` where a count is none, or contradicts another."""
    documents = [document for document in body.documents if _is_spring(document)]
    model = first(part_at(document, "metadata").get("model") for document in documents)
    stated = None
    for document in documents:
        usage = object_at(document, "metadata", "usage")
        native = object_at(usage, "nativeUsage")
        stated = latest(
            stated, stated_by(native if both_counts(native) else _of_spring(usage), model=word(model) or asked.model)
        )
    results = [result for document in documents for result in _results_in(document)]
    said = [
        bool(any(any_of(part_at(result, "output"), name) for name in ("text", "content", "toolCalls")))
        for result in results
    ]
    return Reading(
        family=_SPRING,
        stated=stated,
        response_id=last(part_at(document, "metadata").get("id") for document in documents),
        model=model,
        finish_reason=last(part_at(result, "metadata").get("finishReason") for result in results),
        choices=1,
        has_error=any(map(error_of, body.documents)),
        has_content=any(said),
        generated_chunks=sum(said),
    )


def _of_spring(usage: JsonObject) -> JsonObject:
    prompt, completion, generated, total = (usage.get(name) for name in _OF_SPRING)
    answered = generated if completion is None else completion
    return {"prompt_tokens": prompt, "completion_tokens": answered, "total_tokens": total}


def _results_in(document: JsonObject) -> Iterator[JsonObject]:
    listed = [result for result in list_at(document, "results") if isinstance(result, dict)]
    yield from listed or [part_at(document, "result")]


FRAMEWORKS: tuple[Native | Framework, ...] = (
    Framework(_LANGCHAIN, _is_langchain, _read_langchain),
    Framework(_SPRING, _is_spring, _read_spring),
    Native(
        "pydantic-ai",
        _is_pydantic,
        usage=("usage",),
        response_id=(("provider_response_id",), ("vendor_id",)),
        model=(("model_name",),),
        finish_reason=(("finish_reason",),),
        text=(("parts", "content"), ("parts", "args")),
    ),
    Native(
        "microsoft-ai",
        _is_microsoft,
        prompt=(("usage", _INPUT), ("Usage", _INPUT_OF_OLD)),
        completion=(("usage", "outputTokenCount"), ("Usage", "OutputTokenCount")),
        cached=(
            *(("usage", "cachedInputTokenCount"), ("Usage", "CachedInputTokenCount")),
            ("Usage", "InputTokenDetails", "CachedTokenCount"),
        ),
        reasoning=(
            *(("usage", "reasoningTokenCount"), ("Usage", "ReasoningTokenCount")),
            ("Usage", "OutputTokenDetails", "ReasoningTokenCount"),
        ),
        total=(("usage", "totalTokenCount"), ("Usage", "TotalTokenCount")),
        response_id=(("responseId",), ("ResponseId",), ("Id",)),
        model=(("modelId",), ("ModelId",), ("Model",)),
        finish_reason=(("finishReason",), ("FinishReason",)),
        text=(("messages", "contents"), ("Messages", "Contents"), ("contents",), ("Contents",), ("Content",)),
    ),
)
"""In the order in which they are asked."""
