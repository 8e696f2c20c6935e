"""Copies that lost and look like requests of their own: whose they are, what they state, what they would have cost.

A caller who can choose ids can send many requests under one. One of them is billed, and the others are listed here.

Owns what they would have cost. Does not own which copies are suspicious (``sql/intermediate/event_copies.sql``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.base.money import exact_sum, normalised, plain_amount
from pipeline.jobs.state.aggregate import aggregate, by_period, inputs_of
from pipeline.jobs.state.held import in_force
from pipeline.jobs.state.rate import rate
from pipeline.jobs.wording import UNASSIGNED, counted
from pipeline.lake.commits import read_log
from pipeline.lake.derived import read_derived, write_derived
from pipeline.tables import schemas

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.state.aggregate import Aggregate

SUSPICIOUS_COPIES = "suspicious_copies"


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspiciousCopies:
    """Those of one key, account and billing period."""

    billing_period: str
    account_id: str
    """Empty where the key belongs to no account."""
    api_key_id: str
    events: int
    """Copies that were shipped twice are counted once."""
    tokens: int
    """Prompt and completion tokens that they state."""
    unpriced_tokens: int
    """Those of them that would be billed, and for which no rate is in force."""
    amount: Decimal | None
    """What the others would have cost by the account's card, exactly; where its prices depend on the period, as if
    nothing else had been used in it. None where nothing of them is priced.
    """
    currency: str
    """Empty where there is no amount."""


def suspicious_copies(workspace: Workspace, built: Aggregate) -> pa.Table:
    """Return the suspicious copies of what was built, as ``schemas.SUSPICIOUS_COPIES``, sorted.

    Raises ``InexactAmount`` for an amount with more digits than its column holds.
    """
    exchanges = built.marts.exchanges_daily.filter(built.marts.exchanges_daily["is_suspicious"])
    stated = exchanges.append_column("tokens", pc.add(exchanges["prompt_tokens"], exchanges["completion_tokens"]))
    rows = (
        stated.group_by(schemas.SUSPICIOUS_GRAIN, use_threads=False)
        .aggregate([("events", "sum"), ("tokens", "sum")])
        .to_pylist()
    )
    rated = rate(built.marts.suspicious_usage, workspace.accounts, workspace.rate_cards)
    amounts: dict[tuple[object, ...], list[Decimal]] = defaultdict(list)
    currencies: dict[tuple[object, ...], str] = {}
    for charge in rated.charges.to_pylist():
        place = tuple(charge[name] for name in schemas.SUSPICIOUS_GRAIN)
        amounts[place].append(charge["amount"])
        currencies[place] = charge["currency"]
    unpriced: Counter[tuple[object, ...]] = Counter()
    for usage in (each.usage for each in rated.unpriced):
        period = str(workspace.accounts.month_of(usage.account_id, usage.usage_date))
        place = (usage.account_id, usage.api_key_id, usage.model, usage.usage_date, period)
        unpriced[place] += usage.quantity if usage.meter.is_of_tokens else 0
    found = []
    for row in rows:
        place = tuple(row[name] for name in schemas.SUSPICIOUS_GRAIN)
        found.append(
            {
                **{name: row[name] for name in schemas.SUSPICIOUS_GRAIN},
                "events": row["events_sum"],
                "tokens": row["tokens_sum"],
                "unpriced_tokens": unpriced[place],
                "amount": exact_sum(amounts[place]) if place in amounts else None,
                "currency": currencies.get(place, ""),
            }
        )
    table = pa.Table.from_pylist(found, schema=schemas.SUSPICIOUS_COPIES)
    return table.sort_by([(name, "ascending") for name in schemas.SUSPICIOUS_GRAIN])


def copies_by_key(copies: pa.Table) -> tuple[SuspiciousCopies, ...]:
    """Sum up what ``suspicious_copies`` returns, for each billing period, account and key."""
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in copies.to_pylist():
        groups[row["billing_period"], row["account_id"], row["api_key_id"]].append(row)
    return tuple(_summed(*place, rows) for place, rows in sorted(groups.items()))


def suspicious_copies_now(workspace: Workspace) -> pa.Table:
    """Return ``suspicious_copies`` as of now: as a night wrote it if nothing it depends on has changed since."""
    written = read_derived(workspace.lake, SUSPICIOUS_COPIES)
    if written is not None and written[0] == inputs_of(workspace, in_force(workspace, read_log(workspace.lake))[0]):
        return pa.concat_tables([schemas.SUSPICIOUS_COPIES.empty_table(), *written[1].values()])
    return suspicious_copies(workspace, aggregate(workspace, is_checked=False))


def write_suspicious_copies(workspace: Workspace, built: Aggregate, copies: pa.Table) -> None:
    """Keep what ``suspicious_copies`` returned, for whoever asks next. For the holder of the workspace's lock."""
    write_derived(workspace.lake, SUSPICIOUS_COPIES, by_period(copies), inputs_of(workspace, built.snapshot))


def suspicious_text(copies: SuspiciousCopies) -> str:
    """Say how many copies of a key look like requests of their own, and what they would have cost."""
    costs = (
        []
        if copies.amount is None
        else [f"would have cost {plain_amount(copies.amount, copies.currency)} {copies.currency}"]
    )
    costs += [f"{counted(copies.unpriced_tokens, 'token')} unpriced"] if copies.unpriced_tokens else []
    return (
        f"{copies.billing_period}: {counted(copies.events, 'suspicious copy', 'suspicious copies')} of key "
        f"{copies.api_key_id} ({copies.account_id or UNASSIGNED}) with {counted(copies.tokens, 'token')}, not billed"
        f"{''.join(f', {cost}' for cost in costs)}: another request id, model or instant under an id that was billed; "
        "see 'tallybook usage --copies', and set identity = \"both\" for the source if callers choose the ids"
    )


def _summed(
    billing_period: str, account_id: str, api_key_id: str, rows: Sequence[Mapping[str, Any]]
) -> SuspiciousCopies:
    amounts = [row["amount"] for row in rows if row["amount"] is not None]
    return SuspiciousCopies(
        billing_period=billing_period,
        account_id=account_id,
        api_key_id=api_key_id,
        events=sum(row["events"] for row in rows),
        tokens=sum(row["tokens"] for row in rows),
        unpriced_tokens=sum(row["unpriced_tokens"] for row in rows),
        amount=normalised(exact_sum(amounts)) if amounts else None,
        currency=max(row["currency"] for row in rows),  # an account has one, and what is not priced has none
    )
