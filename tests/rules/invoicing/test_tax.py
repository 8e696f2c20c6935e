"""Tax over several taxes: nothing is taxed twice, nothing escapes, and credits make no sum negative."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.accounts import Tax, TaxCategory
from pipeline.base.money import Rounding
from pipeline.base.periods import BillingPeriod
from pipeline.invoicing.lines import LineKind, plain_line, total_of
from pipeline.invoicing.rules import Rules
from pipeline.invoicing.tax import TaxShare, correction_tax_text, tax_lines, tax_shares

MONTHS = [BillingPeriod(year=2026, month=month) for month in (8, 9, 10)]
CENTS = st.integers(-500, 500).map(lambda cents: Decimal(cents).scaleb(-2))
TAXES = st.sampled_from([Tax(rate=Decimal(100), label=label) for label in ("old", "new", "other")])


@pytest.mark.long
@given(
    own=st.integers(0, 500),
    corrections=st.lists(st.tuples(st.sampled_from(MONTHS[:2]), CENTS)),
    paid=st.integers(0, 500),
    taxes=st.tuples(TAXES, TAXES, TAXES),
)
def test_every_cent_is_taxed_once_at_the_tax_of_its_month(
    own: int, corrections: list[tuple[BillingPeriod, Decimal]], paid: int, taxes: tuple[Tax, Tax, Tax]
) -> None:
    lines = [plain_line(LineKind.FEE, Decimal(own).scaleb(-2), "fee", currency="USD", rounding=Rounding.HALF_UP)]
    for month, amount in corrections:
        line = plain_line(LineKind.FEE, amount, "correction", currency="USD", rounding=Rounding.HALF_UP)
        lines.append(replace(line, kind=LineKind.CORRECTION, original_period=month, original_kind=LineKind.FEE))
    used = min(Decimal(paid).scaleb(-2), max(total_of(lines), Decimal(0)))
    lines += (
        [plain_line(LineKind.CREDIT, -used, "credit", currency="USD", rounding=Rounding.HALF_UP, credit_id="grant")]
        if used
        else []
    )
    found = tax_lines(
        lines,
        dict(zip(MONTHS, taxes, strict=True)).__getitem__,
        period=MONTHS[2],
        currency="USD",
        rounding=Rounding.HALF_UP,
    )
    assert total_of(found) == total_of(lines)  # at 100 percent
    assert len(found) <= len(set(taxes))
    by_tax: dict[str, Decimal] = {}
    for line in lines:
        if line.kind is not LineKind.CREDIT:
            label = taxes[MONTHS.index(line.original_period or MONTHS[2])].label
            by_tax[label] = by_tax.get(label, Decimal(0)) + line.amount
    for line in found:
        before = by_tax[line.description.split()[0]]
        assert min(before, Decimal(0)) <= line.amount <= before or len(found) == 1


@pytest.mark.long
@given(
    sums=st.lists(st.tuples(st.sampled_from(["usage", "fee", "commitment"]), CENTS), min_size=1),
    paid=st.integers(0, 500),
)
def test_credits_are_split_over_kinds_to_the_cent_and_never_beyond_a_sum(
    sums: list[tuple[str, Decimal]], paid: int
) -> None:
    fees = [
        plain_line(LineKind(kind), amount, kind, currency="USD", rounding=Rounding.HALF_UP)
        for kind, amount in sums
        if kind != "usage"
    ]
    used = min(Decimal(paid).scaleb(-2), max(total_of(fees), Decimal(0)))
    credit = plain_line(LineKind.CREDIT, -used, "credit", currency="USD", rounding=Rounding.HALF_UP, credit_id="grant")
    lines = [*fees, credit] if used else fees
    tax = Tax(rate=Decimal(19), by_kind=(("fee", Tax(rate=Decimal(7))),))
    shares = tax_shares(lines, lambda _: tax, period=MONTHS[0], currency="USD")
    assert sum((share.base for share in shares), Decimal(0)) == total_of(lines)
    assert sum((share.credits for share in shares), Decimal(0)) == -used
    positive = sum((max(share.taxed, Decimal(0)) for share in shares), Decimal(0))
    for share in shares:
        assert min(-share.taxed, Decimal(0)) <= share.credits <= 0
        in_proportion = used * max(share.taxed, Decimal(0)) / positive if positive else Decimal(0)
        assert len(shares) == 1 or abs(-share.credits - in_proportion) < Decimal("0.01")


def test_a_tax_line_states_what_it_is_by_the_newest_rules_and_nothing_by_older_ones() -> None:
    line = plain_line(LineKind.FEE, Decimal("10.03"), "fee", currency="USD", rounding=Rounding.HALF_UP)
    tax = Tax(rate=Decimal(19), label="VAT")
    (new,), (old,) = (
        tax_lines([line], lambda _: tax, period=MONTHS[0], currency="USD", rounding=Rounding.HALF_UP, rules=rules)
        for rules in (Rules.THIRD, Rules.SECOND)
    )
    assert (new.tax_category, new.tax_rate, new.tax_base) == (TaxCategory.STANDARD, 19, Decimal("10.03"))
    assert (old.tax_category, old.tax_rate, old.tax_base) == (None, None, None)
    assert (old.amount, old.description) == (new.amount, new.description) == (Decimal("1.91"), "VAT 19% on 10.03 USD")


def test_what_has_no_tax_is_taxed_with_nothing() -> None:
    share = TaxShare(tax=None, taxed=Decimal(10), credits=Decimal(-3))
    assert (share.base, share.exact_amount) == (Decimal(7), Decimal(0))
    assert replace(share, tax=Tax(rate=Decimal("7.5"), label="VAT")).exact_amount == Decimal("0.525")


def test_texts_of_several_taxes_of_corrected_months_stand_side_by_side_each_with_its_months() -> None:
    lines = [plain_line(LineKind.FEE, Decimal(1), "fee", currency="USD", rounding=Rounding.HALF_UP)]
    lines += [
        replace(lines[0], kind=LineKind.CORRECTION, original_period=month, original_kind=LineKind.FEE)
        for month in (*MONTHS[:2], BillingPeriod(year=2026, month=7))
    ]
    texts = {BillingPeriod(year=2026, month=7): "exempt", MONTHS[0]: "reversed", MONTHS[1]: "exempt", MONTHS[2]: "own"}
    taxes = {month: Tax(rate=Decimal(0), label="VAT", text=text) for month, text in texts.items()}
    found = correction_tax_text(lines, taxes.__getitem__, period=MONTHS[2])
    assert found == "exempt (2026-07, 2026-09); reversed (2026-08)"
