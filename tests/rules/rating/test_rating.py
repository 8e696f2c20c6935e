"""Every token is rated exactly once, exactly, or listed as unpriced."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.errors import InexactAmount
from pipeline.rates import Rate, RateCard
from pipeline.rates.prices import GraduatedPrice, PackagePrice, PeriodTier, VolumePrice
from pipeline.rating import UsageQuantity, discounted, exact_charge, list_rate, rate_usage
from pipeline.usage import INT64_MAX, TOKENS_MAX, Meter, TokenCounts
from pipeline.usage.meters import Apart, quantities

if TYPE_CHECKING:
    from pipeline.rates.prices import Price

NOON = datetime(2026, 10, 10, 12, tzinfo=UTC)
MORNING = datetime(2026, 10, 10, 8, tzinfo=UTC)
STANDARD = RateCard(
    id="standard",
    currency="USD",
    aliases={"jamba-large-1.7": "jamba-large"},
    rates=(
        Rate(
            model="jamba-large",
            effective_from=None,
            effective_to=NOON,
            per_million={Meter.PROMPT: Decimal("2.00"), Meter.COMPLETION: Decimal("8.00")},
        ),
        Rate(
            model="jamba-large",
            effective_from=NOON,
            effective_to=None,
            per_million={Meter.PROMPT: Decimal("1.50"), Meter.COMPLETION: Decimal("6.00")},
        ),
        Rate(
            model="jamba-free",
            effective_from=None,
            effective_to=NOON,
            per_million={Meter.PROMPT: Decimal(0), Meter.COMPLETION: Decimal(0)},
        ),
    ),
)


def usage(**changes: Any) -> UsageQuantity:
    row: dict[str, Any] = {
        "account_id": "acme",
        "api_key_id": "key_1",
        "model": "jamba-large",
        "service_tier": "",
        "meter": Meter.PROMPT,
    }
    return UsageQuantity(
        **row | {"usage_date": date(2026, 10, 10), "rated_at": MORNING, "quantity": 1_000_000} | changes
    )


def test_a_million_tokens_cost_their_rate() -> None:
    (charge,), unpriced = rate_usage([usage()], STANDARD)
    assert (charge.amount, charge.currency, charge.rate_per_million) == (Decimal(2), "USD", Decimal("2.00"))
    assert unpriced == []


def test_a_charge_keeps_every_digit() -> None:
    assert exact_charge(4_321, Decimal("2.50")) == Decimal("0.0108025")
    assert exact_charge(1, Decimal("0.000000000001")) == Decimal("1E-18")


def test_a_price_change_at_noon_splits_the_day() -> None:
    charges, _ = rate_usage([usage(), usage(rated_at=NOON)], STANDARD)
    assert [charge.amount for charge in charges] == [2, Decimal("1.5")]
    assert {charge.usage_date for charge in charges} == {date(2026, 10, 10)}


@pytest.mark.parametrize(
    "row",
    [
        usage(model="gpt-unheard-of"),
        usage(rated_at=None),
        usage(model="jamba-free", rated_at=NOON),
        usage(model=""),
    ],
)
def test_usage_without_a_rate_is_unpriced_never_free(row: UsageQuantity) -> None:
    charges, (unpriced,) = rate_usage([row], STANDARD)
    assert charges == []
    assert unpriced.usage == row
    assert "rate card 'standard' has no prompt rate" in unpriced.reason
    assert "add one to rates/standard.toml" in unpriced.reason


def test_a_model_that_is_free_is_charged_zero_and_is_not_unpriced() -> None:
    (charge,), unpriced = rate_usage([usage(model="jamba-free")], STANDARD)
    assert charge.amount == 0
    assert unpriced == []


@pytest.mark.parametrize("quantity", [-1, 1.0, True, "5", None])
def test_a_quantity_is_a_count(quantity: Any) -> None:
    with pytest.raises(ValueError, match="whole numbers"):
        usage(quantity=quantity)


def test_a_charge_that_would_lose_a_digit_raises() -> None:
    with pytest.raises(InexactAmount):
        exact_charge(10**60 + 1, Decimal(f"1.{'0' * 59}1"))


QUANTITIES = st.integers(0, INT64_MAX)
RATES = st.decimals(min_value=0, max_value=Decimal("999999999.999999999999"), places=12)


@given(QUANTITIES, RATES)
def test_a_charge_is_the_true_product(quantity: int, rate_per_million: Decimal) -> None:
    assert Fraction(exact_charge(quantity, rate_per_million)) == Fraction(rate_per_million) * quantity / 1_000_000


@pytest.mark.long
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["jamba-large", "jamba-free", "other"]), st.sampled_from([MORNING, NOON, None]), QUANTITIES
        ),
        max_size=20,
    )
)
def test_every_quantity_comes_back_exactly_once(rows: list[tuple[str, datetime | None, int]]) -> None:
    given_usage = [usage(model=model, rated_at=rated_at, quantity=quantity) for model, rated_at, quantity in rows]
    charges, unpriced = rate_usage(given_usage, STANDARD)
    assert len(charges) + len(unpriced) == len(rows)
    assert sum(charge.quantity for charge in charges) + sum(row.usage.quantity for row in unpriced) == sum(
        quantity for _, _, quantity in rows
    )


PARTS = st.integers(0, TOKENS_MAX // 3)


@pytest.mark.long
@given(st.fixed_dictionaries({meter: st.integers(0, 1000) for meter in Meter if meter.is_of_tokens}), st.data())
def test_whatever_is_priced_apart_every_token_is_on_exactly_one_meter(
    fresh: dict[Meter, int], data: st.DataObject
) -> None:
    """``fresh`` are the tokens of each meter that no part of it has."""
    counts: dict[str, int] = {}
    for meter, tokens in fresh.items():
        whole: Meter | None = meter
        while whole is not None:
            counts[whole.spec.count] = counts.get(whole.spec.count, 0) + tokens
            whole = whole.out_of
    apart = data.draw(st.sets(st.sampled_from([meter for meter in Meter if meter.spec.apart is Apart.WHERE_PRICED])))
    found = quantities(counts, apart)
    assert sum(found[meter] for meter in found if meter.is_of_tokens) == sum(fresh.values())
    assert sum(fresh.values()) == counts["prompt_tokens"] + counts["completion_tokens"]
    for meter, tokens in fresh.items():
        folded = [
            each
            for each in fresh
            if each.out_of is meter and each.spec.apart is Apart.WHERE_PRICED and each not in apart
        ]
        stands = meter.spec.apart is Apart.ALWAYS or meter in apart
        assert found.get(meter, 0) == (tokens + sum(fresh[each] for each in folded) if stands else 0)


@given(PARTS, PARTS, PARTS, PARTS)
def test_every_token_is_on_exactly_one_meter(fresh: int, cached: int, written: int, completion: int) -> None:
    counts = TokenCounts(
        prompt_tokens=fresh + cached + written,
        completion_tokens=completion,
        prompt_cached_tokens=cached,
        prompt_cache_write_tokens=written,
        reasoning_tokens=completion // 2,
    )
    stated = {name: getattr(counts, name) or 0 for name in TokenCounts.__slots__}
    by_meter = quantities(stated, ())
    assert sum(by_meter.values()) == fresh + cached + written + completion
    assert by_meter == {
        meter: quantity
        for meter, quantity in (
            (Meter.PROMPT, fresh),
            (Meter.PROMPT_CACHED, cached),
            (Meter.PROMPT_CACHE_WRITE, written),
            (Meter.COMPLETION, completion),
        )
        if quantity
    }
    reasoning = completion // 2
    apart = quantities(stated, {Meter.REASONING, Meter.REQUEST})
    assert apart.get(Meter.REASONING, 0) == reasoning
    assert apart.get(Meter.COMPLETION, 0) == completion - reasoning
    assert apart[Meter.REQUEST] == 1


def test_usage_of_a_meter_that_its_rate_has_no_price_for_is_unpriced_never_free() -> None:
    charges, unpriced = rate_usage([usage(meter=Meter.REQUEST)], STANDARD)
    assert charges == []
    assert [row.usage.meter for row in unpriced] == [Meter.REQUEST]


def test_a_discount_keeps_the_list_price_of_the_card_and_makes_the_rate_one_where_it_has_none() -> None:
    (charge,), _ = rate_usage([usage()], STANDARD)
    less = discounted(charge, Decimal("12.5"))
    assert (less.rate_per_million, less.amount, less.list_rate_per_million) == (
        Decimal("1.75"),
        Decimal("1.75"),
        Decimal("2.00"),
    )
    listed = discounted(replace(charge, list_rate_per_million=Decimal("2.50")), Decimal("12.5"))
    assert (listed.rate_per_million, listed.list_rate_per_million) == (Decimal("1.75"), Decimal("2.50"))
    assert discounted(charge, Decimal(0)) is charge


TIERS = (PeriodTier(up_to=10, rate=Decimal(3)), PeriodTier(up_to=None, rate=Decimal(2)))
LONGER = (PeriodTier(up_to=11, rate=Decimal(3)), PeriodTier(up_to=None, rate=Decimal(2)))


@pytest.mark.parametrize(
    ("listed", "price", "tier_index", "printed"),
    [
        (None, Decimal(2), 0, None),
        (Decimal(3), Decimal(2), 0, "3"),
        (Decimal(3), GraduatedPrice(tiers=TIERS), 0, "3"),
        (PackagePrice(tokens=1_000, price=Decimal(1)), PackagePrice(tokens=1_000, price=Decimal(2)), 0, "1000"),
        (PackagePrice(tokens=1_000, price=Decimal(1)), PackagePrice(tokens=2_000, price=Decimal(2)), 0, None),
        (PackagePrice(tokens=1_000, price=Decimal(1)), Decimal(2), 0, None),
        (GraduatedPrice(tiers=TIERS), GraduatedPrice(tiers=TIERS), 0, "3"),
        (GraduatedPrice(tiers=TIERS), GraduatedPrice(tiers=TIERS), 1, "2"),
        (GraduatedPrice(tiers=LONGER), GraduatedPrice(tiers=TIERS), 0, None),
        (VolumePrice(tiers=TIERS), GraduatedPrice(tiers=TIERS), 0, None),
    ],
)
def test_a_list_price_stands_beside_a_charge_where_it_is_of_the_same_shape(
    listed: Price | None, price: Price, tier_index: int, printed: str | None
) -> None:
    rate = replace(STANDARD.rates[0], list_prices={} if listed is None else {Meter.PROMPT: listed})
    found = list_rate(rate, Meter.PROMPT, price, tier_index)
    assert found == (None if printed is None else Decimal(printed))
