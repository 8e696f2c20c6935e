"""The instant of an exchange, from what logs write.

A date and time with an offset, or without one in a zone that its source states, or a number of seconds or parts of
them since 1970.

Dates are those of RFC 3339, and what common loggers make of ISO 8601: a comma before the fraction, an offset without
its colon (``%z`` of C, ``Z`` of Java) or without minutes, a blank before it; without seconds, in the basic format, with
slashes behind the year, a zone's name behind the offset or ``UTC`` instead of one, and what Go prints behind that of
its monotonic clock; and the dates of HTTP, of mail, of access logs and of JavaScript. 24:00:00 is the next midnight.
The leap second 23:59:60 of UTC is taken for the last microsecond of its day. Epochs are told apart by their size: 2000
to 2099 in seconds, milliseconds, microseconds and nanoseconds do not overlap. What programs write of a time that is an
object to them (Protocol Buffers, Firestore, Java's ``Instant``) has its seconds and nanoseconds apart.

Where clocks go back, an hour is told twice; without an offset it is the first of the two. Where they go forward, an
hour is missing: a log that tells a time within it is not in the zone that was stated, and is refused.

Owns the reading of ``ts``. Does not own usage dates or periods (``pipeline.base.periods`` does).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, Any

from pipeline.collectors.formats.mapping import number
from pipeline.collectors.values.refusal import LineRefused, shown
from pipeline.collectors.values.traced import is_integer
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from pipeline.collectors.values.strict_json import JsonObject

_DATE_AND_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.,]([0-9]+))?( ?(?:[Zz]|([+-])([01][0-9]|"
    r"2[0-3])(?::?([0-5][0-9]))?))?"
)
_IN_BASIC_FORMAT = re.compile(
    r"([0-9]{4})([0-9]{2})([0-9]{2})[Tt]([0-9]{2})([0-9]{2})([0-9]{2})((?:[.,][0-9]+)?(?:[Zz]|[+-][0-9:]+)?)"
)
_IN_WORDS = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?([0-9]{1,2})[ /](Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[ /]"
    r"([0-9]{4})[ :]([0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?)((?: ?(?:Z|[+-][0-9]{4}))?)"
)
"""``Tue, 03 Nov 2026 10:00:00 GMT`` (RFC 9110, RFC 5322) and ``03/Nov/2026:10:00:00 +0000`` (NCSA)."""
_OF_JAVASCRIPT = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ([0-9]{2}) ([0-9]{4}) "
    r"([0-9]{2}:[0-9]{2}:[0-9]{2}) GMT([+-][0-9]{4})(?: \([^()]{1,64}\))?"
)
"""``Tue Nov 03 2026 10:00:00 GMT+0100 (Central European Standard Time)`` (ECMA-262, ``Date.prototype.toString``)."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ZONE_BEHIND = re.compile(
    r"(?<=[0-9Zz])(?:\[[A-Za-z0-9_/+-]{1,64}\]| ?\([A-Z]{1,5}\))$|"
    r"(?<=[+-]0000) (?:UTC|GMT)$|(?<=[+-][0-9]{4}) (?!UTC|GMT)[A-Z]{3,5}$"
)
"""What says once more where an offset is of: ``[Europe/Berlin]`` of Java, ``(UTC)`` of mail, ``CET`` of Go."""
_MONOTONIC_CLOCK = re.compile(r" m=[+-][0-9]{1,12}\.[0-9]{1,9}$")
"""What Go's ``Time.String`` ends with, where the time was taken by ``Now``."""
_WITH_SLASHES = re.compile(r"([0-9]{4})/([0-9]{2})/([0-9]{2})(?=[Tt ])")
"""``2026/11/03 10:00:00``, as Go's package ``log`` and nginx write it."""
_UTC_BY_NAME = re.compile(r" ?(?:UTC|GMT)$")
_WITHOUT_SECONDS = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2})((?: ?(?:[Zz]|[+-][0-9:]+))?)")
_END_OF_DAY, _LEAP_SECOND = "24:00:00", ":59:60"
_EPOCH_TEXT = re.compile(r"[0-9]{9,19}(?:[.,][0-9]{1,30})?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND_US = 1_000_000
_DAY_SECONDS = 86_400
_PER_SECOND = (1, 1_000, 1_000_000, 1_000_000_000)
_SECONDS_MAX = 10**11
_NANO = Decimal("0.000000001")
_EARLIEST_YEAR, _LATEST_YEAR = 1999, 2100
EARLIEST_US = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp()) * _SECOND_US
LATEST_US = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp()) * _SECOND_US


def instant_us(value: Any, field: str = "ts", *, zone: ZoneInfo | None = None) -> int:
    """Return microseconds since 1970-01-01T00:00:00Z; a finer fraction is cut, not rounded.

    A date and time without an offset is one in ``zone``. Raises ``LineRefused`` (``invalid_field``) where the value is
    naive and there is no zone, no instant, or outside [2000-01-01, 2100-01-01).
    """
    value = _in_seconds(value) if isinstance(value, dict) else value
    if isinstance(value, str):
        value = value.strip(" \t\r\n")
        instant = (
            _from_epoch(Decimal(value.replace(",", ".")), field)
            if _EPOCH_TEXT.fullmatch(value)
            else _from_text(value, field, zone)
        )
    elif isinstance(value, int | Decimal) and not isinstance(value, bool):
        instant = _from_epoch(value, field)
    else:
        raise LineRefused(QuarantineReason.INVALID_FIELD, f"{field} is neither a string nor a number")
    if not EARLIEST_US <= instant < LATEST_US:
        raise LineRefused(QuarantineReason.INVALID_FIELD, f"{field} lies outside the years 2000 to 2099")
    return instant


def _from_text(value: str, field: str, zone: ZoneInfo | None) -> int:
    parts = _DATE_AND_TIME.fullmatch(value) or _DATE_AND_TIME.fullmatch(_plain_spelling(value))
    if parts is None or (parts[4] is None and zone is None):
        raise LineRefused(
            QuarantineReason.INVALID_FIELD,
            f"{field} is no date and time with an offset, and no number of seconds since 1970",
        )
    date, time, fraction, has_offset, sign, hours, minutes = parts.groups()
    is_end_of_day = time == _END_OF_DAY and not int(fraction or 0)
    is_leap_second = time.endswith(_LEAP_SECOND)
    if is_end_of_day or is_leap_second:
        time = "00:00:00" if is_end_of_day else f"{time[:-2]}59"
    if time.startswith("24"):  # a newer Python may read it
        raise _no_date(field)
    try:
        elapsed = datetime.fromisoformat(f"{date}T{time}+00:00") - _EPOCH + timedelta(days=is_end_of_day)
    except (ValueError, OverflowError):
        raise _no_date(field) from None
    if has_offset is None and zone is not None:
        elapsed -= _offset_there(_EPOCH + elapsed, zone, field)
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0)) if sign else timedelta()
    elapsed = elapsed + offset if sign == "-" else elapsed - offset
    if is_leap_second:
        if elapsed.seconds != _DAY_SECONDS - 1:
            raise _no_date(field)
        fraction = "999999"
    return (elapsed.days * _DAY_SECONDS + elapsed.seconds) * _SECOND_US + (
        int(fraction[:6].ljust(6, "0")) if fraction else 0
    )


def _no_date(field: str) -> LineRefused:
    return LineRefused(QuarantineReason.INVALID_FIELD, f"{field} is no date and time of the calendar")


def _plain_spelling(value: str) -> str:
    """Return a date and time as RFC 3339 spells it, where it is one in another spelling that leaves nothing open.

    >>> _plain_spelling("Tue, 03 Nov 2026 10:00:00 GMT"), _plain_spelling("20261103T100000+0100")
    ('2026-11-03T10:00:00Z', '2026-11-03T10:00:00+0100')
    """
    if (script := _OF_JAVASCRIPT.fullmatch(value)) is not None:
        return f"{script[3]}-{_MONTHS.index(script[1]) + 1:02}-{script[2]}T{script[4]}{script[5]}"
    value = _ZONE_BEHIND.sub("", _MONOTONIC_CLOCK.sub("", value))
    if (slashed := _WITH_SLASHES.match(value)) is not None:
        value = "-".join(slashed.groups()) + value[slashed.end() :]
    if (named := _UTC_BY_NAME.search(value)) is not None:
        value = value[: named.start()] + "Z"
    if (basic := _IN_BASIC_FORMAT.fullmatch(value)) is not None:
        return f"{basic[1]}-{basic[2]}-{basic[3]}T{basic[4]}:{basic[5]}:{basic[6]}{basic[7]}"
    if (words := _IN_WORDS.fullmatch(value)) is not None:
        return f"{words[3]}-{_MONTHS.index(words[2]) + 1:02}-{words[1]:0>2}T{words[4]}{words[5]}"
    if (short := _WITHOUT_SECONDS.fullmatch(value)) is not None:
        return f"{short[1]}:00{short[2]}"
    return value


def _offset_there(local_time: datetime, zone: ZoneInfo, field: str) -> timedelta:
    """Return the offset of what clocks in a zone show; of two, the first.

    ``local_time`` has the zone UTC.
    """
    if not _EARLIEST_YEAR <= local_time.year <= _LATEST_YEAR:
        return timedelta()  # outside of the years that are read, whatever the zone
    local = local_time.replace(tzinfo=zone, fold=0)
    offset = local.utcoffset() or timedelta()
    if (local_time - offset).astimezone(zone).replace(tzinfo=UTC) != local_time:
        message = f"{field} is within an hour that clocks in {zone.key} skip; see the time_zone of the source"
        raise LineRefused(QuarantineReason.INVALID_FIELD, message)
    return offset


def _from_epoch(value: int | Decimal, field: str) -> int:
    for per_second in _PER_SECOND:
        if EARLIEST_US * per_second <= value * _SECOND_US < LATEST_US * per_second:
            break
    else:
        message = (
            f"{field} is {shown(value)}; in seconds, milliseconds, microseconds or nanoseconds it lies outside the "
            "years 2000 to 2099"
        )
        raise LineRefused(QuarantineReason.INVALID_FIELD, message)
    cut = Decimal(value).quantize(_NANO, rounding=ROUND_DOWN)  # the context has 28 digits, the value may have more
    return int(cut * (_SECOND_US // per_second)) if per_second <= _SECOND_US else int(cut) * _SECOND_US // per_second


def _in_seconds(stated: JsonObject) -> Any:
    """Return what an object states of a time in seconds, itself where it states none.

    >>> _in_seconds({"seconds": "1790812800", "nanos": 5})
    Decimal('1790812800.000000005')
    """
    for seconds, nanoseconds in _APART:
        whole, rest = (number(stated.get(name, 0)) for name in (seconds, nanoseconds))
        are_counts = seconds in stated and is_integer(whole) and is_integer(rest)
        if are_counts and 0 <= whole < _SECONDS_MAX and 0 <= rest < _PER_SECOND[-1]:
            return Decimal(whole) + _NANO * rest
    return stated


_APART = (("seconds", "nanos"), ("_seconds", "_nanoseconds"), ("epochSecond", "nano"))
"""What seconds and nanoseconds are called: of Protocol Buffers and Gson, of Firestore, and of Jackson."""


def in_utc(value: Any) -> Any:
    """Return a date and time without an offset as one of UTC, for tools that document that theirs are; else as it is.

    >>> in_utc("2026-03-01 09:00:00.25")
    '2026-03-01 09:00:00.25Z'
    """
    is_naive = isinstance(value, str) and _DATE_AND_TIME.fullmatch(f"{value}Z") is not None
    return f"{value}Z" if is_naive else value
