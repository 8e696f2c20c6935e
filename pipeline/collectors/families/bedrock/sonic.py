"""Amazon Nova Sonic: what was spoken on a stream in both directions (``InvokeModelWithBidirectionalStream``).

Each event lies in ``event`` under its name. ``usageEvent`` states over and over what the session consumed so far, in
``totalInputTokens`` and ``totalOutputTokens``, and of it what was speech and what was text in ``details.total``, beside
what came since the one before (``details.delta``). So the last one counts. Speech has a price of its own. Source:
the user guide of Amazon Nova, "Handling output events with the bidirectional API".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.collectors.families.reading import (
    Reading,
    Stated,
    count_of,
    error_of,
    first,
    last,
    latest,
    object_at,
    part_at,
)

if TYPE_CHECKING:
    from pipeline.collectors.bodies.body import Body
    from pipeline.collectors.families.reading import Asked
    from pipeline.collectors.values.strict_json import JsonObject

NAME = "bedrock-sonic"

_EVENTS = frozenset(("completionStart", "textOutput", "audioOutput", "completionEnd", "usageEvent"))
_GENERATED = ("textOutput", "audioOutput")
_NAMING = ("completionStart", "usageEvent", "completionEnd")


def recognises(document: JsonObject) -> bool:
    """Tell an event that the model sends."""
    return not _EVENTS.isdisjoint(object_at(document, "event"))


def read(body: Body, asked: Asked) -> Reading:
    """Read a session. Raises ``LineRefused`` where a count is none."""
    del asked
    events = [object_at(document, "event") for document in body.documents]
    stated = None
    for event in events:
        stated = latest(stated, _stated(object_at(event, "usageEvent")))
    generated = sum(bool(part_at(event, name)) for event in events for name in _GENERATED)
    return Reading(
        family=NAME,
        stated=stated,
        response_id=first(object_at(event, name).get("completionId") for event in events for name in _NAMING),
        finish_reason=last(part_at(event, "completionEnd").get("stopReason") for event in events),
        choices=1,
        has_error=any(map(error_of, body.documents)),
        has_content=bool(generated),
        generated_chunks=generated,
    )


def _stated(usage: JsonObject) -> Stated | None:
    prompt, completion = count_of(usage, "totalInputTokens"), count_of(usage, "totalOutputTokens")
    if prompt is None or completion is None:
        return None
    return Stated(
        prompt=prompt,
        completion=completion,
        prompt_audio=count_of(object_at(usage, "details", "total", "input"), "speechTokens") or None,
        completion_audio=count_of(object_at(usage, "details", "total", "output"), "speechTokens") or None,
        total=count_of(usage, "totalTokens"),
    )
