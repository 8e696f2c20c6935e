"""``rates/<card>.toml``: the rate cards of a workspace.

Owns what the files may say: exact decimals, instants with their offset, plain dates as local midnights of the
workspace, and which card a card extends. Does not own which rate is in force (``pipeline.rates``) nor how one price is
written (``pipeline.configuration.prices_toml``). Files are append-only by custom: end a rate with ``effective_to`` and
add the next one, never edit one that was in force.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from pipeline.base.errors import RateCardError
from pipeline.base.periods import YEARS, day_start_at, time_zone
from pipeline.configuration.prices_toml import PRICE_KEYS, decimal_of, prices_of
from pipeline.configuration.strict_toml import read_table, value_text
from pipeline.objects.verified import names_in
from pipeline.rates import RateCard
from pipeline.rates.inheritance import RateEntry, inherited_rates, rate_of_entry, refuse_overlapping_entries

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal
    from pathlib import Path

    from pipeline.configuration.strict_toml import Table
    from pipeline.rates import Rate

RATES_FOLDER = "rates"
PERCENT_MAX = 1_000
_SCOPE_KEYS = ("model", "service_tier", "above_prompt_tokens", "effective_from", "effective_to")
_CHANGE_KEYS = ("discount_percent", "markup_percent")
_LIMIT_KEYS = ("minimum", "maximum")


def read_rate_cards(
    workspace: Path, *, timezone: str, currency: str, instead: Mapping[str, Table] | None = None
) -> dict[str, RateCard]:
    """Read all rate cards of a workspace, by id. ``currency`` is the workspace's: that of a card which names none.

    ``instead`` are cards to be taken as given, whatever their files say: what would be, if they were written.

    A card's id is its file's name; files whose name begins with a dot are not cards.
    Raises ``RateCardError`` with file, table and value for anything that cannot be meant.
    """
    tables: dict[str, Table] = {}
    for path in card_paths(workspace):
        table = read_table(path, file=f"{RATES_FOLDER}/{path.name}", error=RateCardError)
        if table is not None:
            tables[path.stem] = table
    return rate_cards_from_tables(tables | dict(instead or {}), timezone=timezone, currency=currency)


def card_paths(workspace: Path) -> list[Path]:
    """Return the files of rate cards, by name. Raises ``OSError`` where their folder may not be listed."""
    folder = workspace / RATES_FOLDER
    return [folder / name for name in names_in(folder) if name.endswith(".toml") and not name.startswith(".")]


def rate_cards_from_tables(tables: dict[str, Table], *, timezone: str, currency: str) -> dict[str, RateCard]:
    """Check the top tables of all cards, by id, each after the one that it extends. Raises ``RateCardError``."""
    cards: dict[str, RateCard] = {}
    for card_id in tables:
        chain = _chain_above(card_id, tables)
        for each in reversed(chain):
            if each not in cards:
                parent = cards.get(str(tables[each].values.get("extends")))
                cards[each] = rate_card_from_table(
                    tables[each], card_id=each, timezone=timezone, currency=currency, parent=parent
                )
    return {card_id: cards[card_id] for card_id in tables}


def rate_card_from_table(
    table: Table, *, card_id: str, timezone: str, currency: str, parent: RateCard | None = None
) -> RateCard:
    """Check the top table of a rate card's file, whose name says ``card_id``; ``parent`` is the card it extends.

    Raises ``RateCardError``.
    """
    table.allow_only("id", "extends", "currency", *_CHANGE_KEYS, "monthly_fee", "aliases", "rates")
    stated_id = table.text("id")
    if stated_id != card_id:
        what = f"id is {stated_id!r}, but the file is called {card_id!r}; make them the same"
        raise table.refusal(what)
    card_currency = table.text("currency", parent.currency if parent else currency)
    if parent is not None and card_currency != parent.currency:
        what = (
            f"currency is {card_currency!r}, but it extends {parent.id!r}, which is in {parent.currency}; "
            "a card is in the currency of the card it extends"
        )
        raise table.refusal(what)
    alias_table = table.table("aliases")
    aliases = {**(parent.aliases if parent else {}), **{alias: alias_table.text(alias) for alias in alias_table.values}}
    percent = _percent(table)
    entry_tables = table.tables("rates")
    entries = [_entry(entry, timezone) for entry in entry_tables]
    monthly_fee = (
        decimal_of(table, "monthly_fee") if "monthly_fee" in table.values else (parent.monthly_fee if parent else None)
    )
    stated = (
        []
        if parent
        else [_stated(entry, entry_table, percent) for entry, entry_table in zip(entries, entry_tables, strict=True)]
    )
    try:
        if parent:
            refuse_overlapping_entries(entries)
        rates = inherited_rates(entries, parent=parent, percent=percent) if parent else tuple(stated)
        return RateCard(id=card_id, currency=card_currency, aliases=aliases, rates=rates, monthly_fee=monthly_fee)
    except RateCardError as wrong:
        raise table.refusal(str(wrong)) from wrong


def _chain_above(card_id: str, tables: dict[str, Table]) -> list[str]:
    """Return a card, the one it extends, the one that extends, and so on."""
    chain = [card_id]
    while "extends" in tables[chain[-1]].values:
        table = tables[chain[-1]]
        parent_id = table.text("extends")
        if parent_id not in tables:
            what = (
                f"extends {parent_id!r}, which does not exist; name one of: "
                f"{', '.join(sorted(set(tables) - {chain[-1]})) or 'there is no other card'}"
            )
            raise table.refusal(what)
        if parent_id in chain:
            what = (
                f"extends {parent_id!r} in a circle: {' -> '.join([*chain, parent_id])}; "
                "one of them must stand by itself"
            )
            raise table.refusal(what)
        chain.append(parent_id)
    return chain


def _entry(table: Table, timezone: str) -> RateEntry:
    table.allow_only(*_SCOPE_KEYS, *PRICE_KEYS, *_CHANGE_KEYS, *_LIMIT_KEYS)
    minimum, maximum = (decimal_of(table, key) if key in table.values else None for key in _LIMIT_KEYS)
    model = table.text("model")
    try:
        return RateEntry(
            model=model,
            service_tier=table.text("service_tier", "") if "service_tier" in table.values else "",
            above_prompt_tokens=table.integer(
                "above_prompt_tokens",
                default=0,
                smallest=1 if "above_prompt_tokens" in table.values else 0,
                greatest=2**62,
            ),
            per_million=prices_of(table),
            effective_from=_instant(table, "effective_from", timezone),
            effective_to=_instant(table, "effective_to", timezone),
            percent=_percent(table),
            minimum=minimum,
            maximum=maximum,
        )
    except RateCardError as wrong:
        raise _addressed(wrong, table) from wrong


def _stated(entry: RateEntry, table: Table, percent: Decimal | None) -> Rate:
    try:
        return rate_of_entry(entry, percent=percent)
    except RateCardError as wrong:
        raise table.refusal(str(wrong)) from wrong


def _addressed(wrong: RateCardError, table: Table) -> RateCardError:
    """Put the table's address before a message, once."""
    return wrong if str(wrong).startswith(table.file) else RateCardError(f"{table.address}: {wrong}")


def _percent(table: Table) -> Decimal | None:
    """Return the change that a table states: a discount of 10 is -10."""
    stated = [key for key in _CHANGE_KEYS if key in table.values]
    if not stated:
        return None
    if len(stated) > 1:
        what = "discount_percent and markup_percent are both stated; keep one"
        raise table.refusal(what)
    percent = decimal_of(table, stated[0])
    greatest = 100 if stated == ["discount_percent"] else PERCENT_MAX
    if not percent.is_finite() or not 0 <= percent <= greatest:
        what = f"{stated[0]} is {percent}; it must be a number from 0 to {greatest}"
        raise table.refusal(what)
    return -percent if stated == ["discount_percent"] else percent


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
    what = (
        f"{key} is {value_text(value)}; write an instant with its offset or a plain date, without quotes, such as "
        f"{example}"
    )
    raise table.refusal(what)
