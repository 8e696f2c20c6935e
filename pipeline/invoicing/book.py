"""The book: every issued invoice, and every draft that follows from usage, terms and what is issued.

Owns which account and period has a draft, on which draft corrections stand, and in which order drafts consume credits.
Does not own the lines themselves, nor where issued invoices are kept (``pipeline.register.entries``).

A month of an account is closed by its issued invoice, and open again once a credit note takes that invoice back. Months
are what is worth something, and an invoice may gather several: whatever is billed together now, a month that is closed
is on no draft, so that no day is billed twice, and one that is open is on exactly one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError
from pipeline.base.money import exact_sum, plain
from pipeline.invoicing.corrections import correction_lines, invoiced_so_far, worth_of_lines
from pipeline.invoicing.credits import NOTHING_CONSUMED, CreditBalance, consumed_by_grant, grants_of, lapsed_of
from pipeline.invoicing.draft import OwedBy, draft_of_accounts
from pipeline.invoicing.invoice import InvoiceStatus, credited_by, credited_in_part_by
from pipeline.invoicing.lines import CAPPED_KINDS, SPENT_KINDS, total_of
from pipeline.invoicing.places import closed_periods, draft_places, open_period
from pipeline.invoicing.rules import NEWEST, Rules
from pipeline.invoicing.worth.period_lines import period_lines
from pipeline.invoicing.worth.recurring_lines import YearSoFar
from pipeline.invoicing.worth.usage_lines import usage_lines

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from pipeline.accounts import Account, Accounts, ContractYear, Letterhead, OneOffItem, Tax, Terms, TermsInForce
    from pipeline.base.money import Rounding
    from pipeline.base.periods import BillingPeriod
    from pipeline.invoicing.corrections import Cell, Worth
    from pipeline.invoicing.invoice import Invoice
    from pipeline.invoicing.lines import InvoiceLine
    from pipeline.invoicing.tax import TaxOf
    from pipeline.rates.limits import EntryLimit
    from pipeline.rating import Charge

Place = tuple[str, "BillingPeriod"]
"""Account id and billing period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LateUsage:
    """A period that is worth something else now than what was invoiced for it so far.

    With it, the draft that carries the difference.
    """

    account_id: str
    period: BillingPeriod
    invoice_ids: tuple[str, ...]
    """What was issued for the period."""
    currency: str
    difference: Decimal
    """Worth now minus what was invoiced: the sum of the period's correction lines."""
    draft_id: str
    """The draft on which they stand; empty where what was invoiced stands instead."""


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
    of which usage was forgotten: what was invoiced for them stands. ``reach`` is given where ``accounts`` are not all
    there are: the first days of the first and the last month that any account has used.

    Raises ``ConfigurationError`` where an account was invoiced in another currency than its own now, is not among the
    accounts any more, or has a grant that does not cover what was consumed of it.
    """
    refuse_removed_accounts(issued, accounts)
    if rules is not Rules.FIRST:
        refuse_lowered_grants(issued, accounts)
    reach = reach or reach_of(places)
    issued_to = _parts_by_account(issued)
    charged: dict[str, dict[BillingPeriod, Sequence[Charge]]] = {}
    for account_id, period in places:
        charged.setdefault(account_id, {})[period] = charges.get((account_id, period), ())
    without_price: dict[str, set[BillingPeriod]] = {}
    for account_id, period in unpriced:
        without_price.setdefault(account_id, set()).add(period)
    of_account = {
        account.id: _AccountDrafts(
            account=account,
            currency=currencies[account.id],
            rounding=rounding,
            issued=issued_to.get(account.id, []),
            charges=charged.get(account.id, {}),
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
    invoiced = {account_id: each.closed() for account_id, each in of_account.items()}
    owing = {account_id: each.owing() for account_id, each in of_account.items()}
    closed = closed_periods(accounts, invoiced)
    differences = {account_id: each.differences(closed[account_id]) for account_id, each in of_account.items()}
    kept = {account_id: each.kept(closed[account_id]) for account_id, each in of_account.items()}
    corrections = {
        account_id: [line for line in lines if line.original_period not in kept[account_id]]
        for account_id, lines in differences.items()
    }
    places_of_drafts = draft_places(
        accounts,
        open_months={account_id: months - closed[account_id] for account_id, months in owing.items()},
        closed=closed,
        corrected={
            account_id: {invoice.period.last for invoice in of_account[account_id].issued}
            for account_id, lines in corrections.items()
            if lines
        },
    )
    carriers = places_of_drafts.carriers
    worth = {
        (account_id, month): tuple(each.worth(month))
        for account_id, each in of_account.items()
        for month in invoiced[account_id] | owing[account_id]
    }
    drafts: list[Invoice] = []
    for (payer_id, period), in_it in places_of_drafts.drafts.items():
        members = [
            of_account[account.id].owed_in(
                period,
                months=[
                    month
                    for month in period.months
                    if month not in closed[account.id] and account.invoiced_in(month) == payer_id
                ],
                corrections=corrections[account.id] if carriers.get(account.id) == (payer_id, period) else (),
            )
            for account in in_it
        ]
        payer = of_account[payer_id]
        worth.update({(payer_id, month): tuple(payer.worth(month)) for month in period.months})
        draft = draft_of_accounts(
            members,
            period=period,
            currency=currencies[payer_id],
            rounding=rounding,
            letterhead=letterhead,
            rules=rules,
            tax_of=payer.taxes(period, closed[payer_id]),
        )
        for part in draft.parts:
            of_account[part.account_id].drafted.append(part)
        drafts.append(draft)
    ids = {(draft.account_id, draft.period): draft.id for draft in drafts}
    late = [
        each
        for account_id, place in carriers.items()
        for each in of_account[account_id].late(ids[place], corrections[account_id])
    ]
    return InvoiceBook(
        issued=tuple(issued),
        drafts=tuple(drafts),
        late=tuple(sorted(late, key=lambda each: (each.period, each.account_id))),
        worth=worth,
        kept=frozenset((account_id, period) for account_id, periods in kept.items() for period in periods),
        standing=tuple(
            each
            for account_id, lines in differences.items()
            for each in of_account[account_id].late(
                "", [line for line in lines if line.original_period in kept[account_id]]
            )
        ),
    )


def reach_of(places: Collection[Place]) -> tuple[date, date] | None:
    """Return the first days of the first and the last month with usage of any account; None where there is none."""
    used = [period.first_date for _, period in places]
    return (min(used), max(used)) if used else None


def _parts_by_account(invoices: Iterable[Invoice]) -> dict[str, list[Invoice]]:
    """Return what each account has of invoices: its own, less what is of its children, and its parents' of it."""
    found: dict[str, list[Invoice]] = {}
    for invoice in invoices:
        for part in invoice.parts:
            found.setdefault(part.account_id, []).append(part)
    return found


def refuse_removed_accounts(issued: Sequence[Invoice], accounts: Accounts) -> None:
    """Raise ``ConfigurationError`` where an account that was invoiced is gone.

    Late usage and other prices could not be settled with it.

    One whose invoices are all taken back by credit notes may go.
    """
    credited = credited_by(issued)
    for invoice in issued:
        if invoice.status is not InvoiceStatus.ISSUED or invoice.id in credited:
            continue
        for account_id in invoice.account_ids:
            if accounts.by_id(account_id) is not None:
                continue
            message = (
                f"account {account_id!r} is not in accounts.toml and was invoiced ({invoice.id}, "
                f"{invoice.period}); put its entry back: late usage "
                "and corrections are settled with it. A customer who has left keeps its entry, and its keys end: "
                '{ id = "…", to = 2026-11-01 }'
            )
            raise ConfigurationError(message)


def refuse_lowered_grants(issued: Sequence[Invoice], accounts: Accounts) -> None:
    """Raise ``ConfigurationError`` where invoices consumed more of a grant than it has now, or one that is gone."""
    issued_to = _parts_by_account(issued)
    for account in accounts:
        if account.id not in issued_to:
            continue
        latest = max(invoice.period.last for invoice in issued_to[account.id])
        granted = {grant.id: grant.amount for grant in grants_of(account.credits, latest)}
        for grant_id, consumption in consumed_by_grant(issued_to[account.id]).items():
            consumed = consumption.total
            if consumed <= granted.get(grant_id, 0):
                continue
            by = sorted(
                {
                    invoice.id
                    for invoice in issued_to[account.id]
                    for line in invoice.lines
                    if line.credit_id == grant_id
                }
            )
            now = f"of {plain(granted[grant_id])}" if grant_id in granted else "not in accounts.toml"
            message = (
                f"grant {grant_id!r} of account {account.id!r} is {now}, and invoices consumed {plain(consumed)} of it "
                f"({', '.join(by)}); put back at least that amount: what was granted and used cannot be taken back"
            )
            raise ConfigurationError(message)


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
    issued_to, drafted_for = _parts_by_account(book.issued), _parts_by_account(book.drafts)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _AccountDrafts:
    """What the drafts of one account are made from."""

    account: Account
    currency: str
    rounding: Rounding
    issued: list[Invoice]
    charges: Mapping[BillingPeriod, Sequence[Charge]]
    """Of every period with usage."""
    usage: Mapping[Place, Sequence[InvoiceLine]]
    """Usage lines that are made already."""
    card_fees: Mapping[str, Decimal]
    limits: Mapping[Place, Mapping[str, EntryLimit]]
    reach: tuple[date, date] | None
    """The first days of the first and the last month with usage of any account."""
    unpriced: frozenset[BillingPeriod]
    """Periods with usage that has no price, or that was forgotten: nobody knows, or can show, what they are worth."""
    rules: Rules
    tags: Mapping[str, str]
    drafted: list[Invoice] = field(init=False, default_factory=list)
    """Its parts of drafts of earlier periods, as they are made."""
    _worth: dict[BillingPeriod, list[InvoiceLine]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a change of currency, and of the day on which months begin.

        Amounts of two currencies cannot be subtracted, and days of two kinds of months would be billed twice or never.
        """
        for invoice in self._standing():
            if invoice.period.day != self.account.month_day:
                message = (
                    f"account {self.account.id!r} was invoiced for {invoice.period} ({invoice.id}), and its months "
                    f"begin on day {self.account.month_day} now; an account that was invoiced keeps its billing_day: "
                    f"put {invoice.period.day} back, and make a new account for other months"
                )
                raise ConfigurationError(message)
        for invoice in self.issued:
            if invoice.currency != self.currency:
                message = (
                    f"account {self.account.id!r} was invoiced in {invoice.currency} ({invoice.id}) and its rate card "
                    f"is in {self.currency} now; "
                    "an account keeps its currency, make a new account for the new one"
                )
                raise ConfigurationError(message)

    def worth(self, period: BillingPeriod) -> list[InvoiceLine]:
        """Return the lines that a period is worth now."""
        if period not in self._worth:
            account, currency, rounding = self.account, self.currency, self.rounding
            usage = self.usage.get((account.id, period))
            if usage is None:
                charges = self.charges.get(period, ())
                usage = usage_lines(
                    charges,
                    account=account,
                    period=period,
                    currency=currency,
                    rounding=rounding,
                    tags=self.tags,
                    rules=self.rules,
                )
            self._worth[period] = period_lines(
                usage,
                account=account,
                period=period,
                currency=currency,
                rounding=rounding,
                card_fees=self.card_fees,
                limits=self.limits.get((account.id, period)),
                due=None if self.rules is Rules.FIRST else self._due(period),
                has_usage=period in self.charges,
                items=self._items(period),
                to_settle=self._to_settle(period),
                year_so_far=self._year_so_far(period),
            )
        return self._worth[period]

    def closed(self) -> set[BillingPeriod]:
        """Return the periods that are invoiced by something no credit note took back."""
        return {month for invoice in self._standing() for month in invoice.period.months}

    def differences(self, closed: Collection[BillingPeriod]) -> list[InvoiceLine]:
        """Return what closed periods are worth now minus what was invoiced for them, those that are ``kept`` included.

        An open period is worth its draft, and takes back older corrections.
        """
        now: dict[Cell, Worth] = {}
        for period in closed:
            now |= worth_of_lines(self.worth(period), period)
        return correction_lines(
            now, invoiced_so_far(self.issued), currency=self.currency, rounding=self.rounding, tags=self.tags
        )

    def kept(self, closed: Collection[BillingPeriod]) -> frozenset[BillingPeriod]:
        """Return the closed periods whose worth nobody knows, or can show: see ``InvoiceBook.kept``."""
        return frozenset() if self.rules is Rules.FIRST else self.unpriced.intersection(closed)

    def owing(self) -> set[BillingPeriod]:
        """Return the periods with usage, or with something that is owed without."""
        return {*self.charges, *self._owed()}

    def owed_in(
        self, period: BillingPeriod, *, months: Sequence[BillingPeriod], corrections: Sequence[InvoiceLine]
    ) -> OwedBy:
        """Return what the account has on the draft of a period, which uses credits after those before it.

        What ``months`` of it are worth, each line with its month where the period has several, and corrections where
        they stand there.
        """
        worth = [
            line if period.count == 1 else replace(line, period=month) for month in months for line in self.worth(month)
        ]
        return OwedBy(
            account=self.account,
            worth=worth,
            corrections=corrections,
            consumed=consumed_by_grant([*self.issued, *self.drafted]) if self.account.credits else {},
        )

    def late(self, draft_id: str, corrections: Sequence[InvoiceLine]) -> Iterator[LateUsage]:
        """Yield every period with corrections that are not issued yet; the draft has them."""
        for period in sorted({line.original_period for line in corrections if line.original_period is not None}):
            yield LateUsage(
                account_id=self.account.id,
                period=period,
                invoice_ids=tuple(invoice.id for invoice in self.issued if invoice.period.holds(period)),
                currency=self.currency,
                difference=exact_sum(line.amount for line in corrections if line.original_period == period),
                draft_id=draft_id,
            )

    def _standing(self) -> list[Invoice]:
        """Return the issued invoices that no credit note took back."""
        credited = credited_by(self.issued)
        return [each for each in self.issued if each.status is InvoiceStatus.ISSUED and each.id not in credited]

    def taxes(self, period: BillingPeriod, closed: Collection[BillingPeriod]) -> TaxOf:
        """Return the tax of a draft's period, and of months: that of the end of the period which they are billed with.

        A month is corrected with the tax that it was invoiced with, also where the account has another interval since.
        """
        standing = self._standing()

        def tax_of(supplied: BillingPeriod) -> Tax | None:
            if supplied == period:
                return self.account.tax_of(period)
            billed_with = next((each.period for each in standing if each.period.holds(supplied)), None)
            return self.account.tax_of(billed_with or open_period(self.account, supplied, closed))

        return tax_of

    def _owed(self) -> Iterator[BillingPeriod]:
        """Yield the periods for which something is owed without usage, within those that any account has used."""
        if self.reach is None:
            return
        first_date, last_date = self.reach
        period = self.account.month_of(first_date)
        while period.first_date <= last_date:
            is_due = any(self._owes(each.terms) for each in self._due(period))
            if is_due or (self._is_reached(period) and self._owes_a_year(period)):
                yield period
            period = period.next()
        months = {self.account.month_of(item.date) for item in self.account.items}
        yield from {month for month in months if month.first_date <= last_date}

    def _owes(self, terms: Terms) -> bool:
        has_fee = terms.fee_without_usage and terms.rate_card in self.card_fees
        return terms.minimum_commitment > 0 or terms.seats > 0 or has_fee

    def _owes_a_year(self, period: BillingPeriod) -> bool:
        year = self.account.year_settled_in(period)
        in_force = self.account.terms_in_force(year) if year else ()
        return any(each.terms.yearly_commitment for each in in_force)

    def _to_settle(self, period: BillingPeriod) -> YearSoFar | None:
        """Return the year of the contract that is settled with a period, once any account has used the period.

        What was spent in its months before is what they are worth now.
        """
        year = self.account.year_settled_in(period) if self._is_reached(period) else None
        return None if year is None else self._spent_before(period, year)

    def _year_so_far(self, period: BillingPeriod) -> YearSoFar | None:
        """Return the year of the contract up to a period with usage whose overage has a price of its own."""
        has_price = any(each.terms.has_overage for each in self.account.terms_in_force(period))
        year = self.account.year_of(period) if has_price and period in self.charges else None
        return None if year is None else self._spent_before(period, year)

    def _spent_before(self, period: BillingPeriod, year: ContractYear) -> YearSoFar:
        before, month = [], self.account.month_of(year.first_date)
        while month < period:
            before.append(total_of(self.worth(month), *SPENT_KINDS))
            month = month.next()
        return YearSoFar(year=year, spent_before=exact_sum(before))

    def _due(self, period: BillingPeriod) -> tuple[TermsInForce, ...]:
        """Return the terms by which something is owed for a period without usage; none before any account has used it.

        Terms without a date, of a contract without one, begin with the account's first usage.
        """
        if not self._is_reached(period):
            return ()
        first_used = min(self.charges, default=None)
        has_begun = self.account.begins_on is not None or (first_used is not None and first_used <= period)
        in_force = self.account.terms_in_force(period)
        return tuple(each for each in in_force if has_begun or each.terms.from_date is not None)

    def _items(self, period: BillingPeriod) -> list[OneOffItem]:
        """Return the one-off items of a period, once any account has used it or a later one."""
        is_reached = self.reach is not None and period.first_date <= self.reach[1]
        return [item for item in self.account.items if is_reached and self.account.month_of(item.date) == period]

    def _is_reached(self, period: BillingPeriod) -> bool:
        """Say whether usage of any account has reached a month: one that begins no earlier has some."""
        return self.reach is not None and self.reach[0] <= period.first_date <= self.reach[1]
