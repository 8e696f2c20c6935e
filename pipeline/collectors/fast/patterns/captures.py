"""From what a pattern captured of lines to the values of their rows, many at a time.

Owns the rules by which captured text becomes a value: those of ``instants``, ``identity`` and ``families.chat_usage``,
for values that need no convention to be understood. A row for which they do not hold is left to the plain reader.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.event_columns import OWN_BEFORE_PLACES
from pipeline.collectors.fast.instants import instants_us
from pipeline.collectors.fast.patterns.uses import COLUMN_OF, COUNTS
from pipeline.collectors.formats.fingerprint import bare_key
from pipeline.collectors.identity import event_ids, kinds_of_ids
from pipeline.usage import TOKENS_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.collectors.fast.patterns.line_patterns import LinePattern


def own_values(
    pattern: LinePattern,
    groups: Sequence[Sequence[bytes]],
    *,
    identity: str,
    fingerprint: Callable[[str], str],
) -> tuple[list[Sequence[Any]], set[int]]:
    """Return the values of ``OWN_BEFORE_PLACES``, a list a column, and the indices of the rows for the plain reader.

    What is not matched is null.

    ``groups`` are what was captured of lines of a pattern, a list a group. Raises what ``fingerprint`` raises.
    """
    taken = {name: groups[group] for name, group in pattern.taken.items()}
    count = len(groups[0])
    nothing: list[Any] = [None] * count
    occurred_us = instants_us(taken["ts"])
    keys = (
        taken["api_key_id"] if "api_key_id" in taken else _fingerprinted(taken["api_key"], fingerprint)
    )  # b"" for a raw key that is none
    kinds = kinds_of_ids(
        identity, {name.removesuffix("_id") for name in ("response_id", "request_id") if name in taken}
    )
    wrong = {index for index, at in enumerate(occurred_us) if at is None} | {
        index for index, key in enumerate(keys) if not key
    }
    counts = {name: list(map(int, taken[name])) for name in COUNTS if name in taken}
    wrong |= _contradicted(counts, count)
    own: dict[str, Sequence[Any]] = {
        "event_id": event_ids(kinds, api_key_ids=keys, ids=[taken[f"{kind}_id"] for kind in kinds]),
        **{name: taken[name] for name in ("request_id", "response_id") if name in taken},
        "occurred_at": occurred_us,
        "api_key_id": keys,
        **{COLUMN_OF[name]: values for name, values in counts.items() if name in COLUMN_OF},
    }
    return [own.get(name, nothing) for name in OWN_BEFORE_PLACES], wrong


def _fingerprinted(raw_keys: Sequence[bytes], fingerprint: Callable[[str], str]) -> list[bytes]:
    known: dict[bytes, bytes] = {}
    for raw in set(raw_keys):
        text = raw.decode("ascii")
        known[raw] = fingerprint(text).encode() if bare_key(text) else b""
    return [known[raw] for raw in raw_keys]


def _contradicted(counts: dict[str, list[int]], rows: int) -> set[int]:
    """Return the rows in which a side is zero, a total is not its sum, or a part more than its whole."""
    if not counts:
        return set()
    zeros = [0] * rows
    prompt, completion, cached, written, reasoning, total = (counts.get(name, zeros) for name in COUNTS)
    wrong = {
        index
        for index, both in enumerate(zip(prompt, completion, strict=True))
        if not all(both) or max(both) > TOKENS_MAX
    }
    sums = enumerate(zip(total, prompt, completion, strict=True))
    wrong |= {index for index, (whole, one, other) in sums if whole and (whole != one + other or whole > TOKENS_MAX)}
    if cached is not zeros or written is not zeros:
        wrong |= {
            index
            for index, (whole, one, other) in enumerate(zip(prompt, cached, written, strict=True))
            if one + other > whole
        }
    if reasoning is not zeros:
        wrong |= {index for index, (whole, part) in enumerate(zip(completion, reasoning, strict=True)) if part > whole}
    return wrong
