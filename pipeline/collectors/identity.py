"""Which exchange a line is about, as 16 bytes: the same exchange logged twice has the same identity.

Owns the choice of the ids that count, and their digest. Does not own which of several copies is billed (``sql/`` does).
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

EVENT_ID_BYTES = 16
_LENGTH_BYTES = 8

_DOMAIN = b"tallybook usage event\x00"
_OF_LINE = "line"
"""The kind of an identity that no id makes."""


class SharedLine:
    """A line of several entries: of those without ids it is hashed once for each key, and not once for each entry."""

    __slots__ = ("_begun", "_content")

    def __init__(self, content: bytes) -> None:
        """Begin with nothing hashed."""
        self._content = content
        self._begun: dict[tuple[bytes, int], hashlib._Hash] = {}

    def hashed(self, domain: bytes, behind: bytes) -> hashlib._Hash:
        """Return the hash of a domain, and of the line with what is put behind it as one part."""
        size = len(self._content) + len(behind)
        begun = self._begun.get((domain, size))
        if begun is None:
            begun = hashlib.sha256(domain + size.to_bytes(_LENGTH_BYTES, "big"))
            begun.update(self._content)
            self._begun[domain, size] = begun
        own = begun.copy()
        own.update(behind)
        return own


class EntryOfLine(NamedTuple):
    """One of several entries of a line: what has no id is known by the bytes of the line and its number there."""

    line: SharedLine
    number: int


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
    line: bytes | EntryOfLine,
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
    kind = "+".join((*(kinds or (_OF_LINE,)), *(() if part is None else ("part",))))
    parts = () if part is None else (part.encode(),)
    if kinds:
        return _digest(kind, api_key_id, *(ids[each] for each in kinds), *parts)
    if isinstance(line, bytes):
        return _digest(kind, api_key_id, line, *parts)
    of_line = line.line.hashed(_domain(kind, api_key_id), b"\0%d" % line.number)
    of_line.update(b"".join(map(lengthed, parts)))
    return of_line.digest()[:EVENT_ID_BYTES]


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
    return len(part).to_bytes(_LENGTH_BYTES, "big") + part  # lengths first: no two lists have the same bytes
