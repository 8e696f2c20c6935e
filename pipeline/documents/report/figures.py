"""What a report holds: numbers that jobs found, and the words that people call them by.

Owns their shape. Does not own how they are counted (``pipeline.jobs.reported``) nor how they are written (``page``).
All amounts are exact, in the currency that stands beside or above them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime
    from decimal import Decimal

    from pipeline.base.periods import BillingPeriod


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """Usage dates ``[from_date, to_date)``."""

    from_date: date
    to_date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What some usage comes to in one currency."""

    cost: Decimal | None
    """Exact; None where nothing of it has a price."""
    requests: int
    tokens: int
    unpriced_tokens: int
    """Those of ``tokens`` that have no price, and so no cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """What some usage cost, beside what it cost in the days before."""

    now: Decimal | None
    before: Decimal | None
    change: Decimal | None
    """``now`` less ``before``; None where one of them is not known."""
    relative_change: Decimal | None
    """As a part of ``before``, rounded; None where that is nothing or not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One usage date, and the date that has its place in the period before."""

    usage_date: date
    cost: Decimal | None
    """None where the day has not come yet, or nothing of it has a price."""
    previous_cost: Decimal | None
    """None where the period before has no such day, or its cost is not known."""
    requests: int
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """A month that the report looks back to, or its own."""

    period: BillingPeriod
    spent: Spent
    against: Against
    """Beside the month before it."""
    is_over: bool
    """Whether it has ended in every time zone of an account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What usage of one account, key, model or tag comes to."""

    name: str
    """Its id or value; empty where usage states none."""
    label: str = ""
    """What people call it: the name of an account."""
    spent: Spent
    share: Decimal | None
    """Of all cost in its currency, rounded: 0.25 is a quarter."""
    against: Against | None
    """Of the days that are compared; None for the row of others where it is not known."""
    others: int = 0
    """How many groups it sums up, where it is the row of all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """The greatest groups by one word, and all others as one."""

    word: str
    """As ``--by`` has it: ``model``, ``tag:team``."""
    groups: tuple[Group, ...]
    count: int
    """How many groups there are in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mover:
    """A group whose cost changed."""

    name: str
    label: str
    against: Against


@dataclass(frozen=True, slots=True, kw_only=True)
class Movers:
    """The groups by one word whose costs changed most, the greatest change first."""

    word: str
    movers: tuple[Mover, ...]
    others: int
    """How many more changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a period will probably come to: an estimate, rounded to the minor unit."""

    low: Decimal
    mid: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How a budget stands in one of its periods."""

    name: str
    scope: str
    period: BillingPeriod
    amount: Decimal
    currency: str
    spent: Decimal
    share: Decimal
    """The part of the amount that is spent, rounded."""
    forecast: Forecast | None
    """None where the period is over, or too few days are known."""
    forecast_share: Decimal | None
    level: int | None
    """The alert level that it reaches, in per cent; None below all."""
    days: int
    days_elapsed: int
    """How many of them are complete."""
    unpriced_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OddDay:
    """A day on which somebody is far from their own past."""

    kind: str
    currency: str
    reason: str
    """In one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OddDays:
    """The last of them, and how many more there are."""

    days: tuple[OddDay, ...]
    others: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """What usage is charged, what it costs us, and what is left."""

    charge: Decimal | None
    cost: Decimal | None
    margin: Decimal | None
    """Of usage that has both."""
    share: Decimal | None
    """The margin as a part of its charge, rounded."""
    uncosted_tokens: int
    unpriced_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginGroup:
    """The margin of an account or a model."""

    name: str
    label: str
    margin: Margin
    others: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """The margins in one currency."""

    currency: str
    total: Margin
    groups: Mapping[str, tuple[MarginGroup, ...]]
    """By word: the greatest charges, and all others as one."""
    reasons: tuple[str, ...]
    """Why usage in it has no cost, the most tokens first."""
    other_reasons: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BillStep:
    """A step from the cost of usage to the totals of bills; the last is the sum of the others."""

    step: str
    lines: int
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """How many bills of a kind there are, and what they add up to."""

    count: int
    total: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """All that is said in one currency."""

    currency: str
    spent: Spent
    against: Against
    """Of the days that are compared."""
    days: tuple[Day, ...]
    months: tuple[Month, ...]
    """From the oldest to the newest."""
    breakdowns: tuple[Breakdown, ...]
    movers: tuple[Movers, ...]
    """Of the days that are compared."""
    steps: tuple[BillStep, ...]
    """Empty where the period is none of whole calendar months."""
    drafted: Totals
    issued: Totals
    """Invoices and credit notes."""
    open: Totals
    """What is still to be paid of the period's invoices."""
    blocked: int
    """How many of the period's drafts cannot be issued, for another reason than that it is not over."""
    overdue: Totals
    """What is overdue of all invoices, of any period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotBilled:
    """What one warning code says: usage that is on no bill, or something else that somebody should look at."""

    code: str
    is_loss: bool
    """Whether it is, or may be, usage on no bill."""
    warnings: int
    new: int
    """How many of the warnings no night has told of yet."""
    acknowledged: int
    counts: Mapping[str, int]
    """How much of it, by what is counted: lines, events, tokens."""
    amounts: Mapping[str, Decimal]
    """What is at stake, by currency, as far as anybody knows its price."""
    texts: tuple[str, ...]
    """The weightiest, one sentence each."""
    rest: str
    """What the others come to; empty where there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """A draft, an invoice or a credit note."""

    id: str
    status: str
    account_id: str
    account_name: str
    period: BillingPeriod
    lines: int
    total: Decimal
    currency: str
    state: str
    """One word or two: what may be done with it, or what became of it."""
    detail: str
    """Why, in a sentence; empty where the state says all."""
    is_blocked: bool
    """Whether something keeps it from being issued, or paid in time, that is not the clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bills:
    """The bills of the period, those that need somebody first, and how many more there are."""

    bills: tuple[Bill, ...]
    others: int
    states: Mapping[str, int]
    """How many bills there are of each state, over all of them."""
    earlier: tuple[Bill, ...]
    """Drafts of periods that ended before this one and were not issued yet."""
    earlier_others: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the page of a period says."""

    period: BillingPeriod
    days: Days
    previous: Days
    """The whole period before it."""
    compared: Days | None
    """The days that are compared; None where no day of the period is over yet. Of a period that has ended, all."""
    compared_with: Days | None
    is_over: bool
    """Whether the period has ended in every time zone of an account."""
    as_of: datetime
    issuer: str
    """Who issues the invoices; empty where nobody is named."""
    timezones: tuple[str, ...]
    """Those that days are counted in."""
    accounts: int
    money: tuple[Money, ...]
    """The workspace's own currency first; none where there was no usage."""
    unassigned: Spent
    """Usage of keys in no account, which has no currency."""
    not_billed: tuple[NotBilled, ...]
    """Of this period, and what is of no period."""
    elsewhere: int
    """How many warnings are of other periods."""
    budgets: tuple[Budget, ...]
    """The fullest first."""
    odd_days: OddDays
    margins: tuple[Margins, ...]
    """None where no cost card is configured."""
    bills: Bills
    commit: int | None
    """Version of the lake; None where nothing was read yet."""
    configuration: str
    """Digest of the configuration."""
    version: str
    """Of the program."""
