"""Rating and invoicing a million rows of usage daily: Tallybook beside a plain Decimal loop, a bare one, and pandas.

Run ``python -m benchmarks.books.rating_kernel``. Everybody is given the same Arrow table and gives invoice lines,
rounded once:

* *rated, on lines*: charges of every row, and the lines' rounded amounts, on columns
* *invoices drafted*: as the nightly run does it: every check of terms, an invoice for each account, all of its lines
* *invoices written*: and ``lines.csv``
* *Decimal loop*: what one writes first: rows, one multiplication and one addition for each, rounding at the end
* *bare Decimal loop*: the same over Python lists that lie ready and cost nothing
* *pandas, float*: multiplies floats; the cents that it gets wrong are counted

CPU seconds on one machine, all in turn: read the ratios. ``python -m benchmarks.books.rating_kernel 200000 3`` takes
fewer rows and rounds.
"""

from __future__ import annotations

import csv
import random
import sys
import time
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from statistics import median
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from pipeline.accounts import Account, Accounts
from pipeline.base.money import Rounding
from pipeline.documents.invoice_csv import lines_csv
from pipeline.invoicing import make_book
from pipeline.jobs.state.lines.charged_lines import lines_by_invoice
from pipeline.jobs.state.rate import rate
from pipeline.rates import Rate, RateCard
from pipeline.tables import schemas
from pipeline.tables.rating import CardTerms, rate_simple_usage, rounded_amounts
from pipeline.usage import Meter

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.invoicing import InvoiceBook

ROWS = 1_000_000
CENT, MILLION = Decimal("0.01"), Decimal(1_000_000)
METERS = ("prompt", "prompt_cached", "completion")
MODELS = tuple(f"model-{number}" for number in range(10))
DAYS = 31
LINE = ("account_id", "api_key_id", "model", "meter")
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
RATES = {
    (model, meter): Decimal(2 + number) / (8 if meter == "prompt_cached" else 1)
    for number, model in enumerate(MODELS)
    for meter in METERS
}
PER_TOKEN = {place: rate / MILLION for place, rate in RATES.items()}
Lines = dict[tuple[str, ...], Decimal]


def usage(rows: int) -> pa.Table:
    """Return seeded rows of one October, as the warehouse sorts them."""
    draw = random.Random(7)
    first = date(2026, 10, 1)
    keys = -(-rows // (len(MODELS) * len(METERS) * DAYS))
    places = (
        (key, model, meter, day) for key in range(keys) for model in MODELS for meter in METERS for day in range(DAYS)
    )
    chosen = [place for _, place in zip(range(rows), places, strict=False)]
    columns = {
        "account_id": [f"account-{key // 100:03}" for key, *_ in chosen],
        "api_key_id": [f"key_{key:05}" for key, *_ in chosen],
        "model": [model for _, model, _, _ in chosen],
        "service_tier": [""] * rows,
        "meter": [meter for *_, meter, _ in chosen],
        "rate_window_start": [SINCE] * rows,
        "usage_date": [first + timedelta(days=day) for *_, day in chosen],
        "billing_period": ["2026-10"] * rows,
        "quantity": [draw.randrange(1, 10**7) for _ in chosen],
        "prompt_band": [0] * rows,
    }
    return pa.table(columns, schema=schemas.USAGE_DAILY)


def by_columns(table: pa.Table) -> tuple[pa.Table, pa.ChunkedArray]:
    """Run Tallybook's kernel."""
    rated = rate_simple_usage(table, dict.fromkeys(table["account_id"].unique().to_pylist(), CardTerms(_card())))
    return rated.line_charges, rounded_amounts(rated.line_charges, "USD", Rounding.HALF_UP)


def drafted(table: pa.Table) -> InvoiceBook:
    """Rate and draft every invoice, as a nightly run does once usage is counted."""
    account_ids = table["account_id"].unique().to_pylist()
    accounts = Accounts(
        accounts=tuple(
            Account(id=name, name=name, timezone="UTC", rate_card="standard", key_ids=()) for name in account_ids
        )
    )
    charges = rate(table, accounts, {"standard": _card()}).line_charges
    terms = {"currencies": dict.fromkeys(account_ids, "USD"), "rounding": Rounding.HALF_UP}
    usage = lines_by_invoice(charges, **terms) or {}
    return make_book(issued=(), charges={}, usage=usage, places=list(usage), accounts=accounts, **terms)


def by_loop(table: pa.Table) -> Lines:
    """Loop over rows, as one writes it."""
    lines: Lines = {}
    for row in table.to_pylist():
        key = (row["account_id"], row["api_key_id"], row["model"], row["meter"])
        lines[key] = lines.get(key, Decimal(0)) + row["quantity"] * PER_TOKEN[row["model"], row["meter"]]
    return {key: amount.quantize(CENT, ROUND_HALF_UP) for key, amount in lines.items()}


def by_bare_loop(columns: list[list[object]]) -> Lines:
    """Loop over lists that lie ready."""
    lines: Lines = {}
    for account, key_id, model, meter, quantity in zip(*columns, strict=True):
        key = (account, key_id, model, meter)
        lines[key] = lines.get(key, Decimal(0)) + quantity * PER_TOKEN[model, meter]  # type: ignore[arg-type, index, operator]  # columns of a table
    return {key: amount.quantize(CENT, ROUND_HALF_UP) for key, amount in lines.items()}


def by_pandas(table: pa.Table) -> pd.Series[float]:
    """Pandas with floats, as notebooks do it."""
    frame = table.to_pandas()
    rates = pd.Series({key: float(rate) for key, rate in RATES.items()}, name="rate_per_million").rename_axis(
        ["model", "meter"]
    )
    frame = frame.join(rates, on=["model", "meter"])
    frame["amount"] = frame["quantity"] * frame["rate_per_million"] / 1e6
    return frame.groupby(list(LINE))["amount"].sum().round(2)


def _card() -> RateCard:
    rates = [{Meter(meter): RATES[model, meter] for meter in METERS} for model in MODELS]
    priced = tuple(
        Rate(model=model, effective_from=SINCE, effective_to=None, per_million=prices)
        for model, prices in zip(MODELS, rates, strict=True)
    )
    return RateCard(id="standard", currency="USD", aliases={}, rates=priced)


def _seconds(work: Callable[[], object]) -> tuple[float, object]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def main(rows: int = ROWS, rounds: int = 5) -> None:
    """Print CPU seconds and ratios, and how many lines are not the same cent."""
    table = usage(rows)
    lists = [table[name].to_pylist() for name in (*LINE, "quantity")]
    by_columns(table.slice(0, 1000))
    contenders: dict[str, Callable[[], object]] = {
        "Decimal loop": lambda: by_loop(table),
        "bare Decimal loop": lambda: by_bare_loop(lists),
        "pandas, float": lambda: by_pandas(table),
        "rated, on lines": lambda: by_columns(table),
        "invoices drafted": lambda: drafted(table),
        "invoices written": lambda: lines_csv(drafted(table).of()),
    }
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    lines: dict[str, Lines] = {}
    for _ in range(rounds):
        for name, work in contenders.items():
            seconds, result = _seconds(work)
            taken[name].append(seconds)
            lines[name] = _lines_of(result)
    expected = lines["Decimal loop"]
    print(f"{rows:,} rows, {len(expected):,} lines, {rounds} rounds")
    for name, mine in taken.items():
        ratios = [loop / seconds for loop, seconds in zip(taken["Decimal loop"], mine, strict=True)]
        spread = f"{median(ratios):5.1f} ({min(ratios):.1f} to {max(ratios):.1f})"
        print(
            f"{name:<20} {median(mine):7.2f} s CPU   faster than the loop by {spread}   lines that differ: "
            f"{_wrong(lines[name], expected)}"
        )


def _lines_of(result: Any) -> Lines:
    """Return the amounts of what any contender returns, by account, key, model and meter."""
    if isinstance(result, dict):
        return result
    if isinstance(result, pd.Series):
        return {key: Decimal(str(amount)) for key, amount in result.items()}  # type: ignore[misc]  # of four levels
    if isinstance(result, bytes):
        return {
            tuple(row[name] for name in LINE): Decimal(row["amount"])
            for row in csv.DictReader(result.decode().splitlines())
        }
    if isinstance(result, tuple):
        columns, amounts = result
        return dict(
            zip(zip(*(columns[name].to_pylist() for name in LINE), strict=True), amounts.to_pylist(), strict=True)
        )
    return {
        (draft.account_id, line.api_key_id, line.model, str(line.meter)): line.amount
        for draft in result.drafts
        for line in draft.lines
    }


def _wrong(found: Lines, expected: Lines) -> int:
    return sum(found.get(key) != amount for key, amount in expected.items()) + len(found.keys() - expected.keys())


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
