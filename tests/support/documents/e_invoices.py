"""Invoices that an e-invoice can be made of: one of every kind of line, and random ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from pipeline.accounts import (
    Account,
    BankDetails,
    Coupon,
    CreditGrant,
    Letterhead,
    Party,
    Tax,
    TaxCategory,
    TaxChange,
    Terms,
)
from pipeline.base.money import Rounding, normalised, rounded_to_minor_unit
from pipeline.base.periods import BillingPeriod
from pipeline.invoicing import InvoiceLine, LineKind, credit_note, issued_invoice
from pipeline.invoicing.draft import OwedBy, draft_of_accounts, draft_of_lines
from pipeline.invoicing.reductions import Reduction, lines_of_void, partial_credit_note
from pipeline.invoicing.rules import NEWEST
from pipeline.invoicing.worth.period_lines import period_lines
from pipeline.usage import Meter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.invoicing import Invoice

SEPTEMBER, OCTOBER = (BillingPeriod(year=2026, month=month) for month in (9, 10))
ISSUED_ON = date(2026, 11, 2)
VAT = Tax(rate=Decimal(19), label="VAT")
SELLER = Party(
    name="Tally GmbH",
    street="Weg 2",
    postcode="20095",
    city="Hamburg",
    country="DE",
    tax_id="DE 987 654 321",
    registration_id="HRB 12345",
    electronic_address="invoices@tally.example",
    electronic_address_scheme="EM",
    contact_name="Ada Tally",
    phone="+49 40 1234",
    email="invoices@tally.example",
)
LETTERHEAD = Letterhead(seller=SELLER, bank=BankDetails(iban="DE89370400440532013000", bic="COBADEFFXXX"))
BIRKE = Account(
    id="birke",
    name="Birke & Söhne <KG>",
    timezone="Europe/Berlin",
    rate_card="standard",
    key_ids=("key_a",),
    tax=VAT,
    payment_terms_days=30,
    buyer=Party(street="Birkenweg 1", postcode="10115", city="Berlin", country="DE", tax_id="DE123456789"),
    buyer_reference="04011000-12345-34",
    purchase_order="PO-4711",
)


def usage_line(
    quantity: int,
    rate: str,
    *,
    model: str = "jamba-large",
    meter: Meter = Meter.PROMPT,
    currency: str = "EUR",
    rounding: Rounding = Rounding.HALF_UP,
    list_rate: str | None = None,
    package: int | None = None,
) -> InvoiceLine:
    per_million, millions = Decimal(rate), Decimal(quantity) / 1_000_000
    charged = Decimal(-(-quantity // package) * package) / 1_000_000 if package else millions
    exact = normalised(charged * per_million)
    return InvoiceLine(
        number=0,
        kind=LineKind.USAGE,
        api_key_id="key_a",
        model=model,
        meter=meter,
        quantity=quantity,
        rate_per_million=per_million,
        list_rate_per_million=None if list_rate is None else Decimal(list_rate),
        package_tokens=package,
        first_usage_date=OCTOBER.first_date,
        exact_amount=exact,
        amount=rounded_to_minor_unit(exact, currency, rounding),
        description=f"{model} {meter.spec.text} at {rate}",
        tags="project=x",
    )


def correction_line(
    amount: str, kind: LineKind = LineKind.USAGE, *, currency: str = "EUR", rounding: Rounding = Rounding.HALF_UP
) -> InvoiceLine:
    exact = Decimal(amount)
    of_tokens = kind is LineKind.USAGE
    return InvoiceLine(
        number=0,
        kind=LineKind.CORRECTION,
        api_key_id="key_a" if of_tokens else "",
        model="jamba-large" if of_tokens else "",
        meter=Meter.PROMPT if of_tokens else None,
        quantity=7 if of_tokens else 0,
        exact_amount=exact,
        amount=rounded_to_minor_unit(exact, currency, rounding),
        description=f"correction of {SEPTEMBER}: {kind.value}",
        original_period=SEPTEMBER,
        original_kind=kind,
    )


def issued(
    usage: Sequence[InvoiceLine],
    *,
    account: Account = BIRKE,
    letterhead: Letterhead = LETTERHEAD,
    currency: str = "EUR",
    rounding: Rounding = Rounding.HALF_UP,
    monthly_fee: Decimal | None = None,
    corrections: Sequence[InvoiceLine] = (),
) -> Invoice:
    worth = period_lines(
        usage,
        account=account,
        period=OCTOBER,
        currency=currency,
        rounding=rounding,
        card_fees={} if monthly_fee is None else {account.rate_card: monthly_fee},
        items=account.items,
    )
    draft = draft_of_lines(
        worth,
        account=account,
        period=OCTOBER,
        currency=currency,
        rounding=rounding,
        corrections=corrections,
        letterhead=letterhead,
    )
    return issued_invoice(draft, number=1, prefix="INV-", issued_on=ISSUED_ON)


def of_two_accounts() -> Invoice:
    """Birke's invoice, with a line of its own and one of its child account."""
    bolt = Account(id="bolt", name="Bolt", timezone="Europe/Berlin", rate_card="standard", key_ids=("key_b",))
    members = [
        OwedBy(account=account, worth=[usage_line(tokens, "2")], corrections=(), consumed={})
        for account, tokens in ((BIRKE, 1_000_000), (bolt, 2_000_000))
    ]
    draft = draft_of_accounts(members, period=OCTOBER, currency="EUR", rounding=Rounding.HALF_UP, letterhead=LETTERHEAD)
    return issued_invoice(draft, number=1, prefix="INV-", issued_on=ISSUED_ON)


def credited(invoice: Invoice) -> Invoice:
    return credit_note(invoice, number=2, prefix="INV-", issued_on=ISSUED_ON)


def credited_in_part(invoice: Invoice, line: int, amount: Decimal) -> list[Invoice]:
    """Return a credit note of an amount of a line, and the one that takes back the rest of the invoice."""
    wanted = Reduction(line=line, reason="An outage", amount=amount)
    note = partial_credit_note(invoice, [], wanted, number=2, prefix="INV-", issued_on=ISSUED_ON, rules=NEWEST)
    rest = lines_of_void(invoice, [note])
    return [note, credit_note(invoice, number=3, prefix="INV-", issued_on=ISSUED_ON, lines=rest)]


def with_everything() -> Invoice:
    """Return an invoice with each kind of line, two rates of tax, a package, a list price and a split credit."""
    account = replace(
        BIRKE,
        tax=replace(VAT, by_kind=(("fee", Tax(rate=Decimal("8.1"), label="VAT", text="Reduced rate of fees")),)),
        terms=(
            Terms(
                from_date=None,
                rate_card="standard",
                included_tokens={"prompt": 200_000},
                minimum_commitment=Decimal("100.00"),
            ),
        ),
        credits=(
            CreditGrant(id="welcome", amount=Decimal("10.00"), granted_on=date(2026, 10, 1), expires_on=None),
            CreditGrant(id="sorry", amount=Decimal("5.55"), granted_on=date(2026, 10, 2), expires_on=None),
        ),
        note="Thank you.\nSee you in November.",
    )
    usage = [
        usage_line(1_234_567, "2.5", list_rate="3"),
        usage_line(2_001, "40", meter=Meter.COMPLETION, package=1_000),
        usage_line(1_500, "2500", meter=Meter.REQUEST),
    ]
    return issued(
        usage,
        account=account,
        monthly_fee=Decimal("20.00"),
        corrections=[correction_line("-0.50"), correction_line("1.25", LineKind.FEE)],
    )


_REASONS = {
    TaxCategory.REVERSE_CHARGE: "VATEX-EU-AE",
    TaxCategory.EXEMPT: "VATEX-EU-132",
    TaxCategory.OUTSIDE_SCOPE: "VATEX-EU-O",
}


@st.composite
def taxes(draw: st.DrawFn) -> Tax:
    """Draw one tax of any category but O, which stands beside no other."""
    category = draw(st.sampled_from([each for each in TaxCategory if each is not TaxCategory.OUTSIDE_SCOPE]))
    text = draw(st.sampled_from(["", "As the law says", "Otherwise"]))
    if category in _REASONS:
        code = draw(st.sampled_from(["", _REASONS[category]]))
        return Tax(category=category, label="VAT", text=text or "A reason", reason_code=code)
    percent = draw(st.sampled_from(["0.5", "7", "8.1", "19", "25.5", "100"])) if category is TaxCategory.STANDARD else 0
    return Tax(category=category, rate=Decimal(percent), label="VAT", text=text)


@st.composite
def coupons(draw: st.DrawFn, digits: int) -> Coupon:
    """Draw a coupon of October, in percent or of an amount."""
    names = st.sampled_from(["launch", "sorry", "friends"])
    percent = draw(st.none() | st.decimals(min_value=1, max_value=100, places=2))
    amount = None if percent else draw(st.decimals(min_value=1, max_value=300, places=digits))
    return Coupon(id=draw(names), from_date=OCTOBER.first_date, months=1, percent=percent, amount=amount)


@st.composite
def invoices(draw: st.DrawFn) -> Invoice:
    """Draw an invoice that names all that is needed, whatever its lines, taxes, terms, credits and currency."""
    currency, rounding = draw(st.sampled_from(["EUR", "USD", "JPY"])), draw(st.sampled_from(list(Rounding)))
    in_money = {"currency": currency, "rounding": rounding}
    digits = 0 if currency == "JPY" else 2
    if draw(st.integers(0, 7)) == 0:
        outside = Tax(category=TaxCategory.OUTSIDE_SCOPE, text="Not subject to VAT", reason_code="VATEX-EU-O")
        own, changes = outside, ()
    else:
        kinds = draw(st.lists(st.sampled_from(["usage", "fee", "commitment"]), unique=True))
        later = replace(draw(taxes()), by_kind=tuple((kind, draw(taxes())) for kind in kinds))
        own, changes = draw(taxes()), (TaxChange(from_date=OCTOBER.first_date, tax=later),)
    amounts = st.decimals(min_value=-300, max_value=300, places=digits)
    above_zero = st.decimals(min_value=1, max_value=300, places=digits)
    grants = draw(st.lists(above_zero, max_size=3))
    account = replace(
        BIRKE,
        name=draw(st.text(min_size=1, max_size=20).filter(lambda text: text.strip() and "\0" not in text)),
        tax=own,
        tax_changes=changes,
        terms=(
            Terms(
                from_date=None,
                rate_card="standard",
                included_tokens=draw(st.dictionaries(st.sampled_from(["prompt", "m"]), st.integers(1, 10**9))),
                minimum_commitment=draw(st.just(Decimal(0)) | above_zero),
            ),
        ),
        credits=tuple(
            CreditGrant(id=f"g{number}", amount=amount, granted_on=OCTOBER.first_date, expires_on=None)
            for number, amount in enumerate(grants)
        ),
        coupons=tuple(draw(st.lists(coupons(digits), max_size=2, unique_by=lambda coupon: coupon.id))),
        note=draw(st.text(max_size=20).filter(lambda text: "\0" not in text)),
        language=draw(st.sampled_from(["", "de", "fr-CH"])),
    )
    rates = st.decimals(min_value=0, max_value=1_000, places=6).map(str)
    usage = [
        usage_line(
            draw(st.integers(1, 10 ** draw(st.integers(1, 11)))),
            draw(rates),
            model=draw(st.sampled_from(["m", "n"]) | st.text(max_size=8)),
            meter=draw(st.sampled_from([Meter.PROMPT, Meter.COMPLETION, Meter.REQUEST])),
            list_rate=draw(st.none() | rates),
            package=draw(st.none() | st.integers(1, 5_000)),
            **in_money,
        )
        for _ in range(draw(st.integers(0, 4)))
    ]
    corrections = [
        correction_line(str(draw(amounts)), draw(st.sampled_from([LineKind.USAGE, LineKind.FEE])), **in_money)
        for _ in range(draw(st.integers(0 if usage else 1, 3)))
    ]
    fee = draw(st.none() | above_zero)
    return issued(usage, account=account, monthly_fee=fee, corrections=corrections, **in_money)
