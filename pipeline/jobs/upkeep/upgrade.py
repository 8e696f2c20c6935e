"""What a newer program makes of a workspace at rest: said before, and done at once instead of by the next night.

Nothing is ever converted: commits, documents, payments, kept configurations and signatures stay as they were written,
and are read as they are. What changes is what can be derived, the version that the lake states, and the files of
invoices, which a newer program may write with more columns. Each step may be done twice, so a run that died is
finished by the next one; a night does the same, in its course.

Owns what is said of it, and that every file is of a format we know before any is written. Does not own the steps.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.base.money import plain
from pipeline.collectors import read_by
from pipeline.configuration.keys.key_aliases import read_key_aliases
from pipeline.jobs.state.aggregate import aggregate, aggregate_what_is_new, inputs_of, write_marts
from pipeline.jobs.state.drafted.changed import draft_what_changed
from pipeline.jobs.state.drafted.issued import read_issued
from pipeline.jobs.state.drafts import invoice_book, period_files
from pipeline.jobs.state.history import refuse_lost_history
from pipeline.jobs.state.log_formats import log_format_of
from pipeline.jobs.state.notices.acknowledged import read_acknowledged
from pipeline.jobs.state.suspicious import SUSPICIOUS_COPIES, suspicious_copies, write_suspicious_copies
from pipeline.jobs.wording import counted
from pipeline.lake.commits import grown, read_log, sweep_orphans
from pipeline.lake.derived import CHARGES, EXCHANGES_DAILY, USAGE_DAILY, read_manifest, sweep_derived
from pipeline.objects.lock import locked
from pipeline.register import configurations
from pipeline.register.invoice_files import INVOICES_FILE, read_period_file, written_periods
from pipeline.register.lost_commits import read_lost_commits
from pipeline.register.payments import read_payments
from pipeline.register.signatures import read_signatures
from pipeline.usage import UsageStatus
from pipeline.usage.events import LAKE_VERSION, columns_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime
    from typing import Any

    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing import InvoiceBook
    from pipeline.jobs.state.aggregate import (
        Aggregate,
    )
    from pipeline.lake.log.snapshot import LakeSnapshot

_TABLES = (USAGE_DAILY, EXCHANGES_DAILY, CHARGES, SUSPICIOUS_COPIES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is written otherwise."""

    part: str
    now: str
    then: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedDraft:
    """A draft that comes to something else, by a rule that changed or by what came since; amounts as plain text."""

    invoice_id: str
    before: str
    after: str
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """What a newer program makes of the workspace."""

    changes: tuple[Change, ...]
    drafts: tuple[ChangedDraft, ...]
    segments_again: int
    """Segments of logs with lines that could not be read, by an earlier reader: the next night reads them again."""


def upgrade(workspace: Workspace, *, now: datetime, is_rehearsal: bool) -> Upgrade:
    """Return what the program makes of the workspace, and do it, unless it is only rehearsed.

    Everything that is written is durable before it returns. Raises ``FormatIsNewer`` where a newer program wrote
    anything, before anything is written, and what a night raises of a damaged workspace.
    """
    if is_rehearsal:
        return _planned(workspace)
    with locked(workspace.lake, command="tallybook upgrade", started_at=now):
        planned = _planned(workspace)
        if planned.changes:
            _write(workspace, now)
        sweep_orphans(workspace.lake, read_log(workspace.lake))
        for name in _TABLES:
            sweep_derived(workspace.lake, name)
    return planned


def _write(workspace: Workspace, now: datetime) -> None:
    grown(workspace.lake, read_log(workspace.lake), now)
    built = aggregate_what_is_new(workspace)
    draft_what_changed(workspace, built, read_issued(workspace.root, workspace.lake)).write()
    write_suspicious_copies(workspace, built, suspicious_copies(workspace, built))
    write_marts(workspace, built)  # last: that they are of this program says that all of it is done


def _planned(workspace: Workspace) -> Upgrade:
    history = refuse_lost_history(workspace)
    _refuse_what_is_newer(workspace, history.documents)
    snapshot = read_log(workspace.lake)
    changes = [*_of_the_lake(snapshot), *_of_tables(workspace, snapshot)]
    if not changes:
        return Upgrade(changes=(), drafts=(), segments_again=_segments_again(workspace, snapshot))
    built: Aggregate = aggregate(workspace, is_checked=False)
    book = invoice_book(workspace, built)
    history.refuse_credits(book.late)
    changes += _of_invoice_files(workspace, book)
    return Upgrade(
        changes=tuple(changes),
        drafts=tuple(_changed_drafts(workspace, book)),
        segments_again=_segments_again(workspace, snapshot),
    )


def _refuse_what_is_newer(workspace: Workspace, documents: Iterable[Mapping[str, Any]]) -> None:
    """Read all that carries a format; the register and the lake were read to get here."""
    root = workspace.root
    read_payments(root)
    read_signatures(root)
    read_lost_commits(root)
    read_acknowledged(root)
    read_key_aliases(root)
    for sha256 in {document["configuration_sha256"] for document in documents}:
        if configurations.is_kept(root, sha256):
            configurations.kept(root, sha256)


def _of_the_lake(snapshot: LakeSnapshot) -> Iterator[Change]:
    if snapshot.lake_version is None or snapshot.lake_version >= LAKE_VERSION:
        return
    columns = len(columns_of(LAKE_VERSION)) - len(columns_of(snapshot.lake_version))
    more = f" with {counted(columns, 'more column')}" if columns else ""
    yield Change(
        part="the lake",
        now=f"version {snapshot.lake_version}",
        then=f"version {LAKE_VERSION}{more}; no file is touched",
    )


def _of_tables(workspace: Workspace, snapshot: LakeSnapshot) -> Iterator[Change]:
    program = inputs_of(workspace, snapshot)["program"]
    for name in _TABLES if snapshot.version is not None else ():
        manifest = read_manifest(workspace.lake, name)
        if manifest is None or manifest.inputs.get("program") != program:
            now = "not there" if manifest is None else "of another program"
            yield Change(part=f"lake/{name}", now=now, then="made of all events again")


def _of_invoice_files(workspace: Workspace, book: InvoiceBook) -> Iterator[Change]:
    for period in sorted({invoice.period for invoice in book.of()} | set(written_periods(workspace.root))):
        files = period_files(workspace, book, period)
        there = {name: read_period_file(workspace.root, period, name) for name in files}
        new = sum(content is None for content in there.values())
        differing = sum(content is not None and content != files[name] for name, content in there.items())
        if new or differing:
            yield Change(
                part=f"invoices/{period}",
                now=f"{counted(len(files) - new, 'file')}",
                then=f"{differing} written again, {new} new; {len(files) - new - differing} as they are",
            )


def _changed_drafts(workspace: Workspace, book: InvoiceBook) -> Iterator[ChangedDraft]:
    for period in written_periods(workspace.root):
        content = read_period_file(workspace.root, period, INVOICES_FILE) or b""
        rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        before = {row["invoice_id"]: row["total"] for row in rows if row.get("status") == "draft"}
        for invoice in book.of(period):
            total = plain(invoice.total)
            if before.get(invoice.id, total) != total:
                yield ChangedDraft(
                    invoice_id=invoice.id, before=before[invoice.id], after=total, currency=invoice.currency
                )


def _segments_again(workspace: Workspace, snapshot: LakeSnapshot) -> int:
    """Return how many segments failed in part, and are of sources without batches that are read otherwise now."""
    readers = {
        source.name: read_by(log_format_of(workspace.settings, source))
        for source in workspace.settings.sources
        if source.batch is None
    }
    return sum(
        record.name in readers and record.read_by != readers[record.name]
        for record in snapshot.sources
        if record.quarantined or record.events.get(UsageStatus.UNKNOWN.value)
    )
