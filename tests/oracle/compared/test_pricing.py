"""Random cards x random usage.

The product's charges are the oracle's, to the last digit, for every shape a price can have.
"""

from __future__ import annotations

import itertools
import random
import tomllib
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from counted import accounts, some_cards, usage_daily
from hypothesis import given, settings
from hypothesis import strategies as st
from pricing import Line, charges, entry_name, limits_of_month, owed
from random_cards import requests

from pipeline.accounts import Accounts
from pipeline.base.money import Rounding, exact_sum
from pipeline.base.periods import BillingPeriod
from pipeline.invoicing import LineKind, draft_invoice
from pipeline.jobs.state.drafts import limits_of
from pipeline.jobs.state.lines.charged_lines import charges_by_invoice
from pipeline.jobs.state.rate import rate, usage_quantity
from pipeline.rates import RateCard
from pipeline.rates.card import counts_like
from pipeline.rates.prices import changed_price
from pipeline.rating import discounted, rate_usage

if TYPE_CHECKING:
    from pipeline.jobs.state.rate import RatedUsage
    from pipeline.rates import Rate

SEEDS = st.integers(0, 2**32)


def oracle_cards(texts: dict[str, str]) -> dict[str, Any]:
    return {name: tomllib.loads(text, parse_float=Decimal) for name, text in texts.items()}


def product_lines(rated: RatedUsage) -> dict[Line, tuple[int, Fraction]]:
    lines: dict[Line, tuple[int, Fraction]] = {}
    for row in rated.charges.to_pylist():
        listed = row["list_rate_per_million"]
        where = (
            row["account_id"],
            row["billing_period"],
            row["api_key_id"].split(".")[1],
            row["model"],
            row["service_tier"],
            row["meter"],
        )
        line = Line(
            *where,
            Fraction(row["rate_per_million"]),
            None if listed is None else Fraction(listed),
            row["package_tokens"],
            None if row["flat_amount"] is None else Fraction(row["flat_amount"]),
            plain_entry(row["entry"]),
        )
        before = lines.get(line, (0, Fraction(0)))
        lines[line] = (before[0] + row["quantity"], before[1] + Fraction(row["amount"]))
    return lines


def plain_entry(name: str | None) -> str:
    """Return an entry as the oracle names it."""
    if not name:
        return ""
    card, _, what = name.partition(": ")
    model, *more = what.split(", ")
    tier = next((each.removesuffix(" tier") for each in more if each.endswith(" tier")), "")
    threshold = next((int(each.split()[2]) for each in more if each.startswith("prompts above ")), 0)
    return entry_name(card, model, (tier, threshold))


@pytest.mark.long
@settings(max_examples=8, deadline=None)
@given(SEEDS)
def test_random_requests_by_random_cards_cost_what_the_oracle_says(tmp_path_factory: Any, seed: int) -> None:
    draw = random.Random(seed)
    texts, rate_cards = some_cards(draw)
    used = requests(draw, 120)
    rated = rate(usage_daily(used, rate_cards, tmp_path_factory.getbasetemp()), accounts(), rate_cards)
    expected, unpriced = charges(oracle_cards(texts), {name: name for name in texts}, used)
    found = product_lines(rated)
    different = {
        line: (expected.get(line), found.get(line))
        for line in {*expected, *found}
        if expected.get(line) != found.get(line)
    }
    assert not different
    assert sum(row.usage.quantity for row in rated.unpriced) == unpriced


@pytest.mark.long
@settings(max_examples=8, deadline=None)
@given(SEEDS)
def test_what_an_entry_costs_in_a_month_is_at_least_its_minimum_and_at_most_its_maximum(
    tmp_path_factory: Any, seed: int
) -> None:
    draw = random.Random(seed)
    texts, rate_cards = some_cards(draw)
    used = requests(draw, 120)
    rated = rate(usage_daily(used, rate_cards, tmp_path_factory.getbasetemp()), accounts(), rate_cards)
    by_invoice = charges_by_invoice(rated.line_charges)
    limits = limits_of(by_invoice, accounts(), rate_cards)
    found: dict[Any, Fraction] = {}
    for place, mine in by_invoice.items():
        account = accounts().by_id(place[0])
        assert account is not None
        draft = draft_invoice(
            mine,
            account=account,
            period=place[1],
            currency="USD",
            rounding=Rounding.HALF_UP,
            limits=limits.get(place),
        )
        for line in draft.lines:
            if line.kind is LineKind.LIMIT:
                found[*place, plain_entry(line.entry)] = Fraction(line.amount)
    assert found == expected_limits(texts, used)


def expected_limits(texts: dict[str, str], used: list[Any]) -> dict[Any, Fraction]:
    cards = oracle_cards(texts)
    lines, _ = charges(cards, {name: name for name in texts}, used)
    exact: Counter[Any] = Counter()
    for line, (_, amount) in lines.items():
        exact[line._replace(list_rate=None)] += amount  # equal rates share a line whatever their list prices are
    printed: Counter[Any] = Counter()
    for line, amount in exact.items():
        if line.entry:
            printed[line.account, line.period, line.entry] += Fraction(int(amount * 100 + Fraction(1, 2)), 100)
    expected = {}
    for (account, period, entry), spent in printed.items():
        card, model, tier, threshold = entry.split(" ")
        start_at = datetime.fromisoformat(f"{period}-01T00:00:00+00:00")
        month = (start_at, (start_at + timedelta(days=31)).replace(day=1))
        due = owed(spent, *limits_of_month(cards, card, model, (tier, int(threshold)), month))
        if due != spent:
            expected[account, BillingPeriod.parse(period), entry] = due - spent
    return expected


@pytest.mark.long
@settings(max_examples=8, deadline=None)
@given(SEEDS)
def test_columns_are_rated_exactly_as_rows_are(tmp_path_factory: Any, seed: int) -> None:
    draw = random.Random(seed)
    _, rate_cards = some_cards(draw)
    daily = usage_daily(requests(draw, 60), rate_cards, tmp_path_factory.getbasetemp())
    percent = draw.choice([Decimal(0), Decimal("12.5"), Decimal("3.33")])
    agreed = [
        replace(each, terms=tuple(replace(terms, discount_percent=percent) for terms in each.terms))
        for each in accounts()
    ]
    rated = rate(daily, Accounts(accounts=tuple(agreed)), rate_cards)
    one_by_one, unpriced = [], 0
    for account_id, group in itertools.groupby(daily.to_pylist(), key=lambda row: row["account_id"]):
        by_row, without = rate_usage(map(usage_quantity, group), rate_cards[account_id])
        one_by_one += [discounted(charge, percent) for charge in by_row]
        unpriced += len(without)
    names = (
        "account_id",
        "api_key_id",
        "model",
        "service_tier",
        "usage_date",
        "quantity",
        "prompt_band",
        "rate_per_million",
        "currency",
        "amount",
    )
    names = (*names, "list_rate_per_million", "package_tokens", "flat_amount", "entry")
    assert [tuple(row[name] for name in (*names, "meter")) for row in rated.charges.to_pylist()] == [
        (*(getattr(charge, name) for name in names), charge.meter.value) for charge in one_by_one
    ]
    assert [str(BillingPeriod.of(row["usage_date"])) for row in rated.charges.to_pylist()] == rated.charges[
        "billing_period"
    ].to_pylist()
    assert len(rated.unpriced) == unpriced
    summed = [(row["quantity"], row["amount"]) for row in rated.line_charges.to_pylist()]
    assert exact_sum(amount for _, amount in summed) == exact_sum(row["amount"] for row in rated.charges.to_pylist())


@pytest.mark.long
@settings(max_examples=3, deadline=None)
@given(SEEDS)
def test_cards_that_count_alike_count_every_request_into_the_same_rows(tmp_path_factory: Any, seed: int) -> None:
    draw = random.Random(seed)
    _, rate_cards = some_cards(draw)
    base = rate_cards["base"]
    dearer = RateCard(
        id="agreed", currency="USD", aliases=base.aliases, rates=tuple(map(_with_other_numbers, base.rates))
    )
    used = [replace(request, account=account) for request in requests(draw, 40) for account in ("base", "agreed")]
    daily = usage_daily(used, {**rate_cards, "agreed": dearer}, tmp_path_factory.getbasetemp())
    mine, theirs = (
        [row for row in daily.drop_columns(["api_key_id"]).to_pylist() if row.pop("account_id") == name]
        for name in ("base", "agreed")
    )
    assert counts_like(base, dearer)
    assert mine == theirs


def _with_other_numbers(rate: Rate) -> Rate:
    return replace(
        rate, per_million={meter: changed_price(price, Decimal(5)) for meter, price in rate.per_million.items()}
    )


@pytest.mark.long
@settings(max_examples=8, deadline=None)
@given(SEEDS)
def test_splitting_and_reordering_usage_never_changes_a_line(tmp_path_factory: Any, seed: int) -> None:
    draw = random.Random(seed)
    _, rate_cards = some_cards(draw)
    rows = list(
        map(usage_quantity, usage_daily(requests(draw, 40), rate_cards, tmp_path_factory.getbasetemp()).to_pylist())
    )
    pieces = []
    for row in rows:
        cut = draw.randrange(row.quantity + 1)
        pieces += [
            type(row)(**{name: getattr(row, name) for name in row.__slots__} | {"quantity": part})
            for part in (cut, row.quantity - cut)
        ]
    draw.shuffle(pieces)
    for account_id, card in rate_cards.items():
        whole, split = (
            rate_usage([row for row in given_rows if row.account_id == account_id], card)[0]
            for given_rows in (rows, pieces)
        )
        assert by_line(whole) == by_line(split)


def by_line(found: list[Any]) -> dict[Any, Any]:
    sums: Counter[Any] = Counter()
    for charge in found:
        if charge.quantity or charge.flat_amount is not None:
            key = (
                charge.api_key_id,
                charge.model,
                charge.service_tier,
                charge.meter,
                charge.rate_per_million,
                charge.flat_amount,
                charge.usage_date,
            )
            sums[*key, "quantity"] += charge.quantity
            sums[*key, "amount"] += charge.amount
    return dict(sums)
