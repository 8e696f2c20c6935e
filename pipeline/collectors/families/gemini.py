"""Gemini's ``generateContent``: JSON, server-sent events, and streams as JSON arrays.

``totalTokenCount`` = ``promptTokenCount`` + ``toolUsePromptTokenCount`` + ``candidatesTokenCount`` +
``thoughtsTokenCount`` in 1,701 of 1,701 recorded generations, ``cachedContentTokenCount`` lies within the prompt,
thoughts are reasoning. Some answers count thoughts within the candidates, and their total tells (LiteLLM pull 10141).
``usageMetadata`` is cumulative: the last object counts that counts anything, whole, never per field and never the sum.
But for one thing: where it counts nothing that was generated (``candidatesTokenCount`` is optional), though one before
it did, and no filter took that back, what was generated is what that one said.
Absent counts of candidates, thoughts, tool use and cache are zero; an absent prompt is unknown. Where search grounding
ran, what it retrieved (``toolUsePromptTokenCount``) is not charged as input, says the price page: it is kept by name,
outside the prompt. Else it is of the prompt, and what of it was audio (``toolUsePromptTokensDetails``) is audio of the
prompt, beside what ``promptTokensDetails`` says of the other. What Google's SDKs for Python write has the same names in
snake case, and what its ADK makes of an answer (``LlmResponse``) has what was searched at its top. Source: the
reference of the Gemini API, ``UsageMetadata``.

The Live API calls the answer's counts ``response…``. A log of its session has several turns, each of which ends with
``turnComplete``, and each is an event of its own: "The API charges you per turn for all tokens present in the session
context window" (Live API best practices, "Pricing and billing"). So counts are of one turn, and its last ones count.
They come before ``turnComplete``, with it, or alone behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.reading import (
    Reading,
    Stated,
    any_of,
    at_most,
    count_of,
    counted_at,
    error_of,
    first,
    last,
    less,
    list_at,
    object_at,
    sum_of,
    tokens_of,
    word,
)
from pipeline.collectors.values.strict_json import stated_once

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.collectors.bodies.body import Body
    from pipeline.collectors.families.reading import Asked
    from pipeline.collectors.values.strict_json import JsonObject

NAME = "gemini"

AUDIO = ("AUDIO", 4)
"""The modality as text, and as the number that some clients log."""


_COUNTS = (
    *("promptTokenCount", "toolUsePromptTokenCount"),
    *("candidatesTokenCount", "responseTokenCount", "thoughtsTokenCount"),
)
"""What a usage counts: zeros of a later chunk are a placeholder, and take nothing back."""
_GENERATED = ("candidatesTokenCount", "responseTokenCount", "thoughtsTokenCount")
_OF_GENERATED = (*_GENERATED, "candidatesTokensDetails", "responseTokensDetails")
_NO_FILTER = (None, "STOP", "MAX_TOKENS", "1", "2", "")
"""Why a generation ended that nothing took back: others are filters, behind which no output is charged."""
THOUGHTS_WITHIN = "thoughts-within"


_SNAKE = {
    "usage_metadata": "usageMetadata",
    "model_version": "modelVersion",
    "response_id": "responseId",
    "finish_reason": "finishReason",
    "grounding_metadata": "groundingMetadata",
    "web_search_queries": "webSearchQueries",
    "prompt_token_count": "promptTokenCount",
    "tool_use_prompt_token_count": "toolUsePromptTokenCount",
    "candidates_token_count": "candidatesTokenCount",
    "response_token_count": "responseTokenCount",
    "thoughts_token_count": "thoughtsTokenCount",
    "cached_content_token_count": "cachedContentTokenCount",
    "total_token_count": "totalTokenCount",
    "prompt_tokens_details": "promptTokensDetails",
    "cache_tokens_details": "cacheTokensDetails",
    "candidates_tokens_details": "candidatesTokensDetails",
    "response_tokens_details": "responseTokensDetails",
    "tool_use_prompt_tokens_details": "toolUsePromptTokensDetails",
    "token_count": "tokenCount",
    "service_tier": "serviceTier",
    "traffic_type": "trafficType",
    "server_content": "serverContent",
    "turn_complete": "turnComplete",
}
"""How SDKs for Python write names, and how the API does."""


def recognises(document: JsonObject) -> bool:
    """Tell an answer or a chunk of one; a cache that was made states ``usageMetadata`` too, and generated nothing."""
    is_cache = "cachedContents/" in word(document.get("name"))
    states_usage = "usageMetadata" in document or _counts(document.get("usage_metadata"))
    return "candidates" in document or (states_usage and not is_cache)


def _counts(usage: Any) -> bool:
    """Tell Gemini's usage in snake case from what others call so."""
    return isinstance(usage, dict) and ("prompt_token_count" in usage or "total_token_count" in usage)


def read(body: Body, asked: Asked) -> Reading:
    """Read a generation, or the turns of a session. Raises ``LineRefused`` where a count is none."""
    del asked
    documents = [_as_the_api_writes(document) for document in body.documents]
    model = first(document.get("modelVersion") for document in documents)
    response_id = first(document.get("responseId") for document in documents)
    firsts = _first_candidates(documents)
    turn, *others = _turns(documents)
    return _of_turn(turn, model)._replace(
        response_id=response_id,
        finish_reason=last(_label(first.get("finishReason")) for first in firsts),
        choices=max((len(list_at(document, "candidates")) for document in documents), default=0) or None,
        has_error=any(map(error_of, documents)),
        has_content=bool(others) or any(list_at(first, "content", "parts") for first in firsts),
        generated_chunks=sum(bool(list_at(first, "content", "parts")) for first in firsts),
        parts=tuple(_part(turn, model, response_id, number) for number, turn in enumerate(others, 1)),
    )


def _of_turn(documents: Sequence[JsonObject], model: Any) -> Reading:
    """Return the reading of what is stated in one turn, or of a generation; ``model`` is that of the whole body."""
    usages = [usage for document in documents if (usage := object_at(document, "usageMetadata"))]
    counted = [usage for document in documents if (usage := _counted(document))]
    counted = [usage for usage in counted if any(map(usage.get, _COUNTS))] or counted
    firsts = _first_candidates(documents)
    is_grounded = any(counted_at(each, "groundingMetadata", "webSearchQueries") for each in (*firsts, *documents))
    if len(counted) > 1 and firsts and last(_label(each.get("finishReason")) for each in firsts) in _NO_FILTER:
        counted.append(_with_generated(counted))
    return Reading(
        family=NAME,
        stated=_stated(counted[-1], is_grounded=is_grounded) if counted else None,
        model=model,
        service_tier=last(_tier(usage) for usage in usages),
    )


def _with_generated(usages: Sequence[JsonObject]) -> JsonObject:
    """Return the last of several usages, with what was generated by the last that counts any of it.

    A total of what it counts without that says nothing of it.
    """
    usage, counting = usages[-1], [each for each in usages if any(map(each.get, _GENERATED))]
    if not counting or counting[-1] is usage:
        return usage
    kept = {name: usage.get(name) for name in usage if name not in _OF_GENERATED}
    kept |= {name: counting[-1].get(name) for name in _OF_GENERATED if name in counting[-1]}
    prompt = (count_of(usage, "promptTokenCount") or 0) + (count_of(usage, "toolUsePromptTokenCount") or 0)
    return kept | {"totalTokenCount": None} if count_of(usage, "totalTokenCount") == prompt else kept


def _first_candidates(documents: Sequence[JsonObject]) -> list[JsonObject]:
    found = [list_at(document, "candidates")[:1] for document in documents]
    return [candidate for each in found for candidate in each if isinstance(candidate, dict)]


def _part(turn: Sequence[JsonObject], model: Any, response_id: Any, number: int) -> Reading:
    """Return the reading of a further turn, which has its place for a name: the API gives it no id."""
    return _of_turn(turn, model)._replace(response_id=response_id, has_content=True, part=f"turn {number}")


def _turns(documents: Sequence[JsonObject]) -> list[list[JsonObject]]:
    """Return the documents of each turn that states usage; all of them where no turn ends, or none states any."""
    turns: list[list[JsonObject]] = [[]]
    own: list[JsonObject] = [{}]  # of each turn its last counts, which say whether they are stated again
    for document in documents:
        counts = _counts_in(object_at(document, "usageMetadata"))
        is_alone = bool(counts) and document.get("serverContent") is None
        is_late = is_alone and len(turns) > 1 and not turns[-1] and own[-2] in ({}, counts)
        turn = -2 if is_late else -1
        turns[turn].append(document)
        own[turn] = counts or own[turn]
        if stated_once(object_at(document, "serverContent"), "turnComplete") is True:
            turns.append([])
            own.append({})
    return [turn for turn, counts in zip(turns, own, strict=True) if counts] or [[*documents]]


def _counted(document: JsonObject) -> JsonObject:
    """Return the usage of a document where that states counts, else an empty one."""
    usage = object_at(document, "usageMetadata")
    return usage if _counts_in(usage) else {}


def _counts_in(usage: JsonObject) -> JsonObject:
    """Return the counts of a usage, of which nothing else says that they are stated again."""
    return {name: usage.get(name) for name in usage if name.endswith("TokenCount")}


def _as_the_api_writes(document: JsonObject) -> JsonObject:
    """Return a document of an SDK in the API's own names; any other as it is."""
    is_snake = any(isinstance(any_of(document, name), dict) for name in ("usage_metadata", "server_content"))
    if not is_snake and "model_version" not in document:
        return document
    found = _camel_candidate(document)
    for name in ("usageMetadata", "serverContent", "candidates"):
        value = found.get(name)
        if isinstance(value, dict):
            found[name] = _camel_usage(value)
        elif isinstance(value, list):
            found[name] = [_camel_candidate(each) if isinstance(each, dict) else each for each in value]
    return found


def _camel(value: JsonObject) -> JsonObject:
    return {_SNAKE.get(name, name): value.get(name) for name in value}


def _camel_usage(usage: JsonObject) -> JsonObject:
    found = _camel(usage)
    for name, value in found.items():
        if isinstance(value, list):
            found[name] = [_camel(each) if isinstance(each, dict) else each for each in value]
    return found


def _camel_candidate(candidate: JsonObject) -> JsonObject:
    found = _camel(candidate)
    grounding = found.get("groundingMetadata")
    return found | {"groundingMetadata": _camel(grounding)} if isinstance(grounding, dict) else found


def _stated(usage: JsonObject, *, is_grounded: bool) -> Stated | None:
    prompt = count_of(usage, "promptTokenCount")
    if prompt is None and not count_of(usage, "candidatesTokenCount"):
        return None
    tool_use = count_of(usage, "toolUsePromptTokenCount") or 0
    candidates = count_of(usage, "candidatesTokenCount", "responseTokenCount") or 0
    thoughts = count_of(usage, "thoughtsTokenCount")
    total = count_of(usage, "totalTokenCount")
    is_within = bool(thoughts) and total == (prompt or 0) + tool_use + candidates and candidates >= (thoughts or 0)
    completion = candidates if is_within else candidates + (thoughts or 0)
    inside = 0 if is_grounded else tool_use
    conventions = ("grounded",) if is_grounded and tool_use else ()
    return Stated(
        prompt=None if prompt is None else prompt + inside,
        completion=completion,
        cached=None if prompt is None else count_of(usage, "cachedContentTokenCount"),
        reasoning=thoughts,
        prompt_audio=sum_of(
            less(_audio(counted_at(usage, "promptTokensDetails")), _audio(counted_at(usage, "cacheTokensDetails"))),
            at_most(_audio(counted_at(usage, "toolUsePromptTokensDetails")), inside),
        ),
        completion_audio=_audio(
            counted_at(usage, "candidatesTokensDetails") or counted_at(usage, "responseTokensDetails")
        ),
        total=total - (tool_use - inside) if total and prompt is not None else None,
        others={"retrieved_prompt_tokens": tool_use} if is_grounded and tool_use else {},
        conventions=(*conventions, THOUGHTS_WITHIN) if is_within else conventions,
    )


def _audio(details: list[Any]) -> int | None:
    return tokens_of(AUDIO, details, "tokenCount")


def _tier(usage: JsonObject) -> object:
    return _label(usage.get("serviceTier") or usage.get("trafficType"))


def _label(value: object) -> object:
    return str(value) if type(value) is int else value  # enumerations may be logged as their numbers
