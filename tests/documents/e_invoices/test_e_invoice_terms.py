"""``docs/e-invoices.md`` names every business term that an e-invoice can have, and no other."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from e_invoices import BIRKE, SELLER, correction_line, credited, issued, of_two_accounts, usage_line, with_everything

from pipeline.accounts import BankDetails, Letterhead, Party, Tax, TaxCategory
from pipeline.base.periods import BillingPeriod
from pipeline.documents.einvoice.terms import business_terms

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "e-invoices.md").read_text(encoding="utf-8")
OF_ALLOWANCES = {"amount": "BT-92", "vat_category_code": "BT-95", "vat_rate": "BT-96", "reason": "BT-97"}
"""What the library calls terms of BG-20."""


def terms_in(terms: object, group: str = "") -> Iterator[str]:
    """Yield the numbers of all terms, but those of parties."""
    if isinstance(terms, list):
        for each in terms:
            yield from terms_in(each, group)
    elif isinstance(terms, dict):
        for name, value in terms.items():
            if name.startswith("BT-") and not isinstance(value, list):
                yield name
            elif group == "BG-20":
                yield OF_ALLOWANCES[name]
            elif name not in ("BG-4", "BG-7"):
                yield from terms_in(value, name)


def test_the_table_of_terms_has_each_term_of_an_e_invoice_and_no_other() -> None:
    reversed_charge = Tax(category=TaxCategory.REVERSE_CHARGE, reason_code="VATEX-EU-AE")
    in_words = Letterhead(seller=SELLER, bank=BankDetails(bank="Account 1"))
    samples = [
        with_everything(),
        credited(with_everything()),
        issued([usage_line(1_000_000, "2")], account=replace(BIRKE, tax=reversed_charge, payment_terms="30 days net")),
        issued([usage_line(1_000_000, "2")], letterhead=in_words),
        of_two_accounts(),
    ]
    written = {term for sample in samples for term in terms_in(business_terms(sample))}
    listed = {term for row in re.findall(r"^\| (BT-.*?) \|", PAGE, re.MULTILINE) for term in row.split(", ")}
    assert listed == written


def test_the_table_of_parties_has_each_part_of_a_party() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (?:of )?BT-\d+.*? \| (?:of )?BT-\d+", PAGE, re.MULTILINE)
    assert set(rows) == {each.name for each in fields(Party)} - {"address"}


def test_a_line_names_its_account_where_an_invoice_is_of_several() -> None:
    lines = business_terms(of_two_accounts())["BG-25"]
    assert [(line["BT-128"], line["BT-127-00"]) for line in lines] == [
        ({"": "birke"}, [{"BT-127": "Birke & Söhne <KG>"}]),
        ({"": "bolt"}, [{"BT-127": "Bolt"}]),
    ]
    alone = business_terms(issued([usage_line(1_000_000, "2")]))["BG-25"]
    assert all("BT-127-00" not in line and "BT-128" not in line for line in alone)


@pytest.mark.parametrize(
    ("corrected", "issued_on", "invoiced", "delivered_on"),
    [
        ("2026-09", date(2026, 11, 2), (date(2026, 9, 1), date(2026, 10, 31)), date(2026, 10, 31)),
        ("2026-11", date(2026, 12, 3), (date(2026, 10, 1), date(2026, 11, 30)), date(2026, 11, 30)),
        ("2026-11", date(2026, 11, 20), (date(2026, 10, 1), date(2026, 11, 30)), date(2026, 11, 20)),
    ],
)
def test_the_invoiced_period_holds_that_of_each_line_also_of_a_later_month_that_is_corrected(
    corrected: str, issued_on: date, invoiced: tuple[date, date], delivered_on: date
) -> None:
    """October was taken back by a credit note, and its new invoice carries what changed of November since."""
    line = replace(correction_line("5.00"), original_period=BillingPeriod.parse(corrected))
    terms = business_terms(replace(issued([usage_line(1_000_000, "2")], corrections=[line]), issue_date=issued_on))
    assert (terms["BT-73"], terms["BT-74"], terms["BT-72"]) == (*invoiced, delivered_on)
    assert all(invoiced[0] <= each["BT-134"] <= each["BT-135"] <= invoiced[1] for each in terms["BG-25"])
