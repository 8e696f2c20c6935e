"""Which events a rule of forgetting means, and so which of a later log are left out.

Owns the meaning of a rule for an event. Does not own the rules at rest (``pipeline.lake.log.forgetting``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import cached_property, reduce
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.base.periods import day_start_at, time_zone
from pipeline.lake.checked_files import verified_kept
from pipeline.lake.log.forgetting import RuleKind
from pipeline.objects.encoded import parquet_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    import numpy.typing as npt

    from pipeline.accounts import KeyPeriod
    from pipeline.configuration.workspace import Workspace
    from pipeline.lake.log.forgetting import Forgetting, ForgettingRule, KeySpan

_AHEAD_MAX = timedelta(hours=14)
"""No time zone is farther ahead of UTC."""
COLUMNS = ("api_key_id", "occurred_at")
"""What a rule looks at."""


def is_certainly_meant(rule: ForgettingRule, at: datetime, events: pa.Table) -> pa.Array:
    """Say of each event whether a rule of the instant ``at`` means it whatever time zone its account has.

    An account may have another one by now than when something was forgotten.
    """
    if rule.kind is RuleKind.BEFORE:
        began_at = datetime.combine(rule.before_date, time.min, UTC) - _AHEAD_MAX
        times = events["occurred_at"].combine_chunks()
        return pc.less(times, pa.scalar(began_at, times.type))
    return _is_of_keys(rule, at, events)


def is_meant(workspace: Workspace, rule: ForgettingRule, at: datetime, events: pa.Table) -> pa.Array:
    """Say of each event whether a rule of the instant ``at`` means it.

    A date ends in the time zone of the account that the key is of, as the usage date of an invoice does; that of a key
    of no account in the time zone of the workspace. A key, or the keys of an account, are meant up to ``at``: what they
    are used for later is new.
    """
    if rule.kind is RuleKind.BEFORE:
        keys, times = events["api_key_id"].combine_chunks(), events["occurred_at"].combine_chunks()
        return _is_before(workspace, rule, keys, times)
    return _is_of_keys(rule, at, events)


def _is_of_keys(rule: ForgettingRule, at: datetime, events: pa.Table) -> pa.Array:
    keys, times = events["api_key_id"].combine_chunks(), events["occurred_at"].combine_chunks()
    is_early = pc.less(times, pa.scalar(at, times.type))
    if rule.kind is RuleKind.KEY:
        return pc.and_(is_early, pc.equal(keys, rule.value))
    none = pa.repeat(pa.scalar(value=False), len(keys))
    return pc.and_(is_early, reduce(pc.or_, (_is_within(span, keys, times) for span in rule.keys), none))


def _is_before(workspace: Workspace, rule: ForgettingRule, keys: pa.Array, times: pa.Array) -> pa.Array:
    usual = day_start_at(rule.before_date, time_zone(workspace.settings.timezone))
    found = pc.less(times, pa.scalar(usual, times.type))
    present = set(pc.unique(keys).to_pylist())
    for span, zone in _spans(workspace):
        ends_at = day_start_at(rule.before_date, zone)
        if span.key_id in present and ends_at != usual:
            is_of_it = _is_within(span, keys, times)
            found = pc.if_else(is_of_it, pc.less(times, pa.scalar(ends_at, times.type)), found)
    return found


def _spans(workspace: Workspace) -> list[tuple[KeyPeriod, ZoneInfo]]:
    return [(key, account.zone) for account in workspace.accounts for key in account.keys]


def _is_within(span: KeySpan | KeyPeriod, keys: pa.Array, times: pa.Array) -> pa.Array:
    found = pc.equal(keys, span.key_id)
    if span.from_at is not None:
        found = pc.and_(found, pc.greater_equal(times, pa.scalar(span.from_at, times.type)))
    if span.to_at is not None:
        found = pc.and_(found, pc.less(times, pa.scalar(span.to_at, times.type)))
    return found


@dataclass(kw_only=True)
class WhatWasForgotten:
    """All that was forgotten, to be asked of events that come later."""

    workspace: Workspace
    forgettings: Sequence[Forgetting] = field(default_factory=tuple)

    def has(self, events: pa.Table) -> pa.Array:
        """Say of each event whether it is of what was forgotten: by a rule, or as another copy of such a response."""
        found = pa.repeat(pa.scalar(value=False), events.num_rows)
        for each in self.forgettings:
            found = pc.or_(found, is_meant(self.workspace, each.rule, each.at, events))
        return pc.or_(found, self._are_copies(events["event_id"].combine_chunks()))

    def certainly_has(self, events: pa.Table) -> pa.Array:
        """Say so where it cannot be otherwise: see ``is_certainly_meant``."""
        found = self._are_copies(events["event_id"].combine_chunks())
        for each in self.forgettings:
            found = pc.or_(found, is_certainly_meant(each.rule, each.at, events))
        return found

    def _are_copies(self, ids: pa.Array) -> pa.Array:
        """Look up how identities begin first: of all that were ever forgotten, only few are looked at whole."""
        if not len(self._beginnings):
            return pa.repeat(pa.scalar(value=False), len(ids))
        mine = _beginnings(ids)
        places = np.searchsorted(self._beginnings, mine).clip(max=len(self._beginnings) - 1)
        begin_alike = pa.array(self._beginnings[places] == mine)
        if not pc.any(begin_alike).as_py():
            return begin_alike
        return pc.and_(begin_alike, pc.is_in(ids.cast(pa.binary()), value_set=self._identities))

    @cached_property
    def _beginnings(self) -> npt.NDArray[np.uint64]:
        return np.unique(_beginnings(self._identities))

    @cached_property
    def _identities(self) -> pa.Array:
        paths = verified_kept(self.workspace.lake, [each.identities for each in self.forgettings])
        tables = [parquet_bytes.decode(path.read_bytes())["event_id"].cast(pa.binary()) for path in paths]
        return pa.chunked_array([chunk for table in tables for chunk in table.chunks], pa.binary()).combine_chunks()


def _beginnings(ids: pa.Array) -> npt.NDArray[np.uint64]:
    """Return the first 8 of the 16 bytes of each identity."""
    fixed = ids.cast(pa.binary(16))
    words = np.frombuffer(fixed.buffers()[1] or b"", np.uint64).reshape(-1, 2)
    return words[fixed.offset : fixed.offset + len(fixed), 0]
