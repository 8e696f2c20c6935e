"""Rotations of the key secret at rest: which secret took the place of which, and which ids mean which earlier ones.

A raw key has one id for ever, that of the secret under which it was first read. Under a later secret its digest is
another one: an *alias*. While both secrets are there, each raw key is hashed by both, and the pair is kept here; once
the earlier secret is destroyed, the alias leads from the new digest to the id.

``key-aliases/<20 digits>.json``, from 1: a log that only grows, chained and durable like the register. It holds no
secret, and no raw key can be found from it without one. Commits state its last entry (``jobs.key_ids``), so that a
folder that lost entries is noticed.

Does not own secrets (``key_secret``) nor when they are rotated.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from enum import StrEnum
from types import NoneType
from typing import TYPE_CHECKING, Any

from pipeline.base.periods import instant_text
from pipeline.objects import append_log, disk, layout

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

FORMAT = "tallybook-key-aliases/1"
KEY_DIGEST = re.compile(r"key_[0-9a-f]{32}", re.ASCII)
"""The id of a raw key, or its alias."""
_CHECK = re.compile(r"[0-9a-f]{16}", re.ASCII)
_ADVICE = "restore key-aliases from a backup: without it every key gets another id"


class Step(StrEnum):
    """What an entry does."""

    BEGIN = "begin"
    """Another secret takes the place of the one of before; both are there."""
    SEEN = "seen"
    """Raw keys were hashed by both."""
    FINISH = "finish"
    """The secret of before is destroyed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry, as it is read."""

    step: Step
    at: str
    check_before: str | None
    """Of a beginning: the check of the secret that is replaced."""
    check: str | None
    """Of a beginning: the check of the secret that replaces it."""
    aliases: Mapping[str, str]
    """Of keys that were seen: from digest to id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAliases:
    """What the entries come to."""

    ids: Mapping[str, str] = field(default_factory=dict)
    """From each alias to the id that it means, which is no alias itself."""
    checks: tuple[str, ...] = ()
    """The checks of all secrets, the present one last; none where nothing was ever rotated."""
    is_open: bool = False
    """Whether the secret of before is still needed."""
    begun_at: str = ""
    """Instant of the last beginning."""
    seen: frozenset[str] = frozenset()
    """The ids that have an alias of the present secret."""
    digests: tuple[str, ...] = ()
    """The sha256 of each entry."""

    @property
    def count(self) -> int:
        """Return how many entries there are."""
        return len(self.digests)


def read_key_aliases(workspace: Path) -> KeyAliases:
    """Return what is kept; what is returned is durable.

    Raises ``LogEntryRefused`` for an entry that is torn, missing, changed, out of its chain or contradicts an earlier
    one, and ``FormatIsNewer`` for one of a newer version of Tallybook.
    """
    folder = layout.key_aliases(workspace)
    digests: list[str] = []
    found = KeyAliases()

    def parse(content: bytes, number: int) -> tuple[str | None, Entry]:
        nonlocal found
        previous_sha256, entry = _parse(content, number)
        digests.append(append_log.sha256_of(content))
        found = _after(found, entry, tuple(digests))
        return previous_sha256, entry

    append_log.read_chain(folder, first_number=1, parse=parse, advice=_ADVICE)
    return found


def add_beginning(workspace: Path, known: KeyAliases, *, check_before: str, check: str, now: datetime) -> KeyAliases:
    """Say, durably, that one secret takes the place of another. For the holder of the workspace's lock."""
    return _add(workspace, known, now, step=Step.BEGIN, check_before=check_before, check=check)


def add_seen(workspace: Path, known: KeyAliases, aliases: Mapping[str, str], *, now: datetime) -> KeyAliases:
    """Keep, durably, what these aliases mean, where it is not kept yet. For the holder of the workspace's lock."""
    new = {alias: aliases[alias] for alias in sorted(aliases) if alias not in known.ids}
    return _add(workspace, known, now, step=Step.SEEN, aliases=new) if new else known


def add_finish(workspace: Path, known: KeyAliases, *, now: datetime) -> KeyAliases:
    """Say, durably, that the secret of before is needed no longer. For the holder of the workspace's lock."""
    return _add(workspace, known, now, step=Step.FINISH)


def _add(
    workspace: Path,
    known: KeyAliases,
    now: datetime,
    *,
    step: Step,
    check_before: str | None = None,
    check: str | None = None,
    aliases: Mapping[str, str] | None = None,
) -> KeyAliases:
    entry = Entry(step=step, at=instant_text(now), check_before=check_before, check=check, aliases=dict(aliases or {}))
    document = {
        "format": FORMAT,
        "entry": known.count + 1,
        "step": entry.step.value,
        "at": entry.at,
        "check_before": entry.check_before,
        "check": entry.check,
        "aliases": entry.aliases,
        "previousSha256": known.digests[-1] if known.digests else None,
        "sealSha256": append_log.UNSEALED,
    }
    _after(known, entry, known.digests)  # what nobody could read back is not written
    folder = layout.key_aliases(workspace)
    disk.make_folders(workspace, folder)
    content = append_log.seal((json.dumps(document, sort_keys=True, indent=1) + "\n").encode())
    sha256 = append_log.append_entry(folder, known.count + 1, content)
    return _after(known, entry, (*known.digests, sha256))


def _parse(content: bytes, number: int) -> tuple[str | None, Entry]:
    stated = append_log.stated_entry(
        content,
        number,
        entry_format=FORMAT,
        name="entry",
        of=" of key-aliases",
        step=str,
        at=str,
        check_before=(str, NoneType),
        check=(str, NoneType),
        aliases=dict,
    )
    return stated["previousSha256"], Entry(
        step=Step(stated["step"]),
        at=stated["at"],
        check_before=_fitting(stated["check_before"], _CHECK),
        check=_fitting(stated["check"], _CHECK),
        aliases=dict(zip(_all_fitting(stated["aliases"]), _all_fitting(stated["aliases"].values()), strict=True)),
    )


def _after(known: KeyAliases, entry: Entry, digests: tuple[str, ...]) -> KeyAliases:
    """Return what the entries come to with one more; raises ``ValueError`` for one that cannot follow."""
    if entry.step is Step.BEGIN:
        if known.is_open or entry.check is None or entry.check_before is None:
            message = "it begins a rotation before the one of before is finished, or does not say of which secret"
            raise ValueError(message)
        checks = known.checks or (entry.check_before,)
        if checks[-1] != entry.check_before or entry.check in checks:
            message = f"it replaces the secret {entry.check_before} by {entry.check} where {checks[-1]} is in force"
            raise ValueError(message)
        return KeyAliases(
            ids=known.ids, checks=(*checks, entry.check), is_open=True, begun_at=entry.at, digests=digests
        )
    if not known.checks:
        message = "it belongs to a rotation, and none was begun"
        raise ValueError(message)
    _check_aliases(known, entry.aliases)
    return KeyAliases(
        ids={**known.ids, **entry.aliases},
        checks=known.checks,
        is_open=known.is_open and entry.step is not Step.FINISH,
        begun_at=known.begun_at,
        seen=known.seen | frozenset(entry.aliases.values()),
        digests=digests,
    )


def _check_aliases(known: KeyAliases, aliases: Mapping[str, str]) -> None:
    for alias, key_id in aliases.items():
        if known.ids.get(alias, key_id) != key_id or key_id in known.ids or key_id in aliases or alias == key_id:
            message = f"its alias {alias} means {key_id}, and an earlier one says otherwise"
            raise ValueError(message)


def _fitting(text: str | None, pattern: re.Pattern[str]) -> str | None:
    if text is not None and not pattern.fullmatch(text):
        message = f"it holds {text!r} where the check of a secret, or the digest of a key, belongs"
        raise ValueError(message)
    return text


def _all_fitting(texts: Iterable[Any]) -> list[str]:
    listed = list(texts)
    for text in listed:
        if not isinstance(text, str):
            message = "it holds something else where the digest of a key belongs"
            raise ValueError(message)  # noqa: TRY004 - to the caller this is content that cannot be meant
        _fitting(text, KEY_DIGEST)
    return listed
