"""What frameworks make of answers, and applications log in their place: a message or a response of the framework's own.

* ``langchain``: messages. ``usage_metadata`` has parts within their wholes, and the total tells where its integration
  for Vertex AI leaves thoughts out. Chunks of a stream state what is to be added up. ``id`` is the run's;
  ``response_metadata`` has the provider's, and its model. Source: ``AIMessage`` and ``add_usage`` of its core.
* ``pydantic-ai``: ``ModelResponse``; the input includes what was cached and written. Source: its ``messages.py``.
* ``microsoft-ai``: ``ChatResponse`` of Microsoft.Extensions.AI, in the letters of either of its serializers. Source:
  ``UsageDetails`` of dotnet/extensions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.collectors.families.chat_usage import stated_by
from pipeline.collectors.families.native.counted import Native
from pipeline.collectors.families.reading import (
    Reading,
    Stated,
    any_of,
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
    from collections.abc import Callable, Sequence
    from typing import Any

    from pipeline.collectors.bodies.body import Body
    from pipeline.collectors.families.reading import Asked
    from pipeline.collectors.values.strict_json import JsonObject

_LANGCHAIN = "langchain"
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
    return any_of(document, "type") in _MESSAGES and "response_metadata" in document


def _read_langchain(body: Body, asked: Asked) -> Reading:
    """Read messages, or chunks of one. Raises ``LineRefused`` where a count is none, or contradicts another."""
    documents = [document for document in body.documents if _is_langchain(document)]
    model = first(_of_answer(document, _MODELS) for document in documents)
    stated = None
    for document in documents:
        usage = object_at(document, "usage_metadata") or object_at(document, "response_metadata", "token_usage")
        own = stated_by(usage, model=word(model) or asked.model) if usage else None
        stated = _added(stated, own) if any_of(document, "type") == _CHUNK else latest(stated, own)
    said = [bool(any_of(document, "content") or any_of(document, "tool_calls")) for document in documents]
    return Reading(
        family=_LANGCHAIN,
        stated=stated,
        response_id=last(_of_answer(document, ("id",)) for document in documents),
        model=model,
        finish_reason=last(_of_answer(document, _REASONS) for document in documents),
        choices=1,
        has_error=any(map(error_of, body.documents)),
        has_content=any(said),
        generated_chunks=sum(said),
    )


def _of_answer(document: JsonObject, names: Sequence[str]) -> Any:
    return first(part_at(document, "response_metadata").get(name) for name in names)


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

FRAMEWORKS: tuple[Native | Framework, ...] = (
    Framework(_LANGCHAIN, _is_langchain, _read_langchain),
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
        cached=(("usage", "cachedInputTokenCount"), ("Usage", "CachedInputTokenCount")),
        total=(("usage", "totalTokenCount"), ("Usage", "TotalTokenCount")),
        response_id=(("responseId",), ("ResponseId",)),
        model=(("modelId",), ("ModelId",)),
        finish_reason=(("finishReason",), ("FinishReason",)),
        text=(("messages", "contents"), ("Messages", "Contents"), ("contents",), ("Contents",)),
    ),
)
"""In the order in which they are asked."""
