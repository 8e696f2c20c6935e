"""Events of days that have not come: kept in the lake, on no bill until their day is there.

A logger with a wrong clock writes instants of another century. Such an event was consumed and is not lost, but nobody
can owe for a day that has not begun: its date is *held* until it is tomorrow's at the latest, and in a month that has
begun in some time zone in use. Whole UTC dates are held, as the lake keeps them. What is held follows from the lake and
the run's clock alone, and only shrinks: the clock is that of the last commit where that is later, so that what a night
has counted is counted by whoever looks at it afterwards.

Owns which dates are held, and whose events these are. Does not own the clock (``pipeline.cli``) nor what is made of the
others.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.base.periods import BillingPeriod, day_start_at, time_zone
from pipeline.jobs.wording import UNASSIGNED, are, counted
from pipeline.lake.checked_files import verified_data_files
from pipeline.objects.encoded.parquet_bytes import read_rows
from pipeline.tables.sums import total

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from pipeline.configuration.workspace import Workspace
    from pipeline.lake.log.commit import DataFile
    from pipeline.lake.log.snapshot import LakeSnapshot

_AHEAD_MAX = timedelta(days=1)
_COLUMNS = ["api_key_id", "occurred_at", "status", "prompt_tokens", "completion_tokens"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldUsage:
    """The events of one key that are held."""

    api_key_id: str
    account_id: str
    """Empty where the key belongs to no account now."""
    events: int
    statuses: Mapping[str, int]
    """How many of them have each status."""
    tokens: int
    """Prompt and completion tokens that they state."""
    first_date: date
    last_date: date
    """UTC dates."""


def in_force(workspace: Workspace, snapshot: LakeSnapshot) -> tuple[LakeSnapshot, tuple[DataFile, ...]]:
    """Return a snapshot without the data files of held dates, and these files.

    Without a clock (``workspace.now``) nothing is held.
    """
    now = clock_of(workspace, snapshot)
    if now is None:
        return snapshot, ()
    latest = (now.astimezone(UTC) + _AHEAD_MAX).date()
    zones = {workspace.settings.timezone, *(account.timezone for account in workspace.accounts)}
    today = max(now.astimezone(zone).date() for zone in (UTC, *map(time_zone, zones)))
    month_days = {1, *(account.month_day for account in workspace.accounts)}
    ends = (BillingPeriod.of(today, month_day).end_date - timedelta(days=1) for month_day in month_days)
    last = min(latest, *ends)
    held = tuple(file for file in snapshot.data_files if file.date > last)
    if not held:
        return snapshot, ()
    return replace(snapshot, data_files=tuple(file for file in snapshot.data_files if file.date <= last)), held


def clock_of(workspace: Workspace, snapshot: LakeSnapshot) -> datetime | None:
    """Return the clock by which the dates of a snapshot have come, or have not."""
    return (
        workspace.now
        if workspace.now is None or snapshot.committed_at is None
        else max(workspace.now, snapshot.committed_at)
    )


def has_begun(workspace: Workspace, snapshot: LakeSnapshot, account_id: str, period: BillingPeriod) -> bool:
    """Say whether a month has begun in an account's time zone: no draft is made for one that has not."""
    account = workspace.accounts.by_id(account_id)
    return month_has_begun(workspace, snapshot, "" if account is None else account.timezone, period)


def month_has_begun(workspace: Workspace, snapshot: LakeSnapshot, timezone: str, period: BillingPeriod) -> bool:
    """Say whether a month has begun in a time zone; in the empty one of accounts that are gone, all have."""
    now = clock_of(workspace, snapshot)
    return not timezone or now is None or day_start_at(period.first_date, time_zone(timezone)) <= now


def statuses_of(held: Iterable[HeldUsage]) -> Counter[str]:
    """Count what is held by status."""
    statuses: Counter[str] = Counter()
    for usage in held:
        statuses.update(usage.statuses)
    return statuses


def held_usage(workspace: Workspace, files: Sequence[DataFile]) -> tuple[HeldUsage, ...]:
    """Return what the events of held files amount to, key by key. Raises ``DataFileDamaged``."""
    if not files:
        return ()
    events = pa.concat_tables([read_rows(file, _COLUMNS) for file in verified_data_files(workspace.lake, files)])
    found = []
    for key in sorted(events["api_key_id"].unique().to_pylist()):
        own = events.filter(pc.equal(events["api_key_id"], key))
        dates = pc.min_max(own["occurred_at"]).as_py()
        found.append(
            HeldUsage(
                api_key_id=key,
                account_id=workspace.accounts.owner_of(key, workspace.now),
                events=own.num_rows,
                statuses=Counter(own["status"].to_pylist()),
                tokens=sum(total(own[name]) for name in ("prompt_tokens", "completion_tokens")),
                first_date=dates["min"].astimezone(UTC).date(),
                last_date=dates["max"].astimezone(UTC).date(),
            )
        )
    return tuple(found)


def held_text(usage: HeldUsage) -> str:
    """Say how many events of a key are held, whose they are, and until when."""
    dates = str(usage.first_date) if usage.first_date == usage.last_date else f"{usage.first_date} to {usage.last_date}"
    return (
        f"{counted(usage.events, 'exchange')} of key {usage.api_key_id} ({usage.account_id or UNASSIGNED}) with "
        f"{counted(usage.tokens, 'token')} "
        f"{are(usage.events)} dated {dates}, which has not come: held until then and on no bill; "
        "correct the clock that wrote them"
    )
