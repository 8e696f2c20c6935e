"""Usage that needs no convention to be understood: both counts stated, parts within their wholes, the total their sum.

Owns the test for it. Does not own the conventions (``token_counts``), which everything else is left to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pipeline.collectors.fast.documents import ChunkUsage, Usage

Tokens: TypeAlias = tuple[int | None, int | None, int | None, int | None, int | None]
"""Prompt, completion, cached, cache-write and reasoning tokens."""

_COUNT_MAX = 2**62  # the sum of two is a count still


def counted(usage: Usage | ChunkUsage) -> Tokens | None:
    """Return the counts, ``None`` where a convention is needed to read them, or where they cannot be."""
    prompt, completion, total = usage.prompt_tokens, usage.completion_tokens, usage.total_tokens
    if prompt is None or completion is None or not (0 <= prompt <= _COUNT_MAX and 0 <= completion <= _COUNT_MAX):
        return None
    if total and total != prompt + completion:
        return None
    cached = written = reasoning = None
    if usage.prompt_tokens_details is not None:
        cached, written = usage.prompt_tokens_details.cached_tokens, usage.prompt_tokens_details.cache_write_tokens
        if min(cached or 0, written or 0) < 0 or (cached or 0) + (written or 0) > prompt:
            return None
    if usage.completion_tokens_details is not None:
        reasoning = usage.completion_tokens_details.reasoning_tokens
        if not 0 <= (reasoning or 0) <= completion:
            return None
    return prompt, completion, cached, written, reasoning
