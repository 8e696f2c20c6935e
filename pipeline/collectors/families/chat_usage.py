"""The ``usage`` object of OpenAI-compatible chat: under which names a count goes, and whose convention it follows.

Conventions, seen in recorded exchanges. xAI counts reasoning outside the completion, and in the total; Vercel's gateway
and Perplexity count it outside of both. Gemini's compatible API states thoughts in the total alone, and where there is
nothing else no completion at all (5 of the prompt, 12 in all: ``crates/agentgateway/src/llm/tests.rs`` of
agentgateway), Mistral audio tokens, which it charges by the second (4 + 635 beside 203 seconds, 3,264 in all, in its
documentation of audio). Bedrock's gateway counts what it cached outside the prompt, and where it has Converse's names,
it always does. Codex has both parts at the top, within their wholes (``cached_input_tokens`` and
``reasoning_output_tokens`` of its ``TokenUsage``), Genkit Google's, whose thoughts the total tells of
(``cachedContentTokens`` and ``thoughtsTokens`` of its ``GenerationUsage``).
Grok behind Azure, and Magistral, state cached tokens of a hidden preamble that the prompt leaves out: the prompt is
right as stated, and what of it was cached is unknown. Reasoning above its completion, with a total that agrees, is
another tokenizer's count: the part is dropped.
Mistral's conversations count in the total what tools of theirs consumed (177 + 134 + 3,929 of them = 4,240), and
Snowflake what its guard did (93 + 402 + 677 = 1,172): these are kept by name.
OpenRouter's writes to Gemini's cache repeat what was read. Anthropic's own usage object, which logs keep without its
body, is known by its names and counts what was cached outside the prompt; it states no total. agentgateway copies that
object into chat's and counts the cache outside of prompt and total (``translate_response`` in
``crates/llm/src/conversion/messages.rs``, and its golden tests: 47 + 251 = 298 beside 2 read and 1 written). It alone
states both in the details as well as under Anthropic's names, and no details of the completion. LiteLLM put what
Anthropic read from a cache into prompt and total, and left out what was written to it, from its version 1.66 on for
most of 2025 (88 + 120,269 read + 4,156 = 124,513 beside 21,002 written: its issue 13207, and ``calculate_usage`` in
``llms/anthropic/chat/transformation.py`` of the time). It has Anthropic's names beside details that know no writing.
Where what was read and written is more than the prompt, that is so; where it is not, a version of before, which had
both within, looks the same. A contradiction that none of these explains is refused with its numbers.
Bifrost once put what was written to a cache into what it read (``read_of``).

An object that is not there may be written as an empty array, as PHP does, an empty text or ``false``.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.reading import Stated, at_most, count, count_of, less, others_of, read_of, sum_of
from pipeline.collectors.values.refusal import LineRefused, shown
from pipeline.collectors.values.strict_json import CONTRADICTED, twice
from pipeline.collectors.values.traced import is_integer
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from pipeline.collectors.values.strict_json import JsonObject

CACHED_APART = "cached-apart"
CACHED_UNKNOWN = "cached-unknown"
TIMINGS = "timings"
WRITTEN_APART = "written-apart"
WRITTEN_REPEATS_CACHED = "written-repeats-cached"
REASONING_APART = "reasoning-apart"
REASONING_UNKNOWN = "reasoning-unknown"
THOUGHTS_IN_TOTAL = "thoughts-in-total"
AUDIO_APART = "audio-apart"
CONNECTORS_APART = "connectors-apart"
GUARD_APART = "guard-apart"

PROMPT = ("prompt_tokens", "input_tokens", "promptTokens", "inputTokens")
COMPLETION = ("completion_tokens", "output_tokens", "completionTokens", "outputTokens")
"""The third of each is how Oracle, and SDKs in JavaScript, write it; the last is Vercel's SDK since its version 5."""
TOTAL = ("total_tokens", "totalTokens")
PROMPT_DETAILS = ("prompt_tokens_details", "prompt_token_details", "input_tokens_details", "input_token_details")
COMPLETION_DETAILS = (
    *("completion_tokens_details", "completion_token_details"),
    *("output_tokens_details", "output_token_details"),
)
"""The last of each is of OpenAI's Realtime, and of LangChain, whose ``UsageMetadata`` has names of its own within."""
_OF_LANGCHAIN = (PROMPT_DETAILS[-1], COMPLETION_DETAILS[-1])
_OF_VERCEL = ("inputTokenDetails", "outputTokenDetails")
"""Of version 6 of its SDK; before, the parts lie beside their wholes."""
_OF_CONVERSE = ("cacheReadInputTokens", "cacheWriteInputTokens")
"""Bedrock's, which its ``inputTokens`` leave out."""
WRITTEN_NAMES = (
    *("cache_write_tokens", "cache_creation_tokens", "cache_creation_input_tokens", "cached_write_tokens"),
    *("cached_creation_tokens", "cache_write_input_tokens"),
)
_TIMINGS = ("prompt_n", "cache_n", "predicted_n")
"""What llama.cpp's server evaluated of the prompt, had of it in its cache, and generated."""
_CACHED = (
    *(
        (details, name)
        for details in PROMPT_DETAILS
        for name in ("cached_tokens", "cache_read_tokens", "cache_read_input_tokens")
    ),
    (_OF_LANGCHAIN[0], "cache_read"),
    ("promptTokensDetails", "cachedTokens"),
    (_OF_VERCEL[0], "cacheReadTokens"),
    ("cachedInputTokens",),
    ("cached_input_tokens",),
    ("cachedContentTokens",),
    (_OF_CONVERSE[0],),
    ("num_cached_tokens",),
    ("prompt_cache_hit_tokens",),
    ("cached_tokens",),
    ("cache_read_input_tokens",),
    ("cache_read_tokens",),
)
_WRITTEN = (
    *((details, name) for details in PROMPT_DETAILS for name in WRITTEN_NAMES),
    (_OF_LANGCHAIN[0], "cache_creation"),
    (_OF_VERCEL[0], "cacheWriteTokens"),
    (_OF_CONVERSE[1],),
    *((name,) for name in WRITTEN_NAMES),
)
_CACHED_OTHERWISE = (
    *dict.fromkeys(place[-1] for place in _CACHED),
    *("cached_prompt_tokens", "cached_prompt_text_tokens", "prompt_cached_tokens", "prompt_cache_read_tokens"),
    *("cached_read_tokens", "cachedPromptTextTokens"),
)
_WRITTEN_OTHERWISE = (*WRITTEN_NAMES, "cacheWriteTokens", "write_cached_tokens", "prompt_cache_write_tokens")
"""Names that servers use elsewhere than where they are looked for first, or use alone: the second is xAI's, the last
but one that of AxonHub's older peers, the last stands beside DeepSeek's two. All lie within the prompt.
"""
_LIFETIMES = (
    *(
        (*details, name)
        for details in ((), *((name,) for name in PROMPT_DETAILS if name not in _OF_LANGCHAIN))
        for name in ("cache_creation", "cache_creation_token_details")
    ),
    _OF_LANGCHAIN[:1],
)
"""Where gateways in front of Anthropic, and others that cache as it does, leave its lifetimes, and LangChain does."""
_WRITTEN_5M = tuple((*place, "ephemeral_5m_input_tokens") for place in _LIFETIMES)
WRITTEN_1H_OF_BIFROST = ("cached_write_token_details", "cached_write_tokens_1h")
_WRITTEN_1H = (
    *((*place, "ephemeral_1h_input_tokens") for place in _LIFETIMES),
    *((name, *WRITTEN_1H_OF_BIFROST) for name in PROMPT_DETAILS if name not in _OF_LANGCHAIN),
    ("claude_cache_creation_1_h_tokens",),
)
"""The last is new-api's."""
_OF_PROMPT = tuple(dict.fromkeys(place[0] for place in (*_CACHED, *_WRITTEN, *_WRITTEN_5M, *_WRITTEN_1H)))
_REASONING = (
    *((details, "reasoning_tokens") for details in COMPLETION_DETAILS),
    ("reasoning_tokens",),
    ("reasoning_output_tokens",),
    *(("completionTokensDetails", name) for name in ("reasoningTokens", "thinkingTokens")),
    (_OF_LANGCHAIN[1], "reasoning"),
    (_OF_VERCEL[1], "reasoningTokens"),
    ("reasoningTokens",),
    ("thoughtsTokens",),
)
_PROMPT_AUDIO = (*((details, "audio_tokens") for details in PROMPT_DETAILS), (_OF_LANGCHAIN[0], "audio"))
_OF_ANTHROPIC = ("cache_read_input_tokens", "cache_creation_input_tokens")
"""What Anthropic counts beside ``input_tokens``."""
_CACHED_AUDIO = tuple((details, "cached_tokens_details", "audio_tokens") for details in PROMPT_DETAILS)
_COMPLETION_AUDIO = (
    *((details, "audio_tokens") for details in COMPLETION_DETAILS),
    (_OF_LANGCHAIN[1], "audio"),
)
OTHERS = {
    "searches": ("num_search_queries",),
    "citation_tokens": ("citation_tokens",),
    "sources": ("num_sources_used",),
    "web_searches": ("server_tool_use", "web_search_requests"),
    "prompt_audio_seconds": ("prompt_audio_seconds",),
    "connector_tokens": ("connector_tokens",),
    "guardrails_tokens": ("guardrails_tokens",),
}
"""What is stated beside tokens and has no meter: its name in ``other_usage``, and where it lies."""
OTHERS_OF_OPENROUTER = {"web_searches": ("server_tool_use_details", "web_search_requests")}
"""Where OpenRouter says of chat what it says of Anthropic's messages at the place above."""
_OTHERS_OF_OPENAI = {
    "cache_write_12h_tokens": (PROMPT_DETAILS[0], "cache_write_tokens_details", "ttl_12h_tokens"),
}
"""What of the writes lives for twelve hours, which costs twice as much as half an hour, and has no meter."""
_OTHERS_OF_LITELLM = {
    "cache_write_12h_tokens": (PROMPT_DETAILS[0], "cache_creation_token_details", "ephemeral_12h_input_tokens"),
}
OTHERS_OF_TOOLS = {
    "server_tool_calls": ("num_server_side_tools_used",),
    "web_searches": ("server_side_tool_usage_details", "web_search_calls"),
    "x_searches": ("server_side_tool_usage_details", "x_search_calls"),
    "code_runs": ("server_side_tool_usage_details", "code_interpreter_calls"),
    "file_searches": ("server_side_tool_usage_details", "file_search_calls"),
    "document_searches": ("server_side_tool_usage_details", "document_search_calls"),
    "images": ("server_side_tool_usage_details", "image_generation_calls"),
}
"""What xAI says of the tools that it ran, which it charges by the call."""
_OTHERS_OF_MISTRAL = {
    "web_searches": ("connectors", "web_search"),
    "premium_web_searches": ("connectors", "web_search_premium"),
    "code_runs": ("connectors", "code_interpreter"),
    "document_searches": ("connectors", "document_library"),
    "images": ("connectors", "image_generation"),
}
"""What Mistral says of the tools that it ran in a conversation (``ConversationUsageInfo``, ``BuiltInConnectors``)."""
_IN_TOTAL_ALONE = {"connector_tokens": CONNECTORS_APART, "guardrails_tokens": GUARD_APART}
"""Of these, what a total counts and neither of the two: Mistral's connectors, Snowflake's guard."""
PERPLEXITY_MARKS = ("citation_tokens", "num_search_queries")
VERCEL_MARK = "market_cost"
_GROK = re.compile(r"(?:^|[/.])grok")
_SONAR = re.compile(r"(?:^|(?:^|/)perplexity/)sonar")
"""How xAI's and Perplexity's models are called, also behind the names of those who serve them.

LiteLLM writes ``azure_ai/grok-3`` and ``openrouter/perplexity/sonar-pro``, Oracle ``xai.grok-4``.
"""


def usage_object(value: Any) -> JsonObject | None:
    """Return the usage object, ``None`` where it is null or empty; anything else is refused as ``invalid_usage``.

    Empty is what languages write for an object that is not there: an empty array, an empty text, ``false``.
    """
    if value is None or isinstance(value, dict):
        return value or None
    if value is CONTRADICTED:
        raise twice(key="usage")
    if _is_nothing(value):
        return None
    raise LineRefused(QuarantineReason.INVALID_USAGE, "usage is no object")


def with_timings(usage: JsonObject | None, timings: JsonObject) -> tuple[JsonObject | None, tuple[str, ...]]:
    """Return usage with what llama.cpp's server counts of it in its ``timings``, and the convention that tells so.

    It states them in its last chunk whether or not anybody asked for usage: where there is none, they are it. Beside
    usage that names no cache they say what of the prompt was cached. Counts that are none, or exceed the prompt, say
    nothing. Source: its pull request 15827 (``prompt_n + cache_n + predicted_n``).
    """
    if not timings:  # mostly
        return usage, ()
    processed, cached, predicted = map(timings.get, _TIMINGS)
    if not is_integer(processed) or not is_integer(cached) or not is_integer(predicted):
        return usage, ()
    if min(processed, cached, predicted) < 0:
        return usage, ()
    counts = None if usage is None else both_counts(usage)
    if usage is None or counts is None or not any(counts):
        whole = {"prompt_tokens": processed + cached, "completion_tokens": predicted, "cached_tokens": cached}
        return (whole, (TIMINGS,)) if whole["prompt_tokens"] and predicted else (usage, ())
    if cached <= counts[0] and _named(usage, _CACHED) is None:
        return {**usage, "cached_tokens": cached}, ()
    return usage, ()


def both_counts(usage: JsonObject) -> tuple[int, int] | None:
    """Return prompt and completion tokens as stated, ``None`` where only one side is.

    A completion that is absent beside a total that is the prompt is zero. Raises ``LineRefused`` where a count is none.
    """
    prompt, completion = count_of(usage, *PROMPT), count_of(usage, *COMPLETION)
    if prompt and completion is None and count_of(usage, *TOTAL) == prompt:
        completion = 0
    return None if prompt is None or completion is None else (prompt, completion)


def stated_by(usage: JsonObject, *, model: str | None) -> Stated | None:
    """Return what a usage object states, parts within their wholes; ``None`` where only one side is stated.

    Raises ``LineRefused``: ``invalid_usage`` where a count is none, ``contradictory_usage`` with the numbers where no
    convention explains them.
    """
    counts = both_counts(usage) or _prompt_of_gemini(usage, model)
    if counts is None:
        return None
    hour = _named(usage, _WRITTEN_1H)
    written = _named(usage, _WRITTEN)
    written = written or sum_of(_named(usage, _WRITTEN_5M), hour, written)
    written = written or written_otherwise(usage) or written
    stated = Stated(
        prompt=counts[0],
        completion=counts[1],
        cached=_read_from_a_cache(usage),
        written=written,
        written_1h=at_most(hour, written),
        reasoning=_named(usage, _REASONING),
        prompt_audio=less(_named(usage, _PROMPT_AUDIO) or None, _named(usage, _CACHED_AUDIO)),
        completion_audio=_named(usage, _COMPLETION_AUDIO) or None,
        others=others_of(
            usage,
            *(OTHERS_OF_TOOLS, _OTHERS_OF_MISTRAL, _OTHERS_OF_LITELLM, _OTHERS_OF_OPENAI, OTHERS_OF_OPENROUTER),
            OTHERS,
        ),
    )
    total = count_of(usage, *TOTAL) or 0
    if not total and is_of_anthropic(usage):
        beside = (stated.cached or 0) + (stated.written or 0)
        return stated._replace(prompt=counts[0] + beside, conventions=(CACHED_APART,))
    whole = _with_what_lies_outside(usage, stated, total, model)
    return _without_what_exceeds(usage, whole, total, model)


def _is_nothing(value: Any) -> bool:
    return isinstance(value, list | str | bool) and not value


def cached_otherwise(usage: JsonObject) -> int | None:
    """Return what was read from a cache by any name that servers have for it, wherever that stands in a usage object.

    ``None`` where it is not there, or zero, or no count.
    """
    return _by_any_name(usage, _CACHED_OTHERWISE)


def written_otherwise(usage: JsonObject) -> int | None:
    """Return what was written to a cache likewise."""
    return _by_any_name(usage, _WRITTEN_OTHERWISE)


def _by_any_name(usage: JsonObject, names: tuple[str, ...]) -> int | None:
    places = [usage[details] for details in PROMPT_DETAILS if isinstance(usage.get(details), dict)]
    for place in (usage, *places):
        for name in names:
            if name not in place:
                continue
            with suppress(LineRefused):
                if found := count(place.get(name), name):
                    return found
    return None


def is_of_anthropic(usage: JsonObject) -> bool:
    """Tell Anthropic's usage object, whose prompt goes by one name alone."""
    is_another = any(usage.get(name) is not None for name in PROMPT if name != "input_tokens")
    return not is_another and any(usage.get(name) for name in _OF_ANTHROPIC)


def parts_of_prompt(usage: JsonObject) -> JsonObject:
    """Return what a usage object says of its prompt: what was read from a cache, and what was written to one."""
    return {name: usage.get(name) for name in _OF_PROMPT if name in usage}


def _prompt_of_gemini(usage: JsonObject, model: str | None) -> tuple[int, int] | None:
    """Return the prompt and no completion where Gemini states a total beyond the prompt and leaves that out."""
    prompt, total = count_of(usage, *PROMPT), count_of(usage, *TOTAL)
    is_left_out = bool(prompt) and count_of(usage, *COMPLETION) is None and (total or 0) > (prompt or 0)
    return (prompt or 0, 0) if is_left_out and _is_gemini(model) else None


def _with_what_lies_outside(usage: JsonObject, stated: Stated, total: int, model: str | None) -> Stated:
    """Put into prompt and completion what the provider counts outside of them; its total tells, or its marks.

    What lies outside of the prompt by Converse's names is no reasoning, though there may be as much of that.
    """
    prompt, completion, reasoning = stated.prompt or 0, stated.completion or 0, stated.reasoning or 0
    beside = (stated.cached or 0) + (stated.written or 0)
    is_of_converse = any(name in usage for name in _OF_CONVERSE)
    is_left_out = total == prompt + completion and _is_of_agentgateway(usage)
    if is_left_out or (not total and is_of_converse):
        total = prompt + beside + completion
    unexplained = total - prompt - completion if total else 0
    is_apart = bool(reasoning) and _is_reasoning_apart(usage, model, is_greater=reasoning > completion)
    if not unexplained and not is_apart:
        return stated
    is_beside = unexplained == beside
    if unexplained in (0, reasoning) and not (is_beside and is_of_converse and unexplained):
        return stated._replace(completion=completion + reasoning, conventions=(REASONING_APART,))
    for name, convention in _IN_TOTAL_ALONE.items():
        if unexplained == stated.others.get(name):
            return stated._replace(conventions=(convention,))
    is_by_the_second = unexplained > 0 and "prompt_audio_seconds" in stated.others
    if is_by_the_second or unexplained == stated.prompt_audio:
        return stated._replace(prompt_audio=None, conventions=(AUDIO_APART,))
    if is_beside:
        return stated._replace(prompt=prompt + beside, conventions=(CACHED_APART,))
    if unexplained > 0 and not reasoning and _is_gemini(model):
        return stated._replace(
            completion=completion + unexplained, reasoning=unexplained, conventions=(THOUGHTS_IN_TOTAL,)
        )
    detail = f"total_tokens {shown(total)} is not prompt_tokens {shown(prompt)} + completion_tokens {shown(completion)}"
    raise LineRefused(QuarantineReason.CONTRADICTORY_USAGE, detail)


def _without_what_exceeds(usage: JsonObject, stated: Stated, total: int, model: str | None) -> Stated:
    """Leave out parts that are known to be counted otherwise than their wholes.

    How much of these they are is unknown.
    """
    prompt, cached, written = stated.prompt or 0, stated.cached or 0, stated.written or 0
    if cached > prompt and (_is_grok(model) or "num_cached_tokens" in usage):
        stated = stated._replace(
            cached=None, written=None, written_1h=None, conventions=(*stated.conventions, CACHED_UNKNOWN)
        )
    elif cached <= prompt < cached + written and total == prompt + (stated.completion or 0) and _is_of_litellm(usage):
        stated = stated._replace(prompt=prompt + written, conventions=(*stated.conventions, WRITTEN_APART))
    elif cached <= prompt < cached + written and written <= prompt and _is_gemini(model):
        stated = stated._replace(
            written=None, written_1h=None, conventions=(*stated.conventions, WRITTEN_REPEATS_CACHED)
        )
    if (stated.reasoning or 0) > (stated.completion or 0) and total == prompt + (stated.completion or 0):
        stated = stated._replace(reasoning=None, conventions=(*stated.conventions, REASONING_UNKNOWN))
    return stated


def _named(usage: JsonObject, places: tuple[tuple[str, ...], ...]) -> int | None:
    """Return a count that goes by several names; a zero placeholder loses to a real count, two real ones must agree."""
    found: int | None = None
    found_at = ""
    for place in places:
        if place[0] not in usage:
            continue
        value: Any = usage
        for name in place:
            if not isinstance(value, dict):
                raise LineRefused(QuarantineReason.INVALID_USAGE, f"{place[0]} is no object")
            value = value.get(name)
            if name != place[-1] and _is_nothing(value):
                value = None
            if value is None:
                break
        name = ".".join(place)
        stated = count(value, name)
        if not stated:
            found = stated if found is None else found
        elif found and found != stated:
            detail = f"{found_at} {shown(found)} and {name} {shown(stated)} differ"
            raise LineRefused(QuarantineReason.CONTRADICTORY_USAGE, detail)
        else:
            found, found_at = stated, name
    return found


def _read_from_a_cache(usage: JsonObject) -> int | None:
    details: JsonObject = next((usage[name] for name in PROMPT_DETAILS if isinstance(usage.get(name), dict)), {})
    named = _named(usage, _CACHED)
    read_ = read_of(named, details)
    return read_ if named or read_ else cached_otherwise(usage) or read_


def _is_of_agentgateway(usage: JsonObject) -> bool:
    """Tell agentgateway's copy of Anthropic's usage object in chat's."""
    details = usage.get(PROMPT_DETAILS[0])
    if not isinstance(details, dict) or WRITTEN_NAMES[0] not in details:
        return False
    written_twice = [(details.get(_CACHED[0][1]), _OF_ANTHROPIC[0]), (details[WRITTEN_NAMES[0]], _OF_ANTHROPIC[1])]
    is_copied = all(name in usage and usage[name] == value for value, name in written_twice)
    return is_copied and not any(usage.get(name) for name in (*COMPLETION_DETAILS, _LIFETIMES[0][0]))


def _is_of_litellm(usage: JsonObject) -> bool:
    """Tell LiteLLM's usage of Anthropic's answers, of the versions whose details know of no writing."""
    details = usage.get(PROMPT_DETAILS[0]) or {}
    if not isinstance(details, dict) or any(details.get(name) for name in WRITTEN_NAMES):
        return False
    is_read_twice = (details.get(_CACHED[0][1]) or 0) == (usage.get(_OF_ANTHROPIC[0]) or 0)
    return is_read_twice and all(name in usage for name in (PROMPT[0], *_OF_ANTHROPIC))


def _is_reasoning_apart(usage: JsonObject, model: str | None, *, is_greater: bool) -> bool:
    """Tell a provider that counts reasoning neither in the completion nor in the total.

    Vercel's gateway, Perplexity; of the latter's model alone it is told where there is more of it than completion.
    """
    return (
        VERCEL_MARK in usage
        or any(name in usage for name in PERPLEXITY_MARKS)
        or (is_greater and _SONAR.search((model or "").lower()) is not None)
    )


def _is_gemini(model: str | None) -> bool:
    return "gemini" in (model or "").lower()


def _is_grok(model: str | None) -> bool:
    return _GROK.search((model or "").lower()) is not None
