"""What every command is given: the workspace, the clock, the environment, and how to print.

Owns reading the clock and the environment, which nothing below ``cli`` does.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

import click

from pipeline.base.errors import ConfigurationError
from pipeline.base.periods import BillingPeriod, day_start_at, parse_date, parse_instant
from pipeline.configuration.key_secret import SECRET_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from pipeline.jobs.check import Check
    from pipeline.jobs.night.trial import RefusedSource

EXIT_UNEXPECTED = 1
EXIT_CONFIGURATION = 2
EXIT_BAD_INPUT = 3
EXIT_DIFFERENCE = 6
EXIT_BROKEN_CLAIM = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One call of the command line."""

    workspace: Path

    @property
    def key_secret(self) -> bytes | None:
        """The secret of key ids from the environment, where it is set."""
        return os.environb.get(SECRET_VARIABLE.encode())

    @property
    def processors(self) -> int:
        """How many processors this process may use."""
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    def now(self) -> datetime:
        """Read the clock."""
        return datetime.now(UTC)

    def clock(self, as_of: str | None, zone: ZoneInfo) -> datetime:
        """Return the clock of this run.

        The machine's, or the date (its midnight in ``zone``) or instant that was asked for.
        """
        if as_of is None:
            return self.now()
        try:
            return day_start_at(parse_date(as_of), zone)
        except ConfigurationError:
            return parse_instant(as_of)


class PeriodType(click.ParamType["BillingPeriod"]):
    """A billing period on the command line: ``2026-10``, ``2026-Q4``, ``2026``, ``2026-10-15``."""

    name = "PERIOD"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> BillingPeriod:
        """Read the period, or fail as a usage error."""
        if isinstance(value, BillingPeriod):
            return value
        try:
            return BillingPeriod.parse(str(value))
        except ConfigurationError as error:
            self.fail(str(error), param, ctx)


def is_terminal(stream: TextIO | None = None) -> bool:
    """Say whether a stream (default: stdout) is read by a person."""
    return (stream or sys.stdout).isatty()


def tell_of_broken_claims(broken: Iterable[Check]) -> None:
    """Write a line to stderr for each claim that does not hold."""
    for check in broken:
        click.echo(
            f"tallybook: {broken_claim_text(check)}; no invoice can be issued before it holds, see 'tallybook verify'",
            err=True,
        )


def tell_of_refused_sources(refused: Iterable[RefusedSource]) -> None:
    """Write a line to stderr for each source that was kept out, since most of it cannot be read."""
    for source in refused:
        click.echo(f"tallybook: {source.text}", err=True)


def broken_claim_text(check: Check) -> str:
    """Name a claim that does not hold, and what breaks it."""
    return f"the claim {check.name} does not hold: {check.detail}"


def warn(text: str) -> None:
    """Write one line of warning to stderr; it says what to do."""
    click.echo(f"warning: {text}", err=True)
