"""Which tax a line has, what each tax is on, and what is printed of it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from lines_by_hand import AUGUST, NOVEMBER, OCTOBER, QUARTER, SAID, SEPTEMBER, correction, fee, plain, reduction, usage

from pipeline.accounts import Tax, TaxCategory
from pipeline.invoicing.lines import LineKind, total_of
from pipeline.invoicing.rules import Rules
from pipeline.invoicing.tax import (
    TaxShare,
    corrected_periods,
    correction_tax_text,
    correction_taxes,
    split_in_proportion,
    tax_lines,
    tax_of_line,
    tax_shares,
    tax_texts,
    taxed_kind,
    taxed_with,
)

if TYPE_CHECKING:
    from pipeline.base.periods import BillingPeriod
    from pipeline.invoicing.lines import InvoiceLine

VAT, REDUCED = Tax(rate=Decimal(19), label="VAT", text="own"), Tax(rate=Decimal(7), label="VAT", text="reduced")
BY_KIND = replace(VAT, by_kind=(("fee", REDUCED),))
EXEMPT = Tax(category=TaxCategory.EXEMPT, text="Exempt")


def shares(lines: list[InvoiceLine], tax_of: Any, period: BillingPeriod = OCTOBER) -> list[tuple[Any, str, str]]:
    found = tax_shares(lines, tax_of, period=period, currency="USD")
    return [(each.tax, str(each.taxed), str(each.credits)) for each in found]


@pytest.mark.parametrize(
    ("used", "totals", "parts"),
    [
        ("-10.00", ["10.00", "10.00", "10.00"], ["-3.33", "-3.33", "-3.34"]),
        ("-10.00", ["10.00"], ["-10.00"]),
        ("-0.01", ["1.00", "1.00"], ["0.00", "-0.01"]),
        ("-5.00", ["-3.00", "5.00", "0.00"], ["0.00", "-5.00", "0.00"]),
        ("0.00", ["1.00", "2.00"], ["0.00", "0.00"]),
        ("-1.00", ["0.00", "0.00"], ["0.00", "0.00"]),
        ("-9.00", ["2.00", "1.00", "6.00"], ["-2.00", "-1.00", "-6.00"]),
    ],
)
def test_what_is_taken_off_is_split_in_proportion_to_the_minor_unit_without_a_rest(
    used: str, totals: list[str], parts: list[str]
) -> None:
    found = list(split_in_proportion(Decimal(used), [Decimal(each) for each in totals], "USD"))
    assert found == [Decimal(each) for each in parts]
    assert {each.as_tuple().exponent for each in found} == {-2}
    yen = [each and Decimal(each).scaleb(2).quantize(Decimal(1)) for each in totals]
    assert list(split_in_proportion(Decimal(used).scaleb(2).quantize(Decimal(1)), yen, "JPY")) == [
        each.scaleb(2) for each in found
    ]


def test_the_kinds_of_a_month_have_their_own_taxes_and_share_its_credits() -> None:
    lines = [usage("30.00"), fee("10.00"), plain(LineKind.OVERAGE, "5.00"), plain(LineKind.CREDIT, "-9.00")]
    one = replace(VAT, by_kind=())
    assert shares(lines, lambda _: BY_KIND) == [(one, "35.00", "-7.00"), (REDUCED, "10.00", "-2.00")]
    assert shares(lines, lambda _: VAT) == [(VAT, "45.00", "-9.00")]
    assert shares(lines, lambda _: None) == [(None, "45.00", "-9.00")]
    assert shares([plain(LineKind.TAX, "5.00")], lambda _: VAT) == []


def test_credits_are_taken_off_the_own_month_first_then_off_corrections_the_earliest_first() -> None:
    old, older = replace(VAT, rate=Decimal(16)), replace(VAT, rate=Decimal(15))
    taxes = {OCTOBER: VAT, SEPTEMBER: old, AUGUST: older}
    corrections = [correction("4.00", SEPTEMBER), correction("3.00", AUGUST)]
    for paid, parts in (
        ("-6.00", ["-6.00", "0", "0"]),
        ("-11.00", ["-10.00", "-1.00", "0"]),
        ("-15.00", ["-10.00", "-3.00", "-2.00"]),
    ):
        found = shares([*corrections, fee("10.00"), plain(LineKind.CREDIT, paid)], taxes.__getitem__)
        assert [(tax, taxed) for tax, taxed, _ in found] == [(VAT, "10.00"), (older, "3.00"), (old, "4.00")]
        assert [Decimal(credited) for _, _, credited in found] == [Decimal(each) for each in parts]
    below = shares([correction("-4.00", SEPTEMBER), fee("10.00"), plain(LineKind.CREDIT, "-6.00")], taxes.__getitem__)
    assert [(tax, taxed, Decimal(credited)) for tax, taxed, credited in below] == [
        (VAT, "10.00", -6),
        (old, "-4.00", 0),
    ]


def test_months_of_one_tax_are_one_share_and_reductions_are_off_the_sum_of_their_own_tax_alone() -> None:
    off = reduction("-1.00")
    of_old = replace(off, original_period=SEPTEMBER)
    old = replace(VAT, rate=Decimal(16))
    assert shares([fee("10.00"), correction("4.00"), off], lambda _: VAT) == [(VAT, "13.00", "0")]
    taxes = {OCTOBER: VAT, SEPTEMBER: old}
    assert shares([fee("10.00"), correction("4.00"), off, of_old], taxes.__getitem__) == [
        (VAT, "9.00", "0"),
        (old, "3.00", "0"),
    ]
    assert shares([off], taxes.__getitem__) == [(VAT, "-1.00", "0")]
    credit = plain(LineKind.CREDIT, "-4.00")
    assert shares([fee("10.00"), off, usage("30.00"), credit], lambda _: BY_KIND) == [
        (REDUCED, "9.00", "-1.00"),
        (replace(VAT, by_kind=()), "30.00", "-3.00"),
    ]


@pytest.mark.parametrize("rules", Rules)
def test_each_tax_that_is_charged_has_a_line_and_one_that_is_not_has_none(rules: Rules) -> None:
    exempt_fees = replace(VAT, by_kind=(("fee", EXEMPT), ("item", REDUCED)))
    lines = [fee("10.00"), usage("10.03"), plain(LineKind.ITEM, "5.00")]
    found = tax_lines(lines, lambda _: exempt_fees, period=OCTOBER, **SAID, rules=rules)
    assert [(str(each.amount), each.exact_amount, each.description) for each in found] == [
        ("1.91", Decimal("1.9057"), "VAT 19% on 10.03 USD"),
        ("0.35", Decimal("0.35"), "VAT 7% on 5.00 USD"),
    ]
    stated = [(each.tax_category, each.tax_rate, each.tax_base) for each in found]
    if rules >= Rules.THIRD:
        standard = TaxCategory.STANDARD
        assert stated == [(standard, Decimal(19), Decimal("10.03")), (standard, Decimal(7), Decimal("5.00"))]
    else:
        assert stated == [(None, None, None)] * 2
    assert tax_lines(lines, lambda _: None, period=OCTOBER, **SAID) == []
    zero = tax_lines(lines, lambda _: Tax(label="GST"), period=OCTOBER, **SAID)
    assert [(str(each.amount), each.description) for each in zero] == [("0.00", "GST 0% on 25.03 USD")]


def test_a_share_is_taxed_on_what_credits_leave_of_it_with_every_digit() -> None:
    share = TaxShare(tax=replace(VAT, rate=Decimal("7.5")), taxed=Decimal("10.01"), credits=Decimal("-3.00"))
    assert (share.base, share.exact_amount) == (Decimal("7.01"), Decimal("0.52575"))
    assert replace(share, tax=EXEMPT).exact_amount == 0
    assert replace(share, tax=None).exact_amount == 0


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (usage("1.00"), "usage"),
        (usage("1.00", kind=LineKind.INCLUDED), "usage"),
        (plain(LineKind.LIMIT, "1.00"), "usage"),
        (plain(LineKind.OVERAGE, "1.00"), "usage"),
        (plain(LineKind.FEE, "1.00"), "fee"),
        (plain(LineKind.COMMITMENT, "1.00"), "commitment"),
        (plain(LineKind.ITEM, "1.00"), "item"),
        (plain(LineKind.COUPON, "1.00"), "coupon"),
        (plain(LineKind.COUPON, "1.00", taxed_as=LineKind.FEE), "fee"),
        (correction("1.00"), "fee"),
        (correction("1.00", of=LineKind.LIMIT), "usage"),
        (correction("1.00", of=LineKind.COUPON, taxed_as=LineKind.ITEM), "item"),
    ],
)
def test_what_changes_the_price_of_usage_is_taxed_as_usage_and_a_correction_as_what_it_corrects(
    line: InvoiceLine, kind: str
) -> None:
    assert taxed_kind(line) == kind
    assert tax_of_line(line, lambda _: BY_KIND, period=OCTOBER) == (
        REDUCED if kind == "fee" else replace(VAT, by_kind=())
    )
    assert tax_of_line(line, lambda _: None, period=OCTOBER) is None


def test_a_line_has_the_tax_of_the_month_it_corrects_unless_that_is_among_the_invoices_own() -> None:
    for line, period, supplied in (
        (fee("1.00"), OCTOBER, OCTOBER),
        (correction("1.00"), OCTOBER, SEPTEMBER),
        (correction("1.00", OCTOBER), OCTOBER, OCTOBER),
        (correction("1.00", NOVEMBER), QUARTER, QUARTER),
        (correction("1.00", SEPTEMBER), QUARTER, SEPTEMBER),
    ):
        assert taxed_with(line, period) == supplied
    lines = [correction("1.00"), correction("1.00", AUGUST), correction("1.00", AUGUST), fee("1.00")]
    assert corrected_periods(lines, OCTOBER) == [AUGUST, SEPTEMBER]
    taxes = {OCTOBER: VAT, SEPTEMBER: VAT, AUGUST: EXEMPT}
    assert correction_taxes(lines, taxes.__getitem__, period=OCTOBER) == ((AUGUST, EXEMPT),)
    assert tax_of_line(lines[1], taxes.__getitem__, period=OCTOBER) == EXEMPT


def test_a_tax_has_its_text_printed_then_those_of_the_kinds_that_are_there_each_once() -> None:
    both = replace(VAT, by_kind=(("fee", REDUCED), ("item", EXEMPT), ("commitment", replace(REDUCED, rate=Decimal(5)))))
    assert tax_texts([fee("1.00"), plain(LineKind.COMMITMENT, "1.00")], both) == ["own", "reduced"]
    assert tax_texts([usage("1.00"), plain(LineKind.ITEM, "1.00")], both) == ["own", "Exempt"]
    assert tax_texts([usage("1.00")], replace(VAT, text="")) == []
    assert tax_texts([usage("1.00")], None) == []


def test_texts_of_corrected_months_are_printed_with_the_months_where_the_own_month_has_not_the_same() -> None:
    july = AUGUST.previous()
    taxes = {OCTOBER: VAT, SEPTEMBER: EXEMPT, AUGUST: VAT, july: EXEMPT}
    lines = [fee("1.00"), *(correction("1.00", month) for month in (SEPTEMBER, AUGUST, july))]
    assert correction_tax_text(lines, taxes.__getitem__, period=OCTOBER) == "Exempt (2026-07, 2026-09)"
    by_kind = {OCTOBER: VAT, SEPTEMBER: replace(VAT, by_kind=(("fee", EXEMPT), ("item", REDUCED)))}
    assert correction_tax_text([usage("1.00"), correction("1.00")], by_kind.__getitem__, period=OCTOBER) == (
        "Exempt (2026-09)"
    )
    assert correction_tax_text([usage("1.00")], by_kind.__getitem__, period=OCTOBER) == ""
    of_own_kind = {OCTOBER: replace(VAT, by_kind=(("item", EXEMPT),)), SEPTEMBER: EXEMPT}
    mine = [plain(LineKind.ITEM, "1.00"), correction("1.00")]
    assert correction_tax_text(mine, of_own_kind.__getitem__, period=OCTOBER) == ""
    assert correction_tax_text(mine[1:], of_own_kind.__getitem__, period=OCTOBER) == "Exempt (2026-09)"


def test_all_that_is_taxed_is_taxed_once() -> None:
    lines = [fee("10.00"), usage("30.00"), correction("2.00"), plain(LineKind.CREDIT, "-8.00")]
    taxes = {OCTOBER: BY_KIND, SEPTEMBER: VAT}
    found = tax_shares(lines, taxes.__getitem__, period=OCTOBER, currency="USD")
    assert sum(each.base for each in found) == total_of(lines)
