"""The columns of a usage event, each declared once: what is kept of a logged exchange, and nothing beside it.

From ``COLUMNS`` follow the Arrow schema (``pipeline.tables.schemas``), the schema that the Delta log states
(``pipeline.lake.log.delta``), the rows that collectors make by name (``pipeline.collectors.decode``), which values rows
share (``pipeline.collectors.event_columns``), the fields of a log that a source may rename (``LOG_FIELDS``), the lists
of ``sql/`` (``pipeline.warehouse.lists``), the words of ``usage --by``, and the table in ``docs/configuration.md``.

A lake grows: a new column stands last, may be null and says since which version of the lake there is one. What was
written before it reads as null. A column is never renamed, moved, retyped or taken away: lakes that have it are read
for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Kind(Enum):
    """The type of a column; its value is what people are told."""

    DIGEST = "16 bytes"
    TEXT = "text"
    INSTANT = "instant, UTC, in microseconds"
    FLAG = "true or false"
    NUMBER = "32-bit integer"
    COUNT = "64-bit integer"
    OTHER_COUNTS = "text: a JSON object of names and integers, sorted by name, without blanks"


_LOGGED_KINDS = (Kind.TEXT, Kind.FLAG, Kind.NUMBER, Kind.COUNT)


class Role(Enum):
    """What a column is for."""

    IDENTITY = auto()
    """Tells copies of one response from other responses."""
    TIME = auto()
    PAYER = auto()
    MODEL = auto()
    """Names a model; usage is rated and grouped by the one that the answer names, else by the one asked for."""
    DIMENSION = auto()
    """All usage is counted apart by it: so text of few values. What is not stated is ``''`` there."""
    OUTCOME = auto()
    """What became of the exchange, and how its body was read."""
    USAGE = auto()
    """What was consumed. Counts of it are added up; what is not stated is 0 there."""
    SOURCE = auto()
    """The log that it was read from."""
    PLACE = auto()
    """Where in that log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column. Raises ``ValueError`` for one that older files, or those who count by it, could not have."""

    name: str
    kind: Kind
    role: Role
    says: str
    """One sentence without its full stop."""
    nullable: bool = True
    since: int = 1
    """The version of the lake that first had it."""
    part_of: str | None = None
    """The count that includes this one."""
    word: str | None = None
    """What ``usage --by`` calls a dimension; its name where there is none."""
    log_field: str | None = None
    """The field of a request log that states it, where no reader has a rule of its own for the column.

    Text, whole numbers and flags are then read from there as they are (``pipeline.collectors.formats.request_log``). A
    name with dots is a path into objects, and a source may rename it.
    """

    def __post_init__(self) -> None:
        """Refuse what cannot be read, counted by, or null in older files."""
        if self.role is Role.DIMENSION and self.kind is not Kind.TEXT:
            message = f"column {self.name} is {self.kind.value}; usage is counted by text alone"
            raise ValueError(message)
        if self.log_field is not None and self.kind not in _LOGGED_KINDS:
            message = f"column {self.name} is {self.kind.value}; no reader takes that from a field as it is"
            raise ValueError(message)
        if self.since > 1 and not self.nullable:
            message = (
                f"column {self.name} came with version {self.since} of the lake, so it is null in older files; "
                "declare it nullable"
            )
            raise ValueError(message)

    @property
    def is_shared(self) -> bool:
        """Whether many rows of one log have the same value; in the other columns each row has its own."""
        return self.role in (Role.MODEL, Role.DIMENSION, Role.OUTCOME, Role.SOURCE)

    @property
    def is_count(self) -> bool:
        """Whether it is a count of what was consumed."""
        return self.kind is Kind.COUNT and self.role is Role.USAGE


COLUMNS = (
    Column(
        name="event_id",
        kind=Kind.DIGEST,
        role=Role.IDENTITY,
        nullable=False,
        says="digest of the identity: the key id and the response id, or what stands in for it",
    ),
    Column(name="request_id", kind=Kind.TEXT, role=Role.IDENTITY, says="the log's own id"),
    Column(name="response_id", kind=Kind.TEXT, role=Role.IDENTITY, says="the id of the answer"),
    Column(name="occurred_at", kind=Kind.INSTANT, role=Role.TIME, nullable=False, says="when the request arrived"),
    Column(name="api_key_id", kind=Kind.TEXT, role=Role.PAYER, nullable=False, says="whose key it was; never the key"),
    Column(name="model_requested", kind=Kind.TEXT, role=Role.MODEL, says="the model that the request names"),
    Column(name="model_reported", kind=Kind.TEXT, role=Role.MODEL, says="the model that the answer names"),
    Column(name="service_tier", kind=Kind.TEXT, role=Role.DIMENSION, word="tier", says="as the answer states it"),
    Column(
        name="status",
        kind=Kind.TEXT,
        role=Role.OUTCOME,
        nullable=False,
        says="measured, estimated, unknown, failed or not_metered",
    ),
    Column(
        name="http_status",
        kind=Kind.NUMBER,
        role=Role.OUTCOME,
        nullable=False,
        says="100 to 599; 0 where none is stated",
    ),
    Column(
        name="stream", kind=Kind.FLAG, role=Role.OUTCOME, says="whether the answer came, or was asked for, as a stream"
    ),
    Column(name="choices", kind=Kind.NUMBER, role=Role.OUTCOME, says="how many answers the response has"),
    Column(name="finish_reason", kind=Kind.TEXT, role=Role.OUTCOME, says="why the answer ended"),
    Column(name="prompt_tokens", kind=Kind.COUNT, role=Role.USAGE, says="with cached and cache-write tokens"),
    Column(name="completion_tokens", kind=Kind.COUNT, role=Role.USAGE, says="with reasoning tokens"),
    Column(
        name="prompt_cached_tokens", kind=Kind.COUNT, role=Role.USAGE, part_of="prompt_tokens", says="read from a cache"
    ),
    Column(
        name="prompt_cache_write_tokens",
        kind=Kind.COUNT,
        role=Role.USAGE,
        part_of="prompt_tokens",
        says="written to a cache",
    ),
    Column(
        name="reasoning_tokens",
        kind=Kind.COUNT,
        role=Role.USAGE,
        part_of="completion_tokens",
        says="spent on reasoning",
    ),
    Column(
        name="content_chunks",
        kind=Kind.COUNT,
        role=Role.OUTCOME,
        says="chunks with content, of a stream that stated no usage",
    ),
    Column(
        name="dialect",
        kind=Kind.TEXT,
        role=Role.OUTCOME,
        says="the family that the body was read as, and the conventions that explain its counts",
    ),
    Column(
        name="source",
        kind=Kind.TEXT,
        role=Role.SOURCE,
        nullable=False,
        says="the log, relative to the workspace where it lies in it",
    ),
    Column(name="line", kind=Kind.COUNT, role=Role.PLACE, nullable=False, says="from 1"),
    Column(name="byte_start", kind=Kind.COUNT, role=Role.PLACE, nullable=False, says="in the decompressed log"),
    Column(name="byte_end", kind=Kind.COUNT, role=Role.PLACE, nullable=False, says="likewise; the byte after the line"),
    Column(
        name="prompt_audio_tokens", kind=Kind.COUNT, role=Role.USAGE, since=2, part_of="prompt_tokens", says="of audio"
    ),
    Column(
        name="completion_audio_tokens",
        kind=Kind.COUNT,
        role=Role.USAGE,
        since=2,
        part_of="completion_tokens",
        says="of audio",
    ),
    Column(
        name="prompt_cache_write_1h_tokens",
        kind=Kind.COUNT,
        role=Role.USAGE,
        since=2,
        part_of="prompt_cache_write_tokens",
        says="written to a cache that keeps them for an hour",
    ),
    Column(
        name="other_usage",
        kind=Kind.OTHER_COUNTS,
        role=Role.USAGE,
        since=2,
        says="what the answer states and no meter holds, such as searches, seconds or images",
    ),
    Column(
        name="left_out",
        kind=Kind.TEXT,
        role=Role.OUTCOME,
        since=2,
        says="names of ill-formed fields that decide no bill and were left out, sorted, between commas",
    ),
)
"""In the order of a row."""

DIMENSIONS = tuple(column for column in COLUMNS if column.role is Role.DIMENSION)
"""What all usage is counted apart by, besides key, model, status and time."""

COUNTS = tuple(column for column in COLUMNS if column.is_count)
"""What is added up. Two copies of one response that differ in any of them are different measurements."""

LOGGED = tuple(column for column in COLUMNS if column.log_field is not None)
"""What is read from a field of the log as it is."""

COUNTED_FIELDS = {
    "prompt_tokens": ("prompt_tokens",),
    "completion_tokens": ("completion_tokens",),
    "total_tokens": ("total_tokens",),
    "cached_tokens": ("prompt_tokens_details", "cached_tokens"),
    "cache_write_tokens": ("prompt_tokens_details", "cache_write_tokens"),
    "cache_write_1h_tokens": ("prompt_tokens_details", "cache_write_1h_tokens"),
    "reasoning_tokens": ("completion_tokens_details", "reasoning_tokens"),
    "prompt_audio_tokens": ("prompt_tokens_details", "audio_tokens"),
    "completion_audio_tokens": ("completion_tokens_details", "audio_tokens"),
}
"""Counts that a log may state one by one: the name after ``usage.``, and where chat's usage object has it."""

MAPPED_FIELDS = (
    *("service_tier", "cache_hit"),
    *("response.id", "response.model", "response.finish_reason", "response.error"),
    *("usage", *(f"usage.{name}" for name in COUNTED_FIELDS)),
)
"""The fields that are looked at only where a source, or its format, says where they lie.

For logs that state what an answer said, and not the answer.
"""

LOG_FIELDS = (
    *("ts", "request_id", "api_key", "api_key_id", "status", "method", "path", "host"),
    *("request", "request.model", "request.stream", "request.n", "response", "response_headers"),
    *(str(column.log_field) for column in LOGGED),
    *MAPPED_FIELDS,
)
"""The fields of a request log, which a source may call by other names; a name with dots is a path into objects.

``host`` may be named, and decides nothing yet.
"""

SUPERSEDING_SINCE = 3
"""The version of the lake since which a log that is read again can supersede its earlier reading. A program of before
would count both.
"""

ENTRIES_SINCE = 4
"""The version of the lake since which a line can be of several events, and an event of several lines. A program of
before would find that they do not add up.
"""

BLAKE3_SINCE = 5
"""The version of the lake since which the digest of a segment may be BLAKE3. A program of before would refuse the
record as one that nobody of ours could write.
"""

FORGETTING_SINCE = 6
"""The version of the lake since which events can be forgotten. A program of before would miss their files. A lake has
it from the first forgetting on, and no earlier: until then every program of version 5 goes on with it.
"""

COMPACTING_SINCE = 7
"""The version of the lake since which files can be compacted. A program of before would miss those that were. A lake
has it from the first compaction on, and no earlier.
"""

LAKE_VERSION = max(SUPERSEDING_SINCE, ENTRIES_SINCE, BLAKE3_SINCE, *(column.since for column in COLUMNS))
"""The version of the lake that this program writes; it reads every earlier one."""

LAKE_VERSION_MAX = max(LAKE_VERSION, FORGETTING_SINCE, COMPACTING_SINCE)
"""The latest version that this program knows, and writes where what it is for is used."""


def columns_of(lake_version: int) -> tuple[Column, ...]:
    """Return the columns of a version of the lake, in the order of a row."""
    return tuple(column for column in COLUMNS if column.since <= lake_version)
