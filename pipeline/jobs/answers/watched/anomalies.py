"""Days of keys, models and accounts that are far from their own past.

One key that is far from its past takes its account and its models with it: what is told of a key is not told of these
once more. Owns which days and whose are looked at, and what is told once. Does not own what is far
(``pipeline.budgets.anomalies``).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError
from pipeline.base.periods import days_between
from pipeline.budgets import Direction, Scope, anomaly_of
from pipeline.budgets.anomalies import WEEKS, difference_min_of
from pipeline.jobs.answers.grouped.selection import Span
from pipeline.jobs.answers.watched.spending import days_of, spending_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from decimal import Decimal

    from pipeline.budgets import Anomaly
    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.answers.watched.spending import Spending

SUBJECTS: Mapping[str, str] = {"account": "account_id", "key": "api_key_id", "model": "model"}
"""Words for whose days are looked at, and the column each stands for."""
_DAY = timedelta(days=1)
_PAST = timedelta(weeks=WEEKS)
_EXPLAINED = 0.8
"""The part of a difference that keys must make up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundAnomaly:
    """An anomaly, and what it is of."""

    kind: str
    """``account``, ``key`` or ``model``."""
    anomaly: Anomaly


def anomalies(
    workspace: Workspace,
    *,
    as_of: date | None = None,
    span: Span | None = None,
    by: Sequence[str] = tuple(SUBJECTS),
    difference_min: Decimal | None = None,
    spending: Spending | None = None,
) -> tuple[FoundAnomaly, ...]:
    """Return the days out of line of ``span``: the latest first, and of a day the greatest difference first.

    An account or a model whose difference is made up by keys that are listed is left out.

    Without a span, the last complete day and what there is of later ones; with ``as_of``, as if that day had just
    begun. Of a day that is not complete, only what is too much already. ``difference_min`` in currency units, in the
    place of ``difference_min_of``; ``spending`` is all that is charged, where that is known already. Raises
    ``ConfigurationError`` for an unknown word.
    """
    for word in by:
        if word not in SUBJECTS:
            message = f"--by {word!r} is not known; write one or more of: {', '.join(SUBJECTS)}"
            raise ConfigurationError(message)
    days = days_of(workspace, as_of=as_of)
    if days is None:
        return ()
    first, end = days.complete_before - _DAY, days.end
    if span is not None:
        first, end = span.from_date or first, min(end, span.to_date or end)
    if first >= end:
        return ()
    looked_at = Span(from_date=first - _PAST, to_date=end)
    spending = (spending or spending_of(workspace, looked_at)).from_date(first - _PAST).before(end)
    found = [
        FoundAnomaly(kind=kind, anomaly=anomaly)
        for kind in SUBJECTS
        if kind in by
        for anomaly in _of_kind(spending, kind, (first, end), days.complete_before, difference_min)
    ]
    explained = _made_up_by_keys(spending, [each.anomaly for each in found if each.kind == "key"])
    return tuple(sorted((each for each in found if not _is_explained(each, explained)), key=_order))


def _of_kind(
    spending: Spending, kind: str, span: tuple[date, date], complete_before: date, difference_min: Decimal | None
) -> Iterator[Anomaly]:
    least = {
        currency: difference_min_of([amount for day, amount in spent.items() if day < complete_before], currency)
        for currency, spent in spending.by_date().items()
    }
    for (subject, currency), spent in spending.by_date_and([SUBJECTS[kind]]).items():
        for day in days_between(*span):
            anomaly = anomaly_of(
                subject,
                spent,
                day,
                currency=currency,
                difference_min=least[currency] if difference_min is None else difference_min,
            )
            if anomaly and (day < complete_before or anomaly.direction is Direction.ABOVE):
                yield anomaly


_Place = tuple[str, str, str, date, Direction]
"""Kind, subject, currency, day and direction."""


def _made_up_by_keys(spending: Spending, of_keys: Sequence[Anomaly]) -> dict[_Place, float]:
    """Return how much of a difference anomalies of keys make up, by accounts and models that the keys are charged in.

    A key's difference is parted as its spending is: of that day, or of all days where it spent nothing.
    """
    named = {anomaly.subject for anomaly in of_keys}
    mine = spending.of(Scope(keys=tuple(named))) if named else spending
    found: dict[_Place, float] = defaultdict(float)
    for kind, column in SUBJECTS.items():
        if kind == "key" or not named:
            continue
        parts: dict[tuple[str, str], list[tuple[str, dict[date, Decimal]]]] = defaultdict(list)
        for (key_id, subject, currency), days in mine.by_date_and(["api_key_id", column]).items():
            parts[key_id, currency].append((subject, days))
        for anomaly in of_keys:
            day, costs = anomaly.usage_date, parts[anomaly.subject, anomaly.currency]
            shares = [
                (subject, float(days.get(day, 0) if anomaly.spent else sum(days.values()))) for subject, days in costs
            ]
            total = sum(share for _, share in shares)
            for subject, share in shares:
                place = kind, subject, anomaly.currency, day, anomaly.direction
                found[place] += float(anomaly.difference) * share / total
    return found


def _is_explained(found: FoundAnomaly, explained: Mapping[_Place, float]) -> bool:
    anomaly = found.anomaly
    place = found.kind, anomaly.subject, anomaly.currency, anomaly.usage_date, anomaly.direction
    return abs(explained.get(place, 0.0)) >= _EXPLAINED * abs(float(anomaly.difference))


def _order(found: FoundAnomaly) -> tuple[int, str, Decimal, str, str]:
    anomaly = found.anomaly
    return (
        -anomaly.usage_date.toordinal(),
        anomaly.currency,
        -abs(anomaly.difference),
        found.kind,
        anomaly.subject,
    )
