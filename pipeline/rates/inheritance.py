"""Cards that extend cards, and discounts: what an entry of a card says → the rates that are in force.

Owns how an extending card and the card it extends become one list of rates. The rules:

* A meter that an entry states replaces the extended card's, for its model, service tier and threshold, within its
  effective period; everything else is inherited, also the extended card's own tiers, thresholds and periods.
* ``discount_percent`` or ``markup_percent`` of an entry changes all its prices, stated or inherited. That of the card
  changes what the card inherits, and on a card that extends none, what it states; a price stated on an extending card
  is the agreed price.
* The list price of a meter is what it was before the change, or what the extended card charges.
* A minimum or maximum that an entry states replaces the extended card's; no percentage changes either.

Does not own which card is extended (``pipeline.configuration.rate_cards`` finds it).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from pipeline.base.errors import RateCardError
from pipeline.rates.prices import changed_price
from pipeline.rates.rate import Rate, period_text
from pipeline.usage.meters import Fallback, Meter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pipeline.rates.card import RateCard
    from pipeline.rates.prices import Price

_REQUIRED = {meter: Decimal(0) for meter in Meter if meter.spec.fallback is Fallback.REQUIRED}
_SINCE_EVER = datetime.min.replace(tzinfo=UTC)
_FOR_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateEntry:
    """One ``[[rates]]`` of a card as it is stated; on an extending card it need not price every meter."""

    model: str
    service_tier: str
    above_prompt_tokens: int
    effective_from: datetime | None
    effective_to: datetime | None
    per_million: Mapping[Meter, Price]
    percent: Decimal | None
    """Change of its prices: -10 = ten percent discount; None = none of its own."""
    minimum: Decimal | None = None
    maximum: Decimal | None = None

    def __post_init__(self) -> None:
        """Refuse what could be no rate, whatever it may inherit."""
        _rate(
            self,
            self.effective_from,
            self.effective_to,
            {**_REQUIRED, **self.per_million},
            {},
        )

    def overlaps(self, other: RateEntry) -> bool:
        """Say whether both would be in force at some instant for the same requests."""
        scopes = [(entry.model, entry.service_tier, entry.above_prompt_tokens) for entry in (self, other)]
        return scopes[0] == scopes[1] and _start_at(self) < _end_at(other) and _start_at(other) < _end_at(self)


def rate_of_entry(entry: RateEntry, *, percent: Decimal | None) -> Rate:
    """Return the rate of an entry of a card that extends none; ``percent`` is the card's. Raises ``RateCardError``."""
    stated = _rate(entry, entry.effective_from, entry.effective_to, entry.per_million, {})
    change = percent if entry.percent is None else entry.percent
    if change is None:
        return stated
    changed = {meter: changed_price(price, change) for meter, price in entry.per_million.items()}
    return _rate(entry, entry.effective_from, entry.effective_to, changed, _prices(stated))


def inherited_rates(entries: Sequence[RateEntry], *, parent: RateCard, percent: Decimal | None) -> tuple[Rate, ...]:
    """Return the rates of a card that extends ``parent``; ``percent`` is the extending card's.

    Raises ``RateCardError``.
    """
    own: dict[tuple[str, str, int], list[RateEntry]] = defaultdict(list)
    for entry in entries:
        own[entry.model, entry.service_tier, entry.above_prompt_tokens].append(entry)
    theirs: dict[tuple[str, str, int], list[Rate]] = defaultdict(list)
    for rate in parent.rates:
        theirs[rate.model, rate.service_tier, rate.above_prompt_tokens].append(rate)
    return tuple(
        rate
        for scope in sorted({*own, *theirs})
        for rate in _rates_of_scope(scope, own.get(scope, ()), theirs.get(scope, ()), parent, percent)
    )


def _rates_of_scope(
    scope: tuple[str, str, int],
    entries: Sequence[RateEntry],
    inherited: Sequence[Rate],
    parent: RateCard,
    percent: Decimal | None,
) -> Iterator[Rate]:
    """Cut time where an entry or a rate begins or ends.

    What is chosen is the same for a window, and neighbours that are the same stay one.
    """
    model, service_tier, band = scope
    windows: list[RateEntry | Rate] = [*entries, *parent.windows(model)]
    bounds = sorted({bound for each in windows for bound in (_start_at(each), _end_at(each))} - {_FOR_EVER})
    choices: list[tuple[datetime, RateEntry | None, Rate | None]] = []
    for bound in bounds:
        entry = next((entry for entry in entries if _start_at(entry) <= bound < _end_at(entry)), None)
        at_bound = (rate for rate in inherited if rate.is_in_force(bound))
        base = (
            next(at_bound, None)
            if entry is None
            else parent.rate_at(model, bound, service_tier=service_tier, prompt_band=band)
        )
        if not choices or choices[-1][1] is not entry or choices[-1][2] is not base:
            choices.append((bound, entry, base))
    for (start_at, entry, base), end_at in zip(
        choices, [*(choice[0] for choice in choices[1:]), _FOR_EVER], strict=True
    ):
        effective_from = None if start_at == _SINCE_EVER else start_at
        effective_to = None if end_at == _FOR_EVER else end_at
        if entry is not None:
            yield _overridden(entry, base, effective_from, effective_to, percent)
        elif base is not None:
            yield _inherited(base, effective_from, effective_to, percent)


def _inherited(
    base: Rate, effective_from: datetime | None, effective_to: datetime | None, percent: Decimal | None
) -> Rate:
    changed = (
        base.per_million
        if percent is None
        else {meter: changed_price(price, percent) for meter, price in base.per_million.items()}
    )
    return Rate(
        model=base.model,
        effective_from=effective_from,
        effective_to=effective_to,
        per_million=changed,
        service_tier=base.service_tier,
        above_prompt_tokens=base.above_prompt_tokens,
        list_prices=_prices(base),
        minimum=base.minimum,
        maximum=base.maximum,
    )


def _overridden(
    entry: RateEntry,
    base: Rate | None,
    effective_from: datetime | None,
    effective_to: datetime | None,
    percent: Decimal | None,
) -> Rate:
    change = percent if entry.percent is None else entry.percent
    before = {**(base.per_million if base else {}), **entry.per_million}
    now = {}
    for meter, price in before.items():
        applied = entry.percent if meter in entry.per_million else change
        now[meter] = price if applied is None else changed_price(price, applied)
    list_prices = _prices(base) if base else {}
    if entry.percent is not None:
        stated = _rate(entry, effective_from, effective_to, before, {})
        list_prices = {
            **_prices(stated),
            **{
                meter: price for meter, price in list_prices.items() if stated.priced_as(meter) not in entry.per_million
            },
        }
    return _rate(entry, effective_from, effective_to, now, list_prices, base=base)


def _prices(rate: Rate) -> dict[Meter, Price]:
    return {meter: price for meter in Meter if (price := rate.price(meter)) is not None}


def _rate(
    entry: RateEntry,
    effective_from: datetime | None,
    effective_to: datetime | None,
    per_million: Mapping[Meter, Price],
    list_prices: Mapping[Meter, Price],
    *,
    base: Rate | None = None,
) -> Rate:
    return Rate(
        model=entry.model,
        effective_from=effective_from,
        effective_to=effective_to,
        per_million=per_million,
        service_tier=entry.service_tier,
        above_prompt_tokens=entry.above_prompt_tokens,
        list_prices=list_prices,
        minimum=base.minimum if base and entry.minimum is None else entry.minimum,
        maximum=base.maximum if base and entry.maximum is None else entry.maximum,
    )


def refuse_overlapping_entries(entries: Iterable[RateEntry]) -> None:
    """Raise ``RateCardError`` for two entries of one model, tier and threshold.

    Those, that is, that are in force at the same instant.
    """
    by_scope: dict[tuple[str, str, int], list[RateEntry]] = defaultdict(list)
    for entry in entries:
        by_scope[entry.model, entry.service_tier, entry.above_prompt_tokens].append(entry)
    for same in by_scope.values():
        for earlier, later in pairwise(sorted(same, key=_start_at)):
            if earlier.overlaps(later):
                periods = [period_text(entry.effective_from, entry.effective_to) for entry in (earlier, later)]
                message = (
                    f"two entries of model {later.model!r} overlap: one {periods[0]}, one {periods[1]}; "
                    "end the earlier one with effective_to where the later one begins"
                )
                raise RateCardError(message)


def _start_at(each: RateEntry | Rate) -> datetime:
    return each.effective_from or _SINCE_EVER


def _end_at(each: RateEntry | Rate) -> datetime:
    return each.effective_to or _FOR_EVER
