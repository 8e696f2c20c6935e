"""Usage that needs no convention to be understood: both counts stated, parts within their wholes, the total their sum.

Owns the test for it. Does not own the conventions (``chat_usage``), which everything else is left to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from pipeline.collectors.families.chat_usage import OTHERS, VERCEL_MARK, WRITTEN_NAMES
from pipeline.usage import TOKENS_MAX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.collectors.fast.documents import Document

Tokens: TypeAlias = tuple[int | None, int | None, int | None, int | None, int | None]
"""Prompt, completion, cached, cache-write and reasoning tokens."""

_ODD_NAMES = frozenset(
    (
        *("prompt_token_details", "completion_token_details", "input_tokens_details", "output_tokens_details"),
        *("num_cached_tokens", "prompt_cache_hit_tokens", "cached_tokens", "reasoning_tokens"),
        *("cache_read_input_tokens", "cache_read_tokens", *WRITTEN_NAMES),
        *(VERCEL_MARK, *(path[0] for path in OTHERS.values())),
    )
)
"""Other names of counts, and marks of other conventions, which ``chat_usage`` knows."""
_ODD_DETAILS = frozenset(("cache_read_tokens", "cache_read_input_tokens", *WRITTEN_NAMES)) - {"cache_write_tokens"}
_NOTHING: dict[str, Any] = {}


def counted(usage: Document, said: Mapping[str, Any]) -> Tokens | None:
    """Return the counts, ``None`` where a convention is needed to read them, or where they cannot be.

    ``said`` is ``usage`` as a dict.
    """
    prompt, completion, total = said.get("prompt_tokens"), said.get("completion_tokens"), said.get("total_tokens")
    if (
        type(prompt) is not int
        or type(completion) is not int
        or not (0 <= prompt <= TOKENS_MAX and 0 <= completion <= TOKENS_MAX)
    ):
        return None
    if len(usage) != len(said) or (
        total is not None and (type(total) is not int or total > TOKENS_MAX or (total and total != prompt + completion))
    ):
        return None
    if len(said) == 3 and total is not None:  # noqa: PLR2004 - and nothing else
        return prompt, completion, None, None, None
    of_prompt, of_completion = (
        _details(usage, said, "prompt_tokens_details"),
        _details(usage, said, "completion_tokens_details"),
    )
    if of_prompt is None or of_completion is None or not _ODD_NAMES.isdisjoint(said):
        return None
    if not _ODD_DETAILS.isdisjoint(of_prompt) or of_prompt.get("audio_tokens") or of_completion.get("audio_tokens"):
        return None
    cached, written, reasoning = (
        of_prompt.get("cached_tokens"),
        of_prompt.get("cache_write_tokens"),
        of_completion.get("reasoning_tokens"),
    )
    if not (_are_parts(cached, written, of=prompt) and _are_parts(reasoning, None, of=completion)):
        return None
    return prompt, completion, cached, written, reasoning


def _details(usage: Document, said: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    details = said.get(name)
    if details is None:
        return _NOTHING
    return details if type(details) is dict and len(usage[name]) == len(details) else None


def _are_parts(one: Any, other: Any, *, of: int) -> bool:
    return (
        all(part is None or (type(part) is int and part >= 0) for part in (one, other))
        and (one or 0) + (other or 0) <= of
    )
