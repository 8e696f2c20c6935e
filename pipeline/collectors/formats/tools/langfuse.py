"""Observations of Langfuse, as its export to blob storage and its public API write them.

An object is an observation: ``observations_v2/`` and ``observations/`` of the export have names like ``start_time``,
and times of UTC without an offset (langfuse.com/docs/api-and-data-platform/features/blob-storage-export-fields); the
API (``/api/public/v2/observations``, ``/api/public/observations``) has ``startTime``, and a page of them in ``data``.
Exchanges are of the types GENERATION and EMBEDDING: no other has usage. Others give none, as a blank line does.

``usageDetails`` are buckets that do not overlap, and ``total`` is their sum (langfuse.com/docs/observability/features/
token-and-cost-tracking, "Usage types are mutually exclusive buckets"): 86 of ``input`` and 17,817 of
``input_cached_tokens`` are a prompt of 17,903. Where the total is that of input and output alone, the others are parts
of these. Any other total is refused. Servers before April 2026 stored what OpenTelemetry counts as parts under its own
names, with a dot: ``reasoning.output_tokens`` is within the output; of ``cache_read.input_tokens`` nobody can say
whether the input holds them, and they are refused. Older observations have ``usage`` with a unit, or ``promptTokens``.

Names are those of Langfuse's price list (``default-model-prices.json``), and what the handler for LangChain
(langfuse-python, ``langchain/CallbackHandler.py``) makes of a provider's: ``input_`` and ``output_`` before the name of
a detail, ``modality_`` before one of Google's, as it writes it (``input_modality_AUDIO``). What was written to a cache
comes by its lifetime, as ``input_ephemeral_1h_input_tokens``, or as ``cache_creation_ephemeral_1h_input_tokens`` beside
``cache_creation_input_tokens``, which is the sum of these: the one place where buckets overlap and say so.

The id of the answer is not kept, so an exchange is known by its trace and its observation. Whose call it was is
``metadata.api_key_id``, else the user.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.collectors.families.gemini import AUDIO
from pipeline.collectors.families.reading import count, sum_of, word
from pipeline.collectors.formats.instants import in_utc
from pipeline.collectors.formats.mapping import first_stated, number, object_in
from pipeline.collectors.formats.pages import first_row, rows_of
from pipeline.collectors.formats.places import Places
from pipeline.collectors.values.refusal import LineRefused, shown
from pipeline.collectors.values.strict_json import stated_once
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.collectors.values.strict_json import JsonObject

NAME = "langfuse"

_EXCHANGES = frozenset(("GENERATION", "EMBEDDING"))
_TYPES = _EXCHANGES | frozenset(
    ("SPAN", "EVENT", "AGENT", "TOOL", "CHAIN", "RETRIEVER", "EVALUATOR", "GUARDRAIL")  # those of the documentation
)
_INPUT = frozenset(("input", "input_tokens", "prompt_tokens"))
_OUTPUT = frozenset(("output", "output_tokens", "completion_tokens"))
_TOTALS = ("total_tokens", "total")
"""A total that was sent by that name comes first: the server adds it up with the rest."""
_WITHIN_OUTPUT = frozenset(("reasoning.output_tokens", "accepted_prediction_tokens", "rejected_prediction_tokens"))
"""What servers take from OpenTelemetry and from Vercel's SDK and do not subtract from the output."""
_WRITTEN = "cache_creation_input_tokens"
_WRITTEN_BY_LIFETIME = "cache_creation_ephemeral_"
"""What was written to a cache, and how names begin of what is within it."""
_AUDIO_NAMES = ("audio", *(f"modality_{modality}".lower() for modality in AUDIO))
_PARTS = {
    "cached_tokens": ("prompt", "cached"),
    "cache_write_tokens": ("prompt", "written", "written for an hour"),
    "cache_write_1h_tokens": ("prompt", "written for an hour"),
    "reasoning_tokens": ("completion", "reasoning"),
    "prompt_audio_tokens": ("prompt", "audio"),
    "completion_audio_tokens": ("completion", "audio"),
}
"""Our counts of parts, each with its side and the kinds of usage that it is."""
_UNIT = "TOKENS"


PLACES = Places(
    fields={
        "ts": ["startTime", "start_time"],
        "api_key_id": ["metadata.api_key_id", "userId", "user_id"],
        "request_id": ["traceId", "trace_id", "id"],
        "response.model": ["model", "providedModelName", "provided_model_name"],
        "response.error": "level",
        "service_tier": ["modelParameters.service_tier", "model_parameters.service_tier"],
        "usage.prompt_tokens": ["usage.input", "promptTokens"],
        "usage.completion_tokens": ["usage.output", "completionTokens"],
        "usage.total_tokens": ["usage.total", "totalTokens"],
    },
    counts=("usageDetails", "usage_details"),
    unread=("input", "output"),
)


def recognises(document: JsonObject) -> bool:
    """Tell an observation, or a page of them."""
    first = first_row(document.get("data"), document)
    return (
        first is not None
        and word(first.get("type")) in _TYPES
        and any(name in first for name in ("traceId", "trace_id"))
        and any(name in first for name in ("startTime", "start_time"))
    )


def entries(document: JsonObject) -> list[JsonObject]:
    """Return the exchanges among one or several observations; each with its ``observation``.

    Raises ``LineRefused``: ``invalid_field`` where a page holds what is no observation, ``invalid_usage`` or
    ``contradictory_usage`` for usage that cannot be told apart.
    """
    page = stated_once(document, "data") if "type" not in document else [document]
    rows = rows_of(page, "data is no list of observations")
    kinds = [word(stated_once(each, "type")) for each in rows]
    if not _TYPES.issuperset(kinds):
        message = "type is none of an observation: a newer Langfuse may have more, and usage of it must not be lost"
        raise LineRefused(QuarantineReason.INVALID_FIELD, message)
    return [_entry(each) for each, kind in zip(rows, kinds, strict=True) if kind in _EXCHANGES]


def _entry(observation: JsonObject) -> JsonObject:
    metadata = object_in(observation.get("metadata"))
    trace, own = (first_stated(observation, *names) for names in (("traceId", "trace_id"), ("id",)))
    return {
        "ts": in_utc(first_stated(observation, "startTime", "start_time")),
        "api_key_id": first_stated(metadata, "api_key_id") or first_stated(observation, "userId", "user_id"),
        "request_id": f"{trace}/{own}" if isinstance(trace, str) and isinstance(own, str) else own,
        "response.model": first_stated(observation, "model", "providedModelName", "provided_model_name"),
        "response.error": observation.get("level") == "ERROR",
        "service_tier": object_in(first_stated(observation, "modelParameters", "model_parameters")).get("service_tier"),
        **{f"usage.{name}": value for name, value in _counts(observation).items()},
        "observation": observation,
    }


def _counts(observation: JsonObject) -> dict[str, int | None]:
    usage = object_in(first_stated(observation, "usageDetails", "usage_details"))
    if any(usage.get(name) for name in usage):
        return of_buckets(usage)
    usage = object_in(stated_once(observation, "usage"))
    if usage and usage.get("unit") not in (None, _UNIT):
        return {}  # characters, seconds, images
    if not any(usage.get(name) for name in ("input", "output", "total")):
        usage = {
            "input": first_stated(observation, "promptTokens"),
            "output": first_stated(observation, "completionTokens"),
            "total": first_stated(observation, "totalTokens"),
        }
    return of_buckets({name: stated_once(usage, name) for name in ("input", "output", "total")})


def of_buckets(usage: JsonObject) -> dict[str, int | None]:
    """Return the counts that buckets amount to, by our names of them.

    Raises ``LineRefused``: ``invalid_usage`` or ``contradictory_usage`` for buckets that cannot be told apart.
    """
    stated = {
        name: value
        for name in usage
        if name not in _TOTALS and (value := count(number(stated_once(usage, name)), "usage_details")) is not None
    }
    _refuse_what_may_be_within(stated)
    buckets = _without_repeats(stated)
    whole = {name: value for name, value in buckets.items() if name not in _WITHIN_OUTPUT}
    total = next((value for name in _TOTALS if (value := count(number(stated_once(usage, name)), name))), None)
    prompt, completion = (_sum(whole, plain) for plain in (_INPUT, _OUTPUT))
    if total in (None, sum(stated.values()), sum(buckets.values()), sum(whole.values())):
        prompt, completion = (_sum(whole, _names(whole, side)) for side in ("prompt", "completion"))
    elif total != (prompt or 0) + (completion or 0):
        detail = (
            f"the stated total {shown(total)} is neither the sum {shown(sum(stated.values()))} of all usage types nor "
            f"{shown((prompt or 0) + (completion or 0))}, that of input and output"
        )
        raise LineRefused(QuarantineReason.CONTRADICTORY_USAGE, detail)
    parts = {name: _sum(buckets, _names(buckets, *kind)) for name, kind in _PARTS.items()}
    completion = 0 if completion is None and prompt else completion
    return {"prompt_tokens": prompt, "completion_tokens": completion, **parts}


def _refuse_what_may_be_within(buckets: Mapping[str, int]) -> None:
    unclear = sum(value for name, value in buckets.items() if "." in name and name not in _WITHIN_OUTPUT)
    if unclear:
        detail = (
            f"usage_details state {shown(unclear)} tokens under names of OpenTelemetry, which may be within the input "
            "or beside it"
        )
        raise LineRefused(QuarantineReason.CONTRADICTORY_USAGE, detail)


def _without_repeats(buckets: Mapping[str, int]) -> Mapping[str, int]:
    """Return buckets of which none is the sum of others. Raises ``LineRefused`` where they are more than their sum."""
    by_lifetime = sum(value for name, value in buckets.items() if name.startswith(_WRITTEN_BY_LIFETIME))
    written = buckets.get(_WRITTEN)
    if not by_lifetime or not written:
        return buckets
    if by_lifetime > written:
        detail = f"{_WRITTEN} is {shown(written)}, and by their lifetimes {shown(by_lifetime)} tokens were written"
        raise LineRefused(QuarantineReason.CONTRADICTORY_USAGE, detail)
    return {**buckets, _WRITTEN: written - by_lifetime}


def _names(buckets: Mapping[str, int], side: str, *kinds: str) -> list[str]:
    """Return the names of the buckets of one side, or those of some kinds of it."""
    told = {name: _kind_of(name) for name in buckets}
    return [name for name, (its_side, kind) in told.items() if its_side == side and (not kinds or kind in kinds)]


def _kind_of(name: str) -> tuple[str, str]:
    """Return of which side a usage type is, and what."""
    name = name.lower()
    if any(word in name for word in ("reasoning", "thinking", "thoughts")):
        return "completion", "reasoning"
    if "cache" in name or "ephemeral" in name:
        if not any(word in name for word in ("creation", "write", "written", "ephemeral")):
            return "prompt", "cached"
        return "prompt", "written for an hour" if "1h" in name.split("_") else "written"
    for side, beginnings in (("prompt", ("input", "prompt")), ("completion", ("output", "completion", "candidates"))):
        if name.startswith(beginnings):
            return side, "audio" if any(word in name for word in _AUDIO_NAMES) else "plain"
    return "other", name


def _sum(buckets: Mapping[str, int], names: frozenset[str] | list[str]) -> int | None:
    return sum_of(*(buckets.get(name) for name in names))
