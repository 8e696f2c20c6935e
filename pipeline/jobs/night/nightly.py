"""The whole job, in order: collect, aggregate, rate, draft invoices.

Run it every night; run it again and nothing changes.

Owns the order and what the night has to say. Does not own the steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipeline.jobs.night.collect import collect
from pipeline.jobs.night.night_warnings import night_warnings
from pipeline.jobs.night.other_usage import other_usage
from pipeline.jobs.state.aggregate import aggregate_what_is_new, write_marts
from pipeline.jobs.state.claims import broken_claims_of
from pipeline.jobs.state.counts import counts_of
from pipeline.jobs.state.drafted.changed import draft_what_changed
from pipeline.jobs.state.drafted.issued import keep_issued, read_issued
from pipeline.jobs.state.history import refuse_lost_history
from pipeline.jobs.state.notices.acknowledged import read_acknowledged
from pipeline.jobs.state.notices.told import remember_told, strict_failures, told_before
from pipeline.jobs.state.quarantined import quarantined_usage
from pipeline.jobs.state.suspicious import (
    copies_by_key,
    suspicious_copies,
    write_suspicious_copies,
)
from pipeline.lake.log.checkpoints import write_checkpoint_if_due
from pipeline.objects.lock import locked

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.check import Check
    from pipeline.jobs.night.collect import Collected
    from pipeline.jobs.state.aggregate import Aggregate
    from pipeline.jobs.state.drafted.brief import BookInBrief
    from pipeline.jobs.state.quarantined import QuarantinedUsage
    from pipeline.jobs.state.suspicious import SuspiciousCopies
    from pipeline.jobs.warned import NightWarning


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """What one run read and made."""

    collected: Collected
    built: Aggregate
    book: BookInBrief
    counts: dict[str, int]
    """Of the whole lake, not of this run alone."""
    quarantined: tuple[QuarantinedUsage, ...]
    """Likewise."""
    suspicious: tuple[SuspiciousCopies, ...]
    """Likewise; copies that lost and look like requests of their own."""
    warnings: tuple[NightWarning, ...]
    """What needs somebody, as it was found; ``warned.grouped`` says in which order it is told."""
    strict_failures: tuple[str, ...]
    """Why ``--strict`` fails: a line a code of ``[strict] fail_on``; what is known is no reason."""
    broken_claims: tuple[Check, ...]
    """The blocking checks whose claims do not hold: what was counted is wrong, and no draft of it can be issued."""


def nightly(
    workspace: Workspace,
    *,
    now: datetime,
    key_secret: bytes | None,
    force: bool = False,
    accept_lost_commits: bool = False,
    on_progress: Callable[[str, int, int], None] | None = None,
    processes: int = 1,
) -> Night:
    """Do all of it under the workspace's lock; everything it writes is durable before it returns.

    ``processes`` read a large log together. ``force`` commits sources of which most is refused, too. Raises
    ``HistoryLost`` where lake or register lack what other files name; commits that are lost for good may be accepted.
    """
    workspace = replace(workspace, now=now)
    with locked(workspace.lake, command="tallybook nightly", started_at=now):
        acknowledged = read_acknowledged(workspace.root)  # first: a file that is wrong stops nothing half-way
        issued = read_issued(workspace.root, workspace.lake)
        history = refuse_lost_history(
            workspace, accept_at=now if accept_lost_commits else None, documents=[each.stated for each in issued]
        )
        collected = collect(
            workspace,
            now=now,
            key_secret=key_secret,
            history=history,
            force=force,
            on_progress=on_progress,
            processes=processes,
        )
        write_checkpoint_if_due(workspace.lake, collected.snapshot)
        built = aggregate_what_is_new(workspace, collected.snapshot)
        drafted = draft_what_changed(workspace, built, issued)
        history.refuse_credits(drafted.book.late)
        write_marts(workspace, built)
        copies = suspicious_copies(workspace, built)
        write_suspicious_copies(workspace, built, copies)
        drafted.write()
        keep_issued(workspace.lake, issued)
        quarantined = quarantined_usage(workspace, built.snapshot)
        suspicious = copies_by_key(copies)
        found = night_warnings(
            workspace,
            built,
            late=drafted.book.late,
            standing=drafted.book.standing,
            above_caps=drafted.book.above_caps,
            drafts=drafted.book.drafts,
            quarantined=quarantined,
            suspicious=suspicious,
            beside_the_meters=other_usage(workspace, built.snapshot, is_kept=True),
        )
        warnings = told_before(workspace, (*collected.warnings, *found), acknowledged)
        remember_told(workspace, warnings, now=now)
    return Night(
        collected=collected,
        built=built,
        book=drafted.book,
        counts=counts_of(built),
        quarantined=quarantined,
        suspicious=suspicious,
        warnings=warnings,
        strict_failures=strict_failures(warnings, workspace.settings.fail_on),
        broken_claims=broken_claims_of(built.marts),
    )
