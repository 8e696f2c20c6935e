"""Random intervals of billing: no day is billed twice or never, and a quarter owes what its months owe."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from charges import charge
from granted import coupons_of, credit_grants
from grants import Granted, Off, coupons, singles
from hypothesis import given, settings
from hypothesis import strategies as st
from intervals import Agreed, begins_with, billed_together, credits_of, first_day, number_of, open_runs
from recurring import World, owed

from pipeline.accounts import (
    Account,
    Accounts,
    BillingInterval,
    Interval,
    OneOffItem,
    Proration,
    Tax,
    TaxChange,
    Terms,
)
from pipeline.base.errors import AccountsError
from pipeline.base.money import Rounding
from pipeline.base.periods import BillingPeriod
from pipeline.invoicing import credit_note, invoice_document, invoice_from_document, issued_invoice, make_book

if TYPE_CHECKING:
    from pipeline.invoicing import Invoice, InvoiceBook
    from pipeline.rating import Charge

SEEDS = st.integers(0, 2**32)
LENGTHS = {1: Interval.MONTH, 3: Interval.QUARTER, 12: Interval.YEAR}
FIRST, LAST = number_of(date(2025, 11, 1)), number_of(date(2027, 8, 1))
FEE = Decimal("9.99")
MODELS = ("large", "mini")


def some_intervals(draw: random.Random, changes: int) -> list[Agreed]:
    """Draw intervals that follow each other where a period of both begins."""
    agreed = [Agreed(None, draw.choice([1, 3, 12]), draw.randint(1, 12))]
    for _ in range(changes):
        following = Agreed(None, draw.choice([1, 3, 12]), draw.randint(1, 12))
        since = max(agreed[-1].since or FIRST, FIRST) + draw.randint(1, 6)
        common = [
            month for month in range(since, LAST) if begins_with(month, agreed[-1]) and begins_with(month, following)
        ]
        if common:
            agreed.append(following._replace(since=common[0]))
    return agreed


def billed_by(each: Agreed) -> BillingInterval:
    return BillingInterval(interval=LENGTHS[each.length], start_month=each.start_month)


def terms_of(agreed: list[Agreed], month_day: int) -> tuple[Terms, ...]:
    return tuple(
        Terms(
            from_date=None if each.since is None else first_day(each.since, month_day),
            rate_card="standard",
            billed_by=billed_by(each),
        )
        for each in agreed
    )


def account_of(terms: tuple[Terms, ...], **others: Any) -> Account:
    return Account(
        id="acme",
        name="Acme",
        timezone="UTC",
        rate_card="standard",
        key_ids=("key_a",),
        terms=terms,
        **others,
    )


def book(
    account: Account, charges: list[Charge], issued: list[Invoice], *, fees: bool = False, to_even: bool = False
) -> InvoiceBook:
    by_month: dict[tuple[str, BillingPeriod], list[Charge]] = defaultdict(list)
    for each in charges:
        by_month["acme", account.month_of(each.usage_date)].append(each)
    return make_book(
        issued=issued,
        charges=by_month,
        places=list(by_month),
        accounts=Accounts(accounts=(account,)),
        currencies={"acme": "USD"},
        rounding=Rounding.HALF_EVEN if to_even else Rounding.HALF_UP,
        card_fees={"standard": FEE} if fees else {},
    )


@settings(max_examples=50, deadline=None)
@given(SEEDS)
def test_each_day_lies_in_exactly_one_period_whatever_intervals_follow_each_other(seed: int) -> None:
    check_each_day_is_in_one_period(seed)


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(SEEDS)
def test_each_day_lies_in_exactly_one_period_of_many_intervals(seed: int) -> None:
    check_each_day_is_in_one_period(seed)


def check_each_day_is_in_one_period(seed: int) -> None:
    draw = random.Random(seed)
    agreed, month_day = some_intervals(draw, draw.choice([0, 1, 2, 4])), draw.choice([1, 2, 15, 28])
    account = account_of(terms_of(agreed, month_day), month_day=month_day)
    periods = []
    for month in range(FIRST, LAST + 1):
        within = [first_day(month, month_day), first_day(month + 1, month_day) - timedelta(days=1)]
        (period,) = {account.period_of(account.month_of(day)) for day in within}
        assert [number_of(each.first_date, month_day) for each in period.months] == billed_together(month, agreed)
        assert all(BillingPeriod.parse(str(each)) == each for each in (period, *period.months))
        if period not in periods:
            periods.append(period)
    assert periods == sorted(periods)
    assert all(one.end_date == other.first_date for one, other in pairwise(periods))


@settings(max_examples=200, deadline=None)
@given(SEEDS)
def test_a_change_that_would_cut_a_period_of_either_interval_is_refused_and_no_other(seed: int) -> None:
    draw = random.Random(seed)
    before, after = (Agreed(None, draw.choice([1, 3, 12]), draw.randint(1, 12)) for _ in range(2))
    month_day = draw.choice([1, 2, 28])
    day = first_day(draw.randint(FIRST, LAST), month_day) + timedelta(days=draw.choice([0, 0, 0, 1, 27]))
    terms = (*terms_of([before], month_day), replace(terms_of([after], month_day)[0], from_date=day))
    month = number_of(day, month_day)
    cuts = day.day != month_day or not (begins_with(month, before) and begins_with(month, after))
    if cuts and billed_by(before) != billed_by(after):
        with pytest.raises(AccountsError, match="would cut a period in two"):
            account_of(terms, month_day=month_day)
    else:
        account_of(terms, month_day=month_day)


@pytest.mark.long
@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_each_usage_day_is_on_exactly_one_invoice_whatever_is_agreed_issued_voided_and_late(seed: int) -> None:
    check_each_day_is_on_one_invoice(seed)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(SEEDS)
def test_over_many_lives_each_usage_day_is_on_exactly_one_invoice(seed: int) -> None:
    check_each_day_is_on_one_invoice(seed)


def check_each_day_is_on_one_invoice(seed: int) -> None:
    """Also where what is agreed changes backwards, over months that are invoiced."""
    draw = random.Random(seed)
    agreed = some_intervals(draw, draw.choice([0, 1, 2]))
    month_day = draw.choice([1, 1, 2, 15, 28])
    taxed_anew = first_day(draw.randint(FIRST, LAST)) + timedelta(days=draw.choice([0, 14]))
    others: dict[str, Any] = {
        "month_day": month_day,
        "tax": Tax(rate=Decimal(19), label="VAT"),
        "tax_changes": (TaxChange(from_date=taxed_anew, tax=Tax(rate=Decimal(21), label="VAT")),),
    }
    issued: list[Invoice] = []
    charges: list[Charge] = []
    for _ in range(draw.randint(4, 12)):
        step = draw.choice(["usage", "usage", "agreed", "issue", "issue", "void"])
        now = book(account_of(terms_of(agreed, month_day), **others), charges, issued)
        standing = [each for each in issued if not each.credits_invoice and each.id not in now.credited_by()]
        number = len(issued) + 1
        if step == "usage":
            days = [first_day(draw.randint(FIRST, LAST)) + timedelta(days=draw.randint(0, 30)) for _ in range(4)]
            charges += [charge(day, draw.choice([1, 99, 12_345])) for day in days]
        elif step == "agreed":
            agreed = some_intervals(draw, draw.choice([0, 1, 2]))
        elif step == "issue" and now.drafts:
            made = issued_invoice(draw.choice(now.drafts), number=number, prefix="INV-")
            issued.append(invoice_from_document(invoice_document(made)))
        elif step == "void" and standing:
            issued.append(credit_note(draw.choice(standing), number=number, prefix="INV-"))
        after = book(account_of(terms_of(agreed, month_day), **others), charges, issued)
        holds_once(after, agreed, charges, month_day)
        is_taxed_at_the_end(after, taxed_anew)


def holds_once(now: InvoiceBook, agreed: list[Agreed], charges: list[Charge], month_day: int) -> None:
    """Every used day is in the period of one invoice, no day of two, and months are invoiced at what they are worth."""
    taken_back = now.credited_by()
    standing = [each for each in now.issued if not each.credits_invoice and each.id not in taken_back]
    months = Counter(
        number_of(month.first_date, month_day) for each in (*standing, *now.drafts) for month in each.period.months
    )
    assert set(months.values()) <= {1}
    assert {number_of(each.usage_date, month_day) for each in charges} <= set(months)
    closed = {number_of(month.first_date, month_day) for each in standing for month in each.period.months}
    used = {number_of(each.usage_date, month_day) for each in charges}
    drafted = {tuple(number_of(month.first_date, month_day) for month in draft.period.months) for draft in now.drafts}
    expected = open_runs(used, closed, agreed)
    if not expected and now.drafts:  # of nothing but corrections, after all that is invoiced
        last = max(closed or {number_of(each.period.last.first_date, month_day) for each in now.issued})
        expected = open_runs({last + 1}, closed, agreed)
    assert drafted == expected
    for each in charges:
        holding = [one for one in (*standing, *now.drafts) if one.period_start[:10] <= str(each.usage_date)]
        assert len([one for one in holding if str(each.usage_date) < one.period_end[:10]]) == 1
    worth: Counter[int] = Counter()
    for each in charges:
        worth[number_of(each.usage_date, month_day)] += int(each.amount * 100)
    invoiced: Counter[int] = Counter()
    for invoice in now.of():
        for line in (each for each in invoice.lines if each.kind != "tax"):
            invoiced[number_of(invoice.month_of(line).first_date, month_day)] += int(line.amount * 100)
    assert +invoiced == worth
    assert all(cents >= 0 for cents in invoiced.values())


def is_taxed_at_the_end(now: InvoiceBook, taxed_anew: date) -> None:
    """A draft has the tax of its last day; what it corrects, that of the last day of what it was invoiced with."""
    taken_back = now.credited_by()
    standing = [each for each in now.issued if not each.credits_invoice and each.id not in taken_back]
    for draft in now.drafts:
        for line in (each for each in draft.lines if each.kind != "tax"):
            billed = draft.period
            if line.original_period is not None and line.original_period not in draft.period.months:
                billed = next((each.period for each in standing if line.original_period in each.period.months), billed)
                if billed == draft.period:
                    continue  # what is taken back of a month that is open again
            tax = draft.tax_of_line(line)
            assert tax is not None
            assert tax.rate == (21 if billed.end_date > taxed_anew else 19)
        assert sum(share.base for share in draft.tax_breakdown) == draft.subtotal


def a_contract(
    draw: random.Random, length: int, start_month: int, month_day: int
) -> tuple[Account, list[Granted], list[Off]]:
    """Draw an account with all that a month may owe."""
    dates = sorted(
        {
            date.fromordinal(draw.randint(date(2026, 1, 1).toordinal(), date(2026, 12, 31).toordinal()))
            for _ in range(draw.choice([0, 1, 2]))
        }
    )
    is_yearly = draw.random() < 0.3
    terms = tuple(
        Terms(
            from_date=each,
            rate_card=draw.choice(["standard", "free"]),
            minimum_commitment=Decimal(0) if is_yearly else Decimal(draw.choice(["0", "25.00", "100.01"])),
            yearly_commitment=Decimal("1000.01") if is_yearly else Decimal(0),
            overage_percent=Decimal(draw.choice(["100", "100", "120", "87.55"])),
            fee_without_usage=draw.random() < 0.4,
            seats=2,
            seat_price=Decimal("20.03"),
            proration=draw.choice(list(Proration)),
            billed_by=BillingInterval(interval=LENGTHS[length], start_month=start_month),
        )
        for each in (None, *dates)
    )
    items = tuple(
        OneOffItem(
            id=f"item-{number}",
            date=date(2026, draw.randint(1, 12), draw.randint(1, 28)),
            description="Onboarding",
            amount=Decimal(draw.choice(["5", "-2.50", "-900"])),
        )
        for number in range(draw.choice([0, 0, 2]))
    )
    granted = [
        Granted(
            name=f"g{number}",
            cents=draw.choice([1, 1_000, 5_000, 200_000]),
            since=date(2026, draw.randint(1, 12), draw.randint(1, 28)),
            until=draw.choice([None, date(2027, 1, draw.randint(1, 28))]),
            priority=draw.choice([50, 0]),
            models=draw.choice([(), (), ("mini",)]),
            recurs=(recurs := draw.random() < 0.4),
            rollover=(rollover := draw.choice([0, 2]) if recurs else 0),
            rolling=draw.choice([None, 3_333]) if rollover else None,
            rolling_max=draw.choice([None, 1_500]) if rollover else None,
        )
        for number in range(draw.choice([0, 1, 3]))
    ]
    offered = [
        Off(f"c{number}", draw.choice([None, 3_333]), 1_500, date(2026, draw.randint(1, 12), 5), draw.choice([None, 2]))
        for number in range(draw.choice([0, 0, 1]))
    ]
    account = account_of(
        terms,
        items=items,
        month_day=month_day,
        begins_on=date(2026, draw.choice([1, 4]), month_day) if is_yearly or draw.random() < 0.5 else None,
        tax=Tax(rate=Decimal(19), label="VAT"),
        credits=credit_grants(granted),
        coupons=coupons_of(offered),
    )
    return account, granted, offered


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_what_is_billed_by_the_quarter_or_year_owes_what_its_months_owe_and_one_tax(seed: int) -> None:
    """Line for line before credits, of one month after the other; with credits too, where no month is below zero."""
    draw = random.Random(seed)
    length, start_month, to_even = draw.choice([3, 12]), draw.randint(1, 12), draw.random() < 0.5
    month_day = draw.choice([1, 1, 2, 15, 28])
    account, granted, offered = a_contract(draw, length, start_month, month_day)
    usage = {
        date(2026, month, month_day): {
            model: draw.choice([1, 333, 15_005]) for model in draw.sample(MODELS, draw.randint(1, 2))
        }
        for month in draw.sample(range(1, 13), draw.randint(1, 8))
    }
    charges = [charge(day, cents, model) for day, by_model in usage.items() for model, cents in by_model.items()]
    monthly = replace(account, terms=tuple(replace(each, billed_by=BillingInterval()) for each in account.terms))
    by_month = {draft.period: draft for draft in book(monthly, charges, [], fees=True, to_even=to_even).drafts}
    drafts = book(account, charges, [], fees=True, to_even=to_even).drafts
    assert {month for draft in drafts for month in draft.period.months} >= set(by_month)
    world, used = world_of(account, usage, to_even=to_even), {}
    months = [date(year, month, month_day) for year in (2025, 2026, 2027) for month in range(1, 13)]
    single = singles(granted, months)
    is_below_zero = False
    for draft in drafts:
        alone = [by_month[month] for month in draft.period.months if month in by_month]
        assert alone != []
        mine = {month.first_date: month_lines(draft, month) for month in draft.period.months}
        assert mine == {
            month.first_date: month_lines(by_month[month], month) if month in by_month else []
            for month in draft.period.months
        }
        owing = {month: expected(world, month, usage.get(month, {}), offered, to_even=to_even) for month in mine}
        is_below_zero |= any(sum(by_model.values()) + other < 0 for by_model, other in owing.values())
        paid = [
            (draft.month_of(line).first_date, line.credit_id, cents_of(-line.amount))
            for line in draft.lines
            if line.credit_id
        ]
        assert paid == credits_of(owing, single, used)
        worth = sum(sum(by_model.values()) + other for by_model, other in owing.values())
        subtotal = worth - sum(part for *_, part in paid)
        assert subtotal >= 0 or not paid
        assert cents_of(draft.subtotal) == subtotal
        if not is_below_zero:
            assert draft.subtotal == sum(each.subtotal for each in alone)
        assert cents_of(draft.tax_amount) == rounded(Fraction(subtotal * 19, 100), to_even=to_even)
        assert [line.kind.value for line in draft.lines].count("tax") <= 1


def month_lines(invoice: Invoice, month: BillingPeriod) -> list[Any]:
    """Return the lines of a month but credits and tax, as they would be on its own invoice."""
    return [
        replace(line, number=0, period=None)
        for line in invoice.lines
        if line.kind not in ("credit", "tax") and invoice.month_of(line) == month
    ]


def expected(
    world: World, month: date, by_model: dict[str, int], offered: list[Off], *, to_even: bool
) -> tuple[dict[str, int], int]:
    """Return the cents that a month owes by model, and those of no model."""
    other = sum(int(amount * 100) for *_, amount in owed(world, month) or [])
    off = coupons(sum(by_model.values()) + other, offered, month, to_even=to_even)
    return by_model, other - sum(taken for _, taken in off)


def world_of(account: Account, usage: dict[date, dict[str, int]], *, to_even: bool) -> World:
    names = ("rate_card", "fee_without_usage", "seats")
    amounts = ("minimum_commitment", "yearly_commitment", "seat_price", "overage_percent")
    agreed = [
        (
            terms.from_date,
            {name: getattr(terms, name) for name in names}
            | {name: Fraction(getattr(terms, name)) for name in amounts}
            | {"proration": terms.proration.value},
        )
        for terms in account.terms
    ]
    return World(
        fees={"standard": Fraction(FEE)},
        agreed=agreed,
        begins_on=account.begins_on,
        ends_on=None,
        items=[(item.id, item.date, Fraction(item.amount)) for item in account.items],
        spent={month: Fraction(sum(by_model.values()), 100) for month, by_model in usage.items()},
        reached=(min(usage), max(usage)),
        minor_units=2,
        to_even=to_even,
    )


def cents_of(amount: Decimal) -> int:
    assert amount * 100 == int(amount * 100)
    return int(amount * 100)


def rounded(cents: Fraction, *, to_even: bool) -> int:
    """Round cents once; a half of an amount below zero goes away from zero, as it does above."""
    whole, rest = divmod(abs(cents), 1)
    is_up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and not (to_even and whole % 2 == 0))
    return int(whole + is_up) * (-1 if cents < 0 else 1)
