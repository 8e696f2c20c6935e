"""Sums on columns: exact whatever they come to, and none is made where it might not fit."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from pipeline.accounts.exchange import Exchange, ExchangeTable
from pipeline.rates import Rate, RateCard
from pipeline.tables import schemas
from pipeline.tables.rating import QUANTITY_MAX, CardTerms, rate_simple_usage, summed_over_days, sums_fit
from pipeline.tables.sums import sums_by, total
from pipeline.usage import INT64_MAX, Meter

SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def usage(*quantities: int, **differing: Any) -> pa.Table:
    """A row for each quantity, which differ in nothing else."""
    row = dict.fromkeys(schemas.USAGE_DAILY.names) | {
        "account_id": "acme",
        "api_key_id": "key_1",
        "model": "jamba",
        "service_tier": "",
        "meter": "prompt",
        "usage_date": date(2026, 10, 1),
        "billing_period": "2026-10",
        "prompt_band": 0,
        "rate_window_start": SINCE,
    }
    rows = [row | {"quantity": each} | differing for each in quantities]
    return pa.Table.from_pylist(rows, schema=schemas.USAGE_DAILY)


def terms(rate: str) -> dict[str, CardTerms]:
    card = RateCard(
        id="standard",
        currency="USD",
        aliases={},
        rates=(
            Rate(
                model="jamba",
                effective_from=None,
                effective_to=None,
                per_million=dict.fromkeys((Meter.PROMPT, Meter.COMPLETION), Decimal(rate)),
            ),
        ),
    )
    return {"acme": CardTerms(rate_card=card)}


@pytest.mark.parametrize(
    ("counts", "kind"), [([INT64_MAX - 1, 1], pa.int64()), ([INT64_MAX, 1], pa.decimal128(38, 0)), ([], pa.int64())]
)
def test_a_sum_is_an_integer_where_it_fits_one_and_a_decimal_where_it_does_not(
    counts: list[int], kind: pa.DataType
) -> None:
    table = pa.table({"key": pa.array(["a"] * len(counts), pa.string()), "n": pa.array(counts, pa.int64())})
    found = sums_by(table, ["key"], ["n"])
    assert found.schema == pa.schema([("key", pa.string()), ("n", kind)])
    assert [int(each) for each in found["n"].to_pylist()] == ([sum(counts)] if counts else [])
    assert total(table["n"]) == sum(counts)


def test_sums_are_of_their_group_and_nulls_count_nothing() -> None:
    table = pa.table({"key": ["b", "a", "b"], "n": pa.array([1, 2, 4]), "m": pa.array([None, 8, 16])})
    assert sums_by(table, ["key"], ["n", "m"]).to_pylist() == [
        {"key": "b", "n": 5, "m": 16},
        {"key": "a", "n": 2, "m": 8},
    ]


def test_charges_of_one_line_are_summed_on_columns_where_the_sum_fits_and_stay_apart_where_it_might_not() -> None:
    for rate, rows in (("2", 1), ("999999", 2)):
        found = rate_simple_usage(usage(QUANTITY_MAX, QUANTITY_MAX), terms(rate))
        assert (found.charges.num_rows, found.line_charges.num_rows, found.rest.num_rows) == (2, rows, 0)
        amounts = [sum(table["amount"].to_pylist()) for table in (found.charges, found.line_charges)]
        assert amounts[0] == amounts[1] == 2 * QUANTITY_MAX * Decimal(rate) / 1_000_000


def test_what_is_beyond_the_columns_is_left_to_the_plain_rating_to_the_last_token_and_rate() -> None:
    assert QUANTITY_MAX == 999_999_999_999_999, "15 digits, which the column of tokens has"
    found = rate_simple_usage(usage(QUANTITY_MAX, QUANTITY_MAX + 1), terms("2"))
    assert (found.charges["quantity"].to_pylist(), found.rest["quantity"].to_pylist()) == (
        [QUANTITY_MAX],
        [QUANTITY_MAX + 1],
    )
    assert rate_simple_usage(usage(1), terms("999999.999999")).rest.num_rows == 0
    assert rate_simple_usage(usage(1), terms("1000000")).rest.num_rows == 1


def test_a_sum_fits_up_to_the_greatest_integer_and_below_the_greatest_amount() -> None:
    def fits(quantities: list[int], amounts: list[str]) -> bool:
        return sums_fit(
            pa.table({"quantity": quantities, "amount": pa.array(map(Decimal, amounts), pa.decimal128(38, 2))})
        )

    assert fits([INT64_MAX], ["1"])
    assert fits([1, INT64_MAX // 2], ["1", "1"])
    assert not fits([1, INT64_MAX // 2 + 1], ["1", "1"])
    assert fits([1], ["999999999999999.99"])
    assert not fits([1], ["1000000000000000"])


@pytest.mark.parametrize(
    ("rate", "paid", "is_simple"),
    [
        ("2.00", "0.5", True),
        ("999999", "1.5", False),
        ("0.000000000001", "0.0001", True),
        ("0.000000000001", "0.00001", False),
    ],
)
def test_a_price_in_another_currency_is_paid_on_columns_where_the_converted_one_fits_them(
    rate: str, paid: str, *, is_simple: bool
) -> None:
    found = rate_simple_usage(usage(1_000_000), {"acme": paid_in_euros(rate, paid)})
    assert found.charges["amount"].to_pylist() == ([Decimal(rate) * Decimal(paid)] if is_simple else [])
    assert found.rest.num_rows == (not is_simple)


def test_days_are_summed_where_all_cost_the_same_and_not_where_each_has_its_rate_of_exchange() -> None:
    two_days = pa.concat_tables([usage(3), usage(5, usage_date=date(2026, 10, 2))])
    summed = summed_over_days(two_days, [terms("2"), terms("3")])
    assert summed.select(["usage_date", "quantity"]).to_pylist() == [{"usage_date": date(2026, 10, 1), "quantity": 8}]
    for every_terms in ([{"acme": paid_in_euros("2", "0.5")}], [terms("2"), {"acme": paid_in_euros("2", "0.5")}], [{}]):
        assert summed_over_days(two_days, every_terms)["quantity"].to_pylist() == [3, 5]


def test_of_nothing_there_is_nothing_to_sum_and_what_might_not_fit_stays_as_it_is() -> None:
    assert summed_over_days(usage(), [terms("2")]).num_rows == 0
    great = usage(2**62, 2**62)
    assert summed_over_days(great, [terms("2")]).equals(great)


def paid_in_euros(rate: str, paid: str) -> CardTerms:
    table = ExchangeTable(file="exchange/USD-EUR.csv", dates=(date(2026, 9, 30),), rates=(Decimal(paid),))
    exchange = Exchange(currency="EUR", tables={"USD": table}, days_max=31)
    return terms(rate)["acme"]._replace(exchange=exchange)


def test_sums_of_nothing_are_no_group_and_by_no_column_one_row_of_zeros() -> None:
    nothing = pa.table({"key": pa.array([], pa.string()), "tokens": pa.array([], pa.int64())})
    unstated = pa.table({"key": ["a"], "tokens": pa.array([None], pa.int64())})
    assert sums_by(nothing, ["key"], ["tokens"]).to_pylist() == []
    assert sums_by(unstated, ["key"], ["tokens"]).to_pylist() == [{"key": "a", "tokens": None}]
    assert [sums_by(table, [], ["tokens"]).to_pylist() for table in (nothing, unstated)] == [[{"tokens": 0}]] * 2
