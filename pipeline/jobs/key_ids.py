"""The ids of raw keys: opened with the secret that a workspace was made with, or with the ones that replaced it.

Owns when a secret may be made, when another one is refused, and what a raw key is called while, and after, the secret
is rotated. Does not own the fingerprint (``pipeline.collectors``) nor the files (``pipeline.configuration.keys``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError
from pipeline.collectors import KeyFingerprint
from pipeline.configuration.keys.key_aliases import KeyAliases, add_seen, read_key_aliases
from pipeline.configuration.keys.key_secret import (
    OLD_SECRET_FILE,
    SECRET_FILE,
    create_key_secret,
    find_key_secret,
    find_old_secret,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path


@dataclass(slots=True, kw_only=True)
class KeyIds:
    """Turns raw keys into their ids.

    The id of a key is its digest under the secret that it was first read with. Digests under later ones are aliases.
    """

    keeper: Path | None
    """The workspace that keeps aliases; None where nothing is kept."""
    present: KeyFingerprint
    before: KeyFingerprint | None = None
    """While a rotation is open: that of the secret which is replaced."""
    aliases: KeyAliases = field(default_factory=KeyAliases)
    met: dict[str, str] = field(default_factory=dict)
    """Aliases that were met and are not kept yet."""

    def __call__(self, raw: str) -> str:
        """Return the ``api_key_id`` of a raw key."""
        digest = self.present(raw)
        known = self.aliases.ids.get(digest)
        if known is not None:
            return known
        if self.before is None:
            return digest
        earlier = self.before(raw)
        self.met[digest] = self.aliases.ids.get(earlier, earlier)
        return self.met[digest]

    def keep(self, now: datetime) -> str:
        """Keep, durably, the aliases that were met, and return what a commit states: the check of the secret.

        Once it was rotated, with the sha256 of the last entry of the aliases: ``0123456789abcdef/<sha256>``. For the
        holder of the workspace's lock.
        """
        check = self.present.check()
        if self.keeper is None:
            return check
        self.aliases = add_seen(self.keeper, self.aliases, self.met, now=now)
        self.met.clear()
        return f"{check}/{self.aliases.digests[-1]}" if self.aliases.digests else check


def open_key_ids(
    workspace: Path, *, environment: bytes | None, expected_check: str | None, aliases_of: Path | None = None
) -> tuple[KeyIds, bool]:
    """Return the ids of raw keys, and whether a secret was made for them just now: only where none was ever used.

    ``expected_check`` is what the lake remembers of its secret, None where no raw key was ever read. ``aliases_of`` is
    another workspace whose rotations hold, and are added to by nobody: for one that only tries.

    Raises ``ConfigurationError`` where the secret is missing or is not that one, where what the lake knows of its
    rotations is missing, or the secret of before while it is still needed: every key would get another id, and known
    requests would be billed again.
    """
    root = workspace if aliases_of is None else aliases_of
    expected = (expected_check or "").partition("/")[0]
    aliases = read_key_aliases(root)
    refuse_lost_aliases(root, aliases, expected_check)
    secret = find_key_secret(workspace, environment=environment)
    is_new = secret is None and expected_check is None and not aliases.checks
    if is_new:
        secret = create_key_secret(workspace)
    present = None if secret is None else KeyFingerprint(secret=secret)
    known = aliases.checks or ((expected,) if expected else ())
    if present is None or (known and present.check() != known[-1]) or (expected and expected not in known):
        check = None if present is None else present.check()
        raise ConfigurationError(_refusal(workspace, aliases, check))
    before = _before(root, aliases)
    keeper = workspace if root == workspace else None
    return KeyIds(keeper=keeper, present=present, before=before, aliases=aliases), is_new


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretForWorkers:
    """What workers of an engine are told of the secret of key ids, who have it from elsewhere: nothing of itself."""

    check: str | None
    """By which they know that theirs is the same; None where there is none here."""
    aliases: Mapping[str, str]
    """Of rotated keys: from the digest under it to the id."""
    is_rotated: bool
    """Whether a rotation is open, so that one secret is not enough."""


def secret_for_workers(workspace: Path, *, environment: bytes | None) -> SecretForWorkers:
    """Return what workers are told. Raises ``ConfigurationError`` for a secret that cannot be used."""
    secret, aliases = find_key_secret(workspace, environment=environment), read_key_aliases(workspace)
    check = None if secret is None else KeyFingerprint(secret=secret).check()
    return SecretForWorkers(check=check, aliases=aliases.ids, is_rotated=aliases.is_open)


def refuse_lost_aliases(workspace: Path, aliases: KeyAliases, expected_check: str | None) -> None:
    """Raise ``ConfigurationError`` where the aliases lack the entry that the lake remembers."""
    entry = (expected_check or "").partition("/")[2]
    if entry and entry not in aliases.digests:
        message = (
            f"key-aliases of {workspace} lacks an entry that the lake names ({entry[:16]}…), so keys would get other "
            "ids, and known requests would be billed again; restore key-aliases from a backup"
        )
        raise ConfigurationError(message)


def _before(workspace: Path, aliases: KeyAliases) -> KeyFingerprint | None:
    if not aliases.is_open:
        return None
    secret = find_old_secret(workspace)
    found = None if secret is None else KeyFingerprint(secret=secret)
    if found is None or found.check() != aliases.checks[-2]:
        message = (
            f"the rotation that began at {aliases.begun_at} needs the secret of before in "
            f"{workspace / OLD_SECRET_FILE}, which is {'missing' if found is None else 'another one'}; restore it, or "
            "end the rotation: tallybook keys rotate --finish"
        )
        raise ConfigurationError(message)
    return found


def _refusal(workspace: Path, aliases: KeyAliases, check: str | None) -> str:
    """Say what is wrong with the secret of this check, None of none."""
    if check in aliases.checks[:-1] and not _is_begun(workspace):  # as on the other machine of a lake on a store
        both = f", and {OLD_SECRET_FILE}, while the rotation is open," if aliases.is_open else ""
        return (
            f"the secret for key ids in {workspace} was rotated on {aliases.begun_at[:10]}, and is the one of before; "
            f"take the new one ({SECRET_FILE}, or TALLYBOOK_KEY_SECRET){both} from where it was rotated: with the one "
            "of before every key gets another id, and known requests would be billed again"
        )
    begun = " (a rotation of it was begun: tallybook keys rotate goes on with it)" if _is_begun(workspace) else ""
    return (
        f"the secret for key ids is {'missing' if check is None else 'not the one'} that the lake of "
        f"{workspace} was made with{begun}; "
        "restore it (key-secret, or TALLYBOOK_KEY_SECRET): with another one every key gets another id, and known "
        "requests would be billed again"
    )


def _is_begun(workspace: Path) -> bool:
    return (workspace / OLD_SECRET_FILE).is_file()
