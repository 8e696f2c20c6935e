"""What is sent to workers, and what they hand back, as texts and bytes.

Owns the form. Both sides are of the same version, so it may change with any. No secret is part of it, and of a raw key
only what a lake holds too: the check of the secret, and aliases of ids.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pipeline.collectors import LogFormat, ProblemReason, SourceProblem
from pipeline.lake.data_files import WrittenFiles
from pipeline.lake.log.commit import DataFile, QuarantineFile
from pipeline.lake.log.source_records import source_record, stated_record
from pipeline.usage.sources import Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.usage.sources import SourceRecord


class PartKind(StrEnum):
    """What a part of an answer holds. The parts of a log follow one another, and a segment's end with its record."""

    EVENTS = "events"
    """Rows of ``schemas.USAGE_EVENTS``, as ``arrow_bytes`` encodes them."""
    QUARANTINED = "quarantined"
    """Rows of ``schemas.QUARANTINE``."""
    SEGMENT = "segment"
    """The record of the segment whose rows came before."""
    LOG = "log"
    """``AnswerOfLog``; then the next log begins."""
    FILES = "files"
    """The files that a worker wrote of all segments since the last such part, of one log or of several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LakeThere:
    """Where workers write data files, and for which commits."""

    url: str
    """Of the store that the lake is on; empty = it is a folder."""
    folder: str
    """Where workers find the folder, if it is one."""
    number_max: int
    """The last commit that may name what they write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What holds for all logs of a job."""

    formats: Mapping[str, LogFormat]
    """How each source is read, by its name."""
    secret_check: str | None
    """That of the secret of key ids; None where this machine has none."""
    aliases: Mapping[str, str]
    """Of rotated keys: from the digest under the secret of now to the id."""
    segment_events_max: int
    lake: LakeThere | None = None
    """Where workers write what they read; None where they hand it back."""

    def text(self) -> str:
        """Return it as it is sent."""
        stated = {
            "formats": {name: each.settings() for name, each in self.formats.items()},
            "secret_check": self.secret_check,
            "aliases": dict(self.aliases),
            "segment_events_max": self.segment_events_max,
            "lake": None if self.lake is None else asdict(self.lake),
        }
        return json.dumps(stated, default=dict)

    @classmethod
    def of(cls, text: str) -> Shared:
        """Read it again."""
        stated = json.loads(text)
        lake = stated["lake"]
        return cls(
            **stated
            | {"formats": {name: LogFormat(**each) for name, each in stated["formats"].items()}}
            | {"lake": None if lake is None else LakeThere(**lake)}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLog:
    """A log that a worker is to read."""

    path: str
    """Of a file; of an object its address."""
    source: str
    """As records call it."""
    name: str
    """The ``[[sources]]`` entry."""
    head: Window
    """Its first bytes, when it was looked at here."""
    file_size: int
    """Its size on disk then: a worker that sees less sees an earlier state of it."""
    known: tuple[SourceRecord, ...]
    """What was collected of logs that begin alike."""
    bucket: str = ""
    """Of an object: the address of its bucket."""
    tag: str = ""
    """Of an object: the ETag that was listed here. A worker reads this content of it, or none."""


def task_text(groups: Iterable[Iterable[PlannedLog]]) -> str:
    """Return a task as it is sent: logs, those that begin alike together and in their order."""
    return json.dumps([[_stated(log) for log in group] for group in groups])


def task_of(text: str) -> list[list[PlannedLog]]:
    """Read a task again."""
    return [[_planned(log) for log in group] for group in json.loads(text)]


def _stated(log: PlannedLog) -> dict[str, Any]:
    return asdict(log) | {"known": [stated_record(each) for each in log.known]}


def _planned(stated: dict[str, Any]) -> PlannedLog:
    known = tuple(map(source_record, stated["known"]))
    return PlannedLog(**stated | {"head": Window(**stated["head"]), "known": known})


class Seen(StrEnum):
    """What a worker saw of a log."""

    AS_PLANNED = "as_planned"
    OTHERWISE = "otherwise"
    """Another log lies there by now, or less of it: it is to be read where it is known which."""
    NOT_THERE = "not_there"
    """The worker cannot open it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerOfLog:
    """What is told of a log beside its segments."""

    path: str
    seen: Seen
    detail: str = ""
    """Why it could not be opened."""
    candidates: str = ""
    """``candidates_digest`` of what it may have been continued from."""
    continued: SourceRecord | None = None
    """What it was continued from."""
    problem: SourceProblem | None = None
    pending_bytes: int = 0
    heads: tuple[Window, ...] = ()
    """The heads of the records that it begins like."""
    kernel_failures: int = 0
    has_raw_keys: bool = False
    """Whether raw keys were met, and so the secret was used."""

    def content(self) -> bytes:
        """Return it as it is handed back."""
        continued = None if self.continued is None else stated_record(self.continued)
        return json.dumps(asdict(self) | {"continued": continued}).encode()

    @classmethod
    def of(cls, content: bytes) -> AnswerOfLog:
        """Read it again."""
        stated = json.loads(content)
        continued, problem = stated["continued"], stated["problem"]
        stated["continued"] = None if continued is None else source_record(continued)
        if problem is not None:
            stated["problem"] = SourceProblem(**problem | {"reason": ProblemReason(problem["reason"])})
        heads = tuple(Window(**each) for each in stated["heads"])
        return cls(**stated | {"seen": Seen(stated["seen"]), "heads": heads})


def candidates_digest(records: Iterable[SourceRecord]) -> str:
    """Return what tells one choice of records, of logs that begin alike, from another.

    Each is told once: what is known of two logs of a task is sent with both.
    """
    places = sorted({(each.source, each.start, each.end, each.digest.digits) for each in records})
    return hashlib.sha256(json.dumps(places).encode()).hexdigest()


def record_content(record: SourceRecord) -> bytes:
    """Return a record as it is handed back."""
    return json.dumps(stated_record(record)).encode()


def record_of(content: bytes) -> SourceRecord:
    """Read a record again."""
    return source_record(json.loads(content))


def files_content(files: WrittenFiles) -> bytes:
    """Return files as they are handed back."""
    return json.dumps(asdict(files), default=date.isoformat).encode()


def files_of(content: bytes) -> WrittenFiles:
    """Read files again."""
    stated = json.loads(content)
    return WrittenFiles(
        data_files=tuple(
            DataFile(**each | {"date": date.fromisoformat(each["date"])}) for each in stated["data_files"]
        ),
        quarantine_files=tuple(QuarantineFile(**each) for each in stated["quarantine_files"]),
    )
