"""However an invoice is grouped, nothing is lost and nothing is counted twice: every sum is that of its lines."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from printed_invoices import any_invoices, full_invoice, invoices_of_several_accounts

from pipeline.accounts import Tax
from pipeline.base.periods import BillingPeriod
from pipeline.documents.pages.html_page import html_page
from pipeline.documents.pages.printed import printed_invoice
from pipeline.documents.pages.view import BARS_MAX, DETAILS_MAX, ROWS_MAX, invoice_view
from pipeline.invoicing import LineKind
from pipeline.invoicing.lines import numbered
from pipeline.invoicing.reductions import Reduction, partial_credit_note
from pipeline.invoicing.rules import NEWEST

if TYPE_CHECKING:
    from pipeline.documents.pages.page import PrintedInvoice, PrintedSection
    from pipeline.invoicing import Invoice


@pytest.mark.long
@settings(max_examples=150)
@given(any_invoices())
def test_every_line_is_on_one_row_and_once_in_the_details_and_sums_agree_to_the_cent(invoice: Invoice) -> None:
    view = invoice_view(invoice)
    rows = [row for section in view.sections for group in section.groups for row in group.rows]
    shown = [line for row in rows for line in row.lines] + list(view.tax_lines)
    assert sorted(line.number for line in shown) == [line.number for line in invoice.lines]
    for section in view.sections:
        assert {line.kind for group in section.groups for line in group.lines} == {section.kind}
        assert section.amount == sum(line.amount for group in section.groups for line in group.lines)
    assert sum(section.amount for section in view.sections) == invoice.subtotal
    assert invoice.subtotal + sum(line.amount for line in view.tax_lines) == invoice.total
    if view.appendix:
        listed = [line.number for part in view.appendix for line in part.lines]
        assert sorted(listed) == [line.number for line in invoice.lines if line.kind is not LineKind.TAX]
        assert sum(part.amount for part in view.appendix) == invoice.subtotal
    else:
        assert not any(line.api_key_id for line in invoice.lines)


@pytest.mark.slow
@settings(max_examples=150)
@given(any_invoices())
def test_lines_that_share_a_row_are_of_one_kind_model_tier_meter_month_and_corrected_period(invoice: Invoice) -> None:
    for section in invoice_view(invoice).sections:
        for group in section.groups:
            for row in group.rows:
                same = {
                    (each.model, each.service_tier, each.meter, each.period, each.original_period) for each in row.lines
                }
                assert len(same) == 1
                assert row.first.meter is not None or len(row.lines) == 1


@pytest.mark.long
@settings(max_examples=100)
@given(any_invoices())
def test_printed_amounts_add_up_as_they_are_printed(invoice: Invoice) -> None:
    """Read back from the page as a person with a calculator does."""
    page = printed_invoice(invoice)
    for section in (*page.sections, *page.unfolded):
        if not section.title:  # all of an account in one row
            assert section.account is not None
            assert not section.groups
            continue
        assert added(section) == amount(section.amount)
    net = sum(amount(section.amount) for section in page.sections)
    assert net == invoice.subtotal
    if page.unfolded:
        assert sum(amount(section.amount) for section in page.unfolded) == net
    if page.totals:
        subtotal, *taxes = page.totals
        assert amount(subtotal.value) == net
        assert net + sum(amount(tax.value) for tax in taxes) == total(page)
    else:
        assert net == total(page)
    for part in page.appendix:
        assert sum(amount(row.amount) for row in part.rows) == amount(part.amount)
    if page.appendix:
        assert sum(amount(part.amount) for part in page.appendix) == amount(page.appendix_total) == net


@pytest.mark.slow
@settings(max_examples=100)
@given(invoices_of_several_accounts())
def test_each_account_has_a_heading_with_its_subtotal_over_its_sections(invoice: Invoice) -> None:
    page = printed_invoice(invoice)
    for sections in filter(None, (page.sections, page.unfolded)):
        if not invoice.children:
            assert all(section.account is None for section in sections)
            continue
        headings: list[tuple[str, str]] = []
        sums: list[Decimal] = []
        for section in sections:
            if section.account is not None:
                headings.append((section.account.title, section.account.amount))
                sums.append(Decimal(0))
            sums[-1] += amount(section.amount)
        assert sums == [amount(text) for _, text in headings]
        shared = [line for line in invoice.lines if line.kind is LineKind.CREDIT and not line.account_id]
        shown = {line.account_id for line in invoice.lines if line.kind is not LineKind.TAX and line not in shared}
        accounts = [("", invoice.account_name), *invoice.children]
        expected = [name for account_id, name in accounts if account_id in shown]
        assert [title for title, _ in headings] == [*expected, *(["All accounts"] if shared else [])]


@pytest.mark.slow
@given(any_invoices())
def test_bars_show_usage_and_all_of_it_or_there_are_none(invoice: Invoice) -> None:
    bars = invoice_view(invoice).bars
    usage = sum(line.amount for line in invoice.lines if line.kind is LineKind.USAGE)
    assert len(bars) <= BARS_MAX
    assert not bars or sum(bar.amount for bar in bars) == usage
    chart = printed_invoice(invoice).chart
    for bar in chart.bars if chart else ():
        widths = [segment.width for segment in bar.segments]
        assert min(widths) >= 0
        assert sum(widths) <= 10_000
        assert [segment.start for segment in bar.segments] == [sum(widths[:at]) for at in range(len(widths))]


def test_481_lines_read_as_one_page_of_models_and_their_details() -> None:
    page = printed_invoice(full_invoice(usage_lines=481))
    usage = page.sections[0]
    assert [group.title for group in usage.groups] == [
        "jamba-embed-v2",
        "jamba-mini",
        "jamba-large",
        "mistral-nemo-12b",
    ]
    assert all(not group.rows for group in usage.groups)
    assert sum(len(part.rows) for part in page.appendix) == 490 - 1
    assert sum(1 + len(group.rows) for section in page.sections for group in section.groups) <= ROWS_MAX
    assert page.is_long
    assert [row.what for row in page.unfolded[0].groups[0].rows] == [
        "Input tokens",
        "Cached input tokens",
        "Output tokens",
    ]


def test_no_table_has_a_column_without_anything_in_it() -> None:
    """Folded rows have several prices and so none, amounts alone have neither."""
    many = full_invoice(usage_lines=481)
    page = printed_invoice(many)
    assert page.columns == ("quantity",)
    assert page.unfolded_columns == page.appendix_columns == ("quantity", "price")
    assert printed_invoice(full_invoice(usage_lines=6, keys=2, models=1)).columns == ("quantity", "price")
    few = full_invoice(usage_lines=4, keys=1, models=1)
    taken = Reduction(line=1, reason="sorry", amount=Decimal("1.00"))
    note = partial_credit_note(few, [], taken, number=43, prefix="INV-", issued_on=date(2026, 11, 5), rules=NEWEST)
    assert printed_invoice(note).columns == printed_invoice(note).appendix_columns == ()
    assert html_page(note).count(b'scope="col"') == 2 + 3  # what and amount; in the details the number as well


def test_few_lines_are_shown_by_model_and_meter_on_the_first_page() -> None:
    page = printed_invoice(full_invoice(usage_lines=6, keys=2, models=1))
    assert [group.title for group in page.sections[0].groups] == ["jamba-large"]
    assert [row.what for row in page.sections[0].groups[0].rows] == [
        "Input tokens",
        "Cached input tokens",
        "Output tokens",
    ]
    assert not page.unfolded
    assert sum(len(part.rows) for part in page.appendix) <= DETAILS_MAX
    assert not page.is_long


def test_a_quarter_is_shown_by_month_and_model_and_its_bars_by_model_alone() -> None:
    october = full_invoice(usage_lines=6, keys=2, models=2, language="de")
    months = BillingPeriod.parse("2026-Q4").months
    lines = tuple(
        line if line.kind in ("correction", "tax") else replace(line, period=months[2 if line.number % 2 else 0])
        for line in october.lines
    )
    page = printed_invoice(replace(october, period=BillingPeriod.parse("2026-Q4"), lines=lines))
    assert [group.title for group in page.sections[0].groups] == [
        "Oktober 2026 · jamba-mini",
        "Oktober 2026 · jamba-large",
        "Dezember 2026 · jamba-large",
        "Dezember 2026 · jamba-mini",
    ]
    assert any(fact.value.startswith("1. Oktober 2026 bis 31. Dezember 2026") for fact in page.facts)
    assert page.chart
    assert sorted(bar.title for bar in page.chart.bars) == ["jamba-large", "jamba-mini"]
    assert {row.detail.partition(" · ")[0] for part in page.appendix for row in part.rows} >= {
        "Oktober 2026",
        "Dezember 2026",
    }


def test_usage_comes_before_fees_also_where_the_first_month_of_a_quarter_has_a_fee_alone() -> None:
    october = full_invoice(usage_lines=6, keys=2, models=2)
    first, _, last = BillingPeriod.parse("2026-Q4").months
    fees = [replace(line, period=first) for line in october.lines if line.kind is LineKind.FEE]
    others = [line for line in october.lines if line.kind is not LineKind.FEE]
    later = [line if line.kind in ("correction", "tax") else replace(line, period=last) for line in others]
    quarter = replace(october, period=BillingPeriod.parse("2026-Q4"), lines=numbered([*fees, *later]))
    kinds = [section.kind.value for section in invoice_view(quarter).sections]
    assert kinds == ["usage", "included", "fee", "correction", "credit"]


def test_an_older_invoice_that_does_not_say_the_taxes_of_its_corrections_shows_its_tax_lines_as_they_were_frozen() -> (
    None
):
    older = replace(full_invoice(usage_lines=6, keys=2, models=1), correction_taxes=(), issue_date=None)
    page = printed_invoice(older, language="de")
    frozen = [line.description for line in older.lines if line.kind is LineKind.TAX]
    assert [fact.label for fact in page.totals] == ["Nettobetrag", *frozen]
    assert len(frozen) == 2
    assert "Rechnungsdatum" not in {fact.label for fact in page.facts}


def test_a_reversed_charge_shows_no_rate_and_why() -> None:
    tax = Tax(reverse_charge=True, label="VAT", text="VAT due by the recipient")
    page = printed_invoice(full_invoice(usage_lines=3, keys=1, models=1, tax=tax, tax_changes=()))
    net, reversed_charge = page.totals
    assert net.label == "Total before tax"
    assert reversed_charge.label == f"VAT on {net.value}, not charged"
    assert page.totals[1].value == "0.00"
    assert "VAT due by the recipient" in page.notes


def test_a_rate_stands_behind_the_name_of_its_tax_also_where_that_is_written_from_right_to_left() -> None:
    """Else "15 ضريبة% on 2.18" is drawn: digits behind Arabic letters are put before them, without their sign."""
    for label, said in (("ضريبة", "\u2068ضريبة\u2069"), ("מע״מ (18)", "\u2068מע״מ (18)\u2069"), ("TVA", "TVA")):
        tax = Tax(rate=Decimal(15), label=label)
        invoice = full_invoice(usage_lines=3, keys=1, models=1, tax=tax, tax_changes=())
        assert printed_invoice(invoice).totals[1].label.startswith(f"{said} 15% on ")
        assert f"<dt>{said} 15% on " in html_page(invoice).decode()  # of the direction of the page's own words


def added(section: PrintedSection) -> Decimal:
    for group in section.groups:
        assert not group.rows or sum(amount(row.amount) for row in group.rows) == amount(group.amount)
    return sum((amount(group.amount) for group in section.groups), Decimal(0))


def total(page: PrintedInvoice) -> Decimal:
    return amount(page.total.value.removeprefix("EUR\u00a0"))


def amount(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))
