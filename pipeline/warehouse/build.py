"""Builds relations of ``sql/`` in a session, and asks the checks about what was built.

A check names its own moment: it is asked wherever all relations of its FROM are at hand. Does not own what the
relations mean (the files of ``sql/`` do).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError
from pipeline.base.resources import sql_folder
from pipeline.warehouse.engines.engine import SUSPECTS_RELATION
from pipeline.warehouse.relations import load_checks, load_relations, needed_for

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from pipeline.objects.encoded.parquet_bytes import FileRows
    from pipeline.warehouse.engines.engine import Parameters, Rows, Session
    from pipeline.warehouse.relations import Relation, Severity


def build(
    session: Session,
    folder: Path,
    *,
    given: Mapping[str, pa.Table],
    parameters: Parameters,
    wanted: Iterable[str],
    built: Collection[str] = (),
) -> frozenset[str]:
    """Build ``wanted`` and all they read, and return what is at hand then.

    What is ``given``, or ``built`` already, is taken as it is.
    """
    for name, table in given.items():
        session.give(name, table)
    for relation in _missing(folder, (*given, *built), wanted):
        _create(session, relation, parameters)
    return at_hand_after(folder, at_hand=(*given, *built), wanted=wanted)


def build_of_files(
    session: Session,
    files: Sequence[FileRows],
    *,
    given: Mapping[str, pa.Table],
    parameters: Parameters,
    wanted: Iterable[str],
) -> None:
    """Build ``wanted`` of the events in verified files (at least one), whose copies are looked for first."""
    session.give_usage_events(files)
    session.give_suspects(files)()
    build(session, sql_folder(), given=given, parameters=parameters, wanted=wanted, built=[SUSPECTS_RELATION])


def at_hand_after(folder: Path, *, at_hand: Collection[str], wanted: Iterable[str]) -> frozenset[str]:
    """Return the names of what is at hand where ``wanted`` was built on top of what is ``at_hand``."""
    return frozenset((*at_hand, *(relation.name for relation in _missing(folder, at_hand, wanted))))


def checks_about(
    folder: Path, severity: Severity, parameters: Parameters, *, at_hand: Collection[str]
) -> list[Relation]:
    """Return the checks of a severity that can be asked: all they read is at hand, and their parameters are given."""
    checks = load_checks(folder, severity).values()
    return [check for check in checks if check.reads <= frozenset(at_hand) and check.parameters <= parameters.keys()]


def failed_checks(
    session: Session,
    folder: Path,
    severity: Severity,
    parameters: Parameters,
    *,
    at_hand: Collection[str],
) -> dict[str, Rows]:
    """Ask every check of a severity that can be asked.

    Return the rows that break its claim, by check (no rows: it holds).
    """
    return {
        check.name: session.rows(check, _bound(check, parameters))
        for check in checks_about(folder, severity, parameters, at_hand=at_hand)
    }


def _missing(folder: Path, at_hand: Collection[str], wanted: Iterable[str]) -> list[Relation]:
    return needed_for(
        {name: relation for name, relation in load_relations(folder).items() if name not in at_hand}, wanted
    )


def _create(session: Session, relation: Relation, parameters: Parameters) -> None:
    if relation.parameters and not relation.is_kept:
        message = (
            f"relation {relation.name} has parameters {sorted(relation.parameters)} and so must say '-- kept as: table'"
        )
        raise ConfigurationError(message)
    session.create(relation, _bound(relation, parameters))


def _bound(relation: Relation, parameters: Parameters) -> Parameters:
    """Return what a relation asks for. Raises ``ConfigurationError`` where that is not given here."""
    if missing := sorted(relation.parameters - parameters.keys()):
        message = (
            f"{relation.name} has the parameter ${missing[0]}, and only {sorted(parameters)} are given where it is "
            "asked; name one of these"
        )
        raise ConfigurationError(message)
    return {name: parameters[name] for name in relation.parameters}
