"""Credit notes in part, line by line: which lines may be credited, at which border, in which words, with which tax."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from lines_by_hand import OCTOBER, SEPTEMBER, correction, fee, invoice, plain, usage

from pipeline.accounts import CreditGrant, Tax, TaxCategory
from pipeline.base.errors import ConfigurationError, CreditRefused
from pipeline.invoicing import credit_note
from pipeline.invoicing.lines import LineKind
from pipeline.invoicing.reductions import (
    Reduction,
    TaxLeft,
    left_by_tax,
    left_to_credit,
    lines_of_void,
    partial_credit_note,
    reductions_of,
)
from pipeline.invoicing.rules import NEWEST, Rules

if TYPE_CHECKING:
    from pipeline.invoicing import Invoice

VAT = Tax(rate=Decimal(19), label="VAT")
REDUCED = Tax(rate=Decimal(7), label="VAT")
EXEMPT = Tax(category=TaxCategory.EXEMPT, text="Exempt")


def tokens(amount: str, quantity: int, rate: str, **said: Any) -> Any:
    return usage(amount, quantity, rate_per_million=Decimal(rate), tags="team=a", **said)


def credited(of: Invoice, line: int, *notes: Invoice, rules: Rules = NEWEST, **wanted: Any) -> Invoice:
    return partial_credit_note(
        of,
        notes,
        Reduction(**{"line": line, "reason": "outage"} | wanted),
        number=len(notes) + 2,
        prefix="INV-",
        issued_on=date(2026, 11, 5),
        rules=rules,
    )


def refusal_of(of: Invoice, line: int, *notes: Invoice, **wanted: Any) -> str:
    with pytest.raises(CreditRefused) as refused:
        credited(of, line, *notes, **wanted)
    return str(refused.value)


def amounts(of: Any) -> list[tuple[str, str]]:
    return [(each.kind.value, str(each.amount)) for each in getattr(of, "lines", of)]


@pytest.mark.parametrize("kind", [each for each in LineKind if each not in (LineKind.CREDIT, LineKind.REDUCTION)])
def test_every_kind_that_a_month_is_worth_may_be_credited_and_a_tax_is_with_what_it_is_on(kind: LineKind) -> None:
    if kind in (LineKind.USAGE, LineKind.INCLUDED):
        line = tokens("5.00", 5_000_000, "1", kind=kind)
    elif kind is LineKind.CORRECTION:
        line = correction("5.00", OCTOBER)
    else:
        line = plain(kind, "5.00")
    of = invoice(line)
    if kind is LineKind.TAX:
        assert refusal_of(of, 1) == (
            "line 1 of INV-000001 is a tax, which is credited with the lines it is on; 'tallybook invoice show "
            "INV-000001' lists them"
        )
        return
    (made,) = credited(of, 1, amount=Decimal(2)).lines
    assert (str(made.amount), made.original_kind) == ("-2.00", LineKind.FEE if kind is LineKind.CORRECTION else kind)


def test_a_credit_and_what_is_not_above_zero_are_credited_no_further() -> None:
    grant = CreditGrant(id="g", amount=Decimal(3), granted_on=date(2026, 1, 1), expires_on=None)
    of = invoice(fee("10.00"), fee("0.00"), fee("-1.00"), credits=(grant,))
    assert amounts(of) == [("fee", "10.00"), ("fee", "0.00"), ("fee", "-1.00"), ("credit", "-3.00")]
    for line, amount in ((2, "0.00"), (3, "-1.00"), (4, "-3.00")):
        assert refusal_of(of, line) == (
            f"line {line} of INV-000001 is {amount}; only lines above zero are credited, 'tallybook invoice show "
            "INV-000001' lists them"
        )
    for line in (0, 5):
        assert refusal_of(of, line) == (
            f"INV-000001 has no line {line}; its lines are 1 to 4, 'tallybook invoice show INV-000001' lists them"
        )


def test_a_line_is_credited_up_to_what_is_left_of_it_and_of_what_its_tax_is_on() -> None:
    grant = CreditGrant(id="g", amount=Decimal(3), granted_on=date(2026, 1, 1), expires_on=None)
    of = invoice(fee("10.00"), fee("5.00"), credits=(grant,), tax=VAT)
    first, second = of.lines[:2]
    assert [left_to_credit(of, line, []) for line in (first, second)] == [10, 5]
    note = credited(of, 1, amount=Decimal("9.50"))
    assert [left_to_credit(of, line, [note]) for line in (first, second)] == [Decimal("0.50"), Decimal("2.50")]
    assert refusal_of(of, 2, note, amount=Decimal("2.51")) == (
        "line 2 of INV-000001 cannot be credited by 2.51 USD: 2.50 is left of it after credit notes, prepaid "
        "credits, coupons and allowances"
    )
    last = credited(of, 2, note, amount=Decimal("2.50"))
    assert [left_to_credit(of, line, [note, last]) for line in (first, second)] == [0, 0]
    assert refusal_of(of, 1, note, last) == (
        "line 1 of INV-000001 cannot be credited by 0.00 USD: 0.00 is left of it after credit notes, prepaid "
        "credits, coupons and allowances"
    )


def test_all_that_is_left_is_credited_where_neither_amount_nor_tokens_are_named() -> None:
    of = invoice(tokens("10.00", 5_000_000, "2"), fee("3.00"))
    note = credited(of, 1, quantity=1_000_000)
    assert amounts(note) == [("reduction", "-2.00")]
    rest = credited(of, 1, note)
    assert [(str(each.amount), each.quantity) for each in rest.lines] == [("-8.00", 0)]


@pytest.mark.parametrize(("amount", "told"), [("0.005", 2), ("1.001", 2)])
def test_an_amount_has_no_more_places_than_its_currency(amount: str, told: int) -> None:
    with pytest.raises(ConfigurationError) as refused:
        credited(invoice(fee("10.00")), 1, amount=Decimal(amount))
    assert str(refused.value) == f"the amount of a credit in USD is {amount}; write {told} decimal places at most"


def test_tokens_are_credited_at_the_rate_of_their_line_and_never_beyond_what_is_left_of_its_amount() -> None:
    of = invoice(tokens("0.01", 5_000, "1"))
    assert amounts(credited(of, 1, quantity=5_000)) == [("reduction", "-0.01")]
    assert refusal_of(of, 1, quantity=5_001) == (
        "line 1 of INV-000001 cannot be credited by a quantity of 5001: 5000 is left of it"
    )
    note = credited(of, 1, amount=Decimal("0.01"))
    assert refusal_of(of, 1, note, quantity=5_000).startswith("line 1 of INV-000001 cannot be credited by 0.00 USD")
    whole = credited(of, 1, quantity=5_000)
    assert refusal_of(of, 1, whole, quantity=1) == (
        "line 1 of INV-000001 cannot be credited by a quantity of 1: 0 is left of it"
    )


def test_what_has_no_price_of_a_single_token_is_credited_by_an_amount() -> None:
    of = invoice(fee("5.00"), tokens("5.00", 5_000, "1000", package_tokens=1_000))
    for line in (1, 2):
        assert refusal_of(of, line, quantity=1) == (
            f"line {line} of INV-000001 has no price of a single token; give the --amount that is credited"
        )
        assert amounts(credited(of, line, amount=Decimal(1))) == [("reduction", "-1.00")]


def test_a_reduction_says_of_its_line_all_but_the_price() -> None:
    line = tokens("10.00", 5_000_000, "2", service_tier="flex")
    (made,) = credited(invoice(line), 1, quantity=5_000).lines
    assert (made.number, made.kind, made.quantity, made.credits_line) == (1, LineKind.REDUCTION, -5_000, 1)
    assert (made.api_key_id, made.model, made.service_tier, made.meter) == ("k", "m", "flex", line.meter)
    assert (made.tags, made.account_id, made.period, made.taxed_as) == ("team=a", "", None, None)
    assert (made.original_period, made.original_kind, made.rate_per_million) == (None, LineKind.USAGE, None)
    assert (made.exact_amount, made.description) == (
        Decimal("-0.01"),
        "credit on line 1 of INV-000001 (usage): outage",
    )


def test_a_part_of_a_correction_has_the_tax_of_its_month_and_the_text_about_it() -> None:
    old = Tax(rate=Decimal(16), label="VAT")
    line = correction("5.00")
    from_draft = invoice(fee("10.00"), line, tax=VAT)
    of = replace(
        from_draft,
        correction_taxes=((SEPTEMBER, old),),
        correction_tax_text="as of then",
        lines=(
            *from_draft.lines[:2],
            *(
                replace(
                    plain(LineKind.TAX, amount),
                    number=number,
                    tax_category=TaxCategory.STANDARD,
                    tax_rate=rate,
                    tax_base=base,
                )
                for number, amount, rate, base in (
                    (3, "1.90", Decimal(19), Decimal("10.00")),
                    (4, "0.80", Decimal(16), Decimal("5.00")),
                )
            ),
        ),
    )
    note = credited(of, 2, amount=Decimal(2))
    assert amounts(note) == [("reduction", "-2.00"), ("tax", "-0.32")]
    assert (note.lines[0].original_period, note.lines[0].original_kind) == (SEPTEMBER, LineKind.FEE)
    assert note.correction_tax_text == "as of then"
    assert credited(of, 1, amount=Decimal(2)).correction_tax_text == ""
    assert left_by_tax(of, [note]) == {
        VAT: TaxLeft(base=Decimal("10.00"), tax=Decimal("1.90")),
        old: TaxLeft(base=Decimal("3.00"), tax=Decimal("0.48")),
    }


def test_what_is_left_of_each_tax_is_in_the_order_of_the_tax_lines_and_of_one_that_charges_nothing_no_tax() -> None:
    by_kind = replace(VAT, by_kind=(("fee", REDUCED), ("item", EXEMPT)))
    of = invoice(fee("10.00"), plain(LineKind.ITEM, "5.00"), usage("20.00"), tax=by_kind)
    assert list(left_by_tax(of, []).items()) == [
        (REDUCED, TaxLeft(base=Decimal("10.00"), tax=Decimal("0.70"))),
        (EXEMPT, TaxLeft(base=Decimal("5.00"), tax=Decimal(0))),
        (VAT, TaxLeft(base=Decimal("20.00"), tax=Decimal("3.80"))),
    ]
    note = credited(of, 2, amount=Decimal(5))
    assert amounts(note) == [("reduction", "-5.00")]
    assert amounts(lines_of_void(of, [note])) == [
        ("fee", "-10.00"),
        ("item", "-5.00"),
        ("usage", "-20.00"),
        ("reduction", "5.00"),
        ("tax", "-0.70"),
        ("tax", "-3.80"),
    ]
    untaxed = invoice(fee("10.00"))
    part = credited(untaxed, 1, amount=Decimal(4))
    assert left_by_tax(untaxed, [part]) == {None: TaxLeft(base=Decimal(6), tax=Decimal(0))}
    assert amounts(lines_of_void(untaxed, [part])) == [("fee", "-10.00"), ("reduction", "4.00")]


def test_the_last_of_what_a_tax_is_on_takes_the_last_of_it_and_no_part_takes_more_than_is_left() -> None:
    of = invoice(fee("0.10"), tax=Tax(rate=Decimal(25), label="VAT"))
    assert amounts(of) == [("fee", "0.10"), ("tax", "0.03")]
    first = credited(of, 1, amount=Decimal("0.02"))
    second = credited(of, 1, first, amount=Decimal("0.02"))
    last = credited(of, 1, first, second)
    assert [amounts(each)[1] for each in (first, second, last)] == [("tax", "-0.01")] * 3
    assert [each.lines[1].exact_amount for each in (first, last)] == [Decimal("-0.005"), Decimal("-0.01")], (
        "25 % of 0.06 are 0.015, and 0.01 is left"
    )


def test_a_void_after_parts_says_what_is_left_of_each_tax_and_its_base_where_the_invoice_said_one() -> None:
    of = invoice(fee("10.00"), tax=VAT)
    part = credited(of, 1, amount=Decimal("2.50"))
    tax = lines_of_void(of, [part])[-1]
    assert (str(tax.amount), str(tax.exact_amount), tax.number) == ("-1.42", "-1.42", 3)
    assert (tax.description, tax.tax_base) == ("VAT 19% on 7.50 USD", Decimal("-7.50"))
    older = replace(
        of, lines=tuple(replace(each, tax_base=None, tax_rate=None, tax_category=None) for each in of.lines)
    )
    assert lines_of_void(older, [part])[-1].tax_base is None


def test_parts_of_an_invoice_are_its_credit_notes_in_part_and_no_others() -> None:
    one, other = invoice(fee("10.00")), invoice(fee("10.00"), number=9)
    parts = [credited(one, 1, amount=Decimal(1)), credited(one, 1, amount=Decimal(2))]
    of_other = credited(other, 1, amount=Decimal(1))
    void = credit_note(one, number=8, prefix="INV-")
    assert reductions_of(one, [one, other, parts[0], of_other, parts[1], void]) == parts
    assert reductions_of(other, [one, of_other]) == [of_other]


def test_an_invoice_that_does_not_say_the_tax_of_its_corrections_is_taken_back_whole() -> None:
    taxed = invoice(fee("10.00"), tax=VAT)
    unknown = replace(taxed, tax=replace(VAT, rate=Decimal(20), by_kind=(("item", REDUCED),)))
    with pytest.raises(CreditRefused) as refused:
        left_by_tax(unknown, [])
    assert str(refused.value) == (
        "INV-000001 cannot be credited in part: INV-000001 does not say which tax its corrections have: it was issued "
        "by an older program; 'tallybook invoice void INV-000001' takes all of it back"
    )


def test_by_older_rules_a_part_states_nothing_of_its_tax() -> None:
    of = invoice(fee("10.00"), tax=VAT)
    for rules, stated in ((Rules.SECOND, None), (Rules.THIRD, Decimal(19))):
        note = credited(of, 1, rules=rules, amount=Decimal(1))
        assert (note.lines[1].tax_rate, str(note.lines[1].amount)) == (stated, "-0.19")
