"""The borders of exact arithmetic: the last digit that is held, halves of every sign and currency, signs of zero."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.base.errors import ConfigurationError, InexactAmount
from pipeline.base.money import (
    DIGITS_MAX,
    Rounding,
    decimal_from_plain,
    exact_arithmetic,
    exact_sum,
    fraction_rounded_to_minor_unit,
    minor_unit_digits,
    normalised,
    plain,
    plain_amount,
    plain_rate,
    refuse_fraction_digits,
    rounded_to_minor_unit,
)

ROUNDINGS = st.sampled_from(Rounding)
CURRENCIES = st.sampled_from(["JPY", "USD", "KWD", "CLF"])


def test_an_exact_result_has_a_hundred_digits_and_not_one_more() -> None:
    nines = Decimal("9" * DIGITS_MAX)
    assert (DIGITS_MAX, exact_sum([nines])) == (100, nines)
    with pytest.raises(InexactAmount, match=r"\(Rounded\); an amount is a decimal of at most 100 digits, and never a"):
        exact_sum([nines, Decimal(1)])
    with exact_arithmetic():
        assert nines * 1 == nines
    with pytest.raises(InexactAmount, match="at most 100 digits"), exact_arithmetic():
        _ = nines * 11


def test_an_amount_is_rounded_up_to_a_hundred_digits_and_refused_beyond() -> None:
    longest = Decimal("9" * 98)
    assert rounded_to_minor_unit(longest, "USD", Rounding.HALF_UP) == longest
    with pytest.raises(InexactAmount, match="an amount has more than 100 digits; it cannot be rounded to USD"):
        rounded_to_minor_unit(longest * 10, "USD", Rounding.HALF_UP)


@pytest.mark.parametrize(
    ("one", "other"), [(Decimal(1), Decimal(0)), (Decimal(0), Decimal(0)), (Decimal("9E+999999"), Decimal("1E-999999"))]
)
def test_what_has_no_exact_result_is_told_as_that_whatever_it_is(one: Decimal, other: Decimal) -> None:
    with pytest.raises(InexactAmount, match="would not have been exact"), exact_arithmetic():
        _ = one / other


def test_what_is_raised_within_exact_arithmetic_and_is_about_no_digit_stays_what_it_is() -> None:
    with pytest.raises(KeyError, match="mine"), exact_arithmetic():
        _ = {}["mine"]
    third = Decimal(1) / 3
    with pytest.raises(InexactAmount), exact_arithmetic():
        Decimal(1) / 3
    assert Decimal(1) / 3 == third, "the context ends with its block, also where that raised"


def test_the_sum_of_nothing_is_zero_and_what_is_no_decimal_is_named() -> None:
    assert (exact_sum([]), str(exact_sum([Decimal("0.10"), Decimal("0.2")]))) == (0, "0.30")
    with pytest.raises(InexactAmount, match="'1' is a str; an amount is a Decimal"):
        exact_sum(["1"])  # type: ignore[list-item]


def test_roundings_are_called_as_a_workspace_says_them() -> None:
    assert [Rounding("half-up"), Rounding("half-even")] == [Rounding.HALF_UP, Rounding.HALF_EVEN]
    assert [str(each) for each in Rounding] == ["half-up", "half-even"]


@pytest.mark.parametrize(
    ("value", "digits_max", "is_refused"),
    [
        ("1.25", 2, False),
        ("1.251", 2, True),
        ("1.2500", 2, False),
        ("1", 0, False),
        ("0.5", 0, True),
        ("0.0", 0, False),
        ("1E+5", 2, False),
        ("-0.005", 2, True),
        ("NaN", 2, False),
        ("Infinity", 2, False),
    ],
)
def test_only_decimal_places_that_say_something_count(value: str, digits_max: int, *, is_refused: bool) -> None:
    if not is_refused:
        refuse_fraction_digits("the fee", Decimal(value), digits_max)
        return
    with pytest.raises(ConfigurationError) as refused:
        refuse_fraction_digits("the fee", Decimal(value), digits_max)
    assert str(refused.value) == f"the fee is {value}; write {digits_max} decimal places at most"


CURRENCIES_BY_DIGITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP "
        "CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR "
        "IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN "
        "NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP "
        "STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}


def test_every_currency_has_the_minor_unit_of_iso_4217() -> None:
    for digits, codes in CURRENCIES_BY_DIGITS.items():
        assert {minor_unit_digits(code) for code in codes.split()} == {digits}
    with pytest.raises(ConfigurationError) as refused:
        minor_unit_digits("usd")
    assert str(refused.value) == (
        "currency 'usd' is not an ISO 4217 code; write three capital letters such as USD, EUR or JPY"
    )


def test_a_rounded_amount_has_exactly_the_places_of_its_currency() -> None:
    for currency, printed in (("JPY", "7"), ("USD", "7.00"), ("KWD", "7.000"), ("CLF", "7.0000")):
        for amount in ("7", "7.00000", "7E+0"):
            assert str(rounded_to_minor_unit(Decimal(amount), currency, Rounding.HALF_EVEN)) == printed


@settings(max_examples=25)
@given(st.integers(-(10**6), 10**6), st.integers(0, 6), CURRENCIES, ROUNDINGS)
def test_a_fraction_that_is_a_decimal_is_rounded_as_the_decimal(
    units: int, places: int, currency: str, rounding: Rounding
) -> None:
    amount = Decimal(units).scaleb(-places)
    found = fraction_rounded_to_minor_unit(Fraction(amount), currency, rounding)
    assert str(found) == str(rounded_to_minor_unit(amount, currency, rounding))


@settings(max_examples=25)
@given(st.fractions(-1000, 1000, max_denominator=97), CURRENCIES, ROUNDINGS)
def test_a_fraction_is_rounded_to_the_nearest_minor_unit_and_its_negative_to_the_mirror(
    amount: Fraction, currency: str, rounding: Rounding
) -> None:
    found = fraction_rounded_to_minor_unit(amount, currency, rounding)
    assert abs(Fraction(found) - amount) <= Fraction(1, 2 * 10 ** minor_unit_digits(currency))
    assert fraction_rounded_to_minor_unit(-amount, currency, rounding) == -found


@pytest.mark.parametrize(
    ("amount", "half_up", "half_even"),
    [
        ("1/200", "0.01", "0.00"),
        ("3/200", "0.02", "0.02"),
        ("5/200", "0.03", "0.02"),
        ("-1/200", "-0.01", "0.00"),
        ("-3/200", "-0.02", "-0.02"),
        ("1/201", "0.00", "0.00"),
        ("1/199", "0.01", "0.01"),
        ("0", "0.00", "0.00"),
        ("1584/31", "51.10", "51.10"),
    ],
)
def test_halves_of_fractions_go_away_from_zero_or_to_the_even_unit(amount: str, half_up: str, half_even: str) -> None:
    for rounding, printed in ((Rounding.HALF_UP, half_up), (Rounding.HALF_EVEN, half_even)):
        assert str(fraction_rounded_to_minor_unit(Fraction(amount), "USD", rounding)) == printed


@pytest.mark.parametrize(
    ("value", "as_plain", "as_normalised"),
    [
        ("-1E+3", "-1000", "-1000"),
        ("1.50E+2", "150", "150"),
        ("-0.0", "0.0", "0"),
        ("0E+3", "0", "0"),
        ("-0E-3", "0.000", "0"),
        ("-2.50", "-2.50", "-2.5"),
        ("100", "100", "100"),
        ("1.00", "1.00", "1"),
        ("-1E-7", "-0.0000001", "-1E-7"),
        ("120E-9", "0.000000120", "1.2E-7"),
    ],
)
def test_signs_and_zeros_are_written_and_normalised_as_people_read_them(
    value: str, as_plain: str, as_normalised: str
) -> None:
    assert plain(Decimal(value)) == as_plain
    assert str(normalised(Decimal(value))) == as_normalised


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("-Infinity"), 1.5, 2, "3", None])
def test_what_is_no_amount_is_refused_by_whatever_takes_one(value: Any) -> None:
    for taken in (
        normalised,
        plain,
        plain_rate,
        lambda amount: rounded_to_minor_unit(amount, "USD", Rounding.HALF_UP),
    ):
        with pytest.raises(InexactAmount) as refused:
            taken(value)
        assert str(refused.value) == f"{value!r} is not an amount; an amount is a finite Decimal"


@pytest.mark.parametrize("text", ["0", "-1.5", "12.50", "007", "0.000000000001"])
def test_plain_numbers_are_read_as_they_are_written(text: str) -> None:
    assert str(decimal_from_plain(text)) == str(Decimal(text))
    with pytest.raises(InexactAmount) as refused:
        decimal_from_plain(f"{text}~")
    assert str(refused.value) == f"'{text}~' is not a number in plain decimal notation such as 12.50"


@pytest.mark.parametrize(
    ("rate", "printed"), [("-2", "-2.00"), ("0.1", "0.10"), ("12.345", "12.345"), ("1E+6", "1000000.00")]
)
def test_a_rate_has_two_decimal_places_at_least(rate: str, printed: str) -> None:
    assert plain_rate(Decimal(rate)) == printed


@pytest.mark.parametrize(
    ("amount", "currency", "printed"), [("-2.5", "USD", "-2.50"), ("3", "CLF", "3.0000"), ("0.12345", "KWD", "0.12345")]
)
def test_an_amount_has_the_places_of_its_currency_at_least(amount: str, currency: str, printed: str) -> None:
    assert plain_amount(Decimal(amount), currency) == printed
