"""What grants pay: in which order, of what, for which month, and never a cent more than there is to pay."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from lines_by_hand import NOVEMBER, OCTOBER, QUARTER, SAID, correction, fee, invoice, plain

from pipeline.accounts import CreditGrant
from pipeline.invoicing import credit_note
from pipeline.invoicing.credits import (
    NOTHING_CONSUMED,
    Consumption,
    CreditBalance,
    ToPay,
    consumed_by_grant,
    credit_lines,
    credit_lines_by_month,
    grants_of,
    lapsed_of,
    to_pay_by_month,
    usable,
)
from pipeline.invoicing.lines import LineKind

if TYPE_CHECKING:
    from pipeline.invoicing.lines import InvoiceLine


def grant(name: str, amount: str, *models: str, **said: Any) -> CreditGrant:
    stated: dict[str, Any] = {"granted_on": date(2026, 1, 1), "expires_on": None}
    return CreditGrant(id=name, amount=Decimal(amount), models=models, **stated | said)


def used(
    grants: list[CreditGrant], *owed: list[InvoiceLine], at_most: str = "999", **consumed: str
) -> list[tuple[str, str]]:
    found = credit_lines(
        grants,
        {name: Consumption(by_end_date={date(2026, 9, 1): Decimal(amount)}) for name, amount in consumed.items()},
        [ToPay.of(lines) for lines in owed],
        period=OCTOBER,
        at_most=Decimal(at_most),
        **SAID,
    )
    for each in found:
        assert (each.kind, each.description) == (LineKind.CREDIT, f"prepaid credit {each.credit_id}")
    return [(each.credit_id, str(each.amount)) for each in found]


@pytest.mark.parametrize(
    ("owed", "at_most", "consumed", "found"),
    [
        ("30", "999", {}, [("old", "-20.00"), ("young", "-10.00")]),
        ("20", "999", {}, [("old", "-20.00")]),
        ("20.01", "999", {}, [("old", "-20.00"), ("young", "-0.01")]),
        ("100", "999", {}, [("old", "-20.00"), ("young", "-50.00")]),
        ("30", "999", {"old": "20"}, [("young", "-30.00")]),
        ("30", "999", {"old": "19.99"}, [("old", "-0.01"), ("young", "-29.99")]),
        ("30", "999", {"old": "25"}, [("young", "-30.00")]),
        ("30", "21", {}, [("old", "-20.00"), ("young", "-1.00")]),
        ("30", "0", {}, []),
        ("0", "999", {}, []),
        ("-5", "999", {}, []),
    ],
)
def test_grants_pay_in_their_order_what_there_is_to_pay_and_no_cent_more(
    owed: str, at_most: str, consumed: dict[str, str], found: list[tuple[str, str]]
) -> None:
    grants = [grant("young", "50", granted_on=date(2026, 2, 1)), grant("old", "20")]
    assert used(grants, [fee(owed)], at_most=at_most, **consumed) == found


def test_a_grant_is_used_while_it_is_in_force_on_the_last_day_of_the_month() -> None:
    for said, is_used in (
        ({"granted_on": date(2026, 10, 31)}, True),
        ({"granted_on": date(2026, 11, 1)}, False),
        ({"expires_on": date(2026, 11, 1)}, True),
        ({"expires_on": date(2026, 10, 31)}, False),
    ):
        assert used([grant("g", "5", **said)], [fee("3")]) == ([("g", "-3.00")] if is_used else [])


def test_a_grant_for_models_pays_for_these_alone_and_one_for_all_pays_other_models_first() -> None:
    owed = [fee("10", "a"), fee("7", "b"), fee("4")]
    assert used([grant("g", "50", "a")], owed) == [("g", "-10.00")]
    assert used([grant("g", "50", "b", "a")], owed) == [("g", "-17.00")]
    assert used([grant("g", "50", "x")], owed) == []
    assert used([grant("g", "8", "a"), grant("h", "50", "a", "b")], owed) == [("g", "-8.00"), ("h", "-9.00")]
    assert used([grant("g", "15"), grant("h", "50", "a")], owed) == [("g", "-15.00"), ("h", "-6.00")]
    assert used([grant("g", "50", "a")], [fee("10", "a"), fee("-4", "b")]) == [("g", "-6.00")]
    assert used([grant("g", "50", "a", "b")], [fee("10", "a"), fee("-4", "b"), fee("9")]) == [("g", "-10.00")]


def test_what_several_accounts_owe_is_paid_account_by_account() -> None:
    first, second = ToPay.of([fee("10", "a")]), ToPay.of([fee("5", "a"), fee("3", "b")])
    lines = credit_lines([grant("g", "12", "a")], {}, [first, second], period=OCTOBER, at_most=Decimal(99), **SAID)
    assert [str(each.amount) for each in lines] == ["-12.00"]
    assert (first.total, second.total) == (0, 6)
    assert (first.by_model, second.by_model) == ({"a": 0}, {"a": 3, "b": 3})


def test_what_is_left_to_pay_is_lowered_by_what_was_paid_model_by_model() -> None:
    owed = ToPay.of([fee("10", "a"), fee("7", "b"), fee("-2", "c"), fee("4")])
    assert (owed.total, owed.by_model) == (19, {"a": 10, "b": 7, "c": -2})
    assert [owed.most(models) for models in (["a"], ["a", "b"], ["c"], ["a", "c"], ["x"])] == [10, 17, 0, 10, 0]
    assert owed.pay(Decimal(12), ["b", "a"]) == 12
    assert (owed.total, owed.by_model) == (7, {"a": 5, "b": 0, "c": -2})
    assert owed.pay(Decimal(50), ["a", "x"]) == 5
    assert (owed.total, owed.by_model["a"], owed.by_model["x"]) == (2, 0, 0)
    assert owed.pay(Decimal(50), []) == 2
    assert owed.pay(Decimal(50), []) == 0
    below = ToPay.of([fee("3", "a"), fee("-5")])
    assert (below.most(["a"]), below.pay(Decimal(9), ["a"]), below.pay(Decimal(9), [])) == (0, 0, 0)
    assert (below.total, below.by_model) == (-2, {"a": 3})
    assert ToPay.of([]) == ToPay(total=Decimal(0), by_model={})


def test_the_months_of_a_quarter_are_paid_each_by_grants_of_its_own_end_and_corrections_with_the_first() -> None:
    months = QUARTER.months
    worth = [plain(LineKind.ITEM, amount, period=month) for amount, month in zip("579", months, strict=True)]
    to_pay = to_pay_by_month(worth, [correction("2.00")], QUARTER)
    assert [(month, each.total) for month, each in to_pay.items()] == list(zip(months, (7, 7, 9), strict=True))
    grants = [grant("short", "10", expires_on=date(2026, 12, 1)), grant("late", "4", granted_on=date(2026, 12, 1))]
    found = credit_lines_by_month(grants, {}, [to_pay], period=QUARTER, **SAID)
    assert [(each.credit_id, str(each.amount), each.period) for each in found] == [
        ("short", "-7.00", months[0]),
        ("short", "-3.00", months[1]),
        ("late", "-4.00", months[2]),
    ]


def test_a_single_month_is_paid_with_its_corrections_and_its_lines_say_no_month() -> None:
    to_pay = to_pay_by_month([fee("5")], [correction("-2.00")], OCTOBER)
    assert {month: each.total for month, each in to_pay.items()} == {OCTOBER: 3}
    (found,) = credit_lines_by_month([grant("g", "10")], {}, [to_pay], period=OCTOBER, **SAID)
    assert (str(found.amount), found.period) == ("-3.00", None)


def test_a_balance_says_what_is_unused_what_expired_and_what_is_left() -> None:
    balance = CreditBalance(
        account_id="acme", currency="USD", grant=grant("g", "10"), consumed=Decimal(3), reserved=Decimal(2)
    )
    for said, numbers in (
        ({}, (5, 0, 5)),
        ({"is_over": True}, (5, 5, 0)),
        ({"lapsed": Decimal(4)}, (5, 4, 1)),
        ({"lapsed": Decimal(6)}, (5, 5, 0)),
        ({"lapsed": Decimal(4), "is_over": True}, (5, 5, 0)),
    ):
        each = replace(balance, **said)
        assert (each.unused, each.expired, each.left) == numbers


def test_consumption_is_counted_by_the_end_of_the_months_that_were_paid() -> None:
    some = NOTHING_CONSUMED.plus(Decimal(3), date(2026, 11, 1)).plus(Decimal(2), date(2026, 10, 1))
    more = some.plus(Decimal(4), date(2026, 11, 1))
    assert (NOTHING_CONSUMED.total, some.total, more.total) == (0, 5, 9)
    assert [more.until(date(*day)) for day in ((2026, 9, 30), (2026, 10, 1), (2026, 10, 31), (2026, 11, 1))] == [
        0,
        2,
        2,
        9,
    ]


def test_credit_lines_of_invoices_are_consumption_and_credit_notes_give_back() -> None:
    grants = (grant("g", "10"), grant("h", "10"))
    first = invoice(fee("12.00"), credits=grants)
    second = invoice(fee("3.00"), number=2, period=NOVEMBER, credits=(grant("h", "10"),))
    found = consumed_by_grant([first, second])
    assert {name: dict(each.by_end_date) for name, each in found.items()} == {
        "g": {date(2026, 11, 1): 10},
        "h": {date(2026, 11, 1): 2, date(2026, 12, 1): 3},
    }
    back = consumed_by_grant([first, second, credit_note(first, number=3, prefix="INV-")])
    assert {name: each.total for name, each in back.items()} == {"g": 0, "h": 3}


def test_what_does_not_roll_over_lapses_with_the_month_and_is_of_no_use_after_it() -> None:
    rolling: dict[str, Any] = {"recurs": True, "rollover_months": 2, "granted_on": date(2026, 10, 1)}
    (of_october,) = grants_of([grant("g", "10", rollover_percent=Decimal(50), **rolling)], OCTOBER)
    (capped,) = grants_of([grant("g", "10", rollover_max=Decimal(2), **rolling)], OCTOBER)
    used_in_october = NOTHING_CONSUMED.plus(Decimal(4), OCTOBER.end_date)
    for made, consumed, lapsed, then in (
        (of_october, NOTHING_CONSUMED, 5, 5),
        (of_october, used_in_october, 3, 3),
        (of_october, used_in_october.plus(Decimal(3), NOVEMBER.end_date), 3, 0),
        (of_october, used_in_october.plus(Decimal(4), NOVEMBER.end_date), 3, 0),
        (capped, used_in_october, 4, 2),
        (capped, NOTHING_CONSUMED.plus(Decimal(9), OCTOBER.end_date), 0, 1),
    ):
        assert lapsed_of(made, consumed, "USD") == lapsed
        assert usable(made, consumed, NOVEMBER, "USD") == then
        assert usable(made, consumed, OCTOBER, "USD") == max(10 - consumed.total, 0)
    whole = grant("g", "10")
    assert (lapsed_of(whole, used_in_october, "USD"), usable(whole, used_in_october, NOVEMBER, "USD")) == (0, 6)


def test_grants_are_used_by_priority_age_and_end_month_by_month() -> None:
    monthly = grant("free", "1", recurs=True, granted_on=date(2026, 9, 1))
    others = [
        grant("last", "1", priority=90),
        grant("first", "1", priority=1, granted_on=date(2026, 10, 1)),
        grant("b", "1"),
        grant("a", "1"),
        grant("ends", "1", expires_on=date(2027, 1, 1)),
    ]
    assert [each.id for each in grants_of([*others, monthly], OCTOBER)] == [
        "first",
        "ends",
        "a",
        "b",
        "free.2026-09",
        "free.2026-10",
        "last",
    ]
