"""Who is billed: accounts, and which API key belongs to which.

Owns what an account is and that a key has one owner at most. Does not own the file they are written in
(``pipeline.configuration.accounts``) nor what they pay (``pipeline.rates``). A key of no account is nobody's
mistake here: its usage is unassigned, listed with its tokens, never dropped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from pipeline.accounts.billing import refuse_unprintable
from pipeline.accounts.keys import KeyPeriod, refuse_tags, refuse_two_owners, tags_text
from pipeline.accounts.parents import refuse_impossible_parents, refuse_two_parents
from pipeline.accounts.parties import Party, refuse_unknown_language
from pipeline.accounts.terms import Terms, refuse_disorder, terms_in_force, terms_on, year_of
from pipeline.base.errors import AccountsError
from pipeline.base.names import NAME, NAME_IN_WORDS, refuse_unusable_id
from pipeline.base.periods import BillingPeriod, time_zone

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

    from pipeline.accounts.billing import Tax, TaxChange
    from pipeline.accounts.coupons import Coupon
    from pipeline.accounts.credits import CreditGrant
    from pipeline.accounts.exchange import Exchange
    from pipeline.accounts.items import OneOffItem
    from pipeline.accounts.parents import InvoicedTo
    from pipeline.accounts.terms import ContractYear, TermsInForce

_CUSTOMER = re.compile(r"[!-~]{1,255}", re.ASCII)
_FOR_EVER = datetime.max.replace(tzinfo=UTC)
NAME_CHARACTERS_MAX = 200
MONTH_DAY_MAX = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A customer: in which time zone its days and months are counted, whose keys it pays for, and on what terms.

    Construction raises ``AccountsError`` for an id, name or key id that cannot be one, and for terms or credits that
    contradict each other; ``ConfigurationError`` for an unknown time zone.
    """

    id: str
    """1 to 64 of ``A-Z a-z 0-9 . _ -``."""
    name: str
    """As printed on invoices; not empty. Exports keep it from being taken for a formula."""
    timezone: str
    """An IANA name."""
    rate_card: str
    """The id of the rate card it begins with; ``terms`` may name others for later days."""
    key_ids: tuple[str, ...]
    """The ``api_key_id`` values whose usage this account pays for, at all times."""
    key_periods: tuple[KeyPeriod, ...] = ()
    """Those it pays for during a span of time."""
    terms: tuple[Terms, ...] = ()
    """In the order of time, the first from the beginning; where none are given, the rate card and nothing else."""
    credits: tuple[CreditGrant, ...] = ()
    items: tuple[OneOffItem, ...] = ()
    coupons: tuple[Coupon, ...] = ()
    """In the order in which they are taken off."""
    exchange: Exchange | None = None
    """How it pays prices in other currencies, and in which it pays; None = in that of its rate cards."""
    begins_on: date | None = None
    """First day for which fees, seats and commitment are owed; None = as the terms say."""
    ends_on: date | None = None
    """First day for which they are owed no more; None = until further notice."""
    month_day: int = 1
    """With which day of the calendar's months its own begin: 1 to 28. It stays, once the account is invoiced."""
    invoiced_to: tuple[InvoicedTo, ...] = ()
    """In the order of time; its lines are on its own invoices in all other periods."""
    tax: Tax | None = None
    """Since ever; ``tax_changes`` may say otherwise for later days."""
    tax_changes: tuple[TaxChange, ...] = ()
    """In the order of time."""
    payment_terms_days: int | None = None
    """Days from issue to due date; None = no due date is printed."""
    payment_terms: str = ""
    """In words, as printed: ``30 days net``."""
    buyer: Party = field(default_factory=Party)
    """As printed; without a name of its own, the account's."""
    buyer_reference: str = ""
    """What the buyer finds the invoice by, such as a Leitweg-ID (BT-10 of EN 16931)."""
    purchase_order: str = ""
    note: str = ""
    """Printed on its invoices; where empty, the workspace's."""
    language: str = ""
    """That of its invoices (``parties.LANGUAGES``); where empty, the workspace's."""

    cost_card: str = ""
    """The id of the rate card of what its usage costs us; empty = the workspace's. No bill depends on it."""

    stripe_customer: str = ""
    """The id of Stripe's customer to whom its invoices are handed over; empty where they are not."""
    lago_customer: str = ""
    """What Lago calls the external id of its customer; where empty, the account's id."""

    _keys: tuple[KeyPeriod, ...] = field(init=False, repr=False, compare=False, default=())

    def __post_init__(self) -> None:
        """Refuse what cannot be an account."""
        keys = (*(KeyPeriod(key_id=key_id) for key_id in self.key_ids), *self.key_periods)
        object.__setattr__(self, "_keys", keys)
        refuse_unusable_id("account id", self.id, AccountsError)
        if not self.name.strip() or "\0" in self.name or len(self.name) > NAME_CHARACTERS_MAX:
            message = (
                f"name {self.name!r} of account {self.id!r} cannot be printed; "
                f"write 1 to {NAME_CHARACTERS_MAX} characters"
            )
            raise AccountsError(message)
        for number, key in enumerate(self.keys, start=1):
            if not NAME.fullmatch(key.key_id):  # what stands there may be a raw key: say where it is, not what it is
                message = (
                    f"key {number} of account {self.id!r} is no key id (length {len(key.key_id)}); "
                    f"a key id has {NAME_IN_WORDS}, and 'tallybook keys id' makes one from a raw key"
                )
                raise AccountsError(message)
        time_zone(self.timezone)
        if not self.terms:
            object.__setattr__(self, "terms", (Terms(from_date=None, rate_card=self.rate_card),))
        self._refuse_dates()
        refuse_disorder(self.id, self.terms, self.month_day)
        for what in ("purchase_order", "buyer_reference", "payment_terms", "note"):
            refuse_unprintable(what, getattr(self, what))
        _refuse_unusable_customers(self)
        if self.language:
            refuse_unknown_language(self.language)
        refuse_two_parents(self.id, self.invoiced_to)
        _refuse_twice(self.id, "item", "item", [item.id for item in self.items])
        _refuse_twice(self.id, "coupon", "coupon", [coupon.id for coupon in self.coupons])
        _refuse_twice(self.id, "credit", "grant", [grant.id for grant in self.credits])
        for grant in self.credits:
            if grant.recurs:
                _refuse_names_of_months(self.id, grant.id, [each.id for each in self.credits])

    def _refuse_dates(self) -> None:
        """Raise ``AccountsError`` for an end before the beginning, and for months or years that begin nowhere."""
        if not 1 <= self.month_day <= MONTH_DAY_MAX:
            message = (
                f"billing_day of account {self.id!r} is {self.month_day}; write a day that every month has, "
                f"1 to {MONTH_DAY_MAX}"
            )
            raise AccountsError(message)
        if self.begins_on is not None and self.ends_on is not None and self.ends_on <= self.begins_on:
            message = (
                f"account {self.id!r} ends on {self.ends_on}, not after {self.begins_on}, when it begins; "
                "ends_on is exclusive"
            )
            raise AccountsError(message)
        by_the_year = any(terms.yearly_commitment for terms in self.terms)
        if by_the_year and (self.begins_on is None or self.begins_on.day != self.month_day):
            first = "first of the" if self.month_day == 1 else "day of a"
            message = (
                f"account {self.id!r} has a yearly_commitment, and begins_on is {self.begins_on or 'missing'}; "
                f"write the {first} month with which its years begin, such as 2026-10-{self.month_day:02}"
            )
            raise AccountsError(message)

    @property
    def zone(self) -> ZoneInfo:
        """The account's time zone."""
        return time_zone(self.timezone)

    @property
    def keys(self) -> tuple[KeyPeriod, ...]:
        """Every key with the time during which it is the account's."""
        return self._keys

    def terms_on(self, usage_date: date) -> Terms:
        """Return the terms in force on a usage date."""
        return terms_on(self.terms, usage_date)

    def terms_in_force(self, period: BillingPeriod | ContractYear) -> tuple[TermsInForce, ...]:
        """Return the terms by which a period's fees, seats and commitment (or a year's) are owed, with their days."""
        return terms_in_force(self.terms, period, begins_on=self.begins_on, ends_on=self.ends_on)

    def year_of(self, period: BillingPeriod) -> ContractYear | None:
        """Return the year of the contract that a billing period lies in; None without a commitment by the year."""
        if self.begins_on is None or not any(terms.yearly_commitment for terms in self.terms):
            return None
        return year_of(period, begins_on=self.begins_on, ends_on=self.ends_on)

    def year_settled_in(self, period: BillingPeriod) -> ContractYear | None:
        """Return the year of the contract whose commitment is settled with a billing period, or None."""
        year = self.year_of(period)
        return year if year is not None and year.settled_in == period else None

    def counted_in(self, period: BillingPeriod) -> Iterator[BillingPeriod]:
        """Yield the months whose usage decides what a month is worth: itself, and maybe those of its year before it.

        They do where a commitment by the year is settled with the month, and where what is beyond one has a price of
        its own: with a contract from September, August is raised to what the twelve months lack.
        """
        yield period
        in_force = self.terms_in_force(period)
        is_beyond_the_year = any(each.terms.has_overage for each in in_force) and not any(
            each.terms.minimum_commitment for each in in_force
        )
        year = self.year_of(period) if is_beyond_the_year else self.year_settled_in(period)
        if year is None or not any(each.terms.yearly_commitment for each in self.terms_in_force(year)):
            return
        month = self.month_of(year.first_date)
        while month < period:
            yield month
            month = month.next()

    def currency_by(self, card_currencies: Mapping[str, str]) -> str:
        """Return the currency that it pays in: its own where it says so, else that of its rate cards.

        ``card_currencies`` are those of rate cards, by id; empty where its card is not among them.
        """
        return self.exchange.currency if self.exchange else card_currencies.get(self.rate_card, "")

    def month_of(self, usage_date: date) -> BillingPeriod:
        """Return the month of the account that a usage date lies in."""
        return BillingPeriod.of(usage_date, self.month_day)

    @property
    def calendar(self) -> str:
        """What its days and months are counted by: its time zone, and the day of the month where that is not the first.

        ``Europe/Berlin``, ``Europe/Berlin@15``.
        """
        return self.timezone if self.month_day == 1 else f"{self.timezone}@{self.month_day}"

    def period_of(self, month: BillingPeriod) -> BillingPeriod:
        """Return the months that are billed together with one of them, by the terms in force on its first day."""
        return self.terms_on(month.first_date).billed_by.period_of(month)

    def invoiced_in(self, period: BillingPeriod) -> str:
        """Return the id of the account on whose invoice its lines of a billing period are: its own, or its parent's."""
        return next((span.account_id for span in self.invoiced_to if span.holds(period)), self.id)

    def tax_of(self, period: BillingPeriod) -> Tax | None:
        """Return the tax of what is supplied in a billing period: that in force on its last day.

        Supplies that are billed month by month are taxed at the end of the month which their bill covers, and those
        billed by the quarter at the end of the quarter (for the European Union: Directive 2006/112/EC, article 64),
        whenever the bill is written.
        """
        in_force = self.tax
        for change in self.tax_changes:
            if change.from_date < period.end_date:
                in_force = change.tax
        return in_force


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """All accounts of a workspace, in the order of the file.

    Construction raises ``AccountsError`` for an id or a key that occurs twice.
    """

    accounts: tuple[Account, ...] = ()
    tags: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: MappingProxyType({}))
    """Key id → its tags, such as team and project."""
    stated: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False, compare=False)
    """Account id → what the file says of it: the same text in the same configuration otherwise is the same account."""
    _by_key_id: dict[str, list[tuple[KeyPeriod, Account]]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )
    _by_id: dict[str, Account] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a second owner, and remember the one of each key."""
        for account in self.accounts:
            if account.id in self._by_id:
                message = f"account id {account.id!r} is used twice; give every account an id of its own"
                raise AccountsError(message)
            self._by_id[account.id] = account
            for key in account.keys:
                self._by_key_id.setdefault(key.key_id, []).append((key, account))
        refuse_impossible_parents(self._by_id)
        refuse_two_owners((account.id, key) for account in self.accounts for key in account.keys)
        for key_id, tags in self.tags.items():
            refuse_tags(key_id, tags)

    def __iter__(self) -> Iterator[Account]:
        """Yield the accounts in the order of the file."""
        return iter(self.accounts)

    def __len__(self) -> int:
        """Count the accounts."""
        return len(self.accounts)

    def account_of(self, api_key_id: str, used_at: datetime | None = None) -> Account | None:
        """Return the account that pays for a key at an instant, or None: that usage is unassigned.

        Without an instant, the account that pays for it at all times; a key that moves has none such.
        """
        for key, account in self._by_key_id.get(api_key_id, ()):
            if (key.from_at is None and key.to_at is None) if used_at is None else key.holds(used_at):
                return account
        return None

    def owner_of(self, api_key_id: str, now: datetime | None) -> str:
        """Return the id of the account that people are told a key is of, empty where it is of none.

        The one that pays for it now; of a key that is nobody's now, the one that paid last.
        """
        holders = self._by_key_id.get(api_key_id, ())
        if not holders:
            return ""
        account = self.account_of(api_key_id, now) if now is not None else None
        _, last = max(holders, key=lambda holder: holder[0].to_at or _FOR_EVER)
        return (account or last).id

    def month_of(self, account_id: str, usage_date: date) -> BillingPeriod:
        """Return the month that a usage date lies in, of an account; of the calendar where there is none such."""
        account = self._by_id.get(account_id)
        return BillingPeriod.of(usage_date) if account is None else account.month_of(usage_date)

    def by_id(self, account_id: str) -> Account | None:
        """Return the account with an id, or None."""
        return self._by_id.get(account_id)

    def only(self, ids: Collection[str], key_ids: Collection[str]) -> Accounts:
        """Return these accounts alone, in the order of the file, and the tags of these keys."""
        return Accounts(
            accounts=tuple(account for account in self.accounts if account.id in ids),
            tags={key_id: tags for key_id, tags in self.tags.items() if key_id in key_ids},
        )

    def tags_text(self, api_key_id: str) -> str:
        """Return the tags of a key as one cell, ``project=x;team=search``; empty where it has none."""
        return tags_text(self.tags.get(api_key_id, {}))


def _refuse_twice(account_id: str, what: str, each: str, ids: Sequence[str]) -> None:
    for one in ids:
        if ids.count(one) > 1:
            message = f"{what} id {one!r} of account {account_id!r} is used twice; give every {each} an id of its own"
            raise AccountsError(message)


def _refuse_unusable_customers(account: Account) -> None:
    for what in ("stripe_customer", "lago_customer"):
        customer = getattr(account, what)
        if customer and not _CUSTOMER.fullmatch(customer):
            message = (
                f"{what} {customer!r} of account {account.id!r} is no id of a customer; "
                "write 1 to 255 visible characters of ASCII"
            )
            raise AccountsError(message)


def _refuse_names_of_months(account_id: str, recurring_id: str, ids: Sequence[str]) -> None:
    """Refuse grants that are called as a month of a grant that recurs is."""
    for one in ids:
        if re.fullmatch(rf"{re.escape(recurring_id)}\.[0-9]{{4}}-[0-9]{{2}}", one):
            message = (
                f"credit id {one!r} of account {account_id!r} is that of a month of {recurring_id!r}, which recurs; "
                "choose another one"
            )
            raise AccountsError(message)
