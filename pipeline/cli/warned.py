"""How warnings are printed: by their codes, ten of each one by one, and the rest in a line.

Does not own the codes (``pipeline.base.warning_codes``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.base.money import plain_amount
from pipeline.cli.context import tell, warn
from pipeline.jobs.warned import grouped
from pipeline.jobs.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.jobs.warned import NightWarning


def tell_warnings(warnings: Iterable[NightWarning]) -> None:
    """Write warnings to stderr, grouped by their codes; of those that were acknowledged, how many there are."""
    found = list(warnings)
    for group in grouped(warning for warning in found if not warning.acknowledged):
        for warning in group.shown:
            warn(warning.told_text, **_fields(warning))
        if group.rest:
            counts, amounts = dict(group.rest_counts), dict(group.rest_amounts)
            more = {"code": group.code.value, "warnings": len(group.rest), "counts": counts, "amounts": amounts}
            warn(group.rest_text, event="more_warnings", **more)
    quiet = sum(bool(warning.acknowledged) for warning in found)
    if quiet:
        text = f"{counted(quiet, 'acknowledged warning')}; 'tallybook doctor' lists what was acknowledged"
        tell(text, event="acknowledged_warnings", warnings=quiet)


def warning_documents(warnings: Iterable[NightWarning]) -> list[dict[str, object]]:
    """Return all warnings as JSON values, in the order in which they are told; money is text."""
    return [
        {"text": warning.text, **_fields(warning), "acknowledged": warning.acknowledged or None}
        for group in grouped(warnings)
        for warning in (*group.shown, *group.rest)
    ]


def _fields(warning: NightWarning) -> dict[str, Any]:
    """Return what is said of a warning beside its text, as JSON values."""
    return {
        "code": warning.code.value,
        "subject": warning.subject,
        "counts": dict(warning.counts),
        "amount": None if warning.amount is None else plain_amount(warning.amount, warning.currency),
        "currency": warning.currency or None,
        "about": dict(warning.about),
        "is_new": warning.is_new,
        "known_since": None if warning.known_since is None else warning.known_since.isoformat(),
    }
