"""Where drafts stand: closed months have none, months of an interval stand together, corrections on the next one."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from pipeline.accounts import Account, Accounts, InvoicedTo, Terms
from pipeline.accounts.intervals import BillingInterval, Interval
from pipeline.base.periods import BillingPeriod
from pipeline.invoicing.places import closed_periods, draft_places, open_period

MONTHS = [BillingPeriod(year=2026, month=month) for month in range(1, 13)]
SEPTEMBER, OCTOBER, NOVEMBER, DECEMBER = MONTHS[8:]
QUARTERLY = (Terms(from_date=None, rate_card="standard", billed_by=BillingInterval(interval=Interval.QUARTER)),)


def account(name: str, *spans: InvoicedTo, **said: Any) -> Account:
    given: dict[str, Any] = {"name": name, "timezone": "UTC", "rate_card": "standard", "key_ids": ()}
    return Account(id=name, invoiced_to=spans, **given | said)


def child_of(parent: str, first: int | None = None, end: int | None = None) -> InvoicedTo:
    """Of months of 2026, by their numbers; half-open."""
    days = [None if month is None else date(2026, month, 1) for month in (first, end)]
    return InvoicedTo(account_id=parent, from_date=days[0], to_date=days[1])


def places(accounts: list[Account], **said: Any) -> Any:
    nothing: dict[str, Any] = {each.id: set() for each in accounts}
    given = {name: nothing | said.get(name, {}) for name in ("open_months", "closed")}
    return draft_places(Accounts(accounts=tuple(accounts)), corrected=said.get("corrected", {}), **given)


def drafted(found: Any) -> list[tuple[str, str, list[str]]]:
    return [(payer, str(period), [each.id for each in members]) for (payer, period), members in found.drafts.items()]


def test_what_was_invoiced_is_closed_for_an_account_and_for_its_child_while_it_was_one() -> None:
    acme, bolt = account("acme"), account("bolt", child_of("acme", 10, 12))
    accounts = Accounts(accounts=(acme, bolt))
    invoiced = {"acme": [SEPTEMBER, OCTOBER, DECEMBER], "bolt": [MONTHS[0]]}
    assert closed_periods(accounts, invoiced) == {
        "acme": {SEPTEMBER, OCTOBER, DECEMBER},
        "bolt": {MONTHS[0], OCTOBER},
    }


@pytest.mark.parametrize(
    ("month", "closed", "found"),
    [
        (10, (), (10, 12)),
        (11, (), (10, 12)),
        (12, (), (10, 12)),
        (11, (10,), (11, 12)),
        (12, (10,), (11, 12)),
        (10, (11,), (10, 10)),
        (12, (11,), (12, 12)),
        (11, (10, 12), (11, 11)),
        (10, (9,), (10, 12)),
        (9, (), (7, 9)),
    ],
)
def test_months_of_an_interval_that_are_open_are_billed_together_around_the_one(
    month: int, closed: tuple[int, ...], found: tuple[int, int]
) -> None:
    quarterly = account("acme", terms=QUARTERLY)
    first, last = (MONTHS[each - 1] for each in found)
    assert open_period(quarterly, MONTHS[month - 1], {MONTHS[each - 1] for each in closed}) == first.until(last)
    assert open_period(account("acme"), MONTHS[month - 1], ()) == MONTHS[month - 1]


def test_each_open_month_has_a_draft_in_the_order_of_time_then_of_the_account() -> None:
    accounts = [account("b"), account("a"), account("c")]
    found = places(accounts, open_months={"b": [NOVEMBER, OCTOBER], "a": [NOVEMBER]})
    assert drafted(found) == [("b", "2026-10", ["b"]), ("a", "2026-11", ["a"]), ("b", "2026-11", ["b"])]
    assert found.carriers == {}
    quarterly = account("acme", terms=QUARTERLY)
    assert drafted(places([quarterly], open_months={"acme": [NOVEMBER, OCTOBER]})) == [("acme", "2026-Q4", ["acme"])]


def test_a_childs_months_stand_on_its_parents_drafts_while_it_is_one() -> None:
    accounts = [account("z", child_of("acme", 10, 12)), account("acme"), account("bolt", child_of("acme"))]
    found = places(accounts, open_months={"z": [OCTOBER, DECEMBER], "bolt": [OCTOBER], "acme": [NOVEMBER]})
    assert drafted(found) == [
        ("acme", "2026-10", ["acme", "z", "bolt"]),
        ("acme", "2026-11", ["acme", "z", "bolt"]),
        ("z", "2026-12", ["z"]),
    ]


def test_corrections_stand_on_the_earliest_draft_that_may_have_lines_of_the_account() -> None:
    bolt = account("bolt", child_of("acme", 10, 12))
    accounts = [account("acme"), bolt, account("calm")]
    corrected = {"bolt": [SEPTEMBER], "acme": [SEPTEMBER]}
    found = places(accounts, open_months={"acme": [NOVEMBER, OCTOBER], "bolt": [DECEMBER]}, corrected=corrected)
    assert found.carriers == {"acme": ("acme", OCTOBER), "bolt": ("acme", OCTOBER)}
    only_own = places(accounts, open_months={"acme": [SEPTEMBER], "bolt": [DECEMBER]}, corrected=corrected)
    assert only_own.carriers == {"acme": ("acme", SEPTEMBER), "bolt": ("bolt", DECEMBER)}


def test_where_there_is_no_draft_corrections_make_one_of_the_month_after_the_latest_that_is_closed() -> None:
    accounts = [account("acme"), account("bolt")]
    found = places(
        accounts,
        closed={"acme": {SEPTEMBER, MONTHS[0]}},
        corrected={"acme": [MONTHS[0]], "bolt": [MONTHS[0], OCTOBER]},
    )
    assert found.carriers == {"acme": ("acme", OCTOBER), "bolt": ("bolt", NOVEMBER)}
    assert drafted(found) == [("acme", "2026-10", ["acme"]), ("bolt", "2026-11", ["bolt"])]
    quarterly = account("acme", terms=QUARTERLY)
    made = places([quarterly], closed={"acme": {OCTOBER}}, corrected={"acme": [OCTOBER]})
    assert made.carriers == {"acme": ("acme", NOVEMBER.until(DECEMBER))}


def test_a_draft_that_corrections_of_one_account_make_carries_those_of_its_child_too() -> None:
    accounts = [account("acme"), account("bolt", child_of("acme"))]
    found = places(
        accounts,
        closed={"acme": {SEPTEMBER}, "bolt": {SEPTEMBER}},
        corrected={"acme": [SEPTEMBER], "bolt": [SEPTEMBER]},
    )
    assert found.carriers == {"acme": ("acme", OCTOBER), "bolt": ("acme", OCTOBER)}
    assert drafted(found) == [("acme", "2026-10", ["acme", "bolt"])]
