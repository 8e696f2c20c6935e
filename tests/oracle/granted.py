"""Random grants and coupons as the accounts of the program have them. Does not own what they come to (``grants``)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.accounts import Coupon, CreditGrant

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grants import Granted, Off


def credit_grants(granted: Iterable[Granted]) -> tuple[CreditGrant, ...]:
    return tuple(
        CreditGrant(
            id=each.name,
            amount=Decimal(each.cents).scaleb(-2),
            granted_on=each.since,
            expires_on=each.until,
            priority=each.priority,
            models=each.models,
            recurs=each.recurs,
            rollover_months=each.rollover,
            rollover_percent=None if each.rolling is None else Decimal(each.rolling).scaleb(-2),
            rollover_max=None if each.rolling_max is None else Decimal(each.rolling_max).scaleb(-2),
        )
        for each in granted
    )


def coupons_of(offered: Iterable[Off]) -> tuple[Coupon, ...]:
    """A coupon in percent has no amount, whatever its cents."""
    return tuple(
        Coupon(
            id=off.name,
            from_date=off.first,
            months=off.count,
            percent=None if off.hundredths is None else Decimal(off.hundredths).scaleb(-2),
            amount=None if off.hundredths is not None or off.cents is None else Decimal(off.cents).scaleb(-2),
        )
        for off in offered
    )
