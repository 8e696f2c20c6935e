"""Exact amounts of money: arithmetic that raises where a digit would be lost, and rounding that has a name.

Owns the exact context, the minor units of currencies, rounding to them, and plain decimal notation. Does not own what
anything costs (``pipeline.rates``) nor when a sum is rounded (``pipeline.invoicing``).

Invariants: no float ever becomes an amount, and only a function with ``rounded`` in its name rounds.
"""

from __future__ import annotations

import decimal
import re
from decimal import Context, Decimal, DecimalException
from enum import StrEnum
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError, InexactAmount

if TYPE_CHECKING:
    from collections.abc import Iterable
    from fractions import Fraction

DIGITS_MAX = 100
"""Significant digits of an exact result. 2**63 tokens at a rate of 9 + 12 digits need 46; the rest is for sums."""

_EXACT = Context(
    prec=DIGITS_MAX,
    traps=[
        decimal.Inexact,
        decimal.Rounded,
        decimal.FloatOperation,
        decimal.InvalidOperation,
        decimal.DivisionByZero,
        decimal.Overflow,
    ],
)
_UNROUNDED = Context(prec=decimal.MAX_PREC)
_PLAIN_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)


class Rounding(StrEnum):
    """What happens to an amount exactly half way between two minor units.

    Both treat a negative amount as the mirror of a positive one.
    """

    HALF_UP = "half-up"
    """Away from zero, as on paper: 0.125 becomes 0.13 and -0.125 becomes -0.13."""
    HALF_EVEN = "half-even"
    """To the even neighbour, so that halves cancel out over many lines: 0.125 becomes 0.12, 0.135 becomes 0.14."""


_ROUNDABLE = {
    rounding: Context(prec=DIGITS_MAX, rounding=mode, traps=[decimal.InvalidOperation])
    for rounding, mode in ((Rounding.HALF_UP, decimal.ROUND_HALF_UP), (Rounding.HALF_EVEN, decimal.ROUND_HALF_EVEN))
}


class exact_arithmetic:  # noqa: N801 - is called as a function is, and much sooner ended than a generator
    """Run decimal arithmetic that raises ``InexactAmount`` instead of losing a digit or taking a float."""

    __slots__ = ("_local",)

    def __enter__(self) -> None:
        """Begin, in a context of its own."""
        self._local = decimal.localcontext(_EXACT)
        self._local.__enter__()

    def __exit__(self, kind: object, raised: BaseException | None, traceback: object) -> None:
        """End, and say what was not exact."""
        self._local.__exit__(None, None, None)
        if isinstance(raised, DecimalException):
            raise _inexact(raised) from raised


def exact_sum(amounts: Iterable[Decimal]) -> Decimal:
    """Add amounts without losing a digit.

    The sum of none is 0. Raises ``InexactAmount``, also for anything that is no ``Decimal``.
    """
    total = Decimal(0)
    try:
        for amount in amounts:
            if not isinstance(amount, Decimal):
                message = f"{amount!r} is a {type(amount).__name__}; an amount is a Decimal"
                raise InexactAmount(message)
            total = _EXACT.add(total, amount)
    except DecimalException as signal:
        raise _inexact(signal) from signal
    return total


def _inexact(signal: DecimalException) -> InexactAmount:
    message = (
        f"an amount would not have been exact ({type(signal).__name__}); "
        f"an amount is a decimal of at most {DIGITS_MAX} digits, and never a float"
    )
    return InexactAmount(message)


def refuse_fraction_digits(what: str, value: Decimal, fraction_digits_max: int) -> None:
    """Raise ``ConfigurationError`` for a number with more decimal places that say something than there may be."""
    exponent = value.normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > fraction_digits_max:
        message = f"{what} is {value}; write {fraction_digits_max} decimal places at most"
        raise ConfigurationError(message)


def minor_unit_digits(currency: str) -> int:
    """Return how many decimal places the minor unit of a currency has (ISO 4217): USD 2, JPY 0, KWD 3.

    Raises ``ConfigurationError`` for a code that is not an ISO 4217 currency.
    """
    digits = _MINOR_UNIT_DIGITS.get(currency)
    if digits is None:
        message = f"currency {currency!r} is not an ISO 4217 code; write three capital letters such as USD, EUR or JPY"
        raise ConfigurationError(message)
    return digits


def rounded_to_minor_unit(amount: Decimal, currency: str, rounding: Rounding) -> Decimal:
    """Round an exact amount, once, to the currency's minor unit; the result has exactly that many decimal places.

    2.345 USD half up is 2.35, half even 2.34; 1234.5 JPY half up is 1235. Zero never has a sign.
    Raises ``InexactAmount`` for a float, NaN or infinity, ``ConfigurationError`` for an unknown currency.
    """
    _refuse_what_is_no_amount(amount)
    try:
        result = amount.quantize(_minor_unit(currency), context=_ROUNDABLE[rounding])
    except decimal.InvalidOperation as signal:
        message = f"an amount has more than {DIGITS_MAX} digits; it cannot be rounded to {currency}"
        raise InexactAmount(message) from signal
    return result or result.copy_abs()  # a zero loses its sign


def fraction_rounded_to_minor_unit(amount: Fraction, currency: str, rounding: Rounding) -> Decimal:
    """Round a fraction, once, as ``rounded_to_minor_unit`` rounds a decimal: 100.00 x 16 ÷ 31 USD is 51.61."""
    digits = minor_unit_digits(currency)
    units, rest = divmod(abs(amount.numerator) * 10**digits, amount.denominator)
    is_up = 2 * rest > amount.denominator or (
        2 * rest == amount.denominator and (rounding is Rounding.HALF_UP or units % 2 == 1)
    )
    sign = "-" if amount < 0 else ""
    return rounded_to_minor_unit(Decimal(f"{sign}{units + is_up}E-{digits}"), currency, rounding)


@cache
def _minor_unit(currency: str) -> Decimal:
    return Decimal(1).scaleb(-minor_unit_digits(currency))


def normalised(value: Decimal) -> Decimal:
    """Return the same number with no digit to spare: 2.50 and 2.5 are 2.5, 1E+3 is 1000, -0.0 is 0.

    Numbers that are equal look the same afterwards. Raises ``InexactAmount`` for a float, NaN or infinity.
    """
    _refuse_what_is_no_amount(value)
    stripped = value.normalize(_UNROUNDED)
    return stripped if stripped and "E+" not in str(stripped) else Decimal(plain(stripped))


def plain(value: Decimal) -> str:
    """Write a number in plain decimal notation: digits, a point, never an exponent, never a minus before a zero.

    >>> plain(Decimal("1E+3")), plain(Decimal("0.0000001")), plain(Decimal("-0.00"))
    ('1000', '0.0000001', '0.00')

    Raises ``InexactAmount`` for a float, NaN or infinity.
    """
    _refuse_what_is_no_amount(value)
    text = str(value)  # plain already in most cases, and sooner than by a format
    return text if value and "E" not in text else format(value or value.copy_abs(), "f")


def plain_amount(amount: Decimal, currency: str) -> str:
    """Write an amount of money with all decimal places of the currency's minor unit.

    And every digit that it has beyond.

    >>> plain_amount(Decimal(0), "USD"), plain_amount(Decimal("2.5"), "KWD")
    ('0.00', '2.500')
    >>> plain_amount(Decimal("0.005"), "USD"), plain_amount(Decimal(7), "JPY")
    ('0.005', '7')
    """
    return plain(exact_sum([amount, Decimal(0).scaleb(-minor_unit_digits(currency))]))


@lru_cache(
    maxsize=4_096, typed=True
)  # a book has few rates on many lines; typed, so that a float is refused whatever it equals
def plain_rate(rate_per_million: Decimal) -> str:
    """Write a rate as price lists do: at least two decimal places, more only where they say something.

    >>> plain_rate(Decimal(2)), plain_rate(Decimal("2.500")), plain_rate(Decimal("0.0375"))
    ('2.00', '2.50', '0.0375')
    """
    whole, _, fraction = plain(normalised(rate_per_million)).partition(".")
    return f"{whole}.{fraction.ljust(2, '0')}"


def decimal_from_plain(text: str) -> Decimal:
    """Read plain decimal notation back.

    Raises ``InexactAmount`` for anything else: an exponent, a blank, NaN, a separator.
    """
    if not _PLAIN_NUMBER.fullmatch(text):
        message = f"{text!r} is not a number in plain decimal notation such as 12.50"
        raise InexactAmount(message)
    return Decimal(text)


def _refuse_what_is_no_amount(value: object) -> None:
    if not isinstance(value, Decimal) or not value.is_finite():
        message = f"{value!r} is not an amount; an amount is a finite Decimal"
        raise InexactAmount(message)


# ISO 4217:2015, list one: the currencies and the few units of account in which prices are written. Metals, funds and
# test codes have no minor unit.
_CURRENCIES_BY_MINOR_UNIT_DIGITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP "
        "CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB"
        " EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP "
        "LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP"
        " MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG "
        "SEK SGD SHP SLE SOS SRD SSP STN SVC SYP"
        " SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_MINOR_UNIT_DIGITS = {
    code: digits for digits, codes in _CURRENCIES_BY_MINOR_UNIT_DIGITS.items() for code in codes.split()
}
