"""Applications of Alibaba's Model Studio, called by DashScope: an answer of one model, or of a workflow of several.

``usage.models`` counts for each model what it read and wrote, running totals in a stream, and each model is an event.
A model that stands there twice was called twice, which is added. Source: Model Studio, "DashScope API reference for
applications" (``/api/v1/apps/{APP_ID}/completion``), and ``ApplicationModelUsage`` of Alibaba's SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.collectors.families.reading import (
    Reading,
    Stated,
    any_of,
    count_of,
    counted_at,
    error_of,
    first,
    last,
    list_at,
    part_at,
    sum_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.collectors.bodies.body import Body
    from pipeline.collectors.families.reading import Asked
    from pipeline.collectors.values.strict_json import JsonObject

NAME = "dashscope-apps"


def recognises(document: JsonObject) -> bool:
    """Tell an application's answer, or a chunk of one: a model's own has no list of models."""
    return "text" in part_at(document, "output") and bool(list_at(document, "usage", "models"))


def read(body: Body, asked: Asked) -> Reading:
    """Read an answer. Raises ``LineRefused`` where a count is none."""
    del asked
    outputs = [part_at(document, "output") for document in body.documents]
    response_id = first(document.get("request_id") for document in body.documents)
    generated = [bool(any_of(output, "text")) for output in outputs]
    main, *others = _of_models(body.documents) or [Reading(family=NAME)]
    return main._replace(
        response_id=response_id,
        finish_reason=last(any_of(output, "finish_reason") for output in outputs),
        choices=1,
        has_error=any(map(error_of, body.documents)),
        has_content=any(generated),
        generated_chunks=sum(generated),
        parts=tuple(
            other._replace(response_id=response_id, choices=1, part=f"model {number}")
            for number, other in enumerate(others, 1)
        ),
    )


def _of_models(documents: Sequence[JsonObject]) -> list[Reading]:
    """Return for each model, in their order, what the last document that counts it says of its calls."""
    found: dict[str, Reading] = {}
    for document in documents:
        calls: dict[str, list[JsonObject]] = {}
        for call in counted_at(document, "usage", "models"):
            if isinstance(call, dict):
                calls.setdefault(repr(call.get("model_id")), []).append(call)
        for name, of_one in calls.items():
            stated = _stated(of_one)
            if stated is not None or name not in found:
                found[name] = Reading(family=NAME, stated=stated, model=of_one[0].get("model_id"))
    return list(found.values())


def _stated(calls: Sequence[JsonObject]) -> Stated | None:
    prompt, completion, cached = (
        sum_of(*(count_of(call, name) for call in calls)) for name in ("input_tokens", "output_tokens", "cached_tokens")
    )
    if prompt is None or completion is None:
        return None
    return Stated(prompt=prompt, completion=completion, cached=cached)
