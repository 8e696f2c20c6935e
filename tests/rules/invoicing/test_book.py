"""Whatever arrives late, in whatever order, and whatever is issued or voided in between.

The books tell the truth, to the cent.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.accounts import Account, Accounts, BillingInterval, CreditGrant, Interval, Tax, Terms
from pipeline.base.errors import ConfigurationError
from pipeline.base.money import Rounding
from pipeline.base.periods import BillingPeriod
from pipeline.invoicing import (
    InvoiceStatus,
    LineKind,
    credit_note,
    invoice_document,
    invoice_from_document,
    issued_invoice,
    make_book,
)
from pipeline.invoicing.book import above_spend_cap, credit_balances
from pipeline.invoicing.reductions import (
    Reduction,
    left_to_credit,
    lines_of_void,
    partial_credit_note,
    reductions_of,
)
from pipeline.invoicing.rules import NEWEST, Rules
from pipeline.rating import Charge, discounted, exact_charge
from pipeline.usage import Meter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.invoicing import Invoice, InvoiceBook

GRANTS = (
    CreditGrant(id="old", amount=Decimal("0.07"), granted_on=date(2026, 8, 1), expires_on=date(2026, 11, 1)),
    CreditGrant(id="new", amount=Decimal("0.20"), granted_on=date(2026, 9, 15), expires_on=None),
)
TERMS = (
    Terms(from_date=None, rate_card="standard", included_tokens={"prompt": 700}),
    Terms(from_date=date(2026, 10, 1), rate_card="standard", minimum_commitment=Decimal("0.05")),
)
PLAIN = Account(id="acme", name="Acme", timezone="UTC", rate_card="standard", key_ids=("a", "b"))
RICH = Account(
    id="acme",
    name="Acme",
    timezone="UTC",
    rate_card="standard",
    key_ids=("a", "b"),
    terms=TERMS,
    credits=GRANTS,
    tax=Tax(rate=Decimal("7.7")),
)


def charge(
    quantity: int,
    rate: str = "2.00",
    *,
    day: date = date(2026, 10, 10),
    key: str = "a",
    meter: Meter = Meter.PROMPT,
    currency: str = "USD",
) -> Charge:
    return Charge(
        account_id="acme",
        api_key_id=key,
        model="jamba-large",
        service_tier="",
        meter=meter,
        usage_date=day,
        quantity=quantity,
        rate_per_million=Decimal(rate),
        currency=currency,
        amount=exact_charge(quantity, Decimal(rate)),
    )


def book_of(
    account: Account,
    charges: Sequence[Charge],
    issued: Sequence[Invoice],
    *,
    currency: str = "USD",
    rules: Rules = NEWEST,
    unpriced: Sequence[BillingPeriod] = (),
) -> InvoiceBook:
    grouped: dict[tuple[str, BillingPeriod], list[Charge]] = {}
    for each in charges:
        grouped.setdefault((account.id, BillingPeriod.of(each.usage_date)), []).append(each)
    return make_book(
        issued=issued,
        charges=grouped,
        places=set(grouped),
        accounts=Accounts(accounts=(account,)),
        currencies={account.id: currency},
        rounding=Rounding.HALF_UP,
        rules=rules,
        unpriced={(account.id, period) for period in unpriced},
    )


def truth_of(account: Account, charges: Sequence[Charge]) -> dict[BillingPeriod, Decimal]:
    """What each period would be invoiced at if everything had been there from the start."""
    drafts = book_of(account, charges, []).drafts
    kinds = {LineKind.USAGE, LineKind.INCLUDED, LineKind.COMMITMENT}
    return {
        draft.period: total
        for draft in drafts
        if (total := sum((line.amount for line in draft.lines if line.kind in kinds), Decimal(0)))
    }


def told_by(book: InvoiceBook) -> dict[BillingPeriod, Decimal]:
    """What all invoices, credit notes and drafts say of each original period."""
    told: dict[BillingPeriod, Decimal] = {}
    for invoice in book.of():
        for line in invoice.lines:
            if line.kind not in {LineKind.CREDIT, LineKind.REDUCTION, LineKind.TAX}:
                period = line.original_period or invoice.period
                told[period] = told.get(period, Decimal(0)) + line.amount
    return {period: total for period, total in told.items() if total}


CHARGES = st.builds(
    charge,
    st.integers(0, 60_000),
    st.sampled_from(["2.00", "1.50", "0.333333"]),
    day=st.dates(date(2026, 9, 1), date(2026, 12, 31)),
    key=st.sampled_from(["a", "b"]),
    meter=st.sampled_from([Meter.PROMPT, Meter.COMPLETION]),
)
LIVES = st.lists(
    st.tuples(st.lists(CHARGES, max_size=5), st.sampled_from(["issue first", "issue last", "void", "credit", "wait"])),
    min_size=1,
    max_size=8,
)


def live(account: Account, life: list[tuple[list[Charge], str]]) -> tuple[list[Charge], list[Invoice]]:
    """Let usage arrive, and issue, void and credit parts in between."""
    charges: list[Charge] = []
    issued: list[Invoice] = []
    for arrivals, act in life:
        charges += arrivals
        book = book_of(account, charges, issued)
        number = len(issued) + 1
        voidable = [
            invoice
            for invoice in issued
            if invoice.status is InvoiceStatus.ISSUED and invoice.id not in book.credited_by()
        ]
        chosen = voidable[number % len(voidable)] if voidable else None
        if act == "void" and chosen:
            lines = lines_of_void(chosen, reductions_of(chosen, issued))
            issued.append(credit_note(chosen, number=number, prefix="INV-", lines=lines))
        elif act == "credit" and chosen:
            issued += credited_in_part(chosen, issued, number)
        elif act.startswith("issue") and book.drafts:
            issued.append(issued_invoice(book.drafts[0 if act == "issue first" else -1], number=number, prefix="INV-"))
    return charges, [invoice_from_document(invoice_document(invoice)) for invoice in issued]


def credited_in_part(invoice: Invoice, issued: list[Invoice], number: int) -> list[Invoice]:
    """Take half of what is left off the first line that has something left."""
    notes = reductions_of(invoice, issued)
    for line in invoice.lines:
        if line.kind in (LineKind.USAGE, LineKind.COMMITMENT, LineKind.CORRECTION) and line.amount > 0:
            left = left_to_credit(invoice, line, notes)
            if left > 0:
                half = max(left // Decimal("0.02") * Decimal("0.01"), Decimal("0.01"))
                wanted = Reduction(line=line.number, amount=half, reason=f"goodwill {number}")
                on = date(2027, 1, 1)
                return [
                    partial_credit_note(
                        invoice, notes, wanted, number=number, prefix="INV-", issued_on=on, rules=NEWEST
                    )
                ]
    return []


@pytest.mark.long
@pytest.mark.parametrize("account", [PLAIN, RICH], ids=["plain", "rich"])
@settings(max_examples=60, deadline=None)
@given(life=LIVES)
def test_invoices_and_corrections_are_the_truth(account: Account, life: list[tuple[list[Charge], str]]) -> None:
    charges, issued = live(account, life)
    book = book_of(account, charges, issued)
    assert told_by(book) == truth_of(account, charges)


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(life=LIVES)
def test_credits_are_never_negative_and_never_beyond_what_is_to_pay(life: list[tuple[list[Charge], str]]) -> None:
    charges, issued = live(RICH, life)
    book = book_of(RICH, charges, issued)
    for balance in credit_balances(book, Accounts(accounts=(RICH,)), {"acme": "USD"}):
        assert 0 <= balance.consumed <= balance.grant.amount
        assert balance.left >= 0
    for invoice in book.drafts:
        paid = -sum(line.amount for line in invoice.lines if line.kind is LineKind.CREDIT)
        assert paid >= 0
        assert paid == 0 or invoice.subtotal >= 0


@pytest.mark.long
@settings(max_examples=40, deadline=None)
@given(life=LIVES)
def test_once_everything_is_issued_nothing_is_left_to_correct(life: list[tuple[list[Charge], str]]) -> None:
    charges, issued = live(RICH, life)
    for _ in range(8):
        drafts = book_of(RICH, charges, issued).drafts
        if not drafts:
            break
        issued.append(issued_invoice(drafts[0], number=len(issued) + 1, prefix="INV-"))
    book = book_of(RICH, charges, issued)
    assert (book.drafts, book.late) == ((), ())


@pytest.mark.long
@settings(max_examples=40, deadline=None)
@given(late=st.lists(CHARGES, max_size=8), order=st.randoms(use_true_random=False))
def test_the_order_of_late_arrivals_decides_nothing(late: list[Charge], order: object) -> None:
    """Issued after each arrival or once after all: the corrections of a period sum to the same."""
    first = [charge(10_000, day=date(2026, 9, 5))]
    (draft,) = book_of(PLAIN, first, []).drafts
    issued = [issued_invoice(draft, number=1, prefix="INV-")]
    shuffled = list(late)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    step_by_step, so_far = list(issued), list(first)
    for arrival in shuffled:
        so_far.append(arrival)
        step_by_step += [
            issued_invoice(each, number=len(step_by_step) + 1, prefix="INV-")
            for each in book_of(PLAIN, so_far, step_by_step).drafts[:1]
        ]
    assert told_by(book_of(PLAIN, so_far, step_by_step)) == told_by(book_of(PLAIN, [*first, *late], issued))


def test_corrections_stand_on_the_earliest_draft_and_only_there() -> None:
    first = [charge(1_000_000, day=date(2026, 9, 5))]
    issued = [issued_invoice(book_of(PLAIN, first, []).drafts[0], number=1, prefix="INV-")]
    more = [
        *first,
        charge(500_000, day=date(2026, 9, 6)),
        charge(1, day=date(2026, 11, 1)),
        charge(1, day=date(2026, 12, 1)),
    ]
    book = book_of(PLAIN, more, issued)
    assert [
        (draft.id, [str(line.amount) for line in draft.lines if line.kind is LineKind.CORRECTION])
        for draft in book.drafts
    ] == [
        ("draft-2026-11-acme", ["1.00"]),
        ("draft-2026-12-acme", []),
    ]
    (late,) = book.late
    assert (late.period, late.difference, late.draft_id, late.invoice_ids) == (
        BillingPeriod.parse("2026-09"),
        Decimal("1.00"),
        "draft-2026-11-acme",
        ("INV-000001",),
    )


def test_a_discount_is_exact_and_keeps_the_list_price() -> None:
    made = discounted(charge(4_321, "2.50"), Decimal("12.5"))
    assert (made.rate_per_million, made.amount, made.list_rate_per_million) == (
        Decimal("2.1875"),
        Decimal("0.0094521875"),
        Decimal("2.50"),
    )
    assert discounted(charge(4_321), Decimal(0)) == charge(4_321)


def test_an_account_that_was_invoiced_in_another_currency_is_refused() -> None:
    issued = [issued_invoice(book_of(PLAIN, [charge(1)], []).drafts[0], number=1, prefix="INV-")]
    with pytest.raises(
        ConfigurationError, match=r"'acme' was invoiced in USD \(INV-000001\) and its rate card is in EUR now"
    ):
        book_of(PLAIN, [charge(1, currency="EUR")], issued, currency="EUR")


def test_an_account_that_was_invoiced_is_missed_until_all_of_it_is_taken_back() -> None:
    other = Account(id="beta", name="Beta", timezone="UTC", rate_card="standard", key_ids=("b",))
    issued = [issued_invoice(book_of(PLAIN, [charge(1)], []).drafts[0], number=1, prefix="INV-")]
    with pytest.raises(
        ConfigurationError,
        match=r"account 'acme' is not in accounts.toml and was invoiced \(INV-000001, 2026-10\); put its entry back",
    ):
        book_of(other, [], issued)
    assert book_of(other, [], [*issued, credit_note(issued[0], number=2, prefix="INV-")]).drafts == ()


def test_only_what_is_above_the_spend_cap_is_told() -> None:
    terms = (Terms(from_date=None, rate_card="standard", spend_cap=Decimal("2.00")),)
    capped = Account(id="acme", name="Acme", timezone="UTC", rate_card="standard", key_ids=("a",), terms=terms)
    book = book_of(capped, [charge(1_000_000), charge(1_500_000, day=date(2026, 11, 1))], [])
    told = [(draft.id, spent, cap) for draft, _, spent, cap in above_spend_cap(book, Accounts(accounts=(capped,)))]
    assert told == [("draft-2026-11-acme", Decimal("3.00"), Decimal("2.00"))]


@pytest.mark.parametrize(("cap", "is_told"), [("1.99", True), ("2.00", False), ("2.01", False)])
def test_a_spend_cap_is_passed_by_the_first_cent_above_it(cap: str, *, is_told: bool) -> None:
    terms = (Terms(from_date=None, rate_card="standard", spend_cap=Decimal(cap)),)
    capped = Account(id="acme", name="Acme", timezone="UTC", rate_card="standard", key_ids=("a",), terms=terms)
    told = list(above_spend_cap(book_of(capped, [charge(1_000_000)], []), Accounts(accounts=(capped,))))
    assert [spent for _, _, spent, _ in told] == [Decimal("2.00")] * is_told


@pytest.mark.parametrize(("granted", "is_refused"), [("0.07", True), ("0.08", False), ("0.09", False)])
def test_a_grant_is_lowered_to_what_was_consumed_of_it_and_no_further(granted: str, *, is_refused: bool) -> None:
    issued: list[Invoice] = []
    account = replace(PLAIN, credits=(GRANTS[1],))
    charges = [charge(40_000, day=date(2026, 10, 3))]
    issue_all(account, charges, issued)
    lowered = replace(account, credits=(replace(GRANTS[1], amount=Decimal(granted)),))
    if is_refused:
        with pytest.raises(ConfigurationError, match=r"is of 0\.07, and invoices consumed 0\.08 of it"):
            book_of(lowered, charges, issued)
    else:
        assert book_of(lowered, charges, issued).late == ()


@pytest.mark.parametrize(("agreed", "line"), [("1.99", []), ("2.00", []), ("2.01", ["0.01"])])
def test_a_commitment_is_raised_to_by_the_first_cent_that_is_missing(agreed: str, line: list[str]) -> None:
    terms = (Terms(from_date=None, rate_card="standard", minimum_commitment=Decimal(agreed)),)
    committed = Account(id="acme", name="Acme", timezone="UTC", rate_card="standard", key_ids=("a",), terms=terms)
    (draft,) = book_of(committed, [charge(1_000_000)], []).drafts
    assert [str(each.amount) for each in draft.lines if each.kind is LineKind.COMMITMENT] == line


@pytest.mark.parametrize(("committed", "line"), [("2.01", []), ("2.00", []), ("1.99", ["0.01"])])
def test_usage_beyond_a_commitment_begins_with_the_first_cent_beyond_it(committed: str, line: list[str]) -> None:
    terms = (
        Terms(
            from_date=None,
            rate_card="standard",
            minimum_commitment=Decimal(committed),
            overage_percent=Decimal(200),
        ),
    )
    account = Account(id="acme", name="Acme", timezone="UTC", rate_card="standard", key_ids=("a",), terms=terms)
    (draft,) = book_of(account, [charge(1_000_000)], []).drafts
    assert [str(each.amount) for each in draft.lines if each.kind is LineKind.OVERAGE] == line


def test_a_spend_cap_is_of_each_month_of_a_quarter() -> None:
    by_quarter = BillingInterval(interval=Interval.QUARTER)
    terms = (Terms(from_date=None, rate_card="standard", spend_cap=Decimal("2.00"), billed_by=by_quarter),)
    capped = Account(id="acme", name="Acme", timezone="UTC", rate_card="standard", key_ids=("a",), terms=terms)
    used = [charge(750_000), charge(1_500_000, day=date(2026, 11, 1)), charge(750_000, day=date(2026, 12, 1))]
    book = book_of(capped, used, [])
    told = [
        (draft.id, str(month), spent) for draft, month, spent, _ in above_spend_cap(book, Accounts(accounts=(capped,)))
    ]
    assert told == [("draft-2026-Q4-acme", "2026-11", Decimal("3.00"))]


def test_an_account_that_was_invoiced_keeps_its_billing_day_until_all_of_it_is_taken_back() -> None:
    issued = [issued_invoice(book_of(PLAIN, [charge(1)], []).drafts[0], number=1, prefix="INV-")]
    with pytest.raises(
        ConfigurationError,
        match=r"account 'acme' was invoiced for 2026-10 \(INV-000001\), and its months .* day 15 now; .* put 1 back",
    ):
        book_of(replace(PLAIN, month_day=15), [], issued)
    taken_back = [*issued, credit_note(issued[0], number=2, prefix="INV-")]
    assert book_of(replace(PLAIN, month_day=15), [], taken_back).drafts == ()


def test_a_grant_has_not_expired_before_a_month_of_the_quarter_is_reached_in_which_it_does() -> None:
    by_quarter = (Terms(from_date=None, rate_card="standard", billed_by=BillingInterval(interval=Interval.QUARTER)),)
    grants = (
        CreditGrant(id="autumn", amount=Decimal(50), granted_on=date(2026, 10, 1), expires_on=date(2026, 11, 15)),
        CreditGrant(id="m", amount=Decimal(1), granted_on=date(2026, 10, 1), expires_on=None, recurs=True, priority=99),
    )
    account = replace(PLAIN, terms=by_quarter, credits=grants)
    october, november = charge(1_000_000), charge(1_000_000, day=date(2026, 11, 2))
    left = [
        {each.grant.id: (each.left, each.expired) for each in credit_balances(book, accounts, {"acme": "USD"})}
        for accounts in [Accounts(accounts=(account,))]
        for book in [book_of(account, used, []) for used in ([october], [october, november])]
    ]
    assert left == [
        {"autumn": (48, 0), "m.2026-10": (1, 0)},
        {"autumn": (0, 48), "m.2026-10": (0, 1), "m.2026-11": (0, 0)},
    ]


def test_a_line_of_a_quarter_says_its_month_and_one_of_a_month_says_none() -> None:
    by_quarter = (Terms(from_date=None, rate_card="standard", billed_by=BillingInterval(interval=Interval.QUARTER)),)
    (quarter,) = book_of(replace(PLAIN, terms=by_quarter), [charge(1_000_000)], []).drafts
    (month,) = book_of(PLAIN, [charge(1_000_000)], []).drafts
    assert (str(quarter.period), str(quarter.lines[0].period), month.lines[0].period) == ("2026-Q4", "2026-10", None)
    assert invoice_from_document(invoice_document(quarter)) == quarter
    assert "period" not in invoice_document(month)["lines"][0]
    for invoice, stated in ((quarter, None), (quarter, BillingPeriod.parse("2027-01")), (month, month.period)):
        with pytest.raises(ValueError, match=f"line 1 is of {stated}, and the invoice of"):
            replace(invoice, lines=(replace(invoice.lines[0], period=stated),))


def test_a_draft_and_a_credit_note_cannot_be_credited() -> None:
    draft = book_of(PLAIN, [charge(1_000_000)], []).drafts[0]
    note = credit_note(issued_invoice(draft, number=1, prefix="INV-"), number=2, prefix="INV-")
    assert (note.id, note.status, note.credits_invoice, str(note.total)) == (
        "INV-000002",
        "credit_note",
        "INV-000001",
        "-2.00",
    )
    for wrong in (draft, note):
        with pytest.raises(ValueError, match="only an issued invoice is"):
            credit_note(wrong, number=3, prefix="INV-")


COMMITTED = Account(
    id="acme",
    name="Acme",
    timezone="UTC",
    rate_card="standard",
    key_ids=("a",),
    terms=(Terms(from_date=None, rate_card="standard", minimum_commitment=Decimal("10.00")),),
)
SEPTEMBER, OCTOBER, NOVEMBER = (BillingPeriod.parse(f"2026-{month:02}") for month in (9, 10, 11))


def issue_all(account: Account, charges: Sequence[Charge], issued: list[Invoice], rules: Rules = NEWEST) -> None:
    for draft in book_of(account, charges, issued, rules=rules).drafts:
        issued.append(issued_invoice(draft, number=len(issued) + 1, prefix="INV-"))


def test_a_month_that_usage_has_not_reached_owes_no_commitment() -> None:
    issued: list[Invoice] = []
    charges = [charge(10_000_000, day=date(2026, 9, 10))]
    issue_all(COMMITTED, charges, issued)
    for late in range(3):  # late usage, issued at once: by the first rules each made a month of its own owe 10.00
        charges.append(charge(500_000, day=date(2026, 9, 11 + late)))
        issue_all(COMMITTED, charges, issued)
    assert [(invoice.period, invoice.total) for invoice in issued] == [
        (SEPTEMBER, Decimal("20.00")),
        *((period, Decimal("1.00")) for period in (OCTOBER, NOVEMBER, NOVEMBER.next())),
    ]


def test_a_month_that_usage_reaches_later_owes_its_commitment_then() -> None:
    issued: list[Invoice] = []
    charges = [charge(10_000_000, day=date(2026, 9, 10))]
    issue_all(COMMITTED, charges, issued)
    charges.append(charge(500_000, day=date(2026, 9, 11)))
    issue_all(COMMITTED, charges, issued)
    charges.append(charge(1_000_000, day=date(2026, 10, 2)))
    book = book_of(COMMITTED, charges, issued)
    assert [(draft.period, draft.total) for draft in book.drafts] == [(NOVEMBER, Decimal("10.00"))]
    assert told_by(book)[OCTOBER] == Decimal("10.00")


def test_a_commitment_that_the_first_rules_billed_too_early_is_paid_back() -> None:
    issued: list[Invoice] = []
    charges = [charge(10_000_000, day=date(2026, 9, 10))]
    issue_all(COMMITTED, charges, issued, Rules.FIRST)
    charges.append(charge(500_000, day=date(2026, 9, 11)))
    issue_all(COMMITTED, charges, issued, Rules.FIRST)
    assert issued[-1].total == Decimal("11.00")
    assert [draft.total for draft in book_of(COMMITTED, charges, issued).drafts] == [Decimal("-10.00")]


def test_what_was_invoiced_stands_while_usage_of_its_month_has_no_price() -> None:
    issued: list[Invoice] = []
    issue_all(PLAIN, [charge(5_000_000, day=date(2026, 10, 3))], issued)
    november = [charge(500_000, day=date(2026, 11, 3))]  # the charge of October is gone: its rate is not in force
    book = book_of(PLAIN, november, issued, unpriced=[OCTOBER])
    assert [(draft.period, draft.total) for draft in book.drafts] == [(NOVEMBER, Decimal("1.00"))]
    assert (book.late, book.kept) == ((), {("acme", OCTOBER)})
    [by_first_rules] = book_of(PLAIN, november, issued, unpriced=[OCTOBER], rules=Rules.FIRST).drafts
    assert by_first_rules.total == Decimal("-9.00")


@pytest.mark.parametrize("credits_now", [(), (replace(GRANTS[1], amount=Decimal("0.01")),)], ids=["removed", "lowered"])
def test_a_grant_covers_what_invoices_consumed_of_it(credits_now: tuple[CreditGrant, ...]) -> None:
    issued: list[Invoice] = []
    account = replace(PLAIN, credits=(GRANTS[1],))
    charges = [charge(40_000, day=date(2026, 10, 3))]
    issue_all(account, charges, issued)
    assert issued[0].total == Decimal("0.00")
    with pytest.raises(ConfigurationError, match=r"grant 'new' of account 'acme' .* consumed 0\.08 .*INV-000001"):
        book_of(replace(account, credits=credits_now), charges, issued)
    note = credit_note(issued[0], number=2, prefix="INV-")
    assert book_of(replace(account, credits=credits_now), charges, [*issued, note]).drafts  # nothing is consumed now


def test_equal_rates_share_a_line_whatever_their_list_prices_are() -> None:
    half, discounted_half = charge(2_000, "1.00"), replace(charge(2_000, "1.00"), list_rate_per_million=Decimal("2.00"))
    [line] = book_of(PLAIN, [half, discounted_half, half], []).drafts[0].lines
    assert (line.quantity, line.amount, line.list_rate_per_million) == (6_000, Decimal("0.01"), None)
    [listed] = book_of(PLAIN, [discounted_half, discounted_half], []).drafts[0].lines
    assert listed.list_rate_per_million == Decimal("2.00")
    assert "(list price 2.00)" in listed.description
    by_first_rules = book_of(PLAIN, [half, discounted_half, half], [], rules=Rules.FIRST).drafts[0].lines
    assert [(each.quantity, each.list_rate_per_million) for each in by_first_rules] == [
        (4_000, None),
        (2_000, Decimal("2.00")),
    ]


def test_rules_of_a_newer_program_are_refused_with_the_advice_to_upgrade() -> None:
    assert [Rules.of(stated) for stated in (None, 2, 3, 4)] == list(Rules)
    with pytest.raises(ConfigurationError, match="rules 5, and this program knows 4 at most; upgrade Tallybook"):
        Rules.of(5)


def test_usage_beyond_a_commitment_counts_towards_the_spend_cap_at_its_price() -> None:
    """2.00 used and 1.00 committed, at 150 percent beyond: 2.50 spent, above a cap of 2.40."""
    terms = Terms(
        from_date=None,
        rate_card="standard",
        minimum_commitment=Decimal("1.00"),
        overage_percent=Decimal(150),
        spend_cap=Decimal("2.40"),
    )
    capped = replace(PLAIN, terms=(terms,))
    book = book_of(capped, [charge(1_000_000)], [])
    told = [(spent, cap) for _, _, spent, cap in above_spend_cap(book, Accounts(accounts=(capped,)))]
    assert told == [(Decimal("2.50"), Decimal("2.40"))]
