"""What a price and a rate may say, at each border, and in which words the rest is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from pipeline.base.errors import RateCardError
from pipeline.rates import GraduatedPrice, PackagePrice, PeriodTier, Rate, VolumePrice
from pipeline.rates.prices import (
    FRACTION_DIGITS_MAX,
    PER_MILLION,
    RATE_LIMIT,
    TOKENS_MAX,
    before_tier,
    changed_price,
    rates_of,
    refuse_what_is_no_rate,
    tier_of,
)
from pipeline.rates.rate import period_text, refuse_misleading_model
from pipeline.usage import Meter

NOON = datetime(2026, 10, 10, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
BOTH = dict.fromkeys((Meter.PROMPT, Meter.COMPLETION), Decimal(1))
GREATEST = "999999999.999999999999"


def tier(up_to: Any, rate: str = "1", flat: str = "0") -> PeriodTier:
    return PeriodTier(up_to=up_to, rate=Decimal(rate), flat=Decimal(flat))


def rate(**said: Any) -> Rate:
    return Rate(**{"model": "m", "effective_from": None, "effective_to": None, "per_million": BOTH} | said)


def refusal_of(make: Any, *args: Any, **said: Any) -> str:
    with pytest.raises(RateCardError) as refused:
        make(*args, **said)
    return str(refused.value)


def test_a_rate_is_from_zero_to_below_a_thousand_million_with_twelve_decimal_places() -> None:
    assert (RATE_LIMIT, FRACTION_DIGITS_MAX, PER_MILLION, TOKENS_MAX) == (10**9, 12, 10**6, 2**63 - 1)
    for value in ("0", "0.000000000001", GREATEST, "1E+8"):
        refuse_what_is_no_rate("mine", Decimal(value))
    out = "out of range; a price per million tokens is at least 0 and below 1000000000"
    for value, told in (
        ("-0.000000000001", out),
        ("1000000000", out),
        ("NaN", "no number; write a price per million tokens such as 2.00"),
        ("-Infinity", "no number; write a price per million tokens such as 2.00"),
    ):
        assert refusal_of(refuse_what_is_no_rate, "mine", Decimal(value)) == f"mine is {told}"
    assert refusal_of(refuse_what_is_no_rate, "mine", Decimal("0.1234567890123")) == (
        "mine has 13 decimal places; write 12 at most"
    )


def test_requests_are_priced_by_the_million_too_and_have_a_limit_of_their_own() -> None:
    for meter, greatest, beyond, limit in (
        (Meter.PROMPT, GREATEST, "1000000000", "1000000000"),
        (Meter.REASONING, GREATEST, "1000000000", "1000000000"),
        (Meter.REQUEST, "999999999999999.9", "1000000000000000", "1000000000000000"),
    ):
        assert rate(per_million=BOTH | {meter: Decimal(greatest)}).price(meter) == Decimal(greatest)
        assert refusal_of(rate, per_million=BOTH | {meter: Decimal(beyond)}) == (
            f"{meter} rate {beyond} of model 'm' is out of range; a price per million tokens is at least 0 and below "
            f"{limit}"
        )


def test_each_number_of_a_price_is_looked_at() -> None:
    tiers = (tier(10, "3", "5"), tier(None, "2", "7"))
    for shape in (GraduatedPrice, VolumePrice):
        assert rates_of(shape(tiers=tiers)) == (3, 5, 2, 7)
    assert rates_of(PackagePrice(tokens=10, price=Decimal(4))) == (4,)
    assert rates_of(Decimal("2.5")) == (Decimal("2.5"),)
    for number in (0, 1):
        dear = [tier(10), tier(None)]
        dear[number] = replace(dear[number], rate=RATE_LIMIT)
        told = refusal_of(rate, per_million=BOTH | {Meter.PROMPT: VolumePrice(tiers=tuple(dear))})
        assert told.startswith("prompt rate 1000000000 of model 'm' is out of range")


@pytest.mark.parametrize("shape", [GraduatedPrice, VolumePrice])
def test_tiers_leave_no_token_without_a_price_and_none_with_two(shape: Any) -> None:
    for tiers in (
        (tier(None),),
        (tier(1), tier(None)),
        (tier(1), tier(2), tier(TOKENS_MAX), tier(None)),
        (tier(None, "999999999999999.9", "0.001"),),
    ):
        assert shape(tiers=tiers).tiers == tiers
    one_end = "exactly the last tier must be without up_to: without it, a token would have no price, or two"
    follows = "each tier must reach further than the one before, in whole tokens"
    for tiers, told in (
        ((), "there is no tier; write at least one, such as tiers = [ { rate = 2.00 } ]"),
        ((tier(10),), one_end),
        ((tier(None), tier(None)), one_end),
        ((tier(None), tier(10), tier(None)), one_end),
        ((tier(10), tier(20)), one_end),
        ((tier(0), tier(None)), f"up_to 0 follows 0; {follows}"),
        ((tier(5), tier(5), tier(None)), f"up_to 5 follows 5; {follows}"),
        ((tier(5), tier(4), tier(None)), f"up_to 4 follows 5; {follows}"),
        ((tier(2**63), tier(None)), f"up_to {2**63} follows 0; {follows}"),
        ((tier(up_to=True), tier(None)), f"up_to True follows 0; {follows}"),
        (
            (tier(1), tier(None, "-1")),
            "rate -1 of tier 2 is out of range; a price per million tokens is at least 0 and below 1000000000000000",
        ),
        ((tier(None, "1000000000000000"),), "rate 1000000000000000 of tier 1 is out of range; a price per million"),
        ((tier(1), tier(None, "1", "-0.01")), "flat -0.01 of tier 2 is no amount; write a number from 0, such as 50"),
        ((tier(None, "1", "NaN"),), "flat NaN of tier 1 is no amount; write a number from 0, such as 50.00"),
    ):
        assert refusal_of(shape, tiers=tiers).startswith(told)


@pytest.mark.parametrize(
    "make",
    [
        lambda group: GraduatedPrice(tiers=(tier(None),), group=group),
        lambda group: VolumePrice(tiers=(tier(None),), group=group),
        lambda group: PackagePrice(tokens=1, price=Decimal(1), group=group),
    ],
)
def test_a_group_is_named_by_1_to_64_letters_digits_dots_dashes_and_underscores(make: Any) -> None:
    for group in (None, "a", "A-1._z", "x" * 64):
        assert make(group).group == group
    for group in ("", "x" * 65, "a b", "a/b", "ä", "a\n", "a~"):
        assert refusal_of(make, group) == (
            f"group {group!r} cannot be used; write 1 to 64 of a-z, A-Z, 0-9, dots, dashes or underscores"
        )


@pytest.mark.parametrize(
    ("tokens", "price", "per_million"),
    [
        (1, "1", "1000000"),
        (3_000_000, "9.99", "3.33"),
        (2_000_000, "10.00", "5"),
        (10**18, "1", "0.000000000001"),
        (7, "0.7", "100000"),
    ],
)
def test_a_package_has_an_exact_rate(tokens: int, price: str, per_million: str) -> None:
    found = PackagePrice(tokens=tokens, price=Decimal(price)).rate_per_million
    assert (found, "E+" in str(found)) == (Decimal(per_million), False)


@pytest.mark.parametrize(("tokens", "price"), [(3, "1"), (2 * 10**18, "1"), (3_000_000, "10.00"), (7, "0.0001")])
def test_a_package_without_an_exact_rate_is_refused(tokens: int, price: str) -> None:
    assert refusal_of(PackagePrice, tokens=tokens, price=Decimal(price)) == (
        f"a package of {tokens} at {price} has no exact price per million; choose a price that its size divides, such "
        "as 9.99 for 3,000,000 instead of 10.00"
    )


def test_a_discount_or_markup_changes_each_number_of_a_price_exactly_and_nothing_else() -> None:
    tiers = (tier(10, "3", "5"), tier(None, "2", "0"))
    for percent, changed in (("-10", ["2.7", "4.5", "1.8", "0"]), ("5", ["3.15", "5.25", "2.1", "0"])):
        for shape in (GraduatedPrice, VolumePrice):
            found = changed_price(shape(tiers=tiers, group="g"), Decimal(percent))
            assert type(found) is shape
            assert [str(number) for number in rates_of(found)] == changed
            assert (found.group, [each.up_to for each in found.tiers]) == ("g", [10, None])
    assert changed_price(PackagePrice(tokens=1_000, price=Decimal(4), group="g"), Decimal(-25)) == PackagePrice(
        tokens=1_000, price=Decimal(3), group="g"
    )
    assert [str(changed_price(Decimal("2.00"), Decimal(percent))) for percent in ("-100", "0", "100", "-0.01")] == [
        "0",
        "2",
        "4",
        "1.9998",
    ]


def test_the_only_tier_holds_all_and_is_reached_by_the_first_token() -> None:
    (alone,) = only = (tier(None),)
    assert (tier_of(only, 1), tier_of(only, TOKENS_MAX), before_tier(only, 0)) == (alone, alone, 0)


def test_a_model_and_a_tier_are_named_by_1_to_128_characters() -> None:
    for name in ("m", "meta/llama-3:8b@x+y%", "A._-9", "x" * 128):
        refuse_misleading_model("alias", name)
        assert rate(model=name, service_tier=name).service_tier == name
    how = "write 1 to 128 of A-Z a-z 0-9 . _ : / @ + % -"
    for name in ("", "x" * 129, "a b", "ä", "a\n", "a~"):
        assert refusal_of(refuse_misleading_model, "alias", name) == f"alias {name!r} cannot be a model's name; {how}"
        assert refusal_of(rate, model=name) == f"model {name!r} cannot be a model's name; {how}"
        if name:
            assert refusal_of(rate, service_tier=name) == (
                f"service_tier {name!r} of model 'm' cannot be a tier's name; {how}"
            )


@pytest.mark.parametrize("tokens", [-1, TOKENS_MAX, True, 1.0, "5"])
def test_a_threshold_of_prompts_is_a_whole_number_of_tokens(tokens: Any) -> None:
    assert [rate(above_prompt_tokens=each).above_prompt_tokens for each in (0, 1, TOKENS_MAX - 1)] == [
        0,
        1,
        TOKENS_MAX - 1,
    ]
    assert refusal_of(rate, above_prompt_tokens=tokens) == (
        f"above_prompt_tokens {tokens} of model 'm' is no count; write a whole number of tokens, such as 200_000"
    )


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        (None, None, "from the beginning"),
        (NOON, None, "from 2026-10-10T12:00:00Z"),
        (None, NOON, "from the beginning to (excluding) 2026-10-10T12:00:00Z"),
        (NOON, NOON + TICK, "from 2026-10-10T12:00:00Z to (excluding) 2026-10-10T12:00:00.000001Z"),
    ],
)
def test_a_rate_is_in_force_from_its_first_instant_to_the_one_before_its_end(
    start: datetime | None, end: datetime | None, text: str
) -> None:
    made = rate(effective_from=start, effective_to=end)
    assert made.period_text() == period_text(start, end) == text
    assert made.is_in_force(NOON - TICK) is (start is None)
    assert made.is_in_force(NOON) is (end is None or end > NOON)
    assert made.is_in_force(NOON + TICK) is (end is None)


def test_an_effective_period_has_an_instant_and_offsets() -> None:
    east = NOON.astimezone(timezone(timedelta(hours=3)))
    for start, end in ((NOON, NOON), (east, NOON), (NOON + TICK, NOON)):
        told = refusal_of(rate, effective_from=start, effective_to=end)
        assert told.startswith("from 2026-10-10T12:00:00")
        assert told.endswith(
            "to (excluding) 2026-10-10T12:00:00Z of model 'm' is empty; "
            "effective_to is exclusive and must be later than effective_from"
        )
    for name in ("effective_from", "effective_to"):
        assert refusal_of(rate, **{name: NOON.replace(tzinfo=None)}) == (
            "the effective period of model 'm' has the local time 2026-10-10T12:00:00; write it with its offset, such "
            "as 2026-10-10T12:00:00Z"
        )


def test_prompt_and_completion_alone_have_to_be_priced_and_a_missing_one_says_when() -> None:
    assert set(rate().per_million) == {Meter.PROMPT, Meter.COMPLETION}
    for meter in BOTH:
        prices = {each: price for each, price in BOTH.items() if each is not meter}
        assert refusal_of(rate, per_million=prices, effective_from=NOON) == (
            f"model 'm' has no {meter} rate from 2026-10-10T12:00:00Z; state a price per million tokens, 0 if it is "
            "meant to be free"
        )


@pytest.mark.parametrize(
    ("meter", "priced", "priced_as", "billed_as"),
    [
        (Meter.PROMPT, (), Meter.PROMPT, Meter.PROMPT),
        (Meter.PROMPT_CACHED, (), Meter.PROMPT, Meter.PROMPT_CACHED),
        (Meter.PROMPT_CACHED, (Meter.PROMPT_CACHED,), Meter.PROMPT_CACHED, Meter.PROMPT_CACHED),
        (Meter.PROMPT_CACHE_WRITE, (), Meter.PROMPT, Meter.PROMPT_CACHE_WRITE),
        (Meter.PROMPT_CACHE_WRITE_1H, (), Meter.PROMPT, Meter.PROMPT_CACHE_WRITE),
        (
            Meter.PROMPT_CACHE_WRITE_1H,
            (Meter.PROMPT_CACHE_WRITE,),
            Meter.PROMPT_CACHE_WRITE,
            Meter.PROMPT_CACHE_WRITE,
        ),
        (
            Meter.PROMPT_CACHE_WRITE_1H,
            (Meter.PROMPT_CACHE_WRITE_1H,),
            Meter.PROMPT_CACHE_WRITE_1H,
            Meter.PROMPT_CACHE_WRITE_1H,
        ),
        (Meter.REASONING, (), Meter.COMPLETION, Meter.COMPLETION),
        (Meter.REASONING, (Meter.REASONING,), Meter.REASONING, Meter.REASONING),
        (Meter.PROMPT_AUDIO, (), Meter.PROMPT_AUDIO, Meter.PROMPT_AUDIO),
    ],
)
def test_a_meter_without_a_price_has_that_of_what_it_is_taken_out_of_and_audio_has_none(
    meter: Meter, priced: tuple[Meter, ...], priced_as: Meter, billed_as: Meter
) -> None:
    made = rate(per_million=BOTH | dict.fromkeys(priced, Decimal(2)))
    assert (made.priced_as(meter), made.billed_as(meter)) == (priced_as, billed_as)
    assert made.price(meter) == made.per_million.get(priced_as)


def test_a_price_that_depends_on_the_period_is_no_single_rate() -> None:
    made = rate(per_million=BOTH | {Meter.PROMPT: VolumePrice(tiers=(tier(None),))})
    assert made.rate_per_million(Meter.COMPLETION) == 1
    assert made.rate_per_million(Meter.REASONING) == 1
    for meter in (Meter.PROMPT, Meter.PROMPT_CACHED, Meter.REQUEST):
        assert refusal_of(made.rate_per_million, meter) == f"{meter} of model 'm' has no single rate from the beginning"


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({}, "model 'm'"),
        ({"service_tier": "batch"}, "model 'm' in tier 'batch'"),
        ({"above_prompt_tokens": 1}, "model 'm' above 1 prompt tokens"),
        ({"service_tier": "b", "above_prompt_tokens": 200_000}, "model 'm' in tier 'b' above 200000 prompt tokens"),
    ],
)
def test_what_a_rate_prices_is_named_with_its_tier_and_threshold(said: dict[str, Any], text: str) -> None:
    assert rate(**said).scope_text() == text
    assert refusal_of(rate, minimum=Decimal(2), maximum=Decimal(1), **said) == (
        f"minimum 2 of {text} is above its maximum 1; what is raised to the one would be capped by the other"
    )


def test_a_minimum_and_a_maximum_are_amounts_in_the_order_of_their_names() -> None:
    assert [rate(minimum=low, maximum=high).is_limited for low, high in ((None, None), (Decimal(0), None))] == [
        False,
        True,
    ]
    assert rate(maximum=Decimal("999999999.99")).is_limited
    assert rate(minimum=Decimal(3), maximum=Decimal(3)).is_limited
    for name in ("minimum", "maximum"):
        for amount in ("-0.01", "1000000000", "NaN", "Infinity"):
            assert refusal_of(rate, **{name: Decimal(amount)}) == (
                f"{name} {amount} of model 'm' is out of range; write an amount of at least 0 and below 1000000000"
            )


def test_the_prices_and_list_prices_of_a_rate_cannot_be_changed_behind_its_back() -> None:
    listed = dict(BOTH)
    made = rate(list_prices=listed)
    listed[Meter.PROMPT] = Decimal(9)
    assert (made.list_prices, rate().list_prices) == (BOTH, {})
    for prices in (made.per_million, made.list_prices):
        with pytest.raises(TypeError):
            prices[Meter.PROMPT] = Decimal(0)  # type: ignore[index]
