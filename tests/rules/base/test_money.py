"""Amounts are exact, and what rounds says so in its name."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.errors import ConfigurationError, InexactAmount
from pipeline.base.money import (
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
    rounded_to_minor_unit,
)

AMOUNTS = st.decimals(min_value=-(10**15), max_value=10**15, allow_nan=False, allow_infinity=False, places=18)


@pytest.mark.parametrize(
    ("amount", "half_up", "half_even"),
    [
        ("2.344", "2.34", "2.34"),
        ("2.345", "2.35", "2.34"),
        ("2.355", "2.36", "2.36"),
        ("2.3450000000000000000001", "2.35", "2.35"),
        ("-2.345", "-2.35", "-2.34"),
        ("0.005", "0.01", "0.00"),
        ("0", "0.00", "0.00"),
        ("7", "7.00", "7.00"),
    ],
)
def test_a_half_cent_goes_up_or_to_the_even_cent(amount: str, half_up: str, half_even: str) -> None:
    assert str(rounded_to_minor_unit(Decimal(amount), "USD", Rounding.HALF_UP)) == half_up
    assert str(rounded_to_minor_unit(Decimal(amount), "USD", Rounding.HALF_EVEN)) == half_even


@pytest.mark.parametrize(
    ("currency", "printed"),
    [
        ("JPY", "1235"),
        ("KRW", "1235"),
        ("VND", "1235"),
        ("CLP", "1235"),
        ("ISK", "1235"),
        ("USD", "1234.57"),
        ("EUR", "1234.57"),
    ]
    + [(code, "1234.568") for code in ("KWD", "BHD", "OMR", "JOD", "TND", "IQD", "LYD")]
    + [("CLF", "1234.5678"), ("UYW", "1234.5678")],
)
def test_each_currency_rounds_to_its_own_minor_unit(currency: str, printed: str) -> None:
    assert str(rounded_to_minor_unit(Decimal("1234.56781"), currency, Rounding.HALF_UP)) == printed


@pytest.mark.parametrize("code", ["XYZ", "usd", "", "US$", "XAU", "USDT"])
def test_an_unknown_currency_is_refused_by_name(code: str) -> None:
    with pytest.raises(ConfigurationError, match=f"currency {code!r}".replace("$", r"\$")):
        minor_unit_digits(code)


def test_a_rounded_zero_has_no_sign() -> None:
    assert str(rounded_to_minor_unit(Decimal("-0.004"), "USD", Rounding.HALF_UP)) == "0.00"


@given(AMOUNTS, st.sampled_from(Rounding), st.sampled_from(["JPY", "USD", "KWD", "CLF"]))
def test_rounding_moves_an_amount_by_half_a_minor_unit_at_most(
    amount: Decimal, rounding: Rounding, currency: str
) -> None:
    rounded = rounded_to_minor_unit(amount, currency, rounding)
    unit = Fraction(1, 10 ** minor_unit_digits(currency))
    assert abs(Fraction(rounded) - Fraction(amount)) <= unit / 2
    assert Fraction(rounded) % unit == 0
    assert rounded_to_minor_unit(-amount, currency, rounding) == -rounded
    assert rounded_to_minor_unit(rounded, currency, rounding) == rounded


@given(st.lists(AMOUNTS, max_size=50))
def test_a_sum_loses_nothing_whatever_the_order(amounts: list[Decimal]) -> None:
    total = exact_sum(amounts)
    assert Fraction(total) == sum(map(Fraction, amounts))
    assert plain(exact_sum(reversed(amounts))) == plain(total)


def test_a_sum_that_needs_too_many_digits_raises_instead_of_rounding() -> None:
    with pytest.raises(InexactAmount, match="Inexact"):
        exact_sum([Decimal("1E+60"), Decimal("1E-60")])


@pytest.mark.parametrize("impostor", [0.1, 1, "1.00", None])
def test_only_decimals_are_summed(impostor: object) -> None:
    with pytest.raises(InexactAmount, match="is a"):
        exact_sum([Decimal(1), impostor])  # type: ignore[list-item]


def test_a_float_cannot_become_an_amount() -> None:
    with pytest.raises(InexactAmount, match="never a float"), exact_arithmetic():
        Decimal(0.1)  # noqa: RUF032 - the float is the case


def test_a_third_of_a_cent_cannot_be_an_exact_amount() -> None:
    with pytest.raises(InexactAmount), exact_arithmetic():
        Decimal(1) / Decimal(3)


def test_the_exact_context_ends_with_its_block() -> None:
    with exact_arithmetic():
        pass
    assert Decimal(1) / Decimal(3) != 0


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), Decimal("-Infinity"), 1.5, 2])
def test_what_is_no_finite_decimal_is_neither_rounded_nor_printed(value: Decimal) -> None:
    with pytest.raises(InexactAmount):
        rounded_to_minor_unit(value, "USD", Rounding.HALF_UP)
    with pytest.raises(InexactAmount):
        plain(value)


def test_an_amount_too_long_to_round_raises() -> None:
    with pytest.raises(InexactAmount, match="digits"):
        rounded_to_minor_unit(Decimal("1E+120"), "USD", Rounding.HALF_UP)


@pytest.mark.long
@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=Decimal("-1E+30"), max_value=Decimal("1E+30")))
def test_plain_notation_has_no_exponent_and_reads_back_equal(value: Decimal) -> None:
    text = plain(value)
    assert set(text) <= set("-0123456789.")
    assert decimal_from_plain(text) == value
    assert text[:1] != "-" or value < 0


@pytest.mark.parametrize(
    ("value", "text"), [("1E+3", "1000"), ("1E-7", "0.0000001"), ("-0.00", "0.00"), ("2.50", "2.50"), ("100", "100")]
)
def test_plain_notation_by_example(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text


@pytest.mark.parametrize("text", ["", "1e3", " 1", "1,5", "NaN", "+1", ".5", "1.", "٣", "1_0", "--1", "1\n"])
def test_only_plain_notation_is_read_back(text: str) -> None:
    with pytest.raises(InexactAmount):
        decimal_from_plain(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2", "2.00"),
        ("2.0", "2.00"),
        ("2.500", "2.50"),
        ("0.0375", "0.0375"),
        ("1E+2", "100.00"),
        ("0", "0.00"),
        ("0.000000000001", "0.000000000001"),
    ],
)
def test_a_rate_is_printed_with_two_places_and_more_only_where_they_say_something(value: str, text: str) -> None:
    assert plain_rate(Decimal(value)) == text


@given(AMOUNTS, st.integers(min_value=0, max_value=9))
def test_equal_numbers_look_the_same_once_normalised(value: Decimal, zeros: int) -> None:
    padded = Decimal(f"{value:f}{'0' * zeros}")
    assert str(normalised(value)) == str(normalised(padded))
    assert normalised(value) == value


@pytest.mark.parametrize(
    ("amount", "currency", "printed"),
    [
        ("0", "USD", "0.00"),
        ("2.5", "USD", "2.50"),
        ("2.5", "KWD", "2.500"),
        ("7", "JPY", "7"),
        ("0.005", "USD", "0.005"),
        ("-0", "USD", "0.00"),
    ],
)
def test_an_amount_is_written_with_all_places_of_its_minor_unit_and_loses_no_digit(
    amount: str, currency: str, printed: str
) -> None:
    assert plain_amount(Decimal(amount), currency) == printed


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=Decimal("-1E+150"), max_value=Decimal("1E+150")))
def test_a_normalised_number_is_its_plain_notation_without_zeros_behind_the_point(value: Decimal) -> None:
    text = plain(value)
    expected = Decimal(text.rstrip("0").rstrip(".") if "." in text else text)
    assert normalised(value).as_tuple() == expected.as_tuple()


@pytest.mark.parametrize(
    ("amount", "half_up", "half_even"),
    [("1/8", "0.13", "0.12"), ("-1/8", "-0.13", "-0.12"), ("3/8", "0.38", "0.38"), ("-1/3", "-0.33", "-0.33")],
)
def test_a_fraction_is_rounded_as_the_decimal_is_that_it_has_no_end_for(
    amount: str, half_up: str, half_even: str
) -> None:
    for rounding, printed in ((Rounding.HALF_UP, half_up), (Rounding.HALF_EVEN, half_even)):
        assert str(fraction_rounded_to_minor_unit(Fraction(amount), "USD", rounding)) == printed
