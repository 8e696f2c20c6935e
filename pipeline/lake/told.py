"""What the last night warned of, and how much of it, kept so that the next one can tell what is new.

One file, ``lake/told/warnings.json``, replaced at once. It may be deleted at any time, and is not believed where its
digest says that it is damaged: then everything is new once more. Does not own what makes a warning new
(``pipeline.jobs.state.notices.told``).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipeline.base.errors import InexactAmount
from pipeline.base.money import decimal_from_plain, plain
from pipeline.objects import disk
from pipeline.objects.encoded.strict_json import checked_fields, parse_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal
    from pathlib import Path

_FOLDER = "told"
_FILE = "warnings.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldWarning:
    """What was told of one thing."""

    code: str
    subject: str
    about: Mapping[str, str]
    """What tells it from others of its code and subject."""
    counts: Mapping[str, int]
    amounts: Mapping[str, Decimal]
    """By currency, exactly."""
    told_at: datetime
    """The night that first told of it, or of so much of it; aware."""


def read_told(lake_dir: Path) -> tuple[ToldWarning, ...]:
    """Return what the last night told; nothing where there is no such file, or one that is not ours."""
    try:
        content = (lake_dir / _FOLDER / _FILE).read_bytes()
        stated = parse_object(content)
        with_digest = {"sha256": str} if "sha256" in stated else {}  # programs of before wrote none
        warnings = checked_fields(stated, "the file", warnings=list, **with_digest)["warnings"]
        if stated.get("sha256", _digest(warnings)) != _digest(warnings):
            return ()
        return tuple(told_from_document(value) for value in warnings)
    except (OSError, ValueError):
        return ()  # that everything is new is always right


def write_told(lake_dir: Path, told: Sequence[ToldWarning]) -> None:
    """Make this what the last night told, durably; the same again writes nothing.

    For the holder of the workspace's lock.
    """
    folder = lake_dir / _FOLDER
    if tuple(told) != read_told(lake_dir):
        disk.make_folders(lake_dir.parent, folder)
        disk.replace_durably(folder / _FILE, _render(told))


def told_document(told: ToldWarning) -> dict[str, object]:
    """Return it as JSON values, which ``told_from_document`` reads back."""
    return {
        "code": told.code,
        "subject": told.subject,
        "about": dict(told.about),
        "counts": dict(told.counts),
        "amounts": {currency: plain(amount) for currency, amount in told.amounts.items()},
        "told_at": told.told_at.isoformat(),
    }


def _render(told: Sequence[ToldWarning]) -> bytes:
    listed = [told_document(each) for each in told]
    document = {"sha256": _digest(listed), "warnings": listed}
    return (json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode("utf-8")


def _digest(listed: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(listed, ensure_ascii=False, sort_keys=True).encode("utf-8")).hexdigest()


def told_from_document(value: object) -> ToldWarning:
    """Read it strictly. Raises ``ValueError`` for what is not ours."""
    fields = checked_fields(
        value, "a warning", code=str, subject=str, about=dict, counts=dict, amounts=dict, told_at=str
    )
    told_at = datetime.fromisoformat(fields["told_at"])
    if told_at.tzinfo is None:
        message = f"told_at is {fields['told_at']!r}, without an offset"
        raise ValueError(message)
    try:
        amounts = {name: decimal_from_plain(_of_kind(amount, str)) for name, amount in fields["amounts"].items()}
    except InexactAmount as wrong:
        raise ValueError(str(wrong)) from wrong
    return ToldWarning(
        code=fields["code"],
        subject=fields["subject"],
        about={name: _of_kind(each, str) for name, each in fields["about"].items()},
        counts={name: _of_kind(count, int) for name, count in fields["counts"].items()},
        amounts=amounts,
        told_at=told_at,
    )


def _of_kind(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        message = f"it holds a {type(value).__name__} where a {kind.__name__} belongs"
        raise ValueError(message)
    return value
