"""Meters, each declared once: what a token (or a request) is billed as, and what it costs without a price of its own.

From ``Meter`` follow the words of rate cards and their order on an invoice, the partition of tokens in
``sql/marts/usage_daily.sql`` (by ``meter_terms``) and of single events (``quantities``), the fields of published price
lists that are imported, and the tables in ``docs/rate-cards.md``.

Every token stands on exactly one meter: a meter bills its count less the counts of the meters that are taken out of it
and stand apart. Does not own prices (``pipeline.rates``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Self

EXCHANGES = "events"
"""The count of a meter that bills exchanges, not tokens; of a single event it is 1."""


class Apart(Enum):
    """When a meter stands apart from the one that it is taken out of."""

    ALWAYS = auto()
    WHERE_PRICED = auto()
    """Only where the rate in force has a price for it; elsewhere it is billed as what it is taken out of."""


class Fallback(Enum):
    """What is charged on a meter without a price of its own."""

    REQUIRED = auto()
    """Every rate has one."""
    AS_WHOLE = auto()
    """What the meter costs that it is taken out of."""
    UNPRICED = auto()
    """Nobody knows: it is unpriced, listed, and blocks issuing."""
    FREE = auto()
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterSpec:
    """A meter."""

    name: str
    count: str
    """The count of a usage event that it bills: a column of ``pipeline.usage.events``, or ``EXCHANGES``."""
    text: str
    """What an invoice calls its quantity."""
    out_of: str | None = None
    """The meter whose count includes this one's."""
    apart: Apart = Apart.ALWAYS
    fallback: Fallback = Fallback.AS_WHOLE
    card_key: str | None = None
    """What a rate card calls its price; its name where there is none."""
    litellm: str | None = None
    """The field of LiteLLM's price list, per token or request."""
    genai: str | None = None
    """The field of the genai-prices package, per million tokens or thousand requests."""


class Meter(StrEnum):
    """What a token (or a request) is billed as, in the order in which an invoice lists them. Meters never overlap."""

    spec: MeterSpec

    def __new__(cls, spec: MeterSpec) -> Self:
        """Make a meter whose value is its name."""
        meter = str.__new__(cls, spec.name)
        meter._value_ = spec.name
        meter.spec = spec
        return meter

    PROMPT = MeterSpec(
        name="prompt",
        count="prompt_tokens",
        text="prompt tokens",
        fallback=Fallback.REQUIRED,
        litellm="input_cost_per_token",
        genai="input_mtok",
    )
    PROMPT_CACHED = MeterSpec(
        name="prompt_cached",
        count="prompt_cached_tokens",
        text="cached prompt tokens",
        out_of="prompt",
        litellm="cache_read_input_token_cost",
        genai="cache_read_mtok",
    )
    PROMPT_CACHE_WRITE = MeterSpec(
        name="prompt_cache_write",
        count="prompt_cache_write_tokens",
        text="prompt tokens written to cache",
        out_of="prompt",
        litellm="cache_creation_input_token_cost",
        genai="cache_write_mtok",
    )
    PROMPT_CACHE_WRITE_1H = MeterSpec(
        name="prompt_cache_write_1h",
        count="prompt_cache_write_1h_tokens",
        text="prompt tokens written to cache for an hour",
        out_of="prompt_cache_write",
        apart=Apart.WHERE_PRICED,
        litellm="cache_creation_input_token_cost_above_1hr",
        genai="cache_write_1h_mtok",
    )
    PROMPT_AUDIO = MeterSpec(
        name="prompt_audio",
        count="prompt_audio_tokens",
        text="audio prompt tokens",
        out_of="prompt",
        fallback=Fallback.UNPRICED,
        litellm="input_cost_per_audio_token",
        genai="input_audio_mtok",
    )
    COMPLETION = MeterSpec(
        name="completion",
        count="completion_tokens",
        text="completion tokens",
        fallback=Fallback.REQUIRED,
        litellm="output_cost_per_token",
        genai="output_mtok",
    )
    COMPLETION_AUDIO = MeterSpec(
        name="completion_audio",
        count="completion_audio_tokens",
        text="audio completion tokens",
        out_of="completion",
        fallback=Fallback.UNPRICED,
        litellm="output_cost_per_audio_token",
        genai="output_audio_mtok",
    )
    REASONING = MeterSpec(
        name="reasoning",
        count="reasoning_tokens",
        text="reasoning tokens",
        out_of="completion",
        apart=Apart.WHERE_PRICED,
        litellm="output_cost_per_reasoning_token",
        genai="output_reasoning_mtok",
    )
    REQUEST = MeterSpec(
        name="request",
        count=EXCHANGES,
        text="requests",
        apart=Apart.WHERE_PRICED,
        fallback=Fallback.FREE,
        card_key="per_request",
        litellm="input_cost_per_request",
        genai="requests_kcount",
    )

    @classmethod
    def of(cls, name: str) -> Meter:
        """Return the meter of a name. Raises ``ValueError`` where there is none."""
        return cls(name)  # type: ignore[arg-type]  # by its value, as of any enumeration

    @property
    def out_of(self) -> Meter | None:
        """The meter that it is taken out of; None of one that stands alone."""
        return None if self.spec.out_of is None else Meter.of(self.spec.out_of)

    @property
    def is_of_tokens(self) -> bool:
        """Whether it bills tokens, not exchanges."""
        return self.spec.count != EXCHANGES

    @property
    def card_key(self) -> str:
        """What a rate card calls its price."""
        return self.spec.card_key or self.value


METER_ORDER = {meter: order for order, meter in enumerate(Meter)}
"""The place of each on an invoice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A count that is added to a meter's quantity, or taken off it."""

    meter: Meter
    count: str
    sign: int
    """1 or -1."""


def priced_apart(priced: Collection[Meter]) -> frozenset[Meter]:
    """Return the meters among those with a price that stand apart for that reason alone."""
    return frozenset(meter for meter in priced if meter.spec.apart is Apart.WHERE_PRICED)


def apart_text(apart: Collection[Meter]) -> str:
    """Name meters in the order of an invoice, with commas between: how a table holds a set of them."""
    return ",".join(meter.value for meter in Meter if meter in apart)


def apart_from_text(text: str) -> frozenset[Meter]:
    """Read what ``apart_text`` wrote."""
    return frozenset(Meter.of(name) for name in text.split(",") if name)


def billed_on(meter: Meter, apart: Collection[Meter]) -> Meter:
    """Return the meter that tokens are billed on: their own where it stands apart, else what it is taken out of."""
    while meter.spec.apart is Apart.WHERE_PRICED and meter not in apart and meter.out_of is not None:
        meter = meter.out_of
    return meter


def terms_of(apart: Collection[Meter]) -> tuple[Term, ...]:
    """Return what makes up the quantity of every meter, where of those ``WHERE_PRICED`` these stand apart.

    ``prompt`` is its tokens less those that were read from a cache, and less those that were written to one.
    """
    return _terms_of(frozenset(apart))


@cache  # events are asked one by one, and there are few sets of meters
def _terms_of(apart: frozenset[Meter]) -> tuple[Term, ...]:
    terms = []
    for meter in Meter:
        if meter.spec.apart is Apart.ALWAYS or meter in apart:
            terms.append(Term(meter=meter, count=meter.spec.count, sign=1))
            if meter.out_of is not None:
                terms.append(Term(meter=billed_on(meter.out_of, apart), count=meter.spec.count, sign=-1))
    return tuple(terms)


def quantities(counts: Mapping[str, int], apart: Collection[Meter]) -> dict[Meter, int]:
    """Put every token of one event on exactly one meter; meters without any are left out.

    >>> quantities({"prompt_tokens": 100, "completion_tokens": 7, "prompt_cached_tokens": 60}, ())
    {<Meter.PROMPT: 'prompt'>: 40, <Meter.PROMPT_CACHED: 'prompt_cached'>: 60, <Meter.COMPLETION: 'completion'>: 7}
    """
    found = dict.fromkeys(Meter, 0)
    for term in terms_of(apart):
        found[term.meter] += term.sign * (1 if term.count == EXCHANGES else counts.get(term.count, 0))
    return {meter: quantity for meter, quantity in found.items() if quantity}
