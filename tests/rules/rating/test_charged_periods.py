"""Charges of a period: who is counted together, in which order, which tier each token is on, and what a charge says."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.accounts import ExchangeRate
from pipeline.rates import GraduatedPrice, PackagePrice, PeriodTier, Rate, RateCard, VolumePrice
from pipeline.rates.limits import EntryLimit, entry_limits, limited_entry
from pipeline.rating import (
    TOKENS_PER_RATE,
    Charge,
    UnpricedUsage,
    UsageQuantity,
    discounted,
    discounted_amount,
    exact_charge,
    exchanged,
    placed_charges,
    rate_usage,
)
from pipeline.usage import Meter

if TYPE_CHECKING:
    from pipeline.rates.prices import Price

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 10, 10, 12, tzinfo=UTC)
MILLION = 1_000_000


def graduated(*tiers: tuple[int | None, str, str], group: str | None = None) -> GraduatedPrice:
    return GraduatedPrice(tiers=steps(*tiers), group=group)


def volume(*tiers: tuple[int | None, str, str], group: str | None = None) -> VolumePrice:
    return VolumePrice(tiers=steps(*tiers), group=group)


def steps(*tiers: tuple[int | None, str, str]) -> tuple[PeriodTier, ...]:
    return tuple(PeriodTier(up_to=up_to, rate=Decimal(rate), flat=Decimal(flat)) for up_to, rate, flat in tiers)


def rate(price: Price | str, **said: Any) -> Rate:
    prompt = Decimal(price) if isinstance(price, str) else price
    prices = {Meter.PROMPT: prompt, Meter.COMPLETION: prompt}
    return Rate(**{"model": "m", "effective_from": None, "effective_to": None, "per_million": prices} | said)


def card(*rates: Rate) -> RateCard:
    return RateCard(id="standard", currency="USD", aliases={}, rates=rates)


def usage(quantity: int = 10, **said: Any) -> UsageQuantity:
    row: dict[str, Any] = {"account_id": "acme", "api_key_id": "k", "model": "m", "service_tier": ""}
    row |= {"meter": Meter.PROMPT, "usage_date": date(2026, 10, 10), "rated_at": SINCE, "quantity": quantity}
    return UsageQuantity(**row | said)


def charged(rows: list[UsageQuantity], price: Price | str, month_day: int = 1) -> list[tuple[int, int, str, str]]:
    """Return of each charge: the row it is of, its quantity, its rate and its amount."""
    charges, unpriced = placed_charges(rows, card(rate(price), rate(price, model="n")), month_day)
    assert unpriced == []
    return [(place, each.quantity, f"{each.rate_per_million:f}", f"{each.amount:f}") for place, each in charges]


TWO = graduated((10, "3000000", "0"), (None, "1000000", "0"))
"""Ten tokens at 3.00 each, all that follow at 1.00."""


@pytest.mark.parametrize(
    ("quantity", "on_tiers"),
    [
        (0, []),
        (1, [(1, "3000000", "3")]),
        (10, [(10, "3000000", "30")]),
        (11, [(10, "3000000", "30"), (1, "1000000", "1")]),
        (25, [(10, "3000000", "30"), (15, "1000000", "15")]),
    ],
)
def test_each_token_has_the_rate_of_its_own_tier(quantity: int, on_tiers: list[tuple[int, str, str]]) -> None:
    found = [each[1:] for each in charged([usage(quantity)], TWO)]
    assert [(each, rate, f"{Decimal(amount).normalize():f}") for each, rate, amount in found] == on_tiers


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ({"rated_at": SINCE}, {"rated_at": NOON, "usage_date": date(2026, 10, 1)}),
        ({"usage_date": date(2026, 10, 9)}, {"api_key_id": "a"}),
        ({"api_key_id": "a"}, {"api_key_id": "b", "service_tier": ""}),
        ({"service_tier": ""}, {"service_tier": "flex"}),
        ({"prompt_band": 0}, {"prompt_band": 5}),
        ({"meter": Meter.PROMPT}, {"meter": Meter.PROMPT_CACHED}),
    ],
    ids=str,
)
def test_tokens_are_consumed_by_window_date_key_tier_size_and_meter_in_whatever_order_they_are_given(
    first: dict[str, Any], last: dict[str, Any]
) -> None:
    rows = [usage(10, **first), usage(10, **last)]
    prices = {Meter.PROMPT: TWO, Meter.COMPLETION: Decimal(0)}
    made = card(
        rate(TWO, effective_to=NOON, per_million=prices),
        rate(TWO, effective_from=NOON, per_million=prices),
    )
    for given_rows, dear in ((rows, 0), (rows[::-1], 1)):
        charges, _ = placed_charges(given_rows, made)
        assert [(place, int(each.amount)) for place, each in charges] == [
            (dear and 0, 10 if dear else 30),
            (1, 30 if dear else 10),
        ]


def test_models_of_a_group_are_counted_together_by_name_and_others_alone() -> None:
    rows = [usage(10, model="n"), usage(10, model="m")]
    together = graduated((10, "3000000", "0"), (None, "1000000", "0"), group="all")
    assert [each[3] for each in charged(rows, together)] == ["10", "30"], "m comes before n"
    assert [each[3] for each in charged(rows, TWO)] == ["30", "30"]
    named_like_a_model = card(
        rate(graduated((10, "3000000", "0"), (None, "1000000", "0"), group="n")), rate(TWO, model="n")
    )
    charges, _ = rate_usage(rows, named_like_a_model)
    assert [int(each.amount) for each in charges] == [30, 30], "a group is no model of the same name"


@pytest.mark.parametrize(
    ("other", "is_together"),
    [
        ({"account_id": "bolt"}, False),
        ({"usage_date": date(2026, 11, 1)}, False),
        ({"usage_date": date(2026, 10, 31)}, True),
        ({"meter": Meter.COMPLETION}, False),
        ({"meter": Meter.PROMPT_CACHED}, True),
        ({"meter": Meter.PROMPT_CACHE_WRITE}, True),
        ({"api_key_id": "z"}, True),
        ({"service_tier": "flex"}, True),
    ],
    ids=str,
)
def test_one_count_is_of_an_account_a_month_a_model_and_what_is_priced_alike(
    other: dict[str, Any], *, is_together: bool
) -> None:
    amounts = sorted(int(Decimal(each[3])) for each in charged([usage(10), usage(10, **other)], TWO))
    assert amounts == ([10, 30] if is_together else [30, 30])


def test_running_counts_are_of_months_that_begin_on_the_day_that_is_said() -> None:
    rows = [usage(10, usage_date=date(2026, 10, 14)), usage(10, usage_date=date(2026, 10, 15))]
    assert [each[3] for each in charged(rows, TWO, 15)] == ["30", "30"]
    assert [each[3] for each in charged(rows, TWO)] == ["30", "10"]
    across = [usage(10, usage_date=date(2026, 10, 31)), usage(10, usage_date=date(2026, 11, 1))]
    assert [each[3] for each in charged(across, TWO, 15)] == ["30", "10"]
    assert [each[3] for each in charged(across, TWO)] == ["30", "30"]


@pytest.mark.parametrize(
    ("quantities", "rate_of_all"), [((4, 6), "3000000"), ((4, 7), "1000000"), ((0, 10), "3000000")]
)
def test_all_tokens_have_the_rate_of_the_tier_that_the_total_lies_in(
    quantities: tuple[int, int], rate_of_all: str
) -> None:
    rows = [usage(each, api_key_id=key) for each, key in zip(quantities, "ab", strict=True)]
    found = charged(rows, volume((10, "3000000", "0"), (None, "1000000", "0")))
    assert [(each[1], each[2]) for each in found] == [(each, rate_of_all) for each in quantities]


@pytest.mark.parametrize(
    ("quantities", "started"),
    [((1,), [1]), ((5,), [1]), ((6,), [2]), ((10,), [2]), ((0,), [0]), ((3, 2, 1), [1, 0, 1]), ((5, 5, 1), [1, 1, 1])],
)
def test_a_package_is_charged_with_the_token_that_begins_it(quantities: tuple[int, ...], started: list[int]) -> None:
    rows = [usage(each, api_key_id=key) for each, key in zip(quantities, "abc", strict=False)]
    charges, _ = rate_usage(rows, card(rate(PackagePrice(tokens=5, price=Decimal(2)))))
    assert [each.amount for each in charges] == [2 * each for each in started]
    assert {(each.package_tokens, each.rate_per_million) for each in charges} == {(5, 400_000)}
    assert [each.quantity for each in charges] == list(quantities)


FLATS = ((10, "0", "7"), (20, "0", "0"), (None, "0", "9"))


@pytest.mark.parametrize(
    ("quantities", "of_graduated", "of_volume"),
    [
        ((0,), [], []),
        ((1,), [(0, 7)], [(0, 7)]),
        ((10,), [(0, 7)], [(0, 7)]),
        ((11,), [(0, 7)], []),
        ((20,), [(0, 7)], []),
        ((21,), [(0, 7), (0, 9)], [(0, 9)]),
        ((0, 1), [(1, 7)], [(1, 7)]),
        ((10, 10, 1), [(0, 7), (2, 9)], [(2, 9)]),
        ((5, 16, 4), [(0, 7), (1, 9)], [(1, 9)]),
    ],
)
def test_the_flat_amount_of_a_tier_is_of_the_quantity_whose_first_token_on_it_it_is(
    quantities: tuple[int, ...], of_graduated: list[tuple[int, int]], of_volume: list[tuple[int, int]]
) -> None:
    rows = [usage(each, api_key_id=key) for each, key in zip(quantities, "abc", strict=False)]
    for price, reached in ((graduated(*FLATS), of_graduated), (volume(*FLATS), of_volume)):
        charges, _ = placed_charges(rows, card(rate(price, list_prices={Meter.PROMPT: Decimal(5)})))
        flats = [(place, each) for place, each in charges if each.flat_amount is not None]
        assert [(place, each.amount) for place, each in flats] == reached
        for _, each in flats:
            assert (each.quantity, each.rate_per_million, each.list_rate_per_million) == (0, 0, None)
            assert each.amount == each.flat_amount


def test_of_prices_that_change_within_a_month_the_last_one_used_says_which_flat_amount_of_a_volume_is_owed() -> None:
    made = card(rate(volume((None, "0", "5")), effective_to=NOON), rate(volume((None, "0", "8")), effective_from=NOON))
    for later, flat in ((1, 8), (0, 5)):
        charges, _ = placed_charges([usage(1), usage(later, rated_at=NOON)], made)
        assert [(place, each.amount) for place, each in charges if each.flat_amount is not None] == [(0, flat)]


def test_a_price_that_becomes_graduated_or_packages_within_a_month_goes_on_where_the_count_has_come() -> None:
    later = rate(graduated((15, "3000000", "4"), (None, "1000000", "6")), effective_from=NOON)
    made = card(rate(volume((None, "2000000", "5")), effective_to=NOON), later)
    charges, _ = placed_charges([usage(10), usage(10, rated_at=NOON)], made)
    assert [(place, each.quantity, int(each.amount)) for place, each in charges] == [
        (0, 10, 20),
        (1, 5, 15),
        (1, 5, 5),
        (1, 0, 6),
    ]
    packages = card(rate(TWO, effective_to=NOON), rate(PackagePrice(tokens=8, price=Decimal(1)), effective_from=NOON))
    charges, _ = placed_charges([usage(10), usage(7, rated_at=NOON)], packages)
    assert [(each.quantity, int(each.amount)) for _, each in charges] == [(10, 30), (7, 1)]


@settings(max_examples=20)
@given(
    st.lists(st.tuples(st.integers(0, 12), st.sampled_from("ab"), st.integers(1, 3)), min_size=1, max_size=6),
    st.data(),
)
def test_a_month_costs_the_same_however_its_tokens_are_split_and_ordered(
    parts: list[tuple[int, str, int]], data: st.DataObject
) -> None:
    price = graduated((5, "3000000", "2"), (12, "2000000", "0"), (None, "1000000", "4"))
    rows = [usage(each, api_key_id=key, usage_date=date(2026, 10, day)) for each, key, day in parts]
    total = sum(each for each, _, _ in parts)
    on_tiers = [min(total, 5), max(min(total, 12) - 5, 0), max(total - 12, 0)]
    worth = 3 * on_tiers[0] + 2 * on_tiers[1] + on_tiers[2] + 2 * (total > 0) + 4 * (total > 12)
    for order in (rows, data.draw(st.permutations(rows))):
        charges, _ = rate_usage(order, card(rate(price)))
        assert sum(each.amount for each in charges) == worth
        assert sum(each.quantity for each in charges) == total


def test_a_charge_says_all_of_its_usage_and_the_terms_of_its_price() -> None:
    listed = {Meter.PROMPT: Decimal(4)}
    made = card(
        rate("2", service_tier="flex", above_prompt_tokens=5, list_prices=listed, minimum=Decimal(1)),
    )
    row = usage(500_000, service_tier="flex", prompt_band=5, api_key_id="key_9", account_id="bolt")
    ((place, charge),), _ = placed_charges([row], made)
    said = {each.name: getattr(charge, each.name) for each in fields(charge)}
    assert (place, said) == (
        0,
        {
            "account_id": "bolt",
            "api_key_id": "key_9",
            "model": "m",
            "service_tier": "flex",
            "meter": Meter.PROMPT,
            "usage_date": date(2026, 10, 10),
            "quantity": 500_000,
            "rate_per_million": Decimal(2),
            "currency": "USD",
            "amount": Decimal(1),
            "prompt_band": 5,
            "rated_at": SINCE,
            "list_rate_per_million": Decimal(4),
            "package_tokens": None,
            "flat_amount": None,
            "exchange": None,
            "entry": "standard: m, flex tier, prompts above 5 tokens",
        },
    )


def test_tokens_of_a_meter_without_a_price_of_its_own_are_charged_on_what_they_are_taken_out_of() -> None:
    charges, _ = rate_usage(
        [usage(10, meter=meter) for meter in (Meter.REASONING, Meter.PROMPT_CACHED)], card(rate("2"))
    )
    assert [each.meter for each in charges] == [Meter.COMPLETION, Meter.PROMPT_CACHED]


def test_charges_come_in_the_order_given_beside_what_is_unpriced() -> None:
    prices = {Meter.PROMPT: TWO, Meter.COMPLETION: Decimal(1)}
    rows = [
        usage(20, api_key_id="z"),
        usage(5, meter=Meter.COMPLETION),
        usage(5, model="x"),
        usage(3, api_key_id="a"),
        usage(4, meter=Meter.PROMPT_AUDIO),
    ]
    charges, unpriced = placed_charges(rows, card(rate("1", per_million=prices)))
    assert [(place, each.quantity) for place, each in charges] == [(0, 7), (0, 13), (1, 5), (3, 3)]
    assert [(each.usage, each.lacks_exchange) for each in unpriced] == [(rows[2], False), (rows[4], False)]
    flat, _ = rate_usage(rows, card(rate("1", per_million=prices)))
    assert flat == [each for _, each in charges]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (usage(model="x", rated_at=NOON), "rate for model 'x' at 2026-10-10T12:00:00Z; add"),
        (usage(model="x", rated_at=None), "rate for model 'x' on 2026-10-10; add"),
        (usage(rated_at=None), "rate for model 'm' on 2026-10-10; add"),
    ],
)
def test_what_is_unpriced_says_which_rate_is_missing_and_where_to_add_it(row: UsageQuantity, told: str) -> None:
    _, (unpriced,) = rate_usage([row], card(rate("1")))
    assert unpriced.reason == f"rate card 'standard' has no prompt {told} one to rates/standard.toml"


def test_usage_is_of_the_tier_and_size_that_it_says_and_of_none_where_it_says_none() -> None:
    made = card(rate("1"), rate("2", service_tier="flex"), rate("3", above_prompt_tokens=1))
    rows = [usage(), usage(service_tier="flex"), usage(prompt_band=1)]
    charges, _ = rate_usage(rows, made)
    assert [(int(each.rate_per_million), each.prompt_band) for each in charges] == [(1, 0), (2, 0), (3, 1)]


@pytest.mark.parametrize("quantity", [-1, True, 1.0, None])
def test_usage_of_what_is_no_count_is_refused_with_its_value(quantity: Any) -> None:
    assert usage(0).quantity == 0
    with pytest.raises(ValueError, match="whole") as refused:
        usage(quantity)
    assert str(refused.value) == f"quantity is {quantity!r}; tokens are counted in whole numbers from 0"


def charge(**said: Any) -> Charge:
    row: dict[str, Any] = {"account_id": "acme", "api_key_id": "k", "model": "m", "service_tier": "", "currency": "USD"}
    row |= {"meter": Meter.PROMPT, "usage_date": date(2026, 10, 10), "quantity": MILLION}
    return Charge(**row | {"rate_per_million": Decimal(2), "amount": Decimal(2)} | said)


def test_a_charge_of_which_nothing_more_is_said_has_no_size_no_list_price_and_no_flat_amount() -> None:
    made = charge()
    assert (made.prompt_band, made.rated_at, made.list_rate_per_million, made.package_tokens) == (0, None, None, None)
    assert (made.flat_amount, made.exchange, made.entry) == (None, None, None)
    assert UnpricedUsage(usage=usage(), reason="why").lacks_exchange is False
    assert (usage().prompt_band, TOKENS_PER_RATE) == (0, 1_000_000)


@pytest.mark.parametrize(("percent", "left"), [("0", "8"), ("12.5", "7"), ("0.01", "7.9992"), ("100", "0")])
def test_a_discount_is_off_rates_amounts_and_flat_amounts_exactly(percent: str, left: str) -> None:
    assert discounted_amount(Decimal(8), Decimal(percent)) == Decimal(left)
    of_tokens = discounted(charge(rate_per_million=Decimal(8), amount=Decimal(8)), Decimal(percent))
    assert (of_tokens.rate_per_million, of_tokens.amount, of_tokens.flat_amount) == (Decimal(left), Decimal(left), None)
    assert of_tokens.list_rate_per_million == (None if percent == "0" else 8)
    flat = charge(rate_per_million=Decimal(0), amount=Decimal(8), flat_amount=Decimal(8), quantity=0)
    less = discounted(flat, Decimal(percent))
    assert (less.rate_per_million, less.amount, less.flat_amount, less.list_rate_per_million) == (
        0,
        Decimal(left),
        Decimal(left),
        None,
    )


def test_a_charge_is_paid_in_another_currency_number_by_number() -> None:
    paid = ExchangeRate(currency="USD", rate=Decimal("0.5"), on=date(2026, 10, 9))
    whole = charge(list_rate_per_million=Decimal(3), flat_amount=Decimal(7))
    found = exchanged(whole, paid, "EUR")
    assert found == replace(
        whole,
        currency="EUR",
        rate_per_million=Decimal(1),
        amount=Decimal(1),
        list_rate_per_million=Decimal("1.5"),
        flat_amount=Decimal("3.5"),
        exchange=paid,
    )
    plain = exchanged(charge(), paid, "EUR")
    assert (plain.list_rate_per_million, plain.flat_amount, plain.amount) == (None, None, 1)


def test_a_charge_is_the_product_to_the_last_digit() -> None:
    for quantity, price, amount in ((0, "5", "0"), (1, "1", "0.000001"), (3, "0.000000000001", "0.000000000000000003")):
        assert exact_charge(quantity, Decimal(price)) == Decimal(amount)


OCTOBER = (datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({}, "m"),
        ({"service_tier": "flex"}, "m, flex tier"),
        ({"above_prompt_tokens": 5}, "m, prompts above 5 tokens"),
        ({"service_tier": "flex", "above_prompt_tokens": 5}, "m, flex tier, prompts above 5 tokens"),
    ],
)
def test_a_limit_is_called_by_its_card_model_tier_and_size(said: dict[str, Any], text: str) -> None:
    limited = rate("1", minimum=Decimal(1), **said)
    assert (limited_entry("own", limited), limited_entry("own", rate("1", **said))) == (f"own: {text}", None)
    tier = said.get("service_tier", "")
    assert entry_limits(card(limited), *OCTOBER) == {
        f"standard: {text}": EntryLimit(model="m", service_tier=tier, text=text, minimum=Decimal(1), maximum=None)
    }


def test_each_of_two_limits_holds_on_where_a_later_entry_says_only_the_other() -> None:
    change = datetime(2026, 10, 10, tzinfo=UTC)
    for first, then, held in (
        ({"minimum": Decimal(1)}, {"maximum": Decimal(9)}, (1, 9)),
        ({"maximum": Decimal(9)}, {"minimum": Decimal(1)}, (1, 9)),
        ({"minimum": Decimal(1), "maximum": Decimal(9)}, {"minimum": Decimal(0), "maximum": Decimal(8)}, (0, 8)),
    ):
        made = card(rate("1", effective_to=change, **first), rate("1", effective_from=change, **then))
        (limit,) = entry_limits(made, *OCTOBER).values()
        assert (limit.minimum, limit.maximum) == held
