"""Random cards x random usage: the product's charges are the oracle's, to the last digit, for every shape a price can have."""

from __future__ import annotations

import itertools
import random
import re
import tomllib
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from pricing import Line, charges
from random_cards import cards, requests

from pipeline import schemas
from pipeline.accounts import Account, Accounts
from pipeline.errors import RateCardError
from pipeline.jobs.rate import rate, usage_quantity
from pipeline.money import exact_sum
from pipeline.periods import BillingPeriod
from pipeline.rating import discounted, rate_usage
from pipeline.resources import sql_folder
from pipeline.storage.rate_cards import rate_cards_from_tables
from pipeline.storage.strict_toml import table_from_toml
from pipeline.warehouse.build import build, failed_checks, fetch
from pipeline.warehouse.connection import open_warehouse
from pipeline.warehouse.reference import reference_tables

if TYPE_CHECKING:
    from pathlib import Path

    from pricing import Request

    from pipeline.jobs.rate import RatedUsage
    from pipeline.rates import RateCard

SEEDS = st.integers(0, 2**32)


def product_cards(texts: dict[str, str]) -> dict[str, RateCard]:
    tables = {name: table_from_toml(text.encode(), file=f"rates/{name}.toml", error=RateCardError) for name, text in texts.items()}
    return rate_cards_from_tables(tables, timezone="UTC", currency="USD")


def oracle_cards(texts: dict[str, str]) -> dict[str, Any]:
    return {name: tomllib.loads(text, parse_float=Decimal) for name, text in texts.items()}


def some_cards(draw: random.Random) -> tuple[dict[str, str], dict[str, RateCard]]:
    """Draw until the cards can be meant: an entry may lack a price that nothing lends it."""
    while True:
        texts = cards(draw)
        try:
            return texts, product_cards(texts)
        except RateCardError as refused:
            assert re.search("has no (prompt|completion) rate|decimal places|no exact price|which has no rates", str(refused)), refused  # noqa: PT017 - any other refusal is a bug


def accounts() -> Accounts:
    named = ("base", "agreed", "partner")
    return Accounts(
        accounts=tuple(Account(id=name, name=name, timezone="UTC", rate_card=name, key_ids=tuple(f"{name}.key_{n}" for n in range(3))) for name in named)
    )


def usage_daily(used: list[Request], rate_cards: dict[str, RateCard], lake: Path) -> pa.Table:
    """Count requests as the warehouse does."""
    rows = [
        dict.fromkeys(schemas.USAGE_EVENTS.names)
        | {"event_id": number.to_bytes(16), "occurred_at": each.at, "api_key_id": f"{each.account}.{each.key}", "model_reported": each.model}
        | {"service_tier": each.tier or None, "status": "measured", "http_status": 200, "source": "log", "line": number, "byte_start": 0, "byte_end": 1}
        | {"prompt_tokens": each.prompt, "completion_tokens": each.completion, "prompt_cached_tokens": each.cached}
        | {"prompt_cache_write_tokens": each.written, "reasoning_tokens": each.reasoning}
        for number, each in enumerate(used, start=1)
    ]
    reference = reference_tables(accounts(), rate_cards, timezone="UTC", utc_dates={each.at.date() for each in used})
    parameters = {"timezone": "UTC", "unmeasured": "list"}
    with open_warehouse(lake) as connection:
        suspected = pa.table({"event_id": pa.array([row["event_id"] for row in rows], pa.binary())})
        given_tables = {**reference, "lake_usage_events": pa.Table.from_pylist(rows, schema=schemas.USAGE_EVENTS), "suspected_identities": suspected}
        build(connection, sql_folder(), given=given_tables, parameters=parameters, wanted=["usage_daily", "exchanges_daily", "event_copies"])
        assert not any(failed_checks(connection, sql_folder(), "blocking", parameters).values())
        return fetch(connection, "usage_daily", schemas.USAGE_DAILY)


def product_lines(rated: RatedUsage) -> dict[Line, tuple[int, Fraction]]:
    lines: dict[Line, tuple[int, Fraction]] = {}
    for row in rated.charges.to_pylist():
        listed = row["list_rate_per_million"]
        where = (row["account_id"], row["billing_period"], row["api_key_id"].split(".")[1], row["model"], row["service_tier"], row["meter"])
        line = Line(*where, Fraction(row["rate_per_million"]), None if listed is None else Fraction(listed), row["package_tokens"])
        before = lines.get(line, (0, Fraction(0)))
        lines[line] = (before[0] + row["quantity"], before[1] + Fraction(row["amount"]))
    return lines


@settings(max_examples=8, deadline=None)
@given(SEEDS)
def test_random_requests_by_random_cards_cost_what_the_oracle_says(tmp_path_factory: Any, seed: int) -> None:
    draw = random.Random(seed)
    texts, rate_cards = some_cards(draw)
    used = requests(draw, 120)
    rated = rate(usage_daily(used, rate_cards, tmp_path_factory.getbasetemp()), accounts(), rate_cards)
    expected, unpriced = charges(oracle_cards(texts), {name: name for name in texts}, used)
    found = product_lines(rated)
    different = {line: (expected.get(line), found.get(line)) for line in {*expected, *found} if expected.get(line) != found.get(line)}
    assert not different
    assert sum(row.usage.quantity for row in rated.unpriced) == unpriced


@settings(max_examples=8, deadline=None)
@given(SEEDS)
def test_columns_are_rated_exactly_as_rows_are(tmp_path_factory: Any, seed: int) -> None:
    draw = random.Random(seed)
    _, rate_cards = some_cards(draw)
    daily = usage_daily(requests(draw, 60), rate_cards, tmp_path_factory.getbasetemp())
    percent = draw.choice([Decimal(0), Decimal("12.5"), Decimal("3.33")])
    agreed = [replace(each, terms=tuple(replace(terms, discount_percent=percent) for terms in each.terms)) for each in accounts()]
    rated = rate(daily, Accounts(accounts=tuple(agreed)), rate_cards)
    one_by_one, unpriced = [], 0
    for account_id, group in itertools.groupby(daily.to_pylist(), key=lambda row: row["account_id"]):
        by_row, without = rate_usage(map(usage_quantity, group), rate_cards[account_id])
        one_by_one += [discounted(charge, percent) for charge in by_row]
        unpriced += len(without)
    names = ("account_id", "api_key_id", "model", "service_tier", "usage_date", "quantity", "prompt_band", "rate_per_million", "currency", "amount")
    names = (*names, "list_rate_per_million", "package_tokens")
    assert [tuple(row[name] for name in (*names, "meter")) for row in rated.charges.to_pylist()] == [
        (*(getattr(charge, name) for name in names), charge.meter.value) for charge in one_by_one
    ]
    assert [str(BillingPeriod.of(row["usage_date"])) for row in rated.charges.to_pylist()] == rated.charges["billing_period"].to_pylist()
    assert len(rated.unpriced) == unpriced
    summed = [(row["quantity"], row["amount"]) for row in rated.line_charges.to_pylist()]
    assert exact_sum(amount for _, amount in summed) == exact_sum(row["amount"] for row in rated.charges.to_pylist())


@settings(max_examples=8, deadline=None)
@given(SEEDS)
def test_splitting_and_reordering_usage_never_changes_a_line(tmp_path_factory: Any, seed: int) -> None:
    draw = random.Random(seed)
    _, rate_cards = some_cards(draw)
    rows = list(map(usage_quantity, usage_daily(requests(draw, 40), rate_cards, tmp_path_factory.getbasetemp()).to_pylist()))
    pieces = []
    for row in rows:
        cut = draw.randrange(row.quantity + 1)
        pieces += [type(row)(**{name: getattr(row, name) for name in row.__slots__} | {"quantity": part}) for part in (cut, row.quantity - cut)]
    draw.shuffle(pieces)
    for account_id, card in rate_cards.items():
        whole, split = (rate_usage([row for row in given_rows if row.account_id == account_id], card)[0] for given_rows in (rows, pieces))
        assert by_line(whole) == by_line(split)


def by_line(found: list[Any]) -> dict[Any, Any]:
    sums: Counter[Any] = Counter()
    for charge in found:
        if charge.quantity:
            key = (charge.api_key_id, charge.model, charge.service_tier, charge.meter, charge.rate_per_million, charge.usage_date)
            sums[*key, "quantity"] += charge.quantity
            sums[*key, "amount"] += charge.amount
    return dict(sums)
