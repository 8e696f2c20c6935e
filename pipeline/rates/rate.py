"""All prices of a model during one effective period.

For every request, or for those of a service tier or a prompt size.

Owns which meters must be priced, and what a meter without a price of its own costs. Does not own which of several rates
is chosen (``pipeline.rates.card``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING

from pipeline.base.errors import RateCardError
from pipeline.base.names import NAME, NAME_IN_WORDS
from pipeline.base.periods import instant_text
from pipeline.rates.prices import PER_MILLION, RATE_LIMIT, TOKENS_MAX, rates_of, refuse_what_is_no_rate
from pipeline.usage.meters import Fallback, Meter, billed_on

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pipeline.rates.prices import Price


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What a model costs during one effective period, per meter.

    Construction raises ``RateCardError`` for what cannot be a rate.

    Prompt and completion must be priced. A cached or cache-write token without a price of its own costs what a prompt
    token costs, a reasoning token what a completion token costs; requests without a price cost nothing beyond their
    tokens.
    """

    model: str
    effective_from: datetime | None
    """First instant at which the rate is in force; None = from the beginning."""
    effective_to: datetime | None
    """First instant at which it is no longer in force; None = until further notice."""
    per_million: Mapping[Meter, Price]
    """Price of a million tokens (or requests), as stated: 0 to below 10^9 a token meter, at most 12 decimal places."""
    service_tier: str = ""
    """The service tier whose requests it prices; empty = those of every tier that has no rate of its own in force."""
    above_prompt_tokens: int = 0
    """It prices requests with more prompt tokens than this; 0 = of any size."""
    list_prices: Mapping[Meter, Price] = field(default_factory=dict)
    """What the price was before a discount or markup, or is on the card that this one extends; empty where there is no
    such thing.
    """
    minimum: Decimal | None = None
    """What an account's usage of a billing period that it prices is raised to; None = nothing."""
    maximum: Decimal | None = None
    """What an account's usage of a billing period that it prices costs at most; None = there is no cap."""

    def __post_init__(self) -> None:
        """Refuse what cannot be a rate."""
        refuse_misleading_model("model", self.model)
        if self.service_tier and not NAME.fullmatch(self.service_tier):
            message = (
                f"service_tier {self.service_tier!r} of model {self.model!r} cannot be a tier's name; "
                f"write {NAME_IN_WORDS}"
            )
            raise RateCardError(message)
        if type(self.above_prompt_tokens) is not int or not 0 <= self.above_prompt_tokens < TOKENS_MAX:
            message = (
                f"above_prompt_tokens {self.above_prompt_tokens} of model {self.model!r} is no count; "
                "write a whole number of tokens, such as 200_000"
            )
            raise RateCardError(message)
        self._refuse_misleading_period()
        for meter in Meter:
            if meter.spec.fallback is Fallback.REQUIRED and meter not in self.per_million:
                message = (
                    f"model {self.model!r} has no {meter} rate {self.period_text()}; "
                    "state a price per million tokens, 0 if it is meant to be free"
                )
                raise RateCardError(message)
        for meter, price in self.per_million.items():
            for rate in rates_of(price):
                limit = RATE_LIMIT if meter.is_of_tokens else RATE_LIMIT * PER_MILLION
                refuse_what_is_no_rate(f"{meter} rate {rate} of model {self.model!r}", rate, limit=limit)
        self._refuse_misleading_limits()
        object.__setattr__(self, "per_million", MappingProxyType(dict(self.per_million)))
        object.__setattr__(self, "list_prices", MappingProxyType(dict(self.list_prices)))

    def priced_as(self, meter: Meter) -> Meter:
        """Return the meter whose price a meter has: its own, or that of what it is taken out of."""
        while meter not in self.per_million and meter.spec.fallback is Fallback.AS_WHOLE and meter.out_of is not None:
            meter = meter.out_of
        return meter

    def billed_as(self, meter: Meter) -> Meter:
        """Return the meter that its tokens are billed on: its own, unless it stands apart only where it is priced."""
        return billed_on(meter, self.per_million)

    def price(self, meter: Meter) -> Price | None:
        """Return the price on a meter; None where it has none, nor that of what it is taken out of."""
        return self.per_million.get(self.priced_as(meter))

    def rate_per_million(self, meter: Meter) -> Decimal:
        """Return the price of a million on a meter.

        Raises ``RateCardError`` where it depends on the period, or requests are not priced.
        """
        price = self.price(meter)
        if not isinstance(price, Decimal):
            message = f"{meter} of model {self.model!r} has no single rate {self.period_text()}"
            raise RateCardError(message)
        return price

    def is_in_force(self, instant: datetime) -> bool:
        """Say whether an aware instant lies in the effective period."""
        return (self.effective_from is None or self.effective_from <= instant) and (
            self.effective_to is None or instant < self.effective_to
        )

    @property
    def is_limited(self) -> bool:
        """Whether a minimum or a maximum stands on what it prices."""
        return self.minimum is not None or self.maximum is not None

    def scope_text(self) -> str:
        """Name what it prices for a message: ``model 'jamba-large' in tier 'batch' above 200000 prompt tokens``."""
        tier = f" in tier {self.service_tier!r}" if self.service_tier else ""
        band = f" above {self.above_prompt_tokens} prompt tokens" if self.above_prompt_tokens else ""
        return f"model {self.model!r}{tier}{band}"

    def period_text(self) -> str:
        """Write the effective period for a message.

        ``from 2026-01-01T00:00:00Z to (excluding) 2026-10-10T12:00:00Z``.
        """
        return period_text(self.effective_from, self.effective_to)

    def _refuse_misleading_limits(self) -> None:
        for name, amount in (("minimum", self.minimum), ("maximum", self.maximum)):
            if amount is not None and not (amount.is_finite() and 0 <= amount < RATE_LIMIT):
                message = (
                    f"{name} {amount} of {self.scope_text()} is out of range; write an amount of at least 0 and below "
                    f"{RATE_LIMIT}"
                )
                raise RateCardError(message)
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            message = (
                f"minimum {self.minimum} of {self.scope_text()} is above its maximum {self.maximum}; "
                "what is raised to the one would be capped by the other"
            )
            raise RateCardError(message)

    def _refuse_misleading_period(self) -> None:
        for instant in (self.effective_from, self.effective_to):
            if instant is not None and instant.tzinfo is None:
                text = instant.isoformat()
                message = (
                    f"the effective period of model {self.model!r} has the local time {text}; "
                    f"write it with its offset, such as {text}Z"
                )
                raise RateCardError(message)
        if (
            self.effective_from is not None
            and self.effective_to is not None
            and self.effective_from >= self.effective_to
        ):
            message = (
                f"{self.period_text()} of model {self.model!r} is empty; "
                "effective_to is exclusive and must be later than effective_from"
            )
            raise RateCardError(message)


def period_text(effective_from: datetime | None, effective_to: datetime | None) -> str:
    """Write an effective period for a message."""
    start = "from the beginning" if effective_from is None else f"from {instant_text(effective_from)}"
    return start if effective_to is None else f"{start} to (excluding) {instant_text(effective_to)}"


def refuse_misleading_model(what: str, name: str) -> None:
    """Raise ``RateCardError`` for what cannot be a model's name."""
    if not NAME.fullmatch(name):
        message = f"{what} {name!r} cannot be a model's name; write {NAME_IN_WORDS}"
        raise RateCardError(message)
