"""What stands on an invoice beside its lines: who sells, who buys, and which tax is due.

Does not own the arithmetic of tax (``pipeline.invoicing.tax``).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError
from pipeline.base.money import refuse_fraction_digits

if TYPE_CHECKING:
    from datetime import date

TEXT_CHARACTERS_MAX = 500
REVERSE_CHARGE_TEXT = "Reverse charge: the recipient is liable for the tax."
_PERCENT_MAX = Decimal(100)
_FRACTION_DIGITS_MAX = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A seller or a buyer as printed; every part may be empty.

    Construction raises ``ConfigurationError`` for what cannot be printed.
    """

    name: str = ""
    address: str = ""
    """May have several lines."""
    tax_id: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be printed."""
        for what in ("name", "address", "tax_id"):
            refuse_unprintable(what, getattr(self, what))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tax:
    """The tax of an account's invoices, computed once on the sum of the lines.

    Construction raises ``ConfigurationError``.
    """

    rate: Decimal = Decimal(0)
    """Percent, 0 to 100, at most 4 decimal places."""
    label: str = "Tax"
    """As printed: ``VAT``."""
    reverse_charge: bool = False
    """No tax is charged, and ``text`` says who owes it."""
    text: str = ""
    """Printed on the invoice; where empty and the charge is reversed, a plain English sentence."""

    def __post_init__(self) -> None:
        """Refuse what cannot be a tax."""
        percent("tax rate", self.rate, fraction_digits_max=_FRACTION_DIGITS_MAX)
        refuse_unprintable("tax label", self.label)
        refuse_unprintable("tax text", self.text)
        if self.reverse_charge and not self.text:
            object.__setattr__(self, "text", REVERSE_CHARGE_TEXT)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxChange:
    """Another tax from a day on."""

    from_date: date
    """First day on which it is in force, in the account's time zone."""
    tax: Tax | None
    """None = no tax at all from then on."""


def percent(what: str, value: Decimal, *, fraction_digits_max: int) -> None:
    """Raise ``ConfigurationError`` for what is no percentage from 0 to 100."""
    if not value.is_finite() or not 0 <= value <= _PERCENT_MAX:
        message = f"{what} is {value}; write a percentage from 0 to 100"
        raise ConfigurationError(message)
    refuse_fraction_digits(what, value, fraction_digits_max)


def refuse_unprintable(what: str, text: str) -> None:
    """Raise ``ConfigurationError`` for text that is too long to print, or hides a NUL."""
    if len(text) > TEXT_CHARACTERS_MAX or "\0" in text:
        message = f"{what} cannot be printed; write at most {TEXT_CHARACTERS_MAX} characters, and no NUL among them"
        raise ConfigurationError(message)
