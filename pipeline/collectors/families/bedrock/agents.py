"""Agents of Bedrock (``InvokeAgent``, ``InvokeInlineAgent``), of which traces state what each model consumed.

An answer is a stream of AWS's events: ``chunk``, which is text, and ``trace`` where traces were asked for
(``enableTrace``). A step that calls a model is traced twice, under one ``traceId``: ``modelInvocationInput`` names the
model, and ``modelInvocationOutput`` states ``metadata.usage``. Nothing states their sum, and each of the calls costs
what its model costs: the counts of one model are added, the first model's are the answer's, and those of each other
model are an event of its own. 29 of 29 recorded calls state both counts, 28 name their model. A knowledge base's does
not, so its model is unknown. Source: the API reference of Amazon Bedrock, ``Trace`` of the agents' runtime.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.bedrock.models import model_of
from pipeline.collectors.families.reading import (
    Reading,
    Stated,
    count_of,
    error_of,
    first,
    id_of,
    object_at,
    part_at,
    word,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.collectors.bodies.body import Body
    from pipeline.collectors.families.reading import Asked
    from pipeline.collectors.values.strict_json import JsonObject

NAME = "bedrock-agents"

_STEPS = ("routingClassifierTrace", "preProcessingTrace", "orchestrationTrace", "postProcessingTrace")
"""The steps that may call a model."""


def recognises(document: JsonObject) -> bool:
    """Tell the trace of a step that calls a model."""
    return any("modelInvocationInput" in step or "modelInvocationOutput" in step for step in _steps(document))


def read(body: Body, asked: Asked) -> Reading:
    """Read what the models of an agent consumed. Raises ``LineRefused`` where a count is none."""
    del asked
    steps = [step for document in body.documents for step in _steps(document)]
    models = {_call(begun): model_of(begun.get("foundationModel")) for step in steps if (begun := _begun(step))}
    calls: dict[str, tuple[int, int]] = {}
    for step in steps:
        ended = object_at(step, "modelInvocationOutput")
        usage = object_at(ended, "metadata", "usage")
        prompt, completion = count_of(usage, "inputTokens"), count_of(usage, "outputTokens")
        if prompt is not None and completion is not None:
            calls[_call(ended)] = (prompt, completion)
    counts: dict[str, Stated] = {}
    named: dict[str, Any] = {}
    for call, (prompt, completion) in calls.items():
        model = models.get(call)
        before = counts.get(word(model), Stated(prompt=0, completion=0))
        named[word(model)] = model
        counts[word(model)] = Stated(
            prompt=prompt + (before.prompt or 0), completion=completion + (before.completion or 0)
        )
    own, *others = list(counts) or [""]
    response_id = first(part_at(step, "modelInvocationOutput").get("traceId") for step in steps)
    return Reading(
        family=NAME,
        stated=counts.get(own),
        response_id=response_id,
        model=named.get(own),
        choices=1,
        has_error=any(map(error_of, body.documents)),
        has_content=bool(steps),
        parts=tuple(
            Reading(
                family=NAME,
                stated=counts[name],
                response_id=response_id,
                model=named[name],
                choices=1,
                part=f"model {name}",
            )
            for name in others
        ),
    )


def _steps(document: JsonObject) -> Iterator[JsonObject]:
    traced = object_at(document, "trace", "trace")
    yield from (step for name in _STEPS if (step := object_at(traced, name)))


def _begun(step: JsonObject) -> JsonObject:
    return object_at(step, "modelInvocationInput")


def _call(traced: JsonObject) -> str:
    """Return which call of a model a trace is of."""
    return repr(id_of(traced.get("traceId")))
