"""An invoice is the rounded sums of exact charges, and its total is what its lines say."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.accounts import Account, Coupon, ExchangeRate, Tax, TaxCategory
from pipeline.base.errors import LogEntryRefused
from pipeline.base.money import Rounding, minor_unit_digits
from pipeline.base.periods import BillingPeriod
from pipeline.invoicing import credit_note, draft_invoice, invoice_document, invoice_from_document, issued_invoice
from pipeline.invoicing.corrections import Cell
from pipeline.invoicing.lines import LineKind, is_of_usage, meter_and_rate, negated, plain_line
from pipeline.invoicing.rules import Rules
from pipeline.invoicing.worth.period_lines import commitment_lines, coupon_lines, included_lines, limit_lines
from pipeline.invoicing.worth.recurring_lines import Commitment
from pipeline.invoicing.worth.usage_lines import line_place, usage_lines
from pipeline.rates.limits import EntryLimit
from pipeline.rating import Charge, exact_charge
from pipeline.usage import Meter

if TYPE_CHECKING:
    from pipeline.invoicing import Invoice

OCTOBER = BillingPeriod(year=2026, month=10)
ACME = Account(id="acme", name="Acme Ltd", timezone="Europe/Istanbul", rate_card="standard", key_ids=("key_1", "key_2"))


def charge(quantity: int, rate: str = "2.00", **changes: Any) -> Charge:
    row: dict[str, Any] = {
        "account_id": "acme",
        "api_key_id": "key_1",
        "model": "jamba-large",
        "service_tier": "",
        "meter": Meter.PROMPT,
    }
    row |= {"usage_date": date(2026, 10, 10), "currency": "USD"}
    return Charge(
        **row
        | {"quantity": quantity, "rate_per_million": Decimal(rate), "amount": exact_charge(quantity, Decimal(rate))}
        | changes
    )


def draft(*charges: Charge, currency: str = "USD", rounding: Rounding = Rounding.HALF_UP) -> Invoice:
    return draft_invoice(charges, account=ACME, period=OCTOBER, currency=currency, rounding=rounding)


def test_a_month_is_rounded_once_and_not_every_day() -> None:
    """4,321 tokens a day at 2.50: 31 x 0.0108025 = 0.3348775. Rounded daily it would have been 0.31."""
    invoice = draft(*(charge(4_321, "2.50", usage_date=date(2026, 10, day)) for day in range(1, 32)))
    (line,) = invoice.lines
    assert (line.quantity, line.exact_amount, line.amount) == (133_951, Decimal("0.3348775"), Decimal("0.33"))
    assert (invoice.total, invoice.residual) == (Decimal("0.33"), Decimal("0.0048775"))


def test_the_total_is_the_sum_of_the_printed_lines_not_of_the_exact_ones() -> None:
    """Three lines of 0.005 print 0.01 each: the total is 0.03, though the exact charges are 0.015."""
    invoice = draft(*(charge(2_500, api_key_id=key) for key in ("key_1", "key_2", "key_3")))
    assert [str(line.amount) for line in invoice.lines] == ["0.01", "0.01", "0.01"]
    assert (str(invoice.subtotal), str(invoice.total), invoice.residual) == ("0.03", "0.03", Decimal("-0.015"))


def test_half_even_rounds_the_same_lines_to_the_even_cent() -> None:
    invoice = draft(charge(2_500), charge(7_500, api_key_id="key_2"), rounding=Rounding.HALF_EVEN)
    assert [str(line.amount) for line in invoice.lines] == ["0.00", "0.02"]


def test_yen_have_no_decimal_places_and_dinars_three() -> None:
    assert str(draft(charge(1_234_567, currency="JPY"), currency="JPY").total) == "2"
    assert str(draft(charge(1_234_567, currency="KWD"), currency="KWD").total) == "2.469"


def test_equal_rates_of_different_windows_share_a_line() -> None:
    """2.00 until the 10th, 1.50 to the 20th, 2.0 again after it: two lines, not three."""
    invoice = draft(
        charge(1_000_000, "2.00", usage_date=date(2026, 10, 1)),
        charge(1_000_000, "1.50", usage_date=date(2026, 10, 15)),
        charge(1_000_000, "2.0", usage_date=date(2026, 10, 25)),
    )
    assert [(line.number, line.quantity, str(line.rate_per_million), str(line.amount)) for line in invoice.lines] == [
        (1, 2_000_000, "2.00", "4.00"),
        (2, 1_000_000, "1.50", "1.50"),
    ]


def test_lines_come_by_key_model_tier_meter_then_time() -> None:
    expected = [
        ("key_1", "jamba-large", "", Meter.PROMPT, "2.00"),
        ("key_1", "jamba-large", "", Meter.PROMPT, "1.50"),  # later in the month, though cheaper
        ("key_1", "jamba-large", "", Meter.PROMPT_CACHED, "0.50"),
        ("key_1", "jamba-large", "", Meter.PROMPT_CACHE_WRITE, "2.00"),
        ("key_1", "jamba-large", "", Meter.COMPLETION, "8.00"),
        ("key_1", "jamba-large", "flex", Meter.PROMPT, "1.00"),
        ("key_1", "jamba-mini", "", Meter.PROMPT, "0.20"),
        ("key_2", "jamba-large", "", Meter.PROMPT, "2.00"),
    ]
    charges = [
        charge(
            1_000,
            rate,
            api_key_id=key,
            model=model,
            service_tier=tier,
            meter=meter,
            usage_date=date(2026, 10, 20 if rate == "1.50" else 10),
        )
        for key, model, tier, meter, rate in reversed(expected)
    ]
    lines = draft(*charges).lines
    assert [
        (line.api_key_id, line.model, line.service_tier, line.meter, str(line.rate_per_million)) for line in lines
    ] == expected
    assert [line.number for line in lines] == list(range(1, 9))


def test_a_line_says_in_words_what_it_is_for() -> None:
    invoice = draft(
        charge(1, "2"),
        charge(1, "0.5", meter=Meter.PROMPT_CACHED),
        charge(1, "2.5", meter=Meter.PROMPT_CACHE_WRITE),
        charge(1, "4", service_tier="flex"),
    )
    assert [line.description for line in invoice.lines] == [
        "jamba-large prompt tokens at 2.00 USD per million",
        "jamba-large cached prompt tokens at 0.50 USD per million",
        "jamba-large prompt tokens written to cache at 2.50 USD per million",
        "jamba-large prompt tokens, flex tier, at 4.00 USD per million",
    ]


def test_no_tokens_make_no_line_but_few_tokens_make_a_line_of_zero() -> None:
    invoice = draft(charge(0), charge(1, api_key_id="key_2"), charge(500, "0", api_key_id="key_3"))
    assert [(line.api_key_id, line.quantity, str(line.amount)) for line in invoice.lines] == [
        ("key_2", 1, "0.00"),
        ("key_3", 500, "0.00"),
    ]


def test_a_day_without_tokens_is_not_the_first_day_of_use() -> None:
    invoice = draft(
        charge(0, usage_date=date(2026, 10, 1)),
        charge(5, usage_date=date(2026, 10, 9)),
        charge(5, usage_date=date(2026, 10, 20)),
    )
    assert [line.first_usage_date for line in invoice.lines] == [date(2026, 10, 9)]


def test_an_invoice_without_charges_is_zero_in_its_currency() -> None:
    assert (str(draft().total), str(draft().residual), len(draft().lines)) == ("0.00", "0", 0)


def test_the_period_is_stated_with_the_accounts_own_offset() -> None:
    invoice = draft(charge(1))
    assert (invoice.period_start, invoice.period_end) == ("2026-10-01T00:00:00+03:00", "2026-11-01T00:00:00+03:00")


def test_a_draft_is_named_by_period_and_account_and_an_issued_invoice_by_its_number() -> None:
    invoice = draft(charge(1))
    assert (invoice.id, invoice.status, invoice.number) == ("draft-2026-10-acme", "draft", None)
    issued = issued_invoice(invoice, number=41, prefix="INV-")
    assert (issued.id, issued.status, issued.number, issued.lines) == ("INV-000041", "issued", 41, invoice.lines)
    assert issued_invoice(invoice, number=1_234_567, prefix="A").id == "A1234567"


def test_only_a_draft_can_be_issued_and_numbers_begin_at_one() -> None:
    issued = issued_invoice(draft(charge(1)), number=1, prefix="INV-")
    with pytest.raises(ValueError, match="only a draft is issued"):
        issued_invoice(issued, number=2, prefix="INV-")
    for number in (0, -1):
        with pytest.raises(ValueError, match=rf"cannot become number {number}; .* from 1"):
            issued_invoice(draft(charge(1)), number=number, prefix="INV-")
        with pytest.raises(ValueError, match=rf"cannot be credited by number {number}; .* from 1"):
            credit_note(issued, number=number, prefix="INV-")
    assert credit_note(issued, number=1, prefix="INV-").number == 1


@pytest.mark.parametrize(
    "changes",
    [{"account_id": "bolt"}, {"usage_date": date(2026, 11, 1)}, {"usage_date": date(2026, 9, 30)}, {"currency": "EUR"}],
)
def test_a_charge_of_somebody_else_or_another_month_or_currency_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="is no part of the 2026-10 invoice of 'acme' in USD"):
        draft(charge(1, **changes))


CHARGES = st.lists(
    st.builds(
        charge,
        st.integers(0, 10**12),
        st.sampled_from(["0", "0.2", "0.20", "2", "2.00", "1.5", "0.000000000001", "999999999.999999999999"]),
        api_key_id=st.sampled_from(["key_1", "key_2"]),
        model=st.sampled_from(["jamba-large", "jamba-mini"]),
        service_tier=st.sampled_from(["", "flex"]),
        meter=st.sampled_from(Meter),
        usage_date=st.dates(date(2026, 10, 1), date(2026, 10, 31)),
    ),
    max_size=30,
)
ROUNDINGS = st.sampled_from(Rounding)


@pytest.mark.long
@given(CHARGES, ROUNDINGS)
def test_every_bill_adds_up(charges: list[Charge], rounding: Rounding) -> None:
    invoice = draft(*charges, rounding=rounding)
    exact = sum((Fraction(charge.amount) for charge in charges), Fraction(0))
    half_unit = Fraction(1, 2 * 10 ** minor_unit_digits("USD"))
    assert Fraction(invoice.total) == sum((Fraction(line.amount) for line in invoice.lines), Fraction(0))
    assert abs(exact - Fraction(invoice.total)) <= half_unit * len(invoice.lines)
    assert Fraction(invoice.residual) == exact - Fraction(invoice.total)
    assert sum(line.quantity for line in invoice.lines) == sum(charge.quantity for charge in charges)


@pytest.mark.long
@given(CHARGES, ROUNDINGS, st.data())
def test_neither_the_order_of_charges_nor_splitting_them_changes_an_invoice(
    charges: list[Charge], rounding: Rounding, data: st.DataObject
) -> None:
    pieces = []
    for whole in charges:
        part = data.draw(st.integers(0, whole.quantity))
        pieces += [_piece(whole, part), _piece(whole, whole.quantity - part)]
    shuffled = data.draw(st.permutations(pieces))
    assert invoice_document(draft(*shuffled, rounding=rounding)) == invoice_document(draft(*charges, rounding=rounding))


def _piece(whole: Charge, quantity: int) -> Charge:
    return charge(
        quantity,
        str(whole.rate_per_million),
        api_key_id=whole.api_key_id,
        model=whole.model,
        service_tier=whole.service_tier,
        meter=whole.meter,
        usage_date=whole.usage_date,
    )


@pytest.mark.long
@given(CHARGES, ROUNDINGS, st.none() | st.integers(1, 10**9))
def test_an_invoice_reads_back_equal_from_its_json(
    charges: list[Charge], rounding: Rounding, number: int | None
) -> None:
    invoice = draft(*charges, rounding=rounding)
    if number:
        invoice = issued_invoice(invoice, number=number, prefix="INV-")
    text = json.dumps(invoice_document(invoice) | {"previousSha256": "added by a register"})
    again = invoice_from_document(json.loads(text))
    assert again == invoice
    assert invoice_document(again) == invoice_document(invoice)


def test_the_document_of_an_invoice_by_example() -> None:
    document = invoice_document(issued_invoice(draft(charge(1_234_567)), number=1, prefix="INV-"))
    assert document == {
        "format": "tallybook-invoice/1",
        "invoice_id": "INV-000001",
        "status": "issued",
        "number": 1,
        "account_id": "acme",
        "account_name": "Acme Ltd",
        "period": "2026-10",
        "timezone": "Europe/Istanbul",
        "period_start": "2026-10-01T00:00:00+03:00",
        "period_end": "2026-11-01T00:00:00+03:00",
        "currency": "USD",
        "rounding": "half-up",
        "subtotal": "2.47",
        "total": "2.47",
        "residual": "-0.000866",
        "lines": [
            {
                "line": 1,
                "kind": "usage",
                "api_key_id": "key_1",
                "model": "jamba-large",
                "service_tier": "",
                "meter": "prompt",
                "quantity": 1234567,
                "rate_per_million": "2.00",
                "first_usage_date": "2026-10-10",
                "exact_amount": "2.469134",
                "amount": "2.47",
                "description": "jamba-large prompt tokens at 2.00 USD per million",
            }
        ],
    }


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("total", "2.48", "total"),
        ("subtotal", "2.4", "subtotal"),
        ("residual", "0", "residual"),
        ("period_end", "2026-12-01T00:00:00+03:00", "period_end"),
        ("format", "tallybook-invoice/2", "format"),
        ("status", "draft", "number 1"),
        ("number", None, "number None"),
        ("period", "2026-13", "2026-13"),
        ("timezone", "Mars/Olympus", "Mars/Olympus"),
        ("currency", "XXX", "XXX"),
        ("rounding", "up", "up"),
        ("lines", None, ""),
        ("lines", [], "subtotal"),
    ],
)
def test_a_document_that_was_tampered_with_is_refused(field: str, value: object, told: str) -> None:
    document = invoice_document(issued_invoice(draft(charge(1_234_567)), number=1, prefix="INV-"))
    with pytest.raises(LogEntryRefused, match=f"invoice 'INV-000001' is refused: .*{told}.*; restore it"):
        invoice_from_document(document | {field: value})


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("amount", "2.46", "prints 2.46"),
        ("line", 2, "line 1 has the number 2"),
        ("quantity", "5", "quantity '5'"),
        ("exact_amount", "2,469134", "2,469134"),
        ("meter", "prompts", "prompts"),
        ("kind", "tax", "tax"),
        ("first_usage_date", "2026-10-32", "2026-10-32"),
        ("rate_per_million", 2.0, "is refused"),
    ],
)
def test_a_document_with_a_line_that_was_tampered_with_is_refused(field: str, value: object, told: str) -> None:
    document = invoice_document(issued_invoice(draft(charge(1_234_567)), number=1, prefix="INV-"))
    document["lines"][0][field] = value
    with pytest.raises(LogEntryRefused, match=told):
        invoice_from_document(document)


@pytest.mark.parametrize("field", ["format", "invoice_id", "account_name", "total", "period_start", "lines"])
def test_a_document_without_a_field_is_refused(field: str) -> None:
    document = invoice_document(draft(charge(1)))
    del document[field]
    with pytest.raises(LogEntryRefused, match=field):
        invoice_from_document(document)


def test_the_line_that_takes_a_zero_back_is_a_zero_without_a_sign() -> None:
    (line,) = draft(charge(1)).lines
    assert (str(line.amount), str(negated(line).amount)) == ("0.00", "0.00")
    assert str(negated(negated(draft(charge(5_000)).lines[0])).amount) == "0.01"


def test_lines_of_usage_have_events_behind_them_and_a_price_and_no_others_do() -> None:
    (usage,) = draft(charge(5_000)).lines
    fee = plain_line(LineKind.FEE, Decimal(1), "a fee", currency="USD", rounding=Rounding.HALF_UP)
    assert (is_of_usage(usage), is_of_usage(fee)) == (True, False)
    assert meter_and_rate(usage) == (Meter.PROMPT, Decimal("2.00"))
    with pytest.raises(ValueError, match="line 0 is a fee line and has no meter or no rate"):
        meter_and_rate(fee)
    of_usage = replace(fee, kind=LineKind.CORRECTION, original_period=OCTOBER, original_kind=LineKind.USAGE)
    with pytest.raises(ValueError, match="is a correction line and has no meter or no rate"):
        meter_and_rate(replace(of_usage, meter=Meter.PROMPT))


@pytest.mark.parametrize("tax", [None, Tax(rate=Decimal(19), label="VAT")])
def test_a_coupon_is_taxed_as_a_kind_only_where_kinds_have_taxes_of_their_own(tax: Tax | None) -> None:
    coupon = Coupon(id="spring", from_date=date(2026, 10, 1), months=1, percent=Decimal(20))
    (line,) = coupon_lines(draft(charge(5_000_000)).lines, [coupon], tax=tax, currency="USD", rounding=Rounding.HALF_UP)
    assert (line.amount, line.taxed_as) == (Decimal("-2.00"), None)


def test_lines_of_usage_of_no_list_price_come_before_those_of_one_by_the_first_rules() -> None:
    listed = charge(1_000_000, list_rate_per_million=Decimal(0), usage_date=date(2026, 10, 10))
    plain = charge(2_000_000, usage_date=date(2026, 10, 10))
    for charges in ([listed, plain], [plain, listed]):
        lines = usage_lines(
            charges,
            account=ACME,
            period=OCTOBER,
            currency="USD",
            rounding=Rounding.HALF_UP,
            rules=Rules.FIRST,
        )
        assert [line.quantity for line in lines] == [2_000_000, 1_000_000]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ({"exchange": None}, {"exchange": ExchangeRate(currency="EUR", rate=Decimal("1.25"), on=date(2026, 10, 1))}),
        ({"entry": "standard: a"}, {"entry": "standard: b"}),
        ({"entry": None}, {"entry": "standard: a"}),
        ({"package_tokens": 1_000}, {"package_tokens": 2_000}),
        ({"package_tokens": None}, {"package_tokens": 1}),
        ({"flat_amount": Decimal(1)}, {"flat_amount": Decimal(2)}),
        ({"flat_amount": None}, {"flat_amount": Decimal(0)}),
        ({"rate_per_million": Decimal("1.50")}, {"rate_per_million": Decimal("2.00")}),
    ],
    ids=str,
)
def test_lines_that_differ_in_one_thing_alone_have_an_order_of_their_own(
    earlier: dict[str, Any], later: dict[str, Any]
) -> None:
    first, last = charge(1_000_000, **earlier), charge(2_000_000, **later)
    for charges in ([first, last], [last, first]):
        lines = usage_lines(charges, account=ACME, period=OCTOBER, currency="USD", rounding=Rounding.HALF_UP)
        assert [line.quantity for line in lines] == [first.quantity, last.quantity]


def test_nothing_agreed_is_never_lacking_not_even_where_less_than_nothing_was_spent() -> None:
    (usage,) = draft(charge(5_000_000)).lines
    for agreed, lacking in (("0", []), ("4.00", ["14.00"])):
        commitment = Commitment(amount=Decimal(agreed))
        lines = commitment_lines([negated(usage)], commitment, currency="USD", rounding=Rounding.HALF_UP)
        assert [str(line.amount) for line in lines] == lacking


def test_lines_of_limits_come_by_the_name_of_their_entry() -> None:
    limit = {"model": "jamba-large", "service_tier": "", "text": "jamba-large", "maximum": None}
    entries = {f"standard: {name}": EntryLimit(minimum=Decimal(50), **limit) for name in "fbdace"}  # type: ignore[arg-type]
    lines = usage_lines(
        [charge(5_000_000, entry=name) for name in entries],
        account=ACME,
        period=OCTOBER,
        currency="USD",
        rounding=Rounding.HALF_UP,
    )
    found = limit_lines(lines, entries, currency="USD", rounding=Rounding.HALF_UP)
    assert [(line.entry, str(line.amount)) for line in found] == [(name, "40.00") for name in sorted(entries)]


def test_a_line_says_nothing_of_what_it_is_not_about() -> None:
    fee = plain_line(LineKind.FEE, Decimal(1), "a fee", currency="USD", rounding=Rounding.HALF_UP)
    said = {each.name: getattr(fee, each.name) for each in fields(fee) if getattr(fee, each.name) not in ("", None, 0)}
    assert said == {"kind": LineKind.FEE, "exact_amount": Decimal(1), "amount": Decimal(1), "description": "a fee"}


def test_a_line_has_the_place_of_the_charges_on_it() -> None:
    mine = charge(1_000_000)
    for charges in ([mine], [replace(mine, entry="standard: a")]):
        (line,) = usage_lines(charges, account=ACME, period=OCTOBER, currency="USD", rounding=Rounding.HALF_UP)
        assert line_place(line, Rules.FIRST) == line_place(charges[0], Rules.FIRST)


@pytest.mark.parametrize(
    ("contradiction", "told"),
    [
        ({"kind": LineKind.USAGE}, "lacks its meter, rate or first usage date"),
        ({"meter": Meter.PROMPT}, "cannot have the meter prompt"),
        ({"rate_per_million": Decimal(2)}, "or the rate 2"),
        ({"original_period": OCTOBER}, "says that it corrects None of 2026-10"),
        ({"original_kind": LineKind.USAGE}, "says that it corrects usage of None"),
        ({"kind": LineKind.CORRECTION, "original_kind": LineKind.USAGE}, "says that it corrects usage of None"),
        ({"taxed_as": LineKind.USAGE}, "cannot be taxed as usage"),
        ({"credits_line": 1}, "is taken off line 1"),
        ({"kind": LineKind.REDUCTION, "original_kind": LineKind.FEE}, "is taken off line None"),
        ({"credit_id": "g"}, "names the credit 'g'"),
        ({"kind": LineKind.CREDIT}, "names the credit ''"),
        ({"tax_rate": Decimal(19)}, "states a part of a tax of its own"),
        ({"tax_rate": Decimal(19), "tax_base": Decimal(1), "tax_category": TaxCategory.STANDARD}, "states a part of"),
        ({"kind": LineKind.TAX, "tax_base": Decimal(1)}, "states a part of a tax of its own"),
    ],
    ids=str,
)
def test_a_line_that_contradicts_its_kind_is_refused(contradiction: dict[str, Any], told: str) -> None:
    fee = plain_line(LineKind.FEE, Decimal(1), "a fee", currency="USD", rounding=Rounding.HALF_UP)
    with pytest.raises(ValueError, match=told):
        replace(fee, **contradiction)


def test_corrections_stand_by_month_kind_key_model_tier_meter_item_and_tax() -> None:
    first: dict[str, Any] = {
        "period": BillingPeriod(year=2026, month=8),
        "kind": LineKind.USAGE,
        "api_key_id": "a",
        "model": "m",
        "service_tier": "",
        "meter": None,
    }
    steps: list[dict[str, Any]] = [
        {},
        {"taxed_as": LineKind.USAGE},
        {"taxed_as": LineKind.FEE},
        {"item": "i"},
        {"meter": Meter.PROMPT},
        {"meter": Meter.COMPLETION, "item": ""},
        {"service_tier": "flex", "meter": None},
        {"model": "n", "service_tier": ""},
        {"api_key_id": "b", "model": "m"},
        {"kind": LineKind.FEE, "api_key_id": "a"},
        {"period": BillingPeriod(year=2026, month=9), "kind": LineKind.USAGE},
    ]
    cells = [Cell(**first | step) for step in steps]
    assert sorted([*cells[7:], *cells[3:7], *cells[:3]], key=lambda cell: cell.order) == cells


@pytest.mark.parametrize(
    ("included", "taken"),
    [
        ({"prompt": 1_000_000}, [(-600_000, "-1.20"), (-400_000, "-0.40")]),
        ({"m-1": 100_000, "prompt": 300_000}, [(-400_000, "-0.80")]),
        ({"m-1": 500_000, "prompt": 300_000}, [(-600_000, "-1.20"), (-200_000, "-0.20")]),
        ({"m-2": 5}, [(-5, "0.00")]),
        ({"m-3": 5, "completion": 5}, []),
        ({}, []),
    ],
)
def test_included_tokens_are_taken_off_line_by_line_those_of_a_model_first(
    included: dict[str, int], taken: list[tuple[int, str]]
) -> None:
    lines = usage_lines(
        [charge(600_000, model="m-1"), charge(900_000, "1.00", model="m-2")],
        account=ACME,
        period=OCTOBER,
        currency="USD",
        rounding=Rounding.HALF_UP,
    )
    found = included_lines(lines, included, currency="USD", rounding=Rounding.HALF_UP)
    assert [(line.quantity, str(line.amount)) for line in found] == taken
    assert {line.kind for line in found} <= {LineKind.INCLUDED}
