"""Random contracts: what is owed for a month beside usage is what the oracle says, and a change is corrected to it."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recurring import World, owed

from pipeline.accounts import Account, Accounts, OneOffItem, Proration, Terms
from pipeline.base.money import Rounding
from pipeline.base.periods import BillingPeriod
from pipeline.invoicing import issued_invoice, make_book
from pipeline.rating import Charge
from pipeline.usage import Meter

if TYPE_CHECKING:
    from pipeline.invoicing import Invoice, InvoiceBook

SEEDS = st.integers(0, 2**32)
MONTHS = [date(2026, month, 1) for month in (8, 9, 10, 11)] + [date(2027, month, 1) for month in (2, 3, 7, 8, 9)]
DAYS = [date.fromordinal(each) for each in range(date(2026, 7, 20).toordinal(), date(2027, 9, 28).toordinal())]
FEES = {"gold": Decimal("99.00"), "silver": Decimal("10.01")}


def a_day(draw: random.Random) -> date:
    return draw.choice([*DAYS, *MONTHS * 10])


def some_terms(draw: random.Random, from_date: date | None, *, by_the_year: bool) -> Terms:
    seats = draw.choice([0, 0, 1, 7])
    yearly = Decimal(draw.choice(["0", "120.00", "1000.01"])) if by_the_year else Decimal(0)
    return Terms(
        from_date=from_date,
        rate_card=draw.choice(["gold", "silver", "free"]),
        minimum_commitment=Decimal(0) if yearly else Decimal(draw.choice(["0", "0", "25.00", "100.01"])),
        yearly_commitment=yearly,
        fee_without_usage=draw.random() < 0.4,
        seats=seats,
        seat_price=Decimal("20.03") if seats else Decimal(0),
        proration=draw.choice(list(Proration)),
        overage_percent=Decimal(draw.choice(["100", "100", "120", "87.55", "0"])),
    )


def an_account(draw: random.Random) -> Account:
    dates = sorted({a_day(draw) for _ in range(draw.choice([0, 1, 2, 4]))})
    begins_on, ends_on = (a_day(draw) if draw.random() < 0.5 else None for _ in range(2))
    if begins_on and ends_on:
        begins_on, ends_on = sorted([begins_on, ends_on])
        ends_on = None if begins_on == ends_on else ends_on
    by_the_year = begins_on is not None and draw.random() < 0.7
    if begins_on and by_the_year:
        begins_on = begins_on.replace(day=1)
    terms = tuple(some_terms(draw, each, by_the_year=by_the_year) for each in (None, *dates))
    items = tuple(
        OneOffItem(
            id=f"item-{n}", date=a_day(draw), description="Onboarding", amount=Decimal(draw.choice(["5", "-2.5"]))
        )
        for n in range(draw.choice([0, 0, 2]))
    )
    return Account(
        id="acme",
        name="Acme",
        timezone="UTC",
        rate_card=terms[0].rate_card,
        key_ids=("key_a",),
        terms=terms,
        items=items,
        begins_on=begins_on,
        ends_on=ends_on,
    )


def charge(account_id: str, month: date, amount: Decimal) -> Charge:
    return Charge(
        account_id=account_id,
        api_key_id="key_a" if account_id == "acme" else "key_b",
        model="jamba",
        service_tier="",
        meter=Meter.PROMPT,
        usage_date=month,
        quantity=1,
        rate_per_million=amount * 1_000_000,
        currency="USD",
        amount=amount,
        rated_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def book(
    account: Account, spent: dict[date, Decimal], others: list[date], issued: list[Invoice], *, to_even: bool
) -> InvoiceBook:
    charges = {("acme", BillingPeriod.of(month)): [charge("acme", month, amount)] for month, amount in spent.items()}
    charges |= {("other", BillingPeriod.of(month)): [charge("other", month, Decimal(1))] for month in others}
    other = Account(id="other", name="Other", timezone="UTC", rate_card="free", key_ids=("key_b",))
    return make_book(
        issued=issued,
        charges=charges,
        places=list(charges),
        accounts=Accounts(accounts=(account, other)),
        currencies={"acme": "USD", "other": "USD"},
        rounding=Rounding.HALF_EVEN if to_even else Rounding.HALF_UP,
        card_fees=FEES,
    )


def world_of(account: Account, spent: dict[date, Decimal], others: list[date], *, to_even: bool) -> World:
    names = ("rate_card", "fee_without_usage", "seats")
    agreed = [
        (
            terms.from_date,
            {name: getattr(terms, name) for name in names}
            | {
                name: Fraction(getattr(terms, name))
                for name in ("minimum_commitment", "yearly_commitment", "seat_price", "overage_percent")
            }
            | {"proration": terms.proration.value},
        )
        for terms in account.terms
    ]
    used = sorted([*spent, *others])
    return World(
        fees={card: Fraction(fee) for card, fee in FEES.items()},
        agreed=agreed,
        begins_on=account.begins_on,
        ends_on=account.ends_on,
        items=[(item.id, item.date, Fraction(item.amount)) for item in account.items],
        spent={month: Fraction(amount) for month, amount in spent.items()},
        reached=(used[0], used[-1]),
        minor_units=2,
        to_even=to_even,
    )


def some_usage(draw: random.Random) -> tuple[dict[date, Decimal], list[date]]:
    spent = {month: Decimal(draw.choice(["3.50", "60.00", "0.01"])) for month in MONTHS if draw.random() < 0.4}
    return spent, draw.sample(MONTHS, draw.choice([1, 2, 3]))


def all_months() -> list[date]:
    return [date(year, month, 1) for year, months in ((2026, range(7, 13)), (2027, range(1, 11))) for month in months]


@pytest.mark.long
@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_each_month_owes_what_was_agreed_on_each_of_its_days(seed: int) -> None:
    check_each_month_owes_what_was_agreed(seed)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(SEEDS)
def test_each_of_many_months_owes_what_was_agreed_on_each_of_its_days(seed: int) -> None:
    check_each_month_owes_what_was_agreed(seed)


def check_each_month_owes_what_was_agreed(seed: int) -> None:
    draw = random.Random(seed)
    account, (spent, others), to_even = an_account(draw), some_usage(draw), draw.random() < 0.5
    drafts = {
        draft.period.first_date: draft
        for draft in book(account, spent, others, [], to_even=to_even).drafts
        if draft.account_id == "acme"
    }
    found = {
        month: [(line.kind.value, line.item, Fraction(line.amount)) for line in draft.lines if line.kind != "usage"]
        for month, draft in drafts.items()
    }
    world = world_of(account, spent, others, to_even=to_even)
    expected = {month: lines for month in all_months() if (lines := owed(world, month)) is not None}
    assert found == expected


@pytest.mark.long
@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_another_contract_after_issue_is_corrected_to_the_cent_and_nothing_is_owed_twice(seed: int) -> None:
    check_another_contract_is_corrected(seed)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(SEEDS)
def test_many_other_contracts_after_issue_are_corrected_to_the_cent(seed: int) -> None:
    check_another_contract_is_corrected(seed)


def check_another_contract_is_corrected(seed: int) -> None:
    draw = random.Random(seed)
    (spent, others), to_even = some_usage(draw), draw.random() < 0.5
    before, after = an_account(draw), an_account(draw)
    issued: list[Invoice] = []
    for draft in book(before, spent, others, [], to_even=to_even).drafts:
        if draft.account_id == "acme":
            issued.append(issued_invoice(draft, number=len(issued) + 1, prefix="INV-"))
    now = book(after, spent, others, issued, to_even=to_even)
    invoiced: dict[date, Fraction] = defaultdict(Fraction)
    for invoice in now.of(account_id="acme"):
        for line in invoice.lines:
            invoiced[(line.original_period or invoice.period).first_date] += Fraction(line.amount)
    world = world_of(after, spent, others, to_even=to_even)
    for month in all_months():
        lines: list[Any] = owed(world, month) or []
        worth = sum((amount for *_, amount in lines), world.spent.get(month, Fraction(0)))
        assert invoiced.get(month, 0) == worth, month
    again = [
        issued_invoice(draft, number=len(issued) + n, prefix="INV-")
        for n, draft in enumerate(now.drafts, 1)
        if draft.account_id == "acme"
    ]
    settled = book(after, spent, others, [*issued, *again], to_even=to_even)
    assert [draft for draft in settled.drafts if draft.account_id == "acme"] == []
