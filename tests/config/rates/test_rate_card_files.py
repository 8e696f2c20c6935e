"""rates/<card>.toml: exact decimals and instants, and refusals that name file, table and value."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from pipeline.base.errors import RateCardError
from pipeline.configuration.rate_cards import read_rate_cards
from pipeline.usage import Meter

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.rates import RateCard

HEAD = 'id = "standard"\n'
RATE = '[[rates]]\nmodel = "jamba-large"\nprompt = 2.00\ncompletion = 8.00\n'


def card(workspace: Path, text: str, *, name: str = "standard", timezone: str = "UTC") -> RateCard:
    (workspace / "rates").mkdir(exist_ok=True)
    (workspace / "rates" / f"{name}.toml").write_text(text, encoding="utf-8")
    return read_rate_cards(workspace, timezone=timezone, currency="EUR")[name]


def test_a_card_is_read_with_exact_rates_and_instants(tmp_path: Path) -> None:
    text = """
        id = "standard"
        currency = "USD"
        [aliases]
        "jamba-large-1.7" = "jamba-large"
        [[rates]]
        model = "jamba-large"
        effective_from = 2026-01-01T00:00:00Z
        effective_to = 2026-10-10T14:00:00+02:00
        prompt = 2.00
        completion = 8
        prompt_cached = 0.1
        [[rates]]
        model = "jamba-large"
        effective_from = 2026-10-10 12:00:00Z
        prompt = 0.000000000001
        completion = 1_000.50
        prompt_cache_write = 1e2
    """
    standard = card(tmp_path, text)
    first, second = standard.windows("jamba-large-1.7")
    noon = datetime(2026, 10, 10, 12, tzinfo=UTC)
    assert (standard.id, standard.currency) == ("standard", "USD")
    assert (first.effective_from, first.effective_to) == (datetime(2026, 1, 1, tzinfo=UTC), noon)
    assert (second.effective_from, second.effective_to) == (noon, None)
    assert first.per_million == {
        Meter.PROMPT: Decimal("2.00"),
        Meter.COMPLETION: Decimal(8),
        Meter.PROMPT_CACHED: Decimal("0.1"),
    }
    assert second.per_million == {
        Meter.PROMPT: Decimal("1E-12"),
        Meter.COMPLETION: Decimal("1000.5"),
        Meter.PROMPT_CACHE_WRITE: Decimal(100),
    }
    assert str(first.per_million[Meter.PROMPT_CACHED]) == "0.1"


def test_a_plain_date_is_midnight_in_the_workspaces_time_zone(tmp_path: Path) -> None:
    text = HEAD + RATE + "effective_from = 2026-10-01\neffective_to = 2026-11-01\n"
    (rate,) = card(tmp_path, text, timezone="Europe/Berlin").rates
    assert rate.effective_from == datetime(2026, 9, 30, 22, tzinfo=UTC)
    assert rate.effective_to == datetime(2026, 10, 31, 23, tzinfo=UTC)


def test_the_currency_is_the_workspaces_unless_the_card_names_one(tmp_path: Path) -> None:
    assert card(tmp_path, HEAD + RATE).currency == "EUR"
    assert card(tmp_path, HEAD + 'currency = "USD"\n' + RATE).currency == "USD"


def test_all_cards_of_the_folder_are_read_and_nothing_else(tmp_path: Path) -> None:
    card(tmp_path, HEAD + RATE)
    card(tmp_path, 'id = "premium"\n' + RATE, name="premium")
    for name in (".hidden.toml", "notes.txt", "standard.toml~"):
        (tmp_path / "rates" / name).write_text("not = a = card", encoding="utf-8")
    assert list(read_rate_cards(tmp_path, timezone="UTC", currency="USD")) == ["premium", "standard"]


def test_no_folder_means_no_cards(tmp_path: Path) -> None:
    assert read_rate_cards(tmp_path, timezone="UTC", currency="USD") == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (RATE, "rates/standard.toml: id is missing"),
        ('id = "premium"\n' + RATE, "rates/standard.toml: id is 'premium', but the file is called 'standard'"),
        (HEAD + 'curency = "USD"\n', "rates/standard.toml: unknown key 'curency'; did you mean 'currency'?"),
        (HEAD + 'currency = "DOLLAR"\n', "rates/standard.toml: currency 'DOLLAR' is not an ISO 4217 code"),
        (HEAD + "[[rate]]\n", "rates/standard.toml: unknown key 'rate'; did you mean 'rates'?"),
        (HEAD + "[[rates]]\nprompt = 1", "rates/standard.toml: [[rates]] 1: model is missing"),
        (
            HEAD + RATE + "promt_cached = 1",
            "rates/standard.toml: [[rates]] 1: unknown key 'promt_cached'; did you mean 'prompt_cached'?",
        ),
        (
            HEAD + RATE + RATE.replace("2.00", "-2.00").replace("large", "mini"),
            "rates/standard.toml: [[rates]] 2: prompt rate -2.00 of model 'jamba-mini' is out",
        ),
        (
            HEAD + RATE.replace("2.00", "inf"),
            "rates/standard.toml: [[rates]] 1: prompt rate Infinity of model 'jamba-large' is no number",
        ),
        (
            HEAD + RATE.replace("2.00", "nan"),
            "rates/standard.toml: [[rates]] 1: prompt rate NaN of model 'jamba-large' is no number",
        ),
        (HEAD + RATE.replace("2.00", "true"), "rates/standard.toml: [[rates]] 1: prompt is true; write a price"),
        (HEAD + RATE.replace("2.00", '"2.00"'), "rates/standard.toml: [[rates]] 1: prompt is '2.00'; write a price"),
        (
            HEAD + RATE.replace("2.00", "2.0000000000001"),
            (
                "rates/standard.toml: [[rates]] 1: prompt rate 2.0000000000001 of model 'jamba-large' has 13 decimal "
                "places"
            ),
        ),
        (
            HEAD + RATE.replace("2.00", "1000000000"),
            "rates/standard.toml: [[rates]] 1: prompt rate 1000000000 of model 'jamba-large' is out of range",
        ),
        (
            HEAD + RATE.replace("prompt = 2.00\n", ""),
            "rates/standard.toml: [[rates]] 1: model 'jamba-large' has no prompt rate",
        ),
        (
            HEAD + RATE.replace("completion = 8.00\n", ""),
            "rates/standard.toml: [[rates]] 1: model 'jamba-large' has no completion rate",
        ),
        (
            HEAD + RATE + "effective_from = 2026-01-01T00:00:00",
            "rates/standard.toml: [[rates]] 1: effective_from is 2026-01-01 00:00:00; write an instant with its",
        ),
        (
            HEAD + RATE + 'effective_from = "2026-01-01"',
            (
                "rates/standard.toml: [[rates]] 1: effective_from is '2026-01-01'; "
                "write an instant with its offset or a plain"
            ),
        ),
        (
            HEAD + RATE + "effective_to = 12:00:00",
            "rates/standard.toml: [[rates]] 1: effective_to is 12:00:00; write an instant",
        ),
        (
            HEAD + RATE + "effective_from = 0001-01-01T00:00:00+05:00",
            "rates/standard.toml: [[rates]] 1: effective_from is 0001-01-01 00:00:00+05:00; leave it out",
        ),
        (
            HEAD + RATE + "effective_to = 9999-12-31",
            "rates/standard.toml: [[rates]] 1: effective_to is 9999-12-31; leave it out",
        ),
        (
            HEAD + RATE + "effective_from = 2026-02-01\neffective_to = 2026-01-01",
            "rates/standard.toml: [[rates]] 1: from 2026-02-01T00:00:00Z to (excluding) 2026-01-01",
        ),
        (
            HEAD + RATE + RATE,
            (
                "rates/standard.toml: two rates of model 'jamba-large' overlap: "
                "one from the beginning, one from the beginning"
            ),
        ),
        (
            HEAD + '[aliases]\njamba-large = "jamba-large"\n' + RATE,
            "rates/standard.toml: alias 'jamba-large' shadows the model of the same name",
        ),
        (
            HEAD + '[aliases]\na = "jamba-x"\n' + RATE,
            "rates/standard.toml: alias 'a' stands for 'jamba-x', which has no rates",
        ),
        (HEAD + "[aliases]\na = 5\n" + RATE, "rates/standard.toml: [aliases]: a is 5; it must be a string"),
        (
            HEAD + "[aliases]\na.b = 'jamba-large'\n" + RATE,
            "rates/standard.toml: [aliases]: a is {'b': 'jamba-large'}; it must be a string",
        ),
        (HEAD + "rates = 2", "rates/standard.toml: rates is 2; it must be a list of tables"),
        ("id = \n", "rates/standard.toml, line 1: not TOML"),
    ],
)
def test_a_card_that_cannot_be_meant_is_refused_with_its_address(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(RateCardError) as refused:
        card(tmp_path, text)
    assert str(refused.value).startswith(told)


def test_an_invalid_toml_date_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(RateCardError, match=r"rates/standard\.toml, line 6: not TOML"):
        card(tmp_path, HEAD + RATE + "effective_from = 2026-02-30\n")
