"""What a rate card can say beyond a number per million, and refusals that name file, table and value."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from pipeline.base.errors import RateCardError
from pipeline.configuration.rate_cards import read_rate_cards
from pipeline.rates import GraduatedPrice, PackagePrice, PeriodTier, VolumePrice
from pipeline.usage import Meter

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.rates import RateCard

HEAD = 'id = "standard"\ncurrency = "USD"\n'
RATE = '[[rates]]\nmodel = "m"\nprompt = 2.00\ncompletion = 8.00\n'
NOON = datetime(2026, 10, 10, 12, tzinfo=UTC)


def cards(workspace: Path, **texts: str) -> dict[str, RateCard]:
    (workspace / "rates").mkdir(exist_ok=True)
    for name, text in texts.items():
        (workspace / "rates" / f"{name}.toml").write_text(text, encoding="utf-8")
    return read_rate_cards(workspace, timezone="UTC", currency="USD")


def test_period_prices_are_read_with_exact_rates(tmp_path: Path) -> None:
    text = HEAD + (
        '[[rates]]\nmodel = "m"\nprompt = { mode = "graduated", tiers = [ { up_to = 1_000_000_000, rate = 2.00 }, { '
        'rate = 1.50 } ], group = "jamba" }\n'
        'completion = { mode = "volume", tiers = [ { rate = 8 } ] }\nreasoning = { mode = "package", tokens = '
        "3_000_000, price = 9.99 }\nper_request = 0.01\n"
    )
    (rate,) = cards(tmp_path, standard=text)["standard"].rates
    tiers = (PeriodTier(up_to=10**9, rate=Decimal(2)), PeriodTier(up_to=None, rate=Decimal("1.50")))
    assert rate.per_million == {
        Meter.PROMPT: GraduatedPrice(tiers=tiers, group="jamba"),
        Meter.COMPLETION: VolumePrice(tiers=(PeriodTier(up_to=None, rate=Decimal(8)),)),
        Meter.REASONING: PackagePrice(tokens=3_000_000, price=Decimal("9.99")),
        Meter.REQUEST: Decimal(10_000),
    }


def test_the_tier_of_a_request_comes_before_its_size_and_both_fall_back(tmp_path: Path) -> None:
    entries = [
        RATE.replace("2.00", price) + more
        for price, more in (("1", ""), ("2", "above_prompt_tokens = 200\n"), ("3", 'service_tier = "batch"\n'))
    ]
    card = cards(tmp_path, standard=HEAD + "".join(entries))["standard"]

    def price(tier: str, band: int) -> Decimal:
        rate = card.rate_at("m", NOON, service_tier=tier, prompt_band=band)
        assert rate is not None
        return rate.rate_per_million(Meter.PROMPT)

    assert [price("", 0), price("", 200), price("batch", 0), price("batch", 200), price("flex", 200)] == [1, 2, 3, 3, 2]


def test_only_large_prompts_priced_means_small_ones_are_unpriced(tmp_path: Path) -> None:
    card = cards(tmp_path, standard=HEAD + RATE + "above_prompt_tokens = 200\n")["standard"]
    assert card.rate_at("m", NOON) is None
    assert card.rate_at("m", NOON, prompt_band=200) is not None


def test_an_extending_card_inherits_aliases_rates_and_fee_and_changes_what_it_states(tmp_path: Path) -> None:
    standard = (
        HEAD
        + 'monthly_fee = 10\n[aliases]\n"m-1" = "m"\n'
        + RATE
        + "effective_from = 2026-01-01\neffective_to = 2026-11-01\n"
    )
    own = 'id = "own"\nextends = "standard"\ndiscount_percent = 12.5\n[[rates]]\nmodel = "m"\n'
    own += "effective_from = 2026-10-10T12:00:00Z\neffective_to = 2026-11-01\nprompt = 1.00\n"
    card = cards(tmp_path, standard=standard, own=own)["own"]
    assert (card.currency, card.monthly_fee, card.model_of("m-1")) == ("USD", 10, "m")
    before, within = card.windows("m")
    assert (before.effective_to, before.per_million) == (
        NOON,
        {Meter.PROMPT: Decimal("1.75"), Meter.COMPLETION: Decimal(7)},
    )
    assert within.per_million == {Meter.PROMPT: Decimal(1), Meter.COMPLETION: Decimal(7)}
    assert (within.list_prices[Meter.PROMPT], within.list_prices[Meter.COMPLETION]) == (2, 8)


def test_an_extending_card_inherits_limits_and_no_percentage_changes_them(tmp_path: Path) -> None:
    own = 'id = "own"\nextends = "standard"\ndiscount_percent = 10\n'
    own += '[[rates]]\nmodel = "m"\neffective_from = 2026-11-01\nmaximum = 40\n'
    card = cards(tmp_path, standard=HEAD + RATE + "minimum = 5\nmaximum = 50\n", own=own)["own"]
    assert [(rate.minimum, rate.maximum) for rate in card.rates] == [(5, 50), (5, 40)]
    assert card.rates[0].per_million[Meter.PROMPT] == Decimal("1.8")


def test_a_percentage_changes_the_flat_amount_of_a_tier(tmp_path: Path) -> None:
    stated = RATE.replace("2.00", '{ mode = "graduated", tiers = [ { rate = 2, flat = 50 } ] }')
    own = 'id = "own"\nextends = "standard"\ndiscount_percent = 10\n'
    (rate,) = cards(tmp_path, standard=HEAD + stated, own=own)["own"].rates
    tiers = (PeriodTier(up_to=None, rate=Decimal("1.8"), flat=Decimal(45)),)
    assert rate.per_million[Meter.PROMPT] == GraduatedPrice(tiers=tiers)


def test_requests_have_tiers_and_packages_by_the_single_request(tmp_path: Path) -> None:
    per_request = 'per_request = { mode = "volume", tiers = [ { up_to = 5, rate = 0.02, flat = 3 }, { rate = 0.01 } ] }'
    (rate,) = cards(tmp_path, standard=HEAD + RATE + per_request)["standard"].rates
    tiers = (
        PeriodTier(up_to=5, rate=Decimal(20_000), flat=Decimal(3)),
        PeriodTier(up_to=None, rate=Decimal(10_000)),
    )
    assert rate.per_million[Meter.REQUEST] == VolumePrice(tiers=tiers)
    package = 'per_request = { mode = "package", requests = 1_000, price = 5 }'
    (rate,) = cards(tmp_path, standard=HEAD + RATE + package)["standard"].rates
    assert rate.per_million[Meter.REQUEST] == PackagePrice(tokens=1_000, price=Decimal(5))


def test_an_entry_that_outlasts_what_it_inherits_from_must_price_everything_itself(tmp_path: Path) -> None:
    own = 'id = "own"\nextends = "standard"\n[[rates]]\nmodel = "m"\nprompt = 1.00\n'
    with pytest.raises(
        RateCardError, match=r"rates/own\.toml: model 'm' has no completion rate from 2026-11-01T00:00:00Z"
    ):
        cards(tmp_path, standard=HEAD + RATE + "effective_to = 2026-11-01\n", own=own)


def test_a_percentage_of_an_entry_replaces_that_of_the_card(tmp_path: Path) -> None:
    own = (
        'id = "own"\nextends = "standard"\ndiscount_percent = 10\n[[rates]]\nmodel = "m"\nmarkup_percent = 5\nprompt = '
        "4\n"
    )
    (rate,) = cards(tmp_path, standard=HEAD + RATE, own=own)["own"].rates
    assert rate.per_million == {Meter.PROMPT: Decimal("4.2"), Meter.COMPLETION: Decimal("8.4")}
    assert (rate.list_prices[Meter.PROMPT], rate.list_prices[Meter.COMPLETION]) == (4, 8)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            HEAD + RATE.replace("2.00", '{ mode = "steps" }'),
            "rates/standard.toml: [[rates]] 1, prompt: mode is 'steps'; it must be",
        ),
        (
            HEAD + RATE.replace("2.00", '{ mode = "volume" }'),
            "rates/standard.toml: [[rates]] 1, prompt: there is no tier",
        ),
        (
            HEAD + RATE.replace("2.00", '{ mode = "volume", tiers = [ { up_to = 5, rate = 1 } ] }'),
            "rates/standard.toml: [[rates]] 1, prompt: exactly the last",
        ),
        (
            HEAD
            + RATE.replace(
                "2.00",
                '{ mode = "volume", tiers = [ { up_to = 5, rate = 1 }, { up_to = 5, rate = 1 }, { rate = 1 } ] }',
            ),
            "rates/standard.toml: [[rates]] 1, prompt: up_to 5 follows 5",
        ),
        (
            HEAD + RATE.replace("2.00", '{ mode = "volume", tiers = [ { rate = -1 } ] }'),
            "rates/standard.toml: [[rates]] 1, prompt: rate -1 of tier 1 is out",
        ),
        (
            HEAD + RATE.replace("2.00", '{ mode = "volume", tiers = [ { rte = 1 } ] }'),
            "rates/standard.toml: [[rates]] 1, prompt, tier 1: unknown key 'rte'",
        ),
        (
            HEAD + RATE.replace("2.00", '{ mode = "package", tokens = 3_000_000, price = 10 }'),
            ("rates/standard.toml: [[rates]] 1, prompt: a package of 3000000 at 10 has no exact price per million"),
        ),
        (
            HEAD + RATE.replace("2.00", '{ mode = "graduated", tiers = [ { rate = 1, flat = -5 } ] }'),
            "rates/standard.toml: [[rates]] 1, prompt: flat -5 of tier 1 is no amount",
        ),
        (
            HEAD + RATE.replace("2.00", '{ mode = "graduated", tiers = [ { rate = 1, flat = "5" } ] }'),
            "rates/standard.toml: [[rates]] 1, prompt, tier 1: flat is '5'; write a number",
        ),
        (
            HEAD + RATE.replace("2.00", '{ mode = "package", requests = 3, price = 9 }'),
            "rates/standard.toml: [[rates]] 1, prompt: unknown key 'requests'",
        ),
        (
            HEAD + RATE + 'per_request = { mode = "package", tokens = 3, price = 9 }',
            "rates/standard.toml: [[rates]] 1, per_request: unknown key 'tokens'",
        ),
        (
            HEAD + RATE + 'per_request = { mode = "volume", tiers = [ { rate = -1 } ] }',
            "rates/standard.toml: [[rates]] 1, per_request: rate -1 is out of range",
        ),
        (HEAD + RATE + "maximum = -1", "rates/standard.toml: [[rates]] 1: maximum -1 of model 'm' is out of range"),
        (HEAD + RATE + 'minimum = "1"', "rates/standard.toml: [[rates]] 1: minimum is '1'; write a number"),
        (
            HEAD + RATE + "minimum = 2\nmaximum = 1",
            "rates/standard.toml: [[rates]] 1: minimum 2 of model 'm' is above its maximum 1",
        ),
        (
            HEAD + RATE + "maximum = 1.005",
            "rates/standard.toml: maximum of model 'm' in USD is 1.005; write 2 decimal places at most",
        ),
        (HEAD + RATE + "per_request = -1", "rates/standard.toml: [[rates]] 1: per_request -1 is out of range"),
        (
            HEAD + RATE + "above_prompt_tokens = 0",
            "rates/standard.toml: [[rates]] 1: above_prompt_tokens is 0; it must be a whole number from 1",
        ),
        (
            HEAD + RATE + 'service_tier = ""',
            "rates/standard.toml: [[rates]] 1: service_tier is ''; it must be a string",
        ),
        (
            HEAD + (RATE + 'service_tier = "batch"\n') * 2,
            "rates/standard.toml: two rates of model 'm' in tier 'batch' overlap",
        ),
        (
            HEAD + RATE + "discount_percent = 1\nmarkup_percent = 1",
            "rates/standard.toml: [[rates]] 1: discount_percent and markup_percent are both",
        ),
        (
            HEAD + "discount_percent = 101\n" + RATE,
            "rates/standard.toml: discount_percent is 101; it must be a number from 0 to 100",
        ),
        (
            HEAD + "monthly_fee = 9.005\n" + RATE,
            "rates/standard.toml: monthly_fee in USD is 9.005; write 2 decimal places at most",
        ),
        (HEAD + 'monthly_fee = "9"\n' + RATE, "rates/standard.toml: monthly_fee is '9'; write a number"),
        (HEAD + 'extends = "nobody"\n' + RATE, "rates/standard.toml: extends 'nobody', which does not exist"),
        (HEAD + 'extends = "standard"\n', "rates/standard.toml: extends 'standard' in a circle: standard -> standard"),
    ],
)
def test_a_shape_that_cannot_be_meant_is_refused_with_its_address(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(RateCardError) as refused:
        cards(tmp_path, standard=text)
    assert str(refused.value).startswith(told)


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ('currency = "EUR"\n', "rates/own.toml: currency is 'EUR', but it extends 'standard', which is in USD"),
        ('[[rates]]\nmodel = "other"\nprompt = 1\n', "rates/own.toml: model 'other' has no completion rate"),
        (
            '[[rates]]\nmodel = "m"\nprompt = 1\n[[rates]]\nmodel = "m"\nprompt = 1\n',
            "rates/own.toml: two entries of model 'm' overlap",
        ),
        (
            '[[rates]]\nmodel = "m"\neffective_from = 2026-10-01\neffective_to = 2026-10-01\n',
            "rates/own.toml: [[rates]] 1: from 2026-10-01T00:00:00Z to",
        ),
    ],
)
def test_an_extending_card_that_cannot_be_meant_is_refused(tmp_path: Path, own: str, told: str) -> None:
    with pytest.raises(RateCardError) as refused:
        cards(tmp_path, standard=HEAD + RATE, own='id = "own"\nextends = "standard"\n' + own)
    assert str(refused.value).startswith(told)


def test_cards_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RateCardError, match="in a circle: a -> b -> a"):
        cards(tmp_path, a='id = "a"\nextends = "b"\n', b='id = "b"\nextends = "a"\n')
