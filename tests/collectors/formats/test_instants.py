"""When an exchange was: every way to write an instant that is read, to the microsecond, and each that is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipeline.collectors.formats.instants import in_utc, instant_us
from pipeline.collectors.values.refusal import LineRefused
from pipeline.usage import QuarantineReason

SECOND = 1_000_000
NINE = 1_772_355_600
"""2026-03-01T09:00:00Z."""
HOUR = 3600
FIRST, BEHIND = 946_684_800, 4_102_444_800
"""The first second of 2000, and that of 2100, which is none of ours any more."""
BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
NO_INSTANT = "no date and time with an offset, and no number of seconds since 1970"
OUTSIDE = "lies outside the years 2000 to 2099"


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("2026-03-01T09:00:00Z", NINE),
        ("2026-03-01t09:00:00z", NINE),
        ("2026-03-01 09:00:00Z", NINE),
        ("2026-03-01 09:00:00 Z", NINE),
        ("2026-03-01T09:00:07Z", NINE + 7),
        ("2026-03-02T09:00:00Z", NINE + 24 * HOUR),
        ("2026-03-01T09:00:00+01:00", NINE - HOUR),
        ("2026-03-01T09:00:00 +0130", NINE - HOUR - HOUR // 2),
        ("2026-03-01T09:00:00-01", NINE + HOUR),
        ("2026-03-01T09:00:00-01:30", NINE + HOUR + HOUR // 2),
        ("2026-03-01T09:00:00+00:00", NINE),
        ("2026-03-01T09:00:00+23:59", NINE - 24 * HOUR + 60),
        *((each, NINE) for each in ("2026-03-01T09:00Z", "2026-03-01 10:00+01:00", "20260301T090000Z")),
        *((each, NINE) for each in ("20260301T100000+0100", "2026-03-01T09:00:00 UTC", "2026-03-01 09:00 GMT")),
        *((each, NINE) for each in ("2026-03-01 09:00:00 +0000 UTC", "2026-03-01 10:00:00 +0100 CET")),
        *((each, NINE) for each in ("2026-03-01T10:00:00+01:00[Europe/Berlin]", "2026-03-01T09:00:00Z[UTC]")),
        *((each, NINE) for each in ("Sun Mar 01 2026 10:00:00 GMT+0100 (CET)", "Sun Mar 01 2026 09:00:00 GMT+0000")),
        *((each, NINE) for each in ("Sun, 01 Mar 2026 09:00:00 GMT", "Sun, 1 Mar 2026 10:00:00 +0100 (CET)")),
        *((each, NINE) for each in ("01/Mar/2026:09:00:00 +0000", " 2026-03-01T09:00:00Z\n", " 1772355600 ")),
        *((each, NINE) for each in ("2026/03/01 09:00:00 +0000", "2026-03-01 10:00:00 +0100 CET m=+0.000012345")),
        ("2026-03-01T24:00:00Z", NINE + 15 * HOUR),
        ("2026-03-01T24:00:00.000+01:00", NINE + 14 * HOUR),
        ("1772355600", NINE),
        (NINE, NINE),
        (NINE * 1_000, NINE),
        (NINE * 1_000_000, NINE),
        (NINE * 1_000_000_000, NINE),
        ("1772355600000", NINE),
        (Decimal("1.7723556e9"), NINE),
        ("2000-01-01T00:00:00Z", FIRST),
        ("2100-01-01T00:30:00+01:00", BEHIND - HOUR // 2),
        ("2099-12-31T23:59:59Z", BEHIND - 1),
        *((FIRST * per_second, FIRST) for per_second in (1, 1_000, 1_000_000, 1_000_000_000)),
        *(((BEHIND - 1) * per_second, BEHIND - 1) for per_second in (1, 1_000, 1_000_000, 1_000_000_000)),
    ],
)
def test_an_instant_is_told_however_it_is_written(written: Any, seconds: int) -> None:
    assert instant_us(written) == seconds * SECOND


@pytest.mark.parametrize(
    ("written", "microseconds"),
    [
        ("2026-03-01T09:00:00.5Z", 500_000),
        ("2026-03-01T09:00:00,5+00:00", 500_000),
        ("2026-03-01T09:00:00.000001Z", 1),
        ("2026-03-01T09:00:00.0000019Z", 1),
        ("2026-03-01T09:00:00.123456789Z", 123_456),
        ("2026-03-01T09:00:00.999999999Z", 999_999),
        ("Sun, 01 Mar 2026 09:00:00.25 GMT", 250_000),
        ("20260301T090000.25Z", 250_000),
        ("1772355600.25", 250_000),
        ("1772355600,25", 250_000),
        (Decimal("1772355600.9999999"), 999_999),
        (Decimal("1772355600.1234567890123456789012345"), 123_456),
        ("1772355600123.4567", 123_456),
        (1_772_355_600_000_001, 1),
        (Decimal("1772355600000001.9"), 1),
        (1_772_355_600_123_456_789, 123_456),
        (1_772_355_600_000_000_999, 0),
    ],
)
def test_a_fraction_counts_to_the_microsecond_and_a_finer_one_is_cut(written: Any, microseconds: int) -> None:
    assert instant_us(written) == NINE * SECOND + microseconds


@pytest.mark.parametrize(
    "written", ["2016-12-31T23:59:60Z", "2016-12-31T23:59:60.25Z", "2017-01-01T00:59:60+01:00", "20161231T235960Z"]
)
def test_a_leap_second_is_the_end_of_its_own_day(written: str) -> None:
    assert instant_us(written) == instant_us("2016-12-31T23:59:59.999999Z")


@pytest.mark.parametrize(
    ("written", "zone", "seconds"),
    [
        ("2026-07-01T12:00:00", BERLIN, 1_782_900_000),
        ("2026-12-01 12:00:00", BERLIN, 1_796_122_800),
        ("2026-10-25T02:30:00", BERLIN, 1_792_888_200),  # which is told twice: the first of them
        ("2026-03-01T09:00:00Z", BERLIN, NINE),
        ("2026-03-01T09:00:00-01:00", BERLIN, NINE + HOUR),
        (NINE, BERLIN, NINE),
        ("1999-12-31T23:30:00", NEW_YORK, FIRST + 4 * HOUR + HOUR // 2),
        ("2100-01-01T00:30:00", BERLIN, BEHIND - HOUR // 2),
    ],
)
def test_a_time_without_an_offset_is_one_of_the_zone_that_its_source_states(
    written: Any, zone: ZoneInfo, seconds: int
) -> None:
    assert instant_us(written, zone=zone) == seconds * SECOND


@pytest.mark.parametrize(
    ("written", "zone", "why"),
    [
        ("2026-03-01T09:00:00", None, f"is {NO_INSTANT}"),
        ("2026-03-01", None, f"is {NO_INSTANT}"),
        ("yesterday", BERLIN, f"is {NO_INSTANT}"),
        ("2026-03-01T09:00:00+24:00", None, f"is {NO_INSTANT}"),
        ("2026-03-01T09:00:00+01:60", None, f"is {NO_INSTANT}"),
        ("17723556", None, f"is {NO_INSTANT}"),
        ("2026-02-30T09:00:00Z", None, "is no date and time of the calendar"),
        *(
            (each, None, f"is {NO_INSTANT}")
            for each in ("2026-03-01T09:00", "20260301T090000", "Sun, 01 Mar 2026 09:00:00", "2026-03-01T09:00:00 CET")
        ),
        *(
            (each, None, f"is {NO_INSTANT}")
            for each in ("2026-03-01 09:00:00 +0100 UTC", "2026-03-01T09:00:00[UTC]", "01/Mrz/2026:09:00:00 +0000")
        ),
        ("2026-03-01T24:00:00.1Z", None, "is no date and time of the calendar"),
        ("2026-03-01T24:30:00Z", None, "is no date and time of the calendar"),
        ("2026-03-01T09:00:60Z", None, "is no date and time of the calendar"),
        ("2026-06-30T23:59:60+01:00", None, "is no date and time of the calendar"),
        ("2026-03-01T24:00:01Z", None, "is no date and time of the calendar"),
        (True, None, "is neither a string nor a number"),
        (None, None, "is neither a string nor a number"),
        ([], None, "is neither a string nor a number"),
        ("1999-12-31T23:59:59.999999Z", None, OUTSIDE),
        ("2100-01-01T00:00:00Z", None, OUTSIDE),
        ("2000-01-01T00:30:00", BERLIN, OUTSIDE),
        ("2099-12-31T23:30:00", NEW_YORK, OUTSIDE),
        ("0001-01-01T00:00:00", BERLIN, OUTSIDE),
        ("9999-12-31T23:59:59", NEW_YORK, OUTSIDE),
        *(
            (
                number,
                None,
                f"is {number}; in seconds, milliseconds, microseconds or nanoseconds it {OUTSIDE}",
            )
            for per_second in (1, 1_000, 1_000_000, 1_000_000_000)
            for number in (FIRST * per_second - 1, BEHIND * per_second)
        ),
        ("123456789", None, f"is 123456789; in seconds, milliseconds, microseconds or nanoseconds it {OUTSIDE}"),
        (
            "2026-03-29T02:30:00",
            BERLIN,
            "is within an hour that clocks in Europe/Berlin skip; see the time_zone of the source",
        ),
    ],
)
def test_what_is_no_instant_of_our_years_is_refused_with_what_is_wrong(
    written: Any, zone: ZoneInfo | None, why: str
) -> None:
    with pytest.raises(LineRefused) as refused:
        instant_us(written, "sent", zone=zone)
    assert (refused.value.reason, refused.value.detail) == (QuarantineReason.INVALID_FIELD, f"sent {why}")
    with pytest.raises(LineRefused, match="ts "):
        instant_us(written, zone=zone)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-03-01 09:00:00.25", "2026-03-01 09:00:00.25Z"),
        ("2026-03-01T09:00:00", "2026-03-01T09:00:00Z"),
        *((each, each) for each in ("2026-03-01T09:00:00Z", "2026-03-01T09:00:00+01:00", "2026-03-01", "", None, NINE)),
    ],
)
def test_a_time_of_a_tool_that_writes_utc_is_one_of_utc_where_it_says_no_offset(value: Any, expected: Any) -> None:
    assert in_utc(value) == expected


@pytest.mark.parametrize(
    "stated",
    [
        {"seconds": 1790812800, "nanos": 250000001},
        {"seconds": "1790812800", "nanos": 250000001},
        {"_seconds": 1790812800, "_nanoseconds": 250000999},
        {"epochSecond": 1790812800, "nano": 250000000},
    ],
)
def test_seconds_and_nanoseconds_may_lie_apart(stated: dict[str, object]) -> None:
    assert instant_us(stated) == 1_790_812_800_250_000
    assert instant_us({name: value for name, value in stated.items() if "nano" not in name}) == 1_790_812_800_000_000


@pytest.mark.parametrize(
    "stated", [{}, {"nanos": 1}, {"seconds": "x"}, {"seconds": 1790812800, "nanos": 10**9}, {"seconds": 10**40}]
)
def test_any_other_object_is_no_instant(stated: dict[str, object]) -> None:
    with pytest.raises(LineRefused):
        instant_us(stated)
