"""From what a family read to what an exchange amounts to: its status, and token counts that hold together.

Owns the one rule for all families: usage above zero is measured, whatever else is said; zeros beside an answer are no
measurement; a stream that stated none is estimated from its chunks; an error that stated none is failed. And the
refusal of counts that contradict each other. Does not own what was stated (``families``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.collectors.values import fields
from pipeline.collectors.values.fields import LeftOut
from pipeline.collectors.values.refusal import LineRefused, shown
from pipeline.collectors.values.strict_json import CONTRADICTED, twice
from pipeline.collectors.values.traced import digits_of
from pipeline.usage import TOKENS_MAX, ContradictoryCounts, QuarantineReason, TokenCounts, UsageStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.collectors.families.reading import Reading, Stated


class BodyReading(NamedTuple):
    """What an exchange amounts to; ``tokens`` only where it is ``measured`` or ``estimated``."""

    status: UsageStatus
    dialect: str | None = None
    """The family and, after a slash, the conventions by which its counts were understood."""
    response_id: str | None = None
    model_reported: str | None = None
    model_in_path: str | None = None
    """The model that the path names, where neither the body nor the request does."""
    service_tier: str | None = None
    finish_reason: str | None = None
    is_stream: bool | None = None
    """Whether the answer came as a stream; ``None`` where there is none to tell it from."""
    choices: int | None = None
    tokens: TokenCounts | None = None
    content_chunks: int | None = None
    left_out: frozenset[str] = frozenset()
    """The fields of the body that were ill-formed, decide no bill, and are read as absent."""
    other_usage: str | None = None
    """What was stated and no meter holds: a JSON object of names and counts, its names in order."""
    part: str | None = None
    """Which part of an answer it is, where a second model took part; ``None`` for the whole."""
    parts: tuple[BodyReading, ...] = ()
    """What other models did for this answer; each is an event of its own."""


def amounts_to(reading: Reading, *, is_stream: bool) -> BodyReading:
    """Return what a reading amounts to.

    Raises ``LineRefused`` where its counts contradict each other or are too large, and where its tier is none.
    """
    for name, value in (("model", reading.model), ("service_tier", reading.service_tier)):
        if value is CONTRADICTED:
            raise twice(name)
    left_out = LeftOut()
    stated = reading.stated
    tokens: TokenCounts | None = None
    dialect, status = reading.family, UsageStatus.UNKNOWN
    if stated is not None and _is_measured(stated, has_content=reading.has_content or bool(reading.generated_chunks)):
        status, tokens = UsageStatus.MEASURED, normalised(stated)
        dialect = "/".join((reading.family, "+".join(stated.conventions))) if stated.conventions else reading.family
    elif reading.has_error:
        status = UsageStatus.FAILED
    elif is_stream and reading.generated_chunks:
        status = UsageStatus.ESTIMATED
        tokens = TokenCounts(prompt_tokens=None, completion_tokens=reading.generated_chunks)
    return BodyReading(
        status=status,
        dialect=dialect,
        response_id=left_out.checked(fields.identifier, reading.response_id, "response.id"),
        model_reported=left_out.checked(fields.model, reading.model, "response.model"),
        service_tier=fields.label(reading.service_tier, "service_tier"),
        finish_reason=left_out.checked(fields.label, reading.finish_reason, "finish_reason"),
        left_out=left_out.names,
        is_stream=is_stream,
        choices=reading.choices,
        tokens=tokens,
        content_chunks=reading.generated_chunks if is_stream and status is not UsageStatus.MEASURED else None,
        other_usage=named(stated.others) if stated else None,
        part=reading.part,
        parts=tuple(_part(part, is_stream=is_stream) for part in reading.parts),
    )


def _part(reading: Reading, *, is_stream: bool) -> BodyReading:
    """Return what a part of an answer amounts to; one that is not billed is kept by name."""
    found = amounts_to(reading, is_stream=is_stream)
    if reading.is_billed:
        return found
    names = ("prompt_tokens", "completion_tokens")
    kept = {name: count for name in names if found.tokens and (count := getattr(found.tokens, name))}
    return found._replace(status=UsageStatus.NOT_METERED, tokens=None, other_usage=named(kept))


def _is_measured(stated: Stated, *, has_content: bool) -> bool:
    counts = [count for count in (stated.prompt, stated.completion) if count is not None]
    return bool(counts) and (any(counts) or not has_content)


def named(counts: Mapping[str, int]) -> str | None:
    """Return counts as a JSON object, its names in order; ``None`` where there are none.

    >>> named({"seconds": 3, "prompt_tokens": 20})
    '{"prompt_tokens":20,"seconds":3}'
    """
    members = [f'"{name}":{digits_of(counts[name])}' for name in sorted(counts)]
    return f"{{{','.join(members)}}}" if members else None


def normalised(stated: Stated) -> TokenCounts:
    """Return the token counts of what was stated.

    Raises ``LineRefused``: ``contradictory_usage`` with the numbers where a total is not its sum or a part exceeds its
    whole, ``invalid_usage`` where a sum is too large to be a count.
    """
    prompt, completion, total = stated.prompt, stated.completion, stated.total
    if (prompt or 0) > TOKENS_MAX or (completion or 0) > TOKENS_MAX:
        detail = (
            f"prompt_tokens {shown(prompt or 0)} or completion_tokens {shown(completion or 0)} is above {TOKENS_MAX}"
        )
        raise LineRefused(QuarantineReason.INVALID_USAGE, detail)
    if total and total != (prompt or 0) + (completion or 0):
        detail = (
            f"the stated total {shown(total)} is not {shown(prompt or 0)} of the prompt + {shown(completion or 0)} of "
            "the completion"
        )
        raise LineRefused(QuarantineReason.CONTRADICTORY_USAGE, detail)
    try:
        return TokenCounts(
            prompt_tokens=prompt,
            completion_tokens=completion,
            prompt_cached_tokens=stated.cached,
            prompt_cache_write_tokens=stated.written,
            reasoning_tokens=stated.reasoning,
            prompt_cache_write_1h_tokens=stated.written_1h,
            prompt_audio_tokens=_of_rest(stated.prompt_audio, prompt, stated.cached, stated.written),
            completion_audio_tokens=_of_rest(stated.completion_audio, completion, stated.reasoning),
        )
    except ContradictoryCounts as error:
        raise LineRefused(QuarantineReason.CONTRADICTORY_USAGE, str(error)) from None


def _of_rest(part: int | None, whole: int | None, *others: int | None) -> int | None:
    """Return as much of a part as others leave of its whole; ``None`` where its API counts it outside of the whole.

    Audio that was read from a cache is stated as both. It costs what is read from a cache costs, so it counts as that.
    How much of a part is of a whole that it exceeds, is unknown.
    """
    if part is None or part > (whole or 0):
        return None
    return min(part, max(0, (whole or 0) - sum(other or 0 for other in others)))
