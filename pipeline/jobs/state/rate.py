"""Usage daily → charges.

Every priced row gets its rate and its exact amount, every other row is unpriced or unassigned.

Owns which rows are rated on columns (``pipeline.tables.rating``) and which one by one (``pipeline.rating``); the
results are the same. Does not own the multiplication.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.base.errors import InexactAmount
from pipeline.rating import UnpricedUsage, UsageQuantity, discounted, exchanged, placed_charges
from pipeline.tables import schemas
from pipeline.tables.rating import CardTerms, rate_simple_usage
from pipeline.usage import Meter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.accounts import Account, Accounts
    from pipeline.rates import RateCard
    from pipeline.rating import Charge


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedUsage:
    """All billed usage, told apart by whether it could be priced. Nothing is in two of them, nothing in none."""

    charges: pa.Table
    """``schemas.CHARGES``."""
    line_charges: pa.Table
    """``schemas.CHARGES`` once more, with those that share an invoice line summed where that is quicker: the same
    invoices from fewer rows.
    """
    unpriced: tuple[UnpricedUsage, ...]
    unassigned_tokens: int
    """Tokens of keys that belong to no account, so that no rate card applies."""


def rate(usage_daily: pa.Table, accounts: Accounts, rate_cards: Mapping[str, RateCard]) -> RatedUsage:
    """Rate a ``schemas.USAGE_DAILY`` table, each account by the card and discount of its terms on the usage date.

    Charges come in the order of the usage.

    Where an account's card changes within a month, the new card's period tiers and packages begin to count anew.
    Raises ``InexactAmount`` for a charge with more digits than its column holds.
    """
    placed = rate_placed(usage_daily, accounts, rate_cards)
    return replace(placed, charges=placed.charges.drop_columns(["place"]))


def rate_placed(usage_daily: pa.Table, accounts: Accounts, rate_cards: Mapping[str, RateCard]) -> RatedUsage:
    """Rate as ``rate`` does, and say in ``place`` which row of the usage each charge is of, counted from 0."""
    simple = rate_simple_usage(usage_daily, constant_terms(accounts, rate_cards))
    charged: list[dict[str, object]] = []
    unpriced: list[UnpricedUsage] = []
    unassigned_tokens = 0
    for account_id, group in groupby(simple.rest.to_pylist(), key=lambda row: row["account_id"]):
        account = accounts.by_id(account_id)
        if account is None:
            unassigned_tokens += sum(row["quantity"] for row in group)
            continue
        mine = list(group)
        charges, without_rate = account_charges([usage_quantity(row) for row in mine], account, rate_cards)
        unpriced += without_rate
        charged += [{**charge_row(charge, account), "place": mine[place]["place"]} for place, charge in charges]
    others = _table(charged, simple.charges.schema)
    return RatedUsage(
        charges=_in_order(pa.concat_tables([simple.charges, others])) if charged else simple.charges,
        line_charges=pa.concat_tables([simple.line_charges, others.drop_columns(["place"])]),
        unpriced=tuple(unpriced),
        unassigned_tokens=unassigned_tokens,
    )


def constant_terms(accounts: Accounts, rate_cards: Mapping[str, RateCard]) -> dict[str, CardTerms]:
    """Return the card and discount of each account whose terms never change, by account id.

    The others' usage is rated one by one.
    """
    return {
        account.id: _card_terms(account, rate_cards[account.terms[0].rate_card])
        for account in accounts
        if len(account.terms) == 1
    }


def _card_terms(account: Account, card: RateCard) -> CardTerms:
    exchange = account.exchange
    is_foreign = exchange is not None and exchange.currency != card.currency
    return CardTerms(card, account.terms[0].discount_percent, exchange if is_foreign else None)


def account_charges(
    usage: Sequence[UsageQuantity], account: Account, rate_cards: Mapping[str, RateCard]
) -> tuple[list[tuple[int, Charge]], list[UnpricedUsage]]:
    """Rate one account's usage by the card and discount of its terms on each usage date, in its own currency.

    Say of each charge which quantity it is of, counted from 0.

    Terms begin at the account's own midnights, so the usage date decides. Usage that shares a running count must be
    given at once.
    """
    by_card: dict[str, list[int]] = {}
    for place, each in enumerate(usage):
        by_card.setdefault(account.terms_on(each.usage_date).rate_card, []).append(place)
    charged: list[tuple[int, Charge]] = []
    unpriced: list[UnpricedUsage] = []
    for card_id, places in by_card.items():
        mine = (usage[place] for place in places)
        charges, without_rate = placed_charges(mine, rate_cards[card_id], account.month_day)
        charged += [
            (places[index], discounted(charge, account.terms_on(charge.usage_date).discount_percent))
            for index, charge in charges
        ]
        unpriced += without_rate
    return _paid(charged, usage, account, unpriced)


def _paid(
    charged: list[tuple[int, Charge]],
    usage: Sequence[UsageQuantity],
    account: Account,
    unpriced: list[UnpricedUsage],
) -> tuple[list[tuple[int, Charge]], list[UnpricedUsage]]:
    """Put charges into the account's currency; usage that lacks the rate of exchange is unpriced."""
    exchange = account.exchange
    if exchange is None or not exchange.tables:
        return charged, unpriced
    paid: list[tuple[int, Charge]] = []
    lacking: dict[int, UnpricedUsage] = {}
    for place, charge in charged:
        if charge.currency == exchange.currency:
            paid.append((place, charge))
            continue
        found = exchange.rate_of(charge.currency, charge.usage_date)
        if found is None:
            reason = exchange.missing_text(charge.currency, charge.usage_date)
            lacking[place] = UnpricedUsage(usage=usage[place], reason=reason, lacks_exchange=True)
        else:
            paid.append((place, exchanged(charge, found, exchange.currency)))
    return paid, [*unpriced, *lacking.values()]


def _table(rows: list[dict[str, object]], schema: pa.Schema) -> pa.Table:
    try:
        return pa.Table.from_pylist(rows, schema=schema)
    except pa.ArrowInvalid as refused:
        whole_digits = schemas.AMOUNT.precision - schemas.AMOUNT.scale
        which = next((row for row in rows if not _fits(row, schema)), rows[0])
        what = (
            f"account {which['account_id']!r}, model {which['model']!r}, {which['quantity']} {which['meter']} on "
            f"{which['usage_date']}"
        )
        digits = (
            f"{schemas.RATE.scale} decimal places of a rate, {schemas.AMOUNT.scale} of an amount below "
            f"10^{whole_digits}"
        )
        message = (
            f"the charge of {what} has more digits than are kept ({digits}), and none may be lost; "
            "shorten the rate, the discount or the rate of exchange"
        )
        raise InexactAmount(message) from refused


def _fits(row: dict[str, object], schema: pa.Schema) -> bool:
    try:
        pa.Table.from_pylist([row], schema=schema)
    except pa.ArrowInvalid:
        return False
    return True


def usage_quantity(row: Mapping[str, object]) -> UsageQuantity:
    """Return a row of ``schemas.USAGE_DAILY`` as a quantity."""
    return UsageQuantity(
        account_id=str(row["account_id"]),
        api_key_id=str(row["api_key_id"]),
        model=str(row["model"]),
        service_tier=str(row["service_tier"]),
        meter=Meter.of(str(row["meter"])),
        usage_date=row["usage_date"],  # type: ignore[arg-type]  # the schema says date32
        rated_at=row["rate_window_start"],  # type: ignore[arg-type]  # the schema says timestamp
        quantity=row["quantity"],  # type: ignore[arg-type]  # the schema says int64
        prompt_band=row["prompt_band"],  # type: ignore[arg-type]  # the schema says int64
    )


def charge_row(charge: Charge, account: Account) -> dict[str, object]:
    """Return a charge of an account as a row of ``schemas.CHARGES``."""
    return {
        "account_id": charge.account_id,
        "api_key_id": charge.api_key_id,
        "model": charge.model,
        "service_tier": charge.service_tier,
        "meter": charge.meter.value,
        "usage_date": charge.usage_date,
        "billing_period": str(account.month_of(charge.usage_date)),
        "quantity": charge.quantity,
        "prompt_band": charge.prompt_band,
        "rate_window_start": charge.rated_at,
        "rate_per_million": charge.rate_per_million,
        "currency": charge.currency,
        "amount": charge.amount,
        "list_rate_per_million": charge.list_rate_per_million,
        "package_tokens": charge.package_tokens,
        "flat_amount": charge.flat_amount,
        "exchange": None if charge.exchange is None else str(charge.exchange),
        "entry": charge.entry,
    }


def _in_order(charges: pa.Table) -> pa.Table:
    """Put charges into the order of their usage; the pieces of one row stay together, lowest tier first."""
    order = pc.sort_indices(charges, sort_keys=[("place", "ascending")])  # stable
    return charges.take(order)
