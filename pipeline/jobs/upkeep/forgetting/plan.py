"""What it would be to forget something: how much of whom, what stays, and what stands in the way.

Owns the refusals. Writes nothing. Does not own which rows these are (``chosen``) nor the doing (``forget``).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline import register
from pipeline.base.errors import ConfigurationError, ExtraMissing, ForgettingBlocked, StoreRefused
from pipeline.base.money import exact_sum, plain_amount
from pipeline.base.periods import BillingPeriod, parse_instant
from pipeline.configuration.source_files import source_path
from pipeline.configuration.stored.key_glob import is_stored
from pipeline.configuration.stored.stored_log import stored_log_at
from pipeline.invoicing.invoice import standing
from pipeline.invoicing.lines import PERIOD_KINDS
from pipeline.invoicing.rules import Rules
from pipeline.jobs.state.aggregate import aggregate
from pipeline.jobs.state.at_issue import configuration_at_issue
from pipeline.jobs.state.claims import broken_claims_of
from pipeline.jobs.state.counts import token_count
from pipeline.jobs.state.drafts import invoice_book
from pipeline.jobs.state.forgotten.kept import EXCHANGES, POINT, USAGE, kept_counts, negated, point_of, summed
from pipeline.jobs.state.held import in_force
from pipeline.jobs.state.history import refuse_lost_history
from pipeline.jobs.upkeep.forgetting.chosen import choose, rows_of
from pipeline.jobs.upkeep.forgetting.difference import Differences
from pipeline.jobs.wording import UNASSIGNED, counted
from pipeline.lake.checked_files import verified_quarantine_files
from pipeline.lake.commits import read_log
from pipeline.objects.encoded.parquet_bytes import read_rows
from pipeline.tables.schemas import MARTS
from pipeline.tables.sums import total

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    import numpy.typing as npt

    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing import InvoiceBook
    from pipeline.jobs.state.aggregate import Aggregate
    from pipeline.jobs.upkeep.forgetting.chosen import Chosen
    from pipeline.lake.log.forgetting import ForgettingRule, Point
    from pipeline.lake.log.snapshot import LakeSnapshot
    from pipeline.lake.log.superseding import Place
    from pipeline.usage.sources import SourceRecord

_NAMED_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthForgotten:
    """What is forgotten of one account and billing period."""

    account_id: str
    """Empty for keys of no account."""
    period: str
    events: int
    tokens: int
    """That are billed."""
    is_billed: bool
    """Whether any usage of it is on a bill, or will be: tokens, or requests with a fee of their own."""
    standing: str
    """The invoice that they were billed on; empty where they were not yet, or where there is nothing to bill."""
    open_amount: str
    """What is not invoiced of them, in words; empty where all is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that a forgetting does, before any of it is done."""

    rule: ForgettingRule
    at: datetime
    snapshot: LakeSnapshot
    """Of the whole lake."""
    chosen: Chosen
    records: Mapping[Place, SourceRecord]
    """What the records of segments say afterwards, of those that change."""
    events: int
    quarantined: int
    months: tuple[MonthForgotten, ...]
    points: tuple[Point, ...]
    counts: Mapping[str, pa.Table]
    """What is kept of all that was ever forgotten, by mart, with points."""
    bytes_removed: int
    """Of the files in which nothing is left."""

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing (left) to be forgotten."""
        return not self.chosen.events and not self.chosen.lines

    @property
    def removed(self) -> int:
        """How many files go as a whole."""
        masks = [*self.chosen.events.values(), *self.chosen.lines.values()]
        return sum(bool(mask.all()) for mask in masks)

    @property
    def rewritten(self) -> int:
        """How many files are replaced by what is left of them."""
        return len(self.chosen.events) + len(self.chosen.lines) - self.removed

    def logs(self, workspace: Workspace) -> tuple[list[str], list[str]]:
        """Return the logs that lie there and hold what is forgotten: without, and with, something that still counts.

        As far as they were collected.
        """
        return logs_with_forgotten(workspace, self.sources)

    @property
    def sources(self) -> list[SourceRecord]:
        """The records of all segments, as of afterwards."""
        pairs = zip(self.snapshot.places, self.snapshot.sources, strict=True)
        return [self.records.get(place, record) for place, record in pairs]


def logs_with_forgotten(workspace: Workspace, sources: list[SourceRecord]) -> tuple[list[str], list[str]]:
    """Return the logs that lie there and hold what was forgotten: without, and with, something that still counts."""
    counts: dict[str, bool] = {}
    holds: set[str] = set()
    for record in sources:
        counts[record.source] = counts.get(record.source, False) or bool(record.events or record.quarantined)
        if record.forgotten:
            holds.add(record.source)
    there = [name for name in counts if name in holds and _lies_there(workspace, name)]
    return [name for name in there if not counts[name]], [name for name in there if counts[name]]


def _lies_there(workspace: Workspace, called: str) -> bool:
    """Say whether a log lies where it was collected; one on a store that does not answer may."""
    if not is_stored(called):
        return source_path(workspace.root, called).is_file()
    try:
        return stored_log_at(called) is not None
    except (ConfigurationError, ExtraMissing, StoreRefused):  # its name may have signs of a glob, which is no address
        return True


def plan_forgetting(workspace: Workspace, rule: ForgettingRule, *, at: datetime, with_uninvoiced: bool = False) -> Plan:
    """Decide what to forget, and what to keep of it.

    Raises ``ForgettingBlocked`` where usage of it is not invoiced, unless that is wanted: then its counts stay, and are
    invoiced; where a correction is pending or usage has no price, since nobody could decide that afterwards; where it
    is held; and while a claim about the counts does not hold. Raises ``HistoryLost`` where lake or register lack what
    other files name.
    """
    refuse_lost_history(workspace)
    workspace = replace(workspace, now=at)
    snapshot = read_log(workspace.lake)
    built = aggregate(workspace)
    if broken := broken_claims_of(built.marts):
        listed = "; ".join(f"{check.name}: {check.detail}" for check in broken)
        message = f"nothing is forgotten while a claim about the counts does not hold: {listed}; see 'tallybook verify'"
        raise ForgettingBlocked(message)
    held = {file.path for file in built.held_files}
    chosen = choose(workspace, snapshot, held, rule, at)
    differences = Differences(chosen=chosen)
    files = [file for file in snapshot.data_files if file.path not in held]
    lost = differences.of(workspace, files)
    months = tuple(_months(workspace, built, lost))
    _refuse(workspace, built, months, with_uninvoiced=with_uninvoiced)
    points, counts = _kept(workspace, snapshot, differences, lost)
    records, events, quarantined = _records(workspace, snapshot, chosen)
    return Plan(
        rule=rule,
        at=at,
        snapshot=snapshot,
        chosen=chosen,
        records=records,
        events=events,
        quarantined=quarantined,
        months=months,
        points=points,
        counts=counts,
        bytes_removed=_bytes_removed(snapshot, chosen),
    )


def _months(workspace: Workspace, built: Aggregate, lost: Mapping[str, pa.Table]) -> Iterator[MonthForgotten]:
    book = invoice_book(workspace, built)
    invoices = _standing(book)
    usage, exchanges = lost[USAGE], lost[EXCHANGES]
    places = {
        (row["account_id"], row["billing_period"])
        for table in (usage, exchanges)
        for row in table.group_by(["account_id", "billing_period"]).aggregate([]).to_pylist()
    }
    for account_id, period in sorted(places, key=lambda place: (place[1], place[0])):
        mine = usage.filter(_is_of(usage, account_id, period))
        billed = invoices.get((account_id, BillingPeriod.parse(period)), "")
        yield MonthForgotten(
            account_id=account_id,
            period=period,
            events=total(exchanges.filter(_is_of(exchanges, account_id, period))["events"]),
            tokens=token_count(mine),
            is_billed=bool(mine.num_rows),
            standing=billed,
            open_amount="" if billed or not mine.num_rows else _open_amount(book, account_id, period, mine),
        )


def _standing(book: InvoiceBook) -> dict[tuple[str, BillingPeriod], str]:
    """Return the invoice of each month of an account that has one which was not taken back."""
    return {
        (part.account_id, month): invoice.id
        for invoice in standing(book.issued)
        for part in invoice.parts
        for month in part.period.months
    }


def _open_amount(book: InvoiceBook, account_id: str, period: str, usage: pa.Table) -> str:
    if not account_id:
        return f"{counted(token_count(usage), 'token')} of keys of no account"
    for draft in book.drafts:
        amounts = [
            line.amount
            for line in draft.lines_of(account_id)
            if line.kind in PERIOD_KINDS and str(draft.month_of(line)) == period
        ]
        if amounts:
            return f"{plain_amount(exact_sum(amounts), draft.currency)} {draft.currency} on {draft.id}"
    return f"{counted(token_count(usage), 'token')} that no draft holds"


def _refuse(
    workspace: Workspace, built: Aggregate, months: tuple[MonthForgotten, ...], *, with_uninvoiced: bool
) -> None:
    touched = {(month.account_id, BillingPeriod.parse(month.period)) for month in months if month.is_billed}
    pending = [
        f"{late.account_id} {late.period}: a correction of {plain_amount(late.difference, late.currency)} "
        f"{late.currency} on {late.draft_id}"
        for late in invoice_book(workspace, built).late
        if (late.account_id, late.period) in touched
    ]
    unpriced: Counter[tuple[str, BillingPeriod]] = Counter()
    for row in built.rated.unpriced:
        place = row.usage.account_id, workspace.accounts.month_of(row.usage.account_id, row.usage.usage_date)
        if place in touched:
            unpriced[place] += row.usage.quantity
    pending += [
        f"{account_id} {month}: {counted(tokens, 'token')} without a price"
        for (account_id, month), tokens in unpriced.items()
    ]
    if pending:
        message = (
            f"what is to be forgotten decides what is open: {_listed(pending)}; issue these drafts first, and give "
            "usage a price: once something of a month is forgotten, what was invoiced for it stands for good"
        )
        raise ForgettingBlocked(message)
    uninvoiced = [
        f"{month.account_id or UNASSIGNED} {month.period}: {month.open_amount}" for month in months if month.open_amount
    ]
    if uninvoiced and not with_uninvoiced:
        message = (
            f"usage that is not invoiced would be forgotten: {_listed(uninvoiced)}; issue it first, or say "
            "--with-uninvoiced: its counts stay and are invoiced, and nobody can show the events behind them"
        )
        raise ForgettingBlocked(message)


def _kept(
    workspace: Workspace, snapshot: LakeSnapshot, differences: Differences, lost: Mapping[str, pa.Table]
) -> tuple[tuple[Point, ...], dict[str, pa.Table]]:
    """Return the states that documents name, and the counts that each lacks from now on, as they differ."""
    states: dict[Point, dict[str, pa.Table]] = {}
    for document in register.read(workspace.root):
        number = document["commit"]
        if number is None or number >= len(snapshot.entry_digests):
            continue  # of a lake before this one that had more commits: nobody can go back there
        try:
            then = configuration_at_issue(workspace, document["configuration_sha256"])
        except ConfigurationError:
            continue  # nobody can recompute it, whatever is kept
        then = replace(then, now=parse_instant(document["issued_at"]), rules=Rules.of(document.get("rules")))
        was = read_log(workspace.lake, until=number)
        point = point_of(then, was)
        if point not in states:
            before = kept_counts(then, was).tables
            more = differences.of(then, in_force(then, was)[0].data_files)
            states[point] = {name: summed(name, [before[name], more[name]]) for name in MARTS}
    points = sorted(states, key=lambda point: (point.commit, point.files, point.configuration_sha256))
    before = kept_counts(workspace, snapshot).tables
    present = {name: summed(name, [before[name], lost[name]]) for name in MARTS}
    return tuple(points), {
        name: _by_point(name, [*(states[point][name] for point in points), present[name]]) for name in MARTS
    }


def _by_point(name: str, tables: list[pa.Table]) -> pa.Table:
    """Return what each table of a mart has more, or less, than the one before it."""
    schema = MARTS[name].append(POINT)
    rows, before = [schema.empty_table()], MARTS[name].empty_table()
    for number, table in enumerate(tables):
        more = summed(name, [table, negated(name, before)])
        rows.append(more.append_column(POINT, pa.array([number] * more.num_rows, pa.int64())))
        before = table
    return pa.concat_tables(rows)


def _records(
    workspace: Workspace, snapshot: LakeSnapshot, chosen: Chosen
) -> tuple[dict[Place, SourceRecord], int, int]:
    """Return the records of segments less what is forgotten of them, and how many events and lines that is."""
    gone: dict[tuple[int, str], _Gone] = {}
    for file in snapshot.data_files:
        if file.path in chosen.events:
            rows = rows_of(workspace.lake, file, ["source", "byte_start", "status"])
            _collect(gone, file.origin, rows.filter(pa.array(chosen.events[file.path])), "status")
    for each in snapshot.quarantine_files:
        if each.path in chosen.lines:
            file_rows = verified_quarantine_files(workspace.lake, [each])[0]
            rows = read_rows(file_rows, ["source", "byte_start", "reason"])
            _collect(gone, each.origin, rows.filter(pa.array(chosen.lines[each.path])), "reason")
    found: dict[Place, SourceRecord] = {}
    for place, record in zip(snapshot.places, snapshot.sources, strict=True):
        mine = gone.get((place.commit, record.source))
        if mine is None:
            continue
        events, lines = (
            mine.taken(kind, record, counts)
            for kind, counts in (("status", record.events), ("reason", record.quarantined))
        )
        if events.total() + lines.total():
            found[place] = replace(
                record,
                events=dict(Counter(record.events) - events),
                quarantined=dict(Counter(record.quarantined) - lines),
                forgotten=record.forgotten + events.total() + lines.total(),
            )
    if any(len(starts) for each in gone.values() for starts in each.starts.values()):
        message = "rows of the lake lie in no segment that its commits state; see 'tallybook verify'"
        raise ForgettingBlocked(message)
    events_gone = sum(
        int(mask.sum()) for path, mask in chosen.events.items() if path in {file.path for file in snapshot.data_files}
    )
    in_force_lines = {file.path for file in snapshot.quarantine_files}
    return found, events_gone, sum(int(mask.sum()) for path, mask in chosen.lines.items() if path in in_force_lines)


@dataclass(frozen=True, slots=True)
class _Gone:
    """Where forgotten rows of one log begin, by ``status`` or ``reason`` and its value; less what was taken."""

    starts: dict[tuple[str, str], npt.NDArray[np.int64]]

    def taken(self, kind: str, record: SourceRecord, counts: Mapping[str, int]) -> Counter[str]:
        """Take the rows that lie in a segment, as many of each value as its record counts, and count them.

        Segments of one commit may overlap where a log changed while it was read: any of them may have a row then.
        """
        found: Counter[str] = Counter()
        for value, count in counts.items():
            starts = self.starts.get((kind, value))
            if starts is not None:
                within = np.flatnonzero((starts >= record.start) & (starts < record.end))[:count]
                found[value] = len(within)
                self.starts[kind, value] = np.delete(starts, within)
        return found


def _collect(gone: dict[tuple[int, str], _Gone], origin: int | None, rows: pa.Table, kind: str) -> None:
    for pair in rows.group_by(["source", kind]).aggregate([]).to_pylist():
        is_mine = pc.and_(pc.equal(rows["source"], pair["source"]), pc.equal(rows[kind], pair[kind]))
        starts = gone.setdefault((origin or 0, pair["source"]), _Gone({})).starts
        key = kind, pair[kind]
        more = rows["byte_start"].filter(is_mine).to_numpy()
        starts[key] = np.concatenate([starts[key], more]) if key in starts else more


def _bytes_removed(snapshot: LakeSnapshot, chosen: Chosen) -> int:
    files = {file.path: file.size for file in (*snapshot.data_files, *snapshot.superseded_files)}
    lines = {file.path: file.size for file in (*snapshot.quarantine_files, *snapshot.superseded_quarantine_files)}
    return sum(files[path] for path, mask in chosen.events.items() if mask.all()) + sum(
        lines[path] for path, mask in chosen.lines.items() if mask.all()
    )


def _is_of(table: pa.Table, account_id: str, period: str) -> pa.ChunkedArray:
    return pc.and_(pc.equal(table["account_id"], account_id), pc.equal(table["billing_period"], period))


def _listed(texts: list[str]) -> str:
    rest = f" and {len(texts) - _NAMED_MAX} more" if len(texts) > _NAMED_MAX else ""
    return "; ".join(texts[:_NAMED_MAX]) + rest
