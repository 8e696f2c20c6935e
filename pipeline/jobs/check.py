"""One claim of ``verify``: whether it holds, and in what way it does or does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHOWN_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A claim that was checked."""

    name: str
    ok: bool
    detail: str


def check_that_none(wrong: Sequence[object], *, name: str, fine: str, found: str) -> Check:
    """Return the check that holds where ``wrong`` is empty.

    Its detail is ``fine``, or ``found`` and the first few wrong ones.
    """
    return Check(
        name=name, ok=not wrong, detail=f"{found}: {'; '.join(map(str, wrong[:_SHOWN_MAX]))}" if wrong else fine
    )
