"""Options that say which usage is meant: a period or dates, accounts, keys, models, tiers, meters, tags.

Owns how they are written. Does not own what they choose (``pipeline.jobs.answers.grouped.selection``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pipeline.base.errors import ConfigurationError
from pipeline.base.periods import parse_date
from pipeline.cli.context import PeriodType
from pipeline.jobs.answers.grouped.selection import Selection, Span

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.base.periods import BillingPeriod

_OPTIONS = (
    click.option("--period", type=PeriodType(), help="A month: the same as --from its first day --to the next one's."),
    click.option("--from", "from_text", metavar="DATE", help="First usage date."),
    click.option(
        "--to",
        "to_text",
        metavar="DATE",
        help="Usage date to stop before: --from 2026-10-01 --to 2026-11-01 is October.",
    ),
    click.option("--account", "accounts", multiple=True, help="Of this account alone; 'unassigned' is of none."),
    click.option("--key", "keys", multiple=True, help="Of this key alone: its id, or what no other id begins with."),
    click.option("--model", "models", multiple=True, help="Of this model alone, as the rate card calls it."),
    click.option("--tier", "tiers", multiple=True, help="Of this service tier alone; '' is not stated."),
    click.option(
        "--tag",
        "tags",
        multiple=True,
        metavar="NAME=VALUE",
        help="Of keys with this tag; NAME= is of those without it.",
    ),
)


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options; each may be written several times, and then chooses any of its values."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def selection_of(
    *,
    period: BillingPeriod | None,
    from_text: str | None,
    to_text: str | None,
    meters: tuple[str, ...] = (),
    **chosen: tuple[str, ...],
) -> Selection:
    """Return what the options choose. Raises ``ConfigurationError`` for a period beside dates, or none that can be."""
    if period is not None and (from_text or to_text):
        message = "--period says all dates of a month; leave out --from and --to, or write both in its place"
        raise ConfigurationError(message)
    span = (
        Span.of(period)
        if period is not None
        else Span(
            from_date=parse_date(from_text) if from_text else None, to_date=parse_date(to_text) if to_text else None
        )
    )
    return Selection(span=span, meters=meters, **chosen)
