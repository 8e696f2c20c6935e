"""A lake of seeded usage events, committed as the pipeline commits them: what the aggregate is measured on.

``python -m benchmarks.inputs.events --events 20M --days 30 DIR`` makes a workspace with its lake. Owns the
distribution: few keys make most of the events, models differ in weight, a few responses were logged twice (at once, or
with a new time after midnight), fewer still contradict each other. Does not own the columns
(``pipeline.tables.schemas``) nor the way into the lake (``pipeline.lake.commits``).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
import pyarrow as pa

from benchmarks.inputs.generate import number_of
from pipeline import lake
from pipeline.lake.commits import LakeSnapshot
from pipeline.objects import layout
from pipeline.tables import schemas
from pipeline.usage import UsageStatus
from pipeline.usage.sources import Algorithm, SegmentDigest, SourceRecord, Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TypeAlias

    from numpy.typing import NDArray

    Numbers: TypeAlias = NDArray[np.int64]

COMMIT_EVENTS_MAX = 1_000_000
ACCOUNTS = 20
KEYS_PER_ACCOUNT = 10
_FIRST_DATE = date(2026, 3, 1)
_DAY_US = 86_400_000_000
MODELS = ("jamba-mini", "jamba-large", "jamba-mini-1.7", "jamba-large-1.7", "jamba-1.5-mini")
"""Of usage, the most used first; all are on the rate card."""
_MODEL_WEIGHTS = (0.5, 0.2, 0.15, 0.1, 0.05)
_STATUSES = (UsageStatus.MEASURED, UsageStatus.ESTIMATED, UsageStatus.UNKNOWN, UsageStatus.FAILED)
_STATUS_WEIGHTS = (0.965, 0.005, 0.005, 0.025)
_MEASURED, _ESTIMATED, _FAILED = 0, 1, 3
_UNPLACED = pa.schema([field.with_nullable(True) for field in schemas.USAGE_EVENTS])  # noqa: FBT003 - pyarrow takes it by position only
_DUPLICATES, _DUPLICATES_NEXT_DAY, _CONFLICTS = 0.01, 0.001, 0.0005


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsRecipe:
    """How many events over how many days; equal recipes make equal lakes."""

    events: int
    days: int = 30
    seed: int = 1
    last_day_events: int | None = None
    """Of one more day after those."""
    keys: int = ACCOUNTS * KEYS_PER_ACCOUNT
    models: tuple[str, ...] = MODELS
    is_even: bool = False
    """Whether all keys and models are used alike; else few of them make most of the events."""

    def counts(self) -> list[int]:
        """Return how many events each day has."""
        days = [self.events * (index + 1) // self.days - self.events * index // self.days for index in range(self.days)]
        return days if self.last_day_events is None else [*days, self.last_day_events]

    @property
    def commits(self) -> int:
        """How many batches there are: one for each day, or more where a day has more events than a commit."""
        return sum(-(-count // COMMIT_EVENTS_MAX) for count in self.counts())


def write_workspace(
    root: Path, *, accounts: int = ACCOUNTS, keys_each: int = KEYS_PER_ACCOUNT, models: Sequence[str] = MODELS
) -> None:
    """Write the configuration of a workspace whose accounts hold the keys of the events; everything is in UTC."""
    (root / "rates").mkdir(parents=True)
    (root / "logs").mkdir()
    (root / "tallybook.toml").write_text(
        'timezone = "UTC"\n[[sources]]\nname = "gateway"\npaths = ["logs/*"]\n', encoding="utf-8"
    )
    keys = key_ids(accounts * keys_each)
    listed = [
        (
            f'[[accounts]]\nid = "account-{number:02d}"\nname = "Account {number}"\nkeys = '
            f"{keys[number * keys_each : (number + 1) * keys_each]}\n"
        )
        for number in range(accounts)
    ]
    (root / "accounts.toml").write_text("\n".join(listed), encoding="utf-8")
    rates = [
        (
            f'[[rates]]\nmodel = "{model}"\neffective_from = 2026-01-01T00:00:00Z\nprompt = {number + 1}.10\n'
            f"completion = {number + 4}.25\nprompt_cached = 0.05\n"
        )
        for number, model in enumerate(models)
    ]
    (root / "rates" / "standard.toml").write_text(
        'id = "standard"\ncurrency = "USD"\n' + "\n".join(rates), encoding="utf-8"
    )


def write_lake(root: Path, recipe: EventsRecipe) -> LakeSnapshot:
    """Commit the events to the workspace's lake, a commit for every night (or more, of a million events at most)."""
    snapshot = LakeSnapshot()
    layout.lake(root).mkdir()
    for day, events in batches(recipe):
        snapshot = commit_batch(root, snapshot, day, events)
    return snapshot


def commit_batch(root: Path, snapshot: LakeSnapshot, day: date, events: pa.Table) -> LakeSnapshot:
    """Commit what one night collected."""
    return lake.commit(
        layout.lake(root),
        snapshot,
        events=events,
        quarantined=schemas.QUARANTINE.empty_table(),
        sources=[_record(len(snapshot.sources), events)],
        committed_at=datetime(day.year, day.month, day.day, 23, 59, tzinfo=UTC),
        key_secret_check=None,
    )


def batches(recipe: EventsRecipe) -> Iterator[tuple[date, pa.Table]]:
    """Yield the events in the order in which they are collected, with the day of the night."""
    chance = np.random.default_rng(recipe.seed)
    late = _UNPLACED.empty_table()
    number = 0
    for index, events in enumerate(recipe.counts()):
        rest = events
        while rest > 0:
            count = min(rest, COMMIT_EVENTS_MAX)
            originals = _events(
                chance, round(count / (1 + _DUPLICATES + _DUPLICATES_NEXT_DAY + _CONFLICTS)), index, number, recipe
            )
            again, next_day, differing = _samples(chance, originals, (_DUPLICATES, _DUPLICATES_NEXT_DAY, _CONFLICTS))
            copies = _moved(again, chance.integers(1_000_000, 90_000_000, len(again)))
            contradicting = _moved(_contradicting(differing), 1_500_000)
            yield (
                _FIRST_DATE + timedelta(days=index),
                _numbered(pa.concat_tables([originals, copies, contradicting, late]), number),
            )
            late = _moved(next_day, _DAY_US)
            rest -= count
            number += 1


def _events(chance: np.random.Generator, count: int, day: int, number: int, recipe: EventsRecipe) -> pa.Table:
    """Make events of one UTC day, none in its last minutes, so that the copies of a conflict fall on the same date."""
    begins_us = (
        int(datetime(_FIRST_DATE.year, _FIRST_DATE.month, _FIRST_DATE.day, tzinfo=UTC).timestamp()) * 1_000_000
        + day * _DAY_US
    )
    keys = key_ids(recipe.keys)
    weights = 1 / np.arange(1, len(keys) + 1)
    key = chance.choice(len(keys), count, p=None if recipe.is_even else weights / weights.sum())
    model = chance.choice(len(recipe.models), count, p=None if recipe.is_even else _MODEL_WEIGHTS)
    status = chance.choice(len(_STATUSES), count, p=_STATUS_WEIGHTS)
    prompt, completion = (
        chance.lognormal(7, 1.2, count).astype(np.int64) + 5,
        chance.lognormal(5, 1, count).astype(np.int64) + 1,
    )
    is_measured, has_no_tokens = status == _MEASURED, status > _ESTIMATED
    is_stream = chance.random(count) < 0.4  # noqa: PLR2004 - two in five
    cached = pa.array(prompt // 2, mask=~is_measured | (chance.random(count) > 0.06))  # noqa: PLR2004 - a few prompts are cached
    text = pa.string()
    columns = {
        "event_id": pa.Array.from_buffers(pa.binary(16), count, [None, pa.py_buffer(chance.bytes(16 * count))]),
        "request_id": _hex_ids(chance, count, b""),
        "response_id": _without(_hex_ids(chance, count, b"chatcmpl-"), status == _FAILED),
        "occurred_at": pa.array(
            np.sort(chance.integers(0, _DAY_US - 300_000_000, count)) // 1_000 * 1_000 + begins_us, schemas.INSTANT
        ),
        "api_key_id": pa.array(keys, text).take(pa.array(key)),
        "model_requested": pa.array(recipe.models, text).take(pa.array(model)),
        "model_reported": pa.nulls(count, text),
        "service_tier": pa.nulls(count, text),
        "status": pa.array([each.value for each in _STATUSES], text).take(pa.array(status)),
        "http_status": pa.array(np.where(status == _FAILED, 429, 200), pa.int32()),
        "stream": pa.array(is_stream),
        "choices": pa.array(np.ones(count, np.int32), mask=status == _FAILED),
        "finish_reason": pa.array(["stop", "length"], text).take(
            pa.array((chance.random(count) < 0.1).astype(np.int64))  # noqa: PLR2004 - some are cut
        ),
        "prompt_tokens": pa.array(prompt, mask=~is_measured),
        "completion_tokens": pa.array(completion, mask=has_no_tokens),
        "prompt_cached_tokens": cached,
        "content_chunks": pa.array(completion, mask=status != _ESTIMATED),
        "dialect": _without(pa.array(["openai-chat"] * count, text), status == _FAILED),
        "source": pa.array([f"logs/2026-{number:05d}.jsonl"] * count, text),
    }
    columns |= {
        field.name: pa.nulls(count, field.type) for field in _UNPLACED if field.name not in columns
    }  # what the sample states nothing of
    return pa.table(columns, schema=_UNPLACED)


def _numbered(events: pa.Table, number: int) -> pa.Table:
    """Give every event its place in the log of its commit."""
    line = np.arange(1, len(events) + 1)
    places = {
        "line": line,
        "byte_start": (line - 1) * 2_000,
        "byte_end": line * 2_000,
        "source": [f"logs/2026-{number:05d}.jsonl"] * len(events),
    }
    columns = [
        pa.array(places[field.name], field.type) if field.name in places else events[field.name]
        for field in schemas.USAGE_EVENTS
    ]
    return pa.table(columns, schema=schemas.USAGE_EVENTS)


def _samples(chance: np.random.Generator, events: pa.Table, shares: Sequence[float]) -> Iterator[pa.Table]:
    """Take some measured events for each share, none twice: what is copied is not contradicted as well."""
    measured = chance.permutation(np.flatnonzero(events["status"].to_numpy() == UsageStatus.MEASURED.value))
    begin = 0
    for share in shares:
        end = begin + int(len(events) * share)
        yield events.take(pa.array(measured[begin:end]))
        begin = end


def _moved(events: pa.Table, by_us: int | Numbers) -> pa.Table:
    at_us = events["occurred_at"].cast(pa.int64()).to_numpy() + by_us
    return events.set_column(
        events.schema.get_field_index("occurred_at"), "occurred_at", pa.array(at_us, schemas.INSTANT)
    )


def _contradicting(events: pa.Table) -> pa.Table:
    index = events.schema.get_field_index("completion_tokens")
    return events.set_column(
        index, "completion_tokens", pa.array(events["completion_tokens"].to_numpy() + 17, pa.int64())
    )


def _without(column: pa.Array, mask: NDArray[np.bool_]) -> pa.Array:
    return pa.compute.if_else(pa.array(mask), pa.scalar(None, column.type), column)


def _hex_ids(chance: np.random.Generator, count: int, prefix: bytes) -> pa.Array:
    """Make ``count`` strings of ``prefix`` and 32 hexadecimal digits."""
    digits = np.frombuffer(chance.bytes(16 * count).hex().encode(), np.uint8).reshape(count, 32)
    head = np.tile(np.frombuffer(prefix, np.uint8), (count, 1))
    offsets = np.arange(count + 1, dtype=np.int32) * (len(prefix) + 32)
    return pa.Array.from_buffers(
        pa.string(), count, [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(np.hstack([head, digits])))]
    )


def key_ids(count: int = ACCOUNTS * KEYS_PER_ACCOUNT) -> list[str]:
    """Return the key ids of all accounts, in their order; the first ones are used most."""
    numbers = (number.to_bytes(max(1, (number.bit_length() + 7) // 8)) for number in range(count))
    return [f"key_{hashlib.sha256(number).hexdigest()[:32]}" for number in numbers]


def _record(number: int, events: pa.Table) -> SourceRecord:
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    counts = {entry["values"]: entry["counts"] for entry in events["status"].value_counts().to_pylist()}
    return SourceRecord(
        source=f"logs/2026-{number:05d}.jsonl",
        name="gateway",
        compression="none",
        file_size=len(events) * 2_000,
        start=0,
        end=len(events) * 2_000,
        first_line=1,
        digest=SegmentDigest(Algorithm.SHA256, digest),
        head=Window(size=2**16, sha256=digest),
        tail=Window(size=2**16, sha256=digest),
        lines=len(events),
        blank=0,
        events=dict(sorted(counts.items())),
    )


@click.command()
@click.argument("root", type=click.Path(path_type=Path, file_okay=False))
@click.option("--events", default="5M", show_default=True)
@click.option("--days", default=30, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(root: Path, events: str, days: int, seed: int) -> None:
    """Make a workspace whose lake holds that many events."""
    write_workspace(root)
    snapshot = write_lake(root, EventsRecipe(events=number_of(events), days=days, seed=seed))
    size = sum(file.size for file in snapshot.data_files)
    rows = sum(file.rows for file in snapshot.data_files)
    click.echo(f"{root}: {rows} events in {len(snapshot.data_files)} files, {size / rows:.1f} bytes an event")


if __name__ == "__main__":
    main()
