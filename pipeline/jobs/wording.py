"""How counts, and what several messages say, are said for people."""

from __future__ import annotations

UNASSIGNED = "unassigned"
"""Stands where an account's id would, for keys of no account."""
NO_SOURCES = "tallybook.toml names no [[sources]], so nothing is collected; add one"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Return the count with its noun.

    >>> counted(1, "line"), counted(2, "line"), counted(0, "new line")
    ('1 line', '2 lines', '0 new lines')
    """
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def are(count: int) -> str:
    """Return the verb of what was counted, where it does not follow at once.

    >>> f"{counted(1, 'token')} of Acme {are(1)} unpriced", f"{counted(2, 'token')} of Acme {are(2)} unpriced"
    ('1 token of Acme is unpriced', '2 tokens of Acme are unpriced')
    """
    return "is" if count == 1 else "are"
