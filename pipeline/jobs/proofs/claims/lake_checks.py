"""The claims about the lake.

Every line accounted for, every event once, derived tables equal to what is built now, no free text.

Does not own how a failed claim is reported (``pipeline.jobs.proofs.verify``).
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.jobs.check import Check, check_that_none
from pipeline.jobs.proofs.claims.forgotten_checks import forgotten_checks
from pipeline.jobs.state.claims import claims_about_derived, claims_of
from pipeline.jobs.state.counts import token_count
from pipeline.jobs.wording import counted
from pipeline.lake.checked_files import (
    verified_data_files,
    verified_files,
    verified_quarantine,
    verified_quarantine_files,
)
from pipeline.lake.derived import EXCHANGES_DAILY
from pipeline.lake.log.checkpoints import compared_checkpoints
from pipeline.lake.rereading import superseded_events
from pipeline.objects.encoded.parquet_bytes import path_of, read_rows
from pipeline.tables.sums import total
from pipeline.usage.events import COLUMNS, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.state.aggregate import Aggregate
    from pipeline.lake.log.snapshot import LakeSnapshot
    from pipeline.objects.encoded.parquet_bytes import FileRows
    from pipeline.usage.sources import SourceRecord

_HUGEINT = pa.decimal128(38, 0)
_PLAIN_TEXT = re.compile(r"[A-Za-z0-9._:/@+=~,;#%-]{0,256}", re.ASCII)
_COUNT = r'"[A-Za-z0-9._:/-]{1,256}":[0-9]{1,19}'
_OTHER_COUNTS = re.compile(rf"\{{(?:{_COUNT}(?:,{_COUNT})*)?\}}", re.ASCII)
_FREE_COLUMNS = frozenset({"source", "detail"})  # a path, and words of our own
_COUNTS_COLUMNS = frozenset(column.name for column in COLUMNS if column.kind is Kind.OTHER_COUNTS)


def lake_checks(workspace: Workspace, built: Aggregate, counts: Mapping[str, int]) -> Iterator[Check]:
    """Check everything between the logs' records and the charges."""
    in_force, held = (
        verified_files(workspace.lake, built.snapshot),
        verified_data_files(workspace.lake, built.held_files),
    )
    events = [*in_force, *held]
    quarantine = verified_quarantine(workspace.lake, built.snapshot)
    yield Check(
        name="lake_is_undamaged",
        ok=True,
        detail=(
            f"{counted(len(events) + len(quarantine), 'data file has', 'data files have')} the sha256 that the log "
            "states"
        ),
    )
    yield from _lines(built.snapshot.sources, events, quarantine)
    yield from forgotten_checks(workspace, built.snapshot, events)
    yield _superseded(workspace.lake, built.snapshot)
    yield from _checkpoints(workspace.lake, built.snapshot)
    yield from claims_of(built.marts)
    yield _survivors(in_force, built)
    yield _fates(counts)
    yield _tokens(built, counts)
    yield from claims_about_derived(workspace, built)
    yield _types([*events, *quarantine])
    yield _texts([*events, *quarantine])


def _lines(
    records: Sequence[SourceRecord], events: Sequence[FileRows], quarantine: Sequence[FileRows]
) -> Iterator[Check]:
    wrong = [record.source for record in records if not record.is_balanced]
    is_plain = not any(record.joined or record.further for record in records)
    equation = "lines = blank" if is_plain else "lines + further entries of lines = parts of lines + blank"
    equation += " + forgotten" if any(record.forgotten for record in records) else ""
    fine = f"{equation} + quarantined + events in {counted(len(records), 'segment', 'segments')} of logs"
    yield check_that_none(wrong, name="lines_are_accounted_for", fine=fine, found="unbalanced")
    statuses = _stated((record.source, record.events) for record in records)
    kept = _counted(events, "status")
    fine = f"{counted(kept.total(), 'usage event')}, by source and status as the log states"
    yield check_that_none(_differences(statuses, kept), name="events_are_in_the_lake", fine=fine, found="differs")
    reasons = _stated((record.source, record.quarantined) for record in records)
    quarantined = _counted(quarantine, "reason")
    fine = f"{counted(quarantined.total(), 'quarantined line')}, by source and reason as the log states"
    yield check_that_none(
        _differences(reasons, quarantined), name="quarantine_is_in_the_lake", fine=fine, found="differs"
    )


def _superseded(lake_dir: Path, snapshot: LakeSnapshot) -> Check:
    """Count what was superseded, from the files that count no longer: invoices were issued from them."""
    verified_quarantine_files(lake_dir, snapshot.superseded_quarantine_files)
    found = [(each, superseded_events(lake_dir, each)) for each in snapshot.superseded if each.events is not None]
    for each in snapshot.superseded:
        if each.events is None:  # some of them were forgotten: what is left is checked, and cannot be counted again
            verified_data_files(lake_dir, (*each.data_files, *each.replacements))
    wrong = [
        f"commit {each.commit}: stated {each.events}, found {count}" for each, count in found if each.events != count
    ]
    files = len(snapshot.superseded_files) + len(snapshot.superseded_quarantine_files)
    fine = (
        f"{counted(sum(count for _, count in found), 'event')} of logs that were read again, in "
        f"{counted(files, 'file')} that count no longer and are kept"
    )
    return check_that_none(wrong, name="superseded_events_are_kept", fine=fine, found="differs")


def _checkpoints(lake_dir: Path, snapshot: LakeSnapshot) -> Iterator[Check]:
    """Check what other engines read in the place of the log, where there is such a thing."""
    found = compared_checkpoints(lake_dir, snapshot)
    if found is not None:
        fine = "other engines read the same files by it"
        if found.unnamed is not None:
            fine += f"; a night was begun and not finished: {found.unnamed} is not named yet, and the next one names it"
        name = "checkpoints_say_what_the_log_says"
        yield check_that_none(found.differences, name=name, fine=fine, found="differs")


def _survivors(events: Sequence[FileRows], built: Aggregate) -> Check:
    """Count identities without the short cut that aggregation takes, which looks at suspected copies only."""
    identities = pa.chunked_array(
        [read_rows(path, ["event_id"])["event_id"].combine_chunks() for path in events],
        pa.binary(16),
    )
    distinct = pc.count_distinct(identities).as_py()
    whole, forgotten = (
        total(exchanges.filter(pc.equal(exchanges["fate"], "survivor"))["events"])
        for exchanges in (built.marts.exchanges_daily, built.kept.tables[EXCHANGES_DAILY])
    )
    survivors = whole - forgotten
    return Check(
        name="every_identity_survives_once",
        ok=distinct == survivors,
        detail=f"{counted(distinct, 'identity', 'identities')}, {counted(survivors, 'survivor')}",
    )


def _fates(counts: Mapping[str, int]) -> Check:
    parts = counts["billed"] + counts["duplicates"] + counts["conflicts"] + counts["held"]
    duplicates, conflicts = counted(counts["duplicates"], "duplicate"), counted(counts["conflicts"], "conflict")
    detail = f"{counts['measured']} measured = {counts['billed']} billed + {duplicates} + {conflicts}" + (
        f" + {counts['held']} held" if counts["held"] else ""
    )
    return Check(name="measured_events_are_billed_once", ok=parts == counts["measured"], detail=detail)


def _tokens(built: Aggregate, counts: Mapping[str, int]) -> Check:
    charged = token_count(built.rated.charges)
    whole = charged + counts["unpriced_tokens"] + counts["unassigned_tokens"]
    detail = (
        f"{counted(counts['billed_tokens'], 'token')} = {charged} charged + {counts['unpriced_tokens']} unpriced + "
        f"{counts['unassigned_tokens']} unassigned"
    )
    return Check(name="tokens_are_charged_unpriced_or_unassigned", ok=whole == counts["billed_tokens"], detail=detail)


def _types(files: Iterable[FileRows]) -> Check:
    wrong = [
        f"{path.name}: {field.name} {field.type}"
        for path in map(path_of, files)
        for field in pq.read_schema(path)
        if _is_floating(field.type)
    ]
    return check_that_none(
        wrong, name="no_floating_column_in_the_lake", fine="no DOUBLE, FLOAT or HUGEINT column", found="there is"
    )


def _is_floating(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind)) or bool(kind == _HUGEINT)


def _texts(files: Iterable[FileRows]) -> Check:
    """Prompts, completions and raw keys cannot be told from their absence, but free text can.

    No column may hold any.
    """
    wrong = set()
    for path in files:
        table = read_rows(path)
        for field in table.schema:
            if pa.types.is_string(field.type) and field.name not in _FREE_COLUMNS:
                allowed = _OTHER_COUNTS if field.name in _COUNTS_COLUMNS else _PLAIN_TEXT
                values = pc.unique(table[field.name]).to_pylist()
                wrong |= {
                    f"{path_of(path).name}: {field.name}"
                    for value in values
                    if value is not None and not allowed.fullmatch(value)
                }
    return check_that_none(
        sorted(wrong),
        name="no_free_text_in_the_lake",
        fine="every text is an id, a name or a status",
        found="there is, in",
    )


def _stated(counts: Iterable[tuple[str, Mapping[str, int]]]) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for source, by_kind in counts:
        for kind, count in by_kind.items():
            found[source, kind] += count
    return found


def _counted(files: Iterable[FileRows], column: str) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for path in files:
        table = read_rows(path, ["source", column])
        for row in table.group_by(["source", column]).aggregate([([], "count_all")]).to_pylist():
            found[row["source"], row[column]] += row["count_all"]
    return found


def _differences(stated: Counter[tuple[str, str]], found: Counter[tuple[str, str]]) -> list[str]:
    return [
        f"{place[0]} {place[1]}: stated {stated[place]}, found {found[place]}"
        for place in sorted(stated.keys() | found.keys())
        if stated[place] != found[place]
    ]
