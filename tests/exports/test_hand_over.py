"""What is handed over to Stripe and Lago: to the cent, by keys that stay, and refused where it cannot be exact."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from printed_invoices import OCTOBER, any_invoices, full_invoice
from workspaces import make_workspace, plain, tallybook, write_log

from pipeline.accounts import Account
from pipeline.base.errors import AccountsError, ExportRefused
from pipeline.base.money import Rounding
from pipeline.exports.hand_over import Per
from pipeline.exports.lago import one_off_invoices
from pipeline.exports.stripe import ITEMS_MAX, invoice_items
from pipeline.invoicing import InvoiceStatus, LineKind, credit_note, draft_invoice, issued_invoice
from pipeline.invoicing.lines import plain_line

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from pipeline.invoicing import Invoice
    from pipeline.invoicing.lines import InvoiceLine

ISSUED = any_invoices().filter(lambda invoice: invoice.status is not InvoiceStatus.DRAFT)
AS_OF = ("--as-of", "2026-11-01T03:00:00Z")


def of_stripe(*invoices: Invoice, with_tax: bool = False, per: Per = Per.LINE) -> list[dict[str, Any]]:
    customers = {invoice.account_id: "cus_1" for invoice in invoices}
    return invoice_items(invoices, customers=customers, with_tax=with_tax, per=per)


def fees_of_lago(*invoices: Invoice, with_tax: bool = False) -> list[dict[str, Any]]:
    customers = {invoice.account_id: invoice.account_id for invoice in invoices}
    made = one_off_invoices(invoices, customers=customers, add_on="llm", with_tax=with_tax, per=Per.LINE)
    return [fee for body in made.bodies for fee in body["invoice"]["fees"]]


def invoice_of(amount: str, currency: str) -> Invoice:
    line = plain_line(LineKind.FEE, Decimal(amount), "fee", currency=currency, rounding=Rounding.HALF_UP)
    account = Account(id="acme", name="Acme", timezone="UTC", rate_card="standard", key_ids=())
    empty = draft_invoice([], account=account, period=OCTOBER, currency=currency, rounding=Rounding.HALF_UP)
    return issued_invoice(
        replace(empty, lines=(replace(line, number=1),)), number=1, prefix="INV-", issued_on=date(2026, 11, 2)
    )


@pytest.mark.long
@given(invoice=ISSUED, with_tax=st.booleans(), per=st.sampled_from(Per))
def test_the_items_of_stripe_add_up_to_the_invoice(invoice: Invoice, *, with_tax: bool, per: Per) -> None:
    cents = sum(item["amount"] for item in of_stripe(invoice, with_tax=with_tax, per=per))
    assert Decimal(cents).scaleb(-2) == (invoice.total if with_tax else invoice.subtotal)


@pytest.mark.slow
@given(invoice=ISSUED, with_tax=st.booleans())
def test_the_fees_of_lago_add_up_to_the_invoice_and_none_is_below_zero(invoice: Invoice, *, with_tax: bool) -> None:
    fees = fees_of_lago(invoice, with_tax=with_tax)
    to_pay = invoice.total if with_tax else invoice.subtotal
    is_taken = invoice.status is InvoiceStatus.ISSUED and to_pay >= 0
    cents = sum(fee["unit_amount_cents"] for fee in fees)
    assert Decimal(cents).scaleb(-2) == (to_pay if is_taken else 0)
    assert all(fee["unit_amount_cents"] > 0 and fee["units"] == "1" for fee in fees)


@pytest.mark.slow
@given(invoice=ISSUED)
def test_each_item_has_a_key_of_its_own_that_leads_back_to_its_line(invoice: Invoice) -> None:
    by_number: dict[str, InvoiceLine] = {str(line.number): line for line in invoice.lines}
    found = of_stripe(invoice, with_tax=True)
    assert len({item["idempotency_key"] for item in found}) == len(found)
    for item in found:
        line = by_number[item["metadata"]["tallybook_line"]]
        assert item["idempotency_key"] == f"tallybook:{invoice.id}:{line.number}"
        names = dict(invoice.children)
        whose = f"{names[line.account_id]}: " if line.account_id else ""
        assert (item["metadata"]["tallybook_invoice"], item["description"]) == (invoice.id, whose + line.description)
        assert item["metadata"].get("tallybook_usage_account", "") == line.account_id
        assert item["metadata"]["tallybook_period"] == str(line.original_period or line.period or invoice.period)


@pytest.mark.parametrize(
    ("currency", "amount", "expected"),
    [
        ("USD", "12.34", 1234),
        ("JPY", "1234", 1234),
        ("MGA", "1234.00", 1234),
        ("ISK", "1234", 123400),
        ("UGX", "5", 500),
        ("KWD", "5.120", 5120),
    ],
)
def test_amounts_are_in_the_unit_that_stripe_has_for_the_currency(currency: str, amount: str, expected: int) -> None:
    (item,) = of_stripe(invoice_of(amount, currency))
    assert (item["amount"], item["currency"]) == (expected, currency.lower())


@pytest.mark.parametrize(
    ("currency", "amount", "says"),
    [
        ("KWD", "5.124", "line 1, is 5.124 KWD, and Stripe takes multiples of 0.010 KWD only"),
        ("MGA", "12.20", "line 1, is 12.20 MGA, and Stripe takes multiples of 1 MGA only"),
        ("IQD", "5.000", "IQD is no currency that Stripe takes"),
    ],
)
def test_an_amount_that_stripe_cannot_take_is_refused_and_never_rounded(currency: str, amount: str, says: str) -> None:
    with pytest.raises(ExportRefused, match=says):
        of_stripe(invoice_of(amount, currency))


@pytest.mark.parametrize("currency", ["HUF", "MGA", "KWD", "CLF"])
def test_a_currency_whose_unit_at_lago_is_not_certain_is_refused(currency: str) -> None:
    with pytest.raises(ExportRefused, match=f"INV-000001 is in {currency}, whose unit at Lago"):
        fees_of_lago(invoice_of("1000.00", currency))


def test_more_lines_than_an_invoice_of_stripe_takes_are_exported_as_their_sum() -> None:
    invoice = full_invoice()
    with pytest.raises(ExportRefused, match=f"takes {ITEMS_MAX} items at most; export it with --per invoice"):
        of_stripe(invoice)
    (item,) = of_stripe(invoice, per=Per.INVOICE)
    assert Decimal(item["amount"]).scaleb(-2) == invoice.subtotal


def test_an_account_without_a_customer_of_stripe_is_named_with_its_remedy() -> None:
    with pytest.raises(AccountsError, match=r"account 'acme' has no stripe_customer, .* write stripe_customer ="):
        invoice_items([invoice_of("1.00", "USD")], customers={}, with_tax=False, per=Per.LINE)


def test_lago_gets_neither_a_credit_note_nor_what_it_takes_back_and_both_are_named() -> None:
    invoice = invoice_of("2.50", "EUR")
    note = credit_note(invoice, number=2, prefix="INV-", issued_on=date(2026, 11, 3))
    made = one_off_invoices([invoice, note], customers={"acme": "acme"}, add_on="llm", with_tax=True, per=Per.LINE)
    assert (made.bodies, made.taken) == ((), ())
    taken_back, credited = made.left_out
    assert "INV-000001 was taken back by INV-000002" in taken_back
    assert "credit 2.50 EUR on its invoice in Lago" in credited


@pytest.mark.long
def test_customers_are_what_accounts_toml_calls_them(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    write_log(root, "l.jsonl", plain("2026-09-05T10:00:00Z", id="a"))
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    assert tallybook(root, "invoice", "issue", "--period", "2026-09", *AS_OF).returncode == 0
    refused = tallybook(root, "export", "stripe")
    assert (refused.returncode, "has no stripe_customer" in refused.stderr, refused.stdout) == (2, True, "")
    by_default = json.loads(tallybook(root, "export", "lago").stdout)
    assert by_default["invoice"]["external_customer_id"] == "acme"
    accounts = root / "accounts.toml"
    named = 'id = "acme"\nstripe_customer = "cus_1"\nlago_customer = "hooli"'
    accounts.write_text(accounts.read_text(encoding="utf-8").replace('id = "acme"', named), encoding="utf-8")
    assert json.loads(tallybook(root, "export", "stripe").stdout)["customer"] == "cus_1"
    assert json.loads(tallybook(root, "export", "lago").stdout)["invoice"]["external_customer_id"] == "hooli"
    accounts.write_text(accounts.read_text(encoding="utf-8").replace("cus_1", "cus 1"), encoding="utf-8")
    wrong = tallybook(root, "export", "stripe")
    assert (wrong.returncode, "stripe_customer 'cus 1' of account 'acme' is no id" in wrong.stderr) == (2, True)


@pytest.mark.long
def test_a_bundle_for_a_customer_does_not_say_what_other_systems_call_it(tmp_path: Path) -> None:
    root, bundle = make_workspace(tmp_path / "books"), tmp_path / "bundle"
    accounts = root / "accounts.toml"
    named = 'id = "acme"\nstripe_customer = "cus_1"\nlago_customer = "hooli"'
    accounts.write_text(accounts.read_text(encoding="utf-8").replace('id = "acme"', named), encoding="utf-8")
    write_log(root, "l.jsonl", plain("2026-09-05T10:00:00Z", id="a"))
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    assert tallybook(root, "invoice", "issue", "--period", "2026-09", *AS_OF).returncode == 0
    assert tallybook(root, "recompute", "INV-000001", "--bundle", str(bundle)).returncode == 0
    terms = json.loads((bundle / "terms.json").read_bytes())["account"]
    assert terms["id"] == "acme"
    assert not terms.keys() & {"stripe_customer", "lago_customer"}
