"""What somebody asks about: some accounts, keys, models, tags and usage dates, and the span before these dates.

Owns how ids are completed and what is refused, so that a mistyped id is no empty answer. Does not own the words of
``--by`` (``words``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.base.beginnings import whole_id
from pipeline.base.errors import ConfigurationError
from pipeline.base.periods import BillingPeriod
from pipeline.jobs.answers.grouped.words import tag_names
from pipeline.jobs.wording import UNASSIGNED

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import date

    from pipeline.accounts import Accounts

_DAY = timedelta(days=1)
_NO_ACCOUNT = "no account"
"""What no account can have for an id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Usage dates ``[from_date, to_date)``; None is from the beginning, or until further notice.

    Raises ``ConfigurationError`` for a span without a day.
    """

    from_date: date | None = None
    to_date: date | None = None

    def __post_init__(self) -> None:
        """Refuse a span that is empty."""
        if self.from_date is not None and self.to_date is not None and self.from_date >= self.to_date:
            message = (
                f"from {self.from_date} to (excluding) {self.to_date} is no day at all; --to is the day to stop before"
            )
            raise ConfigurationError(message)

    @classmethod
    def of(cls, period: BillingPeriod) -> Span:
        """Return the usage dates of a month."""
        return cls(from_date=period.first_date, to_date=period.end_date)

    def holds(self, usage_date: date) -> bool:
        """Say whether a usage date lies in it."""
        return (self.from_date is None or self.from_date <= usage_date) and (
            self.to_date is None or usage_date < self.to_date
        )

    def touches(self, period: BillingPeriod) -> bool:
        """Say whether a month has a day of it."""
        return (self.to_date is None or period.first_date < self.to_date) and (
            self.from_date is None or self.from_date < period.end_date
        )

    def around(self, period: BillingPeriod) -> list[Span]:
        """Return the dates of a period that lie before it and after it."""
        before = Span(from_date=period.first_date, to_date=self.from_date) if self._begins_in(period) else None
        after = Span(from_date=self.to_date, to_date=period.end_date) if self._ends_in(period) else None
        return [span for span in (before, after) if span is not None]

    def _begins_in(self, period: BillingPeriod) -> bool:
        return self.from_date is not None and period.first_date < self.from_date < period.end_date

    def _ends_in(self, period: BillingPeriod) -> bool:
        return self.to_date is not None and period.first_date < self.to_date < period.end_date

    @property
    def months(self) -> int | None:
        """How many whole calendar months it is; None where it is none."""
        if self.from_date is None or self.to_date is None or {self.from_date.day, self.to_date.day} != {1}:
            return None
        return (self.to_date.year - self.from_date.year) * 12 + self.to_date.month - self.from_date.month

    def previous(self) -> Span:
        """Return the span before it of equal length: as many whole months where it is of such, else as many days.

        Raises ``ConfigurationError`` where it has no beginning or no end.
        """
        if self.from_date is None or self.to_date is None:
            message = (
                "--compare previous needs a period that has a beginning and an end; add --period, or --from and --to"
            )
            raise ConfigurationError(message)
        if self.months is None:
            return Span(from_date=self.from_date - (self.to_date - self.from_date), to_date=self.from_date)
        start = BillingPeriod.of(self.from_date)
        for _ in range(self.months):
            start = start.previous()
        return Span(from_date=start.first_date, to_date=self.from_date)

    def counterpart(self, usage_date: date, previous: Span) -> date:
        """Return the date that has the place in this span which ``usage_date`` has in the previous one.

        A date without a counterpart, as the 31st beside a month of 30 days, is returned as it is.
        """
        found = usage_date + (self._start() - previous._start())
        return found if self.holds(found) else usage_date

    def counterpart_month(self, billing_period: str, previous: Span) -> str:
        """Return the month that has the place in this span which another has in the previous one.

        Where the span is not of whole months, that of the first date's counterpart.
        """
        period = BillingPeriod.parse(billing_period)
        if self.months is None:
            within = max(period.first_date, previous._start())
            return str(BillingPeriod.of(self.counterpart(within, previous), period.day))
        for _ in range(self.months):
            period = period.next()
        return str(period)

    def as_json(self) -> dict[str, str | None]:
        """Return ``from`` and ``to``, the date to stop before, as programs read them."""
        dates = {"from": self.from_date, "to": self.to_date}
        return {name: None if day is None else day.isoformat() for name, day in dates.items()}

    def text(self) -> str:
        """Write it for people: ``2026-10-01 to 2026-10-31``, its first and its last date."""
        first = "the beginning" if self.from_date is None else str(self.from_date)
        return f"{first} to {'now' if self.to_date is None else str(self.to_date - _DAY)}"

    def _start(self) -> date:
        if self.from_date is None:
            message = "a span without a beginning has no previous one"
            raise ValueError(message)
        return self.from_date


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is chosen: of each kind any of those given, all where none is; and usage dates."""

    span: Span = Span()
    accounts: tuple[str, ...] = ()
    """Ids, or what one of them alone begins with; ``unassigned`` are the keys of no account."""
    keys: tuple[str, ...] = ()
    """Ids, likewise; ``key_0c…b3ee`` begins and ends so, as a table shows it."""
    models: tuple[str, ...] = ()
    """As the rate card calls them."""
    tiers: tuple[str, ...] = ()
    meters: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    """``team=search``: keys that have the tag; with an empty value, those that have it not."""

    @property
    def is_all_of_accounts(self) -> bool:
        """Whether accounts and dates alone are chosen, as an invoice chooses."""
        return not (self.keys or self.models or self.tiers or self.meters or self.tags)

    @property
    def columns(self) -> set[str]:
        """The columns that it chooses by, beside dates, meters and accounts."""
        by = {"model": self.models, "service_tier": self.tiers, "api_key_id": (*self.keys, *self.tags)}
        return {name for name, values in by.items() if values}

    def completed(self, values: Callable[[str], Collection[str]], accounts: Accounts) -> Selection:
        """Return it with whole ids; ``values`` are those that usage has in a column, which is asked for where needed.

        Raises ``ConfigurationError`` for what is in no account and no usage is of.
        """
        keys = set[str]()
        if self.keys:
            keys = {key.key_id for account in accounts for key in account.keys} | set(values("api_key_id"))

        def known(option: str, given: tuple[str, ...], name: str, *more: str) -> tuple[str, ...]:
            there = {*values(name), *more} if given else set[str]()
            return tuple(_known(option, each, there) for each in given)

        known_accounts = [*(account.id for account in accounts), nobody(accounts)]
        return replace(
            self,
            accounts=tuple(_begun("--account", each, known_accounts) for each in self.accounts),
            keys=tuple(_begun("--key", each, keys) for each in self.keys),
            models=known("--model", self.models, "model"),
            tiers=known("--tier", self.tiers, "service_tier", ""),
            meters=known("--meter", self.meters, "meter"),
        )

    def chosen(self, table: pa.Table, accounts: Accounts, span: Span | None = None) -> pa.Table:
        """Return the rows of a table that are chosen, of ``span`` in the place of its own dates."""
        dates = span or self.span
        if dates.from_date is not None:
            table = table.filter(pc.greater_equal(table["usage_date"], pa.scalar(dates.from_date)))
        if dates.to_date is not None:
            table = table.filter(pc.less(table["usage_date"], pa.scalar(dates.to_date)))
        wanted = {
            "account_id": tuple("" if each == nobody(accounts) else each for each in self.accounts),
            "api_key_id": self.keys,
            "model": self.models,
            "service_tier": self.tiers,
            "meter": self.meters,
        }
        for name, values in wanted.items():
            if values and name in table.schema.names:
                table = table.filter(pc.is_in(table[name], pa.array(values, pa.string())))
        for tag in self.tags:
            table = table.filter(_has_tag(table["api_key_id"], tag, accounts))
        return table


def nobody(accounts: Accounts) -> str:
    """Return what the keys of no account are called: ``unassigned``, but where an account has that id."""
    return UNASSIGNED if accounts.by_id(UNASSIGNED) is None else _NO_ACCOUNT


def _has_tag(key_ids: pa.ChunkedArray, tag: str, accounts: Accounts) -> pa.ChunkedArray:
    name, is_valued, value = tag.partition("=")
    if not is_valued or name not in tag_names(accounts):
        known = ", ".join(tag_names(accounts)) or "none"
        message = f"--tag {tag!r} is not known; write NAME=VALUE with a tag of keys in accounts.toml: {known}"
        raise ConfigurationError(message)
    tagged = {key_id for key_id, tags in accounts.tags.items() if tags.get(name, "") == value}
    if value:
        return pc.is_in(key_ids, pa.array(sorted(tagged), pa.string()))
    others = {key_id for key_id, tags in accounts.tags.items() if tags.get(name)}
    return pc.invert(pc.is_in(key_ids, pa.array(sorted(others), pa.string())))


def values_in(tables: Sequence[pa.Table]) -> Callable[[str], set[str]]:
    """Return what looks up the values of a column in some tables; those that lack it have none."""

    def values(name: str) -> set[str]:
        return {value for table in tables if name in table.schema.names for value in table[name].unique().to_pylist()}

    return values


def _known(option: str, value: str, known: Collection[str]) -> str:
    if value in known:
        return value
    meant = get_close_matches(value, sorted(known), 1)
    hint = f"did you mean {meant[0]!r}? " if meant else ""
    message = f"{option} {value!r} is not known; {hint}no usage is of it, and accounts.toml does not name it"
    raise ConfigurationError(message)


def _begun(option: str, value: str, known: Collection[str]) -> str:
    """Return the id that is meant: see ``whole_id``."""
    return _known(option, whole_id(value, known, option), known)
