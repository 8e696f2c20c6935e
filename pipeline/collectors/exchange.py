"""What one exchange amounts to: what its body states counts, then its path and its status.

Owns the precedence. Usage above zero of a completion or an embedding is ``measured``, whatever status or route says
beside it; what no meter is for is ``not_metered``. Does not own the answers (``routes``, ``body``, ``families``,
``counting``).
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pipeline.collectors import families
from pipeline.collectors.bodies.body import take_apart
from pipeline.collectors.counting import BodyReading, amounts_to
from pipeline.collectors.families import chat, chat_usage, embeddings, logged_usage, unbilled
from pipeline.collectors.families.bedrock import answers as bedrock
from pipeline.collectors.families.reading import OUTPUT_BEGUN, Asked, Reading, first
from pipeline.collectors.formats.request_log import NO_STATUS, NOTHING_BESIDE
from pipeline.collectors.routes import (
    SWITCHING_PROTOCOLS,
    Route,
    id_asked_for,
    model_in_path,
    route_of,
    route_of_streamed,
)
from pipeline.collectors.values.refusal import LineRefused
from pipeline.usage import QuarantineReason, UsageStatus

if TYPE_CHECKING:
    from pipeline.collectors.bodies.body import Body
    from pipeline.collectors.families import Family
    from pipeline.collectors.families.reading import Stated
    from pipeline.collectors.formats.log_format import LogFormat
    from pipeline.collectors.formats.request_log import Envelope, SaidBeside
    from pipeline.collectors.values.strict_json import JsonObject

CACHE_HIT = "cache-hit"
"""How the dialect says that a gateway answered from its own cache: such a copy is not metered."""
CLIENT_CLOSED = (460, 499)
"""The statuses by which AWS' load balancer and nginx say that the client left first: nobody refused what it asked."""
_UNSTATED = (None, "")
_NOT_METERED = BodyReading(status=UsageStatus.NOT_METERED)
_FAILED = BodyReading(status=UsageStatus.FAILED)
_UNKNOWN = BodyReading(status=UsageStatus.UNKNOWN)


def read_exchange(envelope: Envelope, log_format: LogFormat) -> BodyReading:
    """Return what an exchange amounts to. Raises ``LineRefused`` where its body says something that cannot be."""
    status = envelope.http_status
    is_session = status == SWITCHING_PROTOCOLS
    route = route_of(envelope.path, None if is_session else envelope.method)
    if route is Route.OTHER:
        route = _route_of_asked(envelope, log_format)
    is_success = is_session or 200 <= status <= 299 or status == NO_STATUS  # noqa: PLR2004 - the 2xx of HTTP
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
    if status in CLIENT_CLOSED and route is not Route.OTHER and _is_answer(reading):
        return reading
    return _kept(reading, _without_usage(route, is_success=is_success))._replace(parts=reading.parts)


def _route_of_asked(envelope: Envelope, log_format: LogFormat) -> Route:
    """Return what a path says that was asked for by GET: the body decides of a stream of events, for none is stored."""
    route = route_of_streamed(envelope.path, envelope.method)
    if route is Route.OTHER:
        return route
    with suppress(LineRefused):
        if take_apart(envelope.response, depth_max=log_format.depth_max).is_transcript:
            return route
    return Route.OTHER


def _is_answer(reading: BodyReading) -> bool:
    """Tell an answer of a family that was not counted and is no error."""
    return reading.dialect is not None and reading.status in (UsageStatus.ESTIMATED, UsageStatus.UNKNOWN)


def _without_usage(route: Route, *, is_success: bool) -> BodyReading:
    if route is Route.OTHER or (route is Route.UNLISTED and not is_success):
        return _NOT_METERED
    return _UNKNOWN if is_success else _FAILED


def _kept(reading: BodyReading, outcome: BodyReading) -> BodyReading:
    """Keep what was stated and is not billed, with its id: a run or a batch that is asked for again is the same one."""
    if reading.other_usage is None:
        return outcome
    return outcome._replace(other_usage=reading.other_usage, response_id=reading.response_id)


def _read(envelope: Envelope, log_format: LogFormat, route: Route) -> BodyReading:
    body = families.held_in(take_apart(envelope.response, depth_max=log_format.depth_max))
    family = _family(body, log_format.dialect, route)
    asked = Asked(
        model=envelope.model_requested,
        choices=envelope.choices_requested,
        path=envelope.path,
    )
    if family is not None:
        reading = family.read(body, asked)
    elif body.documents or envelope.beside is NOTHING_BESIDE:
        name = embeddings.NAME if route is Route.EMBEDDING else bedrock.INVOKE
        reading = Reading(family=name, has_content=True)
    else:
        reading = logged_usage.answer(has_error=envelope.beside.has_error)
    is_unbilled = family is not None and family.name == unbilled.NAME
    reading = _with_what_headers_say(reading, body, envelope, is_unbilled=is_unbilled)
    if not is_unbilled and envelope.beside.usage:
        reading = _with_counts_beside(reading, envelope, route)
    is_answer_known = reading.family == logged_usage.NAME and route is not Route.UNLISTED
    if family is None and reading.stated is None and not is_answer_known:
        return _unrecognised(body, asked, route)
    reading = _with_what_is_beside(reading, envelope.beside)
    if body.is_transcript and reading.response_id in _UNSTATED:  # a stream that is gone on with may not say its id
        reading = reading._replace(response_id=id_asked_for(envelope.path, envelope.method))
    is_not_metered = is_unbilled or route is Route.OTHER or envelope.beside.is_cached
    if is_not_metered:
        reading = reading._replace(stated=logged_usage.kept_by_name(reading.stated))
    if body.has_error and not reading.has_error:
        reading = reading._replace(has_error=True)
    found = amounts_to(reading, is_stream=body.is_stream)
    if reading.family == logged_usage.NAME:
        found = found._replace(is_stream=None)
    if is_not_metered:
        dialect = f"{reading.family}/{CACHE_HIT}" if envelope.beside.is_cached else found.dialect
        return found._replace(
            status=UsageStatus.NOT_METERED, tokens=None, content_chunks=None, dialect=dialect, parts=()
        )
    return _with_model(found, envelope)


def _with_what_headers_say(reading: Reading, body: Body, envelope: Envelope, *, is_unbilled: bool) -> Reading:
    """Return a reading with the counts and the tier that a cloud, or a server, puts beside the answer of a model."""
    headers = envelope.response_headers
    if _states_nothing(reading) and not is_unbilled:
        is_embedding = reading.family == embeddings.NAME
        stated = bedrock.stated_beside(body.documents, headers, is_embedding=is_embedding)
        reading = reading if stated is None else reading._replace(stated=stated)
    tier = bedrock.tier_beside(headers)
    is_told = tier is not None and (tier not in bedrock.USUAL_TIERS or reading.service_tier in _UNSTATED)
    return reading._replace(service_tier=tier) if is_told else reading


def _states_nothing(reading: Reading) -> bool:
    """Tell whether a body states no tokens, so that those beside it count; images that were embedded are none."""
    return reading.stated is None or (reading.family == embeddings.NAME and reading.stated.prompt is None)


def _counted_beside(reading: Reading, envelope: Envelope, route: Route) -> Reading:
    """Return a reading with the counts that the log states; on a route that no list knows, zeros are no trace."""
    counted = logged_usage.counted(
        reading,
        envelope.beside.usage or {},
        model=first((reading.model, envelope.beside.model, envelope.model_requested)),
        is_embedding=route is Route.EMBEDDING,
    )
    is_zero = counted.stated is not None and not (counted.stated.prompt or counted.stated.completion)
    return reading if is_zero and route is Route.UNLISTED else counted


def _with_counts_beside(reading: Reading, envelope: Envelope, route: Route) -> Reading:
    """Return a reading with what the log counts, where the body states nothing, or was cut before its end."""
    if _states_nothing(reading):
        return _counted_beside(reading, envelope, route)
    begun = reading.stated
    if begun is not None and OUTPUT_BEGUN in begun.conventions:
        return _with_output_beside(reading, begun, envelope.beside.usage or {})
    return reading


def _with_output_beside(reading: Reading, begun: Stated, usage: JsonObject) -> Reading:
    """Return a reading of a body that was cut with the output that the log counted, where that is more than had begun.

    Counts of the log that cannot be cost nothing here: the body decides what it states.
    """
    with suppress(LineRefused):
        of_log = chat_usage.stated_by(usage, model=None)
        if of_log is not None and (of_log.completion or 0) > (begun.completion or 0):
            of_output = tuple(name for name in begun.conventions if name != OUTPUT_BEGUN)
            whole = begun._replace(
                completion=of_log.completion,
                reasoning=of_log.reasoning,
                conventions=(logged_usage.NAME, *of_output),
            )
            return reading._replace(stated=whole)
    return reading


def _with_what_is_beside(reading: Reading, beside: SaidBeside) -> Reading:
    """Return a reading with what the log says of an answer, where the body does not say it."""
    if beside is NOTHING_BESIDE:
        return reading
    return reading._replace(
        response_id=beside.response_id if reading.response_id in _UNSTATED else reading.response_id,
        model=beside.model if reading.model in _UNSTATED else reading.model,
        finish_reason=beside.finish_reason if reading.finish_reason in _UNSTATED else reading.finish_reason,
        service_tier=beside.service_tier or reading.service_tier,
        has_error=reading.has_error or beside.has_error,
    )


def _unrecognised(body: Body, asked: Asked, route: Route) -> BodyReading:
    """Return what an exchange amounts to whose body no family knows, and that nobody counted.

    On any other than that of a completion or an embedding it is not metered, and what it counts is kept by name.
    """
    if route in (Route.COMPLETION, Route.EMBEDDING):
        return _UNKNOWN
    return _kept(amounts_to(unbilled.read(body, asked), is_stream=body.is_stream), _NOT_METERED)


def _with_model(reading: BodyReading, envelope: Envelope) -> BodyReading:
    parts = tuple(_with_model(part, envelope) for part in reading.parts)
    if reading.model_reported is not None or envelope.model_requested is not None or envelope.path is None:
        return reading if parts == reading.parts else reading._replace(parts=parts)
    return reading._replace(model_in_path=model_in_path(envelope.path), parts=parts)


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
    if route is Route.EMBEDDING and found is not None:
        return families.BY_NAME[embeddings.NAME]
    if found is None and route is not Route.UNLISTED and (body.has_error or any(map(chat.has_trace, documents))):
        return families.BY_NAME[embeddings.NAME] if route is Route.EMBEDDING else families.CHAT
    return found
