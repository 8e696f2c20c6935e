"""Charges in the currency of whoever pays: price and amount times a rate of exchange, with every digit.

Does not own which rate holds (``pipeline.accounts.exchange``) nor any rounding (``pipeline.invoicing``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.base.money import exact_arithmetic

if TYPE_CHECKING:
    from decimal import Decimal

    from pipeline.accounts import ExchangeRate
    from pipeline.rating.charges import Charge


def exchanged(charge: Charge, rate: ExchangeRate, currency: str) -> Charge:
    """Return a charge in another currency, exactly, and with the rate beside it.

    2.00 USD per million at 0.92 are 1.84 EUR per million. Raises ``InexactAmount`` rather than lose a digit.
    """

    def converted(amount: Decimal | None) -> Decimal | None:
        with exact_arithmetic():
            return None if amount is None else amount * rate.rate

    with exact_arithmetic():
        return replace(
            charge,
            currency=currency,
            rate_per_million=charge.rate_per_million * rate.rate,
            amount=charge.amount * rate.rate,
            list_rate_per_million=converted(charge.list_rate_per_million),
            flat_amount=converted(charge.flat_amount),
            exchange=rate,
        )
