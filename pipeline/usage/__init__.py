"""What was consumed: usage events, their token counts, their status, and the meters tokens are billed on.

Owns the words of usage, the columns of an event (``events``) and the meters, with the rule that puts every token on
exactly one (``meters``). Read first: ``events``, then ``meters``. Does not own how a provider's body is read
(``pipeline.collectors``), what usage costs (``pipeline.rating``) nor where it is kept (``pipeline.lake``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pipeline.base.errors import TallybookError
from pipeline.usage.meters import Meter

__all__ = [
    "INT64_MAX",
    "TOKENS_MAX",
    "ContradictoryCounts",
    "Meter",
    "QuarantineReason",
    "TokenCounts",
    "UsageStatus",
]

TOKENS_MAX = 10**12
"""A count of one exchange above it is impossible; below it, the sums of nine million of them fit into 64 bits."""

INT64_MAX = 2**63 - 1
"""Sums of tokens are kept as signed 64-bit integers."""


class UsageStatus(StrEnum):
    """What one logged exchange says about its usage. Absence is never zero."""

    MEASURED = "measured"
    """The response stated its usage."""
    ESTIMATED = "estimated"
    """A stream without stated usage: completion tokens counted from its content chunks, prompt tokens unknown."""
    UNKNOWN = "unknown"
    """A success without usage and with nothing to estimate from, or a body of a family that is not read yet."""
    FAILED = "failed"
    """An error status, or an error inside a 200 that stated no usage."""
    NOT_METERED = "not_metered"
    """Not a completion endpoint."""


class QuarantineReason(StrEnum):
    """Why a line of a log could not become a usage event."""

    INVALID_UTF8 = "invalid_utf8"
    INVALID_JSON = "invalid_json"
    """Not one JSON document: torn, glued to another, or no JSON at all."""
    DUPLICATE_KEY = "duplicate_key"
    """An object states a field that decides the event twice, with different values."""
    NOT_AN_OBJECT = "not_an_object"
    LINE_TOO_LONG = "line_too_long"
    NESTED_TOO_DEEP = "nested_too_deep"
    """Of lakes that were collected before what is nested too deep was left out instead."""
    MISSING_FIELD = "missing_field"
    INVALID_FIELD = "invalid_field"
    """A field has the wrong type, length or characters, or is out of its range."""
    INVALID_USAGE = "invalid_usage"
    """A token count that is no count: true, 1.5, -1, 2^63."""
    CONTRADICTORY_USAGE = "contradictory_usage"
    """A part is greater than its whole, or the total is not the sum, and no dialect explains it."""
    UNREAD_USAGE = "unread_usage"
    """What is no call by anybody's convention states token counts, by names that no reader knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCounts:
    """Normalised token counts of one exchange, whatever the provider's own convention.

    ``prompt_tokens`` includes cached and cache-write tokens; ``completion_tokens`` includes reasoning tokens.
    ``None`` means not stated. Construction raises ``ContradictoryCounts`` where a part is greater than its whole
    and ``ValueError`` where a count is negative or above ``TOKENS_MAX``.
    """

    prompt_tokens: int | None
    completion_tokens: int | None
    prompt_cached_tokens: int | None = None
    prompt_cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    prompt_audio_tokens: int | None = None
    completion_audio_tokens: int | None = None
    prompt_cache_write_1h_tokens: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be counts."""
        for name in self.__slots__:
            count = getattr(self, name)
            if count is not None and not 0 <= count <= TOKENS_MAX:
                message = f"{name} is {count}; a token count is between 0 and {TOKENS_MAX}"
                raise ValueError(message)
        for whole, parts in TOGETHER.items():
            stated = {part: count for part in parts if (count := getattr(self, part))}
            if sum(stated.values()) > (getattr(self, whole) or 0):
                message = f"{' + '.join(stated)} {sum(stated.values())} > {whole} {getattr(self, whole)}"
                raise ContradictoryCounts(message)


TOGETHER = {
    meter.spec.count: parts
    for meter in Meter
    if (
        parts := tuple(
            part.spec.count for part in Meter if part.out_of is meter and part.spec.count in TokenCounts.__slots__
        )
    )
}
"""Counts whose meters are taken out of one: together they are not greater than it."""


class ContradictoryCounts(TallybookError):
    """A part of a token count is greater than its whole; the message holds both numbers and nothing else."""
