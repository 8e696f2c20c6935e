"""The book: every issued invoice, and every draft that follows from usage, terms and what is issued.

Owns which account and period has a draft, on which draft corrections stand, and in which order drafts consume credits.
Does not own what the drafts of one account are made from (``account_drafts``), nor where issued invoices are kept
(``pipeline.register.entries``).

A month of an account is closed by its issued invoice, and open again once a credit note takes that invoice back. Months
are what is worth something, and an invoice may gather several: whatever is billed together now, a month that is closed
is on no draft, so that no day is billed twice, and one that is open is on exactly one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from pipeline.base.money import exact_sum
from pipeline.invoicing.account_drafts import AccountDrafts
from pipeline.invoicing.credits import NOTHING_CONSUMED, CreditBalance, consumed_by_grant, grants_of, lapsed_of
from pipeline.invoicing.draft import draft_of_accounts
from pipeline.invoicing.invoice import credited_by, credited_in_part_by, parts_by_account
from pipeline.invoicing.lines import CAPPED_KINDS, total_of
from pipeline.invoicing.places import closed_periods, draft_places
from pipeline.invoicing.refused_changes import refuse_lowered_grants, refuse_removed_accounts
from pipeline.invoicing.rules import NEWEST, Rules

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from pipeline.accounts import Accounts, Letterhead
    from pipeline.base.money import Rounding
    from pipeline.base.periods import BillingPeriod
    from pipeline.invoicing.account_drafts import LateUsage, Place
    from pipeline.invoicing.draft import OwedBy
    from pipeline.invoicing.invoice import Invoice
    from pipeline.invoicing.lines import InvoiceLine
    from pipeline.rates.limits import EntryLimit
    from pipeline.rating import Charge


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceBook:
    """All invoices of a workspace as of now."""

    issued: tuple[Invoice, ...]
    """Invoices and credit notes, by number."""
    drafts: tuple[Invoice, ...]
    """By period and account."""
    late: tuple[LateUsage, ...] = ()
    worth: Mapping[Place, tuple[InvoiceLine, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """What each account's periods are worth now, before corrections, credits and tax."""
    kept: frozenset[Place] = frozenset()
    """Closed periods with usage that has no price, or that was forgotten: what was invoiced for them stands."""
    standing: tuple[LateUsage, ...] = ()
    """Those of them that are worth something else now, as far as anybody knows; no draft has the difference."""

    def of(self, period: BillingPeriod | None = None, account_id: str | None = None) -> list[Invoice]:
        """Return issued invoices and drafts, optionally of one period, or that one account has lines on."""
        return [
            invoice
            for invoice in (*self.issued, *self.drafts)
            if period in (None, invoice.period) and (account_id is None or account_id in invoice.account_ids)
        ]

    def credited_by(self) -> dict[str, str]:
        """Return which credit note takes which invoice back, by ids."""
        return credited_by(self.issued)

    def credited_in_part_by(self) -> dict[str, list[str]]:
        """Return which credit notes take a part of which invoice back, by ids."""
        return credited_in_part_by(self.issued)


def make_book(
    *,
    issued: Sequence[Invoice],
    charges: Mapping[Place, Sequence[Charge]],
    places: Collection[Place],
    accounts: Accounts,
    currencies: Mapping[str, str],
    rounding: Rounding,
    card_fees: Mapping[str, Decimal] | None = None,
    limits: Mapping[Place, Mapping[str, EntryLimit]] | None = None,
    letterhead: Letterhead | None = None,
    usage: Mapping[Place, Sequence[InvoiceLine]] | None = None,
    unpriced: Collection[Place] = (),
    reach: tuple[date, date] | None = None,
    rules: Rules = NEWEST,
) -> InvoiceBook:
    """Make the book from what is issued and from all charges.

    ``places`` have usage, priced or not; ``currencies`` are the accounts', by id.

    ``card_fees`` are the monthly fees of the rate cards that have one, ``limits`` those of the entries of their cards;
    ``usage`` are the usage lines of places, with
    their tags, that need not be made of charges any more; ``unpriced`` are the places with usage that has no price, or
    of which usage was forgotten: what was invoiced for them stands. ``reach`` are the first and the last day that any
    account has used; without it, or by rules before the fourth, the first days of the first and the last month, which
    say the same of accounts whose months begin together.

    Raises ``ConfigurationError`` where an account was invoiced in another currency than its own now, is not among the
    accounts any more, or has a grant that does not cover what was consumed of it.
    """
    refuse_removed_accounts(issued, accounts)
    if rules is not Rules.FIRST:
        refuse_lowered_grants(issued, accounts)
    if reach is None or rules < Rules.FOURTH:
        reach = _reach_of(places)
    issued_to = parts_by_account(issued)
    used, without_price = _periods_by_account(places), _periods_by_account(unpriced)
    of_account = {
        account.id: AccountDrafts(
            account=account,
            currency=currencies[account.id],
            rounding=rounding,
            issued=issued_to.get(account.id, []),
            charges={period: charges.get((account.id, period), ()) for period in used.get(account.id, ())},
            usage=usage or {},
            card_fees=card_fees or {},
            limits=limits or {},
            reach=reach,
            unpriced=frozenset(without_price.get(account.id, ())),
            rules=rules,
            tags={key.key_id: accounts.tags_text(key.key_id) for key in account.keys},
        )
        for account in accounts
    }
    closed = closed_periods(accounts, {account_id: each.closed() for account_id, each in of_account.items()})
    months = {account_id: _Months.of(each, closed[account_id]) for account_id, each in of_account.items()}
    draft_at = draft_places(
        accounts,
        open_months={account_id: each.still_open for account_id, each in months.items()},
        closed=closed,
        corrected={
            account_id: {invoice.period.last for invoice in each.drafts.issued}
            for account_id, each in months.items()
            if each.corrections
        },
    )
    drafts = [
        _draft(period, [months[each.id] for each in on_it], carriers=draft_at.carriers, letterhead=letterhead)
        for (_, period), on_it in draft_at.drafts.items()
    ]
    ids = {(draft.account_id, draft.period): draft.id for draft in drafts}
    late = [
        each
        for account_id, place in draft_at.carriers.items()
        for each in of_account[account_id].late(ids[place], months[account_id].corrections)
    ]
    return InvoiceBook(
        issued=tuple(issued),
        drafts=tuple(drafts),
        late=tuple(sorted(late, key=lambda each: (each.period, each.account_id))),
        worth={
            (account_id, month): tuple(of_account[account_id].worth(month))
            for account_id, month in (
                *((account_id, month) for account_id, each in months.items() for month in each.stated),
                *((draft.account_id, month) for draft in drafts for month in draft.period.months),
            )
        },
        kept=frozenset((account_id, period) for account_id, each in months.items() for period in each.kept),
        standing=tuple(late for each in months.values() for late in each.drafts.late("", each.standing)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Months:
    """The months of an account, and what those that are closed are worth beyond what was invoiced for them."""

    drafts: AccountDrafts
    closed: frozenset[BillingPeriod]
    """No draft is made for them any more; also those that its parent's invoice closed."""
    stated: frozenset[BillingPeriod]
    """Something is owed for them, or was invoiced."""
    still_open: frozenset[BillingPeriod]
    """Something is owed for them, and they are not closed."""
    kept: frozenset[BillingPeriod]
    """Closed ones for which stands what was invoiced: see ``InvoiceBook.kept``."""
    corrections: Sequence[InvoiceLine]
    """Differences that a draft carries."""
    standing: Sequence[InvoiceLine]
    """Differences of ``kept`` months, which no draft carries."""

    @classmethod
    def of(cls, drafts: AccountDrafts, closed: Collection[BillingPeriod]) -> _Months:
        """Make them of an account whose ``closed`` months follow from the invoices of all accounts."""
        owing, kept, differences = drafts.owing(), drafts.kept(closed), drafts.differences(closed)
        return cls(
            drafts=drafts,
            closed=frozenset(closed),
            stated=frozenset(drafts.closed() | owing),
            still_open=frozenset(owing.difference(closed)),
            kept=kept,
            corrections=[line for line in differences if line.original_period not in kept],
            standing=[line for line in differences if line.original_period in kept],
        )

    def owed_in(self, period: BillingPeriod, payer_id: str, carriers: Mapping[str, Place]) -> OwedBy:
        """Return what the account has on the draft of ``payer_id`` for a period."""
        account = self.drafts.account
        return self.drafts.owed_in(
            period,
            months=[
                month for month in period.months if month not in self.closed and account.invoiced_in(month) == payer_id
            ],
            corrections=self.corrections if carriers.get(account.id) == (payer_id, period) else (),
        )


def _draft(
    period: BillingPeriod, members: Sequence[_Months], *, carriers: Mapping[str, Place], letterhead: Letterhead | None
) -> Invoice:
    """Make the draft of the first of these accounts for a period; the others are its children.

    Each account is given its part of it, since its later drafts use credits after this one.
    """
    payer = members[0]
    made_from = payer.drafts
    draft = draft_of_accounts(
        [member.owed_in(period, made_from.account.id, carriers) for member in members],
        period=period,
        currency=made_from.currency,
        rounding=made_from.rounding,
        letterhead=letterhead,
        rules=made_from.rules,
        tax_of=made_from.taxes(period, payer.closed),
    )
    drafted = {member.drafts.account.id: member.drafts.drafted for member in members}
    for part in draft.parts:
        drafted[part.account_id].append(part)
    return draft


def _periods_by_account(places: Collection[Place]) -> dict[str, list[BillingPeriod]]:
    """Return the periods of each account, by its id."""
    found: dict[str, list[BillingPeriod]] = {}
    for account_id, period in places:
        found.setdefault(account_id, []).append(period)
    return found


def _reach_of(places: Collection[Place]) -> tuple[date, date] | None:
    """Return the first days of the first and the last month with usage of any account; None where there is none."""
    used = [period.first_date for _, period in places]
    return (min(used), max(used)) if used else None


def above_spend_cap(book: InvoiceBook, accounts: Accounts) -> Iterator[tuple[Invoice, BillingPeriod, Decimal, Decimal]]:
    """Yield what each account has of a draft, and the month, where its usage and fees are above the spend cap.

    With what was spent, and the cap. Usage beyond a commitment counts at its price.
    """
    for part in (part for draft in book.drafts for part in draft.parts):
        account = accounts.by_id(part.account_id)
        for month in part.period.months if account else ():
            cap = account.terms_on(month.first_date).spend_cap if account else None
            spent = total_of((line for line in part.lines if part.month_of(line) == month), *CAPPED_KINDS)
            if cap is not None and spent > cap:
                yield part, month, spent, cap


def credit_balances(book: InvoiceBook, accounts: Accounts, currencies: Mapping[str, str]) -> Iterator[CreditBalance]:
    """Yield every grant with what issued invoices and drafts use of it, and what expired of it.

    By account, in the order in which grants are consumed. One that recurs is a grant a month, up to the latest month
    that has an invoice or a draft.
    """
    periods = {month for invoice in book.of() for month in invoice.stated_months}
    last_dates = [period.first_date for period in periods]
    issued_to, drafted_for = parts_by_account(book.issued), parts_by_account(book.drafts)
    for account in accounts:
        drafted = drafted_for.get(account.id, [])
        reserved = consumed_by_grant(drafted)
        used = consumed_by_grant([*issued_to.get(account.id, ()), *drafted])
        started = [grant.granted_on for grant in account.credits]
        until = account.month_of(max(last_dates or started)) if started else None
        for grant in grants_of(account.credits, until) if until else ():
            of_all, of_drafts = (each.get(grant.id, NOTHING_CONSUMED) for each in (used, reserved))
            has_rolled = grant.rolls_on is not None and any(period.end_date > grant.rolls_on for period in periods)
            yield CreditBalance(
                account_id=account.id,
                currency=currencies[account.id],
                grant=grant,
                consumed=exact_sum([of_all.total, -of_drafts.total]),
                reserved=of_drafts.total,
                lapsed=lapsed_of(grant, of_all, currencies[account.id]) if has_rolled else exact_sum([]),
                is_over=any(map(grant.is_over, periods)),
            )
