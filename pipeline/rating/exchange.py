"""Charges in the currency of whoever pays: price and amount times a rate of exchange, with every digit.

Does not own which rate holds (``pipeline.accounts.exchange``) nor any rounding (``pipeline.invoicing``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.accounts import ExchangeRate
    from pipeline.rating.charges import Charge


def exchanged(charge: Charge, rate: ExchangeRate, currency: str) -> Charge:
    """Return a charge in another currency, exactly, and with the rate beside it.

    2.00 USD per million at 0.92 are 1.84 EUR per million. Raises ``InexactAmount`` rather than lose a digit.
    """
    listed, flat_amount = charge.list_rate_per_million, charge.flat_amount
    return replace(
        charge,
        currency=currency,
        rate_per_million=rate.converted(charge.rate_per_million),
        amount=rate.converted(charge.amount),
        list_rate_per_million=None if listed is None else rate.converted(listed),
        flat_amount=None if flat_amount is None else rate.converted(flat_amount),
        exchange=rate,
    )
