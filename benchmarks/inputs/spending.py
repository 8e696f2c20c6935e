"""What keys cost day by day, of several kinds, from a seed: for the benchmarks of forecasts and of anomalies.

Owns the kinds. Nothing comes from real books.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

BEGIN, END = date(2026, 1, 1), date(2026, 10, 1)
"""The first day of every series, and the day after its last."""
_DAY = timedelta(days=1)
_SATURDAY = 5
_BURSTS = 0.08
"""Of so many days one is a burst."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A way in which usage comes about."""

    name: str
    says: str
    series: Callable[[random.Random], list[float]]
    """Currency units of each day from ``BEGIN`` on."""


def spent_by_date(kind: Kind, seed: int, *, scale: float = 1.0) -> dict[date, Decimal]:
    """Return what each day cost; days of nothing are not there."""
    costs = kind.series(random.Random(f"{kind.name} {seed}"))
    exact = {BEGIN + _DAY * place: Decimal(f"{cost * scale:.4f}") for place, cost in enumerate(costs)}
    return {day: cost for day, cost in exact.items() if cost}


def _days() -> list[date]:
    return [BEGIN + _DAY * place for place in range((END - BEGIN).days)]


def _week(day: date, weekend: float) -> float:
    return weekend if day.weekday() >= _SATURDAY else 1.0


def _noise(chance: random.Random, size: float = 0.2) -> float:
    return math.exp(chance.gauss(0, size))


def _flat(chance: random.Random) -> list[float]:
    return [100 * _noise(chance) for _ in _days()]


def _weekly(chance: random.Random) -> list[float]:
    return [130 * _week(day, 0.15) * _noise(chance) for day in _days()]


def _growing(chance: random.Random) -> list[float]:
    return [100 * _week(day, 0.3) * 1.012**place * _noise(chance) for place, day in enumerate(_days())]


def _shrinking(chance: random.Random) -> list[float]:
    return [100 * _week(day, 0.3) * 0.99**place * _noise(chance) for place, day in enumerate(_days())]


def _bursty(chance: random.Random) -> list[float]:
    return [20 * _noise(chance, 0.3) + (200 * _noise(chance, 0.8) if chance.random() < _BURSTS else 0) for _ in _days()]


def _new_key(chance: random.Random) -> list[float]:
    first = chance.randrange(150, 200)
    return [
        0 if place < first else 100 * _week(day, 0.3) * min(1, (place - first + 1) / 10) * _noise(chance, 0.3)
        for place, day in enumerate(_days())
    ]


def _month_end(chance: random.Random) -> list[float]:
    return [50 * _noise(chance) + (800 * _noise(chance) if (day + _DAY).day == 1 else 0) for day in _days()]


def _step(chance: random.Random) -> list[float]:
    at, times = chance.randrange(120, 230), chance.choice([0.4, 2, 3])
    return [100 * _week(day, 0.4) * (times if place >= at else 1) * _noise(chance) for place, day in enumerate(_days())]


def _mondays(chance: random.Random) -> list[float]:
    return [10 * _noise(chance, 0.3) + (0 if day.weekday() else 500 * _noise(chance, 0.3)) for day in _days()]


def _wandering(chance: random.Random) -> list[float]:
    level, found = 0.0, []
    for day in _days():
        level += chance.gauss(0, 0.08)
        found.append(100 * _week(day, 0.4) * math.exp(level) * _noise(chance, 0.15))
    return found


KINDS = (
    Kind("flat", "each day about the same", _flat),
    Kind("weekly", "weekends at 15 % of other days", _weekly),
    Kind("growing", "weekly, and 1.2 % more each day", _growing),
    Kind("shrinking", "weekly, and 1 % less each day", _shrinking),
    Kind("bursty", "little, and on one day of twelve ten times as much", _bursty),
    Kind("new key", "nothing until June or July, then growing for ten days", _new_key),
    Kind("month-end", "sixteen times as much on the last day of a month", _month_end),
    Kind("step", "on one day 0.4, 2 or 3 times as much from then on", _step),
    Kind("Mondays", "a job on Mondays, and little else", _mondays),
    Kind("wandering", "the level changes by 8 % a day, up or down", _wandering),
)
