"""``[[sources]]`` of ``tallybook.toml``: which logs a workspace has, and how they are read.

Owns what an entry may say. Does not own the language of ``fields`` (``log_fields``), which files fit a glob
(``source_files``), nor how a log is read (``pipeline.collectors``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pipeline.base.errors import ConfigurationError
from pipeline.base.names import ID, ID_IN_WORDS
from pipeline.base.periods import time_zone
from pipeline.configuration.log_fields import flattened, path_of, rules_of
from pipeline.configuration.stored.key_glob import KeyGlob, is_stored, names_another_scheme
from pipeline.configuration.strict_toml import Table, value_text
from pipeline.objects.layout import RECEIVED_FOLDER
from pipeline.usage.events import LOG_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_LISTING_DAYS_MAX = 31
"""Longer than a month, late logs would miss their invoice for no requests worth saving."""


class IdentityRule(StrEnum):
    """What makes two logged lines the same exchange, beside their API key."""

    RESPONSE_ID = "response-id"
    REQUEST_ID = "request-id"
    """For gateways whose response ids are not unique."""
    BOTH = "both"
    """The two together, for gateways whose callers can choose response ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPaths:
    """Where what belongs to batches' outputs lies: globs, relative to the workspace."""

    objects: tuple[str, ...]
    """Of the batch objects, as the API returns them."""
    inputs: tuple[str, ...] = ()
    """Of the input files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """One ``[[sources]]`` entry: which logs, and how to read them."""

    name: str
    paths: tuple[str, ...]
    """Globs, relative to the workspace, or of an object store: ``s3://…``, ``gs://…``, ``az://…``."""
    format: str | None = None
    """How its lines are written; None = found from each. ``pipeline.collectors`` knows which formats there are."""
    fields: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Field of the request log → where this source writes it, in the language of ``log_fields``."""
    identity: IdentityRule = IdentityRule.RESPONSE_ID
    dialect: str | None = None
    """The family that each body is read as; None = found from each. ``pipeline.collectors`` knows which there are."""
    time_zone: str | None = None
    """The zone of instants that are written without an offset."""
    line_in: str | None = None
    """The path at which a program's logger puts the line, as JSON text."""
    ids_may_look_like_keys: bool = False
    """Whether key ids of the form of raw keys are taken for ids all the same."""
    link_roots: tuple[str, ...] = ()
    """Folders beside the workspace into which links under ``paths`` may lead; relative to the workspace."""
    gone: tuple[str, ...] = ()
    """Logs whose unread end is lost for good, as the warning names them."""
    batch: BatchPaths | None = None
    """Where the batch objects and input files of its logs lie, which are batches' outputs."""

    full_listing_days: int = 0
    """Every how many days all keys of a store are listed; in between only those behind the mark. 0 = every night."""

    @property
    def all_paths(self) -> tuple[str, ...]:
        """Return its globs, and that of what came for it by standard input."""
        return (*self.paths, f"{RECEIVED_FOLDER}/{self.name}/*.log")


def read_sources(tables: Iterable[Table]) -> tuple[SourceSettings, ...]:
    """Check the ``[[sources]]`` of a workspace. Raises ``ConfigurationError``."""
    sources: dict[str, SourceSettings] = {}
    for table in tables:
        source = _source(table)
        if source.name in sources:
            what = f"name {source.name!r} is used by an earlier source; give every source a name of its own"
            raise table.refusal(what)
        sources[source.name] = source
    return tuple(sources.values())


def _source(table: Table) -> SourceSettings:
    table.allow_only(
        *("name", "paths", "format", "fields", "identity", "dialect", "time_zone", "line_in", "batch"),
        *("ids_may_look_like_keys", "link_roots", "gone", "full_listing_days"),
    )
    name = table.text("name")
    if not ID.fullmatch(name) or not name.strip("."):  # it may name a folder
        what = f"name is {value_text(name)}; write {ID_IN_WORDS}, not dots alone"
        raise table.refusal(what)
    paths = table.texts("paths")
    if not paths:
        what = 'paths is an empty list; name the logs of this source, such as ["logs/*.jsonl"]'
        raise table.refusal(what)
    _refuse_odd_globs(table, "paths", paths)
    zone = table.text("time_zone") if "time_zone" in table.values else None
    try:
        time_zone(zone or "UTC")
    except ConfigurationError as wrong:
        raise table.refusal(str(wrong)) from wrong
    return SourceSettings(
        name=name,
        paths=paths,
        format=table.text("format") if "format" in table.values else None,
        fields=_fields(table),
        identity=table.choice("identity", IdentityRule.RESPONSE_ID),
        dialect=table.text("dialect") if "dialect" in table.values else None,
        time_zone=zone,
        line_in=_line_in(table),
        ids_may_look_like_keys=table.flag("ids_may_look_like_keys"),
        link_roots=_link_roots(table),
        gone=table.texts("gone") if "gone" in table.values else (),
        batch=_batch(table),
        full_listing_days=_full_listing_days(table, paths),
    )


def _refuse_odd_globs(table: Table, key: str, globs: Sequence[str]) -> None:
    """Raise ``ConfigurationError`` for a glob of a store that names no logs, or of a store that is not known."""
    for glob in globs:
        if names_another_scheme(glob):
            what = f"{key}: {glob!r} has a scheme that is not known; write s3://bucket/…, gs://… or az://…, or a path"
            raise table.refusal(what)
        if is_stored(glob):
            try:
                KeyGlob(glob)
            except ConfigurationError as wrong:
                what = f"{key}: {wrong}"
                raise table.refusal(what) from wrong


def _full_listing_days(table: Table, paths: Sequence[str]) -> int:
    if "full_listing_days" not in table.values:
        return 0
    days = table.values["full_listing_days"]
    if isinstance(days, bool) or not isinstance(days, int) or not 0 <= days <= _LISTING_DAYS_MAX:
        what = f"full_listing_days is {value_text(days)}; write a whole number of days from 0 to {_LISTING_DAYS_MAX}"
        raise table.refusal(what)
    if not any(map(is_stored, paths)):
        what = "full_listing_days is for logs on object stores, and paths names none; leave it out"
        raise table.refusal(what)
    return days


def _batch(source: Table) -> BatchPaths | None:
    if "batch" not in source.values:
        return None
    table = source.table("batch")
    table.allow_only("objects", "inputs")
    objects = table.texts("objects")
    if not objects:
        what = 'objects is an empty list; name the files of the batch objects, such as ["logs/batches/*.json"]'
        raise table.refusal(what)
    inputs = table.texts("inputs") if "inputs" in table.values else ()
    _refuse_odd_globs(table, "objects", objects)
    _refuse_odd_globs(table, "inputs", inputs)
    return BatchPaths(objects=objects, inputs=inputs)


def _link_roots(table: Table) -> tuple[str, ...]:
    roots = table.texts("link_roots") if "link_roots" in table.values else ()
    for root in roots:
        if not root or "\0" in root or any(sign in root for sign in "*?["):
            what = f'link_roots holds {value_text(root)}; name folders without wildcards, such as ["/var/log/pods"]'
            raise table.refusal(what)
    return roots


def _line_in(source: Table) -> str | None:
    if "line_in" not in source.values:
        return None
    path = source.text("line_in")
    try:
        path_of(path)
    except ConfigurationError as wrong:
        what = f"line_in is {value_text(path)}, which is {wrong}"
        raise source.refusal(what) from wrong
    return path


def _fields(source: Table) -> Mapping[str, Any]:
    """Read where the log has which field."""
    values = flattened(source.table("fields").values)
    fields = Table(file=source.file, name=f"{source.name} fields", values=values, error=source.error)
    fields.allow_only(*LOG_FIELDS)
    try:
        rules_of(values)
    except ConfigurationError as wrong:
        raise source.refusal(str(wrong)) from wrong
    return MappingProxyType(values)
