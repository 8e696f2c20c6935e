"""Random grants and coupons: what they pay and take off, what is left and what expired, is what the oracle says."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from charges import charge
from granted import coupons_of, credit_grants
from grants import FOR_EVER, Granted, Off, coupons, last_day, parts, payments, singles
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.accounts import Account, Accounts, OneOffItem, Tax
from pipeline.base.money import Rounding
from pipeline.base.periods import BillingPeriod
from pipeline.invoicing import credit_note, invoice_document, invoice_from_document, issued_invoice, make_book
from pipeline.invoicing.book import credit_balances

if TYPE_CHECKING:
    from grants import Single

    from pipeline.invoicing import Invoice, InvoiceBook

SEEDS = st.integers(0, 2**32)
MONTHS = [date(2026, month, 1) for month in range(8, 13)]
ALL_MONTHS = [*(date(2026, month, 1) for month in range(5, 13)), date(2027, 1, 1), date(2027, 2, 1)]
DAYS = [date.fromordinal(each) for each in range(date(2026, 6, 1).toordinal(), date(2027, 1, 10).toordinal())]
MODELS = ("large", "mini", "huge")
FEE = Decimal("7.77")


def some_grants(draw: random.Random) -> list[Granted]:
    found = []
    for number in range(draw.choice([1, 2, 4])):
        since, until = sorted(draw.sample([*DAYS, *ALL_MONTHS[1:8]], 2))
        recurs = draw.random() < 0.4
        found.append(
            Granted(
                name=f"g{number}",
                cents=draw.choice([1, 1_000, 5_000, 20_000]),
                since=since,
                until=until if draw.random() < 0.5 and since < until else None,
                priority=draw.choice([50, 50, 0, 99]),
                models=tuple(draw.sample(MODELS, draw.choice([1, 2]))) if draw.random() < 0.5 else (),
                recurs=recurs,
                rollover=(rollover := draw.choice([0, 1, 3]) if recurs else 0),
                rolling=draw.choice([None, 5_000, 3_333, 1, 10_000]) if rollover else None,
                rolling_max=draw.choice([None, 1, 1_500]) if rollover else None,
            )
        )
    return found


def some_coupons(draw: random.Random) -> list[Off]:
    found = []
    for number in range(draw.choice([0, 0, 1, 2])):
        is_percent = draw.random() < 0.5
        hundredths = draw.choice([1_000, 3_333, 10_000]) if is_percent else None
        cents = None if is_percent else draw.choice([1, 1_500])
        found.append(Off(f"c{number}", hundredths, cents, draw.choice(DAYS), draw.choice([None, 1, 3])))
    return found


def account_of(grants: list[Granted], offered: list[Off]) -> Account:
    return Account(
        id="acme",
        name="Acme",
        timezone="UTC",
        rate_card="standard",
        key_ids=("key_a",),
        credits=credit_grants(grants),
        coupons=coupons_of(offered),
    )


def book(account: Account, usage: dict[date, dict[str, int]], issued: list[Invoice], *, to_even: bool) -> InvoiceBook:
    charges = {
        ("acme", BillingPeriod.of(month)): [charge(month, cents, model) for model, cents in by_model.items()]
        for month, by_model in usage.items()
    }
    return make_book(
        issued=issued,
        charges=charges,
        places=list(charges),
        accounts=Accounts(accounts=(account,)),
        currencies={"acme": "USD"},
        rounding=Rounding.HALF_EVEN if to_even else Rounding.HALF_UP,
        card_fees={"standard": FEE},
    )


def cents(amount: Decimal) -> int:
    whole = amount * 100
    assert whole == int(whole)
    return int(whole)


def paid_on(invoice: Invoice) -> list[tuple[str, int]]:
    return [(line.credit_id, -cents(line.amount)) for line in invoice.lines if line.kind == "credit"]


def taken_off(invoice: Invoice) -> list[tuple[str, int]]:
    return [(line.item, -cents(line.amount)) for line in invoice.lines if line.kind == "coupon"]


def expected_month(
    month: date,
    by_model: dict[str, int],
    offered: list[Off],
    grants: list[Single],
    used: Counter[tuple[str, date]],
    *,
    to_even: bool,
) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    fee = cents(FEE)
    off = coupons(sum(by_model.values()) + fee, offered, month, to_even=to_even)
    paid = payments(month, by_model, fee - sum(taken for _, taken in off), grants, used)
    for name, part in paid:
        used[name, month] += part
    return off, paid


@pytest.mark.long
@settings(max_examples=150, deadline=None)
@given(SEEDS)
def test_grants_pay_and_coupons_take_off_what_the_oracle_says_before_and_after_a_void(seed: int) -> None:
    draw = random.Random(seed)
    grants, offered, to_even = some_grants(draw), some_coupons(draw), draw.random() < 0.5
    usage = {
        month: {model: draw.choice([1, 333, 4_000, 15_005]) for model in draw.sample(MODELS, draw.choice([1, 2, 3]))}
        for month in draw.sample(MONTHS, draw.choice([1, 3, 5]))
    }
    account, single = account_of(grants, offered), singles(grants, ALL_MONTHS)
    used: Counter[tuple[str, date]] = Counter()
    drafts = book(account, usage, [], to_even=to_even).drafts
    assert [draft.period.first_date for draft in drafts] == sorted(usage)
    for draft in drafts:
        month = draft.period.first_date
        expected = expected_month(month, usage[month], offered, single, used, to_even=to_even)
        assert (taken_off(draft), paid_on(draft)) == expected
    issued = [issued_invoice(draft, number=number, prefix="INV-") for number, draft in enumerate(drafts, start=1)]
    taken_back = draw.choice(issued)
    issued.append(credit_note(taken_back, number=len(issued) + 1, prefix="INV-"))
    for name, part in paid_on(taken_back):
        used[name, taken_back.period.first_date] -= part
    now = book(account, usage, issued, to_even=to_even)
    (again,) = now.drafts
    consumed = +used
    month = taken_back.period.first_date
    expected = expected_month(month, usage[month], offered, single, used, to_even=to_even)
    assert (taken_off(again), paid_on(again)) == expected
    reserved = Counter({(name, month): part for name, part in expected[1]})
    assert balances(now, account) == expected_balances(single, max(usage), consumed, reserved)


def balances(now: InvoiceBook, account: Account) -> dict[str, Any]:
    return {
        each.grant.id: tuple(map(cents, (each.consumed, each.reserved, each.expired, each.left)))
        for each in credit_balances(now, Accounts(accounts=(account,)), {"acme": "USD"})
    }


def expected_balances(
    single: list[Single], latest: date, consumed: Counter[tuple[str, date]], reserved: Counter[tuple[str, date]]
) -> dict[str, tuple[int, ...]]:
    found = {}
    for each in single:
        if "." in each.name and each.name[-7:] > f"{latest:%Y-%m}":
            continue  # a month of a grant that recurs, which has not come
        rest = each.cents - each.spent(consumed) - each.spent(reserved)
        lost = min(rest, each.lost(consumed + reserved)) if each.own is not None and latest > each.own else 0
        expired = rest if each.until != FOR_EVER and each.until <= last_day(latest) else lost
        found[each.name] = (each.spent(consumed), each.spent(reserved), expired, rest - expired)
    return found


KINDS_OF_TAX = (
    None,
    Tax(rate=Decimal(19)),
    Tax(rate=Decimal(19), by_kind=(("fee", Tax(rate=Decimal(7))),)),
    Tax(rate=Decimal(19), by_kind=(("usage", Tax(rate=Decimal(7))), ("item", Tax(rate=Decimal(7))))),
    Tax(rate=Decimal(19), by_kind=(("fee", Tax(rate=Decimal(7))), ("item", Tax(rate=Decimal(2))))),
)


@pytest.mark.long
@settings(max_examples=150, deadline=None)
@given(SEEDS, st.sampled_from(KINDS_OF_TAX))
def test_coupons_are_split_over_taxes_as_the_oracle_deals_cents_out(seed: int, tax: Tax | None) -> None:
    draw = random.Random(seed)
    offered, to_even, month = some_coupons(draw), draw.random() < 0.5, draw.choice(MONTHS)
    by_model = {model: draw.choice([1, 333, 4_000]) for model in draw.sample(MODELS, draw.choice([1, 2]))}
    item_cents = draw.choice([-700, 1, 250, 5_000])
    item = OneOffItem(id="i", date=month, description="i", amount=Decimal(item_cents).scaleb(-2))
    account = replace(account_of([], offered), tax=tax, items=(item,))
    (draft,) = book(account, {month: by_model}, [], to_even=to_even).drafts
    sums = {"usage": sum(by_model.values()), "fee": cents(FEE), "item": item_cents}
    rates = {kind: dict(tax.by_kind if tax else ()).get(kind, tax).rate if tax else None for kind in sums}  # type: ignore[union-attr]
    left: dict[Decimal | None, int] = {}
    for kind, amount in sums.items():
        left[rates[kind]] = left.get(rates[kind], 0) + amount
    expected: dict[tuple[str, Decimal | None], int] = {}
    for name, taken in coupons(sum(sums.values()), offered, month, to_even=to_even):
        for rate, part in zip(left, parts(taken, list(left.values())), strict=True):
            left[rate] -= part
            if part:
                expected[name, rate] = part
    found: dict[tuple[str, Decimal | None], int] = {}
    for line in draft.lines:
        if line.kind == "coupon" and line.amount:
            its_tax = draft.tax_of_line(line)
            found[line.item, its_tax.rate if its_tax else None] = -cents(line.amount)
    assert found == expected
    assert {line.tax_rate: line.tax_base for line in draft.lines if line.kind == "tax"} == {
        rate: Decimal(amount).scaleb(-2) for rate, amount in left.items() if rate is not None
    }
    assert invoice_from_document(invoice_document(draft)) == draft
