"""Random groups of accounts: what is on a parent's invoice is what its children would owe alone, and no day is
invoiced twice or never, whoever moves where and whatever is issued, voided or used late in between.

What an account owes for a month is worked out by ``recurring`` and by sums of fractions, by nothing of the product.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recurring import World, owed

from pipeline.accounts import (
    Account,
    Accounts,
    BillingInterval,
    CreditGrant,
    Interval,
    InvoicedTo,
    OneOffItem,
    Tax,
    Terms,
)
from pipeline.base.money import Rounding
from pipeline.base.periods import BillingPeriod
from pipeline.invoicing import (
    InvoiceStatus,
    credit_note,
    invoice_document,
    invoice_from_document,
    issued_invoice,
    make_book,
)
from pipeline.invoicing.invoice import credited_by
from pipeline.rating import Charge
from pipeline.usage import Meter

if TYPE_CHECKING:
    from pipeline.invoicing import Invoice, InvoiceBook

SEEDS = st.integers(0, 2**32)
IDS = ("acme", "bolt", "corp", "dyne")
MONTHS = [date(2026, month, 1) for month in (8, 9, 10, 11)]
FEES = {"gold": Decimal("9.99")}
TAX = Tax(rate=Decimal(19), label="VAT")
Spent = dict[str, dict[date, list[Fraction]]]
"""By account and month, what each charge costs."""
Payers = dict[date, dict[str, str]]
"""By month, on whose invoice each account is."""


def some_payers(draw: random.Random, billed_by: BillingInterval) -> Payers:
    """Say month by month who is invoiced to whom; mostly it stays as it was the month before, and within a period."""
    found: Payers = {}
    now: dict[str, str] = {}
    for month in MONTHS:
        if not now or (draw.random() < 0.4 and billed_by.begins_on(month, 1)):
            paying = draw.sample(IDS, draw.choice([1, 2, 3]))
            now = {each: each if each in paying else draw.choice([*paying, each]) for each in IDS}
        found[month] = now
    return found


def spans_of(account_id: str, payers: Payers) -> tuple[InvoicedTo, ...]:
    """Write the months of an account as spans, the first from the beginning and the last for ever."""
    runs: list[list[date]] = []
    for month in MONTHS:
        if runs and payers[month][account_id] == payers[runs[-1][-1]][account_id]:
            runs[-1].append(month)
        else:
            runs.append([month])
    return tuple(
        InvoicedTo(
            account_id=payers[run[0]][account_id],
            from_date=None if run[0] == MONTHS[0] else run[0],
            to_date=None if run[-1] == MONTHS[-1] else BillingPeriod.of(run[-1]).end_date,
        )
        for run in runs
        if payers[run[0]][account_id] != account_id
    )


def some_terms(draw: random.Random, billed_by: BillingInterval) -> Terms:
    return Terms(
        from_date=None,
        billed_by=billed_by,
        rate_card=draw.choice(["gold", "free"]),
        minimum_commitment=Decimal(draw.choice(["0", "20.00", "50.01"])),
        overage_percent=Decimal(draw.choice(["100", "120", "87.55"])),
        fee_without_usage=draw.random() < 0.5,
        seats=draw.choice([0, 0, 3]),
        seat_price=Decimal("1.01"),
    )


def some_items(draw: random.Random) -> tuple[OneOffItem, ...]:
    return tuple(
        OneOffItem(
            id=f"item-{n}",
            date=draw.choice(MONTHS),
            description="Onboarding",
            amount=Decimal(draw.choice(["7.77", "-2.50"])),
        )
        for n in range(draw.choice([0, 0, 1]))
    )


def some_grants(draw: random.Random) -> tuple[CreditGrant, ...]:
    return tuple(
        CreditGrant(
            id=f"grant-{n}",
            amount=Decimal(draw.choice(["5", "30.5"])),
            granted_on=draw.choice(MONTHS),
            expires_on=None,
            models=draw.choice([(), (), ("jamba",)]),
        )
        for n in range(draw.choice([0, 1, 2]))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What is agreed with one account, whoever is invoiced."""

    terms: Terms
    items: tuple[OneOffItem, ...]
    grants: tuple[CreditGrant, ...] = ()


def some_interval(draw: random.Random) -> BillingInterval:
    return BillingInterval(interval=draw.choice([Interval.MONTH, Interval.QUARTER]), start_month=draw.choice([1, 2]))


def some_agreements(draw: random.Random, billed_by: BillingInterval, *, with_grants: bool) -> dict[str, Agreed]:
    return {
        each: Agreed(
            terms=some_terms(draw, billed_by), items=some_items(draw), grants=some_grants(draw) if with_grants else ()
        )
        for each in IDS
    }


def accounts_of(agreed: dict[str, Agreed], payers: Payers) -> Accounts:
    def account(each: str) -> Account:
        spans = spans_of(each, payers)
        never_own = bool(spans) and all(payers[month][each] != each for month in MONTHS)
        return Account(
            id=each,
            name=each.title(),
            timezone="UTC",
            rate_card=agreed[each].terms.rate_card,
            key_ids=(f"key_{each}",),
            terms=(agreed[each].terms,),
            items=agreed[each].items,
            credits=agreed[each].grants,
            invoiced_to=spans,
            tax=None if never_own else TAX,
        )

    return Accounts(accounts=tuple(map(account, IDS)))


def some_usage(draw: random.Random, spent: Spent) -> None:
    for account_id in IDS:
        for month in MONTHS:
            if draw.random() < 0.3:
                spent[account_id][month].append(Fraction(draw.choice([15, 3500, 20004, 60000]), 1000))


def book_of(accounts: Accounts, spent: Spent, issued: list[Invoice]) -> InvoiceBook:
    charges = {
        (account_id, BillingPeriod.of(month)): [
            Charge(
                account_id=account_id,
                api_key_id=f"key_{account_id}",
                model="jamba",
                service_tier="",
                meter=Meter.PROMPT,
                usage_date=month,
                quantity=1,
                rate_per_million=Decimal(1),
                currency="USD",
                amount=Decimal(cost.numerator) / Decimal(cost.denominator),
                rated_at=datetime(2026, 1, 1, tzinfo=UTC),
            )
            for cost in costs
        ]
        for account_id, months in spent.items()
        for month, costs in months.items()
        if costs
    }
    return make_book(
        issued=issued,
        charges=charges,
        places=list(charges),
        accounts=accounts,
        currencies=dict.fromkeys(IDS, "USD"),
        rounding=Rounding.HALF_UP,
        card_fees=FEES,
    )


def alone(agreed: dict[str, Agreed], spent: Spent) -> dict[str, dict[date, list[tuple[str, Fraction]]]]:
    """Return (kind, amount) of all that each account owes for each month, as if there were no other account.

    But for one thing: a month is owed for once usage of anybody has reached it.
    """
    used = sorted(month for months in spent.values() for month, costs in months.items() if costs)
    found: dict[str, dict[date, list[tuple[str, Fraction]]]] = {}
    for account_id in IDS:
        usage = {month: cents(sum(costs, Fraction(0))) for month, costs in spent[account_id].items() if costs}
        each = agreed[account_id].terms
        said = {
            "rate_card": each.rate_card,
            "fee_without_usage": each.fee_without_usage,
            "seats": each.seats,
            "seat_price": Fraction(each.seat_price),
            "minimum_commitment": Fraction(each.minimum_commitment),
            "yearly_commitment": Fraction(0),
            "overage_percent": Fraction(each.overage_percent),
            "proration": "none",
        }
        world = World(
            fees={card: Fraction(fee) for card, fee in FEES.items()},
            agreed=[(None, said)],
            begins_on=None,
            ends_on=None,
            items=[(item.id, item.date, Fraction(item.amount)) for item in agreed[account_id].items],
            spent=usage,
            reached=(used[0], used[-1]) if used else (date(2026, 2, 1), date(2026, 1, 1)),
            minor_units=2,
            to_even=False,
        )
        lines = {month: owed(world, month) for month in MONTHS}
        found[account_id] = {
            month: [
                *([("usage", usage[month])] if month in usage else []),
                *((kind, amount) for kind, _, amount in beside),
            ]
            for month, beside in lines.items()
            if beside is not None
        }
    return found


def cents(amount: Fraction) -> Fraction:
    """Round half up: away from zero."""
    rounded = Fraction((abs(amount) * 200 + 1) // 2, 100)
    return rounded if amount > 0 else -rounded


def no_usage() -> Spent:
    return {account_id: defaultdict(list) for account_id in IDS}


def frozen(invoice: Invoice) -> Invoice:
    return invoice_from_document(invoice_document(invoice))


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_a_parents_invoice_has_the_lines_that_each_account_would_have_alone_and_no_others(seed: int) -> None:
    draw = random.Random(seed)
    billed_by, spent = some_interval(draw), no_usage()
    payers, agreed = some_payers(draw, billed_by), some_agreements(draw, billed_by, with_grants=False)
    some_usage(draw, spent)
    expected: dict[tuple[str, str], dict[str, list[tuple[date, str, Fraction]]]] = {}
    for account_id, months in alone(agreed, spent).items():
        for month, lines in sorted(months.items()):
            place = (payers[month][account_id], str(billed_by.period_of(BillingPeriod.of(month))))
            its = expected.setdefault(place, {}).setdefault(account_id, [])
            its += [(month, kind, amount) for kind, amount in lines]
    drafts = book_of(accounts_of(agreed, payers), spent, []).drafts
    assert {(draft.account_id, str(draft.period)) for draft in drafts} == set(expected)
    for draft in drafts:
        members = expected[draft.account_id, str(draft.period)]
        found: dict[str, list[tuple[date, str, Fraction]]] = {}
        for line in draft.lines:
            if line.kind.value != "tax":
                its = found.setdefault(line.account_id or draft.account_id, [])
                its.append((draft.month_of(line).first_date, line.kind.value, Fraction(line.amount)))
        assert found == {account_id: lines for account_id, lines in members.items() if lines}
        sums = {account_id: sum(amount for *_, amount in lines) for account_id, lines in members.items()}
        assert {each.account_id: each.subtotal for each in draft.subtotals if each.subtotal} == {
            account_id: amount for account_id, amount in sums.items() if amount
        }
        assert draft.subtotal == sum(sums.values())
        assert draft.tax_amount == cents(Fraction(draft.subtotal) * 19 / 100)
        order = [IDS.index(line.account_id) for line in draft.lines if line.account_id]
        assert order == sorted(order)


@pytest.mark.long
@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_no_day_is_invoiced_twice_or_never_whoever_moves_and_whatever_is_issued_or_voided(seed: int) -> None:
    check_each_day_is_invoiced_once(seed)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(SEEDS)
def test_over_many_lives_no_day_is_invoiced_twice_or_never(seed: int) -> None:
    check_each_day_is_invoiced_once(seed)


def check_each_day_is_invoiced_once(seed: int) -> None:
    draw = random.Random(seed)
    billed_by, spent = some_interval(draw), no_usage()
    agreed = some_agreements(draw, billed_by, with_grants=True)
    issued: list[Invoice] = []
    accounts = accounts_of(agreed, some_payers(draw, billed_by))
    for _ in range(12):
        step = draw.choice(["usage", "issue", "issue", "void", "move"])
        if step == "usage":
            some_usage(draw, spent)
        elif step == "move":
            accounts = accounts_of(agreed, some_payers(draw, billed_by))
        else:
            issued += frozen_by(step, book_of(accounts, spent, issued), draw)
    book = book_of(accounts, spent, issued)
    assert invoiced(book) == {
        (account_id, month): owed_alone
        for account_id, months in alone(agreed, spent).items()
        for month, lines in months.items()
        if (owed_alone := sum((amount for _, amount in lines), Fraction(0)))
    }
    granted = {(each, grant.id): int(grant.amount * 100) for each, its in agreed.items() for grant in its.grants}
    assert all(0 <= amount <= granted[place] for place, amount in used_of_grants(book).items())
    standing = [each for each in book.of() if not each.credits_invoice and each.id not in credited_by(issued)]
    months = Counter((each.account_id, month) for each in standing for month in each.period.months)
    assert max(months.values(), default=1) == 1
    for draft in book.drafts:  # they stand where accounts stand now
        assert {draft.account_id} >= {
            account.invoiced_in(draft.period) for account in accounts if account.id in draft.account_ids[1:]
        }
        issued.append(frozen(issued_invoice(draft, number=len(issued) + 1, prefix="INV-")))
    assert book_of(accounts, spent, issued).drafts == ()


def frozen_by(step: str, book: InvoiceBook, draw: random.Random) -> list[Invoice]:
    """Issue some draft, or void some invoice, with the next number; nothing where there is none."""
    number = len(book.issued) + 1
    if step == "issue":
        return [
            frozen(issued_invoice(each, number=number, prefix="INV-"))
            for each in draw.sample(book.drafts, 1 if book.drafts else 0)
        ]
    standing = [
        each for each in book.issued if each.status is InvoiceStatus.ISSUED and each.id not in book.credited_by()
    ]
    return [
        frozen(credit_note(each, number=number, prefix="INV-")) for each in draw.sample(standing, 1 if standing else 0)
    ]


def used_of_grants(book: InvoiceBook) -> Counter[tuple[str, str]]:
    """Add up what documents use of each account's grants, in hundredths."""
    used: Counter[tuple[str, str]] = Counter()
    for invoice in book.of():
        for line in invoice.lines:
            if line.credit_id:
                used[line.account_id or invoice.account_id, line.credit_id] -= int(line.amount * 100)
    return used


def invoiced(book: InvoiceBook) -> dict[tuple[str, date], Fraction]:
    """Add up what all documents have for each account and month, whoever they are invoiced to."""
    found: dict[tuple[str, date], Fraction] = defaultdict(Fraction)
    for invoice in book.of():
        for line in invoice.lines:
            if line.kind.value not in ("tax", "credit"):
                month = invoice.month_of(line).first_date
                found[line.account_id or invoice.account_id, month] += Fraction(line.amount)
    return {place: amount for place, amount in found.items() if amount}
