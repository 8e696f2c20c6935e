"""What files come to in a lake for the time of one answer: collected, counted and rated, and described.

Owns what is asked of that lake, and by which card usage in no account is rated. Does not own which source a file is of
(``try_files``), nor the steps of the night that it takes.
"""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import lake
from pipeline.accounts import Account, Accounts
from pipeline.base.money import exact_sum
from pipeline.collectors import KnownSources, read_log
from pipeline.collectors.guess.samples import formats_of, sample_documents, wrapper_in
from pipeline.configuration.keys.key_secret import SECRET_BYTES_MIN
from pipeline.jobs.night.collect import collect
from pipeline.jobs.night.logs.new_source import mapping_text, paths_beside
from pipeline.jobs.state.aggregate import aggregate
from pipeline.jobs.state.at_issue import AtIssue, reference_of
from pipeline.jobs.state.counts import counts_of
from pipeline.jobs.state.engines import engine_of
from pipeline.jobs.state.log_formats import log_format_of
from pipeline.jobs.state.quarantined import quarantined_lines
from pipeline.lake.checked_files import verified_data_files
from pipeline.objects.encoded.parquet_bytes import read_rows
from pipeline.usage.events import COLUMNS, Role
from pipeline.usage.sources import quarantine_reasons
from pipeline.warehouse.grains.tracing import trace_copies

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal
    from pathlib import Path

    from pipeline.collectors import SourceProblem
    from pipeline.configuration.stored.stored_log import LogPath
    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.night.logs.given_files import ChosenSource
    from pipeline.jobs.night.logs.new_source import NewSource
    from pipeline.jobs.state.aggregate import Aggregate
    from pipeline.jobs.state.lines.event_charges import Event
    from pipeline.lake.log.snapshot import LakeSnapshot

STANDARD_CARD = "standard"
"""What usage of keys in no account is rated by, as it would be in an account that names no card."""
_NOBODY = "no-account"
_TRACED_MAX = 20
"""So many exchanges that were logged more than once are looked at for a duplicate and a conflict."""
_EVENT_COLUMNS = ["event_id", "status", "dialect", "source", "line"]
_NOT_SHOWN = {"event_id", *(column.name for column in COLUMNS if column.role in (Role.SOURCE, Role.PLACE))}


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedFile:
    """One file, and what it was read as."""

    file: str
    """As it was given."""
    compression: str
    wrapper: str | None
    """What a logger put around its lines; None where nothing is."""
    formats: tuple[str, ...]
    """Of its first lines, the most frequent first."""
    source: str
    why: str
    """Why it is read as this source; empty where that names it."""
    paths_to_add: tuple[str, ...]
    """Globs of this file and its like that the source lacks, where it is none of those proposed."""
    collected_before: int
    """So many of its first lines are in the lake: these would not count again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstLine:
    """The first line that came to something."""

    outcome: str
    """A status, or ``quarantined: `` and the reason."""
    lines: int
    file: str
    line: int
    says: str
    """What is kept of it, ``name=value``, or why it is refused; never content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What the billed usage of one account and model costs, exactly."""

    account_id: str
    """Empty for keys in no account, by the card ``standard``."""
    model: str
    tokens: int
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpriced:
    """Tokens of a model for which the account's card has no rate, or that lack the rate of exchange of their day."""

    account_id: str
    """Empty for keys in no account."""
    rate_card: str
    """The card that the account has when they are used."""
    model: str
    tokens: int
    lacking_exchange: str = ""
    """Which rate of exchange is missing, and what to do; empty where it is the card's rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfound:
    """Fields that a source names in ``tallybook.toml``, and that no line has there."""

    source: str
    lines: int
    """So many were looked at."""
    fields: dict[str, Any]
    """As they are written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What the files come to."""

    files: tuple[TriedFile, ...]
    counts: dict[str, int]
    """As ``verify`` counts."""
    quarantine_reasons: dict[str, int]
    families: dict[str, int]
    """Exchanges by how their bodies were read."""
    firsts: tuple[FirstLine, ...]
    is_in_workspace: bool
    """Whether accounts and rate cards are known at all."""
    unassigned: dict[str, int]
    """Exchanges of keys in no account, by key."""
    unpriced: tuple[Unpriced, ...]
    costs: tuple[Cost, ...]
    problems: tuple[SourceProblem, ...]
    warnings: tuple[str, ...]
    has_ids_of_this_run: bool
    """Whether raw keys were met and no secret is there, so that their ids are others the next time."""
    proposed: tuple[NewSource, ...]
    """Sources for the files that none reads."""
    mended: tuple[NewSource, ...]
    """Sources in the place of configured ones that refuse most of a file, where it is known what would read it."""
    unfound: tuple[Unfound, ...]
    """Of configured sources; what is only sometimes there may be among it."""
    mapping_text: str
    """How the lines of each source are mapped to those of a request log, as TOML."""

    @property
    def is_bad(self) -> bool:
        """Whether lines would be quarantined, or a file cannot be read."""
        return bool(self.quarantine_reasons or self.problems)


@dataclass(kw_only=True)
class ScratchLake:
    """A lake for the time of one answer."""

    workspace: Workspace
    called: dict[str, str]
    """The name of each file in the lake → as it was given, in that order."""
    problems: list[SourceProblem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    configured: frozenset[str] = frozenset()
    """The names of the sources of the workspace."""
    is_secret_made_up: bool = False
    aliases_of: Path | None = None
    """The workspace whose rotations of the key secret hold."""

    def collect(
        self, source: str, paths: Sequence[LogPath], *, now: datetime, secret: bytes | None, processes: int
    ) -> None:
        """Collect files as a source, whatever of them is refused."""
        if secret is None:
            self.is_secret_made_up = True
            secret = secrets.token_hex(SECRET_BYTES_MIN).encode()
        collected = collect(
            self.workspace,
            now=now,
            key_secret=secret,
            paths=paths,
            as_source=source,
            force=True,
            processes=processes,
            aliases_of=self.aliases_of,
        )
        self.problems += [replace(each, source=self.called[each.source]) for each in collected.problems]
        self.warnings += [self._as_given(each.text) for each in collected.warnings]

    def _as_given(self, warning: str) -> str:
        named = next((name for name in self.called if warning.startswith(f"{name}: ")), None)
        return warning if named is None else self.called[named] + warning.removeprefix(named)

    def tried(
        self, chosen: dict[LogPath, ChosenSource], proposed: tuple[NewSource, ...], workspace: Workspace | None
    ) -> Tried:
        """Count and rate what was collected, and describe it."""
        snapshot = lake.read_log(self.workspace.lake)
        built = aggregate(self.workspace, is_checked=False)
        unassigned = _unassigned(built)
        with_all = self._with_nobodys_account(unassigned)
        rated, accounts = aggregate(with_all, is_checked=False) if unassigned else built, with_all.accounts
        events = [*self._events(snapshot)]
        reasons = quarantine_reasons(snapshot.sources)
        compressions = {self.called[record.source]: record.compression for record in snapshot.sources}
        files = tuple(self._file(path, each, workspace, compressions) for path, each in chosen.items())
        return Tried(
            files=files,
            counts=counts_of(built),
            quarantine_reasons=reasons,
            families=_families(events),
            firsts=(
                *self._first_events(snapshot, events),
                *self._first_copies(built, events),
                *self._first_quarantined(snapshot, reasons),
            ),
            is_in_workspace=workspace is not None,
            unassigned=unassigned if workspace is not None else {},
            unpriced=_unpriced(rated, accounts) if workspace is not None else (),
            costs=tuple(_costs(rated)),
            problems=tuple(self.problems),
            warnings=tuple(self.warnings),
            has_ids_of_this_run=self.is_secret_made_up and snapshot.key_secret_check is not None,
            proposed=proposed,
            mended=(),
            unfound=(),
            mapping_text="\n".join(self._mapping_texts(files)),
        )

    def _mapping_texts(self, files: Sequence[TriedFile]) -> Iterator[str]:
        for source in self.workspace.settings.sources:
            formats = dict.fromkeys(name for file in files if file.source == source.name for name in file.formats)
            yield mapping_text(source, formats, log_format_of(self.workspace.settings, source))

    def _with_nobodys_account(self, keys: dict[str, int]) -> Workspace:
        """Return the workspace with an account for keys that are in none, on the card that it would have by default."""
        workspace = self.workspace
        mine = [key for key in keys if not workspace.accounts.owner_of(key, None)]
        if STANDARD_CARD not in workspace.rate_cards or not mine or workspace.accounts.by_id(_NOBODY):
            return workspace
        account = Account(
            id=_NOBODY,
            name=_NOBODY,
            timezone=workspace.settings.timezone,
            rate_card=STANDARD_CARD,
            key_ids=tuple(mine),
        )
        accounts = Accounts(accounts=(*workspace.accounts, account), tags=workspace.accounts.tags)
        return replace(workspace, accounts=accounts)

    def _file(
        self, path: LogPath, chosen: ChosenSource, workspace: Workspace | None, compressions: dict[str, str]
    ) -> TriedFile:
        log_format = log_format_of(self.workspace.settings, chosen.source)
        is_named = not chosen.why or chosen.source.name not in self.configured
        before = 0
        if workspace is not None:
            reading = read_log(
                path,
                source=str(path),
                name=chosen.source.name,
                log_format=log_format,
                fingerprint=lambda _: "key",
                known=KnownSources(lake.read_log(workspace.lake).sources),
                segment_events_max=1,
                follows_links=True,
            )
            next(reading, None)
            reading.close()
            before = reading.continued.next_line - 1 if reading.continued is not None else 0
        return TriedFile(
            file=str(path),
            compression=compressions.get(str(path), "none"),
            wrapper=wrapper_in(path, log_format),
            formats=tuple(formats_of(sample_documents(path, log_format), log_format)),
            source=chosen.source.name,
            why=chosen.why,
            paths_to_add=() if is_named else paths_beside(None if workspace is None else workspace.root, path),
            collected_before=before,
        )

    def _events(self, snapshot: LakeSnapshot) -> Iterator[pa.Table]:
        for file in verified_data_files(self.workspace.lake, snapshot.data_files):
            yield read_rows(file, _EVENT_COLUMNS)

    def _row(self, snapshot: LakeSnapshot, place: Mapping[str, Any]) -> dict[str, Any]:
        """Return the row of an event that is in the lake."""
        wanted = [[(name, "=", place[name]) for name in ("source", "line", "status")]]
        rows = (
            row
            for file in verified_data_files(self.workspace.lake, snapshot.data_files)
            for row in read_rows(file, filters=wanted).to_pylist()
        )
        return next(rows)

    def _first_events(self, snapshot: LakeSnapshot, tables: Sequence[pa.Table]) -> Iterator[FirstLine]:
        for status, (lines, place) in _firsts(tables, "status", list(self.called)).items():
            row = self._row(snapshot, place)
            stated = {name: value for name, value in row.items() if value is not None and name not in _NOT_SHOWN}
            says = " ".join(f"{name}={_shown(value)}" for name, value in stated.items() if name != "status")
            yield FirstLine(outcome=status, lines=lines, file=self.called[row["source"]], line=row["line"], says=says)

    def _first_copies(self, built: Aggregate, tables: Sequence[pa.Table]) -> Iterator[FirstLine]:
        """Yield the first duplicate and the first measurement in conflict, as far as the first copies have them."""
        counts = counts_of(built)
        wanted = {"duplicate": counts["duplicates"], "conflict": counts["conflicts"]}
        found: dict[str, Event] = {}
        for place in self._places_of_copies(tables) if any(wanted.values()) else ():
            for event in trace_copies(
                verified_data_files(self.workspace.lake, built.snapshot.data_files),
                reference_of(AtIssue(workspace=self.workspace, built=built)),
                engine=engine_of(self.workspace),
                timezone=self.workspace.settings.timezone,
                unmeasured=self.workspace.settings.unmeasured.value,
                wanted_place=place,
            ).to_pylist():
                found.setdefault(event["fate"], event)
            if all(fate in found for fate, lines in wanted.items() if lines):
                break
        for fate, lines in wanted.items():
            if lines and fate in found:
                event = found[fate]
                says = f"the same id as {self.called[event['survivor_source']]} line {event['survivor_line']}"
                yield FirstLine(
                    outcome=fate,
                    lines=lines,
                    file=self.called[event["source"]],
                    line=event["line"],
                    says=f"{says}, which counts instead",
                )

    def _places_of_copies(self, tables: Sequence[pa.Table]) -> list[tuple[str, int]]:
        """Return the first lines of exchanges that were logged more than once, in order."""
        events = pa.concat_tables(tables)
        measured = events.filter(pc.equal(events["status"], "measured"))
        counted = measured.group_by("event_id").aggregate([([], "count_all")])
        repeated = counted.filter(pc.greater(counted["count_all"], 1))["event_id"]
        copies = measured.filter(pc.is_in(measured["event_id"], value_set=repeated.combine_chunks()))
        order = list(self.called)
        places: dict[bytes, tuple[str, int]] = {}
        for row in sorted(copies.to_pylist(), key=lambda row: (order.index(row["source"]), row["line"])):
            places.setdefault(row["event_id"], (row["source"], row["line"]))
        return list(places.values())[:_TRACED_MAX]

    def _first_quarantined(self, snapshot: LakeSnapshot, reasons: dict[str, int]) -> Iterator[FirstLine]:
        firsts = _firsts([quarantined_lines(self.workspace.lake, snapshot)], "reason", list(self.called))
        for reason in reasons:
            lines, row = firsts[reason]
            yield FirstLine(
                outcome=f"quarantined: {reason}",
                lines=lines,
                file=self.called[row["source"]],
                line=row["line"],
                says=row["detail"],
            )


def _firsts(tables: Sequence[pa.Table], column: str, order: Sequence[str]) -> dict[str, tuple[int, dict[str, Any]]]:
    """Return, for each value of a column, how many rows have it, and the first: by the order of files, then by line."""
    counts: Counter[str] = Counter()
    firsts: dict[str, tuple[int, int, pa.Table]] = {}
    for table in tables:
        grouped = table.group_by([column, "source"]).aggregate([("line", "min"), ("line", "count")])
        for group in grouped.to_pylist():
            value, place = group[column], (order.index(group["source"]), group["line_min"])
            counts[value] += group["line_count"]
            if value not in firsts or place < firsts[value][:2]:
                is_it = pc.and_(pc.equal(table["source"], group["source"]), pc.equal(table["line"], group["line_min"]))
                firsts[value] = (*place, table.filter(pc.and_(is_it, pc.equal(table[column], value))))
    return {value: (counts[value], rows.slice(0, 1).to_pylist()[0]) for value, (_, _, rows) in sorted(firsts.items())}


def _shown(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _families(tables: Sequence[pa.Table]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for table in tables:
        counts.update({row["values"]: row["counts"] for row in pc.value_counts(table["dialect"]).to_pylist()})
    return {family or "none": count for family, count in counts.most_common()}


def _unassigned(built: Aggregate) -> dict[str, int]:
    """Return the exchanges of keys in no account, by key."""
    exchanges = built.marts.exchanges_daily
    of_nobody = exchanges.filter(pc.equal(exchanges["account_id"], ""))
    keys: Counter[str] = Counter()
    for row in of_nobody.select(["api_key_id", "events"]).to_pylist():
        keys[row["api_key_id"]] += row["events"]
    return dict(sorted(keys.items()))


def _unpriced(built: Aggregate, accounts: Accounts) -> tuple[Unpriced, ...]:
    tokens: Counter[tuple[str, str, str, str]] = Counter()
    for each in built.rated.unpriced:
        account = accounts.by_id(each.usage.account_id)
        card = STANDARD_CARD if account is None else account.terms_on(each.usage.usage_date).rate_card
        lacking_exchange = each.reason if each.lacks_exchange else ""
        tokens[each.usage.account_id, card, each.usage.model, lacking_exchange] += each.usage.quantity
    return tuple(
        Unpriced(
            account_id="" if account_id == _NOBODY else account_id,
            rate_card=card,
            model=model,
            tokens=count,
            lacking_exchange=lacking_exchange,
        )
        for (account_id, card, model, lacking_exchange), count in sorted(tokens.items())
    )


def _costs(built: Aggregate) -> Iterator[Cost]:
    amounts: dict[tuple[str, str, str], list[Decimal]] = {}
    tokens: Counter[tuple[str, str, str]] = Counter()
    for row in built.rated.charges.to_pylist():
        place = row["account_id"], row["model"], row["currency"]
        amounts.setdefault(place, []).append(row["amount"])
        tokens[place] += row["quantity"] if row["meter"] != "request" else 0
    for (account_id, model, currency), listed in sorted(amounts.items()):
        yield Cost(
            account_id="" if account_id == _NOBODY else account_id,
            model=model,
            tokens=tokens[account_id, model, currency],
            amount=exact_sum(listed),
            currency=currency,
        )
