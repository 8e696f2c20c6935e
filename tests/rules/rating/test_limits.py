"""What entries of a card cost at least and at most: which of two amounts decides, and which holds for a period."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from pipeline.rates import Rate, RateCard
from pipeline.rates.limits import EntryLimit, entry_limits, limited_entry
from pipeline.usage import Meter

OCTOBER = (datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))


def rate(start: datetime | None, end: datetime | None, **more: Any) -> Rate:
    prices = dict.fromkeys((Meter.PROMPT, Meter.COMPLETION), Decimal(1))
    return Rate(model="jamba", effective_from=start, effective_to=end, per_million=prices, **more)


def limits(*rates: Rate) -> dict[str, tuple[Decimal | None, Decimal | None]]:
    card = RateCard(id="standard", currency="USD", aliases={}, rates=rates)
    assert entry_limits(card, *OCTOBER).keys() <= {limited_entry("standard", each) for each in rates}
    return {name: (each.minimum, each.maximum) for name, each in entry_limits(card, *OCTOBER).items()}


@pytest.mark.parametrize(
    ("minimum", "maximum", "amount", "decided"),
    [
        ("5", "9", "4.99", ("minimum", "5")),
        ("5", "9", "5", ("", "5")),
        ("5", "9", "7", ("", "7")),
        ("5", "9", "9", ("", "9")),
        ("5", "9", "9.01", ("maximum", "9")),
        ("9", "5", "4", ("maximum", "5")),
        ("9", "5", "7", ("maximum", "5")),
        ("5", "5", "4", ("minimum", "5")),
        (None, "9", "0", ("", "0")),
        ("5", None, "4", ("minimum", "5")),
        ("5", None, "6", ("", "6")),
    ],
)
def test_the_limit_that_is_passed_decides_and_where_both_are_a_cap_caps(
    minimum: str | None, maximum: str | None, amount: str, decided: tuple[str, str]
) -> None:
    limit = EntryLimit(
        model="jamba",
        service_tier="",
        text="jamba",
        minimum=None if minimum is None else Decimal(minimum),
        maximum=None if maximum is None else Decimal(maximum),
    )
    assert limit.applied_to(Decimal(amount)) == (decided[0], Decimal(decided[1]))


def test_of_amounts_that_change_within_a_period_the_last_one_in_force_holds_in_whatever_order_they_are_written() -> (
    None
):
    change = datetime(2026, 10, 10, tzinfo=UTC)
    rates = [rate(None, change, minimum=Decimal(1), maximum=Decimal(7)), rate(change, None, minimum=Decimal(2))]
    for written in (rates, rates[::-1]):
        assert limits(*written) == {"standard: jamba": (Decimal(2), Decimal(7))}
    rates = [rate(None, change, maximum=Decimal(7)), rate(change, None, maximum=Decimal(8))]
    for written in (rates, rates[::-1]):
        assert limits(*written) == {"standard: jamba": (None, Decimal(8))}


def test_an_amount_holds_for_the_periods_that_it_is_in_force_in_to_the_instant() -> None:
    start, end = OCTOBER
    tick = (end - start) / 31 / 86_400
    for of, holds in (
        (rate(None, start, minimum=Decimal(1)), False),
        (rate(None, start + tick, minimum=Decimal(1)), True),
        (rate(end - tick, None, minimum=Decimal(1)), True),
        (rate(end, None, minimum=Decimal(1)), False),
        (rate(None, None), False),
    ):
        assert bool(limits(of)) is holds, of


def test_usage_of_another_tier_or_of_longer_prompts_counts_towards_a_limit_of_its_own() -> None:
    named = limits(
        rate(None, None, minimum=Decimal(1)),
        rate(None, None, minimum=Decimal(2), service_tier="batch", above_prompt_tokens=0),
        rate(None, None, minimum=Decimal(3), service_tier="batch", above_prompt_tokens=200_000),
    )
    assert named == {
        "standard: jamba": (Decimal(1), None),
        "standard: jamba, batch tier": (Decimal(2), None),
        "standard: jamba, batch tier, prompts above 200000 tokens": (Decimal(3), None),
    }
