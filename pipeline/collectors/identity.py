"""Which exchange a line is about, as 16 bytes: the same exchange logged twice has the same identity.

Owns the choice of the id that counts, and its digest. Does not own which of several copies is billed (``sql/`` does).
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

EVENT_ID_BYTES = 16

_DOMAIN = b"tallybook usage event\x00"


def event_id(
    *, api_key_id: str, response_id: str | None, request_id: str | None, line: bytes, prefers_request_id: bool = False
) -> bytes:
    """Return the first 16 bytes of a SHA-256 over the kind of identity, the key's id and the id itself.

    The response id where there is one, else the log's request id, else the whole line without its terminator
    (``prefers_request_id`` swaps the first two). Kinds never meet: a request id equal to a response id is another
    identity.
    """
    if prefers_request_id and request_id is not None:
        return _digest("request", api_key_id, request_id.encode())
    if response_id is not None:
        return _digest("response", api_key_id, response_id.encode())
    if request_id is not None:
        return _digest("request", api_key_id, request_id.encode())
    return _digest("line", api_key_id, line)


def event_ids(kind: str, *, api_key_ids: Sequence[bytes], ids: Iterable[bytes]) -> list[bytes]:
    """Return what ``event_id`` does for many exchanges that are identified by the same kind of id.

    ``response`` or ``request``; all in UTF-8.
    """
    sha256, before = (
        hashlib.sha256,
        {key: _DOMAIN + _lengthed(kind.encode()) + _lengthed(key) for key in set(api_key_ids)},
    )
    return [
        sha256(before[key] + _lengthed(found)).digest()[:EVENT_ID_BYTES]
        for key, found in zip(api_key_ids, ids, strict=True)
    ]


def _digest(kind: str, api_key_id: str, found: bytes) -> bytes:
    return hashlib.sha256(_domain(kind, api_key_id) + len(found).to_bytes(8, "big") + found).digest()[:EVENT_ID_BYTES]


@lru_cache(maxsize=1024)
def _domain(kind: str, api_key_id: str) -> bytes:
    return _DOMAIN + _lengthed(kind.encode()) + _lengthed(api_key_id.encode())


def _lengthed(part: bytes) -> bytes:
    return len(part).to_bytes(8, "big") + part  # lengths first: no two triples have the same bytes
