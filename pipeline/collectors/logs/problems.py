"""What can be wrong with a log as a file, as opposed to one of its lines.

Owns the reasons and their record. Does not own what a run makes of them (``pipeline.jobs`` does).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pipeline.base.errors import TallybookError


class ProblemReason(StrEnum):
    """Why a log, or the rest of it, was not read."""

    NOT_A_REGULAR_FILE = "not_a_regular_file"
    """A folder, a FIFO, a device, or a link that nobody named."""
    LINK_REFUSED = "link_refused"
    """A link that leads out of the workspace and the declared roots, in a circle or nowhere, or a folder that cannot be
    listed.
    """
    UNREADABLE = "unreadable"
    """The operating system refused to open or read it."""
    STORE_REFUSED = "store_refused"
    """An object store cannot be reached, or refuses to list or to hand out."""
    REPLACED_WHILE_READ = "replaced_while_read"
    """An object is another one than was listed: it was replaced, or removed, since."""
    CORRUPT_COMPRESSION = "corrupt_compression"
    """The compressed stream breaks its format or its checksum; nothing after the last verified member is believed."""
    ENDS_INSIDE_MEMBER = "ends_inside_member"
    """The compressed stream is cut: its last member or frame has no end."""
    NOT_JSON_LINES = "not_json_lines"
    """The first bytes say that the log is in another format or encoding."""
    DOCUMENT_NOT_WHOLE = "document_not_whole"
    """The log is one JSON document, and it is not all there."""
    EXPANDS_TOO_MUCH = "expands_too_much"
    """The compressed stream grows beyond the limits of the source."""
    TAIL_UNREAD = "tail_unread"
    """A log that was read in part is found no more, or lies where no glob finds it, and had more."""


SAY_NOTHING_OF_THE_BYTES = frozenset(
    {ProblemReason.UNREADABLE, ProblemReason.STORE_REFUSED, ProblemReason.REPLACED_WHILE_READ}
)
"""Reasons for which bytes were not handed out, and may be a moment later: nothing can be concluded from their absence.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceProblem:
    """One log that could not be read, or not to its end."""

    source: str
    reason: ProblemReason
    offset: int
    """Offset in bytes of the decompressed log up to which it is believed."""
    detail: str
    """What the system or the format said; never content."""


class LogUnreadable(TallybookError):
    """A log cannot be opened or read on; caught by ``reading``, which reports it as a ``SourceProblem``."""

    def __init__(self, reason: ProblemReason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
