"""Versions of the rules by which invoices are drafted.

A document states the version it was issued by, so that it is recomputed by those very rules for ever; drafts and
corrections follow the newest. Owns what changed with each version.
"""

from __future__ import annotations

from enum import IntEnum

from pipeline.base.errors import ConfigurationError


class Rules(IntEnum):
    """What holds for an invoice; each version has all that those before it do not name."""

    FIRST = 1
    """Of documents that state no version."""
    SECOND = 2
    """Equal rates share a line whatever their list prices are. A minimum commitment is owed for months that usage has
    reached, and for no others. What lost its price is not paid back. A grant covers what was consumed of it.
    """
    THIRD = 3
    """A document states its issue date; its tax lines their category, rate and base; and taxes of corrected periods."""
    FOURTH = 4
    """Which months usage has reached is said by its first and its last day, whatever calendars accounts have."""

    @classmethod
    def of(cls, stated: object) -> Rules:
        """Return the rules that a document states. Raises ``ConfigurationError`` for those of a newer program."""
        if stated is None:
            return cls.FIRST
        try:
            return cls(stated)  # type: ignore[arg-type]  # whatever a document states
        except ValueError:
            message = (
                f"an invoice was issued by rules {stated!r}, and this program knows {int(NEWEST)} at most; "
                "upgrade Tallybook (the register is sound: leave it as it is)"
            )
            raise ConfigurationError(message) from None


NEWEST = max(Rules)
