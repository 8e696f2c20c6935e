"""Rating: quantities of tokens and requests to exact charges, one by one.

Owns the one multiplication of the whole product, discounts, and how far a period's tiers and packages have come. Does
not own prices (``pipeline.rates``), rounding (``pipeline.invoicing``) nor rating on columns
(``pipeline.tables.rating``). Read first: ``charges``, then ``pipeline.rates.card``.
"""

from pipeline.rating.charges import (
    TOKENS_PER_RATE,
    Charge,
    UnpricedUsage,
    UsageQuantity,
    discounted,
    discounted_amount,
    exact_charge,
    list_rate,
    placed_charges,
    rate_usage,
)
from pipeline.rating.exchange import exchanged

__all__ = [
    "TOKENS_PER_RATE",
    "Charge",
    "UnpricedUsage",
    "UsageQuantity",
    "discounted",
    "discounted_amount",
    "exact_charge",
    "exchanged",
    "list_rate",
    "placed_charges",
    "rate_usage",
]
