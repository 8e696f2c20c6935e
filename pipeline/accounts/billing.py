"""Which tax is due, of which category, at which rate, and what must be printed about it.

Does not own the arithmetic of tax (``pipeline.invoicing.tax``) nor who sells and who buys (``parties``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, cast

from pipeline.base.errors import ConfigurationError
from pipeline.base.money import refuse_fraction_digits

if TYPE_CHECKING:
    from datetime import date

TEXT_CHARACTERS_MAX = 500
LABEL_DEFAULT = "Tax"
REVERSE_CHARGE_TEXT = "Reverse charge: the recipient is liable for the tax."
_PERCENT_MAX = Decimal(100)
_FRACTION_DIGITS_MAX = 4
_REASON_CODE = re.compile(r"VATEX-[A-Z0-9-]{2,40}", re.ASCII)
TAXED_KINDS = ("usage", "fee", "commitment", "item")
"""Kinds of lines that may have a tax of their own.

Included tokens, limits and overage are taxed as usage, a correction as what it corrects; a coupon is split over the
taxes of what it is taken off, a credit pays what is taxed, and a tax is none.
"""


class TaxCategory(StrEnum):
    """What a tax is, as e-invoices say it: codes of UNCL5305 that EN 16931 uses."""

    STANDARD = "S"
    """Charged at a rate above zero."""
    REVERSE_CHARGE = "AE"
    """Owed by the buyer."""
    ZERO = "Z"
    """Charged at zero."""
    EXEMPT = "E"
    OUTSIDE_SCOPE = "O"
    """Not subject to the tax at all."""


WITH_REASON = (TaxCategory.REVERSE_CHARGE, TaxCategory.EXEMPT, TaxCategory.OUTSIDE_SCOPE)
"""Categories without a charge, on which the invoice must say why."""
_BY_RATE = cast("TaxCategory", "")  # a tax never keeps it


@dataclass(frozen=True, slots=True, kw_only=True)
class Tax:
    """The tax of an account's invoices, computed once on the sum of the lines that it applies to.

    Construction raises ``ConfigurationError`` for parts that contradict each other.
    """

    rate: Decimal = Decimal(0)
    """Percent, 0 to 100, at most 4 decimal places."""
    label: str = LABEL_DEFAULT
    """As printed: ``VAT``."""
    reverse_charge: bool = False
    """No tax is charged, and ``text`` says who owes it: the category AE, in words."""
    text: str = ""
    """Printed on the invoice: of AE, E and O the reason (BT-120 of EN 16931); of AE, where empty, a plain English
    sentence.
    """
    category: TaxCategory = _BY_RATE
    """Where not given: AE of a reversed charge, S of a rate above zero, else Z."""
    reason_code: str = ""
    """Code of the reason in the VATEX list, such as ``VATEX-EU-AE`` (BT-121)."""
    by_kind: tuple[tuple[str, Tax], ...] = ()
    """Taxes of lines of some kinds (``TAXED_KINDS``), where they are not this one; none of them has such kinds."""

    def __post_init__(self) -> None:
        """Refuse what cannot be a tax."""
        percent("tax rate", self.rate, fraction_digits_max=_FRACTION_DIGITS_MAX)
        refuse_unprintable("tax label", self.label)
        refuse_unprintable("tax text", self.text)
        is_named = bool(self.category)
        if not is_named:
            object.__setattr__(self, "category", self.category_by_rate)
        if is_named or self.by_kind:  # before there were categories, a reversed charge could name a rate
            _refuse_contradictions(self)
        object.__setattr__(self, "reverse_charge", self.category is TaxCategory.REVERSE_CHARGE)
        if self.reverse_charge and not self.text:
            object.__setattr__(self, "text", REVERSE_CHARGE_TEXT)
        if self.category in WITH_REASON and not self.text:
            message = (
                f"the tax category {self.category} lacks its text; write why no tax is charged, such as "
                '"Exempt under …": the invoice must say it'
            )
            raise ConfigurationError(message)
        _refuse_reason_code(self)
        for kind, tax in self.by_kind:
            if kind not in TAXED_KINDS or tax.by_kind:
                message = f"tax by_kind names {kind!r}; name kinds of lines that are taxed: {', '.join(TAXED_KINDS)}"
                raise ConfigurationError(message)

    @property
    def category_by_rate(self) -> TaxCategory:
        """The category that rate and reversed charge say."""
        if self.reverse_charge:
            return TaxCategory.REVERSE_CHARGE
        return TaxCategory.STANDARD if self.rate > 0 else TaxCategory.ZERO

    @property
    def charged_rate(self) -> Decimal:
        """Percent that is charged: none but for the category S."""
        return self.rate if self.category is TaxCategory.STANDARD else Decimal(0)

    @property
    def is_charged(self) -> bool:
        """Whether it has a line, be it one of zero: S and Z."""
        return self.category not in WITH_REASON

    @property
    def reason(self) -> str:
        """Why nothing is charged, of AE, E and O (BT-120); empty for others, which must not give one."""
        return self.text if self.category in WITH_REASON else ""

    def of_kind(self, kind: str) -> Tax:
        """Return the one tax of lines of a kind: that which ``by_kind`` names for it, else this one alone."""
        named = dict(self.by_kind).get(kind)
        return named or (replace(self, by_kind=()) if self.by_kind else self)

    def kind_taxed_like(self, kind: str) -> str:
        """Return the first of ``TAXED_KINDS`` that has the tax of a kind: one name for each tax, whatever is billed."""
        return next((each for each in TAXED_KINDS if self.of_kind(each) == self.of_kind(kind)), kind)


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


def _refuse_contradictions(tax: Tax) -> None:
    """Raise where a category that is named contradicts the rate or the reversed charge."""
    if tax.reverse_charge and tax.category is not TaxCategory.REVERSE_CHARGE:
        message = f"tax category is {tax.category} and reverse_charge is true; a reversed charge is of the category AE"
        raise ConfigurationError(message)
    if (tax.rate > 0) != (tax.category is TaxCategory.STANDARD):
        message = (
            f"tax category is {tax.category} and rate is {tax.rate}; S is charged at a rate above 0, and "
            "AE, Z, E and O at none"
        )
        raise ConfigurationError(message)


def _refuse_reason_code(tax: Tax) -> None:
    if tax.reason_code and (tax.category not in WITH_REASON or not _REASON_CODE.fullmatch(tax.reason_code)):
        message = (
            f"tax reason_code is {tax.reason_code!r} with the category {tax.category}; write a VATEX code, such as "
            "VATEX-EU-AE, of a tax of AE, E or O"
        )
        raise ConfigurationError(message)
