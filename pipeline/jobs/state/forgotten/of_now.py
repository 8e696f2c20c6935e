"""Where the rows of kept counts belong by the configuration of now: it may have changed since something was forgotten.

Each belongs to the month of its account that its usage date lies in, whichever day months begin with by now. And it
says since when the rate was in force that it was counted by: where that window is another one by now, it is rated by
the one that its usage date lies in; of a date within which a rate begins or ends, by the one that holds as the date
begins, or as the rate began within it that the row was counted by. Nobody can tell more of it any more.

Owns this choice. Does not own the kept counts (``kept``), nor what else was counted by the configuration of then:
dates, owners of keys, names of models, sizes of prompts and meters stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.base.periods import BillingPeriod, day_start_at, time_zone
from pipeline.tables.row_codes import first_rows, row_codes, whole
from pipeline.warehouse.reference import SINCE_EVER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, datetime

    from pipeline.accounts import Account
    from pipeline.configuration.workspace import Workspace
    from pipeline.rates import RateCard
    from pipeline.rates.card import RateWindow

WINDOW = "rate_window_start"
_DECIDING = ("model", "service_tier", "prompt_band", "usage_date", WINDOW)


def of_now(workspace: Workspace, rows: pa.Table) -> pa.Table:
    """Return rows of a mart with the months and rate windows that they belong to by the configuration of now."""
    if not rows.num_rows:
        return rows
    rows = _in_months(workspace, rows)
    return _in_windows(workspace, rows) if WINDOW in rows.schema.names else rows


def _in_months(workspace: Workspace, rows: pa.Table) -> pa.Table:
    month_days = {account.id: account.month_day for account in workspace.accounts}
    places = [_by_account(rows, lambda account_id: month_days.get(account_id, 1)), rows["usage_date"]]
    codes = row_codes(places).dictionary_encode()
    firsts = (column.take(first_rows(codes)).to_pylist() for column in places)
    months = [str(BillingPeriod.of(day, month_day)) for month_day, day in zip(*firsts, strict=True)]
    return _with(rows, "billing_period", months, codes.indices)


def _by_account(rows: pa.Table, number: Callable[[str], int]) -> pa.Array:
    """Return a number of each row's account: of many there are few that differ."""
    accounts = whole(rows["account_id"].dictionary_encode())
    return pa.array([number(each) for each in accounts.dictionary.to_pylist()], pa.int64()).take(accounts.indices)


def _with(rows: pa.Table, name: str, values: Sequence[object], indices: pa.Array) -> pa.Table:
    """Return a table with other values of a column, each named by its number."""
    place, field_of_it = rows.schema.get_field_index(name), rows.schema.field(name)
    return rows.set_column(place, field_of_it, pa.array(values, field_of_it.type).take(indices))


def _in_windows(workspace: Workspace, usage: pa.Table) -> pa.Table:
    """Put usage into its rate windows.

    What had no rate, and what is of no account, stays as it is; what has no rate any more has no window.
    """
    windows = _Windows(cards=workspace.rate_cards)
    of_account = {account.id: _Party.of(account) for account in workspace.accounts}
    parties: list[_Party | None] = [None, *dict.fromkeys(of_account.values())]
    numbers = _by_account(usage, lambda account_id: parties.index(of_account.get(account_id)))
    deciding = pa.table({"party": numbers} | {name: usage[name] for name in _DECIDING})
    codes = row_codes(deciding.columns).dictionary_encode()
    examples = (column.to_pylist() for column in deciding.take(first_rows(codes)).columns)
    starts = [
        was if (party := parties[number]) is None or was is None else windows.start(party, model, tier, band, day, was)
        for number, model, tier, band, day, was in zip(*examples, strict=True)
    ]
    return _with(usage, WINDOW, starts, codes.indices)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Party:
    """What is alike of accounts whose usage of one date lies in the same windows."""

    timezone: str
    cards: tuple[tuple[date | None, str], ...]
    """Of their terms, in the order of time, each with its first date; the first of them hold from the beginning."""

    @classmethod
    def of(cls, account: Account) -> _Party:
        return cls(timezone=account.timezone, cards=tuple((each.from_date, each.rate_card) for each in account.terms))

    def card_on(self, day: date) -> str:
        return next(card for from_date, card in reversed(self.cards) if from_date is None or from_date <= day)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Windows:
    """The rate windows of cards, looked up once for each model."""

    cards: Mapping[str, RateCard]
    _found: dict[tuple[str, str], list[RateWindow]] = field(default_factory=dict)

    def start(  # noqa: PLR0917 - what decides a window
        self, party: _Party, model: str, tier: str, band: int, day: date, was: datetime
    ) -> datetime | None:
        """Return since when the rate of some usage is in force, of which it ``was`` so when it was counted."""
        card = self.cards[party.card_on(day)]
        if (card.id, model) not in self._found:
            self._found[card.id, model] = list(card.rate_windows(model))
        at = max(day_start_at(day, time_zone(party.timezone)), was)
        own_tier = tier if tier in card.service_tiers(model) else ""
        own_band = max((each for each in card.prompt_bands(model) if each <= band), default=0)
        for window in self._found[card.id, model]:
            is_begun = window.effective_from is None or window.effective_from <= at
            is_over = window.effective_to is not None and window.effective_to <= at
            if (window.service_tier, window.prompt_band) == (own_tier, own_band) and is_begun and not is_over:
                return window.effective_from or SINCE_EVER
        return None
