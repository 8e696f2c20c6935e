"""Who pays for what, for tests that count: three time zones, a key of nobody, prices that change within a day."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from pipeline.accounts import Account, Accounts
from pipeline.rates import Rate, RateCard
from pipeline.usage import Meter

ZONES = ("UTC", "Asia/Kolkata", "America/New_York")
KEYS = ("key_0", "key_1", "key_2", "key_nobody")
CHANGES_AT = (datetime(2026, 10, 1, 12, 30, 15, tzinfo=UTC), datetime(2026, 10, 2, tzinfo=UTC))
STANDARD = RateCard(
    id="standard",
    currency="USD",
    aliases={},
    rates=tuple(
        Rate(
            model="jamba-large",
            effective_from=start_at,
            effective_to=end_at,
            above_prompt_tokens=band,
            per_million=dict.fromkeys(Meter, Decimal(2)),
        )
        for band in (0, 5)
        for start_at, end_at in zip((None, *CHANGES_AT), (*CHANGES_AT, None), strict=True)
    ),
)
ACCOUNTS = Accounts(
    accounts=tuple(
        Account(id=f"a{n}", name=f"A {n}", timezone=zone, rate_card="standard", key_ids=(KEYS[n],))
        for n, zone in enumerate(ZONES)
    )
)
EDGES = [
    datetime(2026, 10, 1, 18, 30, tzinfo=UTC),
    datetime(2026, 10, 1, 4, tzinfo=UTC),
    datetime(2026, 10, 2, 18, 30, tzinfo=UTC),
    *CHANGES_AT,
]
