"""OpenAI's Responses API, as JSON, as a stream, by polling, and compacted.

Usage stands in ``usage`` of the response; a stream states it once, in its final event (``response.completed`` or
``.incomplete``), and null before. ``input_tokens`` includes what was cached and written, ``output_tokens`` includes
reasoning, ``total_tokens`` is their sum: 2,348 of 2,348 recorded. Source: the API reference of OpenAI,
``Response.usage``. A background response is queued without usage, and states it to a later ``GET …/responses/{id}``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.collectors.families.reading import (
    Reading,
    Stated,
    any_of,
    count_of,
    error_of,
    first,
    last,
    list_at,
    object_at,
    others_of,
    part_at,
    word,
)

if TYPE_CHECKING:
    from pipeline.collectors.bodies.body import Body
    from pipeline.collectors.families.reading import Asked
    from pipeline.collectors.strict_json import JsonObject

NAME = "openai-responses"

_OBJECTS = ("response", "response.compaction")
_OTHERS = {"searches": ("num_sources_used",), "server_tool_calls": ("num_server_side_tools_used",)}


def recognises(document: JsonObject) -> bool:
    """Tell a response, a compaction, or an event of their streams."""
    return _is_answer(document) or word(document.get("type")).startswith("response.")


def read(body: Body, asked: Asked) -> Reading:
    """Read a response. Raises ``LineRefused`` where a count is none."""
    del asked
    answers = [inner if (inner := object_at(document, "response")) else document for document in body.documents]
    stated = None
    for answer in answers:
        stated = _stated(object_at(answer, "usage")) or stated
    failed = any(any_of(answer, "status") == "failed" or error_of(answer) for answer in answers)
    return Reading(
        family=NAME,
        stated=stated,
        response_id=first(
            answer.get("id")
            for document, answer in zip(body.documents, answers, strict=True)
            if _is_answer(document) or "response" in document
        ),
        model=first(answer.get("model") for answer in answers),
        service_tier=last(answer.get("service_tier") for answer in answers),
        finish_reason=last(_finish_reason(answer) for answer in answers if _is_answer(answer)),
        choices=1,
        has_error=failed or any(map(error_of, body.documents)),
        has_content=any(list_at(answer, "output") for answer in answers),
        generated_chunks=sum(bool(word(any_of(document, "delta"))) for document in body.documents),
    )


def _is_answer(document: JsonObject) -> bool:
    return any(word(any_of(place, "object")) in _OBJECTS for place in (document, object_at(document, "response")))


def _finish_reason(answer: JsonObject) -> object:
    return part_at(answer, "incomplete_details").get("reason") or answer.get("status")


def _stated(usage: JsonObject) -> Stated | None:
    prompt = count_of(usage, "input_tokens", "prompt_tokens")
    completion = count_of(usage, "output_tokens", "completion_tokens")
    if prompt is None or completion is None:
        return None
    of_prompt, of_completion = object_at(usage, "input_tokens_details"), object_at(usage, "output_tokens_details")
    return Stated(
        prompt=prompt,
        completion=completion,
        cached=count_of(of_prompt, "cached_tokens"),
        written=count_of(of_prompt, "cache_write_tokens", "cache_creation_input_tokens", "cache_creation_tokens"),
        reasoning=count_of(of_completion, "reasoning_tokens"),
        prompt_audio=count_of(of_prompt, "audio_tokens"),
        completion_audio=count_of(of_completion, "audio_tokens"),
        total=count_of(usage, "total_tokens"),
        others=others_of(usage, _OTHERS),
    )
