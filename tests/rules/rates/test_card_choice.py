"""Which rate of a card is chosen: by tier before size, at every instant, and the windows that follow from it."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.base.errors import RateCardError, RateNotFound
from pipeline.rates import Rate, RateCard
from pipeline.rates.card import counts_like
from pipeline.usage import Meter

if TYPE_CHECKING:
    from collections.abc import Sequence

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 10, 10, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)
BOTH = dict.fromkeys((Meter.PROMPT, Meter.COMPLETION), Decimal(1))


def rate(price: str = "1", **said: Any) -> Rate:
    prices = {Meter.PROMPT: Decimal(price), Meter.COMPLETION: Decimal(1)}
    return Rate(**{"model": "m", "effective_from": None, "effective_to": None, "per_million": prices} | said)


def card(*rates: Rate, **said: Any) -> RateCard:
    return RateCard(**{"id": "standard", "currency": "USD", "aliases": {}, "rates": rates} | said)


def refusal_of(*rates: Rate, **said: Any) -> str:
    with pytest.raises(RateCardError) as refused:
        card(*rates, **said)
    return str(refused.value)


def price_at(of: RateCard, tier: str = "", band: int = 0, at: datetime = NOON) -> Decimal | None:
    found = of.rate_at("m", at, service_tier=tier, prompt_band=band)
    return found and found.rate_per_million(Meter.PROMPT)


def test_a_card_is_named_by_1_to_64_letters_digits_dots_dashes_and_underscores() -> None:
    for name in ("a", "A-1._z", "x" * 64):
        assert card(id=name).id == name
    for name in ("", "x" * 65, "a b", "a/b", "ä", "a\n"):
        assert refusal_of(id=name) == (
            f"rate card id {name!r} cannot be used; write 1 to 64 of a-z, A-Z, 0-9, dots, dashes or underscores"
        )


def test_a_monthly_fee_is_an_amount_of_the_cards_currency() -> None:
    assert [card(monthly_fee=fee).monthly_fee for fee in (None, Decimal(0), Decimal("999999999.99"))] == [
        None,
        0,
        Decimal("999999999.99"),
    ]
    assert refusal_of(monthly_fee=Decimal(-1)).startswith("monthly_fee -1 is out of range")
    assert refusal_of(monthly_fee=Decimal(10**9)).startswith("monthly_fee 1000000000 is out of range")
    assert refusal_of(monthly_fee=Decimal("9.005")) == "monthly_fee in USD is 9.005; write 2 decimal places at most"
    assert refusal_of(monthly_fee=Decimal("9.5"), currency="JPY") == (
        "monthly_fee in JPY is 9.5; write 0 decimal places at most"
    )


def test_limits_of_entries_are_amounts_of_the_cards_currency_each_named() -> None:
    assert card(rate(minimum=Decimal("0.01"), maximum=Decimal("0.10"))).rates[0].is_limited
    for name in ("minimum", "maximum"):
        assert refusal_of(rate(), rate(service_tier="batch", **{name: Decimal("1.005")})) == (
            f"{name} of model 'm' in tier 'batch' in USD is 1.005; write 2 decimal places at most"
        )


def test_a_card_of_an_unknown_currency_is_refused_as_a_card() -> None:
    assert refusal_of(currency="XXX").startswith("currency 'XXX' is not an ISO 4217 code")


def test_names_tiers_and_thresholds_are_sorted_and_each_stands_once() -> None:
    made = card(
        rate(model="z"),
        rate(model="a"),
        *(rate(service_tier=tier, above_prompt_tokens=band) for tier in ("flex", "", "batch") for band in (90, 1_000)),
        aliases={"other": "m"},
    )
    assert made.models == ("a", "m", "z")
    for name in ("m", "other"):
        assert made.service_tiers(name) == ("batch", "flex")
        assert made.prompt_bands(name) == (90, 1_000)
    assert (made.service_tiers("a"), made.prompt_bands("a")) == ((), ())
    assert (made.service_tiers("unknown"), made.prompt_bands("unknown"), made.windows("unknown")) == ((), (), ())


def test_other_names_cannot_be_changed_behind_the_cards_back_and_what_it_works_out_is_not_part_of_it() -> None:
    names = {"other": "m"}
    made = card(rate(), aliases=names)
    names["more"] = "m"
    assert made.aliases == {"other": "m"}
    with pytest.raises(TypeError):
        made.aliases["more"] = "m"  # type: ignore[index]
    assert "_windows" not in repr(made)
    with pytest.raises(TypeError):
        card(rate(), _windows={})


def test_an_alias_is_a_models_name_and_stands_for_a_model_with_rates() -> None:
    assert refusal_of(rate(), aliases={"a b": "m"}).startswith("alias 'a b' cannot be a model's name")
    assert refusal_of(rate(), aliases={"m": "m"}) == (
        "alias 'm' shadows the model of the same name, which has rates of its own; remove the alias or those rates"
    )
    assert refusal_of(aliases={"a": "m"}) == (
        "alias 'a' stands for 'm', which has no rates; name a model of this card: it has none yet"
    )
    assert refusal_of(rate(model="z"), rate(model="b"), aliases={"a": "m"}).endswith("a model of this card: b, z")


def test_the_rate_of_the_requests_tier_comes_before_that_of_every_tier_and_then_the_greatest_threshold() -> None:
    made = card(
        rate("1"),
        rate("2", above_prompt_tokens=100),
        rate("3", above_prompt_tokens=200),
        rate("4", service_tier="batch"),
        rate("5", service_tier="batch", above_prompt_tokens=100),
    )
    assert [price_at(made, "", band) for band in (0, 99, 100, 199, 200, 10**9)] == [1, 1, 2, 2, 3, 3]
    assert [price_at(made, "batch", band) for band in (0, 100, 200)] == [4, 5, 5]
    assert [price_at(made, "flex", band) for band in (0, 100, 200)] == [1, 2, 3]


def test_a_tier_of_its_own_prices_no_other_requests_and_a_threshold_none_below_it() -> None:
    only_batch = card(rate(service_tier="batch"))
    assert [price_at(only_batch, tier) for tier in ("batch", "", "flex")] == [1, None, None]
    only_long = card(rate(above_prompt_tokens=1))
    assert [price_at(only_long, band=band) for band in (0, 1)] == [None, 1]
    assert only_long.rate_at("m", NOON) is None, "without a word of its size a prompt is of any size"
    with pytest.raises(RateNotFound):
        only_long.rate_per_million("m", Meter.PROMPT, NOON)


def test_a_missing_rate_names_the_day_where_that_begins_in_utc_and_else_the_instant() -> None:
    east = timezone(timedelta(hours=3))
    for at, text in (
        (NEW_YEAR, "on 2026-01-01"),
        (NEW_YEAR.astimezone(east), "on 2026-01-01"),
        (datetime(2026, 1, 1, tzinfo=east), "at 2025-12-31T21:00:00Z"),
        (NEW_YEAR + TICK, "at 2026-01-01T00:00:00.000001Z"),
    ):
        assert card().missing_text("x", Meter.REASONING, at) == (
            f"rate card 'standard' has no reasoning rate for model 'x' {text}; add one to rates/standard.toml"
        )


def test_rates_of_one_tier_and_threshold_may_not_overlap_and_all_others_may() -> None:
    for said in ({}, {"service_tier": "batch"}, {"above_prompt_tokens": 5}):
        earlier, later = rate(effective_to=NOON, **said), rate(effective_from=NOON, **said)
        assert len(card(later, earlier).windows("m")) == 2
        assert refusal_of(replace(earlier, effective_to=NOON + TICK), later) == (
            f"two rates of {earlier.scope_text()} overlap: one from the beginning to (excluding) "
            "2026-10-10T12:00:00.000001Z, one from 2026-10-10T12:00:00Z; "
            "end the earlier one with effective_to where the later one begins"
        )
        assert refusal_of(rate(**said), later).startswith(f"two rates of {earlier.scope_text()} overlap")
    others = [rate(service_tier=tier, above_prompt_tokens=band) for tier in ("", "batch") for band in (0, 5)]
    assert len(card(*others).rates) == 4


DAYS = [None, *(NEW_YEAR + DAY * number for number in range(4))]


@st.composite
def cards(draw: st.DrawFn) -> RateCard:
    """Cards of one model, of which each tier and threshold has rates that follow each other, with gaps or without."""
    rates: list[Rate] = []
    for tier in ("", "a", "b"):
        for band in (0, 10, 20):
            starts = sorted(draw(st.sets(st.integers(0, 4), max_size=3)))
            for start, following in itertools.pairwise([*starts, 5]):
                end = draw(st.integers(start + 1, following))
                rates.append(
                    rate(
                        str(len(rates)),
                        service_tier=tier,
                        above_prompt_tokens=band,
                        effective_from=DAYS[start],
                        effective_to=None if end == 5 else DAYS[end],
                    )
                )
    return card(*draw(st.permutations(rates)))


def best(rates: Sequence[Rate], at: datetime, tier: str, band: int) -> Rate | None:
    """What the page on rate cards says, step by step."""
    fitting = [each for each in rates if each.is_in_force(at) and each.above_prompt_tokens <= band]
    for wanted in (tier, ""):
        mine = sorted(
            (each for each in fitting if each.service_tier == wanted), key=lambda each: each.above_prompt_tokens
        )
        if mine:
            return mine[-1]
    return None


@settings(max_examples=15)
@given(cards())
def test_a_window_is_where_one_rate_is_chosen_and_no_two_windows_that_meet_have_the_same(made: RateCard) -> None:
    windows = list(made.rate_windows("m"))
    instants = [each + shift for each in DAYS[1:] for shift in (-TICK, timedelta(0), TICK) if each]
    for tier in ("", *made.service_tiers("m")):
        for band in (0, *made.prompt_bands("m")):
            mine = [each for each in windows if (each.service_tier, each.prompt_band) == (tier, band)]
            for at in instants:
                holding = [
                    each.rate
                    for each in mine
                    if (each.effective_from is None or each.effective_from <= at)
                    and (each.effective_to is None or at < each.effective_to)
                ]
                chosen = best(made.rates, at, tier, band)
                assert holding == ([] if chosen is None else [chosen])
                assert made.rate_at("m", at, service_tier=tier, prompt_band=band) is chosen
            for earlier, later in itertools.pairwise(mine):
                assert earlier.effective_to is not None
                assert later.effective_from is not None
                assert earlier.effective_to <= later.effective_from
                assert earlier.rate is not later.rate or earlier.effective_to < later.effective_from
    assert len({(each.service_tier, each.prompt_band, each.effective_from) for each in windows}) == len(windows)


def test_a_card_without_rates_of_a_model_has_no_windows_of_it() -> None:
    assert list(card().rate_windows("m")) == []
    (window,) = card(rate(), aliases={"other": "m"}).rate_windows("other")
    assert (window.service_tier, window.prompt_band, window.effective_from, window.effective_to) == ("", 0, None, None)


@pytest.mark.parametrize(
    ("other", "is_alike"),
    [
        (card(rate("9")), True),
        (card(rate("9"), id="other", currency="EUR", monthly_fee=Decimal(1)), True),
        (card(rate(), aliases={"a": "m"}), False),
        (card(rate(effective_from=NOON)), False),
        (card(rate(effective_to=NOON)), False),
        (card(rate(effective_to=NOON), rate("2", effective_from=NOON)), False),
        (card(rate(), rate(service_tier="batch")), False),
        (card(rate(), rate(above_prompt_tokens=5)), False),
        (card(rate(per_million=BOTH | {Meter.REASONING: Decimal(1)})), False),
        (card(rate(per_million=BOTH | {Meter.PROMPT_CACHED: Decimal(1)})), True),
        (card(rate(), rate(model="n")), False),
        (card(rate(model="n")), False),
    ],
)
def test_cards_count_alike_where_names_windows_and_meters_priced_apart_are_the_same(
    other: RateCard, *, is_alike: bool
) -> None:
    mine = card(rate())
    assert (counts_like(mine, other), counts_like(other, mine)) == (is_alike, is_alike)
