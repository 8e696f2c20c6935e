"""Random tables of rates of exchange: what is paid in euros for other prices is what the oracle says, to the cent."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from exchange import Spell, World, month_lines
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.accounts import Account, Accounts, Exchange, ExchangeDay, Terms
from pipeline.accounts.exchange import ExchangeTable
from pipeline.base.money import Rounding
from pipeline.base.periods import BillingPeriod
from pipeline.invoicing import invoice_document, invoice_from_document, issued_invoice, make_book
from pipeline.jobs.state.lines.charged_lines import charges_by_invoice, charges_of, lines_by_invoice
from pipeline.jobs.state.rate import account_charges, rate, usage_quantity
from pipeline.rates import Rate, RateCard
from pipeline.tables import schemas
from pipeline.usage import Meter

if TYPE_CHECKING:
    from exchange import Used

    from pipeline.invoicing import Invoice, InvoiceBook
    from pipeline.jobs.state.rate import RatedUsage

SEEDS = st.integers(0, 2**32)
SINCE_EVER = datetime(1, 1, 1, tzinfo=UTC)
DAYS = [date.fromordinal(each) for each in range(date(2026, 9, 20).toordinal(), date(2026, 12, 5).toordinal())]
MODELS = ("large", "mini")
FOREIGN = ("USD", "GBP")
PRICES = {"EUR": ("1.5", "0.1"), "USD": ("2.00", "0.333"), "GBP": ("0.0375", "7")}


def a_table(draw: random.Random) -> dict[date, Fraction]:
    published = draw.sample(DAYS, draw.choice([0, 3, 20, 60]))
    return {day: Fraction(draw.choice([92, 8_765, 1_100_001]), draw.choice([100, 10_000])) for day in sorted(published)}


def a_world(draw: random.Random) -> World:
    spells = [Spell(date.min, draw.choice(FOREIGN), draw.choice([0, 1_250]))]
    spells += [
        Spell(since, draw.choice(["EUR", *FOREIGN]), draw.choice([0, 333]))
        for since in sorted(draw.sample(DAYS, draw.choice([0, 0, 1, 2])))
    ]
    return World(
        agreed=spells,
        prices={each: dict(zip(MODELS, map(Fraction, prices), strict=True)) for each, prices in PRICES.items()},
        published={each: a_table(draw) for each in FOREIGN},
        by_month=draw.random() < 0.5,
        days_max=draw.choice([0, 1, 4, 31]),
        to_even=draw.random() < 0.5,
    )


def decimal_of(number: Fraction) -> Decimal:
    return Decimal(number.numerator) / Decimal(number.denominator)


def exchange_of(world: World) -> Exchange:
    used = {spell.currency for spell in world.agreed} - {"EUR"}
    return Exchange(
        currency="EUR",
        tables={
            each: ExchangeTable(
                file=f"exchange/{each}-EUR.csv",
                dates=tuple(world.published[each]),
                rates=tuple(map(decimal_of, world.published[each].values())),
            )
            for each in sorted(used)
        },
        day=ExchangeDay.MONTH_END if world.by_month else ExchangeDay.USAGE,
        days_max=world.days_max,
    )


def account_of(world: World) -> Account:
    terms = tuple(
        Terms(
            from_date=None if place == 0 else spell.since,
            rate_card=spell.currency.lower(),
            discount_percent=Decimal(spell.discount).scaleb(-2),
        )
        for place, spell in enumerate(world.agreed)
    )
    return Account(
        id="acme",
        name="Acme",
        timezone="UTC",
        rate_card=terms[0].rate_card,
        key_ids=("key_a",),
        terms=terms,
        exchange=exchange_of(world),
    )


def cards() -> dict[str, RateCard]:
    return {
        currency.lower(): RateCard(
            id=currency.lower(),
            currency=currency,
            aliases={},
            rates=tuple(
                Rate(
                    model=model,
                    effective_from=None,
                    effective_to=None,
                    per_million={Meter.PROMPT: Decimal(price), Meter.COMPLETION: Decimal(price)},
                )
                for model, price in zip(MODELS, prices, strict=True)
            ),
        )
        for currency, prices in PRICES.items()
    }


def some_usage(draw: random.Random) -> list[Used]:
    days = draw.sample(DAYS[11:], draw.choice([1, 10, 40]))
    return [(day, draw.choice(MODELS), draw.choice([1, 333_333, 5_000_000])) for day in sorted(days)]


def usage_daily(used: list[Used]) -> pa.Table:
    rows = [
        {
            "account_id": "acme",
            "api_key_id": "key_a",
            "model": model,
            "service_tier": "",
            "meter": "prompt",
            "rate_window_start": SINCE_EVER,
            "usage_date": day,
            "billing_period": str(BillingPeriod.of(day)),
            "quantity": tokens,
            "prompt_band": 0,
        }
        for day, model, tokens in used
    ]
    return pa.Table.from_pylist(rows, schema=schemas.USAGE_DAILY)


def rated(world: World, used: list[Used]) -> RatedUsage:
    return rate(usage_daily(used), Accounts(accounts=(account_of(world),)), cards())


def book_of(world: World, used: list[Used], issued: list[Invoice], *, by_columns: bool) -> InvoiceBook:
    found = rated(world, used)
    rounding = Rounding.HALF_EVEN if world.to_even else Rounding.HALF_UP
    lines = lines_by_invoice(found.line_charges, currencies={"acme": "EUR"}, rounding=rounding) if by_columns else None
    assert (lines is None) != by_columns
    return make_book(
        issued=issued,
        charges={} if by_columns else charges_by_invoice(found.line_charges),
        usage=lines,
        places={("acme", BillingPeriod.of(day)) for day, *_ in used},
        accounts=Accounts(accounts=(account_of(world),)),
        currencies={"acme": "EUR"},
        rounding=rounding,
        unpriced={("acme", BillingPeriod.of(each.usage.usage_date)) for each in found.unpriced},
    )


def frozen(invoice: Invoice) -> Invoice:
    return invoice_from_document(invoice_document(invoice))


def months(used: list[Used]) -> list[date]:
    return sorted({day.replace(day=1) for day, *_ in used})


@pytest.mark.long
@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_each_line_is_of_one_rate_of_exchange_and_costs_what_the_oracle_says(seed: int) -> None:
    check_each_line_is_of_one_rate(seed)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(SEEDS)
def test_each_of_many_lines_is_of_one_rate_of_exchange(seed: int) -> None:
    check_each_line_is_of_one_rate(seed)


def check_each_line_is_of_one_rate(seed: int) -> None:
    draw = random.Random(seed)
    world, used = a_world(draw), some_usage(draw)
    books = [book_of(world, used, [], by_columns=by_columns) for by_columns in (False, True)]
    assert books[0].drafts == books[1].drafts
    lacking: Counter[date] = Counter()
    for each in rated(world, used).unpriced:
        assert each.lacks_exchange
        lacking[each.usage.usage_date.replace(day=1)] += each.usage.quantity
    drafts = {draft.period.first_date: frozen(draft) for draft in books[0].drafts}
    assert sorted(drafts) == months(used)
    for month, draft in drafts.items():
        expected, tokens = month_lines(world, month, used)
        found = {
            (
                line.model,
                Fraction(line.rate_per_million or 0),
                f"{line.exchange.currency} {line.exchange.on}" if line.exchange else "",
            ): (line.quantity, Fraction(line.amount))
            for line in draft.lines
        }
        assert (found, lacking[month]) == (expected, tokens)
        assert len(found) == len(draft.lines)
        for line in draft.lines:
            assert line.exchange is None or (
                Fraction(line.exchange.rate) == world.published[line.exchange.currency][line.exchange.on]
            )


@pytest.mark.long
@settings(max_examples=100, deadline=None)
@given(SEEDS)
def test_columns_are_converted_to_the_last_digit_as_charges_are_one_by_one(seed: int) -> None:
    draw = random.Random(seed)
    world, used = a_world(draw), some_usage(draw)
    table = usage_daily(used)
    one_by_one, unpriced = account_charges(list(map(usage_quantity, table.to_pylist())), account_of(world), cards())
    found = rated(world, used)
    assert list(charges_of(found.charges)) == [
        replace(charge, rated_at=None) for _, charge in sorted(one_by_one, key=lambda placed: placed[0])
    ]
    assert list(found.unpriced) == unpriced


@pytest.mark.long
@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_a_table_that_changes_after_issue_is_corrected_to_the_cent(seed: int) -> None:
    check_a_changed_table_is_corrected(seed)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(SEEDS)
def test_many_tables_that_change_after_issue_are_corrected_to_the_cent(seed: int) -> None:
    check_a_changed_table_is_corrected(seed)


def check_a_changed_table_is_corrected(seed: int) -> None:
    draw = random.Random(seed)
    world, used = a_world(draw), some_usage(draw)
    issued: list[Invoice] = []
    for draft in book_of(world, used, [], by_columns=False).drafts:
        if not month_lines(world, draft.period.first_date, used)[1]:
            issued.append(frozen(issued_invoice(draft, number=len(issued) + 1, prefix="INV-")))
    published = {each: dict(sorted((world.published[each] | a_table(draw)).items())) for each in FOREIGN}
    later = replace(world, published=published)
    now = book_of(later, used, issued, by_columns=draw.random() < 0.5)
    invoiced: dict[date, Fraction] = defaultdict(Fraction)
    for invoice in now.of():
        for line in invoice.lines:
            invoiced[(line.original_period or invoice.period).first_date] += Fraction(line.amount)
    for month in months(used):
        expected, lacking = month_lines(later, month, used)
        if not lacking:
            assert invoiced.get(month, 0) == sum(amount for _, amount in expected.values()), month
