"""What a month is worth: each kind of line by its words and its border, and in which order they build on each other."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from pipeline.accounts import Account, Coupon, OneOffItem, Tax, Terms, TermsInForce
from pipeline.accounts.terms import ContractYear, Proration
from pipeline.base.money import Rounding
from pipeline.base.periods import BillingPeriod
from pipeline.invoicing.lines import InvoiceLine, LineKind, negated, plain_line
from pipeline.invoicing.worth.overage import overage_lines, usage_beyond
from pipeline.invoicing.worth.period_lines import (
    commitment_lines,
    coupon_lines,
    included_lines,
    item_lines,
    limit_lines,
    period_lines,
    year_lines,
)
from pipeline.invoicing.worth.recurring_lines import Commitment, YearSoFar, commitment_of, fee_lines, seat_lines
from pipeline.rates.limits import EntryLimit
from pipeline.usage import Meter

OCTOBER = BillingPeriod(year=2026, month=10)
YEAR = ContractYear(first_date=date(2025, 11, 1), end_date=date(2026, 11, 1), settled_in=OCTOBER)
SAID: dict[str, Any] = {"currency": "USD", "rounding": Rounding.HALF_UP}
Amounts = list[tuple[str, str]]


def terms(**said: Any) -> Terms:
    return Terms(**{"from_date": None, "rate_card": "standard"} | said)


def account(*of: Terms, **said: Any) -> Account:
    given: dict[str, Any] = {"id": "acme", "name": "Acme", "timezone": "UTC", "rate_card": "standard", "key_ids": ()}
    return Account(**given | {"terms": of} | said)


def in_force(*of: tuple[Terms, int]) -> list[TermsInForce]:
    return [TermsInForce(terms=each, days=days) for each, days in of]


def usage(amount: str, **said: Any) -> InvoiceLine:
    stated: dict[str, Any] = {
        "number": 1,
        "kind": LineKind.USAGE,
        "api_key_id": "k",
        "model": "m",
        "quantity": 1_000_000,
    }
    stated |= {"meter": Meter.PROMPT, "rate_per_million": Decimal(amount), "first_usage_date": date(2026, 10, 2)}
    stated |= {"exact_amount": Decimal(amount), "amount": Decimal(amount), "description": "usage"}
    return InvoiceLine(**stated | said)


def fee(amount: str, kind: LineKind = LineKind.FEE) -> InvoiceLine:
    return plain_line(kind, Decimal(amount), kind.value, **SAID)


def told(lines: list[InvoiceLine]) -> Amounts:
    return [(str(each.amount), each.description) for each in lines]


# Included tokens


def test_included_tokens_are_of_no_requests_and_of_no_packages_whatever_else_is_included() -> None:
    plain = usage("2.00")
    others = [replace(plain, meter=Meter.REQUEST), replace(plain, package_tokens=1_000)]
    included = {"m": 1_500_000, "request": 9, "prompt": 9}
    assert included_lines(others, included, **SAID) == []
    found = included_lines([*others, plain, plain], included, **SAID)
    assert [each.quantity for each in found] == [-1_000_000, -500_009]


def test_included_tokens_end_with_the_last_one_and_each_is_taken_off_at_the_rate_of_its_line() -> None:
    lines = [usage("2.00"), usage("1.00", meter=Meter.COMPLETION), usage("4.00")]
    for included, taken in (
        ({"prompt": 0}, []),
        ({"prompt": 1}, [(-1, "-0.000002", "1 m prompt tokens included")]),
        ({"prompt": 1_000_000}, [(-1_000_000, "-2", "1000000 m prompt tokens included")]),
        (
            {"prompt": 1_000_001},
            [
                (-1_000_000, "-2", "1000000 m prompt tokens included"),
                (-1, "-0.000004", "1 m prompt tokens included"),
            ],
        ),
        ({"completion": 500_000}, [(-500_000, "-0.5", "500000 m completion tokens included")]),
    ):
        found = included_lines(lines, included, **SAID)
        assert [(each.quantity, f"{each.exact_amount:f}", each.description) for each in found] == taken
        assert {(each.kind, each.api_key_id) for each in found} <= {(LineKind.INCLUDED, "k")}
    rounded = included_lines([usage("0.50")], {"prompt": 10_000}, currency="USD", rounding=Rounding.HALF_EVEN)
    assert [str(each.amount) for each in rounded] == ["0.00"], "-0.005 to the even cent, and zero has no sign"


def test_where_nothing_is_included_other_kinds_are_not_looked_at() -> None:
    assert included_lines([fee("1.00")], {}, **SAID) == []
    with pytest.raises(ValueError, match="is a fee line and has no meter or no rate"):
        included_lines([fee("1.00")], {"prompt": 1}, **SAID)


# Limits


@pytest.mark.parametrize(
    ("minimum", "maximum", "found"),
    [
        (None, "500.00", [("-120.10", "maximum of 500.00 USD for m, flex tier, instead of 620.10")]),
        ("700", None, [("79.90", "minimum of 700.00 USD for m, flex tier, instead of 620.10")]),
        ("620.10", "620.10", []),
        ("620.11", None, [("0.01", "minimum of 620.11 USD for m, flex tier, instead of 620.10")]),
        (None, "620.09", [("-0.01", "maximum of 620.09 USD for m, flex tier, instead of 620.10")]),
    ],
)
def test_an_entry_is_raised_to_its_minimum_and_capped_at_its_maximum_to_the_cent(
    minimum: str | None, maximum: str | None, found: Amounts
) -> None:
    limit = EntryLimit(
        model="m",
        service_tier="flex",
        text="m, flex tier",
        minimum=None if minimum is None else Decimal(minimum),
        maximum=None if maximum is None else Decimal(maximum),
    )
    lines = [usage("600.00", entry="e"), usage("20.10", entry="e"), usage("9.00"), usage("5.00", entry="other")]
    limits = {"e": limit, "other": replace(limit, minimum=None, maximum=None)}
    made = limit_lines(lines, limits, **SAID)
    assert told(made) == found
    assert {(each.kind, each.model, each.service_tier, each.entry) for each in made} <= {
        (LineKind.LIMIT, "m", "flex", "e")
    }


# Fees and seats


def test_a_monthly_fee_is_of_the_card_and_of_the_days_on_which_terms_name_it() -> None:
    old, new = terms(rate_card="old"), terms(rate_card="new")
    fees = {"old": Decimal("99.00"), "new": Decimal("31.00")}
    for force, found in (
        (in_force((old, 31)), [("99.00", "monthly fee for 2026-10")]),
        (
            in_force((old, 16), (new, 15)),
            [("51.10", "monthly fee for 2026-10, 16 of 31 days"), ("15.00", "monthly fee for 2026-10, 15 of 31 days")],
        ),
        (
            in_force((old, 10), (new, 6), (old, 6)),
            [
                ("51.10", "monthly fee for 2026-10, 16 of 31 days"),
                ("6.00", "monthly fee for 2026-10, 6 of 31 days"),
            ],
        ),
        (in_force((terms(rate_card="none"), 31)), []),
        (in_force((terms(rate_card="none"), 15), (new, 16)), [("16.00", "monthly fee for 2026-10, 16 of 31 days")]),
        ([], []),
    ):
        made = fee_lines(force, fees, OCTOBER, **SAID)
        assert told(made) == found
        assert {each.kind for each in made} <= {LineKind.FEE}
        assert all(each.item == "" for each in made)
    same = {"old": Decimal(31), "new": Decimal("31.00")}
    assert told(fee_lines(in_force((old, 16), (new, 15)), same, OCTOBER, **SAID)) == [
        ("31.00", "monthly fee for 2026-10")
    ]
    assert told(fee_lines(in_force((old, 31)), {"old": Decimal(0)}, OCTOBER, **SAID)) == [
        ("0.00", "monthly fee for 2026-10")
    ]


def test_seats_are_paid_at_their_price_each_number_of_them_for_its_days() -> None:
    price = Decimal("20.00")
    none, one, five = terms(), terms(seats=1, seat_price=price), terms(seats=5, seat_price=price)
    for force, found in (
        (in_force((five, 31)), [("100.00", "5 seats at 20.00 USD for 2026-10")]),
        (in_force((one, 31)), [("20.00", "1 seat at 20.00 USD for 2026-10")]),
        (in_force((none, 31)), []),
        (
            in_force((one, 15), (none, 1), (five, 15)),
            [
                ("9.68", "1 seat at 20.00 USD for 2026-10, 15 of 31 days"),
                ("48.39", "5 seats at 20.00 USD for 2026-10, 15 of 31 days"),
            ],
        ),
    ):
        made = seat_lines(force, OCTOBER, **SAID)
        assert told(made) == found
        assert {(each.kind, each.item) for each in made} <= {(LineKind.FEE, "seats")}


# Commitments


def test_a_commitment_of_part_of_a_month_is_each_days_part_rounded_once() -> None:
    hundred, thirty = terms(minimum_commitment=Decimal(100)), terms(minimum_commitment=Decimal("31.00"))
    for force, amount, days in (
        (in_force((hundred, 31)), "100", ""),
        (in_force((hundred, 16), (terms(), 15)), "51.61", "16 of 31 days of 100.00"),
        (
            in_force((hundred, 10), (thirty, 1), (hundred, 20)),
            "97.77",
            "30 of 31 days of 100.00, 1 of 31 days of 31.00",
        ),
        (in_force((terms(), 31)), "0", ""),
        ([], "0", ""),
    ):
        found = commitment_of(force, OCTOBER, **SAID)
        assert (str(found.amount.normalize() if found.amount else 0), found.days_text) == (
            str(Decimal(amount).normalize() if Decimal(amount) else 0),
            days,
        )


def test_of_a_month_the_monthly_commitment_counts_and_of_a_year_the_yearly() -> None:
    both = in_force((terms(minimum_commitment=Decimal(5)), 31)), in_force((terms(yearly_commitment=Decimal(7)), 365))
    assert [commitment_of(each, period, **SAID).amount for each in both for period in (OCTOBER,)] == [5, 0]
    assert commitment_of(both[1], YEAR, **SAID).amount == 7
    part = commitment_of(in_force((terms(yearly_commitment=Decimal(365)), 100)), YEAR, **SAID)
    assert (part.amount, part.days_text) == (Decimal("100.00"), "100 of 365 days of 365.00")


@pytest.mark.parametrize(
    ("agreed", "days", "found"),
    [
        ("100.00", "", [("29.75", "minimum commitment of 100.00 USD, less 70.25 of usage and fees")]),
        (
            "100.00",
            "16 of 31 days of 193.75",
            [
                (
                    "29.75",
                    "minimum commitment of 100.00 USD (16 of 31 days of 193.75), less 70.25 of usage and fees",
                )
            ],
        ),
        ("70.26", "", [("0.01", "minimum commitment of 70.26 USD, less 70.25 of usage and fees")]),
        ("70.25", "", []),
        ("70.24", "", []),
        ("0", "", []),
    ],
)
def test_usage_and_fees_are_raised_to_a_commitment(agreed: str, days: str, found: Amounts) -> None:
    lines = [usage("60.00"), fee("10.25"), fee("500.00", LineKind.ITEM)]
    made = commitment_lines(lines, Commitment(amount=Decimal(agreed), days_text=days), **SAID)
    assert told(made) == found
    assert {(each.kind, each.item) for each in made} <= {(LineKind.COMMITMENT, "")}
    assert Commitment(amount=Decimal(1)).days_text == ""


@pytest.mark.parametrize(
    ("agreed", "before", "found"),
    [
        ("1200", "900", "200.00"),
        ("1000.01", "900", "0.01"),
        ("1000", "900", None),
        ("999", "900", None),
        ("1200", "0", "1100.00"),
        ("0", "-900", None),
    ],
)
def test_a_year_is_raised_to_its_commitment_once_with_its_last_month(
    agreed: str, before: str, found: str | None
) -> None:
    acme = account(terms(yearly_commitment=Decimal(agreed)), begins_on=date(2025, 11, 1))
    spent = Decimal(before)
    made = year_lines([usage("90.00"), fee("10.00")], YearSoFar(year=YEAR, spent_before=spent), acme, **SAID)
    printed = f"{spent + 100:.2f}"
    text = f"yearly commitment of {Decimal(agreed):.2f} USD, less {printed} of usage and fees of 2025-11 to 2026-10"
    assert told(made) == ([] if found is None else [(found, text)])
    assert {(each.kind, each.item) for each in made} <= {(LineKind.COMMITMENT, "year")}


def test_a_year_that_ends_early_has_committed_its_days() -> None:
    said: dict[str, Any] = {"begins_on": date(2025, 11, 1), "ends_on": date(2026, 10, 31)}
    acme = account(terms(yearly_commitment=Decimal(365), proration=Proration.DAYS), **said)
    (made,) = year_lines([], YearSoFar(year=YEAR, spent_before=Decimal(4)), acme, **SAID)
    assert made.description == (
        "yearly commitment of 364.00 USD (364 of 365 days of 365.00), less 4.00 of usage and fees of 2025-11 to 2026-10"
    )


# Usage beyond a commitment


def overage(
    lines: list[InvoiceLine], percent: str, committed: str, year: YearSoFar | None = None, **said: Any
) -> Amounts:
    mine = terms(overage_percent=Decimal(percent), **said)
    acme = account(mine, begins_on=date(2025, 11, 1) if said else None)
    made = overage_lines(
        lines, Commitment(amount=Decimal(committed)), in_force((mine, 31)), acme, year_so_far=year, **SAID
    )
    assert {each.kind for each in made} <= {LineKind.OVERAGE}
    return told(made)


SPENT = [usage("110.00"), fee("30.00")]


@pytest.mark.parametrize(
    ("percent", "committed", "found"),
    [
        (
            "120",
            "100",
            [("8.00", "40.00 USD of usage beyond the minimum commitment of 100.00 USD, at 120% of its price")],
        ),
        (
            "90.50",
            "100",
            [("-3.80", "40.00 USD of usage beyond the minimum commitment of 100.00 USD, at 90.5% of its price")],
        ),
        (
            "0",
            "139.99",
            [("-0.01", "0.01 USD of usage beyond the minimum commitment of 139.99 USD, at 0% of its price")],
        ),
        ("120", "140", []),
        ("120", "141", []),
        ("100", "100", []),
        ("120", "0", []),
        (
            "200",
            "10",
            [("110.00", "110.00 USD of usage beyond the minimum commitment of 10.00 USD, at 200% of its price")],
        ),
    ],
)
def test_usage_beyond_a_commitment_has_its_own_price_and_fees_fill_it_first(
    percent: str, committed: str, found: Amounts
) -> None:
    assert overage(SPENT, percent, committed) == found


def test_where_the_month_has_no_commitment_that_of_the_year_counts_less_what_was_spent_before() -> None:
    said: dict[str, Any] = {"yearly_commitment": Decimal(1000)}
    for before, found in (
        ("900", [("8.00", "40.00 USD of usage beyond the yearly commitment of 1000.00 USD, at 120% of its price")]),
        ("860", []),
        ("2000", [("22.00", "110.00 USD of usage beyond the yearly commitment of 1000.00 USD, at 120% of its price")]),
    ):
        year = YearSoFar(year=YEAR, spent_before=Decimal(before))
        assert overage(SPENT, "120", "0", year, **said) == found
    of_month = [("8.00", "40.00 USD of usage beyond the minimum commitment of 100.00 USD, at 120% of its price")]
    assert overage(SPENT, "120", "100", YearSoFar(year=YEAR, spent_before=Decimal(2000)), **said) == of_month
    assert overage(SPENT, "120", "0", None, **said) == []


def test_the_first_terms_by_which_something_is_owed_say_the_price_of_what_is_beyond() -> None:
    dear, cheap = terms(overage_percent=Decimal(150)), terms(overage_percent=Decimal(50))
    for force, found in (
        (in_force((dear, 1), (cheap, 30)), "20.00"),
        (in_force((cheap, 1), (dear, 30)), "-20.00"),
        (in_force((terms(), 1), (dear, 30)), None),
        ([], None),
    ):
        made = overage_lines(SPENT, Commitment(amount=Decimal(100)), force, account(), year_so_far=None, **SAID)
        assert [str(each.amount) for each in made] == ([] if found is None else [found])


@pytest.mark.parametrize(
    ("committed", "before", "beyond"),
    [("100", "0", "40"), ("100", "50", "90"), ("100", "500", "110"), ("200", "0", "-60")],
)
def test_what_is_beyond_is_at_most_all_usage_of_the_month(committed: str, before: str, beyond: str) -> None:
    assert usage_beyond(SPENT, Decimal(committed), Decimal(before)) == Decimal(beyond)


# Items and coupons


def test_items_come_by_date_then_id_and_say_their_date() -> None:
    items = [
        OneOffItem(id=name, date=date(2026, 10, day), description=f"the {name}", amount=Decimal(amount))
        for name, day, amount in (("b", 5, "1"), ("a", 5, "-2.5"), ("c", 4, "3"))
    ]
    found = item_lines(items, **SAID)
    assert told(found) == [
        ("3.00", "the c (2026-10-04)"),
        ("-2.50", "the a (2026-10-05)"),
        ("1.00", "the b (2026-10-05)"),
    ]
    assert [(each.kind, each.item) for each in found] == [(LineKind.ITEM, name) for name in "cab"]


def coupon(name: str, **said: Any) -> Coupon:
    return Coupon(id=name, from_date=date(2026, 10, 1), months=1, **said)


TWENTY, FIFTY = coupon("twenty", percent=Decimal("20.0")), coupon("fifty", amount=Decimal(50))


def test_coupons_are_taken_off_one_after_the_other_and_never_more_than_is_left() -> None:
    worth = [usage("100.00"), fee("31.00")]
    for coupons, found in (
        ([TWENTY, FIFTY], [("-26.20", "coupon twenty: 20% of 131.00 USD"), ("-50.00", "coupon fifty")]),
        ([FIFTY, TWENTY], [("-50.00", "coupon fifty"), ("-16.20", "coupon twenty: 20% of 81.00 USD")]),
        (
            [replace(FIFTY, amount=Decimal("130.99")), FIFTY, TWENTY],
            [("-130.99", "coupon fifty"), ("-0.01", "coupon fifty")],
        ),
        ([replace(FIFTY, amount=Decimal(132)), FIFTY], [("-131.00", "coupon fifty")]),
        ([coupon("all", percent=Decimal(100)), FIFTY], [("-131.00", "coupon all: 100% of 131.00 USD")]),
        ([], []),
    ):
        made = coupon_lines(worth, coupons, tax=None, **SAID)
        assert told(made) == found
        assert {(each.kind, each.taxed_as) for each in made} <= {(LineKind.COUPON, None)}
        assert all(each.item in each.description for each in made)
    for nothing in ([], [fee("-5.00")], [fee("0.00")]):
        assert coupon_lines(nothing, [FIFTY], tax=None, **SAID) == []


def test_where_kinds_have_taxes_a_coupon_is_a_line_for_each_in_proportion_and_in_the_order_of_kinds() -> None:
    by_kind = Tax(rate=Decimal(19), by_kind=(("fee", Tax(rate=Decimal(7))), ("item", Tax(rate=Decimal(7)))))
    worth = [fee("10.00", LineKind.ITEM), usage("30.00"), fee("20.00")]
    made = coupon_lines(worth, [coupon("c", amount=Decimal(10))], tax=by_kind, **SAID)
    assert [(str(each.amount), each.description, each.taxed_as, each.item) for each in made] == [
        ("-5.00", "coupon c, part taxed as usage", LineKind.USAGE, "c"),
        ("-5.00", "coupon c, part taxed as fee", LineKind.FEE, "c"),
    ], "a fee and an item have one tax, which is called by the first of them"
    second = coupon_lines(
        worth, [coupon("a", percent=Decimal(50)), coupon("b", percent=Decimal(50))], tax=by_kind, **SAID
    )
    assert [str(each.amount) for each in second] == ["-15.00", "-15.00", "-7.50", "-7.50"]


def test_a_coupon_on_lines_of_one_tax_is_one_line_of_that_and_a_part_of_nothing_is_none() -> None:
    by_kind = Tax(rate=Decimal(19), by_kind=(("fee", Tax(rate=Decimal(7))),))
    for worth, found in (
        ([usage("30.00")], [("-10.00", "coupon c", LineKind.USAGE)]),
        ([fee("30.00")], [("-10.00", "coupon c", LineKind.FEE)]),
        ([usage("0.00"), fee("30.00")], [("-10.00", "coupon c, part taxed as fee", LineKind.FEE)]),
        ([usage("-5.00"), fee("30.00")], [("-10.00", "coupon c, part taxed as fee", LineKind.FEE)]),
    ):
        made = coupon_lines(worth, [coupon("c", amount=Decimal(10))], tax=by_kind, **SAID)
        assert [(str(each.amount), each.description, each.taxed_as) for each in made] == found


# All together


def test_each_kind_builds_on_those_before_it() -> None:
    mine = terms(
        minimum_commitment=Decimal(100),
        overage_percent=Decimal(110),
        included_tokens={"prompt": 250_000},
        seats=2,
        seat_price=Decimal(5),
    )
    acme = account(mine, coupons=(coupon("c", percent=Decimal(10)), replace(FIFTY, from_date=date(2026, 11, 1))))
    item = OneOffItem(id="i", date=date(2026, 10, 3), description="setup", amount=Decimal(7))
    limit = EntryLimit(model="m", service_tier="", text="m", minimum=Decimal(200), maximum=None)

    def kinds(amount: str, **said: Any) -> Amounts:
        found = period_lines(
            [usage(amount, entry="e" if said else "")],
            account=acme,
            period=OCTOBER,
            card_fees={"standard": Decimal(3)},
            items=[item],
            **SAID,
            **said,
        )
        return [(each.kind.value, str(each.amount)) for each in found]

    assert kinds("40.00") == [
        ("usage", "40.00"),
        ("included", "-10.00"),
        ("fee", "3.00"),
        ("fee", "10.00"),
        ("commitment", "57.00"),
        ("item", "7.00"),
        ("coupon", "-10.70"),
    ]
    assert kinds("40.00", limits={"e": limit}) == [
        ("usage", "40.00"),
        ("included", "-10.00"),
        ("limit", "170.00"),
        ("fee", "3.00"),
        ("fee", "10.00"),
        ("overage", "11.30"),
        ("item", "7.00"),
        ("coupon", "-23.13"),
    ]


def test_without_usage_a_month_owes_what_its_terms_say_and_the_fee_only_where_they_say_so() -> None:
    plain = terms(seats=1, seat_price=Decimal(5), minimum_commitment=Decimal(20))
    said: dict[str, Any] = {"period": OCTOBER, "card_fees": {"standard": Decimal(3)}, **SAID}
    for mine, more, found in (
        (plain, {}, ["3.00", "5.00", "12.00"]),
        (plain, {"has_usage": False}, ["5.00", "15.00"]),
        (replace(plain, fee_without_usage=True), {"has_usage": False}, ["3.00", "5.00", "12.00"]),
        (plain, {"has_usage": False, "due": []}, []),
        (plain, {"due": []}, ["3.00"]),
        (replace(plain, fee_without_usage=True), {"has_usage": False, "due": []}, []),
    ):
        made = period_lines([], account=account(mine), **said, **more)
        assert [str(each.amount) for each in made] == found


def test_a_year_is_settled_with_the_month_that_is_named_and_counts_towards_what_is_beyond() -> None:
    acme = account(terms(yearly_commitment=Decimal(1000), overage_percent=Decimal(200)), begins_on=date(2025, 11, 1))
    so_far = YearSoFar(year=YEAR, spent_before=Decimal(900))
    for amount, more, found in (
        ("40.00", {"to_settle": so_far, "year_so_far": so_far}, ["40.00", "60.00"]),
        ("40.00", {"year_so_far": so_far}, ["40.00"]),
        ("140.00", {"to_settle": so_far, "year_so_far": so_far}, ["140.00", "40.00"]),
        ("140.00", {}, ["140.00"]),
    ):
        made = period_lines([usage(amount)], account=acme, period=OCTOBER, **SAID, **more)
        assert [str(each.amount) for each in made] == found


def test_less_than_nothing_spent_lacks_more_than_was_agreed() -> None:
    (made,) = commitment_lines([negated(usage("10.00"))], Commitment(amount=Decimal(4)), **SAID)
    assert told([made]) == [("14.00", "minimum commitment of 4.00 USD, less -10.00 of usage and fees")]
