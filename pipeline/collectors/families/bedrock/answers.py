"""Bedrock's own shapes of answers.

Converse (Amazon Nova on invoke too), Titan, Llama, and the counts that AWS adds to any of them.

Converse: prompt = ``inputTokens`` + cache reads + cache writes, completion = ``outputTokens``, ``totalTokens`` is the
sum of all four in 502 of 502. The spellings that end in ``TokenCount`` repeat the same numbers and are never added. A
stream states usage in its last event, ``metadata``. Streams of OpenAI's models have the cache in ``inputTokens`` as
well, and so twice in the total (4,995 beside 4,993 written, 10,007 in all, where an answer in one piece has 2:
Bifrost's pull 6942); the model says so, and an input that is no less than what was cached. Titan and Llama
state counts of their own, and ``amazon-bedrock-invocationMetrics`` in the last chunk of a stream. Where a model's own
document has no counts, those of AWS are used: the metrics, or the headers ``x-amzn-bedrock-input-token-count`` and
``-output-token-count``. No body has an id, few name a model. A missing input count beside an output count is unknown,
never zero; vectors have no output. A tier that served (``serviceTier``, or a header of invoke) has prices of its own,
and so has optimised latency, which is the tier ``optimized``. Which model a prompt router took stands in
``trace.promptRouter``; AWS bills that one. Source: the API reference of Amazon Bedrock.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.bedrock.models import model_of
from pipeline.collectors.families.reading import (
    Reading,
    Stated,
    count,
    count_of,
    counted_at,
    error_of,
    first,
    in_turn,
    last,
    latest,
    list_at,
    object_at,
    part_at,
    sum_of,
    with_others,
)
from pipeline.collectors.values.strict_json import stated_once
from pipeline.collectors.values.traced import whole_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.collectors.bodies.body import Body
    from pipeline.collectors.families.reading import Asked
    from pipeline.collectors.values.strict_json import JsonObject

CONVERSE, TITAN, LLAMA, INVOKE = "bedrock-converse", "bedrock-titan", "bedrock-llama", "bedrock-invoke"

CACHED_WITHIN = "cached-within"
_OPENAI = re.compile(r"(?:^|[./])openai\.")
"""How models of OpenAI's are called there, also behind the region of a profile (``us.openai.gpt-5.6``)."""
_EVENTS = frozenset({"messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop"})
_METRICS = "amazon-bedrock-invocationMetrics"
_CONTENT = (
    *("results", "outputText", "generation"),
    *("outputs", "completion", "completions", "generations", "text"),  # of models that only AWS counts
)
_COUNT_HEADERS = ("x-amzn-bedrock-input-token-count", "x-amzn-bedrock-output-token-count")
_TGI_HEADERS = ("x-prompt-tokens", "x-generated-tokens")
"""Those of Hugging Face's text generation inference."""
_TEI_HEADER = "x-compute-tokens"
"""That of its server of embeddings, whose vectors come without any count (``ResponseMetadata`` of its router)."""
_TIER_HEADER, _LATENCY_HEADER = "x-amzn-bedrock-service-tier", "x-amzn-bedrock-performanceconfig-latency"
_TIER_OF_GEMINI = "x-gemini-service-tier"
"""Where Google's Gemini API says which tier served a request, which may be another than was asked for: ``standard``
where more was asked of ``priority`` than is to be had (https://ai.google.dev/gemini-api/docs/priority-inference).
"""
HEADERS = (*_COUNT_HEADERS, *_TGI_HEADERS, _TEI_HEADER, _TIER_HEADER, _LATENCY_HEADER, _TIER_OF_GEMINI)
"""All headers of a response that are looked at, in whatever letters."""
_OPTIMIZED, _DEFAULT = "optimized", "default"
USUAL_TIERS = frozenset((_DEFAULT, "standard"))
"""What headers call the tier of whoever asked for none: where an answer names a tier, that counts."""


def recognises_converse(document: JsonObject) -> bool:
    """Tell an answer of Converse, or an event of its stream."""
    usage = object_at(document, "usage")
    return (
        "stopReason" in document
        or "inputTokens" in usage
        or "outputTokens" in usage
        or "inputTokens" in object_at(document, "metadata", "usage")
        or not _EVENTS.isdisjoint(document)
    )


def recognises_titan(document: JsonObject) -> bool:
    """Tell an answer of Titan's text models, or a chunk of one."""
    return "inputTextTokenCount" in document and ("results" in document or "outputText" in document)


def recognises_llama(document: JsonObject) -> bool:
    """Tell an answer of a Llama model on invoke, or a chunk of one."""
    return "generation" in document and ("prompt_token_count" in document or "generation_token_count" in document)


def recognises_invoke(document: JsonObject) -> bool:
    """Tell any other model's document to which AWS added its own count."""
    return _METRICS in document


def read_converse(body: Body, asked: Asked) -> Reading:
    """Read an answer of Converse, or several whole ones. Raises ``LineRefused`` where a count is none."""
    is_of_openai = _is_of_openai(asked)
    answers = in_turn(body.documents, _is_whole)
    return with_others(_read_converse(answer, is_of_openai=is_of_openai) for answer in answers)


def _is_of_openai(asked: Asked) -> bool:
    """Tell a model of OpenAI's, by the path where that names one: there a caller may send any other name."""
    named = asked.path if "/model/" in (asked.path or "") else asked.model
    return _OPENAI.search(named or "") is not None


def _is_whole(document: JsonObject) -> bool:
    return bool(object_at(document, "output", "message")) and _converse(object_at(document, "usage")) is not None


def _read_converse(documents: Sequence[JsonObject], *, is_of_openai: bool) -> Reading:
    stated = None
    for document in documents:
        stated = latest(stated, _converse(object_at(document, "usage")))
        of_stream = _converse(object_at(document, "metadata", "usage"))
        stated = latest(stated, _with_cache_once(of_stream) if of_stream is not None and is_of_openai else of_stream)
    return Reading(
        family=CONVERSE,
        stated=stated,
        service_tier=last(
            _tier(part_at(place, "serviceTier").get("type"), part_at(place, "performanceConfig").get("latency"))
            for document in documents
            for place in (document, part_at(document, "metadata"))
        ),
        model=last(
            model_of(part_at(place, "trace", "promptRouter").get("invokedModelId"))
            for document in documents
            for place in (document, part_at(document, "metadata"))
        ),
        finish_reason=last(map(_stop_reason, documents)),
        choices=1,
        has_error=any(map(error_of, documents)),
        has_content=any(list_at(document, "output", "message", "content") for document in documents),
        generated_chunks=sum(bool(part_at(document, "contentBlockDelta")) for document in documents),
    )


def _stop_reason(document: JsonObject) -> Any:
    return document.get("stopReason") or part_at(document, "messageStop").get("stopReason")


def _with_cache_once(stated: Stated) -> Stated:
    """Return what a stream of a model of OpenAI's states, whose input holds the cache, and whose total has it twice."""
    cache = (stated.cached or 0) + (stated.written or 0)
    prompt = (stated.prompt or 0) - cache
    if not cache or prompt < cache:
        return stated
    is_once = stated.total == prompt + (stated.completion or 0)
    total = stated.total if is_once or not stated.total else stated.total - cache
    return stated._replace(prompt=prompt, total=total, conventions=(CACHED_WITHIN,))


def _converse(usage: JsonObject) -> Stated | None:
    prompt, completion = count_of(usage, "inputTokens"), count_of(usage, "outputTokens")
    if prompt is None or completion is None:  # the other half is unknown, and is not zero: nothing to bill, and kept
        halves = {"prompt_tokens": prompt, "completion_tokens": completion}
        others = {name: half for name, half in halves.items() if half}
        return Stated(prompt=None, completion=None, others=others) if others else None
    cached = count_of(usage, "cacheReadInputTokens", "cacheReadInputTokenCount")
    written = count_of(usage, "cacheWriteInputTokens", "cacheWriteInputTokenCount")
    hour = [
        count_of(detail, "inputTokens") or 0
        for detail in counted_at(usage, "cacheDetails")
        if isinstance(detail, dict) and stated_once(detail, "ttl") == "1h"
    ]
    return Stated(
        prompt=prompt + (cached or 0) + (written or 0),
        completion=completion,
        cached=cached,
        written=written,
        written_1h=min(sum(hour), written or 0) or None,
        total=count_of(usage, "totalTokens"),
    )


def read_titan(body: Body, asked: Asked) -> Reading:
    """Read an answer of Titan. Raises ``LineRefused`` where a count is none."""
    del asked
    documents = body.documents
    prompt = _last_count(documents, "inputTextTokenCount")
    results = [each for document in documents for each in counted_at(document, "results") if isinstance(each, dict)]
    completion = sum_of(*(count_of(result, "tokenCount") for result in results))
    if completion is None:
        completion = _last_count(documents, "totalOutputTextTokenCount")
    reasons = [place.get("completionReason") for place in (*documents, *results)]
    return _invoked(TITAN, body, (prompt, completion), reasons)


def read_llama(body: Body, asked: Asked) -> Reading:
    """Read an answer of Llama: its chunks state running totals. Raises ``LineRefused`` where a count is none."""
    del asked
    prompt = _last_count(body.documents, "prompt_token_count")
    completion = _last_count(body.documents, "generation_token_count")
    return _invoked(LLAMA, body, (prompt, completion), [document.get("stop_reason") for document in body.documents])


def read_invoke(body: Body, asked: Asked) -> Reading:
    """Read what only AWS counted. Raises ``LineRefused`` where a count is none."""
    del asked
    return _invoked(INVOKE, body, (None, None), [])


def _invoked(family: str, body: Body, counts: tuple[int | None, int | None], reasons: Sequence[Any]) -> Reading:
    prompt, completion = counts
    own = None if prompt is None or completion is None else Stated(prompt=prompt, completion=completion)
    return Reading(
        family=family,
        stated=own,
        response_id=first(document.get("id") for document in body.documents),
        finish_reason=last(reasons),
        choices=1,
        has_error=any(map(error_of, body.documents)),
        has_content=any(document.get(name) for document in body.documents for name in _CONTENT),
        generated_chunks=sum(
            bool(document.get("outputText") or document.get("generation")) for document in body.documents
        ),
    )


def _tier(tier: Any, latency: Any) -> Any:
    return _OPTIMIZED if latency == _OPTIMIZED and tier in (None, _DEFAULT) else tier


def tier_beside(headers: Mapping[str, Any]) -> str | None:
    """Return the tier that the headers of an invoke, or of Gemini, name; ``None`` where they name none."""
    if not headers:
        return None
    found = _tier(_word(headers, _TIER_HEADER) or _word(headers, _TIER_OF_GEMINI), _word(headers, _LATENCY_HEADER))
    return found if isinstance(found, str) else None


def stated_beside(
    documents: Sequence[JsonObject], headers: Mapping[str, Any], *, is_embedding: bool = False
) -> Stated | None:
    """Return the counts that AWS adds itself: those of the last chunk, else those of the response's headers.

    An embedding has no output, so none need be stated of it.
    """
    for document in reversed(documents):
        metrics = object_at(document, _METRICS)
        prompt, completion = count_of(metrics, "inputTokenCount"), count_of(metrics, "outputTokenCount")
        if prompt is not None and completion is not None:
            return Stated(
                prompt=prompt + sum(count_of(metrics, name) or 0 for name in _CACHE_METRICS),
                completion=completion,
                cached=count_of(metrics, _CACHE_METRICS[0]),
                written=count_of(metrics, _CACHE_METRICS[1]),
                conventions=("invocation-metrics",),
            )
    counts = [_header(headers, name) for name in _COUNT_HEADERS]
    if counts == [None, None]:
        counts = [_header(headers, name) for name in _TGI_HEADERS]
    if is_embedding:
        counts[0] = _header(headers, _TEI_HEADER) if counts[0] is None else counts[0]
        counts[1] = counts[1] or 0
    if None in counts:
        return None
    return Stated(prompt=counts[0], completion=counts[1], conventions=("response-headers",))


_CACHE_METRICS = ("cacheReadInputTokenCount", "cacheWriteInputTokenCount")


def _word(headers: Mapping[str, Any], name: str) -> Any:
    for key, value in headers.items():
        if key.lower() == name:
            return value[0] if isinstance(value, list) and value else value
    return None


def _header(headers: Mapping[str, Any], name: str) -> int | None:
    value = _word(headers, name)
    is_number = isinstance(value, str) and value.isdecimal() and value.isascii()
    return count(whole_number(value) if is_number else value, name)


def _last_count(documents: Sequence[JsonObject], name: str) -> int | None:
    """Return the last of running totals, of which zeros take nothing back; ``None`` where there is none."""
    counts = [value for document in documents if (value := count_of(document, name)) is not None]
    return next((value for value in reversed(counts) if value), 0 if counts else None)
