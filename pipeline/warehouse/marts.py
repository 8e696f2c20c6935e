"""Builds the marts from verified event files, and says which claims about them do not hold.

Owns the order: give, build, check, fetch. Does not own what the marts mean (the files of ``sql/`` do).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.base.errors import ConfigurationError
from pipeline.base.resources import sql_folder
from pipeline.tables import schemas
from pipeline.warehouse.build import build, failed_checks
from pipeline.warehouse.connection import EVENTS_RELATION
from pipeline.warehouse.engines.engine import SUSPECTS_RELATION
from pipeline.warehouse.relations import check_names, load_checks, load_relations

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline.objects.encoded.parquet_bytes import FileRows
    from pipeline.warehouse.engines.engine import Engine, Rows
    from pipeline.warehouse.relations import Relation


@dataclass(frozen=True, slots=True, kw_only=True)
class Marts:
    """What a build of the warehouse gives: ``schemas.MARTS``, the claims that broke, what somebody should look at."""

    usage_daily: pa.Table
    """``schemas.USAGE_DAILY``."""
    exchanges_daily: pa.Table
    """``schemas.EXCHANGES_DAILY``."""
    suspicious_usage: pa.Table
    """What suspicious copies would add to ``usage_daily`` if they were billed, as ``schemas.USAGE_DAILY``."""
    broken_claims: Mapping[str, Rows]
    """Every blocking check that was asked by name, with the rows that break its claim; all empty when all is well.

    Whoever acts on it looks at ``unasked`` first.
    """
    advisories: Mapping[str, Rows]
    """Every advisory check that was asked by name, with the rows it found."""

    @property
    def tables(self) -> dict[str, pa.Table]:
        """The marts by name."""
        return {name: getattr(self, name) for name in schemas.MARTS}

    @property
    def unasked(self) -> list[str]:
        """The checks that were not asked, since nothing built had all that they read at hand."""
        folder = sql_folder()
        return [
            *(check_names(folder, "blocking") - self.broken_claims.keys()),
            *(check_names(folder, "advisory") - self.advisories.keys()),
        ]


def make_ready(engine: Engine, *, is_checked: bool = True) -> None:
    """Open what counts here, and read what it is asked.

    That is what ``build_marts`` begins with; it takes one processor, and so can be done while files are verified.
    """
    if engine.is_here:
        with engine.session():
            load_relations(sql_folder())
            if is_checked:
                _checks(sql_folder())


def build_marts(
    event_files: Sequence[FileRows],
    reference: Mapping[str, pa.Table],
    *,
    engine: Engine,
    timezone: str,
    unmeasured: str,
    is_checked: bool = True,
) -> Marts:
    """Count the events of verified Parquet files.

    The result depends on their content alone, not on order or machine.

    Every check is asked, or none: to ask takes a third of the time of a small lake. Raises ``ConfigurationError`` for a
    check that reads what is neither given nor in ``sql/``, or has a parameter of another name.
    """
    parameters = {"timezone": timezone, "unmeasured": unmeasured}
    folder = sql_folder()
    given = dict(reference)
    with engine.session() as session:
        checks = _checks(folder) if is_checked else []
        give_suspects = session.give_suspects(event_files)
        if event_files:
            session.give_usage_events(event_files)
        else:
            given[EVENTS_RELATION] = schemas.USAGE_EVENTS.empty_table()
        built = build(session, folder, given=given, parameters=parameters, wanted=["slice_totals"])
        give_suspects()
        wanted = (*schemas.MARTS, "event_copies", *(name for check in checks for name in check.reads))
        at_hand = build(
            session,
            folder,
            given={},
            parameters=parameters,
            wanted=wanted,
            built={*built, EVENTS_RELATION, SUSPECTS_RELATION},
        )
        for check in checks:
            if nowhere := sorted(check.reads - at_hand) + [
                f"${name}" for name in sorted(check.parameters - parameters.keys())
            ]:
                message = (
                    f"the check {check.name} reads {nowhere[0]}, which is neither a relation of {folder} nor given to "
                    "it; correct its name"
                )
                raise ConfigurationError(message)
        return Marts(
            **{name: session.fetch(name, schema) for name, schema in schemas.MARTS.items()},
            broken_claims=failed_checks(session, folder, "blocking", parameters, at_hand=at_hand) if checks else {},
            advisories=failed_checks(session, folder, "advisory", parameters, at_hand=at_hand) if checks else {},
        )


def count_events(
    events: pa.Table, reference: Mapping[str, pa.Table], *, engine: Engine, timezone: str, unmeasured: str
) -> Marts:
    """Count rows of ``schemas.USAGE_EVENTS`` that are in memory as ``build_marts`` does; no check is asked.

    Copies are decided within an identity, so all of its events are to be among them.
    """
    ids = events["event_id"].combine_chunks().cast(pa.binary())
    counts = pc.value_counts(ids)
    suspected = pa.table({"event_id": counts.field("values").filter(pc.greater(counts.field("counts"), 1))})
    given = {**reference, EVENTS_RELATION: events, SUSPECTS_RELATION: suspected}
    with engine.session() as session:
        build(
            session,
            sql_folder(),
            given=given,
            parameters={"timezone": timezone, "unmeasured": unmeasured},
            wanted=schemas.MARTS,
        )
        return Marts(
            **{name: session.fetch(name, schema) for name, schema in schemas.MARTS.items()},
            broken_claims={},
            advisories={},
        )


def _checks(folder: Path) -> list[Relation]:
    return [*load_checks(folder, "blocking").values(), *load_checks(folder, "advisory").values()]
