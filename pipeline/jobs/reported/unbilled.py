"""What of a period is on no bill, and what else somebody should look at: the warnings of a night, summed up by code.

Owns which warnings are of a period, and their sums. Does not own what is worth a warning
(``pipeline.jobs.night.night_warnings``) nor in which order warnings are told (``pipeline.jobs.warned``).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pipeline.base.money import exact_sum, normalised
from pipeline.base.periods import BillingPeriod
from pipeline.base.warning_codes import LOSING, WarningCode
from pipeline.documents.report.figures import NotBilled
from pipeline.jobs.warned import grouped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from pipeline.jobs.answers.grouped.selection import Span
    from pipeline.jobs.warned import NightWarning, WarningGroup

_ON_NO_BILL = frozenset({*LOSING, WarningCode.HELD, WarningCode.OTHER_USAGE} - {WarningCode.LOG_UNREAD})
_OF_NO_PERIOD = frozenset({WarningCode.LATE_USAGE})
"""These name the period that is corrected, and stand on a draft of now."""


def not_billed(warnings: Iterable[NightWarning], span: Span) -> tuple[tuple[NotBilled, ...], int]:
    """Return what is on no bill of the periods that touch some dates, by code; and how many warnings are of others.

    What names no period, such as quarantined lines, is of all of them. What is on no bill comes first.
    """
    mine, elsewhere = [], 0
    for warning in warnings:
        if _is_of(warning, span):
            mine.append(warning)
        else:
            elsewhere += 1
    found = [_summed(group) for group in grouped(mine)]
    return tuple(sorted(found, key=lambda each: not each.is_loss)), elsewhere


def _is_of(warning: NightWarning, span: Span) -> bool:
    period = warning.about.get("period")
    return not period or warning.code in _OF_NO_PERIOD or span.touches(BillingPeriod.parse(period))


def _summed(group: WarningGroup) -> NotBilled:
    warnings = (*group.shown, *group.rest)
    return NotBilled(
        code=group.code.value,
        is_loss=group.code in _ON_NO_BILL,
        warnings=len(warnings),
        new=sum(warning.is_new and not warning.acknowledged for warning in warnings),
        acknowledged=sum(bool(warning.acknowledged) for warning in warnings),
        counts=_counts(group.code, warnings),
        amounts=_amounts(warnings),
        texts=tuple(warning.told_text for warning in group.shown),
        rest=group.rest_text,
    )


def _counts(code: WarningCode, warnings: Sequence[NightWarning]) -> Mapping[str, int]:
    """Add up counts; of quarantined lines one warning counts all of them, and others the same again key by key."""
    counts: Counter[str] = Counter()
    for warning in warnings:
        is_again = code is WarningCode.QUARANTINED and bool(warning.about)
        counts.update({what: count for what, count in warning.counts.items() if not (is_again and what == "lines")})
    return dict(counts)


def _amounts(warnings: Sequence[NightWarning]) -> Mapping[str, Decimal]:
    currencies = sorted({warning.currency for warning in warnings if warning.amount is not None})
    return {
        currency: normalised(
            exact_sum(each.amount for each in warnings if each.amount is not None and each.currency == currency)
        )
        for currency in currencies
    }
