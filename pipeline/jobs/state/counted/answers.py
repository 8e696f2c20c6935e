"""What the checks of ``sql/`` answered about whole marts, kept for nights in which nothing of it has changed.

The answers are a function of the marts' own bytes, of the configuration, of the dates and events that are in force, and
of the program; the digest of all these is the *question*. Only answers that break no blocking claim are kept.

Owns what is asked again. Does not own the checks (the files of ``sql/`` do), nor any truth: ``verify`` asks them all.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.base.errors import DataFileDamaged
from pipeline.lake.counted import WHOLE, NewEntry, read_entries, read_piece, write_entries
from pipeline.objects.encoded import arrow_bytes
from pipeline.warehouse.program import digest_of, program_parts
from pipeline.warehouse.reference import COMMITTED_EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date
    from pathlib import Path

    from pipeline.configuration.workspace import Workspace
    from pipeline.lake.counted import Entry
    from pipeline.warehouse.engines.engine import Rows
    from pipeline.warehouse.marts import Marts

KIND = "answers"
_NAMES = "names"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Every check that was asked: the blocking ones, which all hold, and the advisory ones with what they found."""

    blocking: tuple[str, ...]
    advisories: Mapping[str, Rows]


def question_of(
    workspace: Workspace,
    dates: Iterable[date],
    reference: Mapping[str, pa.Table],
    periods: Mapping[str, Entry],
) -> str:
    """Return the digest of all that the answers depend on; ``periods`` are the marts, as they are kept."""
    marts = {period: {name: piece.sha256 for name, piece in entry.pieces.items()} for period, entry in periods.items()}
    committed = reference[COMMITTED_EVENTS].to_pylist()
    return digest_of([program_parts(), workspace.digest, sorted(map(str, dates)), committed, marts])


def read_answers(lake: Path, question: str) -> Answers | None:
    """Return the answers to this question; None where there are none, or damaged ones."""
    entry = read_entries(lake, KIND).get(WHOLE)
    if entry is None or entry.inputs != question:
        return None
    try:
        pieces = {name: read_piece(lake, KIND, entry, name) for name in entry.pieces}
    except DataFileDamaged:
        return None
    names = json.loads(pieces.pop(_NAMES))
    found = {name: arrow_bytes.decode(content).to_pylist() for name, content in pieces.items()}
    return Answers(
        blocking=tuple(names["blocking"]), advisories={name: found.get(name, []) for name in names["advisory"]}
    )


def keep_answers(lake: Path, question: str, marts: Marts) -> None:
    """Keep what was asked of ``marts``, all of whose blocking claims hold."""
    names = {"blocking": list(marts.broken_claims), "advisory": list(marts.advisories)}
    tables = {name: pa.Table.from_pylist(rows) for name, rows in marts.advisories.items() if rows}
    if all(table.to_pylist() == marts.advisories[name] for name, table in tables.items()):
        pieces = {_NAMES: json.dumps(names).encode()}
        pieces |= {name: arrow_bytes.encode(table) for name, table in tables.items()}
        write_entries(lake, KIND, {}, {WHOLE: NewEntry(inputs=question, pieces=pieces)})
