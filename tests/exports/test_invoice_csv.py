"""The columns are a contract, and what is printed adds up."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.accounts import Account, CreditGrant, Party, Tax, TaxCategory
from pipeline.base.money import Rounding
from pipeline.base.periods import BillingPeriod
from pipeline.documents.csv_text import unescaped
from pipeline.documents.invoice_csv import invoices_csv, lines_csv, lines_csv_by_invoice
from pipeline.invoicing import draft_invoice, invoice_document, invoice_from_document, issued_invoice
from pipeline.invoicing.draft import draft_of_lines
from pipeline.invoicing.lines import LineKind, plain_line
from pipeline.rating import Charge, exact_charge
from pipeline.usage import Meter

if TYPE_CHECKING:
    from pipeline.invoicing import Invoice


def invoice(
    account_id: str = "acme",
    *,
    name: str = "Acme Ltd",
    number: int | None = None,
    period: str = "2026-10",
    quantity: int = 1_234_567,
    rate: str = "2",
) -> Invoice:
    month = BillingPeriod.parse(period)
    account = Account(
        id=account_id, name=name, timezone="Europe/Berlin", rate_card="standard", key_ids=(), payment_terms_days=30
    )
    charge = Charge(
        account_id=account_id,
        api_key_id="key_1",
        model="jamba-large",
        service_tier="",
        meter=Meter.COMPLETION,
        usage_date=date(month.year, month.month, 10),
        quantity=quantity,
        rate_per_million=Decimal(rate),
        currency="USD",
        amount=exact_charge(quantity, Decimal(rate)),
    )
    draft = draft_invoice([charge], account=account, period=month, currency="USD", rounding=Rounding.HALF_UP)
    day = date(2026, 11, 2)
    return draft if number is None else issued_invoice(draft, number=number, prefix="INV-", issued_on=day)


def parsed(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))


def test_the_files_by_example() -> None:
    issued, draft = invoice(number=1), invoice("bolt", name="=Bolt, Inc", quantity=250, rate="0.0375")
    assert invoices_csv([draft, issued]).decode() == (
        "invoice_id,status,account_id,account_name,period,period_start,period_end,currency,subtotal,total,lines,tax,"
        "tax_text,due_date,purchase_order,credits_invoice,credited_by,issue_date,payment_terms,tax_category,tax_rate,"
        "buyer_name,buyer_address,buyer_country,buyer_tax_id,buyer_reference,credit_reason\r\n"
        "INV-000001,issued,acme,Acme Ltd,2026-10,2026-10-01T00:00:00+02:00,2026-11-01T00:00:00+01:00,USD,2.47,2.47,1,,"
        ",2026-12-02,,,,2026-11-02,,,,Acme Ltd,,,,,\r\n"
        'draft-2026-10-bolt,draft,bolt,"\'=Bolt, Inc",2026-10,2026-10-01T00:00:00+02:00,2026-11-01T00:00:00+01:00,USD,'
        '0.00,0.00,1,,,,,,,,,,,"\'=Bolt, Inc",,,,,\r\n'
    )
    assert lines_csv([draft, issued]).decode() == (
        "invoice_id,account_id,line,kind,api_key_id,model,service_tier,meter,quantity,rate_per_million,currency,amount,"
        "description,original_period,original_kind,credit_id,tags,list_rate_per_million,package_tokens,tax_category,"
        "tax_rate,tax_base,status,period,issue_date,due_date,buyer_name,buyer_country,buyer_tax_id,flat_amount,entry,"
        "item,taxed_as,credits_invoice,credits_line,credit_reason,usage_account_id,usage_account_name\r\n"
        "INV-000001,acme,1,usage,key_1,jamba-large,,completion,1234567,2.00,USD,2.47,jamba-large completion tokens at "
        "2.00 USD per million,,,,,,,,,,issued,2026-10,2026-11-02,2026-12-02,Acme Ltd,,,,,,,,,,acme,Acme Ltd\r\n"
        "draft-2026-10-bolt,bolt,1,usage,key_1,jamba-large,,completion,250,0.0375,USD,0.00,jamba-large completion "
        'tokens at 0.0375 USD per million,,,,,,,,,,draft,2026-10,,,"\'=Bolt, Inc",,,,,,,,,,bolt,"\'=Bolt, Inc"\r\n'
    )


def test_the_lines_of_each_invoice_alone_are_its_rows_of_all_lines() -> None:
    invoices = [invoice("b"), invoice("a", number=1), invoice("c", number=2)]
    whole, alone = lines_csv_by_invoice(invoices)
    assert whole == lines_csv(invoices)
    assert alone == {each.id: lines_csv([each]) for each in invoices}


def taxed(tax: Tax, *, credits_granted: str = "0") -> Invoice:
    account = Account(
        id="acme",
        name="Acme",
        timezone="Europe/Berlin",
        rate_card="standard",
        key_ids=(),
        tax=tax,
        credits=(
            (CreditGrant(id="grant", amount=Decimal(credits_granted), granted_on=date(2026, 1, 1), expires_on=None),)
            if Decimal(credits_granted)
            else ()
        ),
        buyer=Party(name="Acme SA", street="Rue 1", postcode="69001", city="Lyon", country="FR", tax_id="FR1"),
    )
    lines = [
        plain_line(kind, Decimal(10), kind.value, currency="EUR", rounding=Rounding.HALF_UP)
        for kind in (LineKind.FEE, LineKind.COMMITMENT)
    ]
    month = BillingPeriod.parse("2026-10")
    return draft_of_lines(lines, account=account, period=month, currency="EUR", rounding=Rounding.HALF_UP)


def test_an_invoice_of_one_tax_says_it_and_every_line_does() -> None:
    vat = taxed(Tax(rate=Decimal("19.0"), label="VAT"), credits_granted="5")
    (row,) = parsed(invoices_csv([vat]))
    names = ("tax", "tax_category", "tax_rate", "buyer_name", "buyer_address", "buyer_country", "buyer_tax_id")
    assert [row[name] for name in names] == ["2.85", "S", "19.0", "Acme SA", "Rue 1, 69001 Lyon, FR", "FR", "FR1"]
    assert [
        (line["kind"], line["tax_category"], line["tax_rate"], line["tax_base"]) for line in parsed(lines_csv([vat]))
    ] == [
        ("fee", "S", "19.0", ""),
        ("commitment", "S", "19.0", ""),
        ("credit", "S", "19.0", ""),
        ("tax", "S", "19.0", "15.00"),
    ]
    (reversed_charge,) = parsed(invoices_csv([taxed(Tax(reverse_charge=True, rate=Decimal(19)))]))
    assert (reversed_charge["tax_category"], reversed_charge["tax_rate"]) == ("AE", "0")


def test_an_invoice_of_several_taxes_leaves_them_to_its_lines() -> None:
    exempt = Tax(category=TaxCategory.EXEMPT, text="Exempt")
    several = taxed(Tax(rate=Decimal(19), by_kind=(("fee", exempt),)), credits_granted="5")
    (row,) = parsed(invoices_csv([several]))
    assert (row["tax"], row["tax_category"], row["tax_rate"], row["tax_text"]) == ("1.43", "", "", "Exempt")
    assert [(line["kind"], line["tax_category"], line["tax_rate"]) for line in parsed(lines_csv([several]))] == [
        ("fee", "E", "0"),
        ("commitment", "S", "19"),
        ("credit", "", ""),
        ("tax", "S", "19"),
    ]


def test_an_older_document_that_does_not_say_the_tax_of_its_corrections_leaves_it_empty() -> None:
    vat = taxed(Tax(rate=Decimal(19)))
    document = invoice_document(vat)
    document["lines"][0] |= {"kind": "correction", "original_period": "2026-09", "original_kind": "fee"}
    document["lines"][2] |= {"amount": "3.50", "exact_amount": "3.5"}
    for name in ("tax_category", "tax_rate", "tax_base"):
        del document["lines"][2][name]
    document["total"] = "23.50"
    rows = parsed(lines_csv([invoice_from_document(document)]))
    assert [(row["tax_category"], row["tax_rate"]) for row in rows] == [("", "")] * 3


def test_issued_invoices_come_by_number_then_drafts_by_period_and_account() -> None:
    invoices = [
        invoice("b"),
        invoice("a"),
        invoice("z", period="2026-09"),
        invoice("a", number=10),
        invoice("c", number=9),
        invoice("d", number=1_000_000),
    ]
    order = ["INV-000009", "INV-000010", "INV-1000000", "draft-2026-09-z", "draft-2026-10-a", "draft-2026-10-b"]
    assert [row["invoice_id"] for row in parsed(invoices_csv(invoices))] == order
    assert lines_csv(invoices) == lines_csv(reversed(invoices))


def test_no_invoices_are_a_header() -> None:
    assert invoices_csv([]).count(b"\r\n") == lines_csv([]).count(b"\r\n") == 1


@pytest.mark.long
@given(
    st.lists(st.integers(1, 10**12), min_size=1, max_size=5),
    st.sampled_from(["2", "0.20", "0.000000000001", "999999999.5"]),
)
def test_what_is_printed_reads_back_and_adds_up(quantities: list[int], rate: str) -> None:
    invoices = [invoice(f"account-{index}", quantity=quantity, rate=rate) for index, quantity in enumerate(quantities)]
    lines = parsed(lines_csv(invoices))
    for printed, original in zip(parsed(invoices_csv(invoices)), invoices, strict=True):
        mine = [line for line in lines if line["invoice_id"] == printed["invoice_id"]]
        assert Decimal(printed["total"]) == sum(Decimal(line["amount"]) for line in mine) == original.total
        assert int(printed["lines"]) == len(mine)
        assert [(int(line["quantity"]), Decimal(line["rate_per_million"])) for line in mine] == [
            (original.lines[0].quantity, Decimal(rate))
        ]


@pytest.mark.long
@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20).filter(
        str.strip
    )
)
def test_any_name_of_an_account_arrives(name: str) -> None:
    (row,) = parsed(invoices_csv([invoice(name=name)]))
    assert unescaped(row["account_name"]) == name


def test_files_written_from_a_frozen_document_are_the_same_bytes() -> None:
    issued = invoice(number=7, name="Zoë's +1 — \u2028 Ltd")
    frozen = invoice_from_document(invoice_document(issued))
    assert (invoices_csv([frozen]), lines_csv([frozen])) == (invoices_csv([issued]), lines_csv([issued]))
