"""Who sells and who buys, as they stand on an invoice, and where it is paid to.

Owns what may be said of a party and of a bank account, and what cannot be one. Does not own which file says it
(``pipeline.configuration.parties_toml``) nor how it is laid out (``pipeline.documents``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields

from pipeline.accounts.billing import refuse_unprintable
from pipeline.accounts.countries import COUNTRIES
from pipeline.base.errors import ConfigurationError

LANGUAGES = ("en", "de", "fr")
"""Primary languages that an invoice can be written in."""
LANGUAGE_DEFAULT = "en"
_LANGUAGE_TAG = re.compile(r"[a-z]{2}(-[A-Za-z0-9]{2,8})*", re.ASCII)
_SCHEME = re.compile(r"[0-9]{4}|[A-Z]{2}", re.ASCII)
_ELECTRONIC_ADDRESS = re.compile(r"[!-~]{1,100}", re.ASCII)
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", re.ASCII)
_BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?", re.ASCII)
_IBAN_GROUP = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A seller or a buyer as printed; every part may be empty.

    The address is free text, or structured. Construction raises ``ConfigurationError`` for what cannot be printed, for
    both kinds of address at once, and for a country, an electronic address or an e-mail address that cannot be one.
    """

    name: str = ""
    address: str = ""
    """Free text; may have several lines. E-invoices need the structured parts below."""
    street: str = ""
    additional_street: str = ""
    """A second line: a building, a department, a post office box."""
    postcode: str = ""
    city: str = ""
    region: str = ""
    """A state or province, where an address names it."""
    country: str = ""
    """ISO 3166-1 alpha-2: ``DE``. May stand beside free text too."""
    tax_id: str = ""
    """The VAT id, or another tax number; written as it is printed."""
    registration_id: str = ""
    """In a register of companies: ``HRB 12345``."""
    electronic_address: str = ""
    """Where e-invoices are sent to: an id within its scheme."""
    electronic_address_scheme: str = ""
    """Code of the list of Electronic Address Schemes (EAS): ``0204``, ``9930``, or ``EM`` for e-mail."""
    contact_name: str = ""
    phone: str = ""
    email: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be printed, and what cannot be meant."""
        for each in fields(self):
            refuse_unprintable(each.name, getattr(self, each.name))
        _refuse_two_addresses(self)
        if self.country and self.country not in COUNTRIES:
            message = f"country is {self.country!r}; write its two letters by ISO 3166-1, such as DE"
            raise ConfigurationError(message)
        _refuse_electronic_address(self.electronic_address, self.electronic_address_scheme)
        if self.email and not _EMAIL.fullmatch(self.email):
            message = f"email is {self.email!r}; write an address such as invoices@example.com"
            raise ConfigurationError(message)

    @property
    def is_structured(self) -> bool:
        """Whether the address is given in parts."""
        return any((self.street, self.additional_street, self.postcode, self.city, self.region))

    @property
    def locality_lines(self) -> tuple[str, ...]:
        """The printed address without its country: the structured parts, else the lines of the free text."""
        if not self.is_structured:
            return tuple(line for line in self.address.splitlines() if line.strip())
        place = " ".join(part for part in (self.postcode, self.city) if part)
        return tuple(part for part in (self.street, self.additional_street, place, self.region) if part)

    @property
    def address_lines(self) -> tuple[str, ...]:
        """The printed address; a structured one ends with the code of its country."""
        country = (self.country,) if self.is_structured and self.country else ()
        return (*self.locality_lines, *country)


@dataclass(frozen=True, slots=True, kw_only=True)
class BankDetails:
    """Where an invoice is paid to; every part may be empty.

    Construction raises ``ConfigurationError`` for an IBAN whose check digits are wrong, and for a BIC that is none.
    """

    account_holder: str = ""
    """Where it is not the seller's own name."""
    iban: str = ""
    """Without blanks; written with or without them. Its check digits are those of ISO 13616."""
    bic: str = ""
    """Of ISO 9362: 8 or 11 characters."""
    bank: str = ""
    """The bank's name; where there is no IBAN, whatever a transfer needs."""

    def __post_init__(self) -> None:
        """Take blanks out of IBAN and BIC, and refuse what is none."""
        for each in fields(self):
            refuse_unprintable(each.name, getattr(self, each.name))
        object.__setattr__(self, "iban", "".join(self.iban.split()).upper())
        object.__setattr__(self, "bic", "".join(self.bic.split()).upper())
        if self.iban and not (_IBAN.fullmatch(self.iban) and _is_checked(self.iban)):
            message = f"iban is {self.iban!r}, whose check digits do not fit; copy it from the bank's own papers"
            raise ConfigurationError(message)
        if self.bic and not _BIC.fullmatch(self.bic):
            message = f"bic is {self.bic!r}; a BIC has 8 or 11 letters and digits, such as COBADEFFXXX"
            raise ConfigurationError(message)

    @property
    def iban_text(self) -> str:
        """The IBAN as people read it, in groups of four."""
        return " ".join(self.iban[at : at + _IBAN_GROUP] for at in range(0, len(self.iban), _IBAN_GROUP))


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """What a workspace prints on each of its invoices."""

    seller: Party = field(default_factory=Party)
    bank: BankDetails = field(default_factory=BankDetails)
    note: str = ""
    """Where an account has none of its own."""
    language: str = LANGUAGE_DEFAULT
    """Likewise."""

    def __post_init__(self) -> None:
        """Refuse what cannot be printed."""
        refuse_unprintable("note", self.note)
        refuse_unknown_language(self.language)


def refuse_unknown_language(language: str) -> None:
    """Raise ``ConfigurationError`` for what is no BCP 47 tag of a language that invoices are written in."""
    if not _LANGUAGE_TAG.fullmatch(language) or language.partition("-")[0] not in LANGUAGES:
        message = (
            f"language is {language!r}; write one of {', '.join(LANGUAGES)}, with a region where numbers and dates "
            "differ by it, such as de-AT"
        )
        raise ConfigurationError(message)


def _refuse_two_addresses(party: Party) -> None:
    if party.address and party.is_structured:
        message = "address stands beside street, postcode or city; write the address in parts, or as text, not as both"
        raise ConfigurationError(message)


def _refuse_electronic_address(address: str, scheme: str) -> None:
    if bool(address) != bool(scheme):
        message = (
            f"electronic_address is {address!r} and electronic_address_scheme is {scheme!r}; "
            "write both or neither: an id, and the EAS code of its scheme, such as 9930"
        )
        raise ConfigurationError(message)
    if scheme and not _SCHEME.fullmatch(scheme):
        message = f"electronic_address_scheme is {scheme!r}; write a code of the EAS list, such as 0204, 9930 or EM"
        raise ConfigurationError(message)
    is_mail = scheme == "EM"
    if address and not (_ELECTRONIC_ADDRESS.fullmatch(address) and (not is_mail or _EMAIL.fullmatch(address))):
        message = f"electronic_address is {address!r}, which is no address of the scheme {scheme}; it has no blanks"
        raise ConfigurationError(message)


def _is_checked(iban: str) -> bool:
    """Say whether an IBAN is 1 modulo 97 (ISO 7064), its letters counted from A = 10."""
    return int("".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])) % 97 == 1
