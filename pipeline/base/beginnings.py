"""Ids by their beginnings: as much of one as names no other is enough.

Owns what a beginning is, and what is said where it could be several. Does not own which ids there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LISTED_MAX = 10
"""How many ids are named where one of them is meant."""


def whole_id(given: str, ids: Iterable[str], what: str) -> str:
    """Return the id that is meant: the one that is given, or else the only one that begins so.

    ``key_a1…9f`` is what a table shows of an id: one that begins and ends so. An id that none begins with is returned
    as it is. Raises ``ConfigurationError`` that names them where there are several.
    """
    known = set(ids)
    if given in known:
        return given
    found = sorted(each for each in known if may_mean(given, each))
    if len(found) > 1:
        raise ambiguous(given, found, what)
    return found[0] if found else given


def may_mean(given: str, whole: str) -> bool:
    """Say whether an id begins as what is given, and ends so after a ``…``."""
    begins, _, ends = given.partition("…")
    return bool(begins) and whole.startswith(begins) and whole[len(begins) :].endswith(ends)


def ambiguous(given: str, found: Sequence[str], what: str, *, is_all: bool = True) -> ConfigurationError:
    """Return the error that names the ids which could be meant; not ``is_all`` where not all were looked for."""
    more = f" and {len(found) - LISTED_MAX} more" if len(found) > LISTED_MAX else ""
    return ConfigurationError(
        f"{what} {given!r} could be {', '.join(found[:LISTED_MAX])}{more if is_all else ' and more'}; write more of it"
    )
