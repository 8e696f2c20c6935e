"""Usage dates and billing periods in a time zone: half-open spans of time that never overlap and leave no gap.

Owns what a day and a month are in a time zone, and how instants and dates are read and written. Does not own whose time
zone counts (``pipeline.accounts``) nor the clock: nothing here knows what time it is.

A day begins at the first instant whose local date is that day or a later one. So days follow each other without gap or
overlap also where clocks skip midnight (Cairo, in spring), skip a whole day (Apia, 2011-12-30: an empty day) or show a
few minutes of a day twice (St. John's until 2011: the second 23:01 already belongs to the new day).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import tzdata

from pipeline.base.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

YEARS = range(1900, 2200)
"""Years that a date, instant or period can be about: far from the ends of datetime's range, so that no arithmetic falls
off.
"""
_TZDATA = Path(tzdata.__file__).parent
_DAY = timedelta(days=1)
_MONTHS = 12
_PERIOD = re.compile(r"([0-9]{4})-([0-9]{2})", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?)([Zz]|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)


@cache
def time_zone(name: str) -> ZoneInfo:
    """Return the time zone of an IANA name such as ``Europe/Berlin``.

    From the ``tzdata`` package and never from the machine.

    The machine's own files may be years old, and then the same logs would make another bill there.
    Raises ``ConfigurationError`` for an unknown name.
    """
    if name not in _zone_names():
        message = f"time zone {name!r} is unknown; write an IANA name such as UTC, Europe/Berlin or America/New_York"
        raise ConfigurationError(message)
    with _TZDATA.joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class BillingPeriod:
    """One calendar month, written ``2026-10``. Which instants it holds depends on a time zone."""

    year: int
    month: int

    def __post_init__(self) -> None:
        """Refuse a month that does not exist."""
        if self.year not in YEARS or not 1 <= self.month <= _MONTHS:
            message = (
                f"billing period {self.year:04}-{self.month:02} does not exist; "
                "write a month as YYYY-MM, such as 2026-10"
            )
            raise ConfigurationError(message)

    @classmethod
    def parse(cls, text: str) -> BillingPeriod:
        """Read ``2026-10``. Raises ``ConfigurationError`` for anything else."""
        match = _PERIOD.fullmatch(text)
        if not match:
            message = f"billing period {text!r} cannot be read; write a month as YYYY-MM, such as 2026-10"
            raise ConfigurationError(message)
        return cls(year=int(match[1]), month=int(match[2]))

    @classmethod
    def of(cls, usage_date: date) -> BillingPeriod:
        """Return the period that a usage date lies in."""
        return cls(year=usage_date.year, month=usage_date.month)

    def __str__(self) -> str:
        """Write ``2026-10``."""
        return f"{self.year:04}-{self.month:02}"

    @property
    def first_date(self) -> date:
        """The first usage date of the period."""
        return date(self.year, self.month, 1)

    @property
    def end_date(self) -> date:
        """The usage date after the period's last one."""
        return self.next().first_date

    def next(self) -> BillingPeriod:
        """Return the month after this one."""
        return BillingPeriod(year=self.year + self.month // _MONTHS, month=self.month % _MONTHS + 1)

    def previous(self) -> BillingPeriod:
        """Return the month before this one."""
        return BillingPeriod.of(self.first_date - _DAY)

    def start_at(self, zone: ZoneInfo) -> datetime:
        """Return the first instant of the period in a time zone, in UTC."""
        return day_start_at(self.first_date, zone)

    def end_at(self, zone: ZoneInfo) -> datetime:
        """Return the first instant after the period in a time zone, in UTC: the start of the next period."""
        return day_start_at(self.end_date, zone)


def usage_date(instant: datetime, zone: ZoneInfo) -> date:
    """Return the day, in a time zone, that an aware instant is billed on: the one whose ``day_bounds`` hold it."""
    local_date = instant.astimezone(zone).date()
    tomorrow = local_date + _DAY
    return (
        tomorrow if instant >= day_start_at(tomorrow, zone) else local_date
    )  # clocks put back past midnight do not reopen a day


def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the first instant of a local day and the first instant after it, in UTC.

    Equal where the zone skipped that day.
    """
    return day_start_at(day, zone), day_start_at(day + _DAY, zone)


def day_start_at(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant, in UTC, whose local date is ``day`` or later.

    For Berlin, 2026-10-01 starts at 2026-09-30T22:00Z.
    """
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    start_at = midnight.astimezone(UTC)
    if start_at.astimezone(zone).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return start_at
    # Clocks skip this midnight: read with the offset before the gap it lies at or behind the jump, with the offset
    # after the gap before it.
    return _first_instant_of(
        day, zone, after_at=midnight.replace(fold=1).astimezone(UTC) - timedelta(seconds=1), until_at=start_at
    )


def days_between(start_date: date, end_date: date) -> Iterator[date]:
    """Yield the days of ``[start_date, end_date)`` in order."""
    for ordinal in range(start_date.toordinal(), end_date.toordinal()):
        yield date.fromordinal(ordinal)


def parse_instant(text: str) -> datetime:
    """Read an RFC 3339 instant with its offset as an aware UTC datetime.

    Such as ``2026-10-10T12:00:00Z`` or ``2026-10-10T14:00:00+02:00``.

    Raises ``ConfigurationError`` for anything else: without an offset nobody knows which instant is meant.
    """
    match = _INSTANT.fullmatch(text)
    if match and int(text[:4]) in YEARS:
        try:
            return datetime.fromisoformat(f"{match[1]}T{match[2]}{match[3].upper()}").astimezone(UTC)
        except ValueError:
            pass  # 25 o'clock or the 31st of June; explained like what is no instant at all
    message = (
        f"instant {text!r} cannot be read; write it with its offset, such as 2026-10-10T12:00:00Z or "
        "2026-10-10T14:00:00+02:00"
    )
    raise ConfigurationError(message)


def parse_date(text: str) -> date:
    """Read a date such as ``2026-10-10``. Raises ``ConfigurationError`` for anything else."""
    if _DATE.fullmatch(text) and int(text[:4]) in YEARS:
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass  # the 30th of February; explained like what is no date at all
    message = f"date {text!r} cannot be read; write it as YYYY-MM-DD, such as 2026-10-10"
    raise ConfigurationError(message)


def instant_text(instant: datetime, zone: ZoneInfo | None = None) -> str:
    """Write an aware instant as RFC 3339.

    ``2026-10-01T00:00:00Z``, or with a zone's own offset, ``2026-10-01T00:00:00+03:00``.
    """
    return instant.astimezone(zone).isoformat() if zone else instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _first_instant_of(day: date, zone: ZoneInfo, *, after_at: datetime, until_at: datetime) -> datetime:
    """Find by halving the first whole second of ``(after_at, until_at]`` whose local date is ``day`` or later.

    Clocks change on whole seconds.
    """
    low, high = 0, int((until_at - after_at).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if (after_at + timedelta(seconds=middle)).astimezone(zone).date() >= day:
            high = middle
        else:
            low = middle
    return after_at + timedelta(seconds=high)


@cache
def _zone_names() -> frozenset[str]:
    return frozenset((_TZDATA / "zones").read_text(encoding="ascii").split())
