"""One invoice of several accounts: what each part of it says, and what it refuses to be."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from pipeline.accounts import Account, Accounts, CreditGrant, InvoicedTo, Tax, Terms
from pipeline.base.errors import ConfigurationError, LogEntryRefused
from pipeline.base.money import Rounding
from pipeline.base.periods import BillingPeriod
from pipeline.invoicing import (
    InvoiceLine,
    LineKind,
    invoice_document,
    invoice_from_document,
    issued_invoice,
    make_book,
)
from pipeline.invoicing.book import above_spend_cap, credit_balances
from pipeline.invoicing.document import accounts_of
from pipeline.invoicing.draft import OwedBy, draft_of_accounts
from pipeline.invoicing.places import draft_places
from pipeline.invoicing.reductions import Reduction, partial_credit_note
from pipeline.invoicing.rules import NEWEST
from pipeline.usage import Meter

OCTOBER = BillingPeriod(year=2026, month=10)
NOVEMBER = OCTOBER.next()


def account(account_id: str, **more: Any) -> Account:
    given: dict[str, Any] = {"name": account_id.title(), "timezone": "UTC", "rate_card": "standard", "key_ids": ()}
    return Account(id=account_id, **given | more)


def grant(grant_id: str, amount: str, *models: str) -> CreditGrant:
    return CreditGrant(id=grant_id, amount=Decimal(amount), granted_on=date(2026, 1, 1), expires_on=None, models=models)


def line(amount: str, model: str = "large") -> InvoiceLine:
    return InvoiceLine(
        number=0,
        kind=LineKind.USAGE,
        api_key_id="key",
        model=model,
        meter=Meter.PROMPT,
        quantity=1,
        rate_per_million=Decimal(1),
        first_usage_date=OCTOBER.first_date,
        exact_amount=Decimal(amount).normalize(),
        amount=Decimal(amount),
        description=model,
    )


def owed(of: Account, *lines: InvoiceLine) -> OwedBy:
    return OwedBy(account=of, worth=lines, corrections=(), consumed={})


def draft(*members: OwedBy) -> Any:
    return draft_of_accounts(members, period=OCTOBER, currency="USD", rounding=Rounding.HALF_UP)


def credits_of(*members: OwedBy) -> list[tuple[str, str, Decimal]]:
    return [(each.account_id, each.credit_id, each.amount) for each in draft(*members).lines if each.credit_id]


def test_a_childs_credits_pay_what_the_child_owes_and_then_the_parents_pay_for_all() -> None:
    acme, bolt = account("acme", credits=(grant("group", "50.00"),)), account("bolt", credits=(grant("own", "9.00"),))
    assert credits_of(owed(acme, line("10.00")), owed(bolt, line("5.00"))) == [
        ("bolt", "own", Decimal("-5.00")),
        ("", "group", Decimal("-10.00")),
    ]


def test_a_parents_credit_for_a_model_pays_no_more_of_it_than_is_left_of_each_account() -> None:
    """Of Bolt's 8.00 of the large model its own credit paid 6.00; the parent's pays 2.00, and nothing of the small."""
    acme = account("acme", credits=(grant("group", "50.00", "large"),))
    bolt = account("bolt", credits=(grant("own", "6.00", "large"),))
    found = credits_of(owed(acme, line("1.00", "small")), owed(bolt, line("8.00"), line("3.00", "small")))
    assert found == [("bolt", "own", Decimal("-6.00")), ("", "group", Decimal("-2.00"))]


def test_a_parents_credit_never_pays_more_than_the_whole_invoice_comes_to() -> None:
    """A child that gets 4.00 back makes it less: 10.00 - 4.00."""
    acme, bolt = account("acme", credits=(grant("group", "50.00"),)), account("bolt")
    made = draft(owed(acme, line("10.00")), owed(bolt, line("-4.00")))
    assert [each.amount for each in made.lines if each.credit_id] == [Decimal("-6.00")]
    assert made.total == 0


def test_a_document_says_each_subtotal_and_is_refused_where_one_is_wrong() -> None:
    acme, bolt = account("acme", tax=Tax(rate=Decimal(10), label="VAT")), account("bolt")
    document = invoice_document(draft(owed(acme, line("10.00")), owed(bolt, line("5.00"))))
    assert document["accounts"] == [
        {"account_id": "acme", "account_name": "Acme", "subtotal": "10.00"},
        {"account_id": "bolt", "account_name": "Bolt", "subtotal": "5.00"},
    ]
    assert (document["subtotal"], document["total"]) == ("15.00", "16.50")
    assert accounts_of(document) == {"acme", "bolt"}
    assert invoice_document(invoice_from_document(document)) == document
    document["accounts"][1]["subtotal"] = "5.01"
    with pytest.raises(LogEntryRefused, match="its accounts is not what its other fields say"):
        invoice_from_document(document)


def test_an_invoice_has_no_line_of_an_account_that_it_does_not_name() -> None:
    made = draft(owed(account("acme"), line("10.00")), owed(account("bolt"), line("5.00")))
    for children in ((), (("bolt", "Bolt"), ("bolt", "Bolt")), (("acme", "Acme"), ("bolt", "Bolt"))):
        with pytest.raises(ValueError, match="an invoice of account 'acme'"):
            replace(made, children=children)


def test_an_invoice_of_one_account_says_nothing_of_accounts() -> None:
    document = invoice_document(draft(owed(account("acme"), line("10.00")), owed(account("bolt"))))
    assert "accounts" not in document
    assert "account_id" not in document["lines"][0]


def test_a_part_of_a_childs_line_is_credited_in_the_childs_name() -> None:
    made = draft(owed(account("acme"), line("10.00")), owed(account("bolt"), line("5.00")))
    issued = issued_invoice(made, number=1, prefix="INV-")
    note = partial_credit_note(
        issued,
        [],
        Reduction(line=2, reason="outage", amount=Decimal("1.00")),
        number=2,
        prefix="INV-",
        issued_on=date(2026, 11, 2),
        rules=NEWEST,
    )
    assert [(each.account_id, each.amount) for each in note.lines] == [("bolt", Decimal("-1.00"))]
    assert [(each.account_id, each.subtotal) for each in note.subtotals] == [
        ("acme", Decimal("0.00")),
        ("bolt", Decimal("-1.00")),
    ]
    assert note.subtotal == Decimal("-1.00")


def book(*accounts: Account, issued: Any = (), amount: str = "5.00", period: BillingPeriod = OCTOBER) -> Any:
    usage = {("bolt", period): [line(amount)]}
    return make_book(
        issued=issued,
        charges={},
        usage=usage,
        places=list(usage),
        accounts=Accounts(accounts=accounts),
        currencies={"acme": "USD", "bolt": "USD"},
        rounding=Rounding.HALF_UP,
    )


ACME, BOLT = account("acme"), account("bolt", invoiced_to=(InvoicedTo(account_id="acme"),))


def test_a_child_that_was_invoiced_keeps_its_entry() -> None:
    (made,) = book(ACME, BOLT).drafts
    issued = [issued_invoice(made, number=1, prefix="INV-")]
    with pytest.raises(
        ConfigurationError, match=r"account 'bolt' is not in accounts.toml and was invoiced \(INV-000001"
    ):
        make_book(
            issued=issued,
            charges={},
            places=[],
            accounts=Accounts(accounts=(ACME,)),
            currencies={"acme": "USD"},
            rounding=Rounding.HALF_UP,
        )


def test_a_correction_of_a_child_names_the_child_and_stands_on_the_parents_next_invoice() -> None:
    (made,) = book(ACME, BOLT).drafts
    now = book(ACME, BOLT, issued=[issued_invoice(made, number=1, prefix="INV-")], amount="7.00")
    (late,) = now.late
    assert (late.account_id, late.period, late.draft_id) == ("bolt", OCTOBER, "draft-2026-11-acme")
    assert (late.invoice_ids, late.difference) == (("INV-000001",), Decimal("2.00"))
    assert [(each.account_id, each.amount) for each in now.drafts[0].lines] == [("bolt", Decimal("2.00"))]


def test_a_child_that_came_after_its_parents_invoice_is_corrected_and_gets_no_second_invoice_of_the_month() -> None:
    of_acme = {("acme", OCTOBER): [line("1.00")]}
    said: dict[str, Any] = {"charges": {}, "rounding": Rounding.HALF_UP, "currencies": {"acme": "USD", "bolt": "USD"}}
    alone = make_book(issued=(), usage=of_acme, places=list(of_acme), accounts=Accounts(accounts=(ACME,)), **said)
    issued = [issued_invoice(alone.drafts[0], number=1, prefix="INV-")]
    both = of_acme | {("bolt", OCTOBER): [line("5.00")]}
    now = make_book(issued=issued, usage=both, places=list(both), accounts=Accounts(accounts=(ACME, BOLT)), **said)
    (made,) = now.drafts
    assert (made.id, made.lines[0].original_period, made.lines[0].account_id) == (
        "draft-2026-11-acme",
        OCTOBER,
        "bolt",
    )


def test_a_childs_spend_cap_and_its_grants_are_its_own() -> None:
    bolt = replace(
        BOLT,
        terms=(Terms(from_date=None, rate_card="standard", spend_cap=Decimal(4)),),
        credits=(grant("own", "2.00"),),
    )
    now = book(ACME, bolt)
    ((part, month, spent, cap),) = above_spend_cap(now, Accounts(accounts=(ACME, bolt)))
    assert (part.account_id, part.id, month) == ("bolt", "draft-2026-10-acme", OCTOBER)
    assert (spent, cap) == (Decimal("5.00"), Decimal(4))
    (balance,) = credit_balances(now, Accounts(accounts=(ACME, bolt)), {"acme": "USD", "bolt": "USD"})
    assert (balance.account_id, balance.reserved, balance.left) == ("bolt", Decimal("2.00"), Decimal("0.00"))


def test_corrections_of_an_account_whose_invoices_were_all_taken_back_stand_on_the_month_after_the_last() -> None:
    acme = account("acme")
    found = draft_places(
        Accounts(accounts=(acme,)),
        open_months={"acme": []},
        closed={"acme": set()},
        corrected={"acme": {OCTOBER, NOVEMBER}},
    )
    assert found.carriers == {"acme": ("acme", NOVEMBER.next())}
    assert found.drafts == {("acme", NOVEMBER.next()): [acme]}
    closed = draft_places(
        Accounts(accounts=(acme,)),
        open_months={"acme": []},
        closed={"acme": {OCTOBER}},
        corrected={"acme": {OCTOBER, NOVEMBER}},
    )
    assert closed.carriers == {"acme": ("acme", NOVEMBER)}, "what is closed decides where anything is"
