"""What usage costs the customer: rates per million, in force over effective periods, on a rate card.

Owns which price is in force for a model, service tier, prompt band, meter and instant, and what a rate card may say:
``prices`` (the shapes a price can have), ``rate`` (all prices of a model during one effective period), ``card`` (the
list of them, and which of them is chosen), ``inheritance`` (cards that extend cards), ``limits`` (minimum and maximum
of what an entry prices). Does not own the TOML files (``pipeline.configuration.rate_cards``) nor the multiplication
(``pipeline.rating``). Read first: ``card``, then ``rate``.

Invariants: at most one rate of a model, service tier and prompt threshold is in force at any instant; an effective
period is half-open, ``[from, to)``; where no rate is in force there is no price, and never a price of zero.
"""

from pipeline.rates.card import RateCard, RateWindow
from pipeline.rates.prices import (
    FRACTION_DIGITS_MAX,
    RATE_LIMIT,
    GraduatedPrice,
    PackagePrice,
    PeriodTier,
    Price,
    VolumePrice,
)
from pipeline.rates.rate import Rate

__all__ = [
    "FRACTION_DIGITS_MAX",
    "RATE_LIMIT",
    "GraduatedPrice",
    "PackagePrice",
    "PeriodTier",
    "Price",
    "Rate",
    "RateCard",
    "RateWindow",
    "VolumePrice",
]
