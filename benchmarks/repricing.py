"""``reprice`` of a million rows of usage daily, beside a plain Decimal loop over the same rows: ``python -m benchmarks.repricing``.

The lake holds 3,000 keys x 28 days x 3 models, one event each with tokens on all four meters: 1,008,000 rows. The loop only
multiplies and adds; ``reprice`` verifies the files, counts the events again under the other card, and drafts every invoice.
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline import schemas
from pipeline.jobs.aggregate import USAGE_DAILY, by_period, count, inputs_of
from pipeline.jobs.reprice import reprice
from pipeline.sources import SourceRecord, Window
from pipeline.storage.derived import write_derived
from pipeline.storage.lake import commit, read_log
from pipeline.storage.workspace import open_workspace

if TYPE_CHECKING:
    from pipeline.storage.workspace import Workspace

KEYS, DAYS, MODELS = 3_000, 28, ("jamba-large", "jamba-mini", "jamba-nano")
NEW_RATES = {"prompt": Decimal("1.75"), "prompt_cached": Decimal("0.45"), "prompt_cache_write": Decimal("2.25"), "completion": Decimal("7.125")}


def main() -> None:
    """Make the lake, reprice it, and print both times and whether the amounts are equal."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = _workspace(Path(folder))
        usage_daily = count(workspace, read_log(workspace.lake)).usage_daily
        write_derived(workspace.lake, USAGE_DAILY, by_period(usage_daily), inputs_of(workspace, read_log(workspace.lake)))
        started_at = time.process_time()
        repricing = reprice(workspace, "new")
        repriced_after = time.process_time() - started_at
        rows = usage_daily.to_pylist()
        started_at = time.process_time()
        looped = _loop(rows)
        looped_after = time.process_time() - started_at
    ours = {(line.api_key_id, line.model, line.meter): line.new_amount for line in repricing.lines}
    exact = all(amount.quantize(Decimal("0.01"), "ROUND_HALF_UP") == ours[place] for place, amount in looped.items())
    print(f"{usage_daily.num_rows} rows of usage daily, {len(repricing.lines)} lines; equal to the cent: {exact}")
    print(f"reprice, everything included   {repriced_after:6.2f} s of CPU")
    print(f"Decimal loop, products alone   {looped_after:6.2f} s of CPU   ({looped_after / repriced_after:.1f} x)")


def _loop(rows: list[dict[str, object]]) -> dict[tuple[object, ...], Decimal]:
    amounts: dict[tuple[object, ...], Decimal] = defaultdict(Decimal)
    for row in rows:
        amounts[row["api_key_id"], row["model"], row["meter"]] += Decimal(int(str(row["quantity"]))) * NEW_RATES[str(row["meter"])] / 1_000_000
    return amounts


def _workspace(root: Path) -> Workspace:
    (root / "rates").mkdir()
    (root / "tallybook.toml").write_text("", encoding="utf-8")
    keys = ", ".join(f'"key_{number:06}"' for number in range(KEYS))
    (root / "accounts.toml").write_text(f'[[accounts]]\nid = "acme"\nname = "Acme"\nkeys = [{keys}]\n', encoding="utf-8")
    old = "prompt = 2.00\ncompletion = 8.00\nprompt_cached = 0.50\nprompt_cache_write = 2.50\n"
    new = "".join(f"{meter} = {rate}\n" for meter, rate in NEW_RATES.items())
    for card, prices in (("standard", old), ("new", new)):
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
        sha256="0" * 64,
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
