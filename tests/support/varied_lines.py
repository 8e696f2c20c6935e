"""Lines that a kernel has told, with other contents in their holes: what a learned pattern must read rightly, or leave.

Owns what is changed: counts, ids, keys, instants, texts, and how many chunks of a stream are alike. Does not own the
lines that are changed. Most of what comes out is of a pattern that is known already, so that a line costs no learning.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

_COUNT = re.compile(rb'((?:okens?\w*|ount)\\*": ?)(\d+)')
_ID = re.compile(rb'((?:[_\b"]id|[a-z]Id)\\*": ?\\*")([^"\\]+)')
_KEY = re.compile(rb'(api_key(?:_id)?": ?")([^"\\]+)')
_INSTANT = re.compile(rb'("ts": ?"?)([^",]+)')
_TEXT = re.compile(rb'((?:content|text|thinking|partial_json)\\*": ?\\*")([^"\\]+)')
_CHUNK = re.compile(rb"data:(?:(?!\\n).)*(?:\\[rn])+")
_COUNTS = (0, 1, 2, 3, 9, 999, 10**6, 10**12, 10**12 + 1, 2**53, 2**63 - 1, 2**63)
_IDS = (b"x", b"chatcmpl-0", b"0" * 64, b"a.b:c/d@e", b"7", b"x" * 300, b"sk-made-up-0123456789", b"12e5")
_KEYS = (b"key_a", b"key_b", b"k", b"key_c-7", b"k" * 64)
_TEXTS = (b"a", b" rain", b"x" * 40, "é 日".encode(), b"0", b"{}", b"event: error", b"[DONE]", b"data: x")
_ALONE = 0.05
"""How often an id is changed at one place, though it stands at several."""
_TOGETHER = 0.5
"""How often all that is of one kind is changed, and not one place of it."""


def varied(line: bytes, chance: random.Random) -> bytes:
    """Return a line with one or two kinds of its contents changed; as it is where it has none of them."""
    for _ in range(chance.choice((1, 1, 2))):
        line = chance.choice(_WAYS)(line, chance)
    return line


def _counts(line: bytes, chance: random.Random) -> bytes:
    # A count of zero is of another pattern, as a rule: it comes seldom, so that little is to be learned.
    stated = [int(found[2]) for found in _COUNT.finditer(line) if int(found[2])][:8] or [1]

    def other(was: bytes) -> bytes:
        fate = chance.random()
        if fate < 0.4:  # a little more or less: wholes that no longer hold their parts, totals that are no sums
            return b"%d" % max(1, int(was) + chance.choice((-1, 1, chance.randint(-99, 99))))
        if fate < 0.7:  # equal to another of the line
            return b"%d" % (chance.choice(stated) + chance.choice((0, 0, chance.choice(stated))))
        return b"%d" % chance.choice((chance.randrange(1, 50_000), chance.choice(_COUNTS)))

    return _changed(_COUNT, line, other, chance)


def _ids(line: bytes, chance: random.Random) -> bytes:
    """Let an id be another one wherever it stands, seldom at one place alone: which are equal is of the pattern."""
    stated = [found[2] for found in _ID.finditer(line)][:8]
    if not stated:
        return line

    def other(_: bytes) -> bytes:
        fate = chance.random()
        return chance.choice(stated if fate < 0.05 else _IDS) if fate < 0.5 else b"id-%x" % chance.getrandbits(40)

    if chance.random() < _ALONE:
        return _changed(_ID, line, other, chance)
    was = chance.choice(stated)
    becomes = other(was)
    return _ID.sub(lambda found: found[1] + (becomes if found[2] == was else found[2]), line)


def _keys(line: bytes, chance: random.Random) -> bytes:
    return _changed(_KEY, line, lambda _: chance.choice(_KEYS), chance)


def _instants(line: bytes, chance: random.Random) -> bytes:
    def other(was: bytes) -> bytes:
        at = [place for place, letter in enumerate(was) if 48 <= letter < 58]
        chosen = chance.choice(at) if at else 0
        return was[:chosen] + b"%d" % chance.randrange(10) + was[chosen + 1 :] if at else was

    return _changed(_INSTANT, line, other, chance)


def _texts(line: bytes, chance: random.Random) -> bytes:
    return _changed(_TEXT, line, lambda _: chance.choice(_TEXTS), chance)


def _chunks(line: bytes, chance: random.Random) -> bytes:
    """Say a chunk of a stream several times more, or leave one out."""
    found = list(_CHUNK.finditer(line))
    if not found:
        return line
    at = chance.choice(found)
    return line[: at.start()] + at[0] * chance.choice((0, 2, 2, 3)) + line[at.end() :]


_WAYS = (*(_counts, _counts, _ids, _keys, _instants, _texts) * 3, _chunks)


def _changed(pattern: re.Pattern[bytes], line: bytes, other: Callable[[bytes], bytes], chance: random.Random) -> bytes:
    """Change what stands at one place of a pattern, or at all."""
    if chance.random() < _TOGETHER:
        return pattern.sub(lambda found: found[1] + other(found[2]), line)
    found = list(pattern.finditer(line))
    if not found:
        return line
    at = chance.choice(found)
    return line[: at.start(2)] + other(at[2]) + line[at.end(2) :]
