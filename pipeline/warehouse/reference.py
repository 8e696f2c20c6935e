"""What SQL needs to know besides the events.

Whose a key is and when, when days begin, what models are called, what decides a request's rate.

Owns the shape of these small relations. Does not own the rules behind them (``pipeline.accounts``,
``pipeline.base.periods``, ``pipeline.rates``).
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.base.periods import BillingPeriod, day_start_at, time_zone, usage_date
from pipeline.usage.meters import apart_text, priced_apart, terms_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

    from pipeline.accounts import Account, Accounts, KeyPeriod
    from pipeline.rates import RateCard
    from pipeline.usage.meters import Meter

SINCE_EVER = datetime.min.replace(tzinfo=UTC)
"""Stands in a rate window's start for a rate that was always in force."""

COMMITTED_EVENTS = "committed_events"
"""How many events the commits of the lake state: of all dates, whichever are counted."""

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_TIMESTAMP = pa.timestamp("us")  # instants in UTC, without a zone, as Arrow makes them: what the SQL compares


def reference_tables(
    accounts: Accounts,
    rate_cards: Mapping[str, RateCard],
    *,
    timezone: str,
    utc_dates: Iterable[date],
    hourly_dates: Collection[date] = (),
) -> dict[str, pa.Table]:
    """Return ``api_keys``, ``model_names``, ``time_slices``, ``slice_dates`` and what ``_rate_tables`` gives.

    For the days that have events.

    A *time slice* is a span of a UTC day in which no day ends in any time zone in use, no rate changes on any card
    and no key changes its account or rate card: whatever decides an account, a usage date or a price is the same for
    all of it. ``time_slices`` has a row for each hour that a slice touches, so that an event finds its slice by an
    equality on the hour and one comparison. On ``hourly_dates`` (UTC) no hour ends within it either, in any of these
    zones. A *calendar* is a time zone with the day on which months begin: it says of ``slice_dates`` whose day and
    month they are.
    """
    zones = sorted({timezone, *(account.timezone for account in accounts)})
    calendars = {(timezone, timezone, 1), *((each.calendar, each.timezone, each.month_day) for each in accounts)}
    keys = [row for account in accounts for key in account.keys for row in _key_rows(account, key)]
    moves = {instant for row in keys for instant in row[4:] if isinstance(instant, datetime) and instant != SINCE_EVER}
    moves |= {instant for day in hourly_dates for zone in zones for instant in _hour_starts(day, time_zone(zone))}
    slices = list(_slices(sorted(set(utc_dates)), zones, rate_cards, moves))
    names = [
        (card.id, name, card.model_of(name))
        for card in rate_cards.values()
        for name in sorted({*card.models, *card.aliases})
    ]
    hours = [(start_at, end_at, hour_at) for start_at, end_at in slices for hour_at in _hours(start_at, end_at)]
    dates = [
        (start_at, calendar, day, str(BillingPeriod.of(day, month_day)))
        for calendar, zone, month_day in sorted(calendars)
        for start_at, day in _usage_dates(slices, zone)
    ]
    text, instant = pa.string(), _TIMESTAMP
    return {
        "api_keys": _table(
            keys,
            api_key_id=text,
            account_id=text,
            calendar=text,
            rate_card=text,
            effective_from=instant,
            effective_to=instant,
        ),
        "model_names": _table(names, rate_card=text, name=text, model=text),
        "time_slices": _table(hours, starts_at=instant, ends_at=instant, hour_at=instant),
        "slice_dates": _table(dates, slice_at=instant, calendar=text, usage_date=pa.date32(), billing_period=text),
        **_rate_tables(rate_cards),
    }


def committed_events(counts: Mapping[str, int]) -> dict[str, pa.Table]:
    """Return ``COMMITTED_EVENTS``: events by status, of those statuses that have any."""
    return {
        COMMITTED_EVENTS: _table(
            [(status, events) for status, events in counts.items() if events], status=pa.string(), events=pa.int64()
        )
    }


def meter_terms(priced: Iterable[Collection[Meter]]) -> pa.Table:
    """Return which counts make up the quantity of which meter, for each of some sets of meters that are priced apart.

    And where none is, or no rate is in force.
    """
    every = {apart_text(apart): apart for apart in ((), *priced)}
    terms = [
        (text, term.meter.value, term.count, term.sign) for text in sorted(every) for term in terms_of(every[text])
    ]
    text, count = pa.string(), pa.int64()
    return _table(terms, priced_apart=text, meter=text, count_name=text, sign=count)


def _rate_tables(rate_cards: Mapping[str, RateCard]) -> dict[str, pa.Table]:
    """Return what decides a request's rate besides its instant.

    ``prompt_bands`` are all thresholds of prompt size in use, as half-open ranges of prompt tokens; ``rate_bands`` and
    ``rate_tiers`` say which of them, and which service tiers, a card prices apart for a model; ``rate_windows`` say
    when one rate is chosen, with the meters that it prices apart; ``meter_terms`` says for each such set
    of meters which counts make up the quantity of which meter.
    """
    models = [(card, model) for card in rate_cards.values() for model in card.models]
    thresholds = sorted({threshold for card, model in models for threshold in card.prompt_bands(model)})
    starts = [0, *(threshold + 1 for threshold in thresholds)]
    bands = list(zip([0, *thresholds], starts, [*starts[1:], None], strict=True))
    model_bands = [
        (card.id, model, threshold, max(own for own in card.prompt_bands(model) if own <= threshold))
        for card, model in models
        for threshold in thresholds
        if any(own <= threshold for own in card.prompt_bands(model))
    ]
    tiers = [(card.id, model, tier) for card, model in models for tier in card.service_tiers(model)]
    rates = [rate for card in rate_cards.values() for rate in card.rates]
    windows = [
        (
            card.id,
            model,
            window.service_tier,
            window.prompt_band,
            window.effective_from or SINCE_EVER,
            window.effective_to,
            apart_text(priced_apart(window.rate.per_million)),
        )
        for card, model in models
        for window in card.rate_windows(model)
    ]
    text, instant, count = pa.string(), _TIMESTAMP, pa.int64()
    return {
        "prompt_bands": _table(bands, prompt_band=count, from_prompt_tokens=count, to_prompt_tokens=count),
        "rate_bands": _table(model_bands, rate_card=text, model=text, prompt_band=count, rate_band=count),
        "rate_tiers": _table(tiers, rate_card=text, model=text, service_tier=text),
        "rate_windows": _table(
            windows,
            rate_card=text,
            model=text,
            service_tier=text,
            prompt_band=count,
            effective_from=instant,
            effective_to=instant,
            priced_apart=text,
        ),
        "meter_terms": meter_terms(priced_apart(rate.per_million) for rate in rates),
    }


def _key_rows(account: Account, key: KeyPeriod) -> Iterator[tuple[object, ...]]:
    """Yield a key's time with an account, a row for each window of it in which one rate card holds."""
    starts = [
        SINCE_EVER,
        *(day_start_at(terms.from_date, account.zone) for terms in account.terms if terms.from_date is not None),
    ]
    for terms, start_at, end_at in zip(account.terms, starts, [*starts[1:], None], strict=True):
        from_at = max(start_at, key.from_at or SINCE_EVER)
        to_at = min((instant for instant in (end_at, key.to_at) if instant is not None), default=None)
        if to_at is None or from_at < to_at:
            yield key.key_id, account.id, account.calendar, terms.rate_card, from_at, to_at


def _slices(
    utc_dates: list[date], zones: list[str], rate_cards: Mapping[str, RateCard], moves: set[datetime]
) -> Iterator[tuple[datetime, datetime]]:
    changes = moves | {
        instant.astimezone(UTC)
        for card in rate_cards.values()
        for rate in card.rates
        for instant in (rate.effective_from, rate.effective_to)
        if instant is not None
    }
    for utc_date in utc_dates:
        start_at = datetime.combine(utc_date, time.min, UTC)
        end_at = start_at + _DAY
        # A local day that begins within this UTC day is this date's or a neighbour's.
        midnights = {
            day_start_at(utc_date + timedelta(days=offset), time_zone(zone))
            for zone in zones
            for offset in (-1, 0, 1, 2)
        }
        within = {instant for instant in midnights | changes if start_at < instant < end_at}
        yield from pairwise([start_at, *sorted(within), end_at])


def _usage_dates(slices: list[tuple[datetime, datetime]], zone: str) -> Iterator[tuple[datetime, date]]:
    tz = time_zone(zone)
    for start_at, _ in slices:
        yield start_at, usage_date(start_at, tz)


def _hour_starts(utc_date: date, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the instants of a UTC date, and some before it, at which an hour of a zone's clock begins."""
    start_at = datetime.combine(utc_date, time.min, UTC)
    for instant in (start_at + _HOUR * count for count in range(25)):
        yield hour_start_at(instant, zone)


def hour_start_at(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return when the hour of a zone's clock began that an aware instant lies in, in UTC: at 12:00 for 12:45 in UTC.

    Where clocks are 5 hours and 30 minutes ahead, at 12:30.
    """
    local = instant.astimezone(zone)
    return instant - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)


def _hours(start_at: datetime, end_at: datetime) -> Iterator[datetime]:
    hour_at = start_at.replace(minute=0, second=0, microsecond=0)
    while hour_at < end_at:
        yield hour_at
        hour_at += _HOUR


def _table(rows: Sequence[tuple[object, ...]], **types: pa.DataType) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else ((),) * len(types)
    return pa.table({name: pa.array(values, types[name]) for name, values in zip(types, columns, strict=True)})
