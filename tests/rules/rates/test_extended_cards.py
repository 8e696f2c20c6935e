"""Cards that extend cards, asked at one instant: what is stated, what is inherited, and what the list price is."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.base.errors import RateCardError
from pipeline.rates import Rate, RateCard
from pipeline.rates.inheritance import RateEntry, inherited_rates, rate_of_entry, refuse_overlapping_entries
from pipeline.usage import Meter

if TYPE_CHECKING:
    from collections.abc import Mapping

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 10, 10, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
DAYS: list[Any] = [None, *(NEW_YEAR + timedelta(days=number) for number in range(4)), None]
SCOPES = [("", 0), ("", 10), ("batch", 0)]
METERS = (Meter.PROMPT, Meter.PROMPT_CACHED, Meter.COMPLETION, Meter.REASONING)


def rate(**said: Any) -> Rate:
    prices = {Meter.PROMPT: Decimal(2), Meter.COMPLETION: Decimal(8)}
    return Rate(**{"model": "m", "effective_from": None, "effective_to": None, "per_million": prices} | said)


def entry(**said: Any) -> RateEntry:
    stated: dict[str, Any] = {"model": "m", "service_tier": "", "above_prompt_tokens": 0, "percent": None}
    stated |= {"effective_from": None, "effective_to": None, "per_million": {}}
    return RateEntry(**stated | said)


def card(*rates: Rate) -> RateCard:
    return RateCard(id="standard", currency="USD", aliases={}, rates=rates)


def prices(*by_meter: Any) -> dict[Meter, Decimal]:
    return {meter: Decimal(price) for meter, price in zip(METERS, by_meter, strict=False) if price is not None}


@st.composite
def spans(draw: st.DrawFn) -> list[tuple[datetime | None, datetime | None]]:
    """Up to two spans of time that follow each other, with a gap or without."""
    bounds = sorted(draw(st.sets(st.integers(0, 5), min_size=2, max_size=4)))
    return [(DAYS[start], DAYS[end]) for start, end in itertools.pairwise(bounds) if draw(st.booleans())][:2]


LIMITS = st.sampled_from([None, Decimal(5), Decimal(6)])
PERCENTS = st.sampled_from([None, Decimal(-50), Decimal(10)])


@st.composite
def parents(draw: st.DrawFn) -> RateCard:
    made = []
    for (tier, band), numbers in zip(SCOPES, (1, 11, 21), strict=True):
        for place, (start, end) in enumerate(draw(spans())):
            number = numbers + 5 * place
            made.append(
                rate(
                    service_tier=tier,
                    above_prompt_tokens=band,
                    effective_from=start,
                    effective_to=end,
                    per_million=prices(number, draw(st.sampled_from([None, number + 1])), number + 2),
                    minimum=draw(LIMITS),
                    maximum=draw(st.sampled_from([None, Decimal(50)])),
                )
            )
    return card(*made)


@st.composite
def entries(draw: st.DrawFn) -> list[RateEntry]:
    made = []
    for (tier, band), numbers in zip(SCOPES, (100, 200, 300), strict=True):
        for place, (start, end) in enumerate(draw(spans())):
            number = numbers + 10 * place
            stated = [number, *(draw(st.sampled_from([None, number + each])) for each in (1,)), number + 2]
            made.append(
                entry(
                    service_tier=tier,
                    above_prompt_tokens=band,
                    effective_from=start,
                    effective_to=end,
                    per_million=prices(*stated, draw(st.sampled_from([None, number + 3]))),
                    percent=draw(PERCENTS),
                    minimum=draw(LIMITS),
                    maximum=draw(st.sampled_from([None, Decimal(40)])),
                )
            )
    return made


def changed(stated: Mapping[Meter, Any], percent: Decimal | None) -> dict[Meter, Decimal]:
    return {meter: price * (100 + (percent or 0)) / 100 for meter, price in stated.items()}


def listed(of: Rate) -> dict[Meter, Any]:
    return {meter: of.price(meter) for meter in Meter if of.price(meter) is not None}


def expected(
    own: list[RateEntry], parent: RateCard, percent: Decimal | None, scope: tuple[str, int], at: datetime
) -> tuple[Any, ...] | None:
    """Return what the page on rate cards says is charged at an instant: prices, list prices, minimum and maximum."""

    def is_mine(each: Any) -> bool:
        return (each.service_tier, each.above_prompt_tokens) == scope and (
            (each.effective_from is None or each.effective_from <= at)
            and (each.effective_to is None or at < each.effective_to)
        )

    (stated,) = [each for each in own if is_mine(each)] or [None]
    if stated is None:
        (base,) = [each for each in parent.rates if is_mine(each)] or [None]
        return base and (changed(base.per_million, percent), listed(base), base.minimum, base.maximum)
    base = parent.rate_at("m", at, service_tier=scope[0], prompt_band=scope[1])
    inherited = {} if base is None else dict(base.per_million)
    own_change = percent if stated.percent is None else stated.percent
    now = changed(inherited, own_change) | changed(stated.per_million, stated.percent)
    list_prices = {} if base is None else listed(base)
    if stated.percent is not None:
        before = rate(per_million=inherited | dict(stated.per_million))
        list_prices = {
            meter: price
            if meter not in list_prices or before.priced_as(meter) in stated.per_million
            else list_prices[meter]
            for meter, price in listed(before).items()
        }
    limits = [
        getattr(base, name, None) if getattr(stated, name) is None else getattr(stated, name)
        for name in ("minimum", "maximum")
    ]
    return now, list_prices, *limits


@settings(max_examples=20)
@given(parents(), entries(), PERCENTS)
def test_at_each_instant_an_extending_card_charges_what_it_states_and_else_what_it_inherits(
    parent: RateCard, own: list[RateEntry], percent: Decimal | None
) -> None:
    found = inherited_rates(own, parent=parent, percent=percent)
    made = card(*found)
    for scope in SCOPES:
        for at in (each + shift for each in DAYS[1:-1] for shift in (-TICK, timedelta(0))):
            mine = [
                (dict(each.per_million), dict(each.list_prices), each.minimum, each.maximum)
                for each in made.rates
                if (each.service_tier, each.above_prompt_tokens) == scope and each.is_in_force(at)
            ]
            wanted = expected(own, parent, percent, scope, at)
            assert mine == ([] if wanted is None else [wanted])


def test_what_is_inherited_stays_one_rate_and_is_cut_only_where_something_changes() -> None:
    parent = card(rate(effective_to=NOON), rate(effective_from=NOON, per_million=prices(3, None, 9)), rate(model="n"))
    assert inherited_rates([], parent=parent, percent=None) == tuple(
        sorted(
            (
                rate(
                    model=each.model,
                    effective_from=each.effective_from,
                    effective_to=each.effective_to,
                    per_million=each.per_million,
                    list_prices=listed(each),
                )
                for each in parent.rates
            ),
            key=lambda each: each.model,
        )
    )
    own = [entry(effective_from=NEW_YEAR, effective_to=NOON + TICK, per_million=prices(1))]
    found = [each for each in inherited_rates(own, parent=parent, percent=None) if each.model == "m"]
    assert [(each.effective_from, each.effective_to, *each.per_million.values()) for each in found] == [
        (None, NEW_YEAR, 2, 8),
        (NEW_YEAR, NOON, 1, 8),
        (NOON, NOON + TICK, 1, 9),
        (NOON + TICK, None, 3, 9),
    ]


def test_rates_come_by_model_tier_and_threshold_in_the_order_of_time() -> None:
    parent = card(
        *(
            rate(model=model, service_tier=tier, above_prompt_tokens=band)
            for model in ("z", "a")
            for tier, band in (("t", 0), ("", 9), ("", 0))
        )
    )
    own = [entry(model="b", per_million=prices(1, None, 1)), entry(model="a", service_tier="s")]
    found = inherited_rates(own, parent=parent, percent=None)
    assert [(each.model, each.service_tier, each.above_prompt_tokens) for each in found] == [
        ("a", "", 0),
        ("a", "", 9),
        ("a", "s", 0),
        ("a", "t", 0),
        ("b", "", 0),
        ("z", "", 0),
        ("z", "", 9),
        ("z", "t", 0),
    ]


def test_an_entry_of_a_tier_inherits_what_its_requests_cost_before() -> None:
    parent = card(rate(minimum=Decimal(3)), rate(above_prompt_tokens=5, per_million=prices(4, None, 16)))
    own = [entry(service_tier="batch", per_million=prices(1)), entry(service_tier="batch", above_prompt_tokens=5)]
    found = {
        (each.service_tier, each.above_prompt_tokens): (*each.per_million.values(), each.minimum)
        for each in inherited_rates(own, parent=parent, percent=None)
    }
    assert found == {("", 0): (2, 8, 3), ("", 5): (4, 16, None), ("batch", 0): (1, 8, 3), ("batch", 5): (4, 16, None)}


def test_a_card_that_extends_none_states_all_and_its_list_prices_are_those_before_the_change() -> None:
    stated = entry(
        service_tier="batch",
        above_prompt_tokens=5,
        effective_from=NEW_YEAR,
        effective_to=NOON,
        per_million=prices(2, None, 8),
        minimum=Decimal(1),
        maximum=Decimal(9),
    )
    said = {
        "service_tier": "batch",
        "above_prompt_tokens": 5,
        "effective_from": NEW_YEAR,
        "effective_to": NOON,
        "minimum": Decimal(1),
        "maximum": Decimal(9),
    }
    assert rate_of_entry(stated, percent=None) == rate(**said)
    assert rate_of_entry(stated, percent=Decimal(-50)) == rate(
        **said, per_million=prices(1, None, 4), list_prices=listed(rate())
    )
    assert rate_of_entry(stated, percent=Decimal(0)).list_prices[Meter.REASONING] == 8
    with pytest.raises(RateCardError, match="model 'm' has no completion rate from the beginning"):
        rate_of_entry(entry(per_million=prices(2)), percent=None)


def test_an_entry_that_could_be_no_rate_is_refused_whatever_it_may_inherit() -> None:
    assert entry().per_million == {}
    for said, told in (
        ({"model": "a b"}, "model 'a b' cannot be a model's name"),
        ({"above_prompt_tokens": -1}, "above_prompt_tokens -1 of model 'm' is no count"),
        ({"effective_from": NOON, "effective_to": NOON}, "of model 'm' is empty"),
        ({"per_million": prices(-1)}, "prompt rate -1 of model 'm' is out of range"),
        ({"minimum": Decimal(-1)}, "minimum -1 of model 'm' is out of range"),
        ({"maximum": Decimal(-1)}, "maximum -1 of model 'm' is out of range"),
    ):
        with pytest.raises(RateCardError, match=told):
            entry(**said)


def test_entries_of_one_model_tier_and_threshold_are_of_times_of_their_own_in_whatever_order_they_are_written() -> None:
    first, second, third = (
        entry(effective_from=start, effective_to=end)
        for start, end in ((None, NEW_YEAR), (NEW_YEAR, NOON), (NOON, None))
    )
    others = [entry(model="n"), entry(service_tier="batch"), entry(above_prompt_tokens=5)]
    for written in itertools.permutations([first, second, third]):
        refuse_overlapping_entries([*written, *others])
    longer = entry(effective_from=NEW_YEAR, effective_to=NOON + TICK)
    for written in itertools.permutations([first, longer, third]):
        with pytest.raises(RateCardError) as refused:
            refuse_overlapping_entries([*others, *written])
        assert str(refused.value) == (
            "two entries of model 'm' overlap: one from 2026-01-01T00:00:00Z to (excluding) "
            "2026-10-10T12:00:00.000001Z, one from 2026-10-10T12:00:00Z; "
            "end the earlier one with effective_to where the later one begins"
        )
