"""The secret that turns raw API keys into key ids: where it comes from, and how it is made once.

Owns the file ``key-secret`` of a workspace (outside ``lake/``, readable by its owner alone) and the length a secret
must have. Does not own the fingerprint itself (``pipeline.collectors``) nor reading the environment (``pipeline.cli``
passes it in). No message here holds a byte of a secret.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError
from pipeline.objects import disk

if TYPE_CHECKING:
    from pathlib import Path

SECRET_FILE = "key-secret"  # noqa: S105 - the name of the file, not the secret
OLD_SECRET_FILE = "key-secret.old"  # noqa: S105 - likewise
"""The secret that is replaced, for as long as its rotation is open."""
SECRET_VARIABLE = "TALLYBOOK_KEY_SECRET"  # noqa: S105 - the name of the variable, not the secret
SECRET_BYTES_MIN = 32
_FILE_BYTES_MAX = 64 * 1024


def find_key_secret(workspace: Path, *, environment: bytes | None) -> bytes | None:
    """Return the secret: the value of ``TALLYBOOK_KEY_SECRET`` where it is set.

    Else the stripped text of ``key-secret``, else None.

    Raises ``ConfigurationError`` for one that is too short, and for a file that others than its owner may read or
    write. A variable that is set but empty is an error too: falling back to another secret would give every key another
    id.
    """
    if environment is not None:
        return _long_enough(environment.strip(), f"the environment variable {SECRET_VARIABLE}")
    return read_secret(workspace / SECRET_FILE)


def find_old_secret(workspace: Path) -> bytes | None:
    """Return the secret that is being replaced, or None; raises ``ConfigurationError`` as ``find_key_secret`` does."""
    return read_secret(workspace / OLD_SECRET_FILE)


def read_secret(path: Path) -> bytes | None:
    """Return the secret in a file that nobody else may read, None where there is none.

    Raises ``ConfigurationError`` as ``find_key_secret`` does.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as refused:
        message = f"{path} cannot be read: {refused.strerror}; it must be a plain file of yours, with mode 0600"
        raise ConfigurationError(message) from refused
    try:
        _refuse_what_others_may_read(path, os.fstat(descriptor))
        content = os.read(descriptor, _FILE_BYTES_MAX)
    finally:
        os.close(descriptor)
    return _long_enough(content.strip(), str(path))


def create_key_secret(workspace: Path) -> bytes:
    """Write 32 random bytes, as 64 hexadecimal digits, to a new ``key-secret`` with mode 0600, durably.

    Return that text.

    Raises ``ConfigurationError`` where the file exists: another secret would give every key another id.
    """
    import secrets  # noqa: PLC0415  # once in the life of a workspace

    content = secrets.token_hex(SECRET_BYTES_MIN).encode("ascii")
    temporary = disk.write_temporary(workspace, content + b"\n", mode=0o600)
    try:
        disk.link_new(temporary, workspace / SECRET_FILE)
    except FileExistsError as exists:
        message = (
            f"{workspace / SECRET_FILE} exists already and is kept; with another secret every key would get another id"
        )
        raise ConfigurationError(message) from exists
    return content


def replace_key_secret(workspace: Path) -> None:
    """Put 32 other random bytes in the place of ``key-secret``, durably and at once."""
    import secrets  # noqa: PLC0415  # once in a rotation

    disk.replace_durably(workspace / SECRET_FILE, secrets.token_hex(SECRET_BYTES_MIN).encode() + b"\n", mode=0o600)


def keep_old_secret(workspace: Path, secret: bytes) -> None:
    """Write the secret that is going to be replaced to ``key-secret.old``, durably."""
    disk.replace_durably(workspace / OLD_SECRET_FILE, secret + b"\n", mode=0o600)


def destroy_old_secret(workspace: Path) -> bool:
    """Remove ``key-secret.old``, durably, and say whether it was there. Copies of it in backups are not ours."""
    is_there = bool(disk.remove_files(workspace, [OLD_SECRET_FILE]))
    disk.sync_folder(workspace)
    return is_there


def _refuse_what_others_may_read(path: Path, status: os.stat_result) -> None:
    mode = stat.S_IMODE(status.st_mode)
    if not stat.S_ISREG(status.st_mode) or mode & 0o077:
        message = f"{path} has mode {mode:04o}; it must be a plain file that only its owner may read: chmod 600 {path}"
        raise ConfigurationError(message)


def _long_enough(secret: bytes, where: str) -> bytes:
    if len(secret) < SECRET_BYTES_MIN:
        message = (
            f"the secret in {where} has {len(secret)} bytes; it needs at least {SECRET_BYTES_MIN}, such as the output "
            "of: openssl rand -hex 32"
        )
        raise ConfigurationError(message)
    return secret
