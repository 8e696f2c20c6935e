"""At most one rate is in force at any instant, and where there is none there is no price."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.errors import RateCardError, RateNotFound
from pipeline.rates import Rate, RateCard
from pipeline.rates.inheritance import RateEntry, rate_of_entry
from pipeline.rates.prices import GraduatedPrice, PackagePrice, PeriodTier, before_tier, tier_of
from pipeline.usage import Meter

if TYPE_CHECKING:
    from collections.abc import Mapping

NOON = datetime(2026, 10, 10, 12, tzinfo=UTC)
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def rate(
    prompt: str = "2.00",
    completion: str = "8.00",
    *,
    model: str = "jamba-large",
    start: datetime | None = None,
    end: datetime | None = None,
) -> Rate:
    per_million = {Meter.PROMPT: Decimal(prompt), Meter.COMPLETION: Decimal(completion)}
    return Rate(model=model, effective_from=start, effective_to=end, per_million=per_million)


def card(*rates: Rate, aliases: Mapping[str, str] | None = None, **changes: Any) -> RateCard:
    return RateCard(**{"id": "standard", "currency": "USD", "aliases": aliases or {}, "rates": rates} | changes)


def test_a_price_change_at_noon_is_in_force_from_noon_on() -> None:
    standard = card(rate("2.00", start=NEW_YEAR, end=NOON), rate("1.50", start=NOON))
    assert standard.rate_per_million("jamba-large", Meter.PROMPT, NOON - TICK) == Decimal("2.00")
    assert standard.rate_per_million("jamba-large", Meter.PROMPT, NOON) == Decimal("1.50")


def test_without_a_rate_in_force_there_is_no_price() -> None:
    standard = card(rate(start=NEW_YEAR, end=NOON))
    assert standard.rate_at("jamba-large", NEW_YEAR - TICK) is None
    assert standard.rate_at("jamba-large", NOON) is None
    with pytest.raises(RateNotFound):
        standard.rate_per_million("jamba-large", Meter.PROMPT, NOON)


def test_a_missing_rate_names_card_model_meter_day_and_file() -> None:
    with pytest.raises(RateNotFound) as missing:
        card().rate_per_million("jamba-x", Meter.COMPLETION, datetime(2026, 3, 2, tzinfo=UTC))
    assert str(missing.value) == (
        "rate card 'standard' has no completion rate for model 'jamba-x' on 2026-03-02; add one to rates/standard.toml"
    )


def test_a_missing_rate_within_a_day_names_the_instant() -> None:
    with pytest.raises(RateNotFound, match="at 2026-10-10T12:00:00Z; add one"):
        card(rate(end=NOON)).rate_per_million("jamba-large", Meter.PROMPT, NOON)


def test_cached_tokens_cost_what_prompt_tokens_cost_unless_the_card_says_otherwise() -> None:
    plain_card = card(rate("2.00", "8.00"))
    assert plain_card.rate_per_million("jamba-large", Meter.PROMPT_CACHED, NOON) == 2
    assert plain_card.rate_per_million("jamba-large", Meter.PROMPT_CACHE_WRITE, NOON) == 2
    priced = Rate(
        model="jamba-large",
        effective_from=None,
        effective_to=None,
        per_million={
            Meter.PROMPT: Decimal(2),
            Meter.PROMPT_CACHED: Decimal("0.50"),
            Meter.PROMPT_CACHE_WRITE: Decimal("2.5"),
            Meter.COMPLETION: Decimal(8),
        },
    )
    for audio in (Meter.PROMPT_AUDIO, Meter.COMPLETION_AUDIO):
        assert plain_card.rate_at("jamba-large", NOON).price(audio) is None  # never the price of text
    assert card(priced).rate_per_million("jamba-large", Meter.PROMPT_CACHE_WRITE_1H, NOON) == Decimal("2.5")
    tokens = [Meter.PROMPT, Meter.PROMPT_CACHED, Meter.PROMPT_CACHE_WRITE, Meter.COMPLETION, Meter.REASONING]
    assert [card(priced).rate_per_million("jamba-large", meter, NOON) for meter in tokens] == [
        2,
        Decimal("0.50"),
        Decimal("2.5"),
        8,
        8,
    ]


def test_a_price_of_zero_is_a_price() -> None:
    assert card(rate("0", "0")).rate_per_million("jamba-large", Meter.PROMPT, NOON) == 0


def test_an_alias_leads_to_the_cards_own_name_and_rates() -> None:
    standard = card(rate(), aliases={"jamba-large-1.7": "jamba-large"})
    assert standard.model_of("jamba-large-1.7") == "jamba-large"
    assert standard.model_of("jamba-large") == "jamba-large"
    assert standard.model_of("gpt-x") is None
    assert standard.rate_at("jamba-large-1.7", NOON) == rate()
    assert standard.windows("gpt-x") == ()
    assert standard.models == ("jamba-large",)


def test_windows_come_in_the_order_of_time() -> None:
    first, second, third = (
        rate("1", end=NEW_YEAR),
        rate("2", start=NEW_YEAR, end=NOON),
        rate("3", start=NOON + timedelta(days=1)),
    )
    assert card(third, first, second).windows("jamba-large") == (first, second, third)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (rate(start=NEW_YEAR), rate(start=NOON)),
        (rate(start=NEW_YEAR, end=NOON), rate(start=NOON - TICK)),
        (rate(start=NEW_YEAR, end=NOON), rate(start=NEW_YEAR, end=NOON)),
        (rate(), rate(start=NOON)),
        (rate(), rate()),
        (rate(end=NOON), rate(end=NEW_YEAR)),
    ],
)
def test_overlapping_windows_of_one_model_are_refused(one: Rate, other: Rate) -> None:
    for rates in ((one, other), (other, one)):
        with pytest.raises(
            RateCardError, match=r"two rates of model 'jamba-large' overlap: one .*, one .*; end the earlier"
        ):
            card(*rates)
    assert len(card(one, rate(model="jamba-mini")).rates) == 2  # the same periods of another model are no overlap


def test_an_empty_window_is_refused() -> None:
    for end in (NOON, NEW_YEAR):
        with pytest.raises(RateCardError, match=r"from 2026-10-10T12:00:00Z to .* of model 'jamba-large' is empty"):
            rate(start=NOON, end=end)


def test_a_local_time_without_offset_is_refused() -> None:
    with pytest.raises(RateCardError, match="2026-10-10T12:00:00"):
        rate(start=NOON.replace(tzinfo=None))


@pytest.mark.parametrize("value", ["-0.01", "1000000000", "NaN", "Infinity", "1E-13", "1E-999999"])
def test_a_rate_out_of_range_is_refused_with_its_value(value: str) -> None:
    with pytest.raises(RateCardError, match=f"prompt rate .*{value}.* of model 'jamba-large'"):
        rate(value)


@pytest.mark.parametrize("value", [2, 2.0, "2.00", True])
def test_a_rate_is_a_decimal_and_nothing_else(value: Any) -> None:
    with pytest.raises(RateCardError, match="is no number"):
        Rate(
            model="m",
            effective_from=None,
            effective_to=None,
            per_million={Meter.PROMPT: value, Meter.COMPLETION: Decimal(1)},
        )


@pytest.mark.parametrize("missing", [Meter.PROMPT, Meter.COMPLETION])
def test_prompt_and_completion_must_be_priced(missing: Meter) -> None:
    per_million = {meter: Decimal(1) for meter in Meter if meter is not missing}
    with pytest.raises(RateCardError, match=f"model 'm' has no {missing} rate from the beginning"):
        Rate(model="m", effective_from=None, effective_to=None, per_million=per_million)


def test_an_alias_that_shadows_a_model_is_refused() -> None:
    with pytest.raises(RateCardError, match="alias 'jamba-mini' shadows"):
        card(rate(), rate(model="jamba-mini"), aliases={"jamba-mini": "jamba-large"})


def test_an_alias_of_a_model_without_rates_is_refused() -> None:
    with pytest.raises(
        RateCardError,
        match="alias 'a' stands for 'jamba-x', which has no rates; name a model of this card: jamba-large",
    ):
        card(rate(), aliases={"a": "jamba-x"})
    with pytest.raises(RateCardError, match="alias 'b' stands for 'a'"):
        card(rate(), aliases={"a": "jamba-large", "b": "a"})


@pytest.mark.parametrize(
    "changes", [{"id": "a/b"}, {"id": ""}, {"currency": "US"}, {"aliases": {"a b": "jamba-large"}}]
)
def test_a_card_that_cannot_be_named_or_printed_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(RateCardError):
        card(rate(), **changes)


def test_a_rate_card_cannot_be_changed_behind_its_back() -> None:
    per_million = {Meter.PROMPT: Decimal(1), Meter.COMPLETION: Decimal(1)}
    frozen = Rate(model="m", effective_from=None, effective_to=None, per_million=per_million)
    per_million[Meter.PROMPT] = Decimal(0)
    assert frozen.rate_per_million(Meter.PROMPT) == 1
    with pytest.raises(TypeError):
        frozen.per_million[Meter.PROMPT] = Decimal(0)  # type: ignore[index]


@pytest.mark.long
@given(st.lists(st.integers(0, 60), min_size=2, max_size=12, unique=True), st.integers(-5, 65), st.data())
def test_the_rate_in_force_is_the_only_window_that_holds_the_instant(
    days: list[int], probe: int, data: st.DataObject
) -> None:
    bounds = [EPOCH + timedelta(days=day) for day in sorted(days)]
    windows = [rate(str(index), start=start, end=end) for index, (start, end) in enumerate(itertools.pairwise(bounds))]
    kept = data.draw(st.permutations([window for window in windows if data.draw(st.booleans())]))
    instant = EPOCH + timedelta(days=probe) + data.draw(st.sampled_from([-TICK, timedelta(0), TICK]))
    assert card(*kept).rate_at("jamba-large", instant) == next(
        (window for window in kept if window.is_in_force(instant)), None
    )


@pytest.mark.parametrize(
    ("price", "told"),
    [("-1", "is out of range"), ("NaN", "is no number"), ("0.0000000000001", "has 13 decimal places")],
)
def test_the_price_of_a_package_is_a_rate_or_refused(price: str, told: str) -> None:
    assert PackagePrice(tokens=1_000_000, price=Decimal("9.99")).price == Decimal("9.99")
    with pytest.raises(RateCardError, match=f"package price {told}"):
        PackagePrice(tokens=1_000_000, price=Decimal(price))


def test_the_last_token_of_a_tier_is_on_it_and_the_next_one_on_the_tier_that_follows() -> None:
    tiers = tuple(PeriodTier(up_to=last, rate=Decimal(rate)) for last, rate in ((10, "3"), (20, "2"), (None, "1")))
    found = [(total, tier_of(tiers, total).rate) for total in (1, 10, 11, 20, 21, 2**63 - 1)]
    assert [str(rate) for _, rate in found] == ["3", "3", "2", "2", "1", "1"]


@pytest.mark.parametrize(("index", "held"), [(0, 0), (1, 10), (2, 20)])
def test_a_tier_begins_after_the_last_token_of_the_one_before_it(index: int, held: int) -> None:
    tiers = tuple(PeriodTier(up_to=last, rate=Decimal(1)) for last in (10, 20, None))
    assert before_tier(tiers, index) == held


def test_the_windows_of_a_model_are_those_in_which_one_rate_is_chosen_by_tier_and_band() -> None:
    standard = card(rate("2.00", end=NOON), rate("1.50", start=NOON), replace(rate("1.00"), service_tier="batch"))
    found = [
        (window.service_tier, window.prompt_band, window.effective_from, window.effective_to, window.rate.per_million)
        for window in standard.rate_windows("jamba-large")
    ]
    assert [(*each, prices[Meter.PROMPT]) for *each, prices in found] == [
        ("", 0, None, NOON, Decimal("2.00")),
        ("", 0, NOON, None, Decimal("1.50")),
        ("batch", 0, None, None, Decimal("1.00")),
    ]


def entry(start: datetime | None = None, end: datetime | None = None, **more: Any) -> RateEntry:
    stated = {"model": "jamba-large", "service_tier": "", "above_prompt_tokens": 0, "percent": None}
    prices = dict.fromkeys((Meter.PROMPT, Meter.COMPLETION), Decimal(2))
    return RateEntry(**stated | {"effective_from": start, "effective_to": end, "per_million": prices} | more)


@pytest.mark.parametrize(
    ("other", "overlaps"),
    [
        (entry(), True),
        (entry(NEW_YEAR, NOON), True),
        (entry(None, NEW_YEAR), False),
        (entry(None, NEW_YEAR + TICK), True),
        (entry(NOON), False),
        (entry(NOON - TICK), True),
        (entry(model="jamba-mini"), False),
        (entry(service_tier="batch"), False),
        (entry(above_prompt_tokens=1), False),
    ],
)
def test_entries_overlap_where_both_are_in_force_at_an_instant_for_the_same_requests(
    other: RateEntry, *, overlaps: bool
) -> None:
    mine = entry(NEW_YEAR, NOON)
    assert (mine.overlaps(other), other.overlaps(mine)) == (overlaps, overlaps)


def test_the_percent_of_an_entry_stands_for_that_of_its_card() -> None:
    for own, of_card, printed, listed in (
        (None, None, "2", None),
        (None, "-10", "1.8", "2"),
        ("-50", "-10", "1", "2"),
        ("5", None, "2.1", "2"),
    ):
        percents = [None if each is None else Decimal(each) for each in (own, of_card)]
        found = rate_of_entry(entry(percent=percents[0]), percent=percents[1])
        assert found.price(Meter.PROMPT) == Decimal(printed)
        assert found.list_prices.get(Meter.PROMPT) == (None if listed is None else Decimal(listed))


@pytest.mark.parametrize("tokens", [0, -1, True, 1.5, 2**63])
def test_a_package_holds_a_whole_number_of_tokens_from_one_on(tokens: Any) -> None:
    assert PackagePrice(tokens=1, price=Decimal(1)).rate_per_million == Decimal(1_000_000)
    with pytest.raises(RateCardError, match=f"a package of {tokens} cannot be sold"):
        PackagePrice(tokens=tokens, price=Decimal(1))


@pytest.mark.parametrize("last", [True, 1.5, 0, 2**63])
def test_a_tier_reaches_a_whole_number_of_tokens_beyond_the_one_before(last: Any) -> None:
    with pytest.raises(RateCardError, match=f"up_to {last} follows 0"):
        GraduatedPrice(tiers=(PeriodTier(up_to=last, rate=Decimal(1)), PeriodTier(up_to=None, rate=Decimal(1))))


def test_counts_of_a_card_go_up_to_the_greatest_that_a_column_holds() -> None:
    assert PackagePrice(tokens=2**63 - 1, price=Decimal(0)).tokens == 2**63 - 1
    assert replace(rate(), above_prompt_tokens=2**63 - 2).above_prompt_tokens == 2**63 - 2
    for tokens in (-1, 2**63 - 1, True):
        with pytest.raises(RateCardError, match="above_prompt_tokens"):
            replace(rate(), above_prompt_tokens=tokens)
