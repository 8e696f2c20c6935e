"""The ``usage`` object of OpenAI-compatible chat, made into normalised token counts.

Owns which names a count goes by and which providers count a part outside its whole. Does not own where the object
lies in a body (``chat``) nor the meters (``pipeline.usage``).

Conventions, seen in recorded exchanges: Grok behind Azure states cached tokens beside the prompt (prompt 10, cached 161);
xAI and Gemini count reasoning outside completion (total = prompt + completion + reasoning); Mistral's audio tokens are in
the total alone; Bedrock counts what it cached outside the prompt.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pipeline.collectors.refusal import LineRefused, shown
from pipeline.usage import TOKENS_MAX, ContradictoryCounts, QuarantineReason, TokenCounts

if TYPE_CHECKING:
    from pipeline.collectors.strict_json import JsonObject

CACHED_APART = "cached-apart"
REASONING_APART = "reasoning-apart"
AUDIO_APART = "audio-apart"

_PROMPT_DETAILS = ("prompt_tokens_details", "prompt_token_details")
_COMPLETION_DETAILS = ("completion_tokens_details", "completion_token_details")
_CACHED = (
    *((details, "cached_tokens") for details in _PROMPT_DETAILS),
    ("num_cached_tokens",),
    ("prompt_cache_hit_tokens",),
    ("cached_tokens",),
    ("cache_read_input_tokens",),
)
_CACHE_WRITE = (("prompt_tokens_details", "cache_write_tokens"), ("cache_creation_tokens",), ("cache_creation_input_tokens",))
_REASONING = (*((details, "reasoning_tokens") for details in _COMPLETION_DETAILS), ("reasoning_tokens",))
_AUDIO = (("prompt_tokens_details", "audio_tokens"),)


def usage_object(value: Any) -> JsonObject | None:
    """Return the usage object, ``None`` where it is null or empty; anything else is refused as ``invalid_usage``."""
    if value is None or isinstance(value, dict):
        return value or None
    raise LineRefused(QuarantineReason.INVALID_USAGE, "usage is no object")


def both_counts(usage: JsonObject) -> tuple[int, int] | None:
    """Return prompt and completion tokens as stated, ``None`` where only one side is."""
    prompt = _count(usage.get("prompt_tokens"), "prompt_tokens")
    completion = _count(usage.get("completion_tokens"), "completion_tokens")
    return None if prompt is None or completion is None else (prompt, completion)


def token_counts(usage: JsonObject, *, stated: tuple[int, int], model: str | None) -> tuple[TokenCounts, tuple[str, ...]]:
    """Return normalised counts, and the conventions by which they differ from OpenAI's own.

    ``stated`` is what ``both_counts`` found in ``usage``. Raises ``LineRefused``: ``invalid_usage`` where a count is none,
    ``contradictory_usage`` with the numbers where no convention explains them.
    """
    prompt, completion = stated
    total = _count(usage.get("total_tokens"), "total_tokens") or 0
    cached, written, reasoning = _stated(usage, _CACHED), _stated(usage, _CACHE_WRITE), _stated(usage, _REASONING)
    beside = (cached or 0) + (written or 0)
    conventions: list[str] = []
    unexplained = total - prompt - completion if total else 0
    if not unexplained:
        pass
    elif unexplained == reasoning:
        completion += reasoning
        conventions.append(REASONING_APART)
    elif unexplained == _stated(usage, _AUDIO):
        conventions.append(AUDIO_APART)
    elif unexplained == beside:
        prompt += beside
        conventions.append(CACHED_APART)
    else:
        raise LineRefused(
            QuarantineReason.CONTRADICTORY_USAGE, f"total_tokens {shown(total)} is not prompt_tokens {shown(prompt)} + completion_tokens {shown(completion)}"
        )
    if beside > prompt and _is_grok(model):
        prompt += beside
        conventions.append(CACHED_APART)
    if max(prompt, completion) > TOKENS_MAX:
        raise LineRefused(QuarantineReason.INVALID_USAGE, f"prompt_tokens {shown(prompt)} or completion_tokens {shown(completion)} is above {TOKENS_MAX}")
    try:
        counts = TokenCounts(
            prompt_tokens=prompt,
            completion_tokens=completion,
            prompt_cached_tokens=cached,
            prompt_cache_write_tokens=written,
            reasoning_tokens=reasoning,
        )
    except ContradictoryCounts as error:
        raise LineRefused(QuarantineReason.CONTRADICTORY_USAGE, str(error)) from None
    return counts, tuple(conventions)


def _stated(usage: JsonObject, places: tuple[tuple[str, ...], ...]) -> int | None:
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
            if value is None:
                break
        name = ".".join(place)
        count = _count(value, name)
        if not count:
            found = count if found is None else found
        elif found and found != count:
            raise LineRefused(QuarantineReason.CONTRADICTORY_USAGE, f"{found_at} {shown(found)} and {name} {shown(count)} differ")
        else:
            found, found_at = count, name
    return found


def _count(value: Any, name: str) -> int | None:
    if value is None or (type(value) is int and 0 <= value <= TOKENS_MAX):
        return value
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise LineRefused(QuarantineReason.INVALID_USAGE, f"{name} is no number")
    if not 0 <= value <= TOKENS_MAX:
        raise LineRefused(QuarantineReason.INVALID_USAGE, f"{name} is {shown(value)}; a token count lies between 0 and {TOKENS_MAX}")
    if value != int(value):
        raise LineRefused(QuarantineReason.INVALID_USAGE, f"{name} is {shown(value)}; a token count is whole")
    return int(value)


def _is_grok(model: str | None) -> bool:
    return model is not None and model.lower().removeprefix("x-ai/").removeprefix("xai/").startswith("grok")
