"""Usage daily → charges: every priced row gets its rate and its exact amount, every other row is unpriced or unassigned.

Owns which rows are rated on columns (``pipeline.rating_arrow``) and which one by one (``pipeline.rating``); the results are the same.
Does not own the multiplication.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.periods import BillingPeriod
from pipeline.rating import UsageQuantity, placed_charges
from pipeline.rating_arrow import rate_simple_usage
from pipeline.usage import Meter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.accounts import Accounts
    from pipeline.rates import RateCard
    from pipeline.rating import Charge, UnpricedUsage


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedUsage:
    """All billed usage, told apart by whether it could be priced. Nothing is in two of them, nothing in none."""

    charges: pa.Table
    """``schemas.CHARGES``."""
    line_charges: pa.Table
    """``schemas.CHARGES`` once more, with those that share an invoice line summed where that is quicker: the same invoices from fewer rows."""
    unpriced: tuple[UnpricedUsage, ...]
    unassigned_tokens: int
    """Tokens of keys that belong to no account, so that no rate card applies."""


def rate(usage_daily: pa.Table, accounts: Accounts, rate_cards: Mapping[str, RateCard]) -> RatedUsage:
    """Rate a ``schemas.USAGE_DAILY`` table, each account by its card; charges come in the order of the usage."""
    cards = {account.id: rate_cards[account.rate_card] for account in accounts}
    simple = rate_simple_usage(usage_daily, cards)
    charged: list[dict[str, object]] = []
    unpriced: list[UnpricedUsage] = []
    unassigned_tokens = 0
    for account_id, group in groupby(simple.rest.to_pylist(), key=lambda row: row["account_id"]):
        mine = list(group)
        if account_id not in cards:
            unassigned_tokens += sum(row["quantity"] for row in mine)
            continue
        charges, without_rate = placed_charges(map(usage_quantity, mine), cards[account_id])
        unpriced += without_rate
        charged += [{**charge_row(charge), "place": mine[index]["place"]} for index, charge in charges]
    others = pa.Table.from_pylist(charged, schema=simple.charges.schema)
    return RatedUsage(
        charges=_in_order(pa.concat_tables([simple.charges, others])) if charged else simple.charges.drop_columns(["place"]),
        line_charges=pa.concat_tables([simple.line_charges, others.drop_columns(["place"])]),
        unpriced=tuple(unpriced),
        unassigned_tokens=unassigned_tokens,
    )


def usage_quantity(row: Mapping[str, object]) -> UsageQuantity:
    """Return a row of ``schemas.USAGE_DAILY`` as a quantity."""
    return UsageQuantity(
        account_id=str(row["account_id"]),
        api_key_id=str(row["api_key_id"]),
        model=str(row["model"]),
        service_tier=str(row["service_tier"]),
        meter=Meter(str(row["meter"])),
        usage_date=row["usage_date"],  # type: ignore[arg-type]  # the schema says date32
        rated_at=row["rate_window_start"],  # type: ignore[arg-type]  # the schema says timestamp
        quantity=row["quantity"],  # type: ignore[arg-type]  # the schema says int64
        prompt_band=row["prompt_band"],  # type: ignore[arg-type]  # the schema says int64
    )


def charge_row(charge: Charge) -> dict[str, object]:
    """Return a charge as a row of ``schemas.CHARGES``."""
    return {
        "account_id": charge.account_id,
        "api_key_id": charge.api_key_id,
        "model": charge.model,
        "service_tier": charge.service_tier,
        "meter": charge.meter.value,
        "usage_date": charge.usage_date,
        "billing_period": str(BillingPeriod.of(charge.usage_date)),
        "quantity": charge.quantity,
        "prompt_band": charge.prompt_band,
        "rate_window_start": charge.rated_at,
        "rate_per_million": charge.rate_per_million,
        "currency": charge.currency,
        "amount": charge.amount,
        "list_rate_per_million": charge.list_rate_per_million,
        "package_tokens": charge.package_tokens,
    }


def _in_order(charges: pa.Table) -> pa.Table:
    """Put charges into the order of their usage; the pieces of one row stay together, lowest tier first."""
    order = pc.sort_indices(charges, sort_keys=[("place", "ascending")])  # stable
    return charges.take(order).drop_columns(["place"])
