"""The fingerprint that turns raw keys into key ids, opened with the one secret that a workspace was made with.

Owns when a secret may be made and when another one is refused. Does not own the fingerprint (``pipeline.collectors``)
nor the secret's file (``pipeline.configuration.key_secret``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError
from pipeline.collectors import KeyFingerprint
from pipeline.configuration.key_secret import create_key_secret, find_key_secret

if TYPE_CHECKING:
    from pathlib import Path


def open_fingerprint(
    workspace: Path, *, environment: bytes | None, expected_check: str | None
) -> tuple[KeyFingerprint, bool]:
    """Return the fingerprint, and whether its secret was made just now: only where none was ever used.

    ``expected_check`` is what the lake remembers of its secret, None where no raw key was ever read. Raises
    ``ConfigurationError`` where the secret is missing or is not that one: every key would get another id, and known
    requests would be billed again.
    """
    secret = find_key_secret(workspace, environment=environment)
    is_new = secret is None and expected_check is None
    if is_new:
        secret = create_key_secret(workspace)
    fingerprint = None if secret is None else KeyFingerprint(secret=secret)
    if fingerprint is None or expected_check not in (None, fingerprint.check()):
        message = (
            f"the secret for key ids is {'missing' if fingerprint is None else 'not the one'} that the lake of "
            f"{workspace} was made with; "
            "restore it (key-secret, or TALLYBOOK_KEY_SECRET): with another one every key gets another id, and known "
            "requests would be billed again"
        )
        raise ConfigurationError(message)
    return fingerprint, is_new
