"""Grants that recur, and what is refused of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.accounts import Account, Accounts, CreditGrant
from pipeline.base.errors import AccountsError, ConfigurationError
from pipeline.base.money import Rounding
from pipeline.base.periods import BillingPeriod
from pipeline.invoicing import issued_invoice, make_book
from pipeline.invoicing.credits import NOTHING_CONSUMED, credit_lines_by_month, lapsed_of, to_pay_by_month, usable
from pipeline.invoicing.lines import LineKind, plain_line
from pipeline.rating import Charge
from pipeline.usage import Meter

if TYPE_CHECKING:
    from pipeline.invoicing import InvoiceBook
    from pipeline.invoicing.lines import InvoiceLine

FREE = CreditGrant(
    id="free", amount=Decimal(5), granted_on=date(2026, 10, 15), expires_on=None, recurs=True, rollover_months=1
)
ACME = Account(id="acme", name="Acme", timezone="UTC", rate_card="standard", key_ids=("key_a",), credits=(FREE,))
OCTOBER = BillingPeriod(year=2026, month=10)


def book(account: Account, issued: tuple[Any, ...] = ()) -> InvoiceBook:
    charge = Charge(
        account_id="acme",
        api_key_id="key_a",
        model="jamba",
        service_tier="",
        meter=Meter.PROMPT,
        usage_date=date(2026, 10, 20),
        quantity=2_000_000,
        rate_per_million=Decimal(2),
        currency="USD",
        amount=Decimal(4),
        rated_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return make_book(
        issued=issued,
        charges={("acme", OCTOBER): [charge]},
        places=[("acme", OCTOBER)],
        accounts=Accounts(accounts=(account,)),
        currencies={"acme": "USD"},
        rounding=Rounding.HALF_UP,
    )


def test_a_grant_that_recurs_is_one_a_month_for_its_month_and_those_it_rolls_over_to() -> None:
    found = [(each.id, each.granted_on, each.expires_on) for each in FREE.months(BillingPeriod(year=2026, month=12))]
    assert found == [
        ("free.2026-10", date(2026, 10, 15), date(2026, 12, 1)),
        ("free.2026-11", date(2026, 11, 1), date(2027, 1, 1)),
        ("free.2026-12", date(2026, 12, 1), date(2027, 2, 1)),
    ]
    assert [
        each.id for each in replace(FREE, expires_on=date(2026, 11, 15)).months(BillingPeriod(year=2027, month=3))
    ] == [
        "free.2026-10",
        "free.2026-11",
    ]


def test_a_month_of_a_recurring_grant_that_was_used_can_neither_be_lowered_nor_removed() -> None:
    issued = (issued_invoice(book(ACME).drafts[0], number=1, prefix="INV-"),)
    assert [line.credit_id for line in issued[0].lines if line.credit_id] == ["free.2026-10"]
    assert book(replace(ACME, credits=(replace(FREE, amount=Decimal(4)),)), issued).drafts == ()
    for changed, told in (
        (
            (replace(FREE, amount=Decimal("3.99")),),
            r"'free\.2026-10' of account 'acme' is of 3\.99, and invoices consumed 4",
        ),
        ((), r"'free\.2026-10' of account 'acme' is not in accounts\.toml, and invoices consumed 4"),
        ((replace(FREE, granted_on=date(2026, 11, 1)),), r"'free\.2026-10' of account 'acme' is not in accounts\.toml"),
    ):
        with pytest.raises(ConfigurationError, match=told):
            book(replace(ACME, credits=changed), issued)


def test_no_grant_is_called_as_a_month_of_another_one() -> None:
    other = CreditGrant(id="free.2026-10", amount=Decimal(1), granted_on=date(2026, 1, 1), expires_on=None)
    with pytest.raises(
        AccountsError, match=r"credit id 'free\.2026-10' of account 'acme' is that of a month of 'free'"
    ):
        replace(ACME, credits=(FREE, other))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"recurs": False}, "has rollover_months and does not recur"),
        ({"id": "x" * 57}, "is too long for a grant that recurs"),
        ({"models": ("jamba mini",)}, "which cannot be a model's name"),
    ],
)
def test_what_cannot_be_a_grant_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(AccountsError, match=told):
        replace(FREE, **changes)


def month_of_grant(amount: str, **more: Any) -> CreditGrant:
    """October's of a grant that rolls over in part."""
    return next(iter(replace(FREE, amount=Decimal(amount), granted_on=date(2026, 10, 1), **more).months(OCTOBER)))


def test_half_of_what_is_left_of_a_month_rolls_over_and_the_rest_lapses() -> None:
    half = month_of_grant("10.00", rollover_percent=Decimal(50))
    used = NOTHING_CONSUMED.plus(Decimal(4), OCTOBER.end_date)
    assert lapsed_of(half, used, "USD") == Decimal(3)
    assert usable(half, used, OCTOBER, "USD") == Decimal(6), "within its month nothing has lapsed"
    assert usable(half, used, OCTOBER.next(), "USD") == Decimal(3)
    later = used.plus(Decimal(1), OCTOBER.next().end_date)
    assert lapsed_of(half, later, "USD") == Decimal(3), "what the next month consumed lapsed no less"
    assert usable(half, later, OCTOBER.next(), "USD") == Decimal(2)


def test_of_a_grant_that_rolls_over_whole_or_never_nothing_lapses() -> None:
    assert lapsed_of(month_of_grant("10.00"), NOTHING_CONSUMED, "USD") == Decimal(0)


def test_months_of_a_quarter_use_no_more_than_there_is_to_pay_for_all_of_them() -> None:
    quarter = OCTOBER.until(BillingPeriod(year=2026, month=12))
    grant = CreditGrant(id="g", amount=Decimal(100), granted_on=date(2026, 1, 1), expires_on=None)
    months = [item_of(amount, month) for amount, month in zip(("20.00", "-5.00", "3.00"), quarter.months, strict=True)]
    to_pay = to_pay_by_month(months, [], quarter)
    lines = credit_lines_by_month([grant], {}, [to_pay], period=quarter, currency="USD", rounding=Rounding.HALF_UP)
    assert [(line.period, str(line.amount)) for line in lines] == [(OCTOBER, "-18.00")]


def item_of(amount: str, month: BillingPeriod) -> InvoiceLine:
    line = plain_line(LineKind.ITEM, Decimal(amount), "an item", currency="USD", rounding=Rounding.HALF_UP)
    return replace(line, period=month)
