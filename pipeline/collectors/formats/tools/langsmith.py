"""Runs of LangSmith, as its API (``/runs/query``) and its SDKs (``Client.list_runs``) give them, as JSON.

An object is a run, with the runs below it in ``child_runs`` where they were loaded; or a page of runs, in ``runs``.
Exchanges are of the types ``llm`` and ``embedding``; others give none, as a blank line does: what they count is the sum
of their children. Times are of UTC, without an offset.

``usage_metadata`` are what the provider stated: ``input_tokens`` and ``output_tokens`` are wholes, and the details of
each are parts of it. They lie in the outputs, in the metadata of the run, or in the message that LangChain made.
Whatever is written to a cache may be there by its lifetime instead; the SDK for JavaScript, and integrations, have
another name for an hour (``1hr``). Of what Gemini cached, the wrappers state 200,000 tokens in one place and the rest
in another. Counts of the run itself, ``prompt_tokens`` and ``completion_tokens``, may be made with a tokenizer where
nobody stated any, and are not looked at.

A run of a model above another, as where a client is wrapped twice, repeats its usage. A run that names its children and
states usage is refused therefore. Exports that do not name children say nothing of it; then the id of the answer tells
both to be one call, where the two have it. An answer out of LangChain's own cache has ``total_cost`` zero in the usage
of its message, and the counts of the first. Whose call it was is ``metadata.api_key_id``, else ``user_id`` there.

Source: "Run (span) data format" of docs.langchain.com/langsmith; of langchain-ai/langsmith-sdk,
``schemas.py``, ``wrappers/``, ``integrations/``, ``_internal/_usage.py``, ``get_unified_run_tokens``, and
``js/src/utils/usage.ts``; of LangChain, ``BaseChatModel._convert_cached_generations``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.reading import count, list_at, object_at, sum_of, word
from pipeline.collectors.formats.instants import in_utc
from pipeline.collectors.formats.mapping import first_stated, number, object_in
from pipeline.collectors.formats.pages import first_row, rows_of
from pipeline.collectors.formats.places import Places
from pipeline.collectors.values.refusal import LineRefused, shown
from pipeline.collectors.values.strict_json import stated_once
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.collectors.values.strict_json import JsonObject

NAME = "langsmith"

_PATHS = {"llm": "/chat/completions", "embedding": "/embeddings"}
"""The types of exchanges, with what each is."""
_TYPES = frozenset((*_PATHS, "chain", "tool", "retriever", "prompt", "parser"))
_CHILDREN = ("child_runs", "child_run_ids", "direct_child_run_ids")
_CACHED = ("cache_read", "priority_cache_read", "flex_cache_read", "cache_read_over_200k")
_REASONING = ("reasoning", "priority_reasoning", "flex_reasoning")
"""Each a part, what it is called where the wrappers know of a tier, and what of it is beyond 200,000 tokens."""
_AUDIO = "audio"
_WRITTEN = "cache_creation"
_FOR_AN_HOUR = ("ephemeral_1h_input_tokens", "ephemeral_1hr_input_tokens")
_BY_LIFETIME = ("ephemeral_5m_input_tokens", *_FOR_AN_HOUR)


PLACES = Places(
    fields={
        "ts": "start_time",
        "api_key_id": ["extra.metadata.api_key_id", "extra.metadata.user_id"],
        "request_id": "id",
        "request.model": [
            *("extra.invocation_params.model", "extra.invocation_params.model_name", "extra.metadata.ls_model_name"),
        ],
        "response.id": "outputs.id",
        "response.model": ["outputs.model", "extra.metadata.ls_model_name"],
        "service_tier": "outputs.service_tier",
    },
    counts_within=(*_CACHED, *_REASONING, _AUDIO, _WRITTEN, *_BY_LIFETIME),
    marks=("trace_id", "dotted_order", "error", *_CHILDREN[1:]),
    nested=("outputs.usage_metadata", "outputs.generations", "extra.metadata.usage_metadata"),
    objects=("outputs",),
    unread=("prompt_tokens", "completion_tokens", "total_tokens"),
)


def recognises(document: JsonObject) -> bool:
    """Tell a run, or a page of them."""
    first = first_row(document.get("runs"), document)
    return (
        first is not None
        and word(first.get("run_type")) in _TYPES
        and "start_time" in first
        and ("trace_id" in first or "dotted_order" in first)
    )


def entries(document: JsonObject) -> list[JsonObject | LineRefused]:
    """Return the exchanges among runs, each with its ``run``.

    Raises ``LineRefused`` (``invalid_field``) where a page holds what is no run. Usage that cannot be told apart is
    refused in the place of its run.
    """
    page = stated_once(document, "runs") if "run_type" not in document else [document]
    runs = [run for each in rows_of(page, "runs is no list of runs") for run in _with_children(each)]
    if not _TYPES.issuperset(word(stated_once(run, "run_type")) for run in runs):
        message = "run_type is none of a run: a newer LangSmith may have more, and usage of it must not be lost"
        raise LineRefused(QuarantineReason.INVALID_FIELD, message)
    return [_entry(run) for run in runs if run["run_type"] in _PATHS]


def _with_children(run: JsonObject) -> Iterator[JsonObject]:
    yield run
    for child in list_at(run, "child_runs"):
        if isinstance(child, dict):
            yield from _with_children(child)


def _entry(run: JsonObject) -> JsonObject | LineRefused:
    outputs, extra = object_in(stated_once(run, "outputs")), object_in(stated_once(run, "extra"))
    metadata, asked = object_in(extra.get("metadata")), object_in(extra.get("invocation_params"))
    message = next(_messages(outputs), {})
    answered = object_at(message, "response_metadata")
    usages = [object_at(each, "usage_metadata") for each in (outputs, metadata, message)]
    usage = next((each for each in usages if each), {})
    try:
        counts = _counts(usage)
        _refuse_what_may_be_repeated(run, counts)
    except LineRefused as refused:
        return refused
    return {
        "ts": in_utc(stated_once(run, "start_time")),
        "api_key_id": first_stated(metadata, "api_key_id", "user_id"),
        "request_id": run.get("id"),
        "path": _PATHS[run["run_type"]],
        "request.model": first_stated(asked, "model", "model_name") or metadata.get("ls_model_name"),
        "response.id": first_stated(outputs, "id") or first_stated(answered, "id"),
        "response.model": (
            first_stated(outputs, "model")
            or first_stated(answered, "model_name", "model")
            or metadata.get("ls_model_name")
        ),
        "response.error": bool(run.get("error")),
        "service_tier": first_stated(outputs, "service_tier") or first_stated(answered, "service_tier"),
        "cache_hit": usage is usages[-1] and _is_zero(usage.get("total_cost")),
        **{f"usage.{name}": value for name, value in counts.items()},
        "run": run,
    }


def _messages(outputs: JsonObject) -> Iterator[JsonObject]:
    """Yield what LangChain made of an answer, as it is or as it writes its objects, where usage is stated in it."""
    listed = list_at(outputs, "generations")
    flat = [inner for each in listed for inner in (each if isinstance(each, list) else [each])]
    held = [object_at(each, "message") for each in flat if isinstance(each, dict)]
    for each in (*held, *(value for value in outputs.values() if isinstance(value, dict))):
        message = object_at(each, "kwargs") or each
        if object_at(message, "usage_metadata"):
            yield message


def _counts(usage: JsonObject) -> dict[str, int | None]:
    """Return the counts of a usage. Raises ``LineRefused`` where one is none, or what was written is stated twice."""
    asked, answered = object_at(usage, "input_token_details"), object_at(usage, "output_token_details")
    written, by_lifetime = _part(asked, _WRITTEN), sum_of(*(_part(asked, name) for name in _BY_LIFETIME))
    if written and by_lifetime and written != by_lifetime:
        detail = f"{_WRITTEN} is {shown(written)}, and by their lifetimes {shown(by_lifetime)} tokens were written"
        raise LineRefused(QuarantineReason.CONTRADICTORY_USAGE, detail)
    return {
        "prompt_tokens": _part(usage, "input_tokens"),
        "completion_tokens": _part(usage, "output_tokens"),
        "total_tokens": _part(usage, "total_tokens"),
        "cached_tokens": sum_of(*(_part(asked, name) for name in _CACHED)),
        "cache_write_tokens": by_lifetime or written,
        "cache_write_1h_tokens": sum_of(*(_part(asked, name) for name in _FOR_AN_HOUR)),
        "reasoning_tokens": sum_of(*(_part(answered, name) for name in _REASONING)),
        "prompt_audio_tokens": _part(asked, _AUDIO),
        "completion_audio_tokens": _part(answered, _AUDIO),
    }


def _refuse_what_may_be_repeated(run: JsonObject, counts: Mapping[str, int | None]) -> None:
    if any(counts.values()) and any(run.get(name) for name in _CHILDREN):
        detail = (
            f"a run of a model that has runs below it states {shown(counts['total_tokens'] or 0)} tokens, which may "
            "repeat what these count"
        )
        raise LineRefused(QuarantineReason.CONTRADICTORY_USAGE, detail)


def _part(usage: JsonObject, name: str) -> int | None:
    return count(number(stated_once(usage, name)), name)


def _is_zero(value: Any) -> bool:
    return value is not None and not isinstance(value, bool | str | list | dict) and value == 0
