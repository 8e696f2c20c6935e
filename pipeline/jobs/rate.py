"""Usage daily → charges: every priced row gets its rate and its exact amount, every other row is unpriced or unassigned.

Does not own the multiplication (``pipeline.rating``).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline import schemas
from pipeline.rating import UsageQuantity, discounted, rate_usage
from pipeline.usage import Meter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.accounts import Account, Accounts, Terms
    from pipeline.rates import RateCard
    from pipeline.rating import Charge, UnpricedUsage


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedUsage:
    """All billed usage, told apart by whether it could be priced. Nothing is in two of them, nothing in none."""

    charges: pa.Table
    """``schemas.CHARGES``."""
    unpriced: tuple[UnpricedUsage, ...]
    unassigned_tokens: int
    """Tokens of keys that belong to no account, so that no rate card applies."""


def rate(usage_daily: pa.Table, accounts: Accounts, rate_cards: Mapping[str, RateCard]) -> RatedUsage:
    """Rate a ``schemas.USAGE_DAILY`` table, each account by the card and discount of its terms on the usage date."""
    rows = usage_daily.to_pylist()
    charged: list[dict[str, object]] = []
    unpriced: list[UnpricedUsage] = []
    unassigned_tokens = 0
    for account_id, group in groupby(rows, key=lambda row: row["account_id"]):
        account = accounts.by_id(account_id)
        if account is None:
            unassigned_tokens += sum(row["quantity"] for row in group)
            continue
        by_card: dict[str, list[dict[str, object]]] = {}
        for row in group:
            by_card.setdefault(_terms(account, row).rate_card, []).append(row)
        for card_id, mine in by_card.items():
            charges, without_rate = rate_usage(map(_usage_quantity, mine), rate_cards[card_id])
            unpriced += without_rate
            priced = (row for row in mine if row["rate_window_start"] is not None)
            charged += [_charge_row(row, discounted(charge, _terms(account, row).discount_percent)) for row, charge in zip(priced, charges, strict=True)]
    return RatedUsage(charges=_table(charged), unpriced=tuple(unpriced), unassigned_tokens=unassigned_tokens)


def _terms(account: Account, row: Mapping[str, object]) -> Terms:
    """Terms begin at the account's own midnights, so the usage date decides."""
    return account.terms_on(row["usage_date"])  # type: ignore[arg-type]  # the schema says date32


def _usage_quantity(row: Mapping[str, object]) -> UsageQuantity:
    return UsageQuantity(
        account_id=str(row["account_id"]),
        api_key_id=str(row["api_key_id"]),
        model=str(row["model"]),
        service_tier=str(row["service_tier"]),
        meter=Meter(str(row["meter"])),
        usage_date=row["usage_date"],  # type: ignore[arg-type]  # the schema says date32
        rated_at=row["rate_window_start"],  # type: ignore[arg-type]  # the schema says timestamp
        quantity=row["quantity"],  # type: ignore[arg-type]  # the schema says int64
    )


def _charge_row(row: dict[str, object], charge: Charge) -> dict[str, object]:
    return {
        **row,
        "rate_per_million": charge.rate_per_million,
        "currency": charge.currency,
        "amount": charge.amount,
        "list_rate_per_million": charge.list_rate_per_million,
    }


def _table(rows: Iterable[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=schemas.CHARGES)
