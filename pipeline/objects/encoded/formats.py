"""Formats of files that outlive the program which wrote them: ``tallybook-payment/1`` is a kind and a version of it.

A program that writes a kind otherwise raises its number; one of before then knows that the file is newer, and not
damaged. Asked before anything else of a file, since a newer one may hold fields that nobody of before can know.

Does not own which versions there are: each reader knows its own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipeline import __version__
from pipeline.base.errors import FormatIsNewer

if TYPE_CHECKING:
    from collections.abc import Mapping

_FORMAT = re.compile(r"([a-z][a-z-]{0,63})/([1-9][0-9]{0,8})", re.ASCII)
UPGRADE = "upgrade Tallybook (nothing is wrong with it: leave it as it is)"


def check_format(document: Mapping[str, Any], known: str, what: str) -> None:
    """Let pass a document whose ``format`` is the known one.

    Raises ``FormatIsNewer`` where it states a later version of that kind, and ``ValueError`` where it states anything
    else.

    >>> check_format({"format": "tallybook-payment/1"}, "tallybook-payment/1", "the payment")
    """
    stated = document.get("format")
    if stated == known:
        return
    ours, theirs = _FORMAT.fullmatch(known), _FORMAT.fullmatch(stated) if isinstance(stated, str) else None
    if ours is not None and theirs is not None and theirs[1] == ours[1] and int(theirs[2]) > int(ours[2]):
        message = f"{what} is of format {stated!r}, and Tallybook {__version__} knows up to {known!r}; {UPGRADE}"
        raise FormatIsNewer(message)
    message = f"its format is {stated!r}, and must be {known!r}"
    raise ValueError(message)
