"""A rate card: the rates of its models, and which of them is chosen for a request.

Owns the choice: the rate of the request's service tier before the rate of every tier, and of those the one with the
greatest threshold below the request's prompt. Does not own what a rate says (``pipeline.rates.rate``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from itertools import pairwise, product
from types import MappingProxyType
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError, RateCardError, RateNotFound
from pipeline.base.money import minor_unit_digits, refuse_fraction_digits
from pipeline.base.names import refuse_unusable_id
from pipeline.base.periods import instant_text
from pipeline.rates.prices import refuse_what_is_no_rate
from pipeline.rates.rate import refuse_misleading_model
from pipeline.usage.meters import priced_apart

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from decimal import Decimal

    from pipeline.rates.rate import Rate
    from pipeline.usage.meters import Meter

_SINCE_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateWindow:
    """The time in which one rate is chosen for the requests of one model, service tier and prompt band."""

    service_tier: str
    prompt_band: int
    effective_from: datetime | None
    effective_to: datetime | None
    rate: Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCard:
    """A price list: rates of models over time, in one currency, with other names for its models.

    Construction raises ``RateCardError`` for overlapping effective periods of a model, tier and threshold, an alias
    that shadows a model and an alias of a model without rates.
    """

    id: str
    currency: str
    aliases: Mapping[str, str]
    """Other names a model is reported by → the card's own name of it."""
    rates: tuple[Rate, ...]
    monthly_fee: Decimal | None = None
    """Charged once for every billing period in which the account has usage."""
    _windows: dict[str, tuple[Rate, ...]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what cannot be a rate card, and put each model's rates in the order of time."""
        refuse_unusable_id("rate card id", self.id, RateCardError)
        if self.monthly_fee is not None:
            refuse_what_is_no_rate(f"monthly_fee {self.monthly_fee}", self.monthly_fee)
        try:
            digits = minor_unit_digits(self.currency)
            amounts = [("monthly_fee", self.monthly_fee)]
            for rate in self.rates:
                amounts += [
                    (f"minimum of {rate.scope_text()}", rate.minimum),
                    (f"maximum of {rate.scope_text()}", rate.maximum),
                ]
            for what, amount in amounts:
                if amount is not None:
                    refuse_fraction_digits(f"{what} in {self.currency}", amount, digits)
        except ConfigurationError as error:
            raise RateCardError(str(error)) from error
        for rate in sorted(self.rates, key=_order):
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

    def service_tiers(self, model: str) -> tuple[str, ...]:
        """Return the service tiers that have rates of their own for a model, sorted."""
        return tuple(sorted({rate.service_tier for rate in self.windows(model)} - {""}))

    def prompt_bands(self, model: str) -> tuple[int, ...]:
        """Return the thresholds of prompt size that a model has, ascending, 0 not among them."""
        return tuple(sorted({rate.above_prompt_tokens for rate in self.windows(model)} - {0}))

    def rate_at(self, model: str, instant: datetime, *, service_tier: str = "", prompt_band: int = 0) -> Rate | None:
        """Return the rate that is chosen for a model (or an alias), tier and prompt band at an aware instant, or None.

        ``prompt_band`` is the greatest threshold below the request's prompt tokens (0 where there is none).
        """
        return _chosen(self.windows(model), instant, service_tier, prompt_band)

    def rate_per_million(self, model: str, meter: Meter, instant: datetime) -> Decimal:
        """Return the price of a million tokens of a model on a meter at an aware instant. Raises ``RateNotFound``."""
        rate = self.rate_at(model, instant)
        if rate is None:
            raise RateNotFound(self.missing_text(model, meter, instant))
        return rate.rate_per_million(meter)

    def missing_text(self, model: str, meter: Meter, instant: datetime) -> str:
        """Say which rate is missing, and where to add it."""
        return (
            f"rate card {self.id!r} has no {meter} rate for model {model!r} {_when(instant)}; "
            f"add one to rates/{self.id}.toml"
        )

    def rate_windows(self, model: str) -> Iterator[RateWindow]:
        """Yield for every tier and band of a model the rate windows: when one rate is chosen.

        Each in the order of time.

        The tier ``""`` stands for all that have no rates of their own, the band 0 for all prompts up to the lowest
        threshold.
        """
        windows = self.windows(model)
        bounds = sorted(
            {instant for rate in windows for instant in (_start_at(rate), rate.effective_to) if instant is not None}
        )
        for service_tier, prompt_band in product(("", *self.service_tiers(model)), (0, *self.prompt_bands(model))):
            choices = [(bound, _chosen(windows, bound, service_tier, prompt_band)) for bound in bounds]
            changes = [
                choice for index, choice in enumerate(choices) if index == 0 or choice[1] is not choices[index - 1][1]
            ]
            for (start_at, rate), (end_at, _) in pairwise([*changes, (None, None)]):
                if start_at is not None and rate is not None:
                    effective_from = None if start_at == _SINCE_EVER else start_at
                    yield RateWindow(
                        service_tier=service_tier,
                        prompt_band=prompt_band,
                        effective_from=effective_from,
                        effective_to=end_at,
                        rate=rate,
                    )


def counts_like(one: RateCard, other: RateCard) -> bool:
    """Say whether usage is counted into the same rows by both cards, whatever they cost.

    It is where models have the same names, and the same rate windows, service tiers, prompt bands and meters
    priced apart.
    """
    return one.aliases == other.aliases and all(
        [_counted_apart(window) for window in one.rate_windows(model)]
        == [_counted_apart(window) for window in other.rate_windows(model)]
        for model in {*one.models, *other.models}
    )


def _counted_apart(window: RateWindow) -> tuple[object, ...]:
    apart = priced_apart(window.rate.per_million)
    return window.service_tier, window.prompt_band, window.effective_from, window.effective_to, apart


def _chosen(windows: Iterable[Rate], instant: datetime, service_tier: str, prompt_band: int) -> Rate | None:
    fitting = [
        rate
        for rate in windows
        if rate.service_tier in {service_tier, ""}
        and rate.above_prompt_tokens <= prompt_band
        and rate.is_in_force(instant)
    ]
    return max(fitting, key=lambda rate: (rate.service_tier == service_tier, rate.above_prompt_tokens), default=None)


def _start_at(rate: Rate) -> datetime:
    return rate.effective_from or _SINCE_EVER


def _order(rate: Rate) -> tuple[datetime, str, int]:
    return _start_at(rate), rate.service_tier, rate.above_prompt_tokens


def _when(instant: datetime) -> str:
    """Name the day, or the instant where it is not the start of one: a price may change at noon."""
    utc = instant.astimezone(UTC)
    return f"on {utc.date()}" if utc.time() == time.min else f"at {instant_text(utc)}"


def _refuse_overlaps(windows: Sequence[Rate]) -> None:
    """Rates of one model, tier and threshold may not overlap.

    Those of different tiers or thresholds are chosen between.
    """
    latest: dict[tuple[str, int], Rate] = {}
    for later in windows:
        earlier = latest.get((later.service_tier, later.above_prompt_tokens))
        if earlier is not None and (earlier.effective_to is None or earlier.effective_to > _start_at(later)):
            message = (
                f"two rates of {later.scope_text()} overlap: one {earlier.period_text()}, one {later.period_text()}; "
                "end the earlier one with effective_to where the later one begins"
            )
            raise RateCardError(message)
        latest[later.service_tier, later.above_prompt_tokens] = later


def _refuse_misleading_alias(alias: str, model: str, windows: Mapping[str, tuple[Rate, ...]]) -> None:
    refuse_misleading_model("alias", alias)
    if alias in windows:
        message = (
            f"alias {alias!r} shadows the model of the same name, which has rates of its own; "
            "remove the alias or those rates"
        )
        raise RateCardError(message)
    if model not in windows:
        message = (
            f"alias {alias!r} stands for {model!r}, which has no rates; name a model of this card: "
            f"{', '.join(sorted(windows)) or 'it has none yet'}"
        )
        raise RateCardError(message)
