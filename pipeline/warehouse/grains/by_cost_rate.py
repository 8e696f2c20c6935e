"""Billed usage by what decides its charge and by what decides its cost to us: each row has one price on two cards.

Owns which cost card is whose, as SQL reads it. Does not own what is counted (``sql/marts/usage_by_cost_rate.sql``) nor
what a row costs (``pipeline.rating``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.tables import schemas
from pipeline.usage.meters import apart_from_text, terms_of
from pipeline.warehouse.build import build_of_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipeline.objects.encoded.parquet_bytes import FileRows
    from pipeline.warehouse.engines.engine import Engine

USAGE_BY_COST_RATE = pa.schema(
    [
        *schemas.USAGE_DAILY,
        pa.field("cost_card", pa.string(), nullable=False),  # '' = the account has none
        pa.field("cost_model", pa.string(), nullable=False),  # the cost card's name where it has one
        pa.field("cost_window_start", schemas.INSTANT),  # null = no rate of the cost card was in force
        pa.field("cost_prompt_band", pa.int64(), nullable=False),
    ]
)
"""``USAGE_DAILY`` with what decides a rate on the cost card."""


def cost_tables(cost_cards: Mapping[str, str], priced_apart: Iterable[str]) -> dict[str, pa.Table]:
    """Return ``cost_cards``, which say whose usage costs what which card says, and ``cost_meter_terms``.

    ``cost_cards`` are card ids by account id, '' for the keys of no account. ``priced_apart`` are the sets of meters
    that rates of any card price apart (``meters.apart_text``). ``cost_meter_terms`` says for each two of them, the
    charge's and the cost's, which counts make up the quantity of which meter where both stand apart.
    """
    sets = sorted({"", *priced_apart})
    terms = [
        (charged, costed, term.meter.value, term.count, term.sign)
        for charged in sets
        for costed in sets
        for term in terms_of(apart_from_text(charged) | apart_from_text(costed))
    ]
    return {
        "cost_cards": pa.table(
            {
                "account_id": pa.array(list(cost_cards), pa.string()),
                "rate_card": pa.array(list(cost_cards.values()), pa.string()),
            }
        ),
        "cost_meter_terms": pa.table(
            {
                name: pa.array([term[place] for term in terms], pa.int64() if name == "sign" else pa.string())
                for place, name in enumerate(("priced_apart", "cost_apart", "meter", "count_name", "sign"))
            }
        ),
    }


def count_by_cost_rate(
    event_files: Sequence[FileRows],
    reference: Mapping[str, pa.Table],
    cost_cards: Mapping[str, str],
    *,
    engine: Engine,
    timezone: str,
    unmeasured: str,
) -> pa.Table:
    """Count verified event files as ``build_marts`` does, as ``USAGE_BY_COST_RATE``; it asks no check.

    ``reference`` is of all rate cards, the cost cards among them.
    """
    if not event_files:
        return USAGE_BY_COST_RATE.empty_table()
    apart = {text for text in reference["rate_windows"]["priced_apart"].to_pylist() if text}
    given = {
        **reference,
        **cost_tables(cost_cards, apart),
    }
    with engine.session() as session:
        build_of_files(
            session,
            event_files,
            given=given,
            parameters={"timezone": timezone, "unmeasured": unmeasured},
            wanted=["usage_by_cost_rate"],
        )
        return session.fetch("usage_by_cost_rate", USAGE_BY_COST_RATE)
