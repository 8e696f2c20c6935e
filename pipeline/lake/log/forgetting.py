"""The part of a log entry that says what was forgotten: by which rule, which files, and what is kept of them.

The entry makes it so: from then on the files that it names count no longer and may be gone, and only then are they
removed. Beside it an entry has Delta's ``remove`` of every data file that was in force, and ``add`` of what is left of
some. Files that earlier readings had, and that count for issued invoices alone, are named with what is left of them.

Does not own which events are forgotten (``pipeline.jobs.upkeep.forgetting``), what then counts (``applying``), nor the
kept counts (``pipeline.jobs.state.forgotten``).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from types import NoneType
from typing import TYPE_CHECKING, Any

from pipeline.lake.log.superseding import replaced_places
from pipeline.objects.encoded.strict_json import checked_fields
from pipeline.objects.layout import DATA_FILE_NAME, is_data_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.lake.log.superseding import Place

NO_CLOCK = datetime.min.replace(tzinfo=UTC)


class RuleKind(StrEnum):
    """By what events are chosen."""

    BEFORE = "before"
    KEY = "key"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySpan:
    """The time in which a key was of an account: ``[from_at, to_at)``; None is the beginning, or further notice."""

    key_id: str
    from_at: datetime | None = None
    to_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgettingRule:
    """Which events are forgotten, and stay so: whatever else of them comes in later logs is left out."""

    kind: RuleKind
    value: str
    """A date, a key id or an account id."""
    keys: tuple[KeySpan, ...] = ()
    """Of an account: its keys as of then."""

    @property
    def text(self) -> str:
        """Say it as it was asked for: ``--before 2027-01-01``."""
        return f"--{self.kind} {self.value}"

    @property
    def before_date(self) -> date:
        """The first date that is not forgotten. Raises ``ValueError`` for a rule of another kind."""
        return date.fromisoformat(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A file of ``lake/forgotten``, ``<sha256>.parquet``."""

    sha256: str
    size: int
    rows: int

    @property
    def name(self) -> str:
        """Its name in the folder."""
        return f"{self.sha256}.parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftFile:
    """What is left of a file: another one, with the rows that were not forgotten."""

    path: str
    sha256: str
    size: int
    rows: int
    origin: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgottenFile:
    """A file of events or of quarantined lines of which rows were forgotten."""

    path: str
    rows: int
    """That were forgotten."""
    left: LeftFile | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A state of the lake that issued documents name, of which counts are kept."""

    commit: int
    configuration_sha256: str
    files: int
    """So many data files were in force at its clock, as they were before anything was forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgetting:
    """What an entry says of what it forgets."""

    rule: ForgettingRule
    places: tuple[Place, ...]
    """Whose records the sources of the entry replace, one by one."""
    data_files: tuple[ForgottenFile, ...]
    """In force or superseded."""
    quarantine_files: tuple[ForgottenFile, ...]
    events: int
    """So many events that were in force."""
    quarantined: int
    """So many lines that were in the quarantine."""
    months: tuple[tuple[str, str], ...]
    """The account and the billing period of all billed usage among them: what was invoiced for these stands."""
    points: tuple[Point, ...]
    """In the order of their counts. The last counts, after all of these, are those of the entry itself."""
    counts: Mapping[str, KeptFile]
    """Counts of all that was ever forgotten, by mart, with the number of the point from which on they differ."""
    identities: KeptFile
    """The identities of the events that this entry forgets."""
    in_force: frozenset[str] = field(default_factory=frozenset)
    """Which of ``data_files`` and ``quarantine_files`` were in force."""
    commit: int = -1
    """The number of its entry; set where it is read."""
    at: datetime = NO_CLOCK
    """The clock of its entry."""

    @property
    def text(self) -> str:
        """Say when and by which rule: ``forgotten on 2028-01-03 by --before 2027-01-01``."""
        return f"forgotten on {self.at:%Y-%m-%d} by {self.rule.text}"


STATED: Mapping[str, type] = {"supersedes": list, "forgets": dict}
"""The fields of ``commitInfo`` that ``rendered`` gives, and their types."""


def rendered(forgetting: Forgetting) -> dict[str, Any]:
    """Return it as ``commitInfo`` states it."""
    rule = forgetting.rule
    return {
        "supersedes": [asdict(place) for place in forgetting.places],
        "forgets": {
            "rule": rule.kind.value,
            "meant": rule.value,
            "keys": [
                {"key_id": span.key_id, "from_at": _text_of(span.from_at), "to_at": _text_of(span.to_at)}
                for span in rule.keys
            ],
            "dataFiles": [_stated(file, forgetting.in_force) for file in forgetting.data_files],
            "quarantineFiles": [_stated(file, forgetting.in_force) for file in forgetting.quarantine_files],
            "events": forgetting.events,
            "quarantined": forgetting.quarantined,
            "months": [list(month) for month in forgetting.months],
            "points": [asdict(point) for point in forgetting.points],
            "counts": {name: asdict(file) for name, file in sorted(forgetting.counts.items())},
            "identities": asdict(forgetting.identities),
        },
    }


def parsed(info: Mapping[str, Any]) -> Forgetting:
    """Read it back from ``commitInfo``. Raises ``ValueError`` for what is not ours."""
    stated = checked_fields(
        info["forgets"],
        "forgets",
        rule=str,
        meant=str,
        keys=list,
        dataFiles=list,
        quarantineFiles=list,
        events=int,
        quarantined=int,
        months=list,
        points=list,
        counts=dict,
        identities=dict,
    )
    places = replaced_places(info, "replace")
    rule = ForgettingRule(
        kind=RuleKind(stated["rule"]), value=stated["meant"], keys=tuple(_span(each) for each in stated["keys"])
    )
    if rule.kind is RuleKind.BEFORE:
        date.fromisoformat(rule.value)
    files = [_file(each, is_of_events=True) for each in stated["dataFiles"]]
    lines = [_file(each, is_of_events=False) for each in stated["quarantineFiles"]]
    return Forgetting(
        rule=rule,
        places=places,
        data_files=tuple(file for file, _ in files),
        quarantine_files=tuple(file for file, _ in lines),
        events=stated["events"],
        quarantined=stated["quarantined"],
        months=tuple(_month(each) for each in stated["months"]),
        points=tuple(
            Point(**checked_fields(each, "a point", commit=int, configuration_sha256=str, files=int))
            for each in stated["points"]
        ),
        counts={name: _kept(each) for name, each in stated["counts"].items()},
        identities=_kept(stated["identities"]),
        in_force=frozenset(file.path for file, is_in_force in (*files, *lines) if is_in_force),
    )


def _stated(file: ForgottenFile, in_force: frozenset[str]) -> dict[str, Any]:
    return {
        "path": file.path,
        "rows": file.rows,
        "inForce": file.path in in_force,
        "left": None if file.left is None else asdict(file.left),
    }


def _file(value: Any, *, is_of_events: bool) -> tuple[ForgottenFile, bool]:
    fields = checked_fields(value, "a forgotten file", path=str, rows=int, inForce=bool, left=(dict, NoneType))
    left = None
    if fields["left"] is not None:
        left = LeftFile(
            **checked_fields(fields["left"], "what is left", path=str, sha256=str, size=int, rows=int, origin=int)
        )
    for path in (fields["path"], *([left.path] if left else [])):
        if not is_data_path(path, is_of_events=is_of_events):
            message = f"it forgets the file {path!r}, which is none of ours"
            raise ValueError(message)
    return ForgottenFile(path=fields["path"], rows=fields["rows"], left=left), fields["inForce"]


def _kept(value: Any) -> KeptFile:
    file = KeptFile(**checked_fields(value, "a file of counts", sha256=str, size=int, rows=int))
    if not DATA_FILE_NAME.fullmatch(file.name):
        message = f"it keeps counts in {file.name!r}, which is no <sha256>.parquet"
        raise ValueError(message)
    return file


def _month(value: Any) -> tuple[str, str]:
    if not isinstance(value, list) or [type(each) for each in value] != [str, str]:
        message = f"it names {value!r}, and an account and a billing period belong there"
        raise ValueError(message)
    return value[0], value[1]


def _span(value: Any) -> KeySpan:
    fields = checked_fields(value, "a key", key_id=str, from_at=(str, NoneType), to_at=(str, NoneType))
    return KeySpan(key_id=fields["key_id"], from_at=_instant(fields["from_at"]), to_at=_instant(fields["to_at"]))


def _instant(text: str | None) -> datetime | None:
    found = None if text is None else datetime.fromisoformat(text)
    if found is not None and found.tzinfo is None:
        message = f"it names the instant {text!r}, without an offset"
        raise ValueError(message)
    return found


def _text_of(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()
