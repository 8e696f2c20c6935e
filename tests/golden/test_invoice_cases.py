"""Runs the golden cases of invoices: ``tests/golden/invoices/<case>/``, folders that an accountant can read.

A case is a small workspace (``tallybook.toml``, ``accounts.toml``, ``rates/``), CSV files of usage, ``steps.toml`` that
says in which order usage arrives, invoices are issued, voided and credited in part, or another configuration begins to
hold, and what must come out in the end: ``expected_lines.csv`` and ``expected_invoices.csv``, of which every column
that they have is compared, in order. It holds no code.
"""

from __future__ import annotations

import csv
import io
import tomllib
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from e_invoice_rules import broken_rules
from e_invoices import BIRKE, SELLER

from pipeline.accounts import Tax, TaxCategory
from pipeline.base.errors import RenderingRefused
from pipeline.base.money import minor_unit_digits
from pipeline.base.periods import day_start_at, parse_date
from pipeline.configuration.workspace import open_workspace
from pipeline.documents.einvoice.required import FRACTION_DIGITS_MAX
from pipeline.documents.einvoice.syntaxes import cii_invoice, ubl_invoice
from pipeline.documents.invoice_csv import invoices_csv, lines_csv
from pipeline.invoicing import credit_note, invoice_document, invoice_from_document, issued_invoice, make_book
from pipeline.invoicing.reductions import Reduction, lines_of_void, partial_credit_note, reductions_of
from pipeline.invoicing.rules import NEWEST
from pipeline.jobs.state.drafts import account_currencies, card_fees, limits_of
from pipeline.jobs.state.lines.charged_lines import charges_by_invoice
from pipeline.jobs.state.rate import rate
from pipeline.tables import schemas
from pipeline.warehouse.reference import SINCE_EVER

if TYPE_CHECKING:
    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing import Invoice, InvoiceBook

CASES = sorted(path.parent for path in Path(__file__).parent.glob("invoices/*/steps.toml"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_invoices_come_out_as_an_accountant_expects(case: Path) -> None:
    book = book_at_the_end(case)
    compare(case / "expected_lines.csv", lines_csv(book.of()))
    compare(case / "expected_invoices.csv", invoices_csv(book.of()))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_invoice_makes_e_invoices_that_break_no_rule(case: Path) -> None:
    """Given parties, a day of issue, terms of payment, and where the case has no tax, a reason for that."""
    taxless = Tax(category=TaxCategory.EXEMPT, text="Exempt")
    book = book_at_the_end(case)
    drafts = (issued_invoice(draft, number=900, prefix="INV-", issued_on=date(2026, 12, 1)) for draft in book.drafts)
    for invoice in (*book.issued, *drafts):
        whole = replace(
            invoice,
            seller=SELLER,
            buyer=BIRKE.buyer,
            tax=invoice.tax or taxless,
            issue_date=date(2026, 12, 1),
            payment_terms="30 days net",
        )
        if minor_unit_digits(invoice.currency) > FRACTION_DIGITS_MAX:
            with pytest.raises(RenderingRefused, match="3 decimal places"):
                ubl_invoice(whole)
        else:
            assert broken_rules(ubl_invoice(whole)) + broken_rules(cii_invoice(whole)) == []


@cache
def book_at_the_end(case: Path) -> InvoiceBook:
    """Take the steps of a case, once for all tests of it."""
    workspace = open_workspace(case)
    usage: list[dict[str, str]] = []
    issued: list[Invoice] = []
    for step in tomllib.loads((case / "steps.toml").read_text(encoding="utf-8"))["steps"]:
        if "configuration" in step:
            workspace = open_workspace(case / step["configuration"])
        if "usage" in step:
            usage += rows_of((case / step["usage"]).read_text(encoding="utf-8"))
        if {"issue", "void", "credit"} & step.keys():
            issued += [
                frozen(invoice)
                for invoice in taken(
                    step, book_of(workspace, usage, issued), len(issued), prefix=workspace.settings.invoice_prefix
                )
            ]
    return book_of(workspace, usage, issued)


def taken(step: dict[str, Any], book: InvoiceBook, issued: int, *, prefix: str) -> list[Invoice]:
    """Do one step of issuing, voiding or crediting a part, with the next numbers."""
    if "void" in step:
        (invoice,) = (invoice for invoice in book.issued if invoice.id == step["void"])
        lines = lines_of_void(invoice, reductions_of(invoice, book.issued))
        return [credit_note(invoice, number=issued + 1, prefix=prefix, lines=lines)]
    if "credit" in step:
        (invoice,) = (invoice for invoice in book.issued if invoice.id == step["credit"])
        wanted = Reduction(
            line=step["line"],
            reason=step["reason"],
            amount=Decimal(step["amount"]) if "amount" in step else None,
            quantity=step.get("quantity"),
        )
        notes = reductions_of(invoice, book.issued)
        on = step.get("on", date(2027, 1, 1))
        return [
            partial_credit_note(invoice, notes, wanted, number=issued + 1, prefix=prefix, issued_on=on, rules=NEWEST)
        ]
    drafts = [draft for draft in book.drafts if str(draft.period) == step["issue"]]
    assert drafts, f"there is nothing to issue for {step['issue']}"
    return [
        issued_invoice(draft, number=number, prefix=prefix, issued_on=step.get("on"))
        for number, draft in enumerate(drafts, start=issued + 1)
    ]


def frozen(invoice: Invoice) -> Invoice:
    """Go through the document, as the register does."""
    return invoice_from_document(invoice_document(invoice))


def book_of(workspace: Workspace, usage: list[dict[str, str]], issued: list[Invoice]) -> InvoiceBook:
    rated = rate(usage_daily(workspace, usage), workspace.accounts, workspace.rate_cards)
    charges = charges_by_invoice(rated.charges)
    return make_book(
        issued=issued,
        charges=charges,
        places=set(charges),
        accounts=workspace.accounts,
        currencies=account_currencies(workspace),
        rounding=workspace.settings.rounding,
        letterhead=workspace.settings.letterhead,
        card_fees=card_fees(workspace.rate_cards),
        limits=limits_of(set(charges), workspace.accounts, workspace.rate_cards),
        reach=(min(days), max(days)) if (days := [parse_date(row["date"]) for row in usage]) else None,
    )


def usage_daily(workspace: Workspace, usage: list[dict[str, str]]) -> pa.Table:
    """Stand in for the warehouse: usage by day, with the start of the rate window of the account's card on that day."""
    rows = []
    for row in usage:
        day = parse_date(row["date"])
        account = workspace.accounts.account_of(row["key"], day_start_at(day, workspace.settings.zone))
        assert account is not None, row
        window = workspace.rate_cards[account.terms_on(day).rate_card].rate_at(
            row["model"], day_start_at(day, account.zone)
        )
        assert window is not None, row
        rows.append(
            {
                "account_id": account.id,
                "api_key_id": row["key"],
                "model": row["model"],
                "service_tier": "",
                "meter": row["meter"],
                "rate_window_start": window.effective_from or SINCE_EVER,
                "usage_date": day,
                "billing_period": str(account.month_of(day)),
                "quantity": int(row["tokens"].replace("_", "")),
                "prompt_band": 0,
            }
        )
    order = ("account_id", "api_key_id", "model", "meter", "usage_date")
    return pa.Table.from_pylist(rows, schema=schemas.USAGE_DAILY).sort_by([(name, "ascending") for name in order])


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def compare(expected: Path, content: bytes) -> None:
    text = expected.read_text(encoding="utf-8")
    columns = next(csv.reader(io.StringIO(text, newline="")))
    actual = [{name: row.get(name, "") for name in columns} for row in rows_of(content.decode())]
    assert actual == rows_of(text)


def test_a_day_begins_where_the_case_says() -> None:
    """The stand-in above looks up rates by day: cases have no price that changes within one."""
    for case in CASES:
        for folder in [case, *(path.parent for path in case.glob("*/tallybook.toml"))]:
            for card in open_workspace(folder).rate_cards.values():
                assert {
                    at.time().isoformat()
                    for each in card.rates
                    for at in (each.effective_from, each.effective_to)
                    if at
                } <= {"00:00:00"}
