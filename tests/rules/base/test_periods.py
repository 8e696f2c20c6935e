"""Days and months of every time zone follow each other without gap or overlap."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from importlib import resources

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.base.errors import ConfigurationError
from pipeline.base.periods import (
    BillingPeriod,
    day_bounds,
    day_start_at,
    days_between,
    instant_text,
    parse_date,
    parse_instant,
    time_zone,
    usage_date,
)

ZONE_NAMES = sorted(resources.files("tzdata").joinpath("zones").read_text(encoding="ascii").split())
TRICKY = [
    "America/Sao_Paulo",
    "Europe/Berlin",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Africa/Cairo",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Asia/Gaza",
]
ZONES = st.sampled_from(ZONE_NAMES) | st.sampled_from(TRICKY)
INSTANTS = st.datetimes(min_value=datetime(1999, 12, 1), max_value=datetime(2101, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
PERIODS = st.builds(
    lambda year, month: BillingPeriod(year=year, month=month), st.integers(2000, 2099), st.integers(1, 12)
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "period", "start", "end"),
    [
        ("UTC", "2026-10", "2026-10-01T00:00", "2026-11-01T00:00"),
        ("Europe/Berlin", "2026-10", "2026-09-30T22:00", "2026-10-31T23:00"),
        ("America/New_York", "2026-03", "2026-03-01T05:00", "2026-04-01T04:00"),
        ("Asia/Tokyo", "2026-10", "2026-09-30T15:00", "2026-10-31T15:00"),
        ("Asia/Kathmandu", "2026-12", "2026-11-30T18:15", "2026-12-31T18:15"),
        ("Pacific/Apia", "2011-12", "2011-12-01T10:00", "2011-12-31T10:00"),
        ("Pacific/Kiritimati", "2026-01", "2025-12-31T10:00", "2026-01-31T10:00"),
    ],
)
def test_a_month_begins_and_ends_at_local_midnights(zone: str, period: str, start: str, end: str) -> None:
    assert BillingPeriod.parse(period).start_at(time_zone(zone)) == utc(start)
    assert BillingPeriod.parse(period).end_at(time_zone(zone)) == utc(end)


@pytest.mark.parametrize(
    ("zone", "day", "start", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), "2026-03-28T23:00", 23),
        ("Europe/Berlin", date(2026, 10, 25), "2026-10-24T22:00", 25),
        (
            "America/Sao_Paulo",
            date(2018, 11, 4),
            "2018-11-04T03:00",
            23,
        ),  # midnight was skipped: the day began at 01:00
        ("America/Sao_Paulo", date(2018, 2, 17), "2018-02-17T02:00", 25),  # 24:00 went back to 23:00
        ("Africa/Cairo", date(2026, 4, 24), "2026-04-23T22:00", 23),  # midnight is skipped
        ("Africa/Cairo", date(2026, 10, 29), "2026-10-28T21:00", 25),  # 24:00 goes back to 23:00
        ("Pacific/Apia", date(2011, 12, 29), "2011-12-29T10:00", 24),
        ("Pacific/Apia", date(2011, 12, 30), "2011-12-30T10:00", 0),  # this day did not happen
        ("Pacific/Apia", date(2011, 12, 31), "2011-12-30T10:00", 24),
        (
            "America/Toronto",
            date(1919, 3, 31),
            "1919-03-31T04:30",
            23.5,
        ),  # 23:30 went on to 00:30: the day has no midnight and begins at half past
        ("Asia/Kathmandu", date(2026, 5, 5), "2026-05-04T18:15", 24),
    ],
)
def test_a_day_begins_at_its_first_instant(zone: str, day: date, start: str, hours: float) -> None:
    start_at, end_at = day_bounds(day, time_zone(zone))
    assert start_at == utc(start)
    assert end_at - start_at == timedelta(hours=hours)


def test_a_minute_shown_twice_does_not_reopen_the_day_before() -> None:
    zone = time_zone("America/St_Johns")  # until 2011 clocks went from 00:01 back to 23:01 of the day before
    midnight_at = day_start_at(date(2010, 11, 7), zone)
    again_at = midnight_at + timedelta(minutes=30)
    assert again_at.astimezone(zone).date() == date(2010, 11, 6)
    assert usage_date(again_at, zone) == date(2010, 11, 7)


@given(INSTANTS, ZONES)
@example(utc("2018-11-04T03:00"), "America/Sao_Paulo")
@example(utc("2018-11-04T02:59:59.999999"), "America/Sao_Paulo")
@example(utc("2011-12-30T10:00"), "Pacific/Apia")
@example(utc("2010-11-07T02:40"), "America/St_Johns")
def test_every_instant_lies_in_exactly_the_day_it_is_billed_on(instant: datetime, zone_name: str) -> None:
    zone = time_zone(zone_name)
    day = usage_date(instant, zone)
    start_at, end_at = day_bounds(day, zone)
    assert start_at <= instant < end_at
    assert BillingPeriod.of(day).start_at(zone) <= instant < BillingPeriod.of(day).end_at(zone)


@given(st.dates(min_value=date(1999, 12, 1), max_value=date(2100, 12, 1)), ZONES)
def test_days_leave_no_gap_and_never_run_backwards(day: date, zone_name: str) -> None:
    zone = time_zone(zone_name)
    start_at, end_at = day_bounds(day, zone)
    assert end_at == day_bounds(day + timedelta(days=1), zone)[0]
    assert start_at <= end_at
    if start_at < end_at:
        assert usage_date(start_at, zone) == day
        assert usage_date(end_at - timedelta(microseconds=1), zone) == day
        assert (start_at - timedelta(microseconds=1)).astimezone(zone).date() < day <= start_at.astimezone(zone).date()


@given(PERIODS, st.sampled_from(TRICKY))
def test_months_are_made_of_their_days(period: BillingPeriod, zone_name: str) -> None:
    zone = time_zone(zone_name)
    days = list(days_between(period.first_date, period.end_date))
    assert {BillingPeriod.of(day) for day in days} == {period}
    assert day_bounds(days[0], zone)[0] == period.start_at(zone)
    assert day_bounds(days[-1], zone)[1] == period.end_at(zone) == period.next().start_at(zone)
    assert period.next().previous() == period
    assert BillingPeriod.parse(str(period)) == period


@pytest.mark.long
def test_all_zones_agree_that_no_day_of_this_decade_is_missing_or_double() -> None:
    for name in ZONE_NAMES:
        zone = time_zone(name)
        starts = [BillingPeriod(year=2020 + month // 12, month=month % 12 + 1).start_at(zone) for month in range(120)]
        assert all(
            timedelta(days=27) < later - earlier < timedelta(days=32) for earlier, later in itertools.pairwise(starts)
        ), name


@pytest.mark.parametrize(
    "text",
    [
        "2026-13",
        "2026-00",
        "2026-1",
        "26-10",
        "2026-10-01",
        "",
        "2026/10",
        "1899-12",
        "2200-01",
        "٢٠٢٦-10",
        "2026-10\n",
        "2026-Q0",
        "2026-q4",
        "2026-10--2026-09",
        "2026-10--2027-10",
        "2026-10-2026-12",
        "2026-10-29",
        "2026-10-31",
        "2026-02-30",
        "2026-10-15--2026-12-31",
        "2026-10-15--2026-09-14",
        "2026-10-15--2027-11-14",
        "2026-10-15--2027-01",
    ],
)
def test_what_is_no_period_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"billing period .*YYYY-MM"):
        BillingPeriod.parse(text)


@pytest.mark.parametrize(
    ("text", "name", "days"),
    [
        ("2026-10", "2026-10", ("2026-10-01", "2026-11-01")),
        ("2026-Q4", "2026-Q4", ("2026-10-01", "2027-01-01")),
        ("2026-10--2026-12", "2026-Q4", ("2026-10-01", "2027-01-01")),
        ("2026", "2026", ("2026-01-01", "2027-01-01")),
        ("2026-11--2027-01", "2026-11--2027-01", ("2026-11-01", "2027-02-01")),
        ("2026-11--2026-11", "2026-11", ("2026-11-01", "2026-12-01")),
        ("2026-09--2027-08", "2026-09--2027-08", ("2026-09-01", "2027-09-01")),
        ("2026-10-15", "2026-10-15", ("2026-10-15", "2026-11-15")),
        ("2026-10-15--2026-11-14", "2026-10-15", ("2026-10-15", "2026-11-15")),
        ("2026-10-15--2027-01-14", "2026-10-15--2027-01-14", ("2026-10-15", "2027-01-15")),
        ("2026-01-02--2027-01-01", "2026-01-02--2027-01-01", ("2026-01-02", "2027-01-02")),
    ],
)
def test_months_that_are_billed_together_have_one_name(text: str, name: str, days: tuple[str, str]) -> None:
    period = BillingPeriod.parse(text)
    assert (str(period), str(period.first_date), str(period.end_date)) == (name, *days)
    assert BillingPeriod.parse(name) == period
    assert [period.months[0], period.months[-1], period.next()] == [
        period.first,
        period.last,
        BillingPeriod.of(period.end_date, period.day),
    ]
    assert all(period.holds(month) for month in period.months)
    assert not period.holds(period.next())
    assert not period.holds(period.previous())


@pytest.mark.parametrize(
    "name", ["Mars/Olympus", "", "europe/berlin", "../UTC", "/etc/localtime", "UTC+3", "Europe", "Europe/__init__.py"]
)
def test_an_unknown_time_zone_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigurationError, match="is unknown; write an IANA name") as refused:
        time_zone(name)
    assert repr(name) in str(refused.value)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-10-10T12:00:00Z", "2026-10-10T12:00:00"),
        ("2026-10-10t12:00:00z", "2026-10-10T12:00:00"),
        ("2026-10-10 14:00:00+02:00", "2026-10-10T12:00:00"),
        ("2026-10-10T12:00:00.5Z", "2026-10-10T12:00:00.500000"),
        ("2026-10-10T12:00:00.000001-00:00", "2026-10-10T12:00:00.000001"),
    ],
)
def test_an_instant_is_read_as_utc(text: str, instant: str) -> None:
    assert parse_instant(text) == utc(instant)
    assert parse_instant(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-10T12:00:00",
        "2026-10-10",
        "2026-02-30T00:00:00Z",
        "2026-10-10T25:00:00Z",
        "2026-10-10T12:00:00.0000001Z",
        "0001-01-01T00:00:00+05:00",
        "now",
        "",
        "2026-10-10T12:00Z",
        "2026-10-10T12:00:00+25:00",
        "2026-10-10T12:00:00Z ",
    ],
)
def test_what_is_no_instant_with_an_offset_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"instant .*offset") as refused:
        parse_instant(text)
    assert repr(text) in str(refused.value)


def test_a_date_is_read_strictly() -> None:
    assert parse_date("2026-10-10") == date(2026, 10, 10)
    for text in ("2026-02-30", "20261010", "2026-10-1", "10.10.2026", "", "9999-12-31"):
        with pytest.raises(ConfigurationError, match=r"date .*YYYY-MM-DD"):
            parse_date(text)


def test_instants_are_written_with_the_offset_of_their_zone() -> None:
    period = BillingPeriod.parse("2026-10")
    istanbul, berlin, utc_zone = (time_zone(name) for name in ("Europe/Istanbul", "Europe/Berlin", "UTC"))
    assert instant_text(period.start_at(istanbul), istanbul) == "2026-10-01T00:00:00+03:00"
    assert instant_text(period.end_at(berlin), berlin) == "2026-11-01T00:00:00+01:00"
    assert instant_text(period.start_at(utc_zone), utc_zone) == "2026-10-01T00:00:00+00:00"
    assert instant_text(period.start_at(berlin)) == "2026-09-30T22:00:00Z"


@given(INSTANTS, ZONES)
def test_a_written_instant_reads_back_as_the_same_instant(instant: datetime, zone_name: str) -> None:
    assert parse_instant(instant_text(instant, time_zone(zone_name))) == instant
    assert parse_instant(instant_text(instant)) == instant
