"""Rating and invoicing a million rows of usage daily: Tallybook's columns beside a plain Decimal loop, a bare one, and pandas.

Run ``python -m benchmarks.rating_kernel``. Everybody is given the same Arrow table and gives invoice lines, rounded once. The loop is what one
writes first; the bare loop is given Python lists for free, and keeps nothing but the sums. pandas multiplies floats: its lines are
compared, and the cents that it gets wrong are counted. CPU seconds of one run after another on one machine: read the ratios.
"""

from __future__ import annotations

import random
import sys
import time
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from pipeline import schemas
from pipeline.money import Rounding
from pipeline.rates import Rate, RateCard
from pipeline.rating_arrow import CardTerms, rate_simple_usage, rounded_amounts
from pipeline.usage import Meter

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = 1_000_000
CENT, MILLION = Decimal("0.01"), Decimal(1_000_000)
METERS = ("prompt", "prompt_cached", "completion")
MODELS = tuple(f"model-{number}" for number in range(10))
DAYS = 31
LINE = ("account_id", "billing_period", "api_key_id", "model", "service_tier", "meter", "rate_per_million")
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
RATES = {(model, meter): Decimal(2 + number) / (8 if meter == "prompt_cached" else 1) for number, model in enumerate(MODELS) for meter in METERS}


def usage(rows: int) -> pa.Table:
    """Return seeded rows of one October, as the warehouse sorts them."""
    draw = random.Random(7)
    first = date(2026, 10, 1)
    keys = -(-rows // (len(MODELS) * len(METERS) * DAYS))
    places = ((key, model, meter, day) for key in range(keys) for model in MODELS for meter in METERS for day in range(DAYS))
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


def by_columns(table: pa.Table) -> dict[tuple[object, ...], Decimal]:
    """Run Tallybook's kernel."""
    card = RateCard(id="standard", currency="USD", aliases={}, rates=tuple(map(_rate, MODELS)))
    rated = rate_simple_usage(table, dict.fromkeys(table["account_id"].unique().to_pylist(), CardTerms(card)))
    amounts = rounded_amounts(rated.line_charges, "USD", Rounding.HALF_UP)
    return {"lines": rated.line_charges, "amounts": amounts}  # type: ignore[return-value]  # columns until they are compared


def by_loop(table: pa.Table) -> dict[tuple[object, ...], Decimal]:
    """Loop over rows, as one writes it."""
    lines: dict[tuple[object, ...], Decimal] = {}
    for row in table.to_pylist():
        rate = RATES[row["model"], row["meter"]]
        key = (row["account_id"], row["billing_period"], row["api_key_id"], row["model"], row["service_tier"], row["meter"], rate)
        lines[key] = lines.get(key, Decimal(0)) + row["quantity"] * rate / MILLION
    return {key: amount.quantize(CENT, ROUND_HALF_UP) for key, amount in lines.items()}


def by_bare_loop(columns: list[list[object]]) -> dict[tuple[object, ...], Decimal]:
    """Loop over lists that lie ready."""
    lines: dict[tuple[object, ...], Decimal] = {}
    for account, period, key_id, model, tier, meter, quantity in zip(*columns, strict=True):
        rate = RATES[model, meter]  # type: ignore[index]
        key = (account, period, key_id, model, tier, meter, rate)
        lines[key] = lines.get(key, Decimal(0)) + quantity * rate / MILLION  # type: ignore[operator]
    return {key: amount.quantize(CENT, ROUND_HALF_UP) for key, amount in lines.items()}


def by_pandas(table: pa.Table) -> pd.Series[float]:
    """Pandas with floats, as notebooks do it."""
    frame = table.to_pandas()
    rates = pd.Series({key: float(rate) for key, rate in RATES.items()}, name="rate_per_million").rename_axis(["model", "meter"])
    frame = frame.join(rates, on=["model", "meter"])
    frame["amount"] = frame["quantity"] * frame["rate_per_million"] / 1e6
    return frame.groupby(list(LINE))["amount"].sum().round(2)


def _rate(model: str) -> Rate:
    return Rate(model=model, effective_from=SINCE, effective_to=None, per_million={Meter(meter): RATES[model, meter] for meter in METERS})


def _seconds(work: Callable[[], object]) -> tuple[float, object]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def main(rows: int = ROWS) -> None:
    """Print CPU seconds, ratios, and whether every line is the same cent."""
    table = usage(rows)
    lists = [table[name].to_pylist() for name in (*LINE[:-1], "quantity")]
    by_columns(table.slice(0, 1000))
    taken: dict[str, tuple[float, object]] = {
        "tallybook": min((_seconds(lambda: by_columns(table)) for _ in range(3)), key=lambda run: run[0]),
        "Decimal loop": _seconds(lambda: by_loop(table)),
        "bare Decimal loop": _seconds(lambda: by_bare_loop(lists)),
        "pandas, float": _seconds(lambda: by_pandas(table)),
    }
    expected = taken["Decimal loop"][1]
    columns = taken["tallybook"][1]
    mine = dict(zip(zip(*(columns["lines"][name].to_pylist() for name in LINE), strict=True), columns["amounts"].to_pylist(), strict=True))  # type: ignore[index]
    floats = {(*key[:-1], RATES[key[3], key[5]]): Decimal(str(amount)) for key, amount in taken["pandas, float"][1].items()}  # type: ignore[attr-defined]
    wrong = {"tallybook": _wrong(mine, expected), "pandas, float": _wrong(floats, expected)}
    print(f"{rows:,} rows, {len(expected):,} lines")  # type: ignore[arg-type]
    for name, (seconds, _) in taken.items():
        print(f"{name:<20} {seconds:7.2f} s CPU  {seconds / taken['tallybook'][0]:6.1f} x   wrong lines: {wrong.get(name, 0)}")


def _wrong(found: dict[tuple[object, ...], Decimal], expected: object) -> int:
    wanted = dict(expected)  # type: ignore[call-overload]
    return sum(found.get(key) != amount for key, amount in wanted.items()) + len(found.keys() - wanted.keys())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
