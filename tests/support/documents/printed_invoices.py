"""Invoices to print: one that has everything, of as many lines as wanted, in any language; and random ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import islice, product
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from pipeline.accounts import Account, BankDetails, CreditGrant, Letterhead, Party, Tax, TaxChange, Terms
from pipeline.base.money import Rounding
from pipeline.base.periods import BillingPeriod
from pipeline.invoicing import InvoiceStatus, credit_note, draft_invoice, issued_invoice
from pipeline.invoicing.corrections import Cell, Worth, correction_lines
from pipeline.invoicing.draft import OwedBy, draft_of_accounts
from pipeline.invoicing.lines import LineKind
from pipeline.rating import Charge, exact_charge
from pipeline.usage import Meter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from pipeline.invoicing import Invoice, InvoiceLine

AUGUST, SEPTEMBER, OCTOBER = (BillingPeriod(year=2026, month=month) for month in (8, 9, 10))
SELLER = Party(
    name="Tally Inference GmbH",
    street="Speicherstraße 12",
    postcode="20457",
    city="Hamburg",
    country="DE",
    tax_id="DE987654321",
    registration_id="HRB 123456",
    email="billing@tally.example",
)
BUYER = Party(
    name="Birke Verlag GmbH",
    street="Birkenweg 1",
    additional_street="Buchhaltung",
    postcode="10115",
    city="Berlin",
    country="DE",
    tax_id="DE123456789",
)
BANK = BankDetails(account_holder="Tally Inference GmbH", iban="DE89370400440532013000", bic="COBADEFFXXX")
METERS = {Meter.PROMPT: "2.00", Meter.PROMPT_CACHED: "0.50", Meter.COMPLETION: "8.00"}


def charges(keys: int, models: list[str], meters: dict[Meter, str]) -> Iterator[Charge]:
    """Every key uses every meter of every model, more of each than the one before it."""
    for number, (key, model, (meter, rate)) in enumerate(product(range(keys), models, meters.items()), start=1):
        quantity = 1_000_003 * number % 48_000_017 + 5_000
        yield Charge(
            account_id="birke",
            api_key_id=f"key_{key * 7_919 % 100_003:05}c4e9b0a1d2f3847566",
            model=model,
            service_tier="batch" if model.endswith("mini") and key % 3 == 0 else "",
            meter=meter,
            usage_date=date(2026, 10, 1 + number % 31),
            quantity=quantity,
            rate_per_million=Decimal(rate),
            currency="EUR",
            amount=exact_charge(quantity, Decimal(rate)),
        )


def full_invoice(
    *, usage_lines: int = 481, keys: int = 60, models: int = 4, issued: bool = True, **account: Any
) -> Invoice:
    """Usage of many keys, included tokens, a fee, corrections of an earlier month, credits, and two taxes."""
    names = ["jamba-large", "jamba-mini", "jamba-embed-v2", "mistral-nemo-12b", *(f"model-{n}" for n in range(5, 60))]
    terms = Terms(from_date=None, rate_card="standard", included_tokens={"jamba-large": 9_000_000})
    given: dict[str, Any] = {
        "name": "Birke Verlag GmbH",
        "buyer": BUYER,
        "language": "en",
        "buyer_reference": "04011000-12345-34",
        "purchase_order": "PO-4711",
        "tax": Tax(rate=Decimal(16), label="VAT"),
        "tax_changes": (TaxChange(from_date=date(2026, 9, 1), tax=Tax(rate=Decimal(19), label="VAT")),),
        "note": "Thank you for your business.",
    }
    birke = Account(
        id="birke",
        timezone="Europe/Berlin",
        rate_card="standard",
        key_ids=(),
        terms=(terms,),
        credits=(CreditGrant(id="welcome-2026", amount=Decimal(15), granted_on=date(2026, 1, 1), expires_on=None),),
        payment_terms_days=30,
        **given | account,
    )
    late = {
        Cell(period=AUGUST, kind=LineKind.USAGE, api_key_id=key, model=model, service_tier="", meter=meter): Worth(
            quantity=quantity, amount=Decimal(amount)
        )
        for key, model, meter, quantity, amount in (
            ("key_00000c4e9b0a1d2f3847566", "jamba-large", Meter.PROMPT, 1_250_000, "2.50"),
            ("key_00000c4e9b0a1d2f3847566", "jamba-large", Meter.COMPLETION, -40_000, "-0.32"),
        )
    }
    draft = draft_invoice(
        islice(charges(keys, names[:models], METERS), usage_lines),
        account=birke,
        period=OCTOBER,
        currency="EUR",
        rounding=Rounding.HALF_UP,
        card_fees={birke.rate_card: Decimal("49.00")},
        corrections=correction_lines(late, {}, currency="EUR", rounding=Rounding.HALF_UP, tags={}),
        tags={"key_00000c4e9b0a1d2f3847566": "project=search;team=platform"},
        letterhead=Letterhead(seller=SELLER, bank=BANK),
    )
    return issued_invoice(draft, number=42, prefix="INV-", issued_on=date(2026, 11, 2)) if issued else draft


def quarter_of(invoice: Invoice, choice: Random) -> Invoice:
    """Return the invoice as one of a quarter, each of its lines in any month of that."""
    quarter = BillingPeriod.parse("2026-Q4")
    of_none = (LineKind.CORRECTION, LineKind.TAX)
    lines = [
        line if line.kind in of_none else replace(line, period=choice.choice(quarter.months)) for line in invoice.lines
    ]
    return replace(invoice, period=quarter, lines=tuple(lines))


AMOUNTS = st.integers(-90_000, 90_000).map(lambda cents: Decimal(cents).scaleb(-2))


@st.composite
def random_invoices(draw: st.DrawFn) -> Invoice:
    """Any mix of keys, models, meters, tiers, rates and terms, of a month or a quarter; of every status."""
    key, model = st.sampled_from(["", "key_a", "key_b", "key_c"]), st.sampled_from([f"model-{n}" for n in range(14)])
    used = draw(
        st.lists(
            st.tuples(key, model, st.sampled_from(list(Meter)), st.sampled_from(["", "batch"]), st.integers(1, 10**9)),
            max_size=60,
        )
    )
    late = draw(st.dictionaries(st.tuples(st.sampled_from([AUGUST, SEPTEMBER]), key, model), AMOUNTS, max_size=8))
    taxes = st.sampled_from([None, Tax(rate=Decimal("7.7"), label="VAT"), Tax(reverse_charge=True)])
    account = Account(
        id="any",
        name="Any",
        timezone="UTC",
        rate_card="standard",
        key_ids=(),
        terms=(
            Terms(
                from_date=None,
                rate_card="standard",
                included_tokens={"model-1": draw(st.integers(1, 10**9)), "prompt": draw(st.integers(1, 10**8))},
                minimum_commitment=draw(st.sampled_from([Decimal(0), Decimal("5000.00")])),
            ),
        ),
        credits=(CreditGrant(id="grant", amount=Decimal(40), granted_on=date(2026, 1, 1), expires_on=None),),
        tax=draw(taxes),
        tax_changes=(TaxChange(from_date=date(2026, 10, 1), tax=draw(taxes)),),
    )
    corrected = {
        Cell(
            period=period, kind=LineKind.USAGE, api_key_id=of, model=named, service_tier="", meter=Meter.PROMPT
        ): Worth(quantity=1, amount=amount)
        for (period, of, named), amount in late.items()
    }
    draft = draft_invoice(
        [
            Charge(
                account_id="any",
                api_key_id=of,
                model=named,
                service_tier=tier,
                meter=meter,
                usage_date=date(2026, 10, 1 + quantity % 31),
                quantity=quantity,
                rate_per_million=Decimal(rate),
                currency="EUR",
                amount=exact_charge(quantity, Decimal(rate)),
                package_tokens=package,
            )
            for of, named, meter, tier, quantity in used
            for rate, package in [draw(st.sampled_from([("2.00", None), ("0.375", None), ("1.50", 1_000)]))]
        ],
        account=account,
        period=OCTOBER,
        currency="EUR",
        rounding=draw(st.sampled_from(list(Rounding))),
        card_fees=draw(st.sampled_from([None, {account.rate_card: Decimal("49.00")}])),
        corrections=correction_lines(corrected, {}, currency="EUR", rounding=Rounding.HALF_UP, tags={}),
        tags={"key_a": "project=search"},
    )
    if draw(st.booleans()):
        draft = quarter_of(draft, draw(st.randoms(use_true_random=False)))
    status = draw(st.sampled_from(InvoiceStatus))
    if status is InvoiceStatus.DRAFT:
        return draft
    issued = issued_invoice(draft, number=1, prefix="INV-", issued_on=date(2026, 11, 2))
    return issued if status is InvoiceStatus.ISSUED else credit_note(issued, number=2, prefix="INV-")


@st.composite
def invoices_of_several_accounts(draw: st.DrawFn) -> Invoice:
    """The lines of a random invoice, as those of a parent and its children, each with a grant of its own."""
    whole = draw(random_invoices().filter(lambda each: each.period.count == 1 and not each.credits_invoice))
    owed: dict[str, list[InvoiceLine]] = {account_id: [] for account_id in ("any", "bolt", "corp", "dyne")}
    for line in whole.lines:
        if line.kind not in (LineKind.CREDIT, LineKind.TAX):
            owed[draw(st.sampled_from(list(owed)))].append(line)
    accounts = [
        Account(
            id=account_id,
            name=f"{account_id.title()} & Co",
            timezone="UTC",
            rate_card="standard",
            key_ids=(),
            credits=(CreditGrant(id="grant", amount=Decimal(30), granted_on=date(2026, 1, 1), expires_on=None),),
            tax=whole.tax if account_id == "any" else None,
        )
        for account_id in owed
    ]
    draft = draft_of_accounts(
        [OwedBy(account=each, worth=owed[each.id], corrections=(), consumed={}) for each in accounts],
        period=whole.period,
        currency="EUR",
        rounding=whole.rounding,
    )
    status = draw(st.sampled_from(InvoiceStatus))
    if status is InvoiceStatus.DRAFT:
        return draft
    issued = issued_invoice(draft, number=1, prefix="INV-", issued_on=date(2026, 11, 2))
    return issued if status is InvoiceStatus.ISSUED else credit_note(issued, number=2, prefix="INV-")


def any_invoices() -> st.SearchStrategy[Invoice]:
    """Of one account, and of several."""
    return st.one_of(random_invoices(), invoices_of_several_accounts())
