"""The codes of what a run warns of, each of which is declared here alone.

Does not own what is worth a warning (``pipeline.jobs``) nor for which codes a run fails (``[strict]`` of
``tallybook.toml``).
"""

from __future__ import annotations

from enum import StrEnum


class WarningCode(StrEnum):
    """What a warning is of, in the order in which warnings are told."""

    NO_SOURCES = "no_sources"
    NO_FILE_FITS = "no_file_fits"
    SECRET_MADE = "secret_made"  # noqa: S105  # a code, no secret
    LOG_UNREAD = "log_unread"
    LINE_UNENDED = "line_unended"
    LOG_GONE = "log_gone"
    FORGOTTEN = "forgotten"
    BATCH_UNKNOWN = "batch_unknown"
    KERNEL_FAILED = "kernel_failed"
    TRACED_TWICE = "traced_twice"
    QUARANTINED = "quarantined"
    CONFLICT = "conflict"
    SUSPICIOUS_COPIES = "suspicious_copies"
    HELD = "held"
    UNPRICED = "unpriced"
    UNASSIGNED = "unassigned"
    UNMEASURED = "unmeasured"
    """Exchanges that stated no usage, and are not billed."""
    ESTIMATED = "estimated"
    """Likewise, and billed at an estimate."""
    ERROR_STATUS = "error_status"
    OTHER_USAGE = "other_usage"
    ADVISORY_CHECK = "advisory_check"
    LATE_USAGE = "late_usage"
    ABOVE_SPEND_CAP = "above_spend_cap"


LOSING = (
    WarningCode.LOG_UNREAD,
    WarningCode.QUARANTINED,
    WarningCode.CONFLICT,
    WarningCode.SUSPICIOUS_COPIES,
    WarningCode.UNPRICED,
    WarningCode.UNASSIGNED,
    WarningCode.UNMEASURED,
)
"""What loses money: usage that is, or may be, on no bill. ``--strict`` fails for these where nothing else is said."""
