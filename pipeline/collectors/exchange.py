"""What one exchange amounts to: what its body states counts, then its path and its status.

Owns the precedence. Usage above zero of a completion or an embedding is ``measured``, whatever status or route says
beside it; what no meter is for is ``not_metered``. Does not own the answers (``routes``, ``body``, ``families``,
``counting``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.collectors import families
from pipeline.collectors.bodies.body import take_apart
from pipeline.collectors.counting import BodyReading, amounts_to
from pipeline.collectors.families import bedrock, chat, embeddings, unbilled
from pipeline.collectors.families.reading import Asked, Reading
from pipeline.collectors.formats.request_log import NO_STATUS
from pipeline.collectors.refusal import LineRefused
from pipeline.collectors.routes import Route, model_in_path, route_of
from pipeline.usage import QuarantineReason, UsageStatus

if TYPE_CHECKING:
    from pipeline.collectors.bodies.body import Body
    from pipeline.collectors.families import Family
    from pipeline.collectors.formats.log_format import LogFormat
    from pipeline.collectors.formats.request_log import Envelope

_NOT_METERED = BodyReading(status=UsageStatus.NOT_METERED)
_FAILED = BodyReading(status=UsageStatus.FAILED)
_UNKNOWN = BodyReading(status=UsageStatus.UNKNOWN)


def read_exchange(envelope: Envelope, log_format: LogFormat) -> BodyReading:
    """Return what an exchange amounts to. Raises ``LineRefused`` where its body says something that cannot be."""
    route = route_of(envelope.path, envelope.method)
    is_success = 200 <= envelope.http_status <= 299 or envelope.http_status == NO_STATUS  # noqa: PLR2004 - the 2xx of HTTP
    if is_success and route in (Route.COMPLETION, Route.EMBEDDING):
        return _read(envelope, log_format, route)
    try:
        reading = _read(envelope, log_format, route)
    except LineRefused as refused:
        if refused.reason is QuarantineReason.CONTRADICTORY_USAGE and route is not Route.OTHER:
            raise  # it was consumed, and cannot be billed as it is stated
        return _without_usage(route, is_success=is_success)
    counts = reading.tokens if reading.status is UsageStatus.MEASURED else None
    if counts is not None and (counts.prompt_tokens or counts.completion_tokens):
        return reading
    if is_success and route is not Route.OTHER:
        return reading
    return replace(_kept(reading, _without_usage(route, is_success=is_success)), parts=reading.parts)


def _without_usage(route: Route, *, is_success: bool) -> BodyReading:
    if route is Route.OTHER or (route is Route.UNLISTED and not is_success):
        return _NOT_METERED
    return _UNKNOWN if is_success else _FAILED


def _kept(reading: BodyReading, outcome: BodyReading) -> BodyReading:
    """Keep what was stated and is not billed, with its id: a run or a batch that is asked for again is the same one."""
    if reading.other_usage is None:
        return outcome
    return replace(outcome, other_usage=reading.other_usage, response_id=reading.response_id)


def _read(envelope: Envelope, log_format: LogFormat, route: Route) -> BodyReading:
    body = take_apart(envelope.response, depth_max=log_format.depth_max)
    family = _family(body, log_format.dialect, route)
    asked = Asked(
        model=envelope.model_requested,
        choices=envelope.choices_requested,
        path=envelope.path,
    )
    reading = family.read(body, asked) if family is not None else Reading(family=bedrock.INVOKE, has_content=True)
    is_unbilled = family is not None and family.name == unbilled.NAME
    if reading.stated is None and not is_unbilled:
        reading = replace(reading, stated=bedrock.stated_beside(body.documents, envelope.response_headers))
    if family is None and reading.stated is None:
        return _unrecognised(body, asked, route)
    found = amounts_to(replace(reading, has_error=reading.has_error or body.has_error), is_stream=body.is_stream)
    if is_unbilled or route is Route.OTHER:
        return replace(found, status=UsageStatus.NOT_METERED, tokens=None, content_chunks=None, parts=())
    return _with_model(found, envelope)


def _unrecognised(body: Body, asked: Asked, route: Route) -> BodyReading:
    """Return what an exchange amounts to whose body no family knows, and that nobody counted.

    On a route that no list knows it is not metered, and counts that it states are kept by name.
    """
    if route is Route.COMPLETION:
        return _UNKNOWN
    return _kept(amounts_to(unbilled.read(body, asked), is_stream=body.is_stream), _NOT_METERED)


def _with_model(reading: BodyReading, envelope: Envelope) -> BodyReading:
    if reading.model_reported is not None or envelope.model_requested is not None or envelope.path is None:
        return reading
    return replace(reading, model_in_path=model_in_path(envelope.path))


def _family(body: Body, dialect: str | None, route: Route) -> Family | None:
    """Return the family to read a body as.

    On a completion's route, what nobody recognises is chat if it has a trace of it.
    """
    if route is Route.OTHER or not (body.documents or body.has_error):
        return families.BY_NAME[unbilled.NAME] if body.documents else None
    found = families.family_of(body.documents)
    documents = [families.plainly(document) for document in body.documents]
    if route is Route.UNLISTED and found is families.CHAT and not any(map(chat.recognises, documents)):
        return None  # there are other lists of choices in the world
    if dialect is not None:
        named = families.BY_NAME[dialect]
        return named if found is named or dialect == chat.NAME else None
    if route is Route.EMBEDDING and found is not None and found.name != embeddings.NAME:
        return families.BY_NAME[embeddings.NAME]
    if found is None and route is not Route.UNLISTED and (body.has_error or any(map(chat.has_trace, documents))):
        return families.BY_NAME[embeddings.NAME] if route is Route.EMBEDDING else families.CHAT
    return found
