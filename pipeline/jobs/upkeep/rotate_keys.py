"""Takes another secret for key ids, without any key getting another id.

A rotation begins, is open for as long as keys are still to be seen, and is finished: then the secret of before is
destroyed. Each step is durable, and one that died is gone on with by the same command. The caller holds the
workspace's lock.

Owns the order of the steps, and what may be lost with the secret of before. Does not own what a key is called
meanwhile (``pipeline.jobs.key_ids``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError
from pipeline.collectors import KeyFingerprint
from pipeline.configuration.keys import key_secret
from pipeline.configuration.keys.key_aliases import (
    KEY_DIGEST,
    add_beginning,
    add_finish,
    read_key_aliases,
)
from pipeline.configuration.keys.key_secret import (
    OLD_SECRET_FILE,
    SECRET_VARIABLE,
    destroy_old_secret,
    find_key_secret,
    find_old_secret,
)
from pipeline.jobs.key_ids import open_key_ids
from pipeline.lake.commits import read_log

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

    from pipeline.configuration.keys.key_aliases import (
        KeyAliases,
    )
    from pipeline.configuration.workspace import Workspace

_LISTED_MAX = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What the end of a rotation comes to."""

    is_open: bool
    """Whether there was one to finish; else only a file was left to remove."""
    unseen: tuple[str, ...]
    """Key ids of accounts that have no alias: their raw keys will get other ids."""


def begin_rotation(
    workspace: Workspace, *, now: datetime, environment: bytes | None, old_file: Path | None
) -> KeyAliases:
    """Put another secret in the place of the present one, which is kept in ``key-secret.old``; return what holds then.

    The new one is made here, or is the one of the environment, and then ``old_file`` holds the one of before. Where a
    rotation is open, nothing is done. Raises ``ConfigurationError`` where there is no secret, or not the one of the
    lake.
    """
    root = workspace.root
    aliases = read_key_aliases(root)
    if aliases.is_open:
        return aliases
    expected = (read_log(workspace.lake).key_secret_check or "").partition("/")[0]
    known = aliases.checks[-1] if aliases.checks else expected or None
    if environment is None:
        if old_file is not None:
            message = f"--old is for a new secret in {SECRET_VARIABLE}, which is not set; leave --old out"
            raise ConfigurationError(message)
        before = _replaced_in_its_file(root, known)
    else:
        before = _secret_of_before(root, old_file, known)
    present = find_key_secret(root, environment=environment)
    if present is None or _check(present) == before:
        message = f"{SECRET_VARIABLE} holds the secret of before; set it to the new one first"
        raise ConfigurationError(message)
    if _check(present) in aliases.checks:
        message = f"{SECRET_VARIABLE} holds a secret that was replaced before; set it to one that was never used"
        raise ConfigurationError(message)
    return add_beginning(root, aliases, check_before=before, check=_check(present), now=now)


def see_keys(workspace: Workspace, raw_keys: Iterable[str], *, now: datetime, environment: bytes | None) -> list[str]:
    """Keep the alias of each raw key, so that nobody has to wait for its usage, and return their ids.

    Raises ``ConfigurationError`` where no rotation is open.
    """
    key_ids, _ = open_key_ids(
        workspace.root, environment=environment, expected_check=read_log(workspace.lake).key_secret_check
    )
    if not key_ids.aliases.is_open:
        message = "no rotation of the key secret is open; begin one: tallybook keys rotate"
        raise ConfigurationError(message)
    found = [key_ids(raw) for raw in raw_keys]
    key_ids.keep(now)
    return found


def finish_rotation(
    workspace: Workspace, *, now: datetime, environment: bytes | None, force: bool, is_rehearsal: bool = False
) -> Finished:
    """Destroy the secret of before, and say which keys of accounts were not seen under both.

    Raises ``ConfigurationError`` where there is nothing to finish, where keys were not seen and that is not wanted
    (``force``), and where the present secret is not the one that the rotation began with.
    """
    root = workspace.root
    aliases = read_key_aliases(root)
    if not aliases.is_open:
        if aliases.checks and (root / OLD_SECRET_FILE).exists():
            if not is_rehearsal:
                destroy_old_secret(root)
            return Finished(is_open=False, unseen=())
        message = "no rotation of the key secret is open; begin one: tallybook keys rotate"
        raise ConfigurationError(message)
    present = find_key_secret(root, environment=environment)
    if present is None or _check(present) != aliases.checks[-1]:
        message = (
            f"the present secret is {'missing' if present is None else 'not the one'} that the rotation of "
            f"{aliases.begun_at} began with; restore it before the one of before is destroyed"
        )
        raise ConfigurationError(message)
    unseen = unseen_keys(workspace, aliases)
    if is_rehearsal:
        return Finished(is_open=True, unseen=unseen)
    if unseen and not force:
        raise ConfigurationError(_unseen_text(unseen))
    add_finish(root, aliases, now=now)
    destroy_old_secret(root)
    return Finished(is_open=True, unseen=unseen)


def unseen_keys(workspace: Workspace, aliases: KeyAliases) -> tuple[str, ...]:
    """Return the key ids of accounts that could be of raw keys and were not seen in the rotation, sorted."""
    ids = {key.key_id for account in workspace.accounts for key in account.keys}
    return tuple(sorted(each for each in ids - aliases.seen if KEY_DIGEST.fullmatch(each)))


def _replaced_in_its_file(root: Path, known: str | None) -> str:
    """Make another ``key-secret``, where an earlier try has not, and return the check of the one of before."""
    present, old = find_key_secret(root, environment=None), find_old_secret(root)
    if present is not None and old is not None and known in (None, _check(old)) and present != old:
        return _check(old)  # an earlier try died before it could say so
    if present is None and known is None:
        message = f"there is no secret for key ids in {root} to rotate; the first night that meets a raw key makes one"
        raise ConfigurationError(message)
    if present is None or (known is not None and _check(present) != known):
        message = (
            f"the secret in {root} is {'missing' if present is None else 'not the one'} that its lake was made with, "
            "so it cannot be replaced; restore it first"
        )
        raise ConfigurationError(message)
    key_secret.keep_old_secret(root, present)
    key_secret.replace_key_secret(root)
    return _check(present)


def _secret_of_before(root: Path, old_file: Path | None, known: str | None) -> str:
    """Keep the secret of before, which somebody has in a file, and return its check."""
    old = find_old_secret(root) if old_file is None else key_secret.read_secret(old_file)
    if old is None or (known is not None and _check(old) != known):
        message = (
            f"the new secret is in {SECRET_VARIABLE}, and the one of before is "
            f"{'missing' if old is None else 'not the one that the lake was made with'}; "
            "name the file that holds it: tallybook keys rotate --old FILE"
        )
        raise ConfigurationError(message)
    key_secret.keep_old_secret(root, old)
    return _check(old)


def _check(secret: bytes) -> str:
    return KeyFingerprint(secret=secret).check()


def _unseen_text(unseen: tuple[str, ...]) -> str:
    more = f" and {len(unseen) - _LISTED_MAX} more" if len(unseen) > _LISTED_MAX else ""
    return (
        f"no raw key was seen for {', '.join(unseen[:_LISTED_MAX])}{more} of accounts.toml: without the secret of "
        "before their usage would be of other keys, in no account. Give the raw keys to "
        "'tallybook keys rotate --seen', or where they are retired, or ids that your gateway logs, finish with --force"
    )
