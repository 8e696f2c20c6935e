"""Which exchange a line is about, as 16 bytes: the same exchange logged twice has the same identity.

Owns the choice of the ids that count, and their digest. Does not own which of several copies is billed (``sql/`` does).
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

EVENT_ID_BYTES = 16

_DOMAIN = b"tallybook usage event\x00"
_OF_LINE = "line"
"""The kind of an identity that no id makes."""


IDENTITIES: Mapping[str, tuple[str, ...]] = {
    "response-id": ("response", "request"),
    "request-id": ("request", "response"),
    "both": ("response", "request"),
}
"""Rules of a source, with the kinds of ids in the order in which they count."""


def kinds_of_ids(rule: str, stated: Container[str]) -> tuple[str, ...]:
    """Return which of the stated kinds of ids make the identity: the first by the rule, or both; none of none."""
    kinds = tuple(kind for kind in IDENTITIES[rule] if kind in stated)
    return kinds if rule == "both" else kinds[:1]


def event_id(
    *,
    api_key_id: str,
    response_id: str | None,
    request_id: str | None,
    line: bytes,
    rule: str = "response-id",
    part: str | None = None,
) -> bytes:
    """Return the first 16 bytes of a SHA-256 over the kind of identity, the key's id and the id itself (or both ids).

    By the rule ``response-id`` the response id where there is one, else the log's request id, else the whole line
    without its terminator; ``request-id`` swaps the first two. By ``both`` the two together, and the one where the
    other is missing. Kinds never meet: a request id equal to a response id is another identity. ``part`` names what is
    an exchange of its own within one: a second model's share of an answer, which has the ids of the whole.
    """
    ids = {
        kind: found.encode()
        for kind, found in (("response", response_id), ("request", request_id))
        if found is not None
    }
    kinds = kinds_of_ids(rule, ids)
    counted = [ids[kind] for kind in kinds] if kinds else [line]
    if part is not None:
        return _digest("+".join((*(kinds or (_OF_LINE,)), "part")), api_key_id, *counted, part.encode())
    return _digest("+".join(kinds or (_OF_LINE,)), api_key_id, *counted)


def identities_of_lines(lines: Iterable[bytes], api_key_ids: Iterable[str]) -> bytes:
    """Return the identities of exchanges without any id, each known by its whole line, one behind the other."""
    return b"".join(_digest(_OF_LINE, key_id, line) for line, key_id in zip(lines, api_key_ids, strict=True))


def beginning_of_identity(kinds: Sequence[str], api_key_id: str) -> bytes:
    """Return what the bytes begin with whose digest is the identity; then come the ids, each as ``lengthed`` says."""
    return _domain("+".join(kinds), api_key_id)


def _digest(kind: str, api_key_id: str, *ids: bytes) -> bytes:
    return hashlib.sha256(_domain(kind, api_key_id) + b"".join(map(lengthed, ids))).digest()[:EVENT_ID_BYTES]


@lru_cache(maxsize=1024)
def _domain(kind: str, api_key_id: str) -> bytes:
    return _DOMAIN + lengthed(kind.encode()) + lengthed(api_key_id.encode())


def lengthed(part: bytes) -> bytes:
    """Return a part with its length before it."""
    return len(part).to_bytes(8, "big") + part  # lengths first: no two lists have the same bytes
