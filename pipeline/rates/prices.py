"""The shapes a price can have: a rate per million, or a price that depends on how much the billing period has used.

Owns what each shape may say, and how a discount changes it. Does not own how far a period has come (``pipeline.rating``
counts) nor when a price is in force (``pipeline.rates.rate``).

A period's price is *cumulative*: graduated, volume and package prices look at all tokens that the account has used on
the meter since the billing period began, over all keys, of the model, or of every model that names the same ``group``.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from pipeline.base.errors import RateCardError
from pipeline.base.money import exact_arithmetic, normalised
from pipeline.base.names import refuse_unusable_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RATE_LIMIT = Decimal(10**9)
"""A rate is below this: a price per million tokens of a thousand million is a slip of the decimal point."""
FRACTION_DIGITS_MAX = 12
PER_MILLION = Decimal(1_000_000)
TOKENS_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodTier:
    """One step of a graduated or volume price."""

    up_to: int | None
    """The last token of the period that is on this tier (inclusive); None = all that follow."""
    rate: Decimal
    """Per million tokens."""
    flat: Decimal = Decimal(0)
    """Charged once for a period that reaches the tier, beside its rate; an amount, and not per million."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraduatedPrice:
    """Every token has the rate of the tier that it falls into.

    1.2 thousand million tokens at 2.00 up to 10^9 and 1.50 beyond cost 2,000 + 300. With flat amounts of 10.00 and 5.00
    they cost 15.00 more: both tiers are reached.
    """

    tiers: tuple[PeriodTier, ...]
    group: str | None = None
    """Models whose prices name the same group are counted together; None = the model alone."""

    def __post_init__(self) -> None:
        """Refuse tiers that leave a token without a price, or with two."""
        _refuse_misleading_tiers(self.tiers)
        _refuse_misleading_group(self.group)


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumePrice:
    """All tokens of the period have the rate of the tier that the period's total reaches.

    1.2 thousand million tokens cost 1,800. With flat amounts of 10.00 and 5.00 they cost 5.00 more.
    """

    tiers: tuple[PeriodTier, ...]
    group: str | None = None

    def __post_init__(self) -> None:
        """Refuse tiers that leave a total without a rate, or with two."""
        _refuse_misleading_tiers(self.tiers)
        _refuse_misleading_group(self.group)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagePrice:
    """Every package that is started costs its price: 1,000,001 tokens in packages of a million at 2.00 cost 4.00."""

    tokens: int
    """Size of a package; requests on the meter ``request``."""
    price: Decimal
    """Of one package. Price x 1,000,000 ÷ tokens must be an exact rate, which is printed beside the charge."""
    group: str | None = None

    def __post_init__(self) -> None:
        """Refuse a package that has no size, or no exact rate per million."""
        if type(self.tokens) is not int or not 1 <= self.tokens <= TOKENS_MAX:
            message = f"a package of {self.tokens} cannot be sold; write a whole number from 1"
            raise RateCardError(message)
        _refuse_misleading_group(self.group)
        refuse_what_is_no_rate("package price", self.price)
        numerator, denominator = self.price.as_integer_ratio()
        if (numerator * 10 ** (6 + FRACTION_DIGITS_MAX)) % (denominator * self.tokens):
            message = (
                f"a package of {self.tokens} at {self.price} has no exact price per million; "
                "choose a price that its size divides, such as 9.99 for 3,000,000 instead of 10.00"
            )
            raise RateCardError(message)

    @property
    def rate_per_million(self) -> Decimal:
        """What a million tokens cost in full packages."""
        with exact_arithmetic():
            return normalised(self.price * PER_MILLION / Decimal(self.tokens))


Price: TypeAlias = "Decimal | GraduatedPrice | VolumePrice | PackagePrice"
"""A rate per million, or a price that depends on the period."""


def tier_of(tiers: Iterable[PeriodTier], total: int) -> PeriodTier:
    """Return the tier in which the token with this number (from 1) lies; the last tier has no end."""
    return next(tier for tier in tiers if tier.up_to is None or total <= tier.up_to)


def before_tier(tiers: Sequence[PeriodTier], index: int) -> int:
    """Return how many tokens the tiers before this one hold: it is reached by the token that follows them."""
    return (tiers[index - 1].up_to or 0) if index else 0


def changed_price(price: Price, percent: Decimal) -> Price:
    """Return a price after a discount (-10) or a markup (5), exactly: 2.00 less 10 percent is 1.8.

    Packages and tiers keep their sizes.
    """
    if isinstance(price, Decimal):
        return _changed(price, percent)
    if isinstance(price, PackagePrice):
        return PackagePrice(tokens=price.tokens, price=_changed(price.price, percent), group=price.group)
    tiers = tuple(
        PeriodTier(up_to=tier.up_to, rate=_changed(tier.rate, percent), flat=_changed(tier.flat, percent))
        for tier in price.tiers
    )
    return type(price)(tiers=tiers, group=price.group)


def rates_of(price: Price) -> tuple[Decimal, ...]:
    """Return every number of money in a price."""
    if isinstance(price, (GraduatedPrice, VolumePrice)):
        return tuple(number for tier in price.tiers for number in (tier.rate, tier.flat))
    return (price.price,) if isinstance(price, PackagePrice) else (price,)


def refuse_what_is_no_rate(what: str, rate: object, *, limit: Decimal = RATE_LIMIT) -> None:
    """Raise ``RateCardError`` unless this is a finite decimal of 0 to below the limit.

    With at most 12 decimal places.
    """
    if not isinstance(rate, Decimal) or not rate.is_finite():
        message = f"{what} is no number; write a price per million tokens such as 2.00"
        raise RateCardError(message)
    if not 0 <= rate < limit:
        message = f"{what} is out of range; a price per million tokens is at least 0 and below {limit}"
        raise RateCardError(message)
    exponent = rate.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > FRACTION_DIGITS_MAX:
        message = f"{what} has {-exponent} decimal places; write {FRACTION_DIGITS_MAX} at most"
        raise RateCardError(message)


def _changed(rate: Decimal, percent: Decimal) -> Decimal:
    with exact_arithmetic():
        return normalised(rate * (100 + percent) / 100)


def _refuse_misleading_tiers(tiers: tuple[PeriodTier, ...]) -> None:
    if not tiers:
        message = "there is no tier; write at least one, such as tiers = [ { rate = 2.00 } ]"
        raise RateCardError(message)
    bounds = [tier.up_to for tier in tiers[:-1]]
    if tiers[-1].up_to is not None or None in bounds:
        message = "exactly the last tier must be without up_to: without it, a token would have no price, or two"
        raise RateCardError(message)
    known = [0, *(bound for bound in bounds if bound is not None)]
    for lower, upper in pairwise(known):
        if type(upper) is not int or not lower < upper <= TOKENS_MAX:
            message = (
                f"up_to {upper} follows {lower}; each tier must reach further than the one before, in whole tokens"
            )
            raise RateCardError(message)
    for number, tier in enumerate(tiers, start=1):
        refuse_what_is_no_rate(f"rate {tier.rate} of tier {number}", tier.rate, limit=RATE_LIMIT * PER_MILLION)
        if not tier.flat.is_finite() or tier.flat < 0:
            message = f"flat {tier.flat} of tier {number} is no amount; write a number from 0, such as 50.00"
            raise RateCardError(message)


def _refuse_misleading_group(group: str | None) -> None:
    if group is not None:
        refuse_unusable_id("group", group, RateCardError)
