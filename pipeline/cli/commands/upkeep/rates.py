"""``tallybook rates``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.base.errors import ConfigurationError
from pipeline.base.money import plain_rate
from pipeline.base.periods import instant_text, time_zone
from pipeline.cli.context import tell, warn
from pipeline.cli.groups import CommandsByName
from pipeline.cli.options.examples import examples
from pipeline.cli.options.ids import whole_card_id
from pipeline.cli.output import output_option
from pipeline.cli.tables.columns import Column, Kind
from pipeline.configuration.price_lists import genai_prices, litellm_prices
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.upkeep.import_rates import append_rates, import_rates
from pipeline.jobs.upkeep.rates_diff import diff_cards, price_text
from pipeline.jobs.wording import counted
from pipeline.usage.meters import Apart, Fallback, Meter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from pipeline.accounts.exchange import ExchangeTable
    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output
    from pipeline.cli.tables.columns import Cell
    from pipeline.configuration.price_lists import ListedPrices
    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.upkeep.rates_diff import PriceDifference
    from pipeline.rates import RateCard

_ALWAYS_SHOWN = [
    meter
    for meter in Meter
    if meter.spec.apart is Apart.ALWAYS and meter.spec.fallback in (Fallback.REQUIRED, Fallback.AS_WHOLE)
]


@click.group(name="rates", cls=CommandsByName)
def command() -> None:
    """Check, show, compare and import the rate cards in rates/*.toml."""


_CHECKED = [
    Column(name="file", is_asked=True),
    Column(name="kind"),
    Column(name="currency", heading="in"),
    Column(name="models", kind=Kind.COUNT),
    Column(name="rates", kind=Kind.COUNT),
    Column(name="aliases", kind=Kind.COUNT),
    Column(name="days", kind=Kind.COUNT),
    Column(name="first_date", kind=Kind.DATE),
    Column(name="last_date", kind=Kind.DATE),
    Column(name="state"),
]
_OF_TABLES = ("days", "first_date", "last_date")
"""Columns that people are spared where there is no table of rates of exchange."""


@command.command(epilog=examples("tallybook rates check", "tallybook rates check -o json"))
@output_option()
@click.pass_obj
def check(invocation: Invocation, *, output: Output) -> None:
    """Read every rate card and table of rates of exchange, and list what is in them.

    Say in one line what is wrong with the first that cannot be meant (exit code 2).
    """
    workspace = open_workspace(invocation.workspace)
    cards = workspace.rate_cards
    if not cards:
        message = "there is no rate card; add rates/standard.toml, or run 'tallybook init' for a sample"
        raise ConfigurationError(message)
    tables = {each.file: each for each in workspace.exchange_tables.values()}.values()
    rows = [*map(_checked_card, cards.values()), *map(_checked_table, tables)]
    is_plain = output.is_for_people and not tables
    shown = [place for place, column in enumerate(_CHECKED) if not (is_plain and column.name in _OF_TABLES)]
    output.rows([_CHECKED[place] for place in shown], [[row[place] for place in shown] for row in rows])


def _checked_card(card: RateCard) -> list[Cell]:
    counts = len(card.models), len(card.rates), len(card.aliases)
    return [f"rates/{card.id}.toml", "rate card", card.currency, *counts, None, None, None, "ok"]


def _checked_table(table: ExchangeTable) -> list[Cell]:
    first, last = (table.dates[0], table.dates[-1]) if table.dates else (None, None)
    return [table.file, "rates of exchange", None, None, None, None, len(table.dates), first, last, "ok"]


@command.command(epilog=examples("tallybook rates show", "tallybook rates show --card standard -o markdown"))
@click.option("--card", "card_id", metavar="ID", help="Only this card.")
@output_option()
@click.pass_obj
def show(invocation: Invocation, *, card_id: str | None, output: Output) -> None:
    """Show rates per million tokens, with the instants from and to which each is in force.

    Tiers and their flat amounts, packages, requests, and minimum and maximum of an entry too.
    """
    workspace = open_workspace(invocation.workspace)
    cards = workspace.rate_cards
    chosen = list(cards.values()) if card_id is None else [_card(workspace, card_id)]
    meters = [
        meter
        for meter in Meter
        if meter in _ALWAYS_SHOWN or any(meter in rate.per_million for card in chosen for rate in card.rates)
    ]
    is_scoped = any(rate.service_tier or rate.above_prompt_tokens for card in chosen for rate in card.rates)
    scope = ("tier", "above_prompt_tokens") if is_scoped else ()
    limits = [
        name
        for name in ("minimum", "maximum")
        if any(getattr(rate, name) is not None for card in chosen for rate in card.rates)
    ]
    rows = [row for card in chosen for row in _rows(card, meters, limits, is_scoped=is_scoped)]
    names = (
        *("card", "model", *scope, "effective_from", "effective_to"),
        *(meter.card_key for meter in meters),
        *(*limits, "currency"),
    )
    first_price, last_price = len(scope) + 4, len(names) - 2
    columns = [
        Column(name=name, kind=_price_kind(row[place] for row in rows))
        if first_price <= place <= last_price
        else Column(
            name=name,
            kind=Kind.DATE if name.startswith("effective_") else Kind.TEXT,
            is_late_detail=name == "card" and len(chosen) == 1,
        )
        for place, name in enumerate(names)
    ]
    output.rows(columns, rows)


@command.command(
    epilog=examples("tallybook rates diff standard agreed", "tallybook rates diff standard agreed --at 2026-12-01")
)
@click.argument("card")
@click.argument("other")
@click.option("--at", metavar="DATE|INSTANT", help="What is in force then; default: now.")
@output_option()
@click.pass_obj
def diff(invocation: Invocation, *, card: str, other: str, at: str | None, output: Output) -> None:
    """Show the models and meters that cost something else on another card, with both prices per million tokens."""
    workspace = open_workspace(invocation.workspace)
    chosen = [_card(workspace, card_id) for card_id in (card, other)]
    differences = diff_cards(chosen[0], chosen[1], invocation.clock(at, time_zone(workspace.settings.timezone)))
    if len({each.currency for each in chosen}) > 1:
        warn(
            f"{card} is in {chosen[0].currency} and {other} in {chosen[1].currency}: the numbers are of different money"
        )
    _print_compared(output, card, other, differences)


@command.command(
    name="import",
    epilog=examples(
        "tallybook rates import --from genai-prices",
        "tallybook rates import --from litellm:prices.json --model jamba=ai21/jamba",
        "tallybook rates import --from genai-prices --apply --effective-from today",
    ),
)
@click.option(
    "--from",
    "source",
    required=True,
    metavar="genai-prices|litellm:FILE",
    help="The installed genai-prices package, or LiteLLM's model prices JSON.",
)
@click.option(
    "--card",
    "card_id",
    default="standard",
    show_default=True,
    metavar="ID",
    help="The card to compare with and to append to; it may be new.",
)
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="OURS[=THEIRS]",
    help="A model, and what the price list calls it. Repeat for more; default: all names of the card that are listed.",
)
@click.option(
    "--effective-from",
    "effective_from",
    metavar="DATE|INSTANT",
    help="When the new rates begin; needed to apply, else now.",
)
@click.option(
    "--apply",
    "is_applied",
    is_flag=True,
    help="Append the rates that differ to the card's file. Nothing that is there is changed.",
)
@output_option()
@click.pass_obj
def import_(
    invocation: Invocation,
    *,
    source: str,
    card_id: str,
    models: tuple[str, ...],
    effective_from: str | None,
    is_applied: bool,
    output: Output,
) -> None:
    """Compare a published price list with a card: a table of what would change.

    With --apply, append it with its effective date.
    """
    if is_applied and effective_from is None:
        message = "--apply needs --effective-from: the instant from which the new rates are in force"
        raise ConfigurationError(message)
    workspace = open_workspace(invocation.workspace)
    start_at = invocation.clock(effective_from, time_zone(workspace.settings.timezone))
    pairs = [(ours, theirs or ours) for ours, _, theirs in (each.partition("=") for each in models)]
    found = import_rates(
        workspace, _price_list(source, start_at), card_id=card_id, models=pairs, effective_from=start_at
    )
    for name in found.unlisted:
        warn(f"{name!r} is not on the price list; nothing is imported for it")
    _print_compared(output, card_id, "listed", found.differences)
    if is_applied and found.appended:
        path = append_rates(workspace, found, source=source.partition(":")[0])
        tell(
            f"appended {counted(len(found.appended), 'rate')} to {path.relative_to(workspace.root)}, in force from "
            f"{instant_text(start_at)}"
        )
    else:
        for overlap in found.overlaps:
            warn(overlap)


def _print_compared(output: Output, card: str, other: str, differences: Sequence[PriceDifference]) -> None:
    named = [Column(name=name) for name in ("model", "tier", "above_prompt_tokens", "meter")]
    priced = [
        Column(name=name, kind=_price_kind(row[place] for row in differences), is_kept=True)
        for place, name in enumerate((card, other), start=len(named))
    ]
    output.rows([*named, *priced], differences)


def _price_kind(texts: Iterable[str | int]) -> Kind:
    """Return the kind of a column of prices: one with steps or packages is a sentence, and may take several lines."""
    return Kind.TEXT if any(" " in str(text) for text in texts) else Kind.MONEY


def _price_list(source: str, at: datetime) -> dict[str, ListedPrices]:
    kind, _, file = source.partition(":")
    if kind == "litellm" and file:
        return litellm_prices(Path(file))
    if source == "genai-prices":
        return genai_prices(at)
    message = f"--from {source!r} is not known; write genai-prices, or litellm: and a file"
    raise ConfigurationError(message)


def _card(workspace: Workspace, card_id: str) -> RateCard:
    cards = workspace.rate_cards
    card_id = whole_card_id(workspace, card_id)
    if card_id not in cards:
        message = f"there is no rate card {card_id!r}; there are: {', '.join(sorted(cards)) or 'none'}"
        raise ConfigurationError(message)
    return cards[card_id]


def _rows(card: RateCard, meters: list[Meter], limits: list[str], *, is_scoped: bool) -> list[tuple[str, ...]]:
    return [
        (
            card.id,
            model,
            *((rate.service_tier, str(rate.above_prompt_tokens or "")) if is_scoped else ()),
            instant_text(rate.effective_from) if rate.effective_from else "the beginning",
            instant_text(rate.effective_to) if rate.effective_to else "",
            *(price_text(rate.price(meter), meter) for meter in meters),
            *("" if (amount := getattr(rate, name)) is None else plain_rate(amount) for name in limits),
            card.currency,
        )
        for model in card.models
        for rate in card.windows(model)
    ]
