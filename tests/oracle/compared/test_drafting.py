"""Random charges: the lines that are made on columns are those of the plain rules, to the last digit and in their
order.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.accounts import Account, Accounts
from pipeline.base.money import Rounding
from pipeline.invoicing import make_book
from pipeline.invoicing.worth.usage_lines import usage_lines
from pipeline.jobs.state.lines.charged_lines import charges_by_invoice, lines_by_invoice
from pipeline.tables import schemas
from pipeline.usage import Meter

if TYPE_CHECKING:
    from pipeline.invoicing import InvoiceLine

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
TAGS = {"key_1": "project=x", "key_2": ""}
CURRENCIES = {"acme": "USD", "bolt": "JPY", "corp": "KWD"}
RATES = [Decimal(text) for text in ("0", "10", "0.000000000001")]
AMOUNTS = st.one_of(
    st.integers(0, 10**10).map(lambda digits: Decimal(digits).scaleb(-22)),
    st.integers(0, 10**8).map(lambda digits: Decimal(digits).scaleb(-4)),  # halves of minor units among them
    st.integers(0, 10**27).map(lambda digits: Decimal(digits).scaleb(-22)),
    st.sampled_from([Decimal(0), Decimal("0.005"), Decimal("0.5"), Decimal("0.0005"), Decimal(100), Decimal("1E-22")]),
)


METERS = st.sampled_from([Meter.PROMPT, Meter.COMPLETION, Meter.REQUEST])
PLACES = st.fixed_dictionaries(
    {
        "account_id": st.sampled_from(list(CURRENCIES)),
        "api_key_id": st.sampled_from(["key_1", "key_2"]),
        "model": st.sampled_from(["jamba", "\uffee", "\U0001f600"]),  # in the order of code points, not of UTF-16
        "service_tier": st.sampled_from(["", "flex"]),
        "meter": METERS,
    }
)


@st.composite
def charges(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Charges of few places, so that many share a line or all but one thing."""
    places = draw(st.lists(PLACES, min_size=1, max_size=2))
    places.append(places[0] | {"meter": draw(METERS)})
    found = []
    for place in draw(st.lists(st.sampled_from(places), max_size=20)):
        day = draw(st.sampled_from([date(2026, 9, 30), date(2026, 10, 1), date(2026, 10, 2)]))
        own = {
            "usage_date": day,
            "billing_period": f"{day:%Y-%m}",
            "prompt_band": 0,
            "rate_window_start": SINCE,
            "currency": CURRENCIES[place["account_id"]],
        }
        rate, list_rate, package = (draw(st.sampled_from(each)) for each in (RATES, [None, *RATES], [None, 1, 250]))
        price = {"rate_per_million": rate, "list_rate_per_million": list_rate, "package_tokens": package}
        found.append(
            place
            | own
            | price
            | {"quantity": draw(st.one_of(st.integers(0, 3), st.integers(0, 10**12))), "amount": draw(AMOUNTS)}
        )
    return found


def made_plainly(table: pa.Table, rounding: Rounding) -> dict[Any, list[InvoiceLine]]:
    found = {}
    for (account_id, period), mine in charges_by_invoice(table).items():
        account = Account(id=account_id, name=account_id, timezone="UTC", rate_card="standard", key_ids=())
        found[account_id, period] = usage_lines(
            mine, account=account, period=period, currency=CURRENCIES[account_id], rounding=rounding, tags=TAGS
        )
    return found


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(charges(), st.sampled_from(list(Rounding)), st.integers(1, 4))
def test_lines_made_on_columns_are_those_of_the_plain_rules_to_the_last_digit(
    rows: list[dict[str, Any]], rounding: Rounding, copies: int
) -> None:
    table = pa.Table.from_pylist(rows * copies, schema=schemas.CHARGES)
    found = lines_by_invoice(table, currencies=CURRENCIES, rounding=rounding, tags=TAGS)
    expected = {place: lines for place, lines in made_plainly(table, rounding).items() if lines}
    assert found is not None
    assert {place: [repr(line) for line in lines] for place, lines in found.items()} == {
        place: [repr(line) for line in lines] for place, lines in expected.items()
    }  # 2 and 2.00 are equal and print otherwise


def a_charge(**differing: Any) -> dict[str, Any]:
    row = dict.fromkeys(schemas.CHARGES.names) | {
        "account_id": "acme",
        "api_key_id": "key_1",
        "model": "jamba",
        "service_tier": "",
        "meter": "prompt",
    }
    row |= {
        "usage_date": date(2026, 10, 1),
        "billing_period": "2026-10",
        "quantity": 1,
        "prompt_band": 0,
        "rate_window_start": SINCE,
    }
    return row | {"rate_per_million": Decimal(2), "currency": "USD", "amount": Decimal(1)} | differing


@pytest.mark.parametrize("great", [{"quantity": 2**62}, {"amount": Decimal(10) ** 15 / 2}])
def test_where_a_sum_might_not_fit_a_column_lines_are_made_by_the_plain_rules(great: dict[str, Any]) -> None:
    table = pa.Table.from_pylist([a_charge(**great)] * 2, schema=schemas.CHARGES)
    assert lines_by_invoice(table, currencies=CURRENCIES, rounding=Rounding.HALF_UP) is None
    assert lines_by_invoice(table.slice(1), currencies=CURRENCIES, rounding=Rounding.HALF_UP) is not None


def test_a_charge_in_another_currency_than_its_account_is_left_to_the_plain_rules_which_refuse_it() -> None:
    table = pa.Table.from_pylist([a_charge(currency="EUR")], schema=schemas.CHARGES)
    assert lines_by_invoice(table, currencies=CURRENCIES, rounding=Rounding.HALF_UP) is None
    account = Account(id="acme", name="Acme", timezone="UTC", rate_card="standard", key_ids=())
    found = charges_by_invoice(table)
    with pytest.raises(ValueError, match="is no part of the"):
        make_book(
            issued=(),
            charges=found,
            places=list(found),
            accounts=Accounts(accounts=(account,)),
            currencies=CURRENCIES,
            rounding=Rounding.HALF_UP,
        )
