"""The one way in which a line is refused: with a reason of ``QuarantineReason`` and a detail that holds no content.

Owns the exception that readers raise inside this package and that ``decode`` turns into a row of the quarantine.
Does not own the reasons (``pipeline.usage`` does); nothing outside this package ever sees it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.base.errors import TallybookError

if TYPE_CHECKING:
    from decimal import Decimal

    from pipeline.usage import QuarantineReason

_SHOWN_DIGITS_MAX = 30
_SHOWN_MAX = 10**_SHOWN_DIGITS_MAX
_ABSURD = "a number of absurd length"


class LineRefused(TallybookError):
    """A line cannot become a usage event.

    ``detail`` is made of field names and numbers, never of strings from the log.
    """

    def __init__(self, reason: QuarantineReason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def shown(number: int | Decimal) -> str:
    """Return a number as a detail may show it; a number of absurd length only as such."""
    if isinstance(number, int):
        return str(number) if abs(number) < _SHOWN_MAX else _ABSURD
    return str(number) if len(number.as_tuple().digits) <= _SHOWN_DIGITS_MAX else _ABSURD
