"""``tallybook rates``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.cli.tables import print_table
from pipeline.errors import ConfigurationError
from pipeline.money import plain_rate
from pipeline.periods import instant_text
from pipeline.storage.workspace import open_workspace
from pipeline.usage import Meter

if TYPE_CHECKING:
    from pipeline.cli.context import Session
    from pipeline.rates import RateCard


@click.group(name="rates")
def command() -> None:
    """Check and show the rate cards in rates/*.toml."""


@command.command()
@click.pass_obj
def check(session: Session) -> None:
    """Read every rate card, and say in one line what is wrong with the first that cannot be meant (exit code 2)."""
    cards = open_workspace(session.workspace).rate_cards
    for card in cards.values():
        click.echo(f"rates/{card.id}.toml: {len(card.models)} models, {len(card.rates)} rates, {len(card.aliases)} aliases, {card.currency}: ok")
    if not cards:
        message = "there is no rate card; add rates/standard.toml, or run 'tallybook init' for a sample"
        raise ConfigurationError(message)


@command.command()
@click.option("--card", "card_id", help="Only this card.")
@click.pass_obj
def show(session: Session, card_id: str | None) -> None:
    """Show rates per million tokens, with the instants from and to which each is in force."""
    cards = open_workspace(session.workspace).rate_cards
    if card_id is not None and card_id not in cards:
        message = f"there is no rate card {card_id!r}; there are: {', '.join(sorted(cards)) or 'none'}"
        raise ConfigurationError(message)
    rows = [row for card in cards.values() if card_id in (None, card.id) for row in _rows(card)]
    print_table(("card", "model", "effective_from", "effective_to", *(meter.value for meter in Meter), "currency"), rows)


def _rows(card: RateCard) -> list[tuple[str, ...]]:
    return [
        (
            card.id,
            model,
            instant_text(rate.effective_from) if rate.effective_from else "since ever",
            instant_text(rate.effective_to) if rate.effective_to else "",
            *(plain_rate(rate.rate_per_million(meter)) for meter in Meter),
            card.currency,
        )
        for model in card.models
        for rate in card.windows(model)
    ]
