"""The book: every issued invoice, and every draft that follows from usage, terms and what is issued.

Owns which account and period has a draft, on which draft corrections stand, and in which order drafts consume credits.
Does not own the lines themselves, nor where issued invoices are kept (``pipeline.register.entries``).

A period of an account is closed by its issued invoice, and open again once a credit note takes that invoice back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError
from pipeline.base.money import exact_sum, plain
from pipeline.base.periods import BillingPeriod
from pipeline.invoicing.corrections import correction_lines, invoiced_so_far, worth_of_lines
from pipeline.invoicing.credits import CreditBalance, consumed_by_grant, grants_of
from pipeline.invoicing.draft import OwedBy, draft_of_accounts
from pipeline.invoicing.invoice import InvoiceStatus, credited_by
from pipeline.invoicing.lines import SPENT_KINDS, total_of
from pipeline.invoicing.period_lines import period_lines
from pipeline.invoicing.places import closed_periods, draft_places
from pipeline.invoicing.recurring_lines import YearToSettle
from pipeline.invoicing.rules import NEWEST, Rules
from pipeline.invoicing.usage_lines import usage_lines

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from decimal import Decimal

    from pipeline.accounts import Account, Accounts, Letterhead, OneOffItem, Terms, TermsInForce
    from pipeline.base.money import Rounding
    from pipeline.invoicing.corrections import Cell, Worth
    from pipeline.invoicing.invoice import Invoice
    from pipeline.invoicing.lines import InvoiceLine
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
    """The draft on which they stand."""


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
    """Closed periods with usage that has no price: what was invoiced for them stands until it has one."""

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
        found: dict[str, list[str]] = {}
        for invoice in self.issued:
            if invoice.is_partial:
                found.setdefault(invoice.credits_invoice, []).append(invoice.id)
        return found


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
    rules: Rules = NEWEST,
) -> InvoiceBook:
    """Make the book from what is issued and from all charges.

    ``places`` have usage, priced or not; ``currencies`` are the accounts', by id.

    ``card_fees`` are the monthly fees of the rate cards that have one, ``limits`` those of the entries of their cards;
    ``usage`` are the usage lines of places, with
    their tags, that need not be made of charges any more; ``unpriced`` are the places with usage that has no price:
    what was invoiced for them stands until it has one.

    Raises ``ConfigurationError`` where an account was invoiced in another currency than its own now, is not among the
    accounts any more, or has a grant that does not cover what was consumed of it.
    """
    refuse_removed_accounts(issued, accounts)
    if rules is not Rules.FIRST:
        refuse_lowered_grants(issued, accounts)
    used = [period for _, period in places]
    reach = (min(used), max(used)) if used else None
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
    corrections = {account_id: each.corrections(closed[account_id]) for account_id, each in of_account.items()}
    places_of_drafts = draft_places(
        accounts,
        open_periods={account_id: periods - closed[account_id] for account_id, periods in owing.items()},
        closed=closed,
        corrected={
            account_id: {invoice.period for invoice in of_account[account_id].issued}
            for account_id, lines in corrections.items()
            if lines
        },
    )
    carriers = places_of_drafts.carriers
    worth = {
        (account_id, period): tuple(each.worth(period))
        for account_id, each in of_account.items()
        for period in invoiced[account_id] | owing[account_id]
    }
    drafts: list[Invoice] = []
    for place, (payer, *children) in places_of_drafts.drafts.items():
        members = [
            of_account[account.id].owed_in(
                place[1],
                is_open=place[1] not in closed[account.id],
                corrections=corrections[account.id] if carriers.get(account.id) == place else (),
            )
            for account in (payer, *children)
        ]
        worth[place] = tuple(of_account[payer.id].worth(place[1]))
        draft = draft_of_accounts(
            members,
            period=place[1],
            currency=currencies[payer.id],
            rounding=rounding,
            letterhead=letterhead,
            rules=rules,
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
        kept=frozenset(
            (account_id, period) for account_id, each in of_account.items() for period in each.kept(closed[account_id])
        ),
    )


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
        latest = max(invoice.period for invoice in issued_to[account.id])
        granted = {grant.id: grant.amount for grant in grants_of(account.credits, latest)}
        for grant_id, consumed in consumed_by_grant(issued_to[account.id]).items():
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


def above_spend_cap(book: InvoiceBook, accounts: Accounts) -> Iterator[tuple[Invoice, Decimal, Decimal]]:
    """Yield what each account has of a draft, where its usage and fees are above the spend cap of its period.

    With what was spent, and the cap.
    """
    for part in (part for draft in book.drafts for part in draft.parts):
        account = accounts.by_id(part.account_id)
        cap = account.terms_on(part.period.first_date).spend_cap if account else None
        spent = total_of(part.lines, *SPENT_KINDS)
        if cap is not None and spent > cap:
            yield part, spent, cap


def credit_balances(book: InvoiceBook, accounts: Accounts, currencies: Mapping[str, str]) -> Iterator[CreditBalance]:
    """Yield every grant with what issued invoices and drafts use of it, and what expired of it.

    By account, in the order in which grants are consumed. One that recurs is a grant a month, up to the latest month
    that has an invoice or a draft.
    """
    nothing = exact_sum([])
    periods = [invoice.period for invoice in book.of()]
    issued_to, drafted_for = _parts_by_account(book.issued), _parts_by_account(book.drafts)
    for account in accounts:
        consumed, reserved = (consumed_by_grant(parts.get(account.id, ())) for parts in (issued_to, drafted_for))
        started = [BillingPeriod.of(grant.granted_on) for grant in account.credits]
        for grant in grants_of(account.credits, max(periods or started)) if started else ():
            yield CreditBalance(
                account_id=account.id,
                currency=currencies[account.id],
                grant=grant,
                consumed=consumed.get(grant.id, nothing),
                reserved=reserved.get(grant.id, nothing),
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
    reach: tuple[BillingPeriod, BillingPeriod] | None
    """The first and the last period with usage of any account."""
    unpriced: frozenset[BillingPeriod]
    """Periods with usage that has no price: nobody knows what they are worth."""
    rules: Rules
    tags: Mapping[str, str]
    drafted: list[Invoice] = field(init=False, default_factory=list)
    """Its parts of drafts of earlier periods, as they are made."""
    _worth: dict[BillingPeriod, list[InvoiceLine]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a change of currency: amounts of two currencies cannot be subtracted."""
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
            )
        return self._worth[period]

    def closed(self) -> set[BillingPeriod]:
        """Return the periods that are invoiced by something no credit note took back."""
        credited = credited_by(self.issued)
        return {
            invoice.period
            for invoice in self.issued
            if invoice.status is InvoiceStatus.ISSUED and invoice.id not in credited
        }

    def corrections(self, closed: Collection[BillingPeriod]) -> list[InvoiceLine]:
        """Return what closed periods are worth now minus what was invoiced for them.

        An open period is worth its draft, and takes back older corrections. One with usage that has no price keeps what
        was invoiced for it.
        """
        now: dict[Cell, Worth] = {}
        for period in closed:
            now |= worth_of_lines(self.worth(period), period)
        lines = correction_lines(
            now, invoiced_so_far(self.issued), currency=self.currency, rounding=self.rounding, tags=self.tags
        )
        kept = self.kept(closed)
        return [line for line in lines if line.original_period not in kept]

    def kept(self, closed: Collection[BillingPeriod]) -> frozenset[BillingPeriod]:
        """Return the closed periods whose worth nobody knows, since usage of theirs has no price."""
        return frozenset() if self.rules is Rules.FIRST else self.unpriced.intersection(closed)

    def owing(self) -> set[BillingPeriod]:
        """Return the periods with usage, or with something that is owed without."""
        return {*self.charges, *self._owed()}

    def owed_in(self, period: BillingPeriod, *, is_open: bool, corrections: Sequence[InvoiceLine]) -> OwedBy:
        """Return what the account has on the draft of a period, which uses credits after those before it.

        What the period is worth where it is open, and corrections where they stand there.
        """
        return OwedBy(
            account=self.account,
            worth=self.worth(period) if is_open else (),
            corrections=corrections,
            consumed=consumed_by_grant([*self.issued, *self.drafted]) if self.account.credits else {},
        )

    def late(self, draft_id: str, corrections: Sequence[InvoiceLine]) -> Iterator[LateUsage]:
        """Yield every period with corrections that are not issued yet; the draft has them."""
        for period in sorted({line.original_period for line in corrections if line.original_period is not None}):
            yield LateUsage(
                account_id=self.account.id,
                period=period,
                invoice_ids=tuple(invoice.id for invoice in self.issued if invoice.period == period),
                currency=self.currency,
                difference=exact_sum(line.amount for line in corrections if line.original_period == period),
                draft_id=draft_id,
            )

    def _owed(self) -> Iterator[BillingPeriod]:
        """Yield the periods for which something is owed without usage, within those that any account has used."""
        if self.reach is None:
            return
        period, last = self.reach
        while period <= last:
            if any(self._owes(each.terms) for each in self._due(period)) or self._owes_a_year(period):
                yield period
            period = period.next()
        yield from {each for each in map(BillingPeriod.of, (item.date for item in self.account.items)) if each <= last}

    def _owes(self, terms: Terms) -> bool:
        has_fee = terms.fee_without_usage and terms.rate_card in self.card_fees
        return terms.minimum_commitment > 0 or terms.seats > 0 or has_fee

    def _owes_a_year(self, period: BillingPeriod) -> bool:
        year = self.account.year_settled_in(period)
        in_force = self.account.terms_in_force(year) if year else ()
        return any(each.terms.yearly_commitment for each in in_force)

    def _to_settle(self, period: BillingPeriod) -> YearToSettle | None:
        """Return the year of the contract that is settled with a period, once any account has used the period.

        What was spent in its months before is what they are worth now.
        """
        is_reached = self.reach is not None and self.reach[0] <= period <= self.reach[1]
        year = self.account.year_settled_in(period) if is_reached else None
        if year is None:
            return None
        before, month = [], BillingPeriod.of(year.first_date)
        while month < period:
            before.append(total_of(self.worth(month), *SPENT_KINDS))
            month = month.next()
        return YearToSettle(year=year, spent_before=exact_sum(before))

    def _due(self, period: BillingPeriod) -> tuple[TermsInForce, ...]:
        """Return the terms by which something is owed for a period without usage; none before any account has used it.

        Terms without a date, of a contract without one, begin with the account's first usage.
        """
        if self.reach is None or not self.reach[0] <= period <= self.reach[1]:
            return ()
        first_used = min(self.charges, default=None)
        has_begun = self.account.begins_on is not None or (first_used is not None and first_used <= period)
        in_force = self.account.terms_in_force(period)
        return tuple(each for each in in_force if has_begun or each.terms.from_date is not None)

    def _items(self, period: BillingPeriod) -> list[OneOffItem]:
        """Return the one-off items of a period, once any account has used it or a later one."""
        is_reached = self.reach is not None and period <= self.reach[1]
        return [item for item in self.account.items if is_reached and BillingPeriod.of(item.date) == period]
