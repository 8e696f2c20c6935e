"""``rates/<card>.toml``: the rate cards of a workspace.

Owns what the files may say: exact decimals, instants with their offset, plain dates as local midnights of the workspace.
Does not own which rate is in force (``pipeline.rates``). Files are append-only by custom: end a rate with
``effective_to`` and add the next one, never edit one that was in force.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.errors import RateCardError
from pipeline.periods import YEARS, day_start_at, time_zone
from pipeline.rates import Rate, RateCard
from pipeline.storage.strict_toml import read_table, value_text
from pipeline.usage import Meter

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.storage.strict_toml import Table

RATES_FOLDER = "rates"


def read_rate_cards(workspace: Path, *, timezone: str, currency: str) -> dict[str, RateCard]:
    """Read all rate cards of a workspace, by id. ``currency`` is the workspace's: that of a card which names none.

    A card's id is its file's name; files whose name begins with a dot are not cards.
    Raises ``RateCardError`` with file, table and value for anything that cannot be meant.
    """
    cards: dict[str, RateCard] = {}
    for path in sorted((workspace / RATES_FOLDER).glob("[!.]*.toml")):
        table = read_table(path, file=f"{RATES_FOLDER}/{path.name}", error=RateCardError)
        if table is not None:
            cards[path.stem] = rate_card_from_table(table, card_id=path.stem, timezone=timezone, currency=currency)
    return cards


def rate_card_from_table(table: Table, *, card_id: str, timezone: str, currency: str) -> RateCard:
    """Check the top table of a rate card's file, whose name says ``card_id``. Raises ``RateCardError``."""
    table.allow_only("id", "currency", "aliases", "rates")
    stated_id = table.text("id")
    if stated_id != card_id:
        what = f"id is {stated_id!r}, but the file is called {card_id!r}; make them the same"
        raise table.refusal(what)
    card_currency = table.text("currency", currency)
    alias_table = table.table("aliases")
    aliases = {alias: alias_table.text(alias) for alias in alias_table.values}
    rates = tuple(_rate(entry, timezone) for entry in table.tables("rates"))
    try:
        return RateCard(id=card_id, currency=card_currency, aliases=aliases, rates=rates)
    except RateCardError as wrong:
        raise table.refusal(str(wrong)) from wrong


def _rate(table: Table, timezone: str) -> Rate:
    table.allow_only("model", "effective_from", "effective_to", *(meter.value for meter in Meter))
    model = table.text("model")
    per_million = {meter: _rate_per_million(table, meter) for meter in Meter if meter in table.values}
    effective_from, effective_to = (_instant(table, key, timezone) for key in ("effective_from", "effective_to"))
    try:
        return Rate(model=model, effective_from=effective_from, effective_to=effective_to, per_million=per_million)
    except RateCardError as wrong:
        raise table.refusal(str(wrong)) from wrong


def _rate_per_million(table: Table, meter: Meter) -> Decimal:
    """Return an exact rate. ``true`` is an int to Python and "2.00" a string: neither is a price."""
    value = table.values[meter]
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        what = f"{meter} is {value_text(value)}; write a price per million tokens as a number, such as 2.00"
        raise table.refusal(what)
    return Decimal(value)


def _instant(table: Table, key: str, timezone: str) -> datetime | None:
    value = table.values.get(key)
    if value is None:
        return None
    if isinstance(value, date) and value.year not in YEARS:
        what = f"{key} is {value_text(value)}; leave it out where a rate is meant to hold for ever"
        raise table.refusal(what)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if isinstance(value, date) and not isinstance(value, datetime):
        return day_start_at(value, time_zone(timezone))
    example = f"{value.isoformat()}Z" if isinstance(value, datetime) else "2026-10-10T12:00:00Z or 2026-10-10"
    what = f"{key} is {value_text(value)}; write an instant with its offset or a plain date, without quotes, such as {example}"
    raise table.refusal(what)
