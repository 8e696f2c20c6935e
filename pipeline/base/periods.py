"""Usage dates and billing periods in a time zone: half-open spans of time that never overlap and leave no gap.

Owns what a day and a month are in a time zone, and how instants and dates are read and written. Does not own whose time
zone counts, nor which months are billed together (``pipeline.accounts``), nor the clock: nothing here knows what time
it is.

A day begins at the first instant whose local date is that day or a later one. So days follow each other without gap or
overlap also where clocks skip midnight (Cairo, in spring), skip a whole day (Apia, 2011-12-30: an empty day) or show a
few minutes of a day twice (St. John's until 2011: the second 23:01 already belongs to the new day).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import tzdata

from pipeline.base.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

YEARS = range(1900, 2200)
"""Years that a date, instant or period can be about: far from the ends of datetime's range, so that no arithmetic falls
off.
"""
_TZDATA = Path(tzdata.__file__).parent
_DAY = timedelta(days=1)
_MONTHS = 12
_QUARTER = 3
_PERIOD = re.compile(
    r"(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{2})(?:--(?P<to_year>[0-9]{4})-(?P<to_month>[0-9]{2}))?|-Q(?P<quarter>[1-4]))?",
    re.ASCII,
)
_OF_DAYS = re.compile(r"(?P<first>[0-9]{4}-[0-9]{2}-[0-9]{2})(?:--(?P<last>[0-9]{4}-[0-9]{2}-[0-9]{2}))?", re.ASCII)
_MONTH_DAYS_MIN = 28
"""Every month has a day of this number: months may begin on it, or on an earlier one."""
_HOW_TO_WRITE = "write a month as YYYY-MM, such as 2026-10, a quarter as 2026-Q4, a year as 2026"
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
    from zoneinfo import ZoneInfo  # noqa: PLC0415  # not every command has days of its own

    with _TZDATA.joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class BillingPeriod:
    """One month, or several that follow each other and are on one invoice.

    A month is one of the calendar, or begins on another day of it, the same each month. Which instants it holds depends
    on a time zone. Usage is counted and priced by single months.
    """

    year: int
    month: int
    """The first month: that of the calendar which it begins in."""
    day: int = 1
    """With which day of the calendar's months they begin: 1 to 28."""
    count: int = 1
    """How many months: 1 to 12."""

    def __post_init__(self) -> None:
        """Refuse a month that does not exist, and more of them than a year has."""
        is_month = self.year in YEARS and 1 <= self.month <= _MONTHS and 1 <= self.day <= _MONTH_DAYS_MIN
        if not is_month or not 1 <= self.count <= _MONTHS:
            months = "" if self.count == 1 else f" of {self.count} months"
            message = f"billing period {self.year:04}-{self.month:02}{months} does not exist; {_HOW_TO_WRITE}"
            raise ConfigurationError(message)

    @classmethod
    def parse(cls, text: str) -> BillingPeriod:
        """Read ``2026-10``, ``2026-Q4``, ``2026``, or any months by the first and the last: ``2026-11--2027-01``.

        Months that begin on another day than the first are read by that, ``2026-10-15``, several of them by the first
        and the last day, ``2026-10-15--2027-01-14``. Raises ``ConfigurationError`` for anything else.
        """
        of_days = _OF_DAYS.fullmatch(text)
        if of_days:
            return cls._of_days(text, of_days["first"], of_days["last"])
        match = _PERIOD.fullmatch(text)
        if not match:
            message = f"billing period {text!r} cannot be read; {_HOW_TO_WRITE}"
            raise ConfigurationError(message)
        year, month, quarter = (int(match[name] or 0) for name in ("year", "month", "quarter"))
        if quarter:
            return cls(year=year, month=quarter * _QUARTER - _QUARTER + 1, count=_QUARTER)
        if match["month"] is None:
            return cls(year=year, month=1, count=_MONTHS)
        first = cls(year=year, month=month)
        if match["to_month"] is None:
            return first
        return first.until(cls(year=int(match["to_year"]), month=int(match["to_month"])))

    @classmethod
    def of(cls, usage_date: date, day: int = 1) -> BillingPeriod:
        """Return the month that a usage date lies in, of months that begin on a day of the calendar's."""
        month = cls(year=usage_date.year, month=usage_date.month, day=day)
        return month if day <= usage_date.day else month.previous()

    @classmethod
    def _of_days(cls, text: str, first: str, last: str | None) -> BillingPeriod:
        """Read months by their first day, and the last one of several."""
        try:
            first_date = parse_date(first)
            end_date = parse_date(last) + _DAY if last else None
        except ConfigurationError:
            first_date = end_date = date.min
        if first_date.day == 1 or (end_date and end_date.day != first_date.day):
            message = f"billing period {text!r} cannot be read; {_HOW_TO_WRITE}"
            raise ConfigurationError(message)
        month = cls(year=first_date.year, month=first_date.month, day=first_date.day)
        return month if end_date is None else month.until(cls.of(end_date - _DAY, day=month.day))

    def __str__(self) -> str:
        """Write ``2026-10``, ``2026-Q4`` or ``2026``; other months by the first and the last, ``2026-11--2027-01``.

        Months that begin on another day than the first are written by their days: ``2026-10-15``, which is 15 October
        to 14 November, and ``2026-10-15--2027-01-14``. Two hyphens stand between the ends of an interval where a slash
        cannot (ISO 8601).
        """
        if self.day != 1:
            first_day = self.first_date.isoformat()
            return first_day if self.count == 1 else f"{first_day}--{(self.end_date - _DAY).isoformat()}"
        if self.count == _MONTHS and self.month == 1:
            return f"{self.year:04}"
        if self.count == _QUARTER and self.month % _QUARTER == 1:
            return f"{self.year:04}-Q{self.month // _QUARTER + 1}"
        first = f"{self.year:04}-{self.month:02}"
        return first if self.count == 1 else f"{first}--{self.last}"

    @property
    def months(self) -> tuple[BillingPeriod, ...]:
        """Its months, one by one."""
        return tuple(self._month_after(passed) for passed in range(self.count))

    @property
    def first(self) -> BillingPeriod:
        """Its first month."""
        return self._month_after(0)

    @property
    def last(self) -> BillingPeriod:
        """Its last month."""
        return self._month_after(self.count - 1)

    def holds(self, month: BillingPeriod) -> bool:
        """Say whether a month, or all of several, is among its months."""
        return self.first_date <= month.first_date and month.end_date <= self.end_date

    def until(self, last: BillingPeriod) -> BillingPeriod:
        """Return this month and those that follow it, up to and with another one."""
        count = (last.year - self.year) * _MONTHS + last.month - self.month + 1
        return BillingPeriod(year=self.year, month=self.month, day=self.day, count=count)

    @property
    def first_date(self) -> date:
        """The first usage date of the period."""
        return date(self.year, self.month, self.day)

    @property
    def end_date(self) -> date:
        """The usage date after the period's last one."""
        passed = self.month - 1 + self.count
        return date(self.year + passed // _MONTHS, passed % _MONTHS + 1, self.day)

    def next(self) -> BillingPeriod:
        """Return the month after this one."""
        return self._month_after(self.count)

    def previous(self) -> BillingPeriod:
        """Return the month before this one."""
        return self._month_after(-1)

    def _month_after(self, passed: int) -> BillingPeriod:
        """Return the month that begins so many months after this begins."""
        passed += self.month - 1
        return BillingPeriod(year=self.year + passed // _MONTHS, month=passed % _MONTHS + 1, day=self.day)

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


@lru_cache(maxsize=2**12)
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
