"""Ollama's own chat and generate: JSON, and streams of JSON lines.

Usage stands beside ``done: true``, in the last line: ``prompt_eval_count`` and ``eval_count``; thinking lies inside, no
total is stated. Old versions left the prompt's count out where the prompt came from their cache: it is unknown then,
not zero (ollama issue 2068). New ones state ``prompt_eval_cached_count``, a part of it (ollama pull 17943). No body has
an id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.collectors.families.reading import Reading, Stated, count_of, error_of, first, last, latest, part_at
from pipeline.collectors.values.strict_json import stated_once

if TYPE_CHECKING:
    from pipeline.collectors.bodies.body import Body
    from pipeline.collectors.families.reading import Asked
    from pipeline.collectors.values.strict_json import JsonObject

NAME = "ollama"


def recognises(document: JsonObject) -> bool:
    """Tell an answer, or a line of a stream."""
    return isinstance(document.get("done"), bool) and ("message" in document or "response" in document)


def read(body: Body, asked: Asked) -> Reading:
    """Read an answer. Raises ``LineRefused`` where a count is none."""
    del asked
    stated = None
    for document in body.documents:
        if stated_once(document, "done") is True:
            stated = latest(stated, _stated(document))
    generated = [bool(_text(document)) for document in body.documents]
    return Reading(
        family=NAME,
        stated=stated,
        model=first(document.get("model") for document in body.documents),
        finish_reason=last(document.get("done_reason") for document in body.documents),
        choices=1,
        has_error=any(map(error_of, body.documents)),
        has_content=any(generated),
        generated_chunks=sum(generated),
    )


def _stated(document: JsonObject) -> Stated | None:
    prompt, completion = count_of(document, "prompt_eval_count"), count_of(document, "eval_count")
    if completion is None:
        return None
    return Stated(
        prompt=prompt,
        completion=completion,
        cached=None if prompt is None else count_of(document, "prompt_eval_cached_count"),
        conventions=() if prompt is not None else ("prompt-unknown",),
    )


def _text(document: JsonObject) -> object:
    message = part_at(document, "message")
    return document.get("response") or any(message.get(name) for name in ("content", "thinking", "tool_calls"))
