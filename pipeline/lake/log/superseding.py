"""The part of a log entry that says which readings it supersedes: logs that were read again, and came out otherwise.

Beside it an entry has Delta's ``remove`` of every data file that no longer counts and ``add`` of those in their place.

Does not own which readings are superseded (``pipeline.lake.rereading``) nor what then counts (``applying``).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pipeline.objects.encoded.strict_json import checked_fields
from pipeline.objects.layout import is_data_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """Where a segment of a log was first accounted for, and keeps its place however often it is read again."""

    commit: int
    source: int
    """Its number among the sources of that commit, from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseding:
    """What an entry takes out of the lake."""

    places: tuple[Place, ...]
    """Whose records the sources of the entry replace, one by one."""
    data_files: tuple[str, ...]
    """Paths of the data files that count no longer."""
    quarantine_files: tuple[str, ...]
    """Paths of the files of quarantined lines that count no longer."""
    events: int
    """So many of the events in ``data_files`` are in none of the files in their place."""
    quarantined: int
    """So many lines in ``quarantine_files`` are quarantined no longer."""


def rendered(superseding: Superseding) -> dict[str, Any]:
    """Return it as ``commitInfo`` states it, but for the data files, which have actions of their own."""
    return {
        "supersedes": [asdict(place) for place in superseding.places],
        "removedQuarantine": list(superseding.quarantine_files),
        "supersededEvents": superseding.events,
        "releasedLines": superseding.quarantined,
    }


STATED: Mapping[str, type] = {
    "supersedes": list,
    "removedQuarantine": list,
    "supersededEvents": int,
    "releasedLines": int,
}
"""The fields of ``commitInfo`` that ``rendered`` gives, and their types."""


def removal(path: str, at_ms: int, *, is_change: bool = True) -> dict[str, Any]:
    """Return Delta's action that takes a data file out of the table; no change where its rows are in another."""
    return {"path": path, "deletionTimestamp": at_ms, "dataChange": is_change}


def parsed(info: Mapping[str, Any], removals: Sequence[Any]) -> Superseding:
    """Read it back from ``commitInfo`` and the ``remove`` actions. Raises ``ValueError`` for what is not ours."""
    for path in info["removedQuarantine"]:
        if not isinstance(path, str) or not is_data_path(path, is_of_events=False):
            message = f"it removes the quarantine file {path!r}, which is no <sha256>.parquet"
            raise ValueError(message)
    for action in removals:
        path = checked_fields(action, "remove", path=str, deletionTimestamp=int, dataChange=bool)["path"]
        if not is_data_path(path, is_of_events=True):
            message = f"it removes the data file {path!r}, which is no date=YYYY-MM-DD/<sha256>.parquet"
            raise ValueError(message)
    return Superseding(
        places=replaced_places(info, "supersede"),
        data_files=tuple(action["path"] for action in removals),
        quarantine_files=tuple(info["removedQuarantine"]),
        events=info["supersededEvents"],
        quarantined=info["releasedLines"],
    )


def replaced_places(info: Mapping[str, Any], what: str) -> tuple[Place, ...]:
    """Return whose records the sources of an entry replace, one by one; ``what`` says in a message what they do.

    Raises ``ValueError`` where there are not as many of them, or one of them twice.
    """
    stated = (checked_fields(each, "a superseded source", commit=int, source=int) for each in info["supersedes"])
    places = tuple(Place(**fields) for fields in stated)
    if len(places) != len(info["sources"]) or len(set(places)) != len(places):
        message = f"its {len(info['sources'])} sources {what} {len(set(places))} of before; each has one of its own"
        raise ValueError(message)
    return places
