"""Rating on columns, row by row: what is rated there says what the plain rating says, and what is left is named."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from pipeline.accounts.exchange import Exchange, ExchangeTable
from pipeline.base.money import Rounding
from pipeline.rates import GraduatedPrice, PeriodTier, Rate, RateCard
from pipeline.rating import UsageQuantity, discounted, exchanged, rate_usage
from pipeline.tables import schemas
from pipeline.tables.rating import (
    DECIDING,
    QUANTITY_MAX,
    RATE_MAX,
    CardTerms,
    rate_simple_usage,
    rounded_amounts,
    summed_over_days,
    sums_fit,
)
from pipeline.tables.sums import sums_by, total
from pipeline.usage import INT64_MAX, Meter

SINCE = datetime(1, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 10, 10, 12, tzinfo=UTC)
BOTH = {Meter.PROMPT: Decimal(2), Meter.COMPLETION: Decimal(8)}


def rate(**said: Any) -> Rate:
    return Rate(**{"model": "m", "effective_from": None, "effective_to": None, "per_million": BOTH} | said)


def card(*rates: Rate, **said: Any) -> RateCard:
    return RateCard(**{"id": "standard", "currency": "USD", "aliases": {}, "rates": rates} | said)


def terms(*rates: Rate, percent: str = "0", **said: Any) -> CardTerms:
    return CardTerms(rate_card=card(*(rates or (rate(),))), discount_percent=Decimal(percent), **said)


def table(*rows: dict[str, Any]) -> pa.Table:
    row = {
        "account_id": "acme",
        "api_key_id": "k",
        "model": "m",
        "service_tier": "",
        "meter": "prompt",
        "rate_window_start": SINCE,
        "usage_date": date(2026, 10, 10),
        "billing_period": "2026-10",
        "quantity": 1_000_000,
        "prompt_band": 0,
    }
    return pa.Table.from_pylist([row | each for each in rows], schema=schemas.USAGE_DAILY)


def plainly(rows: list[dict[str, Any]], by_account: dict[str, CardTerms]) -> list[dict[str, Any]]:
    """Rate rows one by one; a row for each that has a simple rate, in their order."""
    found = []
    for place, row in enumerate(table(*rows).to_pylist()):
        mine = by_account[row["account_id"]]
        usage = UsageQuantity(
            **{name: row[name] for name in ("account_id", "api_key_id", "model", "service_tier", "usage_date")},
            meter=Meter.of(row["meter"]),
            rated_at=row["rate_window_start"],
            quantity=row["quantity"],
            prompt_band=row["prompt_band"],
        )
        (charge,), _ = rate_usage([usage], mine.rate_card)
        charge = discounted(charge, mine.discount_percent)
        if mine.exchange is not None:
            paid = mine.exchange.rate_of(charge.currency, charge.usage_date)
            assert paid is not None
            charge = exchanged(charge, paid, mine.exchange.currency)
        found.append(
            row
            | {
                "meter": charge.meter.value,
                "rate_per_million": charge.rate_per_million,
                "currency": charge.currency,
                "amount": charge.amount,
                "list_rate_per_million": charge.list_rate_per_million,
                "package_tokens": None,
                "flat_amount": None,
                "exchange": None if charge.exchange is None else str(charge.exchange),
                "entry": None,
                "place": place,
            }
        )
    return found


def euros(*rates: tuple[date, str], days_max: int = 5) -> Exchange:
    dates, numbers = zip(*((on, Decimal(number)) for on, number in rates), strict=True)
    return Exchange(
        currency="EUR", tables={"USD": ExchangeTable(file="f", dates=dates, rates=numbers)}, days_max=days_max
    )


DAILY = euros((date(2026, 10, 9), "0.5"), (date(2026, 10, 10), "0.25"))
CARD = (
    rate(list_prices={Meter.PROMPT: Decimal(4)}),
    rate(service_tier="flex", per_million=BOTH | {Meter.REASONING: Decimal(9)}),
    rate(above_prompt_tokens=100, per_million={Meter.PROMPT: Decimal("2.5"), Meter.COMPLETION: Decimal(0)}),
    rate(model="n", effective_to=NOON),
    rate(model="n", effective_from=NOON, per_million={Meter.PROMPT: Decimal(3), Meter.COMPLETION: Decimal(3)}),
)
ACCOUNTS = {
    "acme": terms(*CARD),
    "less": terms(*CARD, percent="12.5"),
    "paid": terms(*CARD, exchange=DAILY),
    "both": terms(*CARD, percent="50", exchange=DAILY),
}
ROWS = [
    {"account_id": account} | said
    for said in (
        {},
        {"quantity": 1},
        {"quantity": 7, "usage_date": date(2026, 10, 9)},
        {"api_key_id": "j"},
        {"meter": "completion"},
        {"meter": "reasoning"},
        {"meter": "prompt_cached"},
        {"service_tier": "flex", "meter": "reasoning"},
        {"service_tier": "batch"},
        {"prompt_band": 100},
        {"model": "n"},
        {"model": "n", "rate_window_start": NOON},
        {"billing_period": "2026-09"},
    )
    for account in ACCOUNTS
]


def test_each_row_is_rated_on_columns_as_it_is_alone() -> None:
    found = rate_simple_usage(table(*ROWS), ACCOUNTS)
    assert found.charges.to_pylist() == plainly(ROWS, ACCOUNTS)
    assert found.charges.schema == schemas.CHARGES.append(pa.field("place", pa.int64()))
    assert found.rest.num_rows == 0
    for rows in (ROWS[:1], ROWS[:1] * 3):
        assert rate_simple_usage(table(*rows), ACCOUNTS).charges.to_pylist() == plainly(rows, ACCOUNTS)


def test_rows_that_share_a_line_are_summed_on_their_first_date_and_no_others_are() -> None:
    found = rate_simple_usage(table(*ROWS), ACCOUNTS)
    names = ("account_id", "api_key_id", "model", "service_tier", "meter", "billing_period", "rate_per_million")
    wanted: dict[tuple[Any, ...], list[Any]] = {}
    for row in plainly(ROWS, ACCOUNTS):
        line = (*(row[name] for name in names), row["list_rate_per_million"], row["currency"], row["exchange"])
        quantity, amount, first = wanted.get(line, (0, Decimal(0), date.max))
        wanted[line] = [quantity + row["quantity"], amount + row["amount"], min(first, row["usage_date"])]
    lines = found.line_charges.to_pylist()
    assert {
        (*(row[name] for name in names), row["list_rate_per_million"], row["currency"], row["exchange"]): [
            row["quantity"],
            row["amount"],
            row["usage_date"],
        ]
        for row in lines
    } == wanted
    assert len(lines) == len(wanted) < len(ROWS)
    assert found.line_charges.schema == schemas.CHARGES


def test_rows_of_one_line_keep_what_the_first_of_them_says_of_the_rest() -> None:
    rows = [{"quantity": 5, "usage_date": date(2026, 10, 12)}, {"quantity": 7, "usage_date": date(2026, 10, 11)}]
    (line,) = rate_simple_usage(table(*rows), {"acme": terms()}).line_charges.to_pylist()
    assert (line["quantity"], line["usage_date"], line["amount"]) == (12, date(2026, 10, 11), Decimal("0.000024"))
    assert (line["rate_window_start"], line["prompt_band"], line["entry"], line["flat_amount"]) == (
        SINCE,
        0,
        None,
        None,
    )


TIERED = GraduatedPrice(tiers=(PeriodTier(up_to=None, rate=Decimal(1)),))


@pytest.mark.parametrize(
    ("row", "of_terms"),
    [
        ({"account_id": "unknown"}, terms()),
        ({"rate_window_start": None}, terms()),
        ({"model": "x"}, terms()),
        ({"meter": "request"}, terms()),
        ({"quantity": QUANTITY_MAX + 1}, terms()),
        ({}, terms(rate(per_million=BOTH | {Meter.PROMPT: TIERED}))),
        ({}, terms(rate(per_million=BOTH | {Meter.PROMPT: RATE_MAX}))),
        ({}, terms(rate(minimum=Decimal(1)))),
        ({}, terms(rate(maximum=Decimal(1)))),
        ({}, terms(rate(per_million=BOTH | {Meter.PROMPT: Decimal("0.000000000001")}), percent="0.0001")),
        ({}, terms(exchange=euros((date(2026, 10, 11), "0.5")))),
        ({}, terms(exchange=euros((date(2026, 10, 4), "0.5")))),
        (
            {},
            terms(rate(per_million=BOTH | {Meter.PROMPT: Decimal(500_000)}), exchange=euros((date(2026, 10, 9), "2"))),
        ),
        (
            {},
            terms(
                rate(list_prices={Meter.PROMPT: Decimal(500_000)}),
                exchange=euros((date(2026, 10, 9), "2")),
            ),
        ),
    ],
    ids=lambda each: str(each) if isinstance(each, dict) else "",
)
def test_what_is_not_simple_is_left_with_its_place_and_the_rest_is_rated(
    row: dict[str, Any], of_terms: CardTerms
) -> None:
    rows = [{"account_id": "other"}, row, {"account_id": "other", "quantity": 5}]
    found = rate_simple_usage(table(*rows), {"acme": of_terms, "other": terms()})
    assert found.rest.to_pylist() == [table(row).to_pylist()[0] | {"place": 1}]
    assert [(each["place"], each["quantity"]) for each in found.charges.to_pylist()] == [(0, 1_000_000), (2, 5)]
    alone = rate_simple_usage(table(row), {"acme": of_terms})
    assert (alone.charges.num_rows, alone.line_charges.num_rows, alone.rest.num_rows) == (0, 0, 1)


def test_what_is_just_within_the_columns_is_rated_there() -> None:
    for row, of_terms in (
        ({"quantity": QUANTITY_MAX}, terms()),
        ({}, terms(rate(per_million=BOTH | {Meter.PROMPT: RATE_MAX - Decimal("0.000000000001")}))),
        ({}, terms(rate(per_million=BOTH | {Meter.PROMPT: Decimal("0.000000000001")}), percent="0.01")),
        ({}, terms(exchange=euros((date(2026, 10, 5), "0.5")))),
        (
            {},
            terms(rate(per_million=BOTH | {Meter.PROMPT: Decimal(499_999)}), exchange=euros((date(2026, 10, 9), "2"))),
        ),
        ({}, terms(rate(list_prices={Meter.PROMPT: RATE_MAX}))),
    ):
        found = rate_simple_usage(table(row), {"acme": of_terms})
        assert found.charges.to_pylist() == plainly([row], {"acme": of_terms})
    assert (RATE_MAX, QUANTITY_MAX) == (1_000_000, 999_999_999_999_999)


def test_of_no_usage_there_are_no_charges_and_no_lines() -> None:
    found = rate_simple_usage(table(), {"acme": terms()})
    assert (found.charges.num_rows, found.line_charges.num_rows, found.rest.num_rows) == (0, 0, 0)


def test_a_card_of_which_no_more_is_said_has_no_discount_and_is_in_the_accounts_currency() -> None:
    mine = CardTerms(rate_card=card(rate()))
    assert (mine.discount_percent, mine.exchange) == (0, None)


def test_rows_that_differ_in_the_day_alone_are_summed_on_the_first_and_nothing_else_is() -> None:
    first, last = date(2026, 10, 9), date(2026, 10, 12)
    same = [{"usage_date": last, "quantity": 3}, {"usage_date": first, "quantity": 4}]
    apart = [
        {name: value, "quantity": 10 + number}
        for number, (name, value) in enumerate(
            (
                ("account_id", "less"),
                ("model", "n"),
                ("service_tier", "flex"),
                ("meter", "completion"),
                ("rate_window_start", NOON),
                ("prompt_band", 100),
                ("api_key_id", "j"),
                ("billing_period", "2026-09"),
            )
        )
    ]
    found = summed_over_days(table(*same, *apart), [{name: ACCOUNTS[name] for name in ("acme", "less")}])
    assert [(row["quantity"], row["usage_date"]) for row in found.to_pylist()] == [
        (7, first),
        *((10 + number, date(2026, 10, 10)) for number in range(len(apart))),
    ]
    assert found.schema == schemas.USAGE_DAILY
    assert set(DECIDING) == {"account_id", "model", "service_tier", "meter", "rate_window_start", "prompt_band"}


def test_what_any_of_the_terms_prices_otherwise_than_by_the_million_or_by_the_day_stays_row_by_row_after_the_sums() -> (
    None
):
    days = [{"usage_date": date(2026, 10, day), "quantity": day} for day in (9, 10)]
    rows = [each | {"account_id": account} for account in ("acme", "other") for each in days]
    simple = {"acme": terms(), "other": terms()}
    assert summed_over_days(table(*rows), [simple, simple])["quantity"].to_pylist() == [19, 19]
    for odd in (
        terms(rate(per_million=BOTH | {Meter.PROMPT: TIERED})),
        terms(exchange=DAILY),
        terms(rate(maximum=Decimal(1))),
    ):
        for every_terms in (
            [simple | {"acme": odd}],
            [simple, simple | {"acme": odd}],
            [simple | {"acme": odd}, simple],
        ):
            found = summed_over_days(table(*rows), every_terms).to_pylist()
            assert [(row["account_id"], row["quantity"]) for row in found] == [("other", 19), ("acme", 9), ("acme", 10)]


def test_sums_that_no_column_of_tokens_or_counts_holds_are_not_made() -> None:
    simple = [{"acme": terms()}]
    days = [{"usage_date": date(2026, 10, day), "quantity": QUANTITY_MAX} for day in (9, 10)]
    assert summed_over_days(table(*days), simple)["quantity"].to_pylist() == [QUANTITY_MAX] * 2
    halves = [each | {"quantity": QUANTITY_MAX // 2} for each in days]
    assert summed_over_days(table(*halves), simple)["quantity"].to_pylist() == [QUANTITY_MAX - 1]
    for quantity, rows in ((INT64_MAX // 2, 2), (INT64_MAX // 2 + 1, 2)):
        great = table(*({"usage_date": date(2026, 10, day), "quantity": quantity} for day in (9, 10)))
        assert summed_over_days(great, simple).num_rows == rows


@pytest.mark.parametrize(
    ("currency", "half_up", "half_even"),
    [
        ("USD", ["0.13", "-0.13", "0.14", "0.01"], ["0.12", "-0.12", "0.14", "0.00"]),
        ("JPY", ["0", "0", "0", "0"], ["0", "0", "0", "0"]),
        ("KWD", ["0.125", "-0.125", "0.135", "0.005"], ["0.125", "-0.125", "0.135", "0.005"]),
    ],
)
def test_lines_are_rounded_on_columns_as_an_invoice_rounds_them(
    currency: str, half_up: list[str], half_even: list[str]
) -> None:
    amounts = pa.table(
        {"amount": pa.array([Decimal(each) for each in ("0.125", "-0.125", "0.135", "0.005")], schemas.AMOUNT)}
    )
    for rounding, printed in ((Rounding.HALF_UP, half_up), (Rounding.HALF_EVEN, half_even)):
        found = rounded_amounts(amounts, currency, rounding)
        assert [str(each) for each in found.to_pylist()] == printed
        assert found.type == pa.decimal128(38, {"USD": 2, "JPY": 0, "KWD": 3}[currency])


def test_sums_fit_up_to_the_border_of_either_column() -> None:
    def fits(quantity: int, amount: str, rows: int) -> bool:
        return sums_fit(
            pa.table({"quantity": [quantity] * rows, "amount": pa.array([Decimal(amount)] * rows, schemas.AMOUNT)})
        )

    assert [fits(INT64_MAX, "1", 1), fits(INT64_MAX // 3, "1", 3), fits(INT64_MAX // 3 + 1, "1", 3)] == [
        True,
        True,
        False,
    ]
    assert [fits(1, amount, 4) for amount in ("249999999999999.99", "250000000000000", "250000000000000.01")] == [
        True,
        False,
        False,
    ]


def test_sums_of_counts_are_exact_beyond_an_integer_and_zero_of_none() -> None:
    counts = pa.chunked_array([[INT64_MAX, None], [INT64_MAX, 2]], pa.int64())
    assert total(counts) == 2 * INT64_MAX + 2
    assert total(pa.chunked_array([], pa.int64())) == 0
    assert total(pa.chunked_array([[None]], pa.int64())) == 0
    assert total(pa.chunked_array([[-5, 3]])) == -2


@pytest.mark.parametrize(("more", "kind"), [(0, pa.int64()), (1, pa.decimal128(38, 0))])
def test_a_column_of_sums_is_of_integers_up_to_the_last_that_is_one_and_each_column_by_itself(
    more: int, kind: pa.DataType
) -> None:
    given = pa.table({"k": ["a", "a", "b"], "n": pa.array([INT64_MAX, more, 1]), "m": pa.array([1, 2, 3])})
    found = sums_by(given, ["k"], ["n", "m"])
    assert (found.schema.field("n").type, found.schema.field("m").type) == (kind, pa.int64())
    assert [[int(each) for each in found[name].to_pylist()] for name in ("n", "m")] == [[INT64_MAX + more, 1], [3, 3]]
    assert found.column_names == ["k", "n", "m"]


def test_a_row_of_a_discount_says_the_price_before_it() -> None:
    found = rate_simple_usage(table({}), {"acme": terms(percent="50")}).charges.to_pylist()[0]
    assert (found["rate_per_million"], found["list_rate_per_million"]) == (1, 2)
    listed = terms(rate(list_prices={Meter.PROMPT: Decimal(4)}), percent="50")
    assert rate_simple_usage(table({}), {"acme": listed}).charges["list_rate_per_million"].to_pylist() == [4]
