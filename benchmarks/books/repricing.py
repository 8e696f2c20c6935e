"""``reprice`` of a million rows of usage daily, beside a plain Decimal loop and pandas over the same rows.

``python -m benchmarks.books.repricing``.

The lake holds 3,000 keys x 28 days x 3 models, one event each with tokens on all four meters: 1,008,000 rows. All read
them from where they were written. The loop and pandas multiply and add under the new card alone; ``reprice`` makes
every invoice line under both cards, with what they are compared with. *Counted again* is under a card that prices
reasoning apart, so that all events have to be counted anew.
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.answers.reprice import reprice
from pipeline.jobs.state.aggregate import by_period, count, inputs_of
from pipeline.lake.commits import commit, read_log
from pipeline.lake.derived import USAGE_DAILY, read_derived, write_derived
from pipeline.tables import schemas
from pipeline.usage.sources import Algorithm, SegmentDigest, SourceRecord, Window

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.configuration.workspace import Workspace

CENT = Decimal("0.01")
KEYS, DAYS, MODELS = 3_000, 28, ("jamba-large", "jamba-mini", "jamba-nano")
NEW_RATES = {
    "prompt": Decimal("1.75"),
    "prompt_cached": Decimal("0.45"),
    "prompt_cache_write": Decimal("2.25"),
    "completion": Decimal("7.125"),
}


def main() -> None:
    """Make the lake, reprice it, and print the times and how many lines differ from the loop's."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = _workspace(Path(folder))
        usage_daily = count(workspace, read_log(workspace.lake)).usage_daily
        write_derived(
            workspace.lake, USAGE_DAILY, by_period(usage_daily), inputs_of(workspace, read_log(workspace.lake))
        )
        repriced_after, repricing = _timed(lambda: reprice(workspace, "new"))
        looped_after, looped = _timed(lambda: _loop(_written(workspace)))
        floats_after, floats = _timed(lambda: _floats(_written(workspace)))
        recounted_after, _ = _timed(lambda: reprice(workspace, "apart"))
    ours = {(line.account_id, line.api_key_id, line.model, line.meter): line.new_amount for line in repricing.lines}
    print(f"{usage_daily.num_rows:,} rows of usage daily, {len(repricing.lines):,} lines")
    for name, seconds, found in (
        ("Decimal loop", looped_after, looped),
        ("pandas, float", floats_after, floats),
        ("reprice", repriced_after, ours),
        ("reprice, counted again", recounted_after, None),
    ):
        wrong = (
            ""
            if found is None
            else f"lines that differ: {sum(found[place] != amount for place, amount in looped.items())}"
        )
        print(f"{name:<24} {seconds:6.2f} s CPU   faster than the loop by {looped_after / seconds:4.1f}   {wrong}")


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started_at = time.process_time()
    result = work()
    return time.process_time() - started_at, result


def _written(workspace: Workspace) -> pa.Table:
    """Read the rows where ``reprice`` reads them."""
    written = read_derived(workspace.lake, USAGE_DAILY)
    return pa.concat_tables((written or ({}, {}))[1].values())


def _loop(usage_daily: pa.Table) -> dict[tuple[str, ...], Decimal]:
    """Multiply and add for each row, round at the end."""
    per_token = {meter: rate / 1_000_000 for meter, rate in NEW_RATES.items()}
    amounts: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for row in usage_daily.to_pylist():
        amounts[row["account_id"], row["api_key_id"], row["model"], row["meter"]] += (
            row["quantity"] * per_token[row["meter"]]
        )
    return {place: amount.quantize(CENT, ROUND_HALF_UP) for place, amount in amounts.items()}


def _floats(usage_daily: pa.Table) -> dict[tuple[str, ...], Decimal]:
    frame = usage_daily.to_pandas()
    frame["amount"] = (
        frame["quantity"] * frame["meter"].map({meter: float(rate) for meter, rate in NEW_RATES.items()}) / 1e6
    )
    sums = frame.groupby(["account_id", "api_key_id", "model", "meter"])["amount"].sum().round(2)
    return {place: Decimal(str(amount)) for place, amount in sums.items()}


def _workspace(root: Path) -> Workspace:
    (root / "rates").mkdir()
    (root / "tallybook.toml").write_text("", encoding="utf-8")
    keys = ", ".join(f'"key_{number:06}"' for number in range(KEYS))
    (root / "accounts.toml").write_text(
        f'[[accounts]]\nid = "acme"\nname = "Acme"\nkeys = [{keys}]\n', encoding="utf-8"
    )
    old = "prompt = 2.00\ncompletion = 8.00\nprompt_cached = 0.50\nprompt_cache_write = 2.50\n"
    new = "".join(f"{meter} = {rate}\n" for meter, rate in NEW_RATES.items())
    for card, prices in (("standard", old), ("new", new), ("apart", f"{new}reasoning = 9.00\n")):
        rates = "".join(f'[[rates]]\nmodel = "{model}"\n{prices}' for model in MODELS)
        (root / "rates" / f"{card}.toml").write_text(f'id = "{card}"\n{rates}', encoding="utf-8")
    workspace = open_workspace(root)
    events = _events()
    window = Window(size=1, sha256="0" * 64)
    record = SourceRecord(
        source="logs/made.jsonl",
        name="made",
        compression="none",
        file_size=1,
        start=0,
        end=1,
        first_line=1,
        digest=SegmentDigest(Algorithm.SHA256, "0" * 64),
        head=window,
        tail=window,
        lines=events.num_rows,
        blank=0,
        events={"measured": events.num_rows},
    )
    workspace.lake.mkdir()
    commit(
        workspace.lake,
        read_log(workspace.lake),
        events=events,
        quarantined=schemas.QUARANTINE.empty_table(),
        sources=[record],
        committed_at=datetime(2026, 11, 1, tzinfo=UTC),
        key_secret_check=None,
    )
    return workspace


def _events() -> pa.Table:
    start_at = datetime(2026, 10, 1, 12, tzinfo=UTC)
    places = [(key, day, model) for key in range(KEYS) for day in range(DAYS) for model in MODELS]
    count = len(places)
    filled = {
        "event_id": [number.to_bytes(16, "big") for number in range(count)],
        "response_id": [f"resp-{number}" for number in range(count)],
        "occurred_at": [start_at + timedelta(days=day) for _, day, _ in places],
        "api_key_id": [f"key_{key:06}" for key, _, _ in places],
        "model_reported": [model for _, _, model in places],
        "status": ["measured"] * count,
        "http_status": [200] * count,
        "prompt_tokens": [50_000 + number % 7_919 for number in range(count)],
        "completion_tokens": [1_000 + number % 104_729 for number in range(count)],
        "prompt_cached_tokens": [10_000 + number % 97 for number in range(count)],
        "prompt_cache_write_tokens": [500 + number % 89 for number in range(count)],
        "source": ["logs/made.jsonl"] * count,
        "line": list(range(1, count + 1)),
        "byte_start": [0] * count,
        "byte_end": [1] * count,
    }
    columns = [pa.array(filled.get(field.name, [None] * count), field.type) for field in schemas.USAGE_EVENTS]
    return pa.Table.from_arrays(columns, schema=schemas.USAGE_EVENTS)


if __name__ == "__main__":
    main()
