"""Whose a key is, and when: a key has one owner at most at any instant. And its tags.

Owns the spans of time during which keys belong to accounts, and what a tag may be. Does not own key ids themselves
(``pipeline.configuration.keys.key_secret`` makes them).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from pipeline.base.errors import AccountsError
from pipeline.base.names import NAME
from pipeline.base.periods import instant_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_TAG_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}", re.ASCII)
_TAG_VALUE = re.compile(r"[A-Za-z0-9._:/@+-]([A-Za-z0-9._:/@+ -]{0,62}[A-Za-z0-9._:/@+-])?", re.ASCII)
_SINCE_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPeriod:
    """A key's time with an account: ``[from_at, to_at)``; None is from the beginning, or until further notice."""

    key_id: str
    from_at: datetime | None = None
    to_at: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse a time that is empty."""
        if self.from_at is not None and self.to_at is not None and self.from_at >= self.to_at:
            message = (
                f"key id {self.key_id!r} belongs to the account {self.text()}, which is no time at all; "
                "to is exclusive and must be later"
            )
            raise AccountsError(message)

    def holds(self, instant: datetime) -> bool:
        """Say whether an aware instant lies in it."""
        return (self.from_at is None or self.from_at <= instant) and (self.to_at is None or instant < self.to_at)

    def text(self) -> str:
        """Write it for a message: ``from 2026-10-01T00:00:00Z to (excluding) 2026-11-01T00:00:00Z``."""
        start = "from the beginning" if self.from_at is None else f"from {instant_text(self.from_at)}"
        return start if self.to_at is None else f"{start} to (excluding) {instant_text(self.to_at)}"


def refuse_two_owners(owned: Iterable[tuple[str, KeyPeriod]]) -> None:
    """Raise ``AccountsError`` where a key belongs to two accounts, or twice to one, at the same time.

    ``owned`` is account ids and times.
    """
    by_key: dict[str, list[tuple[str, KeyPeriod]]] = {}
    for account_id, period in owned:
        by_key.setdefault(period.key_id, []).append((account_id, period))
    for key_id, times in by_key.items():
        in_order = sorted(times, key=lambda time: time[1].from_at or _SINCE_EVER)
        for (owner_id, earlier), (other_id, later) in pairwise(in_order):
            if earlier.to_at is not None and earlier.to_at <= (later.from_at or _SINCE_EVER):
                continue
            if owner_id == other_id:
                message = f"key id {key_id!r} is listed twice in account {owner_id!r}; leave it there once"
                raise AccountsError(message)
            first, second = sorted((owner_id, other_id), key=[account_id for account_id, _ in times].index)
            message = (
                f"key id {key_id!r} belongs to account {first!r} and to account {second!r}; leave it with one of them"
            )
            if earlier.text() != later.text() or earlier.from_at or earlier.to_at:
                message += (
                    f", or let one end where the other begins ({owner_id} has it {earlier.text()}, {other_id} "
                    f"{later.text()})"
                )
            raise AccountsError(message)


def refuse_tags(key_id: str, tags: Mapping[str, str]) -> None:
    """Raise ``AccountsError`` for a tag that could not stand in a column.

    A value has letters, digits, ``. _ : / @ + -`` and blanks within.
    """
    if not NAME.fullmatch(key_id):  # what stands there may be a raw key: do not show it
        message = (
            f"[keys] names something that is no key id (length {len(key_id)}); "
            "'tallybook keys id' makes one from a raw key"
        )
        raise AccountsError(message)
    for name, value in tags.items():
        if not _TAG_NAME.fullmatch(name) or not _TAG_VALUE.fullmatch(value):
            message = (
                f"tag {name!r} of key id {key_id!r} is {value!r}; a name has 1 to 32 of a-z, A-Z, 0-9, _ or -, a value "
                "1 to 64 of those and . : / @ + or blanks"
            )
            raise AccountsError(message)


def tags_text(tags: Mapping[str, str]) -> str:
    """Write tags as one cell, by name: ``project=x;team=search``."""
    return ";".join(f"{name}={value}" for name, value in sorted(tags.items()))


def tags_from_text(text: str) -> dict[str, str]:
    """Read back what ``tags_text`` wrote: neither a name nor a value has a ``;`` or a ``=`` in it."""
    return dict(tag.split("=", maxsplit=1) for tag in text.split(";") if tag)
