"""Embeddings of all APIs: what they consume is a prompt, and nothing is generated.

OpenAI's shape states ``usage.prompt_tokens`` = ``total_tokens`` (856 of 856 recorded), Voyage the total alone, Cohere
``meta.billed_units.input_tokens``, Gemini ``usageMetadata.promptTokenCount``, Ollama ``prompt_eval_count``, Titan
``inputTextTokenCount``. Source: the API references of each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.reading import (
    Reading,
    Stated,
    count_of,
    counted_at,
    error_of,
    first,
    list_at,
    object_at,
)

if TYPE_CHECKING:
    from pipeline.collectors.bodies.body import Body
    from pipeline.collectors.families.reading import Asked
    from pipeline.collectors.strict_json import JsonObject

NAME = "embeddings"


def recognises(document: JsonObject) -> bool:
    """Tell an answer that holds embeddings."""
    if any(name in document for name in ("embedding", "embeddings", "embeddingsByType")) and "choices" not in document:
        return True
    firsts = [*list_at(document, "data")[:1], *list_at(document, "predictions")[:1]]
    return any(isinstance(one, dict) and ("embedding" in one or "embeddings" in one) for one in firsts)


def read(body: Body, asked: Asked) -> Reading:
    """Read embeddings. Raises ``LineRefused`` where a count is none."""
    del asked
    prompt: int | None = None
    for document in body.documents:
        found = _prompt(document)
        prompt = prompt if found is None else found
    return Reading(
        family=NAME,
        stated=None if prompt is None else Stated(prompt=prompt, completion=0),
        response_id=first(document.get("id") for document in body.documents),
        model=first(document.get(name) for document in body.documents for name in ("model", "modelVersion")),
        has_error=any(map(error_of, body.documents)),
        has_content=any(map(recognises, body.documents)),
    )


def _prompt(document: JsonObject) -> int | None:
    places: tuple[tuple[JsonObject, tuple[str, ...]], ...] = (
        (object_at(document, "usage"), ("prompt_tokens", "input_tokens", "total_tokens")),
        (object_at(document, "meta", "billed_units"), ("input_tokens", "image_tokens")),
        (object_at(document, "meta", "tokens"), ("input_tokens",)),
        (object_at(document, "usageMetadata"), ("promptTokenCount", "totalTokenCount")),
        (document, ("prompt_eval_count", "inputTextTokenCount")),
    )
    for usage, names in places:
        found = count_of(usage, *names)
        if found is not None:
            return found
    return _statistics(document)


def _statistics(document: JsonObject) -> int | None:
    """Return the sum over an embedding's or a batch's ``statistics.token_count`` (Vertex)."""
    predicted = [object_at(one, "embeddings") for one in counted_at(document, "predictions")]
    lists: list[Any] = [document.get("embedding"), *counted_at(document, "embeddings"), *predicted]
    counts = [count_of(object_at(one, "statistics"), "token_count", "tokenCount") for one in lists]
    return sum(found for found in counts if found is not None) if any(found is not None for found in counts) else None
