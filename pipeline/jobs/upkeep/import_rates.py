"""A published price list → what would change on a rate card, and with ``apply`` the new rates at the end of its file.

Owns that a card is only ever appended to: nothing that is there is closed or rewritten, not a byte, and a rate that
would overlap is reported with what to do. Does not own the formats of price lists
(``pipeline.configuration.price_lists``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.base.errors import RateCardError
from pipeline.base.periods import instant_text
from pipeline.configuration.price_lists import CURRENCY
from pipeline.configuration.rate_cards import RATES_FOLDER, read_rate_cards
from pipeline.configuration.strict_toml import table_from_toml
from pipeline.jobs.upkeep.rates_diff import diff_rates, price_text
from pipeline.objects import disk
from pipeline.rates import Rate
from pipeline.usage import Meter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from pipeline.configuration.price_lists import ListedPrices
    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.upkeep.rates_diff import PriceDifference
    from pipeline.rates import RateCard


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedRates:
    """What a price list would change on a card."""

    card_id: str
    differences: tuple[PriceDifference, ...]
    """Now and then, of every meter that would change."""
    appended: tuple[Rate, ...]
    """One for each scope that differs."""
    overlaps: tuple[str, ...]
    """Why they cannot be appended yet, and what to do."""
    unlisted: tuple[str, ...]
    """Models that were asked for and are not on the price list."""


def import_rates(
    workspace: Workspace,
    listed: Mapping[str, ListedPrices],
    *,
    card_id: str,
    models: Sequence[tuple[str, str]],
    effective_from: datetime,
) -> ImportedRates:
    """Compare a price list with a card at ``effective_from``.

    ``models`` are (our name, the list's name), none = all names that both have.

    The card need not exist yet. Raises ``RateCardError`` for a card in another currency than the list, or a listed
    price that is no rate.
    """
    card = workspace.rate_cards.get(card_id)
    if card is not None and card.currency != CURRENCY:
        message = (
            f"rates/{card_id}.toml is in {card.currency}, and the price list in {CURRENCY}; "
            f"import into a card in {CURRENCY}: an account pays by it in {card.currency} where it says currency = "
            f'"{card.currency}" and exchange/{CURRENCY}-{card.currency}.csv has the rates'
        )
        raise RateCardError(message)
    wanted = list(models) or _names_of_both(card, listed)
    theirs = [
        rate
        for name, their_name in wanted
        if their_name in listed
        for rate in _rates(_own_name(card, name), listed[their_name], effective_from)
    ]
    scopes = {_scope(rate) for rate in theirs}
    ours = [
        rate for rate in (card.rates if card else ()) if rate.is_in_force(effective_from) and _scope(rate) in scopes
    ]
    differences = diff_rates(ours, theirs)
    changed = {(each.model, each.service_tier, each.above_prompt_tokens) for each in differences}
    appended = tuple(rate for rate in theirs if _scope(rate) in changed)
    return ImportedRates(
        card_id=card_id,
        differences=tuple(differences),
        appended=appended,
        overlaps=tuple(_overlap(card, each, new) for new in appended for each in _overlapping(card, new))
        if card
        else (),
        unlisted=tuple(their_name for _, their_name in wanted if their_name not in listed),
    )


def append_rates(workspace: Workspace, imported: ImportedRates, *, source: str) -> Path:
    """Append the rates to the card's file, durably, and return it.

    Raises ``RateCardError`` where the card could then not be meant.
    """
    if imported.overlaps:
        raise RateCardError("; ".join(imported.overlaps))
    path = workspace.root / RATES_FOLDER / f"{imported.card_id}.toml"
    before = path.read_bytes() if path.exists() else f'id = "{imported.card_id}"\ncurrency = "{CURRENCY}"\n'.encode()
    separator = b"" if before.endswith(b"\n") else b"\n"
    after = before + separator + "".join(f"\n{_toml(rate, source)}" for rate in imported.appended).encode()
    _refuse_what_cannot_be_meant(workspace, path, after)
    disk.make_folders(workspace.root, path.parent, mode=disk.FOLDER_MODE_OF_UMASK)
    disk.replace_durably(path, after, mode=disk.FILE_MODE_OF_UMASK, is_locked=False)
    return path


def _names_of_both(card: RateCard | None, listed: Mapping[str, ListedPrices]) -> list[tuple[str, str]]:
    """Find each model by its own name; by an alias only where its own is not listed, and then by one."""
    found: dict[str, str] = {}
    for name in sorted({*card.models, *card.aliases}, key=lambda name: (name not in card.models, name)) if card else ():
        if name in listed:
            found.setdefault(_own_name(card, name), name)
    return sorted(found.items())


def _own_name(card: RateCard | None, name: str) -> str:
    return (card.model_of(name) if card else None) or name


def _rates(model: str, listed: ListedPrices, effective_from: datetime) -> list[Rate]:
    try:
        return [
            Rate(
                model=model,
                effective_from=effective_from,
                effective_to=None,
                per_million=prices,
                service_tier=tier,
                above_prompt_tokens=band,
            )
            for (tier, band), prices in listed.by_scope.items()
        ]
    except RateCardError as wrong:
        message = f"{listed.name!r} of the price list cannot be imported: {wrong}"
        raise RateCardError(message) from wrong


def _overlapping(card: RateCard, new: Rate) -> list[Rate]:
    start_at = new.effective_from
    is_later = [rate for rate in card.rates if _scope(rate) == _scope(new)]
    return [rate for rate in is_later if rate.effective_to is None or start_at is None or rate.effective_to > start_at]


def _overlap(card: RateCard | None, rate: Rate, new: Rate) -> str:
    start = instant_text(new.effective_from) if new.effective_from else ""
    name = card.id if card else ""
    is_later = (
        rate.effective_from is not None and new.effective_from is not None and rate.effective_from >= new.effective_from
    )
    advice = (
        f"choose an --effective-from after {rate.period_text()}"
        if is_later
        else f"write 'effective_to = {start}' into its [[rates]] table"
    )
    return (
        f"rates/{name}.toml has a rate of {rate.scope_text()} {rate.period_text()}, which the new one would overlap; "
        f"{advice}, and import again"
    )


def _toml(rate: Rate, source: str) -> str:
    """Write a rate as a table that reads back equal."""
    lines = [f"[[rates]]  # from {source}", f'model = "{rate.model}"']
    lines += [f'service_tier = "{rate.service_tier}"'] if rate.service_tier else []
    lines += [f"above_prompt_tokens = {rate.above_prompt_tokens}"] if rate.above_prompt_tokens else []
    lines += [f"effective_from = {instant_text(rate.effective_from)}"] if rate.effective_from else []
    lines += [
        f"{meter.card_key} = {price_text(rate.per_million[meter], meter)}"
        for meter in Meter
        if meter in rate.per_million
    ]
    return "\n".join(lines) + "\n"


def _refuse_what_cannot_be_meant(workspace: Workspace, path: Path, content: bytes) -> None:
    """Read all cards as they would be: other cards may extend this one."""
    table = table_from_toml(content, file=f"{RATES_FOLDER}/{path.name}", error=RateCardError)
    settings = workspace.settings
    read_rate_cards(workspace.root, timezone=settings.timezone, currency=settings.currency, instead={path.stem: table})


def _scope(rate: Rate) -> tuple[str, str, int]:
    return rate.model, rate.service_tier, rate.above_prompt_tokens
