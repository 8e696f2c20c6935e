"""Usage events → usage daily: verified files in, marts out; derived, and so deleted and rebuilt at will.

Owns when the marts must be built again. Does not own what they count (``sql/``).
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import __version__
from pipeline.documents.invoice_csv import CSV_LAYOUT
from pipeline.jobs.state.counted.dates_counted import DatesCounted
from pipeline.jobs.state.counted.open_periods import build_open_periods, forget_periods
from pipeline.jobs.state.engines import engine_of
from pipeline.jobs.state.forgotten.kept import NOTHING, kept_counts
from pipeline.jobs.state.held import held_usage, in_force, statuses_of
from pipeline.jobs.state.rate import rate
from pipeline.lake.checked_files import verified_files
from pipeline.lake.commits import read_log
from pipeline.lake.derived import (
    CHARGES,
    EXCHANGES_DAILY,
    USAGE_DAILY,
    open_derived,
    read_derived,
    read_manifest,
    write_derived,
)
from pipeline.objects.encoded.parquet_bytes import read_rows
from pipeline.tables import schemas
from pipeline.usage import UsageStatus
from pipeline.usage.sources import event_counts
from pipeline.warehouse.marts import build_marts, make_ready
from pipeline.warehouse.reference import committed_events, reference_tables
from pipeline.warehouse.relations import sql_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.state.forgotten.kept import Kept
    from pipeline.jobs.state.held import HeldUsage
    from pipeline.jobs.state.rate import RatedUsage
    from pipeline.lake.log.commit import DataFile
    from pipeline.lake.log.snapshot import LakeSnapshot
    from pipeline.objects.encoded.parquet_bytes import Encoded, FileRows
    from pipeline.warehouse.marts import Marts

_ENGINE = "engine"
"""What counted, where that is not this process: its key among inputs."""
_SCHEMAS = {USAGE_DAILY: schemas.USAGE_DAILY, EXCHANGES_DAILY: schemas.EXCHANGES_DAILY, CHARGES: schemas.CHARGES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """The marts of a commit, and the charges made of them."""

    snapshot: LakeSnapshot
    """Without the data files that are held."""
    marts: Marts
    rated: RatedUsage
    held_files: tuple[DataFile, ...] = ()
    """Those of dates that have not come: the lake has them, ``snapshot`` and the marts have not."""
    held: tuple[HeldUsage, ...] = ()
    """What is in them."""
    kept: Kept = NOTHING
    """The counts of events that were forgotten: they are in the marts, and in no file of ``snapshot``."""
    encoded: Mapping[str, Mapping[str, Encoded]] = field(default_factory=dict)
    """Tables of periods that did not change since they were last built, by period and name, so that they need not be
    encoded again.
    """

    @property
    def derived(self) -> dict[str, pa.Table]:
        """The tables that are written, by their names."""
        return {
            USAGE_DAILY: self.marts.usage_daily,
            EXCHANGES_DAILY: self.marts.exchanges_daily,
            CHARGES: self.rated.charges,
        }


def aggregate(
    workspace: Workspace, *, until: int | None = None, is_checked: bool = True, snapshot: LakeSnapshot | None = None
) -> Aggregate:
    """Count and rate everything that is committed, or what was committed up to and with the commit ``until``.

    The log is read where no ``snapshot`` is given. Writes nothing. Whoever shows what is there may leave the checks
    unasked; nothing can be frozen then.
    """
    whole = read_log(workspace.lake, until=until) if snapshot is None else snapshot
    kept = kept_counts(workspace, whole)
    snapshot, held_files = in_force(workspace, whole)
    held = held_usage(workspace, held_files)
    marts = count(workspace, snapshot, held=held, is_checked=is_checked)
    rated = rate(marts.usage_daily, workspace.accounts, workspace.rate_cards)
    return Aggregate(snapshot=snapshot, marts=marts, rated=rated, held_files=held_files, held=held, kept=kept)


def aggregate_what_is_new(workspace: Workspace, snapshot: LakeSnapshot | None = None) -> Aggregate:
    """Return what ``aggregate`` returns of the whole lake, without reading again what was counted before.

    An engine that is elsewhere counts everything, each time. The rows are period by period. The log is read where no
    ``snapshot`` of now is given. For the holder of the workspace's lock, since what is counted is kept: where every
    claim about it holds, and no longer. A check that could not be asked of what is counted piece by piece is asked of
    everything counted at once.
    """
    engine = engine_of(workspace)
    if not engine.is_here:
        return aggregate(workspace, snapshot=snapshot)
    snapshot, held_files = in_force(workspace, read_log(workspace.lake) if snapshot is None else snapshot)
    held = held_usage(workspace, held_files)
    kept = kept_counts(workspace, snapshot)
    reference = _reference(workspace, snapshot, held, kept.statuses)
    dates = DatesCounted.of(workspace.lake, snapshot, reference, engine=engine)
    built = build_open_periods(workspace, dates, reference, kept)
    marts = built.marts
    if marts.unasked:
        whole = count(workspace, snapshot, held=held)
        broken = {
            name: rows or whole.broken_claims.get(name, rows)
            for name, rows in {**whole.broken_claims, **marts.broken_claims}.items()
        }
        marts = replace(marts, broken_claims=broken, advisories=whole.advisories)
    if any(marts.broken_claims.values()):
        forget_periods(workspace.lake)
        dates.forget()
    else:
        built.keep(workspace, dates, reference)
    return Aggregate(
        snapshot=snapshot,
        marts=marts,
        rated=built.rated,
        held_files=held_files,
        held=held,
        kept=kept,
        encoded=built.encoded,
    )


def count(
    workspace: Workspace, snapshot: LakeSnapshot, *, held: Sequence[HeldUsage] = (), is_checked: bool = True
) -> Marts:
    """Count the events of a snapshot, and rate nothing. Writes nothing.

    ``held`` is what the commits state and the snapshot has not; whoever asks for the claims of the marts must say it.
    What was forgotten is in the counts, by what is kept of it.
    """
    kept, engine = kept_counts(workspace, snapshot), engine_of(workspace)
    with ThreadPoolExecutor(1) as pool:
        verifying = pool.submit(verified_files, workspace.lake, snapshot)
        make_ready(engine, is_checked=is_checked)
        files = verifying.result()
    reference = _reference(workspace, snapshot, held, Counter())
    if snapshot.forgotten_later:  # what its commits stated is not in the files any more
        reference |= committed_events(_statuses(files))
    built = build_marts(
        files,
        reference,
        engine=engine,
        timezone=workspace.settings.timezone,
        unmeasured=workspace.settings.unmeasured.value,
        is_checked=is_checked,
    )
    return kept.added_to(built)


def _statuses(files: Sequence[FileRows]) -> Counter[str]:
    """Count events by status, file by file."""
    found: Counter[str] = Counter()
    for file in files:
        statuses = read_rows(file, ["status"])["status"]
        found.update({each["values"]: each["counts"] for each in pc.value_counts(statuses).to_pylist()})
    return found


def write_marts(workspace: Workspace, built: Aggregate) -> None:
    """Replace the derived tables by those of ``built``, a file per billing period; unchanged files keep their bytes."""
    inputs = inputs_of(workspace, built.snapshot)
    for name, table in built.derived.items():
        kept = {period: encoded[name] for period, encoded in built.encoded.items() if encoded[name].rows}
        new = table.filter(pc.invert(pc.is_in(table["billing_period"], pa.array(list(kept), pa.string()))))
        write_derived(workspace.lake, name, kept | by_period(new), inputs)


def current_marts(workspace: Workspace, names: Sequence[str]) -> dict[str, pa.Table]:
    """Return derived tables as of now.

    As they were written if nothing they depend on has changed since, else built again, once (and not written).
    """
    inputs = inputs_of(workspace, in_force(workspace, read_log(workspace.lake))[0])
    found: dict[str, pa.Table] = {}
    for name in names:
        written = read_derived(workspace.lake, name)
        if written is None or written[0] != inputs:
            break
        found[name] = pa.concat_tables([_SCHEMAS[name].empty_table(), *written[1].values()])
    if len(found) == len(names):
        return found
    tables = aggregate(workspace).derived
    return {name: tables[name] for name in names}


def marts_in_parts(
    workspace: Workspace, columns: Mapping[str, Sequence[str]], is_wanted: Callable[[str], bool]
) -> Iterator[tuple[str, pa.Table]]:
    """Yield some columns of derived tables as of now, of some billing periods, some rows after the others, by name.

    No more than one part is held where nothing they depend on has changed since they were written; else they are built
    again, as by ``current_marts``.
    """
    inputs = inputs_of(workspace, in_force(workspace, read_log(workspace.lake))[0])
    with ExitStack() as stack:
        opened = {name: stack.enter_context(open_derived(workspace.lake, name)) for name in columns}
        if all(each is not None and each.manifest.inputs == inputs for each in opened.values()):
            for name, table in opened.items():
                for period in filter(is_wanted, table.files if table else ()):
                    for part in table.parts(period, columns[name]) if table else ():
                        yield name, part
            return
    for name, built in current_marts(workspace, list(columns)).items():
        for period, table in by_period(built).items():
            if is_wanted(period):
                yield name, table.select(columns[name])


def months_written(workspace: Workspace, name: str) -> list[str] | None:
    """Return the billing periods of a derived table, in order; None where something it depends on changed since."""
    manifest = read_manifest(workspace.lake, name)
    inputs = inputs_of(workspace, in_force(workspace, read_log(workspace.lake))[0])
    return None if manifest is None or manifest.inputs != inputs else sorted(manifest.files)


def inputs_of(workspace: Workspace, snapshot: LakeSnapshot) -> Mapping[str, str]:
    """Return all that the derived tables are a function of.

    The commit and how many of its files are in force, the configuration, the program, and an engine that is elsewhere.
    """
    engine = engine_of(workspace)
    inputs = {
        "commit": snapshot.entry_sha256 or "",
        "files_in_force": str(
            len(snapshot.data_files)
        ),  # of two clocks, the later one's are the earlier one's and more: so their number tells which
        "configuration": workspace.digest,
        "program": f"{__version__}-{sql_digest()[:16]}-csv{CSV_LAYOUT}",
    }
    return inputs if engine.is_here else inputs | {_ENGINE: engine.version}


def have_to_be_equal(written: Mapping[str, str], inputs: Mapping[str, str]) -> bool:
    """Say whether tables that were written have to be those that are built of these inputs.

    Whichever engines counted: what another one counted is not believed, and where it differs one of the two is wrong.
    """
    of_one, of_other = ({key: each for key, each in of.items() if key != _ENGINE} for of in (written, inputs))
    return of_one == of_other


def _reference(
    workspace: Workspace, snapshot: LakeSnapshot, held: Sequence[HeldUsage], kept: Counter[str]
) -> dict[str, pa.Table]:
    """Return what SQL must know; ``kept`` is what is counted of events that no commit states any more, by status."""
    tables = reference_tables(
        workspace.accounts,
        workspace.rate_cards,
        timezone=workspace.settings.timezone,
        utc_dates={file.date for file in snapshot.data_files},
    )
    held_statuses, stated = statuses_of(held), event_counts(snapshot.sources)
    return tables | committed_events(
        {status.value: stated[status] - held_statuses[status] + kept[status] for status in UsageStatus}
    )


def by_period(table: pa.Table) -> dict[str, pa.Table]:
    """Split a table with a ``billing_period`` column by it, keeping the order of rows."""
    periods = sorted(table["billing_period"].unique().to_pylist())
    return {period: table.filter(pc.equal(table["billing_period"], period)) for period in periods}
