"""Lines that a kernel has told, with other contents in their holes: what a learned pattern must read rightly, or leave.

Owns what is changed: counts, ids, keys, instants, texts, and how many chunks of a stream are alike; and one change to
how a line is laid out. Does not own the lines that are changed. Most of what comes
out is of a pattern that is known already, so that a line costs no learning.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

_COUNT = re.compile(rb'((?:okens?\w*|ount|seconds|units|requests|queries|processed)\\*": ?)(\d+)')
_ID = re.compile(rb'((?:[_\b"]id|[a-z]Id)\\*": ?\\*")([^"\\]+)')
_ID_WITHIN = re.compile(rb'\\*"(?!api_key|user)(?:\w*_id|\w*[a-z]Id|id)\\*": ?\\*"[^"\\]*\\*", ?')
_KEY = re.compile(rb'(api_key(?:_id)?": ?")([^"\\]+)')
_MODEL = re.compile(rb'("model\\*": ?\\*")([^"\\]+)')
_INSTANT = re.compile(rb'("(?:ts|msec|time_iso8601|request_time|start_?[tT]ime)": ?"?)([^",}]+)')
_NAMES_OF_TEXTS = b"content|text|thinking|partial_json|essage|error|arguments|url|prompt|output|answer"
_TEXT = re.compile(rb'((?:%b)\\*": ?\\*")([^"\\]+)' % _NAMES_OF_TEXTS)
_CHUNK = re.compile(rb"data:(?:(?!\\n).)*(?:\\[rn])+")
_COUNTS = (0, 1, 2, 3, 9, 999, 10**6, 3906250000, 10**12, 10**12 + 1, 2**53, 2**63 - 1, 2**63)
_IDS = (b"x", b"chatcmpl-0", b"0" * 64, b"a.b:c/d@e", b"7", b"x" * 300, b"sk-made-up-0123456789", b"12e5")
_IDS += (b"x_cache_hit1793700009.5", b"x_cache_hit1_cache_hit2", b"3a3f6065-c30a-15bd-5b5e-ca7bc26b9271")
_MODELS = (b"jamba-mini", b"sonar-pro", b"grok-4", b"gemini-2.5-pro")
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


def laid_out_otherwise(line: bytes, chance: random.Random) -> bytes:
    """Return a line with one change: to a byte, blanks, a value, a name, or the order and number of its members."""
    return chance.choice(_OTHER_LAYOUTS)(line, chance)


def without_ids(line: bytes) -> bytes:
    """Return a line without the ids of its call and its answer, but for those that are the last of their object."""
    return _ID_WITHIN.sub(b"", line)


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


def multiplied(line: bytes, chance: random.Random) -> bytes:
    """Let all counts be so many times what they were: totals remain sums."""
    factor = chance.randrange(1, 50)
    return _COUNT.sub(lambda found: found[1] + b"%d" % (int(found[2]) * factor), line)


def with_other_ids(line: bytes, chance: random.Random) -> bytes:
    """Return a line with another id in the place of each, the same one wherever it stands."""
    found = {each[2]: b"%s-%x" % (each[2][:200], chance.getrandbits(40)) for each in _ID.finditer(line)}
    return _ID.sub(lambda each: each[1] + found[each[2]], line)


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


def _models(line: bytes, chance: random.Random) -> bytes:
    return _changed(_MODEL, line, lambda _: chance.choice(_MODELS), chance)


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


def _other_byte(line: bytes, chance: random.Random) -> bytes:
    """Replace, remove or insert one."""
    at = chance.randrange(len(line) + 1)
    return line[:at] + chance.choice((b"", *_BYTES)) + line[at + chance.choice((0, 1, 1)) :]


def _other_blanks(line: bytes, chance: random.Random) -> bytes:
    """Put blanks beside a sign, or take one away; before the line, and behind it."""
    at = chance.choice([0, len(line), *(found.end() for found in _SIGN.finditer(line))])
    if line[at : at + 1] == b" " and chance.random() < 0.3:
        return line[:at] + line[at + 1 :]
    return line[:at] + chance.choice((b" ", b"  ", b"\t", b"\r", b" " * 40)) + line[at:]


def _other_value(line: bytes, chance: random.Random) -> bytes:
    """Let a value be of another type."""
    found = list(_VALUE.finditer(line))
    if not found:
        return line
    at = chance.choice(found)
    return line[: at.start(2)] + chance.choice(_VALUES) + line[at.end(2) :]


def _other_name(line: bytes, chance: random.Random) -> bytes:
    """Let a name be another one of the line, or one with an escape."""
    found = list(_NAME.finditer(line))
    if not found:
        return line
    at, other = chance.choice(found), chance.choice(found)[1]
    name = other if chance.random() < 0.8 else b"\\u%04x" % at[1][0] + at[1][1:]
    return line[: at.start(1)] + name + line[at.end(1) :]


def _other_members(line: bytes, chance: random.Random) -> bytes:
    """Let two members change places, or one come twice or not at all."""
    members = line.split(b", ")
    one, other = chance.randrange(len(members)), chance.randrange(len(members))
    fate = chance.random()
    if fate < 0.4:
        members[one], members[other] = members[other], members[one]
    elif fate < 0.8:
        members.insert(other, members[one])
    else:
        del members[one]
    return b", ".join(members)


def _other_end(line: bytes, chance: random.Random) -> bytes:
    if chance.random() < 0.3:
        return line[: chance.randrange(len(line) + 1)]
    return line + chance.choice((b"}", b"{}", b"x", b"\r", b" \r", b",", b"\x00", b" 1", b"]"))


_BYTES = (*(bytes([code]) for code in range(32, 127)), b"\t", b"\x00", b"\x7f", b"\xc3", b"\xc3\xa9", b"\\n", b"00")
_SIGN = re.compile(rb"[,:{}\[\]]")
_VALUE = re.compile(rb'(": ?)("[^"\\]*"|-?[0-9.]+|true|false|null)')
_VALUES = (
    *(b"null", b"true", b"false", b"0", b"7", b"-1", b"1.5", b"1e3", b"007", b"123456789012345678901", b'"x"', b'""'),
    *(
        b'"a b"',
        b"{}",
        b"[]",
        b"[1]",
        b'{"id": "x"}',
        b"[{}]",
        b"[0.5, 0.25]",
        b"nulx",
        b'"7"',
        b'"2026-03-01T06:51:19Z"',
    ),
    *(b'"{\\"id\\": \\"x\\"}"', b'"data: {}\\n\\n"', b'"\\u0041"', b'"' + b"x" * 300 + b'"', b"\xff"),
)
_NAME = re.compile(rb'"(\w+)": ?')
_OTHER_LAYOUTS = (
    _other_byte,
    _other_byte,
    _other_blanks,
    _other_value,
    _other_value,
    _other_name,
    _other_members,
    _other_end,
)
_WAYS = (*(_counts, _counts, multiplied, _ids, _keys, _instants, _texts) * 3, _chunks, _models)


def _changed(pattern: re.Pattern[bytes], line: bytes, other: Callable[[bytes], bytes], chance: random.Random) -> bytes:
    """Change what stands at one place of a pattern, or at all."""
    if chance.random() < _TOGETHER:
        return pattern.sub(lambda found: found[1] + other(found[2]), line)
    found = list(pattern.finditer(line))
    if not found:
        return line
    at = chance.choice(found)
    return line[: at.start(2)] + other(at[2]) + line[at.end(2) :]
