"""Whose invoice an account is on: its own, or for some time that of another account, its parent.

Owns which account is invoiced for a billing period, and what a parent and its children must have in common. Does not
own the lines that stand on the one invoice (``pipeline.invoicing.book``).

What a child owes is computed by its own terms, as if it stood alone: prices, discounts, included tokens, tiers, fees,
commitments, items, coupons and its own credits. What is said of the invoice as a whole is the parent's: number, buyer,
tax, terms of payment, language. A parent may be on no other account's invoice at the same time.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from pipeline.accounts.parties import Party
from pipeline.accounts.terms import terms_on
from pipeline.base.errors import AccountsError
from pipeline.base.periods import BillingPeriod

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.accounts.billing import Tax, TaxChange
    from pipeline.accounts.coupons import Coupon
    from pipeline.accounts.terms import Terms

_OF_INVOICES = (
    "tax",
    "tax_changes",
    "payment_terms_days",
    "payment_terms",
    "buyer",
    "buyer_reference",
    "purchase_order",
    "note",
    "language",
    "stripe_customer",
    "lago_customer",
)
"""What an account says of its invoices: of one that never has an invoice of its own, nobody would ever read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicedTo:
    """Another account, and for which billing periods its invoices have the lines of an account.

    Construction raises ``AccountsError`` for a span that is none, or that does not begin and end with billing periods:
    tiers, included tokens, fees and commitments are those of whole ones.
    """

    account_id: str
    """The parent's."""
    from_date: date | None = None
    """First day; None = from the beginning."""
    to_date: date | None = None
    """First day on which it is no longer so; None = until further notice."""

    def __post_init__(self) -> None:
        """Refuse what cannot be a span."""
        for what, day in (("from", self.from_date), ("to", self.to_date)):
            if day is not None and BillingPeriod.of(day).first_date != day:
                message = (
                    f"invoiced_to {self.account_id!r} has the {what} {day}; write the first day of a month, such as "
                    f"{BillingPeriod.of(day).end_date}: fees, tiers and commitments are those of whole months"
                )
                raise AccountsError(message)
        if self.from_date is not None and self.to_date is not None and self.to_date <= self.from_date:
            message = (
                f"invoiced_to {self.account_id!r} ends on {self.to_date}, not after {self.from_date}, when it begins; "
                "to is exclusive"
            )
            raise AccountsError(message)

    def holds(self, period: BillingPeriod) -> bool:
        """Say whether a billing period lies within."""
        return (self.from_date is None or self.from_date <= period.first_date) and (
            self.to_date is None or period.end_date <= self.to_date
        )

    def overlaps(self, other: InvoicedTo) -> bool:
        """Say whether two spans have a day in common."""
        return (self.to_date is None or other.from_date is None or other.from_date < self.to_date) and (
            other.to_date is None or self.from_date is None or self.from_date < other.to_date
        )


class Sharing(Protocol):
    """What an account says that accounts on one invoice must agree about; all of ``_OF_INVOICES`` besides."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def timezone(self) -> str:
        """IANA name."""

    @property
    def month_day(self) -> int:
        """With which day of the calendar's months its own begin."""

    @property
    def terms(self) -> tuple[Terms, ...]:
        """By which months are billed together."""

    @property
    def invoiced_to(self) -> tuple[InvoicedTo, ...]:
        """Its parents."""

    @property
    def tax(self) -> Tax | None:
        """Since ever."""

    @property
    def tax_changes(self) -> tuple[TaxChange, ...]:
        """From days on."""

    @property
    def coupons(self) -> tuple[Coupon, ...]:
        """Of its own worth."""


def refuse_two_parents(account_id: str, spans: Sequence[InvoicedTo]) -> None:
    """Raise ``AccountsError`` where spans of one account are not in the order of time, or have a day in common."""
    for earlier, later in pairwise(spans):
        if later.from_date is None or earlier.to_date is None or later.from_date < earlier.to_date:
            message = (
                f"account {account_id!r} is invoiced_to {earlier.account_id!r} and {later.account_id!r} at a time; "
                "write one after the other, each with its from and its to"
            )
            raise AccountsError(message)


def refuse_impossible_parents(accounts: Mapping[str, Sharing]) -> None:
    """Raise ``AccountsError`` for accounts that cannot share an invoice; ``accounts`` are all there are, by id."""
    for account in accounts.values():
        for span in account.invoiced_to:
            parent = accounts.get(span.account_id)
            if parent is None or parent is account:
                why = "which is itself" if parent is account else "and there is no such account"
                message = (
                    f"account {account.id!r} is invoiced_to {span.account_id!r}, {why}; name the account that gets the "
                    "invoice, or leave invoiced_to out"
                )
                raise AccountsError(message)
            _refuse_chain(account, span, parent)
            _refuse_other_periods(account, span, parent)
            _refuse_differences(account, parent)
            _refuse_another_tax(account, accounts[account.invoiced_to[0].account_id], parent)


def _refuse_chain(account: Sharing, span: InvoicedTo, parent: Sharing) -> None:
    beyond = next((each for each in parent.invoiced_to if each.overlaps(span)), None)
    if beyond is not None:
        message = (
            f"account {account.id!r} is invoiced_to {parent.id!r}, which is invoiced_to {beyond.account_id!r} at the "
            f"same time; name the account that gets the invoice in both"
        )
        raise AccountsError(message)


def _refuse_other_periods(account: Sharing, span: InvoicedTo, parent: Sharing) -> None:
    """Raise where an account and its parent are billed by different periods, or a move lies within one."""
    for each in (account, parent):
        if each.month_day != 1:
            message = (
                f"account {account.id!r} is invoiced_to {parent.id!r}, and {each.id!r} has a billing_day of its own; "
                "accounts on one invoice are billed by months of the calendar: leave it out"
            )
            raise AccountsError(message)
    changes = {each.from_date for each in (*account.terms, *parent.terms) if each.from_date is not None}
    for day in (date.min, *sorted(changes)):
        mine, its = (terms_on(each.terms, day).billed_by for each in (account, parent))
        if mine != its:
            since = "" if day == date.min else f" from {day} on"
            message = (
                f"account {account.id!r} is invoiced_to {parent.id!r} and is billed by {mine}{since}, not by {its}; "
                "accounts on one invoice are billed by the same periods"
            )
            raise AccountsError(message)
    for what, bound in (("from", span.from_date), ("to", span.to_date)):
        if bound is not None and not terms_on(parent.terms, bound).billed_by.begins_on(bound, 1):
            message = (
                f"account {account.id!r} is invoiced_to {parent.id!r} {what} {bound}, within a period of "
                f"{terms_on(parent.terms, bound).billed_by}; write the first day of one"
            )
            raise AccountsError(message)


def _refuse_differences(account: Sharing, parent: Sharing) -> None:
    if account.timezone != parent.timezone:
        message = (
            f"account {account.id!r} is invoiced_to {parent.id!r} and its timezone is {account.timezone}, not "
            f"{parent.timezone}; accounts on one invoice have the same days"
        )
        raise AccountsError(message)
    ignored = list(_said_of_invoices(account)) if _never_has_its_own(account.invoiced_to) else []
    if ignored:
        message = (
            f"account {account.id!r} is invoiced_to {parent.id!r} and has {', '.join(ignored)}, which no invoice would "
            f"have; write it into account {parent.id!r}, or leave it out"
        )
        raise AccountsError(message)
    taxes = (parent.tax, *(change.tax for change in parent.tax_changes))
    if account.coupons and any(tax is not None and tax.by_kind for tax in taxes):
        message = (
            f"account {account.id!r} has coupons and is invoiced_to {parent.id!r}, where kinds of lines have a tax of "
            "their own (by_kind), over which coupons of a child are not split; end one of the two, or write what is "
            "taken off as a discount_percent"
        )
        raise AccountsError(message)


def _refuse_another_tax(account: Sharing, first: Sharing, parent: Sharing) -> None:
    """Raise where months of an account are invoiced at different taxes.

    Whoever is invoiced later has their corrections, at the tax of its own months.
    """
    before = first if _never_has_its_own(account.invoiced_to) else account
    if (before.tax, before.tax_changes) != (parent.tax, parent.tax_changes):
        message = (
            f"account {account.id!r} is invoiced_to {parent.id!r} for some time, whose tax is not that of "
            f"{before.id!r}: months that were invoiced before would be corrected at the wrong tax; write the same tax "
            "into both, or make a new account and move the keys"
        )
        raise AccountsError(message)


def _never_has_its_own(spans: Sequence[InvoicedTo]) -> bool:
    return (
        bool(spans)
        and spans[0].from_date is None
        and spans[-1].to_date is None
        and all(earlier.to_date == later.from_date for earlier, later in pairwise(spans))
    )


def _said_of_invoices(account: Sharing) -> Iterator[str]:
    """Yield the keys of ``accounts.toml`` by which an account says something of its invoices."""
    for name in _OF_INVOICES:
        said = getattr(account, name)
        if name == "buyer":
            if said != Party():
                yield from (f"buyer's {each.name}" for each in fields(Party) if getattr(said, each.name))
        elif said not in (None, "", ()):
            yield "tax" if name == "tax_changes" else name
