"""The shares of single events add up to every line's exact amount.

To the last digit, for every shape a price can have.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from counted import accounts, some_cards, usage_daily_and_events
from hypothesis import given, settings
from hypothesis import strategies as st
from random_cards import requests

from pipeline.accounts import Accounts
from pipeline.base.money import exact_sum
from pipeline.invoicing.rules import NEWEST
from pipeline.invoicing.worth.usage_lines import line_place
from pipeline.jobs.state.lines.charged_lines import charges_of
from pipeline.jobs.state.lines.event_charges import charged_events
from pipeline.jobs.state.rate import rate


@pytest.mark.long
@settings(max_examples=4, deadline=None)
@given(st.integers(0, 2**32))
def test_the_shares_of_events_add_up_to_every_line_to_the_last_digit(tmp_path_factory: Any, seed: int) -> None:
    draw = random.Random(seed)
    _, rate_cards = some_cards(draw)
    percent = draw.choice([Decimal(0), Decimal("12.5"), Decimal("3.33")])
    agreed = Accounts(
        accounts=tuple(
            replace(each, terms=tuple(replace(terms, discount_percent=percent) for terms in each.terms))
            for each in accounts()
        )
    )
    daily, traced = usage_daily_and_events(requests(draw, 80), rate_cards, tmp_path_factory.getbasetemp())
    lines: dict[Any, list[Any]] = defaultdict(list)
    charges = rate(daily, agreed, rate_cards).charges
    for month, charge in zip(charges["billing_period"].to_pylist(), charges_of(charges), strict=True):
        lines[charge.account_id, month, *line_place(charge, NEWEST)].append((charge.quantity, charge.amount))
    expected = {
        line: (sum(quantity for quantity, _ in parts), exact_sum(amount for _, amount in parts))
        for line, parts in lines.items()
    }
    events = traced.to_pylist()
    draw.shuffle(events)  # whatever order the lake gives them in
    shares = {}
    for account in agreed:
        for period in {event["billing_period"] for event in events}:
            mine = [event for event in events if (event["account_id"], event["billing_period"]) == (account.id, period)]
            for line, charged in charged_events(mine, account, rate_cards, NEWEST).items():
                shares[account.id, period, *line] = (
                    sum(each.quantity for each in charged),
                    exact_sum(each.exact_charge for each in charged),
                )
    assert shares == expected
