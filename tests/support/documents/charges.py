"""Charges of whole cents, for tests of what becomes of them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.rating import Charge
from pipeline.usage import Meter

if TYPE_CHECKING:
    from datetime import date


def charge(day: date, cents: int, model: str = "large") -> Charge:
    """Return what one prompt token of a day is charged."""
    return Charge(
        account_id="acme",
        api_key_id="key_a",
        model=model,
        service_tier="",
        meter=Meter.PROMPT,
        usage_date=day,
        quantity=1,
        rate_per_million=Decimal(cents * 10_000),
        currency="USD",
        amount=Decimal(cents).scaleb(-2),
        rated_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
