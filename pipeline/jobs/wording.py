"""How counts are said in messages for people."""

from __future__ import annotations


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Return the count with its noun.

    >>> counted(1, "line"), counted(2, "line"), counted(0, "new line")
    ('1 line', '2 lines', '0 new lines')
    """
    return f"{count} {noun if count == 1 else plural or noun + 's'}"
