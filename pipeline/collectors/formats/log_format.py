"""How one source writes its log: in which format, which field is called what, which rules hold, how much is too much.

Owns the settings of a reader and their validation. Does not own ``tallybook.toml`` (``pipeline.jobs`` reads it) nor the
language of ``fields`` (``pipeline.configuration.log_fields``).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from pipeline.base.errors import ConfigurationError
from pipeline.base.periods import time_zone
from pipeline.collectors.formats.found import REQUEST_LOG, by_name
from pipeline.collectors.identity import IDENTITIES
from pipeline.configuration.log_fields import path_of, rules_of, steps_of
from pipeline.usage.events import MAPPED_FIELDS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from zoneinfo import ZoneInfo

    from pipeline.collectors.formats.batches.batch import Batch
    from pipeline.collectors.formats.mapping import Mapped
    from pipeline.collectors.values.strict_json import JsonObject
    from pipeline.configuration.log_fields import Path, Rule

READER_VERSION = 21
"""A change of what the reader makes of a line is a new number: what could not be read before is then read again."""

_OUR_NAMES = {name: f'"{name}"' for name in MAPPED_FIELDS}
"""Where an entry that a format made has the fields that no log has without being asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFormat:
    """The settings a log is read by.

    Construction raises ``ConfigurationError`` naming the setting that cannot be meant.
    """

    format: str | None = None
    """``found.REQUEST_LOG``, or one of ``found.by_name``; ``None``: found from each document, but a request log where
    ``fields`` are named.
    """
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Our name of a field to the log's own, in the language of ``tallybook.toml``: ``{"api_key_id": "auth.key_id"}``.

    Of a format that is a mapping it names fields otherwise; of one that makes entries, where these have them.
    """
    identity: str = "response-id"
    """Which id says that two lines are the same exchange: ``response-id``, ``request-id`` where response ids repeat, or
    ``both`` together where callers choose response ids.
    """
    dialect: str | None = None
    """One of ``families.FAMILIES``: every body is read as that one; ``None``: found from the body."""
    time_zone: str | None = None
    """The zone of instants that are written without an offset; ``None``: these are refused."""
    line_in: str | None = None
    """The path at which another line has the one that is meant, as JSON text; where it has none, it is meant itself."""
    ids_may_look_like_keys: bool = False
    """Whether an ``api_key_id`` of the form of a raw key is taken for an id all the same."""
    line_bytes_max: int = 64 * 2**20
    depth_max: int = 64
    decompressed_bytes_max: int = 2**40
    batch: Batch | None = field(default=None, repr=False)
    """What is known of the one batch whose output a log is: no setting, and part of what the log is read by."""
    rules: Mapping[str, Rule] = field(init=False, repr=False, compare=False)
    """Those of ``fields``."""
    zone: ZoneInfo | None = field(init=False, repr=False, compare=False)
    steps: frozenset[str] = field(init=False, repr=False, compare=False)
    """Every step of a path that the source names, less those of a format's own rules."""
    _line_in: Path | None = field(init=False, repr=False, compare=False)
    _within: dict[str, LogFormat] = field(init=False, repr=False, compare=False, default_factory=dict)
    _digest: str = field(init=False, repr=False, compare=False, default="")

    def __post_init__(self) -> None:
        """Refuse settings that cannot be meant."""
        object.__setattr__(self, "rules", rules_of(self.fields))
        object.__setattr__(self, "_line_in", None if self.line_in is None else path_of(self.line_in))
        named = (*self.rules.values(), *(() if self._line_in is None else (self._line_in,)))
        object.__setattr__(self, "steps", steps_of(named))
        object.__setattr__(self, "zone", None if self.time_zone is None else time_zone(self.time_zone))
        if self.format not in (None, REQUEST_LOG):
            _refuse_other("format", self.format, (REQUEST_LOG, *by_name()))
        _refuse_other("identity", self.identity, IDENTITIES)
        if self.dialect is not None:
            from pipeline.collectors.families import BY_NAME  # noqa: PLC0415  # imports every family

            _refuse_other("dialect", self.dialect, BY_NAME)
        for name in ("line_bytes_max", "depth_max", "decompressed_bytes_max"):
            if getattr(self, name) < 1:
                message = f"{name} is {getattr(self, name)}; it is at least 1"
                raise ConfigurationError(message)

    @property
    def is_ruled(self) -> bool:
        """Whether something is said of lines that does not stand in them: a rule may give all of them a value."""
        return bool(self.fields) or self.format not in (None, REQUEST_LOG)

    def settings(self) -> dict[str, Any]:
        """Return the settings as JSON has them, ``LogFormat(**settings)`` being this one again."""
        stated = {each.name: getattr(self, each.name) for each in fields(self) if each.init and each.name != "batch"}
        if not self.ids_may_look_like_keys:
            del stated["ids_may_look_like_keys"]  # what was read before there was this setting was read by the same
        return {**stated, "fields": dict(self.fields)}

    def digest(self) -> str:
        """Return a digest of the settings, which is made once."""
        if not self._digest:
            settings = json.dumps(self.settings(), default=dict, sort_keys=True)
            object.__setattr__(self, "_digest", hashlib.sha256(settings.encode()).hexdigest()[:16])
        return self._digest

    def of(self, line: JsonObject) -> Mapped:
        """Return what looks up the fields of a line."""
        from pipeline.collectors.formats.mapping import Mapped  # noqa: PLC0415  # only where there is a line to read

        return Mapped(line, self.rules, self.depth_max)

    def lines_of(self, line: JsonObject) -> list[Any]:
        """Return what lies at ``line_in``, of each object of an array on the way.

        Raises ``LineRefused`` where a name of it is stated twice.
        """
        found = [] if self._line_in is None else self.of(line).through_arrays(self._line_in)
        return [each for each in found if isinstance(each, dict | list | str)]

    def within_line(self) -> LogFormat:
        """Return the settings by which what lies at ``line_in`` is read."""
        if "" not in self._within:
            self._within[""] = replace(self, line_in=None)
        return self._within[""]

    def within(self, name: str, mapping: Mapping[str, Any] | None) -> LogFormat:
        """Return the settings by which the entries of a format are read, as lines of a request log.

        ``mapping`` is the format's own, ``None`` where it makes entries in our names.
        """
        if name not in self._within:
            named = _OUR_NAMES if mapping is None else mapping
            self._within[name] = replace(self, format=REQUEST_LOG, fields={**named, **self.fields})
            object.__setattr__(self._within[name], "steps", self.steps)
        return self._within[name]


def _refuse_other(name: str, value: str | None, known: Collection[str]) -> None:
    if value not in known:
        message = f"{name} is {value!r}; it is one of {', '.join(known)}"
        raise ConfigurationError(message)


def read_by(log_format: LogFormat) -> str:
    """Return what identifies the reader: its version, a digest of the settings, and one of the batch, if it is known.

    >>> read_by(LogFormat()).split("-")[1] == settings_digest(read_by(LogFormat()))
    True
    """
    batch = "" if log_format.batch is None else f"-{log_format.batch.digest}"
    return f"{READER_VERSION}-{log_format.digest()}{batch}"


def settings_digest(reader: str | None) -> str:
    """Return the digest of the settings in what ``read_by`` returned; empty where nothing was kept."""
    return (reader or "").split("-")[1] if reader else ""


def batch_digests(reader: str | None) -> tuple[str, str]:
    """Return the digests of batch object and requests in what ``read_by`` returned; empty where one was not known."""
    _, _, known = (reader or "").partition("-")[2].partition("-")
    of_object, _, of_requests = known.partition(".")
    return of_object, of_requests
