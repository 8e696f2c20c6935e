"""Options that say which usage is meant: a period or dates, accounts, keys, models, tiers, meters, tags.

Owns how they are written. Does not own what they choose (``pipeline.jobs.answers.grouped.selection``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pipeline.base.errors import ConfigurationError
from pipeline.cli.context import DateType, PeriodType
from pipeline.cli.tables.columns import Kind
from pipeline.jobs.answers.grouped.selection import Selection, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from pipeline.base.periods import BillingPeriod

KINDS: Mapping[str, Kind] = {
    "account_id": Kind.ID,
    "api_key_id": Kind.ID,
    "usage_hour": Kind.DATE,
    "usage_date": Kind.DATE,
    "billing_period": Kind.DATE,
    "would_have_cost": Kind.MONEY,
}
"""What the columns hold that usage is grouped by; names of others are text."""
_OPTIONS = (
    click.option(
        "--period",
        type=PeriodType(),
        help="A month, such as 2026-10 or last-month: --from its first day --to the next one's.",
    ),
    click.option("--from", "from_date", type=DateType(), help="First usage date, such as 2026-10-01 or yesterday."),
    click.option(
        "--to",
        "to_date",
        type=DateType(),
        help="Usage date to stop before: --from 2026-10-01 --to 2026-11-01 is October.",
    ),
    click.option(
        "--account",
        "accounts",
        multiple=True,
        metavar="ID",
        help="Of this account alone; 'unassigned' is of none. Repeat for more.",
    ),
    click.option(
        "--key",
        "keys",
        multiple=True,
        metavar="ID",
        help="Of this key alone: its id, or what no other id begins with. Repeat for more.",
    ),
    click.option(
        "--model",
        "models",
        multiple=True,
        metavar="MODEL",
        help="Of this model alone, as the rate card calls it. Repeat for more.",
    ),
    click.option(
        "--tier",
        "tiers",
        multiple=True,
        metavar="TIER",
        help="Of this service tier alone; '' is not stated. Repeat for more.",
    ),
    click.option(
        "--tag",
        "tags",
        multiple=True,
        metavar="NAME=VALUE",
        help="Of keys with this tag; NAME= is of those without it. Repeat for more.",
    ),
)


meter_option = click.option(
    "--meter",
    "meters",
    multiple=True,
    metavar="METER",
    help="On this meter alone, such as prompt or completion. Repeat for more.",
)


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options; each may be written several times, and then chooses any of its values."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def selection_of(
    *,
    period: BillingPeriod | None,
    from_date: date | None,
    to_date: date | None,
    meters: tuple[str, ...] = (),
    **chosen: tuple[str, ...],
) -> Selection:
    """Return what the options choose. Raises ``ConfigurationError`` for a period beside dates, or none that can be."""
    if period is not None and (from_date or to_date):
        message = "--period says all dates of a month; leave out --from and --to, or write both in its place"
        raise ConfigurationError(message)
    span = Span(from_date=from_date, to_date=to_date) if period is None else Span.of(period)
    return Selection(span=span, meters=meters, **chosen)
