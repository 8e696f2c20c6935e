"""What decides a cost, found for rows of usage daily: then no event is counted again, however many there are.

A row of usage daily has one price on its account's rate card. Nearly always it has one on the cost card too: where the
names that it was counted under are one model there, where no rate of that model begins or ends within a day of it, and
where the rate card tells apart all prompt sizes and meters that the cost card does. Where any row has several, the
events have to be counted by both cards (``pipeline.warehouse.grains.by_cost_rate``), and the rows are the same but for
that.

Does not own what a row costs.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.base.periods import day_start_at, time_zone, usage_date
from pipeline.jobs.answers.grouped.words import mapped
from pipeline.tables.row_codes import first_rows, row_codes, whole
from pipeline.usage.meters import priced_apart
from pipeline.warehouse.grains.by_cost_rate import USAGE_BY_COST_RATE
from pipeline.warehouse.reference import SINCE_EVER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from pipeline.configuration.workspace import Workspace
    from pipeline.rates import RateCard
    from pipeline.rates.card import RateWindow

_DAY = timedelta(days=1)


def with_cost_rates(usage_daily: pa.Table, workspace: Workspace, cards: Mapping[str, str]) -> pa.Table | None:
    """Return a ``schemas.USAGE_DAILY`` table as ``USAGE_BY_COST_RATE``; None where a row has several prices.

    ``cards`` are the cost cards by account id, '' for keys in no account.
    """
    numbers: dict[_Party, int] = {}
    of_account = {"": _Party(cards.get("", ""), frozenset(), workspace.settings.timezone)} | {
        account.id: _Party(
            cards.get(account.id, ""), frozenset(terms.rate_card for terms in account.terms), account.timezone
        )
        for account in workspace.accounts
    }
    party = mapped(
        usage_daily["account_id"],
        lambda account_id: numbers.setdefault(of_account[account_id], len(numbers)),
        pa.int64(),
    )
    rates = [_CostRates.of(each, workspace.rate_cards) for each in numbers]
    of_days = row_codes([party, usage_daily["usage_date"]]).dictionary_encode()
    days = pa.table({"party": party, "usage_date": usage_daily["usage_date"]}).take(first_rows(of_days)).to_pylist()
    eras = pa.array([rates[day["party"]].era(day["usage_date"]) for day in days], pa.int64()).take(of_days.indices)
    deciding = {
        "party": party,
        "era": eras,
        "is_in_force": pc.is_valid(usage_daily["rate_window_start"]),
        **{name: usage_daily[name] for name in ("model", "service_tier", "prompt_band")},
    }
    combined = row_codes(list(deciding.values())).dictionary_encode()
    examples = pa.table({**deciding, "usage_date": usage_daily["usage_date"]}).take(first_rows(combined)).to_pylist()
    found: list[_CostRate] = []
    for example in examples:
        decided = rates[example.pop("party")].decided(example)
        if decided is None:
            return None
        found.append(decided)
    columns = {name: usage_daily[name] for name in usage_daily.schema.names} | {
        name: pa.array([getattr(each, name) for each in found], USAGE_BY_COST_RATE.field(name).type).take(
            whole(combined.indices)
        )
        for name in _CostRate._fields
    }
    return pa.table([columns[name] for name in USAGE_BY_COST_RATE.names], schema=USAGE_BY_COST_RATE)


class _CostRate(NamedTuple):
    """The columns of ``USAGE_BY_COST_RATE`` that usage daily has not."""

    cost_card: str
    cost_model: str
    cost_window_start: datetime | None
    cost_prompt_band: int


class _Party(NamedTuple):
    """What is alike of accounts whose usage costs the same."""

    cost_card: str
    rate_cards: frozenset[str]
    timezone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _CostRates:
    """What decides the cost of a party's usage."""

    card: RateCard | None
    rate_cards: tuple[RateCard, ...]
    zone: ZoneInfo
    breaks: tuple[date, ...]
    """Dates before which another rate may hold than from them on; a date within which one changes is between two."""
    broken: Mapping[str, frozenset[date]]
    """Dates within which a rate of a model of the cost card begins or ends."""
    windows: Mapping[tuple[str, str, int], Sequence[RateWindow]]
    """By model, service tier and prompt band of the cost card."""

    @classmethod
    def of(cls, party: _Party, rate_cards: Mapping[str, RateCard]) -> _CostRates:
        card, zone = rate_cards.get(party.cost_card), time_zone(party.timezone)
        breaks: set[date] = set()
        broken: dict[str, set[date]] = {}
        windows: dict[tuple[str, str, int], list[RateWindow]] = {}
        for rate in card.rates if card else ():
            for instant in (rate.effective_from, rate.effective_to):
                if instant is None:
                    continue
                day = usage_date(instant, zone)
                breaks.add(day)
                if day_start_at(day, zone) != instant:
                    breaks.add(day + _DAY)
                    broken.setdefault(rate.model, set()).add(day)
        for model in card.models if card else ():
            for window in card.rate_windows(model) if card else ():
                windows.setdefault((model, window.service_tier, window.prompt_band), []).append(window)
        return cls(
            card=card,
            rate_cards=tuple(rate_cards[each] for each in sorted(party.rate_cards)),
            zone=zone,
            breaks=tuple(sorted(breaks)),
            broken={model: frozenset(days) for model, days in broken.items()},
            windows=windows,
        )

    def era(self, day: date) -> int:
        """Return the number of the span of dates that a date lies in: within one, the same rates hold for all of it."""
        return bisect_right(self.breaks, day)

    def decided(self, row: Mapping[str, object]) -> _CostRate | None:
        """Return what decides the cost of a row; None where it may have several prices."""
        model, tier, band = str(row["model"]), str(row["service_tier"]), row["prompt_band"]
        if self.card is None:
            return _CostRate("", model, None, 0)
        named = {self.card.model_of(name) for name in self._names(model)}
        if named == {None}:
            return _CostRate(self.card.id, model, None, 0)
        cost_model = named.pop()
        if named or cost_model is None:
            return None
        if row["usage_date"] in self.broken.get(cost_model, ()) or not self._tells_apart(
            model, cost_model, is_in_force=bool(row["is_in_force"])
        ):
            return None
        cost_band = max((each for each in self.card.prompt_bands(cost_model) if each <= band), default=0)  # type: ignore[operator]  # as the schema says
        cost_tier = tier if tier in self.card.service_tiers(cost_model) else ""
        start_at = day_start_at(row["usage_date"], self.zone)
        window = next(
            (each for each in self.windows.get((cost_model, cost_tier, cost_band), ()) if _holds(each, start_at)), None
        )
        if window is None:
            return _CostRate(self.card.id, cost_model, None, cost_band)
        return _CostRate(self.card.id, cost_model, window.effective_from or SINCE_EVER, cost_band)

    def _names(self, model: str) -> set[str]:
        """Return the names that usage of a model may have been logged under."""
        return {model} | {alias for card in self.rate_cards for alias, meant in card.aliases.items() if meant == model}

    def _tells_apart(self, model: str, cost_model: str, *, is_in_force: bool) -> bool:
        """Say whether the rate cards tell apart what the cost card does: sizes of prompts, and meters."""
        card = self.card
        bands = set(card.prompt_bands(cost_model)) if card else set()
        apart = (
            {meter for rate in card.windows(cost_model) for meter in priced_apart(rate.per_million)} if card else set()
        )
        if not bands and not apart:
            return True
        return is_in_force and all(
            model in each.models
            and bands <= set(each.prompt_bands(model))
            and all(apart <= priced_apart(rate.per_million) for rate in each.windows(model))
            for each in self.rate_cards
        )


def _holds(window: RateWindow, instant: datetime) -> bool:
    return (window.effective_from is None or window.effective_from <= instant) and (
        window.effective_to is None or instant < window.effective_to
    )
