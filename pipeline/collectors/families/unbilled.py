"""Answers that are neither completions nor embeddings: recognised by their shape, never taken for chat, and not billed.

Rerank, images, audio, moderation, batches, runs of assistants, counts of tokens. What they state is kept by name, so
that it can be seen and priced. Source: recorded exchanges of each; the shapes are those of OpenAI's, Cohere's,
Gemini's and Mistral's APIs. Mistral's moderation has no ``flagged``, and its total is not the sum of its counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.collectors.families.reading import (
    OF_SVG,
    Reading,
    Stated,
    error_of,
    first,
    list_at,
    others_of,
    part_at,
    transcribed,
    word,
)

if TYPE_CHECKING:
    from pipeline.collectors.bodies.body import Body
    from pipeline.collectors.families.reading import Asked
    from pipeline.collectors.values.strict_json import JsonObject

NAME = "unbilled"

_OBJECTS = frozenset(
    ("thread.run", "thread.run.step", "batch", "vector_store", "file", "fine_tuning.job", "model", "list")
)
_EVENTS = ("transcript.", "conversation.item.", "image_generation.", "image_edit.", "speech.audio.")
"""How the types of events begin that state usage and tell of no completion."""
_PROMPT = ("prompt_tokens", "input_tokens", "promptTokenCount", "total_input_tokens")
_COMPLETION = ("completion_tokens", "output_tokens", "candidatesTokenCount", "total_output_tokens")
_TOTALS = ({"total_tokens": ("total_tokens",)}, {"total_tokens": ("totalTokenCount",)})
"""What a rerank may state alone, and a cache of Gemini's."""
_OTHERS_OF_WATSONX = {"prompt_tokens": ("input_token_count",)}
"""Where watsonx counts what it ranked (``RerankResponse`` of IBM's SDK for Node)."""
_JUDGED = ("relevance_score", "flagged", "category_scores")
"""What the first of the results of a rerank or a moderation holds, one of them."""
_OTHERS = {
    "seconds": ("seconds",),
    "search_units": ("search_units",),
    "prompt_audio_seconds": ("prompt_audio_seconds",),
    "pages": ("pages_processed",),
    "characters": ("characters",),
    "videos": ("video_count",),
    "paused_seconds": ("paused_seconds",),
}
_OTHERS_OF_PARTS = {
    "prompt_image_tokens": ("input_tokens_details", "image_tokens"),
    "prompt_audio_tokens": ("input_token_details", "audio_tokens"),
    "completion_text_tokens": ("output_tokens_details", "text_tokens"),
}
"""What of OpenAI's images and transcripts has a price of its own, and is within the counts of all."""
_OTHERS_OF_COHERE = {"classifications": ("classifications",), "pages": ("pages",)}
"""What else Cohere bills (``ApiMetaBilledUnits``)."""
_OTHERS_OF_GUARDRAILS = {
    "topic_units": ("topicPolicyUnits",),
    "content_units": ("contentPolicyUnits",),
    "content_image_units": ("contentPolicyImageUnits",),
    "sensitive_information_units": ("sensitiveInformationPolicyUnits",),
    "contextual_grounding_units": ("contextualGroundingPolicyUnits",),
    "automated_reasoning_units": ("automatedReasoningPolicyUnits",),
}
"""What Bedrock's guardrails charge, by the text and by the image (``GuardrailUsage``)."""
_OTHERS_OF_MODEL_STUDIO = {"seconds": ("duration",), "images": ("image_count",)}
_OTHERS_OF_ITS_VIDEOS = {"seconds": ("video_duration",)}
_OTHERS_OF_ARK = {"images": ("generated_images",)}
"""What Alibaba's and Volcano Engine's APIs state of what they make."""
_BESIDE_TOKENS = (
    *(_OTHERS_OF_MODEL_STUDIO, _OTHERS_OF_ITS_VIDEOS, _OTHERS_OF_ARK, _OTHERS_OF_COHERE, _OTHERS_OF_GUARDRAILS),
    *(_OTHERS_OF_PARTS, _OTHERS),
)


def recognises(document: JsonObject) -> bool:
    """Tell an answer that no meter is for."""
    of, kind = word(document.get("object")), word(document.get("type"))
    if of in _OBJECTS or kind.startswith(_EVENTS):
        return True
    if "choices" in document or "candidates" in document:
        return False
    if "usage_info" in document and "pages" in document:  # of a document that was read by machine
        return True
    if _is_judgement(document) or _is_images(document) or "cachedContents/" in word(document.get("name")):
        return True
    is_transcript = isinstance(document.get("text"), str) and (
        "segments" in document or "task" in document or "usage" in document
    )
    return is_transcript or isinstance(document.get("input_tokens"), int) or "totalTokens" in document


def _is_judgement(document: JsonObject) -> bool:
    firsts = [*list_at(document, "results")[:1], *list_at(document, "data")[:1]]
    return any(isinstance(first, dict) and any(name in first for name in _JUDGED) for first in firsts)


def _is_images(document: JsonObject) -> bool:
    first = next(iter(list_at(document, "data")), None)
    return isinstance(first, dict) and ("b64_json" in first or "url" in first)


def read(body: Body, asked: Asked) -> Reading:
    """Read what is stated, as names and counts; nothing of it is billed, and so nothing is refused."""
    del asked
    others: dict[str, int] = {}
    for document in body.documents:
        others.update(_others(document))
    others.update(transcribed(body.documents))
    return Reading(
        family=NAME,
        stated=Stated(prompt=None, completion=None, others=others) if others else None,
        response_id=first(document.get("id") for document in body.documents),
        model=first(document.get("model") for document in body.documents),
        has_error=any(map(error_of, body.documents)),
    )


def _others(document: JsonObject) -> dict[str, int]:
    found: dict[str, int] = {}
    for usage in (
        part_at(document, "usage"),
        part_at(document, "usageMetadata"),
        part_at(document, "meta", "billed_units"),
        part_at(document, "usage_info"),
    ):
        for name, names in (("prompt_tokens", _PROMPT), ("completion_tokens", _COMPLETION)):
            stated = [others_of(usage, {name: (own,)}) for own in names]
            found.update(next(filter(None, stated), {}))
        if not found:
            found.update(others_of(usage, *_TOTALS))
        found.update(others_of(usage, *_BESIDE_TOKENS))
    return found | others_of(document, _OTHERS_OF_WATSONX, OF_SVG)
