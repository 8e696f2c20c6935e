"""What stands in for a raw API key: a keyed fingerprint, from which the key cannot be found again.

Owns the way from a raw key to its ``api_key_id``. Does not own where the secret comes from; never keeps, shows or
returns a raw key or a part of it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field

from pipeline.base.errors import ConfigurationError

SECRET_BYTES_MIN = 32

_BEARER = re.compile(r"^bearer\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFingerprint:
    """HMAC-SHA256 of a raw key under ``secret``, cut to 128 bits: ``key_`` and 32 hex digits.

    Without the secret, guessing keys against the id is not possible; with a new secret every id changes.
    Construction raises ``ConfigurationError`` for a secret shorter than ``SECRET_BYTES_MIN``.
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse a secret that could be guessed."""
        if len(self.secret) < SECRET_BYTES_MIN:
            message = (
                f"the secret for key fingerprints has {len(self.secret)} bytes; it needs at least {SECRET_BYTES_MIN}"
            )
            raise ConfigurationError(message)

    def __call__(self, raw: str) -> str:
        """Return the ``api_key_id`` of a raw key; blanks around it and a leading ``Bearer`` are not part of it."""
        return "key_" + self._hex(bare_key(raw).encode())[:32]

    def check(self) -> str:
        """Return 16 hex digits that change when the secret does, so that a changed secret is noticed."""
        return self._hex(b"tallybook secret check")[:16]

    def _hex(self, message: bytes) -> str:
        return hmac.new(self.secret, message, hashlib.sha256).hexdigest()


def bare_key(raw: str) -> str:
    """Return a key without blanks around it and without a leading ``Bearer``.

    >>> bare_key(" bearer abc ")
    'abc'
    """
    return _BEARER.sub("", raw.lstrip(), count=1).strip()
