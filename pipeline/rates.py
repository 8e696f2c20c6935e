"""What usage costs the customer: rates per million tokens, in force over effective periods, on a rate card.

Owns which rate is in force for a model, meter and instant, and what a rate card may say. Does not own the TOML files
(``pipeline.storage.rate_cards``) nor the multiplication (``pipeline.rating``).

Invariants: at most one rate of a model is in force at any instant; an effective period is half-open, ``[from, to)``;
where no rate is in force there is no price, and never a price of zero.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from decimal import Decimal
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING

from pipeline.errors import ConfigurationError, RateCardError, RateNotFound
from pipeline.money import minor_unit_digits
from pipeline.periods import instant_text
from pipeline.usage import Meter

if TYPE_CHECKING:
    from collections.abc import Mapping

RATE_LIMIT = Decimal(10**9)
"""A rate is below this: a price per million tokens of a thousand million is a slip of the decimal point."""
FRACTION_DIGITS_MAX = 12
_CARD_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_MODEL = re.compile(r"[A-Za-z0-9._:/@+-]{1,128}", re.ASCII)
_SINCE_EVER = datetime.min.replace(tzinfo=UTC)
_REQUIRED_METERS = (Meter.PROMPT, Meter.COMPLETION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What a model costs during one effective period, per meter. Construction raises ``RateCardError`` for what cannot be a rate.

    Prompt and completion must be priced. A cached or cache-write token without a rate of its own costs what a prompt token costs.
    """

    model: str
    effective_from: datetime | None
    """First instant at which the rate is in force; None = since ever."""
    effective_to: datetime | None
    """First instant at which it is no longer in force; None = until further notice."""
    per_million: Mapping[Meter, Decimal]
    """Price of a million tokens, as stated: 0 to below 10^9, at most 12 decimal places."""

    def __post_init__(self) -> None:
        """Refuse what cannot be a rate."""
        if not _MODEL.fullmatch(self.model):
            message = f"model {self.model!r} cannot be a model's name; write 1 to 128 of A-Z a-z 0-9 . _ : / @ + -"
            raise RateCardError(message)
        for instant in (self.effective_from, self.effective_to):
            if instant is not None and instant.tzinfo is None:
                text = instant.isoformat()
                message = f"the effective period of model {self.model!r} has the local time {text}; write it with its offset, such as {text}Z"
                raise RateCardError(message)
        if self.effective_from is not None and self.effective_to is not None and self.effective_from >= self.effective_to:
            message = f"{self.period_text()} of model {self.model!r} is empty; effective_to is exclusive and must be later than effective_from"
            raise RateCardError(message)
        for meter in _REQUIRED_METERS:
            if meter not in self.per_million:
                message = f"model {self.model!r} has no {meter} rate {self.period_text()}; state a price per million tokens, 0 if it is meant to be free"
                raise RateCardError(message)
        for meter, rate_per_million in self.per_million.items():
            _refuse_what_is_no_rate(self.model, meter, rate_per_million)
        object.__setattr__(self, "per_million", MappingProxyType(dict(self.per_million)))

    def rate_per_million(self, meter: Meter) -> Decimal:
        """Return the price of a million tokens on a meter; prompt meters without a price of their own cost what prompt tokens cost."""
        return self.per_million.get(meter, self.per_million[Meter.PROMPT])

    def is_in_force(self, instant: datetime) -> bool:
        """Say whether an aware instant lies in the effective period."""
        return (self.effective_from is None or self.effective_from <= instant) and (self.effective_to is None or instant < self.effective_to)

    def period_text(self) -> str:
        """Write the effective period for a message: ``from 2026-01-01T00:00:00Z to (excluding) 2026-10-10T12:00:00Z``."""
        start = "since ever" if self.effective_from is None else f"from {instant_text(self.effective_from)}"
        return start if self.effective_to is None else f"{start} to (excluding) {instant_text(self.effective_to)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCard:
    """A price list: rates of models over time, in one currency, with other names for its models.

    Construction raises ``RateCardError`` for overlapping effective periods of a model, an alias that shadows a model and
    an alias of a model without rates.
    """

    id: str
    currency: str
    aliases: Mapping[str, str]
    """Other names a model is reported by → the card's own name of it."""
    rates: tuple[Rate, ...]
    _windows: dict[str, tuple[Rate, ...]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what cannot be a rate card, and put each model's rates in the order of time."""
        if not _CARD_ID.fullmatch(self.id):
            message = f"rate card id {self.id!r} cannot be used; write 1 to 64 letters, digits, dots, dashes or underscores"
            raise RateCardError(message)
        try:
            minor_unit_digits(self.currency)
        except ConfigurationError as error:
            raise RateCardError(str(error)) from error
        for rate in sorted(self.rates, key=_start_at):
            self._windows[rate.model] = (*self._windows.get(rate.model, ()), rate)
        for windows in self._windows.values():
            _refuse_overlaps(windows)
        for alias, model in self.aliases.items():
            _refuse_misleading_alias(alias, model, self._windows)
        object.__setattr__(self, "aliases", MappingProxyType(dict(self.aliases)))

    @property
    def models(self) -> tuple[str, ...]:
        """The card's own names of its models, sorted."""
        return tuple(sorted(self._windows))

    def model_of(self, name: str) -> str | None:
        """Return the card's own name of a model or of an alias, or None where the card does not know the name."""
        return name if name in self._windows else self.aliases.get(name)

    def windows(self, model: str) -> tuple[Rate, ...]:
        """Return the rates of a model (or of an alias) in the order of time; empty where the card does not know it."""
        return self._windows.get(self.model_of(model) or "", ())

    def rate_at(self, model: str, instant: datetime) -> Rate | None:
        """Return the rate of a model (or of an alias) in force at an aware instant, or None."""
        windows = self.windows(model)
        index = bisect_right(windows, instant, key=_start_at) - 1
        return windows[index] if index >= 0 and windows[index].is_in_force(instant) else None

    def rate_per_million(self, model: str, meter: Meter, instant: datetime) -> Decimal:
        """Return the price of a million tokens of a model on a meter at an aware instant. Raises ``RateNotFound``."""
        rate = self.rate_at(model, instant)
        if rate is None:
            message = f"rate card {self.id!r} has no {meter} rate for model {model!r} {_when(instant)}; add one to rates/{self.id}.toml"
            raise RateNotFound(message)
        return rate.rate_per_million(meter)


def _start_at(rate: Rate) -> datetime:
    return rate.effective_from or _SINCE_EVER


def _when(instant: datetime) -> str:
    """Name the day, or the instant where it is not the start of one: a price may change at noon."""
    utc = instant.astimezone(UTC)
    return f"on {utc.date()}" if utc.time() == time.min else f"at {instant_text(utc)}"


def _refuse_what_is_no_rate(model: str, meter: Meter, rate_per_million: object) -> None:
    if not isinstance(rate_per_million, Decimal) or not rate_per_million.is_finite():
        message = f"{meter} rate {rate_per_million} of model {model!r} is no number; write a price per million tokens such as 2.00"
        raise RateCardError(message)
    if not 0 <= rate_per_million < RATE_LIMIT:
        message = f"{meter} rate {rate_per_million} of model {model!r} is out of range; a price per million tokens is at least 0 and below {RATE_LIMIT}"
        raise RateCardError(message)
    exponent = rate_per_million.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > FRACTION_DIGITS_MAX:
        message = f"{meter} rate {rate_per_million} of model {model!r} has {-exponent} decimal places; write {FRACTION_DIGITS_MAX} at most"
        raise RateCardError(message)


def _refuse_overlaps(windows: tuple[Rate, ...]) -> None:
    for earlier, later in pairwise(windows):
        if earlier.effective_to is None or earlier.effective_to > _start_at(later):
            message = (
                f"two rates of model {later.model!r} overlap: one {earlier.period_text()}, one {later.period_text()}; "
                "end the earlier one with effective_to where the later one begins"
            )
            raise RateCardError(message)


def _refuse_misleading_alias(alias: str, model: str, windows: Mapping[str, tuple[Rate, ...]]) -> None:
    if not _MODEL.fullmatch(alias):
        message = f"alias {alias!r} cannot be a model's name; write 1 to 128 of A-Z a-z 0-9 . _ : / @ + -"
        raise RateCardError(message)
    if alias in windows:
        message = f"alias {alias!r} shadows the model of the same name, which has rates of its own; remove the alias or those rates"
        raise RateCardError(message)
    if model not in windows:
        message = f"alias {alias!r} stands for {model!r}, which has no rates; name a model of this card: {', '.join(sorted(windows)) or 'it has none yet'}"
        raise RateCardError(message)
