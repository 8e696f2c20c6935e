"""Which spans and events are calls of a model, and which of them are one call.

What is an exchange: a span of an inference, by ``gen_ai.operation.name``, and the event
``gen_ai.client.inference.operation.details``, which has the same attributes and the ids of its span; of tools that have
events of their own for it, these (``conventions.Event``). Spans of agents, workflows, tools and retrievals repeat the
usage of the inferences below them, and give none. An operation that no convention knows and that states usage is kept
by name, and not billed. What is no call by anybody's convention and counts tokens all the same is refused by name
(``unread``). A line without any of these gives none, as a blank line does.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.reading import word
from pipeline.collectors.formats.spans.mlflow import attributes_and_answer, is_of_mlflow
from pipeline.collectors.formats.spans.otel.conventions import (
    AGENTS,
    CACHE_HIT,
    DETAILS,
    DETAILS_OF_GEMINI_CLI,
    EMBEDDINGS,
    EVENT_OF_GEMINI_CLI,
    EVENTS,
    INFERENCES,
    KEY,
    KINDS_OF_CALLS,
    KINDS_OF_SPANS,
    MODELS,
    NO_CALLS,
    NO_CALLS_UNCOUNTED,
    NO_INFERENCES,
    NO_TEXT,
    OF_MODELS,
    REQUESTED_OF_OPENLLMETRY,
    RESPONSE_ID,
    SPANS_OF_CODEX,
    STREAMS,
    TIERS,
    VECTORS,
    VECTORS_OF_VERCEL,
    WHOSE,
)
from pipeline.collectors.formats.spans.otel.held import holds_usage
from pipeline.collectors.formats.spans.otel.otlp import (
    SIGNALS,
    all_records,
    body_of,
    first,
    has_error,
    http_status,
    id_of,
    name_of,
    own_name_of,
    recognises,
    time_of,
)
from pipeline.collectors.formats.spans.otel.unread import CountsUnread, alone, unread_counts
from pipeline.collectors.formats.spans.otel.usage import (
    of_event,
    states_usage,
    two_counts,
    usage_of,
)
from pipeline.collectors.values.refusal import LineRefused
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from pipeline.collectors.formats.spans.otel.conventions import Event
    from pipeline.collectors.values.strict_json import JsonObject

_TRUE = re.compile("[Tt]rue")
_EMBEDDINGS_PATH = "/v1/embeddings"
_RUN = "thread.run"
_SHARED = ("response.id", "response.model", "response")
"""What spans of one call have from one another; the last is the answer itself."""


def entries(document: JsonObject) -> list[JsonObject]:
    """Return the exchanges of a line, in its order; each with all its ``attributes``, and those of its ``resource``.

    Raises ``LineRefused``: ``missing_field`` for a line that is no OTLP, ``invalid_field`` where a list or an object of
    it is none.
    """
    if not recognises(document):
        raise LineRefused(QuarantineReason.MISSING_FIELD, f"none of {', '.join(SIGNALS)}")
    exchanges = alone(
        (record, _entry(record, attributes, resource, is_span=is_span))
        for record, attributes, resource, is_span in all_records(document)
    )
    _join_repeats(exchanges)
    events = [(_event_of(record, entry["attributes"]), entry) for record, entry in exchanges]
    of_gemini_cli = [entry for event, entry in events if event is EVENT_OF_GEMINI_CLI]
    _name_answers_of_gemini_cli(document, of_gemini_cli)
    return [entry for _, entry in exchanges]


def _is_of_a_call(record: JsonObject, attributes: JsonObject) -> bool:
    """Tell the event of an inference."""
    name, body = name_of(record, attributes), body_of(record)
    if DETAILS.fullmatch(name):
        return DETAILS_OF_GEMINI_CLI.fullmatch(body) is None
    return _event_of(record, attributes) is not None


def _event_of(record: JsonObject, attributes: JsonObject) -> Event | None:
    """Return which tool's event of a call a record is: its name and its body say so."""
    name, body = own_name_of(record, attributes), body_of(record)
    found = (event for event in EVENTS if event.body.fullmatch(body) and event.name.fullmatch(name))
    return next((event for event in found if not event.counted or event.counted in attributes), None)


def _entry(record: JsonObject, attributes: JsonObject, resource: JsonObject, *, is_span: bool) -> JsonObject | None:
    """Return a record as an entry, one that counts by names of nobody's as ``CountsUnread``; ``None`` of any other."""
    attributes, held = _without_mlflows_own(attributes)
    operation = _operation(attributes)
    may_be_call = (is_span or _is_of_a_call(record, attributes)) and not _is_no_call(attributes)
    answer = _answer(record, attributes, operation) if may_be_call else None
    unread: tuple[str, ...] = ()
    if answer is None and not _is_known(attributes, operation):
        unread = unread_counts(attributes, is_span=is_span)
    if answer is None and not unread:
        return None
    entry = {
        "ts": time_of(record),
        "api_key_id": _key(attributes, resource),
        "request_id": id_of(record),
        "status": http_status(attributes),
        "path": _EMBEDDINGS_PATH if _is_embedding(operation, attributes) else None,
        "request": {
            "model": first(attributes, *MODELS),
            "stream": first(attributes, *STREAMS),
            "n": attributes.get("gen_ai.request.choice.count"),
        },
        "cache_hit": _TRUE.fullmatch(str(attributes.get(CACHE_HIT))) is not None,
        **(answer or {}),
        **held,
        "attributes": attributes,
        "resource": resource,
    }
    return CountsUnread(entry, unread) if unread else entry


def _without_mlflows_own(attributes: JsonObject) -> tuple[JsonObject, JsonObject]:
    """Return attributes by the conventions, where MLflow has them by names of its own, and the answer that it kept."""
    if not is_of_mlflow(attributes):
        return attributes, {}
    attributes, answer = attributes_and_answer(attributes)
    return attributes, {} if answer is None else {"response": answer}


def _operation(attributes: JsonObject) -> str | None:
    """Return what was asked for, as the span names it."""
    stated = attributes.get("gen_ai.operation.name")
    if isinstance(stated, str):
        return stated
    name, requested = REQUESTED_OF_OPENLLMETRY
    asked = word(attributes.get(name))
    return asked if stated is None and requested.fullmatch(asked) else None


def _is_no_call(attributes: JsonObject) -> bool:
    """Tell a span that is no call of a model, whatever operation it names: one of a tool's own around or within it."""
    return any(_says(attributes, *each) for each in NO_CALLS) or (
        any(_says(attributes, *each) for each in NO_CALLS_UNCOUNTED) and not states_usage(attributes)
    )


def _is_known(attributes: JsonObject, operation: str | None) -> bool:
    """Tell what somebody's convention says to be no call: what it counts, others do."""
    if _is_no_call(attributes):
        return True
    if operation is not None:
        return NO_INFERENCES.fullmatch(operation) is not None or INFERENCES.fullmatch(operation) is not None
    names_agent = any(name in attributes for name in AGENTS)
    return names_agent or _of_vectors(attributes) is not None or any(name in attributes for name, _ in KINDS_OF_SPANS)


def _says(attributes: JsonObject, name: str, what: re.Pattern[str]) -> bool:
    value = attributes.get(name)
    return value is not None and what.fullmatch(word(value)) is not None


def _answer(record: JsonObject, attributes: JsonObject, operation: str | None) -> JsonObject | None:
    """Return what is stated of the answer, which is not in the log itself; ``None`` of what is no exchange."""
    event = _event_of(record, attributes)
    if event is not None:
        return of_event(event, record, attributes)
    if operation is None and any(name in attributes for name in SPANS_OF_CODEX):
        return _not_metered(attributes) if states_usage(attributes) else None
    if operation is None:
        return _answer_of_inference(record, attributes) if _is_inference_of_old(attributes) else None
    is_text = NO_TEXT.search(word(first(attributes, *KINDS_OF_CALLS))) is None
    if is_text and INFERENCES.fullmatch(operation):
        return _answer_of_inference(record, attributes)
    if not NO_INFERENCES.fullmatch(operation) and states_usage(attributes):
        return _not_metered(attributes)
    return None


def _not_metered(attributes: JsonObject) -> JsonObject:
    """Return what is stated of an answer that is on no bill, and whose tokens are listed: no meter is for runs."""
    return {"response": {"object": _RUN, "usage": two_counts(attributes)}}


def _answer_of_inference(record: JsonObject, attributes: JsonObject) -> JsonObject:
    reasons = attributes.get("gen_ai.response.finish_reasons")
    return {
        "response.id": attributes.get(RESPONSE_ID),
        "response.model": attributes.get("gen_ai.response.model"),
        "response.finish_reason": reasons[0] if isinstance(reasons, list) and reasons else None,
        "response.error": has_error(record, attributes),
        "service_tier": first(attributes, *TIERS),
        **usage_of(attributes),
    }


def _key(attributes: JsonObject, resource: JsonObject) -> Any:
    """Return whose call it was: what is called the key comes first, wherever it stands."""
    places = ((attributes, (KEY,)), (resource, (KEY,)), (attributes, WHOSE), (resource, WHOSE))
    return next((found for holder, names in places if (found := first(holder, *names)) is not None), None)


def _is_inference_of_old(attributes: JsonObject) -> bool:
    """Tell an inference among what names no operation, as conventions before 1.27 and some tools have it.

    A span that names the agent and no model is that of its run. Vercel's SDK has a span around those that ask for
    vectors, which repeats their usage.
    """
    if _of_vectors(attributes) is not None:
        return _is_embedding_of_old(attributes)
    for name, of_calls in KINDS_OF_SPANS:
        if (kind := attributes.get(name)) is not None:
            return of_calls.fullmatch(word(kind)) is not None
    if any(name in attributes for name in AGENTS) and not any(name in attributes for name in OF_MODELS):
        return False
    if states_usage(attributes) or holds_usage(attributes):
        return True
    return "gen_ai.system" in attributes and "gen_ai.request.model" in attributes


def _is_embedding(operation: str | None, attributes: JsonObject) -> bool:
    return EMBEDDINGS.fullmatch(operation or "") is not None or _is_embedding_of_old(attributes)


def _is_embedding_of_old(attributes: JsonObject) -> bool:
    of_vectors = _of_vectors(attributes)
    is_said = any(_says(attributes, *each) for each in VECTORS)
    return is_said or (of_vectors is not None and of_vectors[1] is not None)


def _of_vectors(attributes: JsonObject) -> re.Match[str] | None:
    name, of_vectors = VECTORS_OF_VERCEL
    return of_vectors.fullmatch(word(attributes.get(name)))


def _join_repeats(exchanges: list[tuple[JsonObject, JsonObject]]) -> None:
    """Give spans of one call the ids of one exchange.

    A framework's instrumentation puts its span around that of the client, which may trace itself, as Anthropic's SDK
    does: an inference right within another one of the same line, of the same counts, is that call once more. So is what
    asks for vectors right within what says so and counts nothing, as Vercel's SDK has it. Children end first, so they
    come first. One is the call of one span within it alone, and of none of somebody else's: whom a span says to be
    within, whoever calls may choose (``traceparent``).
    """
    of_spans = {(record.get("traceId"), record.get("spanId")): entry for record, entry in exchanges if id_of(record)}
    repeating: set[int] = set()
    for record, inner in exchanges:
        around = record.get("traceId"), record.get("parentSpanId")
        outer = of_spans.get(around) if all(isinstance(each, str) for each in around) else None
        if outer is None or not any(_counted(inner)) or not _is_again(inner, outer):
            continue
        shared = {name: inner.get(name) or outer.get(name) for name in _SHARED if name in inner or name in outer}
        for entry in (outer,) if id(outer) in repeating else (inner, outer):
            entry |= {**shared, "request_id": inner["request_id"]}
        repeating.add(id(outer))


def _is_again(inner: JsonObject, outer: JsonObject) -> bool:
    if None not in (whose := [each["api_key_id"] for each in (inner, outer)]) and whose[0] != whose[1]:
        return False
    is_of_vectors = inner["path"] == outer["path"] == _EMBEDDINGS_PATH
    return _counted(inner) == _counted(outer) or (is_of_vectors and not any(_counted(outer)))


def _counted(entry: JsonObject) -> tuple[Any, Any]:
    return entry.get("usage.prompt_tokens"), entry.get("usage.completion_tokens")


def _name_answers_of_gemini_cli(document: JsonObject, calls: list[JsonObject]) -> None:
    """Give calls of Gemini CLI the ids of their answers, where one event of the line says which."""
    if not calls:
        return
    ids: dict[tuple[str, str], list[Any]] = {}
    for record, attributes, *_ in all_records(document):
        if DETAILS_OF_GEMINI_CLI.fullmatch(body_of(record)) and attributes.get(RESPONSE_ID) is not None:
            ids.setdefault(_written_at(attributes), []).append(attributes.get(RESPONSE_ID))
    at = [_written_at(call["attributes"]) for call in calls]
    times = Counter(at)
    for call, written in zip(calls, at, strict=True):
        if times[written] == len(ids.get(written, ())) == 1:
            call["response.id"] = ids[written][0]


def _written_at(attributes: JsonObject) -> tuple[str, str]:
    return word(attributes.get("session.id")), word(attributes.get("event.timestamp"))
