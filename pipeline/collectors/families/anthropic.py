"""Anthropic's Messages: JSON, server-sent events, and the streams of AWS.

``input_tokens`` leaves out what was read from and written to the cache: prompt is the sum of the three.
``output_tokens`` includes thinking. A stream states usage in ``message_start`` and overlays it in ``message_delta``:
per field the last number that is not null counts, and nothing is added (output grows, and so may input); zeros are
a placeholder and take nothing back (Envoy AI Gateway pull 1631, SGLang pull 20830). Early streams, and servers that
were written after them, have the usage of a ``message_delta`` within its ``delta``. Model Studio's compatible API
states the whole prompt at the start, before it knows of its cache, and at the end what of it was cached, by chat's
name as well as by Anthropic's (rust-genai pull 258: 3,602, and then 3,604): there it lies within. A stream that was cut
before its ``message_delta``, be it right behind its start, states the prompt, and of its output what had begun: it is
measured, and named ``output-begun``. Fast mode (``speed``) has prices of its own and is no other tier, so it is the
tier ``fast``. Writes that live an hour are priced apart (``cache_creation.ephemeral_1h_input_tokens``). ``iterations``
of type ``compaction`` are left out of the top level and billed. Those of type ``advisor_message`` are of another model
and not in the top level: each is an event of its own. A ``fallback_message`` is the top level, of the entry's model;
whoever declined before it is an event of its own that is not billed. Of two ``message_start`` with different ids no
usage can be believed, and nothing is estimated. Servers of others may put chat's usage object into a message, alone or
beside zeros; it is read as that. Source: the API reference of Anthropic, ``Usage``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.families import chat_usage
from pipeline.collectors.families.reading import (
    OUTPUT_BEGUN,
    Reading,
    Stated,
    any_of,
    apart,
    count_of,
    counted_at,
    error_of,
    first,
    id_of,
    last,
    list_at,
    object_at,
    others_of,
    part_at,
    tier_of,
    with_others,
    word,
)
from pipeline.collectors.values.strict_json import stated_once
from pipeline.collectors.values.traced import is_integer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.collectors.bodies.body import Body
    from pipeline.collectors.families.reading import Asked
    from pipeline.collectors.values.strict_json import JsonObject

NAME = "anthropic"
CACHED_WITHIN = "cached-within"

_EVENTS = frozenset(
    (
        *("message_start", "message_delta", "message_stop"),
        *("content_block_start", "content_block_delta", "content_block_stop"),
    )
)
_PROMPT = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
_COUNTS = (*_PROMPT, "output_tokens")
_OF_PROMPT = frozenset((*_PROMPT, "cache_creation"))
_OF_OUTPUT = frozenset(("output_tokens", "output_tokens_details"))
_LIFETIMES = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
_FALLBACK = "fallback_message"
_OTHERS = {
    "web_searches": ("server_tool_use", "web_search_requests"),
    "web_fetches": ("server_tool_use", "web_fetch_requests"),
}


def recognises(document: JsonObject) -> bool:
    """Tell a message, an event of its stream, or an answer that states usage as one does."""
    kind = word(document.get("type"))
    if kind in _EVENTS or (kind == "message" and ("role" in document or "content" in document)):
        return True
    usage = object_at(document, "usage")
    return "input_tokens" in usage and "content" in document and "choices" not in document


def read(body: Body, asked: Asked) -> Reading:
    """Read a message, or several whole ones. Raises ``LineRefused`` where a count is none."""
    del asked
    return with_others(map(_read_one, apart(body.documents, _is_whole)))


def _is_whole(documents: Sequence[JsonObject]) -> bool:
    """Tell a counted message that is no stream; those of different ids are answers of their own."""
    return all(any_of(document, "type") == "message" and bool(_usages(document)) for document in documents)


def _read_one(documents: Sequence[JsonObject]) -> Reading:
    starts = [object_at(document, "message") for document in documents if _is_start(document)]
    messages = [*starts, *(document for document in documents if not _is_start(document))]
    usages = [usage for document in documents for usage in _usages(document)]
    of_chat = [usage for usage in usages if _is_of_chat(usage)]
    usage = _overlaid(usages, begun=[object_at(start, "usage") for start in starts])
    fallbacks = [entry for entry in _iterations(usage) if entry.get("type") == _FALLBACK]
    response_id = first(message.get("id") for message in messages)
    is_several = len({repr(id_of(start.get("id"))) for start in starts}) > 1
    chunks = sum(any_of(document, "type") == "content_block_delta" for document in documents)
    is_begun = bool(starts) and not any(map(_states_output, documents))
    stated = chat_usage.stated_by(of_chat[-1], model=None) if of_chat else None
    stated = stated or _stated(usage, (OUTPUT_BEGUN,) if is_begun else ())
    if stated is not None and _is_cached_within(usages):
        stated = _with_cached_within(stated)
    return Reading(
        family=NAME,
        stated=None if is_several else stated,
        response_id=response_id,
        model=first(entry.get("model") for entry in reversed(fallbacks))
        or first(message.get("model") for message in messages),
        service_tier=tier_of(last(usage.get("service_tier") for usage in usages), usage),
        finish_reason=last(map(_finish_reason, messages)),
        choices=1,
        has_error=any(map(error_of, documents)),
        has_content=any(list_at(message, "content") for message in messages),
        generated_chunks=0 if is_several else chunks,
        parts=() if is_several else tuple(_parts(usage, response_id)),
    )


def _parts(usage: JsonObject, response_id: Any) -> Iterator[Reading]:
    """Yield what other models did: advisors, and whoever declined before a fallback answered, which is not billed."""
    entries = list(enumerate(_iterations(usage)))
    has_fallback = any(entry.get("type") == _FALLBACK for _, entry in entries)
    for index, entry in entries:
        kind = stated_once(entry, "type")
        if kind == "advisor_message" or (has_fallback and kind == "message"):
            yield Reading(
                family=NAME,
                stated=_counted([entry]) if _counts_tokens(entry) else None,
                response_id=response_id,
                model=entry.get("model"),
                service_tier=usage.get("service_tier"),
                choices=1,
                part=f"iteration {index}",
                is_billed=kind == "advisor_message",
            )


def _is_start(document: JsonObject) -> bool:
    return bool(any_of(document, "type") == "message_start")


def _usages(document: JsonObject) -> Sequence[JsonObject]:
    is_end = any_of(document, "type") == "message_delta"
    found = (
        object_at(document, "message", "usage"),  # of a start
        object_at(part_at(document, "delta"), "usage") if is_end else {},
        object_at(document, "usage"),
    )
    return [_with_its_parts(usage) for usage in found if usage]


def _with_its_parts(usage: JsonObject) -> JsonObject:
    """Return a usage whose writes to the cache are zero beside lifetimes that are not: there zero is a placeholder.

    It may be no usage that counts, so what is ill-formed is not refused here.
    """
    flat, parts = usage.get("cache_creation_input_tokens"), object_at(usage, "cache_creation")
    lifetimes = [count for name in _LIFETIMES if is_integer(count := parts.get(name)) and count]
    if not is_integer(flat) or flat or not lifetimes:
        return usage
    return {name: usage.get(name) for name in usage} | {"cache_creation_input_tokens": sum(lifetimes)}


def _is_of_chat(usage: JsonObject) -> bool:
    """Tell chat's usage object, which has no count above zero by the names of a message's."""
    is_named = any(usage.get(name) for name in chat_usage.PROMPT if name not in _PROMPT)
    return is_named and not any(map(usage.get, _COUNTS)) and chat_usage.both_counts(usage) is not None


def _overlaid(usages: Sequence[JsonObject], begun: Sequence[JsonObject]) -> JsonObject:
    """Return one usage: of each field the last value that is not null; zeros take nothing back.

    That is not so of an output that had only ``begun``.
    """
    merged: JsonObject = {}
    has_output = False
    for usage in usages:
        passed_over: frozenset[str] = frozenset()
        if any(map(merged.get, _PROMPT)) and not (any(map(usage.get, _PROMPT)) or _written(usage)):
            passed_over |= _OF_PROMPT
        if has_output and not usage.get("output_tokens"):
            passed_over |= _OF_OUTPUT
        has_output = has_output or (bool(usage.get("output_tokens")) and not any(usage is each for each in begun))
        if passed_over == _OF_PROMPT | _OF_OUTPUT:
            passed_over |= {"iterations"}
        merged.update(
            {name: value for name in usage if (value := usage.get(name)) is not None and name not in passed_over}
        )
    return merged


def _states_output(document: JsonObject) -> bool:
    """Tell whether a document other than a start states how much was generated."""
    places = [object_at(document, "usage")] if _is_start(document) else _usages(document)
    return any(usage.get("output_tokens") is not None for usage in places)


def _iterations(usage: JsonObject) -> list[JsonObject]:
    return [entry for entry in counted_at(usage, "iterations") if isinstance(entry, dict)]


def _finish_reason(message: JsonObject) -> Any:
    return message.get("stop_reason") or part_at(message, "delta").get("stop_reason")


def _stated(usage: JsonObject, conventions: tuple[str, ...]) -> Stated | None:
    if not _counts_tokens(usage):
        return None
    compactions = [entry for entry in _iterations(usage) if stated_once(entry, "type") == "compaction"]
    return _counted([usage, *compactions])._replace(
        reasoning=count_of(object_at(usage, "output_tokens_details"), "thinking_tokens"),
        conventions=(*conventions, *(("compaction",) if compactions else ())),
        others=others_of(usage, _OTHERS),
    )


def _is_cached_within(usages: Sequence[JsonObject]) -> bool:
    """Tell Model Studio's stream: a cache only at the end, by chat's name too, and no prompt there."""
    *earlier, end = usages or [{}]
    read_, of_chat = end.get(_PROMPT[1]), object_at(end, "prompt_tokens_details").get("cached_tokens")
    is_of_both = bool(read_) and read_ == of_chat and end.get(_PROMPT[0]) is None
    return is_of_both and bool(earlier) and not any(usage.get(name) for usage in earlier for name in _PROMPT[1:])


def _with_cached_within(stated: Stated) -> Stated:
    """Return what is stated where the prompt of the start is all of it: at least what was read and written."""
    cache = (stated.cached or 0) + (stated.written or 0)
    return stated._replace(
        prompt=max((stated.prompt or 0) - cache, cache), conventions=(*stated.conventions, CACHED_WITHIN)
    )


def _counts_tokens(usage: JsonObject) -> bool:
    return count_of(usage, "input_tokens") is not None and count_of(usage, "output_tokens") is not None


def _counted(usages: Sequence[JsonObject]) -> Stated:
    """Add up what was counted apart; each part is stated where it is above zero, or the first one states it."""
    prompt = completion = cached = written = hour = 0
    for one in usages:
        read_, wrote = count_of(one, "cache_read_input_tokens") or 0, _written(one)
        prompt += (count_of(one, "input_tokens") or 0) + read_ + wrote
        completion += count_of(one, "output_tokens") or 0
        cached, written = cached + read_, written + wrote
        hour += min(count_of(object_at(one, "cache_creation"), "ephemeral_1h_input_tokens") or 0, wrote)
    return Stated(
        prompt=prompt,
        completion=completion,
        cached=cached if "cache_read_input_tokens" in usages[0] or cached else None,
        written=written if "cache_creation_input_tokens" in usages[0] or written else None,
        written_1h=hour or None,
    )


def _written(usage: JsonObject) -> int:
    """Return what was written to the cache.

    The flat field, which is the newer one, else the sum of the two lifetimes.
    """
    flat = count_of(usage, "cache_creation_input_tokens")
    if flat is not None:
        return flat
    return _by_lifetime(usage)


def _by_lifetime(usage: JsonObject) -> int:
    parts = object_at(usage, "cache_creation")
    return sum(count_of(parts, name) or 0 for name in _LIFETIMES)
