"""Random usage under two random sets of cards and terms.

What is compared on columns is, to the cent, what invoices line by line say.
"""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from counted import accounts, some_cards, usage_daily
from hypothesis import given, settings
from hypothesis import strategies as st
from random_cards import requests

from pipeline.accounts import Accounts
from pipeline.base.money import Rounding, exact_sum, plain_rate
from pipeline.base.periods import BillingPeriod
from pipeline.invoicing import LineKind, draft_invoice
from pipeline.jobs.answers import usage_line_columns
from pipeline.jobs.answers.repriced_lines import RepricedLine, repriced_lines
from pipeline.jobs.answers.usage_line_columns import lines_of_charges, lines_of_invoices
from pipeline.jobs.state.rate import account_charges, constant_terms, rate, usage_quantity
from pipeline.rates.limits import entry_limits
from pipeline.tables.rating import QUANTITY_MAX, summed_over_days

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.accounts import Account
    from pipeline.invoicing import Invoice
    from pipeline.rates import RateCard
    from pipeline.rates.limits import EntryLimit

SEEDS = st.integers(0, 2**32)


def agreed(draw: random.Random, card_ids: list[str]) -> Accounts:
    """The three accounts with random terms, of which one may change its card and discount within October."""
    found = []
    for account in accounts():
        (first,) = account.terms
        percent = draw.choice([Decimal(0), Decimal("12.5"), Decimal("3.33")])
        included = {"prompt": 5_000} if draw.random() < 0.3 else {}
        first = replace(
            first,
            rate_card=draw.choice(card_ids),
            discount_percent=percent,
            minimum_commitment=Decimal(draw.choice([0, 50])),
            included_tokens=included,
        )
        later = replace(
            first, from_date=date(2026, 10, 15), rate_card=draw.choice(card_ids), discount_percent=Decimal(20)
        )
        found.append(
            replace(account, rate_card=first.rate_card, terms=(first, later) if draw.random() < 0.3 else (first,))
        )
    return Accounts(accounts=tuple(found))


def invoices(
    daily: pa.Table, paying: Accounts, cards: Mapping[str, RateCard], rounding: Rounding
) -> tuple[list[Invoice], list[Any]]:
    """Rate row by row, and draft every invoice with its fee."""
    found, unpriced = [], []
    for account_id, group in itertools.groupby(daily.to_pylist(), key=lambda row: row["account_id"]):
        account = paying.by_id(account_id)
        assert account is not None
        charges, without = account_charges([usage_quantity(row) for row in group], account, cards)
        unpriced += without
        by_period = defaultdict(list)
        for _, charge in charges:
            by_period[BillingPeriod.of(charge.usage_date)].append(charge)
        card = cards[account.rate_card]
        for period, mine in by_period.items():
            found.append(
                draft_invoice(
                    mine,
                    account=account,
                    period=period,
                    currency=card.currency,
                    rounding=rounding,
                    card_fees=dict.fromkeys(cards, Decimal(7)),
                    limits=limits_of_all_times(account, cards),
                )
            )
    return found, unpriced


def limits(charges: pa.Table, paying: Accounts, cards: Mapping[str, RateCard]) -> dict[Any, Any]:
    found = {}
    for row in charges.select(["account_id", "billing_period"]).to_pylist():
        account = paying.by_id(row["account_id"])
        assert account is not None
        found[account.id, BillingPeriod.parse(row["billing_period"])] = limits_of_all_times(account, cards)
    return found


def limits_of_all_times(account: Account, cards: Mapping[str, RateCard]) -> dict[str, EntryLimit]:
    """Return limits whenever they hold: usage that was counted by one card is priced by others here."""
    found: dict[str, EntryLimit] = {}
    for terms in account.terms:
        found |= entry_limits(cards[terms.rate_card], datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
    return found


def in_currency(card: RateCard, currency: str) -> RateCard:
    """Return the card in a currency; one without minor units has no minimum of 0.07."""
    rates = [
        replace(
            rate,
            minimum=rate.minimum and rate.minimum.to_integral_value(),
            maximum=rate.maximum and rate.maximum.to_integral_value(),
        )
        if currency == "JPY"
        else rate
        for rate in card.rates
    ]
    return replace(card, currency=currency, rates=tuple(rates))


def compared(old: list[Invoice], new: list[Invoice]) -> list[RepricedLine]:
    """Compare invoice lines of usage place by place, as one does it by hand."""
    places: dict[tuple[Any, ...], tuple[list[Any], list[Any]]] = defaultdict(lambda: ([], []))
    for side, drafts in enumerate((old, new)):
        for invoice in drafts:
            for line in invoice.lines:
                if line.kind in {LineKind.USAGE, LineKind.LIMIT}:
                    place = (
                        invoice.period,
                        invoice.account_id,
                        line.api_key_id,
                        line.model,
                        line.service_tier,
                        line.meter.value if line.meter else "",
                    )
                    places[place][side].append((invoice, line))
    names = ("period", "account_id", "api_key_id", "model", "service_tier", "meter")
    found = []
    for place, (before, after) in sorted(places.items(), key=lambda each: each[0]):
        numbers = {
            f"{side}_{name}": value
            for side, lines in (("old", before), ("new", after))
            for name, value in (
                ("quantity", sum(line.quantity for _, line in lines)),
                (
                    "rates",
                    tuple(
                        plain_rate(line.rate_per_million)
                        for _, line in lines
                        if line.rate_per_million is not None and line.flat_amount is None
                    ),
                ),
                ("amount", exact_sum(line.amount for _, line in lines)),
            )
        }
        invoice_id = before[0][0].id if before else ""
        found.append(
            RepricedLine(
                **dict(zip(names, place, strict=True)),
                **numbers,
                invoice_id=invoice_id,
                currency=(before or after)[0][0].currency,
            )
        )
    return found


def texts(line: RepricedLine) -> dict[str, str]:
    """Write every field, so that 0 and 0.00 are two things wherever an amount is not the sum of none."""
    return {name: str(value) for name, value in line._asdict().items()}


@pytest.mark.long
@settings(max_examples=4, deadline=None)
@given(SEEDS)
@pytest.mark.parametrize("is_summed", [True, False])
def test_what_is_compared_on_columns_is_what_invoices_say_line_by_line(
    tmp_path_factory: Any,
    is_summed: bool,  # noqa: FBT001  # a parameter of the test
    seed: int,
) -> None:
    draw = random.Random(seed)
    _, cards = some_cards(draw)
    currency, rounding = draw.choice(["USD", "JPY", "KWD"]), draw.choice(list(Rounding))
    cards = {name: in_currency(card, currency) for name, card in cards.items()}
    daily = usage_daily(requests(draw, 100), cards, tmp_path_factory.getbasetemp())
    if draw.random() < 0.3:
        daily = daily.set_column(
            daily.schema.get_field_index("quantity"),
            daily.schema.field("quantity"),
            pc.multiply(daily["quantity"], 10**11),
        )
    sides = [agreed(draw, list(cards)) for _ in range(2)]
    fewer = summed_over_days(daily, [constant_terms(side, cards) for side in sides])
    rated = [rate(fewer, side, cards) for side in sides]
    with pytest.MonkeyPatch.context() as patch:
        if not is_summed:
            patch.setattr(usage_line_columns, "sums_fit", lambda _: False)
        found = list(
            repriced_lines(
                *(
                    lines_of_charges(each.line_charges, side, rounding, limits(each.line_charges, side, cards))
                    for each, side in zip(rated, sides, strict=True)
                ),
                "new",
            )
        )
    plainly = [invoices(daily, side, cards, rounding) for side in sides]
    expected = compared(*(drafts for drafts, _ in plainly))
    assert found == expected
    assert [texts(line) for line in found if line.old_rates and line.new_rates] == [
        texts(line) for line in expected if line.old_rates and line.new_rates
    ]
    assert [list(each.unpriced) for each in rated] == [unpriced for _, unpriced in plainly]


@pytest.mark.long
def test_usage_is_summed_over_days_only_where_no_digit_and_no_tier_is_at_stake(tmp_path: Any) -> None:
    draw = random.Random(11)
    _, cards = some_cards(draw)
    daily = usage_daily(requests(draw, 200), cards, tmp_path)
    terms = constant_terms(accounts(), cards)
    fewer = summed_over_days(daily, [terms])
    assert fewer.num_rows < daily.num_rows
    assert pc.sum(fewer["quantity"]) == pc.sum(daily["quantity"])
    assert summed_over_days(daily, [{}]).equals(daily)
    great = daily.set_column(
        daily.schema.get_field_index("quantity"),
        daily.schema.field("quantity"),
        pa.array([QUANTITY_MAX] * daily.num_rows),
    )
    assert summed_over_days(great, [terms]).num_rows == daily.num_rows
    charges = rate(fewer, accounts(), cards).line_charges
    issued = lines_of_invoices(invoices(daily, accounts(), cards, Rounding.HALF_UP)[0])
    assert issued.sort_by([(name, "ascending") for name in issued.schema.names]).equals(
        lines_of_charges(charges, accounts(), Rounding.HALF_UP, limits(charges, accounts(), cards)).sort_by(
            [(name, "ascending") for name in issued.schema.names]
        )
    )
