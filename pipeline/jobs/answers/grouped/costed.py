"""Billed usage with its charge and its cost to us beside each other, row by row, each rated by the one way of rating.

A row is usage that has one price on its account's rate card and one on its cost card (``sql/marts/
usage_by_cost_rate.sql``). It is rated twice by ``pipeline.jobs.state.rate``: for its account, as charges are; and by
the cost card, as if all usage with that card were of one account, since a provider counts its tiers over all that we
use. A cost card has no discount of the account's, and its months are the calendar's. A cost in another currency than
the account's is paid by the account's rules of exchange and the files in ``exchange``, and is not known where these
have no rate.

Owns which usage has no cost, and why. Does not own the sums (``margin``).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.accounts import Account, Accounts, Exchange
from pipeline.base.errors import InexactAmount
from pipeline.base.periods import BillingPeriod
from pipeline.configuration.exchange_files import EXCHANGE_FOLDER, table_between
from pipeline.jobs.answers.grouped.cost_rates import with_cost_rates
from pipeline.jobs.answers.grouped.mart_rows import rows_of_months, touches_a_month_of
from pipeline.jobs.answers.grouped.selection import Span
from pipeline.jobs.answers.grouped.words import mapped
from pipeline.jobs.state.aggregate import marts_in_parts, months_written
from pipeline.jobs.state.drafts import account_currencies
from pipeline.jobs.state.engines import engine_of
from pipeline.jobs.state.forgotten.kept import kept_counts
from pipeline.jobs.state.held import in_force
from pipeline.jobs.state.rate import rate_placed
from pipeline.lake.checked_files import verified_files
from pipeline.lake.commits import read_log
from pipeline.lake.derived import EXCHANGES_DAILY, USAGE_DAILY
from pipeline.tables import schemas
from pipeline.tables.row_codes import first_rows, row_codes
from pipeline.usage.meters import Fallback, Meter
from pipeline.warehouse.grains.by_cost_rate import count_by_cost_rate
from pipeline.warehouse.reference import reference_tables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from pipeline.configuration.workspace import Workspace

_WIDE = pa.decimal256(76, 30)
"""Of a product: a cost has 22 decimal places at most, and a rate of exchange adds 8."""
_RATE = pa.decimal256(14, 8)
FREE = pa.array([meter.value for meter in Meter if meter.spec.fallback is Fallback.FREE])
"""Meters that cost nothing where they have no price: such a row lacks nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostedTables:
    """Billed usage with charge and cost, and how many requests it is of."""

    usage: pa.Table
    """By account, key, model, tier, meter (as charged), usage date and what decides a price.

    ``quantity``; ``tokens``, which are those of it that are not requests; ``currency``: that of the account, of keys in
    no account that of the cost card; ``charge`` and ``cost`` in that currency, null where it has no price; and of the
    cost: ``cost_card``, ``cost_model``, ``cost_meter`` and ``cost_currency``, null where a price is missing and empty
    where a card is.
    """
    requests: pa.Table
    """``events`` that are billed, by account, key, model, tier, usage date and ``currency``; they are on no meter."""

    def tables(self) -> tuple[pa.Table, pa.Table]:
        """Return both."""
        return self.usage, self.requests


def cost_card_of(workspace: Workspace) -> dict[str, str]:
    """Return the cost card of each account by its id, and of '' that of keys in no account; those that have one."""
    every = workspace.settings.cost_card
    cards = {"": every} | {account.id: account.cost_card or every for account in workspace.accounts}
    return {account_id: card for account_id, card in cards.items() if card}


def costed(
    workspace: Workspace, span: Span, *, usage_daily: pa.Table | None = None, exchanges_daily: pa.Table | None = None
) -> CostedTables:
    """Return billed usage with charge and cost, of the months that a span touches at least.

    The marts are given where they are there already. Raises ``InexactAmount`` for a cost with more digits than its
    column holds.
    """
    usage = _in_months(usage_by_cost_rate(workspace, span, usage_daily=usage_daily), span)
    charges = rate_placed(usage.select(schemas.USAGE_DAILY.names), workspace.accounts, workspace.rate_cards).charges
    charge = _by_place(charges, usage.num_rows)
    costs = _costs(usage, workspace)
    cost_currency = mapped(usage["cost_card"], lambda card: workspace.rate_cards[card].currency if card else "")
    currency = _currencies(usage, workspace, cost_currency)
    cost = _paid(costs, usage, cost_currency, currency, workspace)
    is_request = pc.is_in(usage["meter"], FREE)
    lacks_nothing = pc.and_(is_request, pc.and_(pc.is_null(charge.amount), pc.is_null(cost)))  # and says nothing
    columns = {name: usage[name] for name in schemas.GRAIN} | {
        "meter": pc.coalesce(charge.meter, usage["meter"]),
        "quantity": usage["quantity"],
        "tokens": pc.if_else(is_request, 0, usage["quantity"]),
        "currency": currency,
        "charge": _free(charge.amount, is_request, usage["rate_window_start"]),
        "cost": _free(cost, is_request, usage["cost_window_start"]),
        "cost_card": usage["cost_card"],
        "cost_model": usage["cost_model"],
        "cost_meter": usage["meter"],
        "cost_currency": pc.if_else(pc.is_null(costs), pa.scalar(None, pa.string()), cost_currency),
        "cost_window_start": usage["cost_window_start"],
    }
    if exchanges_daily is None:
        exchanges = pa.concat_tables(
            rows_of_months(workspace, EXCHANGES_DAILY, [span], [*schemas.GRAIN, "events"], is_billed=True)
        )
    else:
        exchanges = exchanges_daily.filter(exchanges_daily["is_billed"])
    of_nobody = pa.chunked_array([pa.array([_currency_of_nobody(workspace)] * exchanges.num_rows, pa.string())])
    requests = exchanges.select([*schemas.GRAIN, "events"]).append_column(
        "currency", _currencies(exchanges, workspace, of_nobody)
    )
    return CostedTables(usage=pa.table(columns).filter(pc.invert(lacks_nothing)), requests=requests)


def costed_by_month(workspace: Workspace) -> Iterator[pa.Table]:
    """Yield ``costed(…).usage`` of all usage, month by month where that is the same, else all at once.

    It is where every month is a calendar month, the marts are of now, and no event has to be counted by both cards.
    """
    months = months_written(workspace, USAGE_DAILY)
    if months is None or any(account.month_day != 1 for account in workspace.accounts):
        yield costed(workspace, Span()).usage
        return
    spans = [Span.of(BillingPeriod.parse(month)) for month in months]
    cards = cost_card_of(workspace)
    if any(with_cost_rates(_daily(workspace, span), workspace, cards) is None for span in spans):
        yield costed(workspace, Span()).usage
        return
    for span in spans:
        yield costed(workspace, span).usage


def missing_exchange(workspace: Workspace, account_id: str, card_id: str, usage_date: date) -> str:
    """Say which rate of exchange is missing for an account's cost, and where to add it."""
    price = workspace.rate_cards[card_id].currency
    exchange = _exchange_of(workspace, account_id, price)
    if exchange is None:
        paid = account_currencies(workspace)[account_id]
        return (
            f"account {account_id!r} pays in {paid}, and its cost card {card_id!r} is in {price}; "
            f"add {EXCHANGE_FOLDER}/{price}-{paid}.csv"
        )
    return exchange.missing_text(price, usage_date)


class _OfRows(NamedTuple):
    """What charges say of each row that was rated; null where it has no price."""

    amount: pa.Array
    meter: pa.Array


def usage_by_cost_rate(
    workspace: Workspace, span: Span | None = None, *, usage_daily: pa.Table | None = None
) -> pa.Table:
    """Return all billed usage so that each row has one price on either card, as ``USAGE_BY_COST_RATE``.

    From the mart where its rows are such, else from the events. Raises ``ConfigurationError`` where these are needed,
    and some of a month that the span touches, if any is given, were forgotten.
    """
    cards = cost_card_of(workspace)
    whole = read_log(workspace.lake)
    snapshot, _ = in_force(workspace, whole)
    if usage_daily is None:
        usage_daily = _daily(workspace, span)
    usage = with_cost_rates(usage_daily, workspace, cards)
    if usage is not None:
        return usage
    kept_counts(workspace, whole).refuse_periods(
        lambda period: span is None or span.touches(period), "margins by this cost card"
    )
    settings = workspace.settings
    return count_by_cost_rate(
        verified_files(workspace.lake, snapshot),
        reference_tables(
            workspace.accounts,
            workspace.rate_cards,
            timezone=settings.timezone,
            utc_dates={file.date for file in snapshot.data_files},
        ),
        cards,
        engine=engine_of(workspace),
        timezone=settings.timezone,
        unmeasured=settings.unmeasured.value,
    )


def _daily(workspace: Workspace, span: Span | None) -> pa.Table:
    """Return usage daily, of all months of accounts and of the calendar that a span touches, if any is given."""
    parts = marts_in_parts(
        workspace,
        {USAGE_DAILY: schemas.USAGE_DAILY.names},
        lambda period: span is None or touches_a_month_of(span, BillingPeriod.parse(period)),
    )
    return pa.concat_tables([schemas.USAGE_DAILY.empty_table(), *(part for _, part in parts)])


def _in_months(usage: pa.Table, span: Span) -> pa.Table:
    """Leave out months of accounts and of the calendar that the span does not touch: no price in it depends on them."""
    months = mapped(usage["billing_period"], lambda month: span.touches(BillingPeriod.parse(month)), pa.bool_())
    days = mapped(usage["usage_date"], lambda day: span.touches(BillingPeriod.of(day)), pa.bool_())
    return usage.filter(pc.or_(months, days)).combine_chunks()


def _costs(usage: pa.Table, workspace: Workspace) -> pa.Array:
    """Return what each row costs in the currency of its cost card, exactly; null where it has no price there."""
    of_card = {
        "account_id": usage["cost_card"],
        "model": usage["cost_model"],
        "rate_window_start": usage["cost_window_start"],
        "prompt_band": usage["cost_prompt_band"],
        "billing_period": mapped(usage["usage_date"], lambda day: str(BillingPeriod.of(day))),
    }
    priced = pa.table(
        [of_card.get(name, usage[name]) for name in schemas.USAGE_DAILY.names], schema=schemas.USAGE_DAILY
    )
    is_in_force = pc.and_(pc.is_valid(priced["rate_window_start"]), pc.not_equal(priced["account_id"], ""))
    places = pc.indices_nonzero(is_in_force)
    # Usage that shares a running count is rated at once, and so stands together.
    places = places.take(pc.sort_indices(priced["account_id"].take(places)))
    card_ids = [card for card in usage["cost_card"].unique().to_pylist() if card]
    as_accounts = Accounts(
        accounts=tuple(
            Account(id=card, name=card, timezone=workspace.settings.timezone, rate_card=card, key_ids=())
            for card in card_ids
        )
    )
    charges = rate_placed(priced.take(places), as_accounts, workspace.rate_cards).charges
    found = charges["place"].combine_chunks()
    placed = charges.set_column(
        charges.schema.get_field_index("place"), "place", pa.chunked_array([places.take(found)])
    )
    return _by_place(placed, usage.num_rows).amount


def _by_place(charges: pa.Table, rows: int) -> _OfRows:
    """Return the amount and the meter of each row's charges; a row that crosses tiers has several."""
    places = charges["place"].combine_chunks()
    amounts = charges["amount"]
    if len(pc.unique(places)) < len(places):
        summed = pa.table({"place": places, "amount": amounts.cast(_WIDE), "meter": charges["meter"]})
        summed = summed.group_by("place", use_threads=False).aggregate([("amount", "sum"), ("meter", "min")])
        places, amounts, meters = summed["place"], _narrowed(summed["amount_sum"]), summed["meter_min"]
    else:
        meters = charges["meter"]
    index = np.full(rows, -1, np.int64)
    index[places.to_numpy()] = np.arange(len(places))
    at = pa.array(index, mask=index < 0)
    return _OfRows(amounts.combine_chunks().take(at), meters.combine_chunks().take(at))


def _free(amount: pa.Array, is_request: pa.ChunkedArray, window_start: pa.ChunkedArray) -> pa.ChunkedArray:
    """Say of requests without a price, where a rate is in force, that they cost nothing."""
    nothing = pa.scalar(Decimal(0), schemas.AMOUNT)
    is_free = pc.and_(pc.and_(is_request, pc.is_null(amount)), pc.is_valid(window_start))
    return pc.if_else(is_free, nothing, amount)


def _currencies(table: pa.Table, workspace: Workspace, of_nobody: pa.ChunkedArray) -> pa.ChunkedArray:
    currencies = account_currencies(workspace)
    known = mapped(table["account_id"], lambda account_id: currencies.get(account_id, ""))
    return pc.if_else(pc.equal(table["account_id"], ""), of_nobody, known)


def _currency_of_nobody(workspace: Workspace) -> str:
    card = workspace.settings.cost_card
    return workspace.rate_cards[card].currency if card else ""


def _paid(
    costs: pa.Array, usage: pa.Table, price: pa.ChunkedArray, currency: pa.ChunkedArray, workspace: Workspace
) -> pa.Array:
    """Put costs into the currencies of the accounts; null where the rate of exchange is missing."""
    is_foreign = pc.and_(pc.is_valid(costs), pc.not_equal(price, currency)).combine_chunks()
    if not pc.any(is_foreign).as_py():
        return costs
    places = pc.indices_nonzero(is_foreign)
    rows = pa.table({"account_id": usage["account_id"], "price": price, "usage_date": usage["usage_date"]}).take(places)
    numbered = row_codes(rows.columns).dictionary_encode()
    exchanges: dict[tuple[str, str], Exchange | None] = {}
    rates: list[Any] = []
    for row in rows.take(first_rows(numbered)).to_pylist():
        pair = row["account_id"], row["price"]
        if pair not in exchanges:
            exchanges[pair] = _exchange_of(workspace, *pair)
        exchange = exchanges[pair]
        found = None if exchange is None else exchange.rate_of(row["price"], row["usage_date"])
        rates.append(None if found is None else found.rate)
    wide = pc.multiply(costs.take(places).cast(pa.decimal256(38, 22)), pa.array(rates, _RATE).take(numbered.indices))
    paid = _narrowed(wide)
    index = np.full(len(costs), -1, np.int64)
    index[places.to_numpy()] = np.arange(len(places))
    at = pa.array(index, mask=index < 0)
    return pc.if_else(is_foreign, paid.take(at), costs)


def _narrowed(amounts: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return amounts as a column holds them. Raises ``InexactAmount`` rather than lose a digit."""
    try:
        return amounts.cast(schemas.AMOUNT)
    except pa.ArrowInvalid as refused:
        message = (
            f"a cost has more than {schemas.AMOUNT.scale} decimal places or is too great, and no digit may be lost; "
            "shorten the rates of the cost card or of exchange"
        )
        raise InexactAmount(message) from refused


def _exchange_of(workspace: Workspace, account_id: str, price: str) -> Exchange | None:
    """Return how an account would pay a price in another currency, by its own rules; None where there is no table."""
    account = workspace.accounts.by_id(account_id)
    if account is None:
        return None
    currency = account_currencies(workspace)[account_id]
    table = table_between(price, currency, workspace.exchange_tables)
    if table is None:
        return None
    rules = account.exchange or Exchange(currency=currency, month_day=account.month_day)
    return Exchange(
        currency=currency, tables={price: table}, day=rules.day, days_max=rules.days_max, month_day=rules.month_day
    )
