"""Warnings that somebody acknowledged: quiet until there is more of them, with a reason that others can read.

``acknowledged.jsonl`` of the workspace, one JSON object a line. Lines are added and never changed: the last one about a
code and a subject holds. It belongs to the configuration files of the workspace, and alters no count and no bill.

Owns the file, and when an acknowledgement is refused. Does not own when there is more of a warning
(``pipeline.jobs.state.notices.told``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError, FormatIsNewer, TallybookError
from pipeline.configuration.strict_toml import configured_bytes
from pipeline.lake.told import read_told, told_document, told_from_document
from pipeline.objects import disk, layout
from pipeline.objects.encoded.formats import check_format
from pipeline.objects.encoded.strict_json import checked_fields, parse_object

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.lake.told import ToldWarning

_FORMAT = "tallybook-acknowledged/1"
"""Of lines that state no format, too: none was stated until there was a second one."""
_REASON_MAX = 500
_LISTED_MAX = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """What somebody said of the warnings of a code and a subject."""

    code: str
    subject: str
    """Empty for a warning that has none."""
    reason: str
    """Empty where the acknowledgement is taken back."""
    acknowledged_at: datetime
    warnings: tuple[ToldWarning, ...]
    """As the last night had told of them; none where it is taken back."""


def read_acknowledged(workspace: Path) -> tuple[Acknowledged, ...]:
    """Return what is acknowledged now, the oldest first.

    Raises ``ConfigurationError`` with the line that is not ours.
    """
    standing = {(entry.code, entry.subject): entry for entry in _entries(_read(workspace))}
    return tuple(sorted((each for each in standing.values() if each.reason), key=lambda each: each.acknowledged_at))


def acknowledge(workspace: Path, code: str, subject: str, *, reason: str, now: datetime) -> Acknowledged | None:
    """Quiet what the last night told of a code and a subject, durably; None where that is acknowledged already.

    For the holder of the workspace's lock. Raises ``ConfigurationError`` where the last night told of no such warning,
    and for a reason that is no line.
    """
    if not reason.strip() or not reason.isprintable() or len(reason) > _REASON_MAX:
        message = f"--reason is no line of 1 to {_REASON_MAX} printable characters; say why nobody needs to act"
        raise ConfigurationError(message)
    told = read_told(layout.lake(workspace))
    warnings = tuple(each for each in told if (each.code, each.subject) == (code, subject))
    if not warnings:
        raise ConfigurationError(_told_of_none(told, code, subject))
    entry = Acknowledged(code=code, subject=subject, reason=reason, acknowledged_at=now, warnings=warnings)
    for earlier in read_acknowledged(workspace):
        if (earlier.code, earlier.subject, earlier.reason, earlier.warnings) == (code, subject, reason, warnings):
            return None
    _append(workspace, entry)
    return entry


def take_back(workspace: Path, code: str, subject: str, *, now: datetime) -> Acknowledged:
    """Let the warnings of a code and a subject be told again, durably, and return what is taken back.

    For the holder of the workspace's lock. Raises ``ConfigurationError`` where they are not acknowledged.
    """
    for earlier in read_acknowledged(workspace):
        if (earlier.code, earlier.subject) == (code, subject):
            _append(workspace, Acknowledged(code=code, subject=subject, reason="", acknowledged_at=now, warnings=()))
            return earlier
    message = f"{_name(code, subject)} is not acknowledged, so nothing can be undone; 'tallybook doctor' lists what is"
    raise ConfigurationError(message)


def acknowledged_text(acknowledged: Acknowledged) -> str:
    """Say what is acknowledged, since which UTC date and why."""
    name, since = _name(acknowledged.code, acknowledged.subject), f"{acknowledged.acknowledged_at:%Y-%m-%d}"
    return f"{name}, since {since}: {acknowledged.reason}"


def _name(code: str, subject: str) -> str:
    return f"{code} {subject}".strip()


def _told_of_none(told: tuple[ToldWarning, ...], code: str, subject: str) -> str:
    subjects = list(dict.fromkeys(each.subject or "(no subject)" for each in told if each.code == code))
    more = f" and {len(subjects) - _LISTED_MAX} more" if len(subjects) > _LISTED_MAX else ""
    about = f"of that code it told about {', '.join(subjects[:_LISTED_MAX])}{more}" if subjects else "nor of that code"
    return f"the last night told of no warning {_name(code, subject)}, {about}; name one that 'nightly' told of"


def _read(workspace: Path) -> bytes:
    file = layout.ACKNOWLEDGED_FILE
    return configured_bytes(workspace / file, file=file, error=ConfigurationError) or b""


def _append(workspace: Path, entry: Acknowledged) -> None:
    """Add a line; a reader sees all of it or nothing, also after a power cut."""
    before = _read(workspace)
    line = json.dumps(
        {
            "code": entry.code,
            "subject": entry.subject,
            "reason": entry.reason,
            "acknowledged_at": entry.acknowledged_at.isoformat(),
            "warnings": [told_document(told) for told in entry.warnings],
        },
        ensure_ascii=False,
    )
    ended = before if not before or before.endswith(b"\n") else before + b"\n"
    disk.replace_durably(workspace / layout.ACKNOWLEDGED_FILE, ended + line.encode("utf-8") + b"\n")


def _entries(content: bytes) -> list[Acknowledged]:
    entries = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            entries.append(_entry(line))
        except FormatIsNewer:
            raise
        except (ValueError, TallybookError) as wrong:
            place = f"{layout.ACKNOWLEDGED_FILE}, line {number}"
            message = f"{place}: {wrong}; restore that line, or remove it: what it quiets is told"
            raise ConfigurationError(message) from wrong
    return entries


def _entry(line: bytes) -> Acknowledged:
    stated = parse_object(line)
    if "format" in stated:
        check_format(stated, _FORMAT, layout.ACKNOWLEDGED_FILE)
        del stated["format"]
    fields = checked_fields(stated, "the line", code=str, subject=str, reason=str, acknowledged_at=str, warnings=list)
    acknowledged_at = datetime.fromisoformat(fields["acknowledged_at"])
    if acknowledged_at.tzinfo is None:
        message = f"acknowledged_at is {fields['acknowledged_at']!r}, without an offset"
        raise ValueError(message)
    return Acknowledged(
        code=fields["code"],
        subject=fields["subject"],
        reason=fields["reason"],
        acknowledged_at=acknowledged_at,
        warnings=tuple(told_from_document(value) for value in fields["warnings"]),
    )
