"""Embeddings of all APIs: what they consume is a prompt, and nothing is generated.

OpenAI's shape states ``usage.prompt_tokens`` = ``total_tokens`` (856 of 856 recorded), Voyage the total alone, Cohere
``meta.billed_units.input_tokens`` and beside it ``image_tokens``, which it bills as well, unless ``text_tokens`` beside
both say that the input is all of it (``ApiMetaBilledUnits``), or ``images`` alone where an older model of its took one
(5 of 5 recorded), SGLang ``meta_info.prompt_tokens``, Gemini ``usageMetadata.promptTokenCount`` or, of a batch,
``tokenCount``, Ollama ``prompt_eval_count``, Titan ``inputTextTokenCount``, watsonx ``input_token_count``, MiniMax
``total_tokens`` beside its ``vectors``, DashScope ``usage`` beside ``output.embeddings``, GigaChat a count beside each
vector, Oracle one for each text (``inputTextTokenCounts``) and its model as ``modelId``, Vercel's SDK ``usage.tokens``.
Source: the API references of each; ``batches.py`` of googleapis/python-genai for batches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.reading import (
    Reading,
    Stated,
    count,
    count_of,
    counted_at,
    error_of,
    first,
    generates,
    in_turn,
    list_at,
    object_at,
    others_of,
    part_at,
    sum_of,
    with_others,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.collectors.bodies.body import Body
    from pipeline.collectors.families.reading import Asked
    from pipeline.collectors.values.strict_json import JsonObject

NAME = "embeddings"
_OF_EACH_TEXT = "inputTextTokenCounts"
_MODEL = ("model", "modelId", "model_id", "modelVersion")
"""The second is Oracle's, the third watsonx's (``EmbeddingsResponse`` of IBM's SDK for Node), the last Gemini's."""
_OTHERS = {"image_tokens": ("meta", "billed_units", "image_tokens")}
"""Of the prompt, what may have another price, and no meter."""
_INSTEAD = {"images": ("meta", "billed_units", "images")}
"""What is billed where no tokens are."""


def recognises(document: JsonObject) -> bool:
    """Tell an answer that holds embeddings; one of which something was generated may hold what looks so."""
    return _holds_vectors(document) and not generates(document)


def _holds_vectors(document: JsonObject) -> bool:
    if any(name in document for name in ("embedding", "embeddings", "embeddingsByType")) and "choices" not in document:
        return True
    if "embeddings" in part_at(document, "output") or "embedding" in part_at(document, "data"):
        return True
    if "vectors" in document and "total_tokens" in document:
        return True
    firsts = [one for name in ("data", "predictions", "results") for one in list_at(document, name)[:1]]
    firsts += [inner for one in firsts if isinstance(one, dict) for inner in list_at(one, "data")[:1]]
    return any(isinstance(one, dict) and ("embedding" in one or "embeddings" in one) for one in firsts)


def read(body: Body, asked: Asked) -> Reading:
    """Read embeddings, of one answer or of several. Raises ``LineRefused`` where a count is none."""
    del asked
    return with_others(map(_read_one, in_turn(body.documents, lambda document: bool(_prompt(document)))))


def _read_one(documents: Sequence[JsonObject]) -> Reading:
    prompt: int | None = None
    others: dict[str, int] = {}
    for document in documents:
        found = _prompt(document)
        prompt = prompt if found is None else found
        others |= others_of(document, _OTHERS if found is not None else _INSTEAD)
    return Reading(
        family=NAME,
        stated=_stated(prompt, others),
        response_id=first(document.get("id") for document in documents),
        model=first(document.get(name) for document in documents for name in _MODEL),
        has_error=any(map(error_of, documents)),
        has_content=any(map(recognises, documents)),
    )


def _stated(prompt: int | None, others: dict[str, int]) -> Stated | None:
    if prompt is None:
        return Stated(prompt=None, completion=None, others=others) if others else None
    return Stated(prompt=prompt, completion=0, others=others)


def _prompt(document: JsonObject) -> int | None:
    return next((found for found in _counts(document) if found is not None), None)


def _counts(document: JsonObject) -> Iterator[int | None]:
    """Yield what is stated at each of the places where a prompt may be counted; the first that is counts."""
    places = (("usage",), ("meta", "billed_units"), ("meta", "tokens"), ("meta_info",), ("usageMetadata",))
    usage, billed, tokens, of_sglang, of_gemini = (object_at(document, *place) for place in places)
    yield count_of(usage, "prompt_tokens", "input_tokens", "total_tokens", "promptTokens", "inputTokens", "tokens")
    yield _billed_by_cohere(billed)
    yield count_of(tokens, "input_tokens")
    yield count_of(of_sglang, "prompt_tokens")
    yield count_of(of_gemini, "promptTokenCount", "totalTokenCount")
    yield count_of(document, "prompt_eval_count", "inputTextTokenCount", "input_token_count", "total_tokens")
    yield count_of(document, "tokenCount")
    yield sum_of(*(count(each, _OF_EACH_TEXT) for each in counted_at(document, _OF_EACH_TEXT)))
    yield sum_of(*(count_of(object_at(one, "usage"), "prompt_tokens") for one in counted_at(document, "data")))
    yield _statistics(document)


def _billed_by_cohere(billed: JsonObject) -> int | None:
    whole, images, text = (count_of(billed, name) for name in ("input_tokens", "image_tokens", "text_tokens"))
    parts = sum_of(images, text)
    return parts if text is not None and whole in (None, parts) else sum_of(whole, images)


def _statistics(document: JsonObject) -> int | None:
    """Return the sum over an embedding's or a batch's ``statistics.token_count`` (Vertex)."""
    predicted = [object_at(one, "embeddings") for one in counted_at(document, "predictions")]
    lists: list[Any] = [document.get("embedding"), *counted_at(document, "embeddings"), *predicted]
    counts = [count_of(object_at(one, "statistics"), "token_count", "tokenCount") for one in lists]
    return sum(found for found in counts if found is not None) if any(found is not None for found in counts) else None
