"""Random cards as the product reads them, and random requests as its warehouse counts them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow as pa
from random_cards import cards

from pipeline.accounts import Account, Accounts
from pipeline.base.errors import RateCardError
from pipeline.base.resources import sql_folder
from pipeline.configuration.rate_cards import rate_cards_from_tables
from pipeline.configuration.strict_toml import table_from_toml
from pipeline.tables import schemas
from pipeline.warehouse.build import build, failed_checks
from pipeline.warehouse.engines.on_duckdb import OnDuckDb
from pipeline.warehouse.grains.tracing import TRACED_EVENTS
from pipeline.warehouse.reference import reference_tables

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from pricing import Request

    from pipeline.rates import RateCard


def product_cards(texts: dict[str, str]) -> dict[str, RateCard]:
    tables = {
        name: table_from_toml(text.encode(), file=f"rates/{name}.toml", error=RateCardError)
        for name, text in texts.items()
    }
    return rate_cards_from_tables(tables, timezone="UTC", currency="USD")


def some_cards(draw: random.Random) -> tuple[dict[str, str], dict[str, RateCard]]:
    """Draw until the cards can be meant: an entry may lack a price that nothing lends it."""
    while True:
        texts = cards(draw)
        try:
            return texts, product_cards(texts)
        except RateCardError as refused:
            assert re.search(  # noqa: PT017 - any other refusal is a bug
                "has no (prompt|completion) rate|decimal places|no exact price|which has no rates|is above its maximum",
                str(refused),
            ), refused


def accounts() -> Accounts:
    named = ("base", "agreed", "partner")
    return Accounts(
        accounts=tuple(
            Account(
                id=name, name=name, timezone="UTC", rate_card=name, key_ids=tuple(f"{name}.key_{n}" for n in range(3))
            )
            for name in named
        )
    )


def usage_daily(used: list[Request], rate_cards: dict[str, RateCard], lake: Path) -> pa.Table:
    """Count requests as the warehouse does."""
    return _counted(used, rate_cards, lake, usage_daily=schemas.USAGE_DAILY)[0]


def usage_daily_and_events(
    used: list[Request], rate_cards: dict[str, RateCard], lake: Path
) -> tuple[pa.Table, pa.Table]:
    """Count requests as the warehouse does, and return the single events too, as ``TRACED_EVENTS``."""
    daily, traced = _counted(used, rate_cards, lake, usage_daily=schemas.USAGE_DAILY, traced_events=TRACED_EVENTS)
    return daily, traced


def _counted(used: list[Request], rate_cards: dict[str, RateCard], lake: Path, **wanted: pa.Schema) -> list[pa.Table]:
    rows = [
        dict.fromkeys(schemas.USAGE_EVENTS.names)
        | {
            "event_id": number.to_bytes(16),
            "occurred_at": each.at,
            "api_key_id": f"{each.account}.{each.key}",
            "model_reported": each.model,
        }
        | {
            "service_tier": each.tier or None,
            "status": "measured",
            "http_status": 200,
            "source": "log",
            "line": number,
            "byte_start": 0,
            "byte_end": 1,
        }
        | {"prompt_tokens": each.prompt, "completion_tokens": each.completion, "prompt_cached_tokens": each.cached}
        | {"prompt_cache_write_tokens": each.written, "reasoning_tokens": each.reasoning}
        for number, each in enumerate(used, start=1)
    ]
    reference = reference_tables(accounts(), rate_cards, timezone="UTC", utc_dates={each.at.date() for each in used})
    parameters = {"timezone": "UTC", "unmeasured": "list"}
    with OnDuckDb(lake=lake).session() as session:
        suspected = pa.table({"event_id": pa.array([row["event_id"] for row in rows], pa.binary())})
        given_tables = {
            **reference,
            "lake_usage_events": pa.Table.from_pylist(rows, schema=schemas.USAGE_EVENTS),
            "suspected_identities": suspected,
        }
        at_hand = build(
            session,
            sql_folder(),
            given=given_tables,
            parameters=parameters,
            wanted=["exchanges_daily", "event_copies", *wanted],
        )
        assert not any(failed_checks(session, sql_folder(), "blocking", parameters, at_hand=at_hand).values())
        return [session.fetch(name, schema) for name, schema in wanted.items()]
