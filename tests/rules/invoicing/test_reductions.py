"""Credit notes in part: never more than is left, to the last cent, and the month is worth what it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.accounts import Account, CreditGrant, Tax
from pipeline.base.errors import ConfigurationError, CreditRefused
from pipeline.base.money import Rounding
from pipeline.base.periods import BillingPeriod
from pipeline.invoicing import (
    LineKind,
    credit_note,
    draft_invoice,
    invoice_document,
    invoice_from_document,
    issued_invoice,
)
from pipeline.invoicing.payments import settlements
from pipeline.invoicing.reductions import (
    Reduction,
    is_same_reduction,
    left_by_tax,
    left_to_credit,
    lines_of_void,
    partial_credit_note,
)
from pipeline.invoicing.rules import NEWEST
from pipeline.rating import Charge, exact_charge
from pipeline.usage import Meter

if TYPE_CHECKING:
    from pipeline.invoicing import Invoice

OCTOBER = BillingPeriod(year=2026, month=10)
VAT = Tax(rate=Decimal(19), label="VAT")
BOOKS = Tax(rate=Decimal(19), label="VAT", by_kind=(("fee", Tax(rate=Decimal(7), label="VAT reduced")),))
REVERSED = Tax(label="VAT", reverse_charge=True, text="VAT due by the recipient")


def invoice_of(
    *quantities: int,
    tax: Tax | None = VAT,
    prepaid: str | None = None,
    fee: str | None = None,
    currency: str = "USD",
    rounding: Rounding = Rounding.HALF_UP,
) -> Invoice:
    grants = (
        [CreditGrant(id="g", amount=Decimal(prepaid), granted_on=date(2026, 1, 1), expires_on=None)] if prepaid else []
    )
    account = Account(
        id="acme",
        name="Acme",
        timezone="UTC",
        rate_card="standard",
        key_ids=tuple("abcdef"),
        credits=tuple(grants),
        tax=tax,
    )
    charges = [
        Charge(
            account_id="acme",
            api_key_id=key,
            model="jamba-large",
            service_tier="",
            meter=Meter.PROMPT,
            usage_date=date(2026, 10, 5),
            quantity=quantity,
            rate_per_million=Decimal(2),
            currency=currency,
            amount=exact_charge(quantity, Decimal(2)),
        )
        for key, quantity in zip("abcdef", quantities, strict=False)
    ]
    draft = draft_invoice(
        charges,
        account=account,
        period=OCTOBER,
        currency=currency,
        rounding=rounding,
        card_fees=None if fee is None else {account.rate_card: Decimal(fee)},
    )
    return issued_invoice(draft, number=1, prefix="INV-", issued_on=date(2026, 11, 2))


def credited(invoice: Invoice, notes: list[Invoice], line: int, reason: str = "goodwill", **wanted: object) -> Invoice:
    note = partial_credit_note(
        invoice,
        notes,
        Reduction(line=line, reason=reason, **wanted),  # type: ignore[arg-type]  # amount or quantity
        number=len(notes) + 2,
        prefix="INV-",
        issued_on=date(2026, 11, 5),
        rules=NEWEST,
    )
    again = invoice_from_document(invoice_document(note))
    assert again == note
    return note


def amounts(invoice: Invoice) -> list[tuple[str, str]]:
    return [(line.kind.value, str(line.amount)) for line in invoice.lines]


def test_an_amount_is_taken_off_with_its_tax_rounded_once() -> None:
    invoice = invoice_of(5_015_000)
    assert amounts(invoice) == [("usage", "10.03"), ("tax", "1.91")]
    note = credited(invoice, [], 1, amount=Decimal("5.01"), reason="outage")
    assert amounts(note) == [("reduction", "-5.01"), ("tax", "-0.95")]
    assert note.lines[0].description == (
        "credit on line 1 of INV-000001 (jamba-large prompt tokens at 2.00 USD per million): outage"
    )
    assert (note.credits_invoice, note.credit_reason, note.is_partial) == ("INV-000001", "outage", True)
    assert (note.due_date, note.payment_terms_days, note.issue_date) == (None, None, date(2026, 11, 5))


def test_the_last_part_takes_the_last_cent_of_tax() -> None:
    invoice = invoice_of(5_015_000)
    first = credited(invoice, [], 1, amount=Decimal("5.01"))
    rest = credited(invoice, [first], 1)
    assert amounts(rest) == [("reduction", "-5.02"), ("tax", "-0.96")], "19 % of 5.02 are 0.9538; 0.96 is left of 1.91"
    assert first.total + rest.total + invoice.total == 0


def test_parts_never_take_more_tax_than_was_charged() -> None:
    invoice = invoice_of(15_000, tax=Tax(rate=Decimal(50)))
    assert amounts(invoice) == [("usage", "0.03"), ("tax", "0.02")]
    notes: list[Invoice] = []
    for _ in range(3):
        notes.append(credited(invoice, notes, 1, amount=Decimal("0.01")))
    assert [str(note.tax_amount) for note in notes] == ["-0.01", "-0.01", "0.00"]


def test_a_quantity_is_taken_off_at_the_rate_of_its_line() -> None:
    invoice = invoice_of(5_000_000)
    note = credited(invoice, [], 1, quantity=1_250_000)
    assert (str(note.lines[0].amount), note.lines[0].quantity, note.lines[0].meter) == (
        "-2.50",
        -1_250_000,
        Meter.PROMPT,
    )
    with pytest.raises(CreditRefused, match="quantity of 3750001: 3750000 is left"):
        credited(invoice, [note], 1, quantity=3_750_001)


def test_what_prepaid_credits_paid_is_not_given_back_in_money() -> None:
    invoice = invoice_of(5_000_000, prepaid="3.00")
    assert amounts(invoice) == [("usage", "10.00"), ("credit", "-3.00"), ("tax", "1.33")]
    with pytest.raises(CreditRefused, match=r"by 7\.01 USD: 7\.00 is left"):
        credited(invoice, [], 1, amount=Decimal("7.01"))
    note = credited(invoice, [], 1)
    assert amounts(note) == [("reduction", "-7.00"), ("tax", "-1.33")]


def test_a_line_has_the_tax_of_its_kind_taken_off() -> None:
    invoice = invoice_of(5_000_000, tax=BOOKS, fee="20.00")
    assert amounts(invoice) == [("usage", "10.00"), ("fee", "20.00"), ("tax", "1.90"), ("tax", "1.40")]
    note = credited(invoice, [], 2, amount=Decimal("10.00"))
    assert amounts(note) == [("reduction", "-10.00"), ("tax", "-0.70")]
    assert (note.lines[1].tax_rate, note.lines[1].tax_base) == (Decimal(7), Decimal("-10.00"))
    assert [(str(share.base), str(share.tax and share.tax.rate)) for share in note.tax_breakdown] == [("-10", "7")]
    assert amounts(credited(invoice, [note], 1)) == [("reduction", "-10.00"), ("tax", "-1.90")]


def test_a_reversed_charge_stays_one() -> None:
    note = credited(invoice_of(5_000_000, tax=REVERSED), [], 1, amount=Decimal(1))
    assert amounts(note) == [("reduction", "-1.00")]
    assert note.tax_text == "VAT due by the recipient"


@pytest.mark.parametrize(
    ("line", "wanted", "told"),
    [
        (0, {}, "has no line 0; its lines are 1 to 3"),
        (4, {}, "has no line 4"),
        (3, {}, "line 3 of INV-000001 is a tax, which is credited with the lines it is on"),
        (2, {}, "line 2 of INV-000001 is -3.00; only lines above zero are credited"),
        (1, {"amount": Decimal(0)}, "by 0.00 USD"),
        (1, {"amount": Decimal(-1)}, "by -1.00 USD"),
        (1, {"quantity": 0}, "quantity of 0"),
        (1, {"quantity": -5}, "quantity of -5"),
        (1, {"quantity": 1}, "by 0.00 USD"),
    ],
)
def test_what_cannot_be_credited_is_refused(line: int, wanted: dict[str, object], told: str) -> None:
    with pytest.raises(CreditRefused, match=told):
        credited(invoice_of(5_000_000, prepaid="3.00"), [], line, **wanted)


@pytest.mark.parametrize(
    ("quantity", "last", "first_refused", "told"),
    [
        (5_000_000, {"amount": Decimal("0.01")}, {"amount": Decimal(0)}, "by 0.00 USD: 10.00 is left of it"),
        (5_000_000, {"amount": Decimal("10.00")}, {"amount": Decimal("10.01")}, "by 10.01 USD: 10.00 is left of it"),
        (5_000_000, {"quantity": 5_000_000}, {"quantity": 5_000_001}, "a quantity of 5000001: 5000000 is left of it"),
        (2_500, {"quantity": 2_500}, {"quantity": 0}, "by a quantity of 0: 2500 is left of it"),
        (5_000_000, {"line": 1}, {"line": 0}, "has no line 0; its lines are 1 to 2"),
        (5_000_000, {"line": 1}, {"line": 3}, "has no line 3; its lines are 1 to 2"),
    ],
)
def test_the_last_that_can_be_credited_is_and_the_first_beyond_is_refused(
    quantity: int, last: dict[str, Any], first_refused: dict[str, Any], told: str
) -> None:
    made = invoice_of(quantity)
    assert credited(made, [], **({"line": 1} | last)).total < 0
    with pytest.raises(CreditRefused, match=told):
        credited(made, [], **({"line": 1} | first_refused))


def test_an_amount_below_the_minor_unit_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="write 0 decimal places at most"):
        credited(invoice_of(5_000_000, currency="JPY"), [], 1, amount=Decimal("0.5"))


PARTS = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 400)), max_size=12)
INVOICES = st.builds(
    invoice_of,
    st.integers(0, 3_000_000),
    st.integers(5_000, 2_000_000),
    st.integers(0, 40_000),
    tax=st.sampled_from([None, VAT, BOOKS, REVERSED, Tax(rate=Decimal("7.7")), Tax(rate=Decimal(50))]),
    prepaid=st.sampled_from([None, "0.40", "2.00"]),
    fee=st.sampled_from([None, "1.23"]),
    currency=st.sampled_from(["USD", "JPY", "KWD"]),
    rounding=st.sampled_from(list(Rounding)),
)


@pytest.mark.long
@given(INVOICES, PARTS)
@settings(max_examples=60, deadline=None)
def test_parts_never_take_more_than_there_is_and_a_void_takes_exactly_what_they_left(
    invoice: Invoice, parts: list[tuple[int, int]]
) -> None:
    check_a_void_takes_what_parts_left(invoice, parts)


@pytest.mark.slow
@given(INVOICES, PARTS)
@settings(max_examples=400, deadline=None)
def test_many_parts_never_take_more_than_there_is(invoice: Invoice, parts: list[tuple[int, int]]) -> None:
    check_a_void_takes_what_parts_left(invoice, parts)


def check_a_void_takes_what_parts_left(invoice: Invoice, parts: list[tuple[int, int]]) -> None:
    unit = Decimal(1) if invoice.currency == "JPY" else Decimal("0.01")
    notes: list[Invoice] = []
    for number, minor_units in parts:
        try:
            notes.append(credited(invoice, notes, number, f"part {len(notes)}", amount=minor_units * unit))
        except CreditRefused:
            continue
        note = notes[-1]
        assert note.total < 0
        assert sum(share.base for share in note.tax_breakdown) == note.subtotal
        assert all(left.base >= 0 or left.base == share.base for left, share in lefts(invoice, notes))
        assert all(left.tax >= 0 for left, _ in lefts(invoice, notes))
    for line in invoice.lines:
        taken = -sum(each.amount for note in notes for each in note.lines if each.credits_line == line.number)
        assert 0 <= taken <= max(line.amount, Decimal(0))
    left = settlements([invoice, *notes], [])[invoice.id].open
    assert not notes or left >= 0
    void = credit_note(invoice, number=99, prefix="INV-", lines=lines_of_void(invoice, notes))
    assert void.total == -left
    assert invoice_from_document(invoice_document(void)) == void


def lefts(invoice: Invoice, notes: list[Invoice]) -> list[tuple[object, object]]:
    return list(zip(left_by_tax(invoice, notes).values(), invoice.tax_breakdown, strict=True))


@pytest.mark.long
@given(INVOICES)
@settings(max_examples=25, deadline=None)
def test_an_invoice_that_is_credited_line_by_line_leaves_no_cent_open(invoice: Invoice) -> None:
    check_line_by_line_leaves_no_cent(invoice)


@pytest.mark.slow
@given(INVOICES)
@settings(max_examples=200, deadline=None)
def test_many_invoices_that_are_credited_line_by_line_leave_no_cent_open(invoice: Invoice) -> None:
    check_line_by_line_leaves_no_cent(invoice)


def check_line_by_line_leaves_no_cent(invoice: Invoice) -> None:
    notes: list[Invoice] = []
    for line in invoice.lines:
        if line.kind is not LineKind.TAX and line.amount > 0:
            while (left := left_to_credit(invoice, line, notes)) > 0:
                third = (left / 3).quantize(invoice.total) or left
                notes.append(credited(invoice, notes, line.number, f"{len(notes)}", amount=min(third, left)))
    assert settlements([invoice, *notes], [])[invoice.id].open == 0


def test_a_tax_on_a_part_keeps_its_exact_amount_where_nothing_bounds_it() -> None:
    note = credited(invoice_of(5_015_000), [], 1, amount=Decimal("5.01"))
    assert note.lines[1].exact_amount == Decimal("-0.9519"), "19 % of 5.01, of which -0.95 is printed"


def test_the_same_reduction_is_of_the_same_line_reason_amount_and_quantity() -> None:
    of_tokens = credited(invoice_of(5_000_000, 5_000_000), [], 1, quantity=1_000_000, reason="outage")
    same = Reduction(line=1, reason="outage", quantity=1_000_000)
    assert is_same_reduction(of_tokens, same)
    assert is_same_reduction(of_tokens, replace(same, amount=Decimal("2.00")))
    for other in ({"line": 2}, {"reason": "delay"}, {"quantity": 999_999}, {"quantity": None}, {"amount": Decimal(3)}):
        assert not is_same_reduction(of_tokens, replace(same, **other)), other
    of_money = credited(invoice_of(5_000_000), [], 1, amount=Decimal("2.00"), reason="outage")
    assert is_same_reduction(of_money, Reduction(line=1, reason="outage", amount=Decimal("2.00")))
    assert is_same_reduction(of_money, Reduction(line=1, reason="outage"))


def test_a_part_of_a_line_of_the_month_says_nothing_of_the_tax_of_corrections() -> None:
    invoice = replace(invoice_of(5_000_000), correction_tax_text="as of then")
    note = partial_credit_note(
        invoice,
        [],
        Reduction(line=1, reason="outage", amount=Decimal(1)),
        number=2,
        prefix="INV-",
        issued_on=date(2026, 11, 5),
        rules=NEWEST,
    )
    assert note.correction_tax_text == ""


def test_a_void_says_what_each_tax_that_it_takes_back_was_on_once_parts_were_credited() -> None:
    invoice = invoice_of(5_015_000)
    part = credited(invoice, [], 1, amount=Decimal("5.01"))
    rest = next(line for line in lines_of_void(invoice, [part]) if line.kind is LineKind.TAX)
    assert (str(rest.amount), rest.description, rest.tax_base) == ("-0.96", "VAT 19% on 5.02 USD", Decimal("-5.02"))


def test_a_void_of_an_invoice_without_notes_takes_every_line_back_as_it_stands() -> None:
    invoice = invoice_of(5_000_000, 2_500_000)
    taken = lines_of_void(invoice, [])
    assert [(line.kind, line.description, line.quantity, line.amount) for line in taken] == [
        (line.kind, line.description, -line.quantity, -line.amount) for line in invoice.lines
    ]
    assert [str(line.amount) for line in taken if line.kind is LineKind.TAX] == ["-2.85"]
