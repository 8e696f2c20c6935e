"""What the drafts of one account are made from: what its periods are worth, which are closed, and what changed of them.

Owns for which periods something is owed, also without usage, and what is late. Does not own which drafts there are
(``places``), nor the lines themselves (``worth``, ``corrections``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError
from pipeline.base.money import exact_sum
from pipeline.invoicing.corrections import correction_lines, invoiced_so_far, worth_of_lines
from pipeline.invoicing.credits import consumed_by_grant
from pipeline.invoicing.draft import OwedBy
from pipeline.invoicing.invoice import standing
from pipeline.invoicing.lines import SPENT_KINDS, total_of
from pipeline.invoicing.places import open_period
from pipeline.invoicing.rules import Rules
from pipeline.invoicing.worth.period_lines import period_lines
from pipeline.invoicing.worth.recurring_lines import YearSoFar
from pipeline.invoicing.worth.usage_lines import usage_lines

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from pipeline.accounts import Account, ContractYear, OneOffItem, Tax, Terms, TermsInForce
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
class AccountDrafts:
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
    """The first and the last day with usage of any account, or days of the same months of this one.

    By rules before the fourth, the first days of the first and the last month with usage of any account.
    """
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
        for invoice in standing(self.issued):
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
        return {month for invoice in standing(self.issued) for month in invoice.period.months}

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

    def taxes(self, period: BillingPeriod, closed: Collection[BillingPeriod]) -> TaxOf:
        """Return the tax of a draft's period, and of months: that of the end of the period which they are billed with.

        A month is corrected with the tax that it was invoiced with, also where the account has another interval since.
        """
        issued = standing(self.issued)

        def tax_of(supplied: BillingPeriod) -> Tax | None:
            if supplied == period:
                return self.account.tax_of(period)
            billed_with = next((each.period for each in issued if each.period.holds(supplied)), None)
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
        """Say whether usage of any account has reached a month: it holds or follows the first day with some.

        And it begins no later than the last. Whatever calendars the accounts have, a day is the same day for all. By
        rules before the fourth, a month is reached once one that begins no earlier has usage.
        """
        if self.reach is None:
            return False
        first_date, last_date = self.reach
        follows = first_date < period.end_date if self.rules >= Rules.FOURTH else first_date <= period.first_date
        return follows and period.first_date <= last_date
