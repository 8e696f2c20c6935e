"""Gemini's Interactions API: JSON and server-sent events.

prompt = ``total_input_tokens`` + ``total_tool_use_tokens``, completion = ``total_output_tokens`` +
``total_thought_tokens``, and ``total_tokens`` is the sum of all four: 45 of 45 recorded. A stream states it in
``interaction.completed``, and may state running totals beside any event before (``metadata.total_usage``, recorded as
``metadata.usage``), of which the last counts where the stream was cut. What of the input, of its cached part, of what
tools handed in and of the output was audio stands beside the totals (``input_tokens_by_modality`` and so on), the
modality in small letters.
Google charges what is searched by the query (``grounding_tool_count``): it is kept by name. Source: the reference of
the Gemini API, ``interactions``, ``Usage``, ``ModalityTokens`` and ``GroundingToolCount``; ``StepDeltaMetadata`` of
Google's SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.reading import (
    Reading,
    Stated,
    any_of,
    count_of,
    counted_at,
    error_of,
    first,
    last,
    latest,
    less,
    list_at,
    object_at,
    others_of,
    part_at,
    sum_of,
    tokens_of,
    word,
)

if TYPE_CHECKING:
    from pipeline.collectors.bodies.body import Body
    from pipeline.collectors.families.reading import Asked
    from pipeline.collectors.values.strict_json import JsonObject

NAME = "gemini-interactions"

_GROUNDED_BY = {"google_search": "web_searches", "google_maps": "map_searches", "retrieval": "retrievals"}
"""The tools whose calls Google counts, and the names of these counts in ``other_usage``."""


def recognises(document: JsonObject) -> bool:
    """Tell an interaction, or an event of its stream."""
    kind = word(document.get("event_type"))
    return (
        document.get("object") == "interaction"
        or "total_input_tokens" in object_at(document, "usage")
        or kind.startswith(("interaction.", "content.", "step."))
    )


def read(body: Body, asked: Asked) -> Reading:
    """Read an interaction. Raises ``LineRefused`` where a count is none."""
    del asked
    answers = [inner if (inner := object_at(document, "interaction")) else document for document in body.documents]
    stated = None
    for document, answer in zip(body.documents, answers, strict=True):
        beside = object_at(document, "metadata") if "event_type" in document else {}  # of an answer it is its caller's
        for usage in (object_at(beside, "usage"), object_at(beside, "total_usage"), object_at(answer, "usage")):
            stated = latest(stated, _stated(usage))
    return Reading(
        family=NAME,
        stated=stated,
        response_id=first(answer.get("id") for answer in answers),
        model=first(answer.get("model") for answer in answers),
        service_tier=last(answer.get("service_tier") for answer in answers),
        finish_reason=last(answer.get("status") for answer in answers),
        choices=1,
        has_error=any(any_of(answer, "status") == "failed" or error_of(answer) for answer in answers),
        has_content=any(list_at(answer, "outputs") for answer in answers),
        generated_chunks=sum(bool(part_at(document, "delta")) for document in body.documents),
    )


def _stated(usage: JsonObject) -> Stated | None:
    prompt, completion = count_of(usage, "total_input_tokens"), count_of(usage, "total_output_tokens")
    thoughts = count_of(usage, "total_thought_tokens", "total_reasoning_tokens")
    if prompt is None or (completion is None and thoughts is None):
        return None
    return Stated(
        prompt=prompt + (count_of(usage, "total_tool_use_tokens") or 0),
        completion=sum_of(completion, thoughts),
        cached=count_of(usage, "total_cached_tokens"),
        reasoning=thoughts,
        prompt_audio=sum_of(
            less(
                _audio(counted_at(usage, "input_tokens_by_modality")),
                _audio(counted_at(usage, "cached_tokens_by_modality")),
            ),
            _audio(counted_at(usage, "tool_use_tokens_by_modality")),
        ),
        completion_audio=_audio(counted_at(usage, "output_tokens_by_modality")),
        total=count_of(usage, "total_tokens"),
        others=_searches(usage),
    )


def _searches(usage: JsonObject) -> dict[str, int]:
    found: dict[str, int] = {}
    for counted in list_at(usage, "grounding_tool_count"):
        name = _GROUNDED_BY.get(word(any_of(counted, "type"))) if isinstance(counted, dict) else None
        if name is not None:
            found[name] = found.get(name, 0) + others_of(counted, {name: ("count",)}).get(name, 0)
    return {name: count for name, count in found.items() if count}


def _audio(details: list[Any]) -> int | None:
    return tokens_of(("audio",), details, "tokens")
