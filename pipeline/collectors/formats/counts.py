"""Counts that a log states in place of a body: the one way from them to a response that is read like any other.

Exports of traces state how many tokens a call took, and not the answer. ``body_of`` puts them into the shape of a
Responses object, whose convention is theirs too: cached and written tokens are within the prompt, reasoning within the
completion. So there is one rule of counting, and what is no count is refused where every other is. Does not own which
counts a tool states by which name (the module of its format).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.collectors.strict_json import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedCounts:
    """Counts as a log states them, each part within its whole; ``None`` is what it does not state.

    A value may be anything that the log has there: what is no count is refused by whoever reads the body.
    """

    prompt: Any = None
    completion: Any = None
    cached: Any = None
    written: Any = None
    reasoning: Any = None
    prompt_audio: Any = None
    completion_audio: Any = None
    total: Any = None


def body_of(
    counts: LoggedCounts,
    *,
    response_id: Any = None,
    model: Any = None,
    service_tier: Any = None,
    finish_reason: Any = None,
    has_error: bool = False,
) -> JsonObject:
    """Return a response that states these counts and holds no text.

    Unless the call failed, it stands for an answer: zeros beside it are no measurement, and the call is ``unknown``.
    """
    body: JsonObject = {
        "object": "response",
        "id": response_id,
        "model": model,
        "service_tier": service_tier,
        "status": finish_reason,
        "output": [] if has_error else [{}],
        "usage": {
            "input_tokens": counts.prompt,
            "output_tokens": counts.completion,
            "total_tokens": counts.total,
            "input_tokens_details": {
                "cached_tokens": counts.cached,
                "cache_write_tokens": counts.written,
                "audio_tokens": counts.prompt_audio,
            },
            "output_tokens_details": {
                "reasoning_tokens": counts.reasoning,
                "audio_tokens": counts.completion_audio,
            },
        },
    }
    if has_error:
        body["error"] = {}
    return body


def unbilled_body_of(counts: LoggedCounts) -> JsonObject:
    """Return a response that keeps two counts by name, and that nothing is billed for (``families.unbilled``)."""
    return {"object": "list", "usage": {"prompt_tokens": counts.prompt, "completion_tokens": counts.completion}}
