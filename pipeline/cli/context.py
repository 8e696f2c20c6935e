"""What every command is given: the workspace, the clock, the environment, and how to print.

Owns reading the clock and the environment, which nothing below ``cli`` does.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from pipeline.base.errors import ConfigurationError
from pipeline.base.periods import BillingPeriod, day_start_at, parse_instant
from pipeline.cli.dates import date_said, period_said
from pipeline.cli.messages.lines import Level, write_message
from pipeline.configuration.keys.key_secret import SECRET_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from zoneinfo import ZoneInfo

    from pipeline.jobs.check import Check
    from pipeline.jobs.night.trial import RefusedSource

EXIT_UNEXPECTED = 1
EXIT_CONFIGURATION = 2
EXIT_BAD_INPUT = 3
EXIT_BLOCKED = 4
EXIT_LOCKED = 5
EXIT_DIFFERENCE = 6
EXIT_BROKEN_CLAIM = 7
EXIT_MACHINE = 8
EXIT_INTERRUPTED = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One call of the command line."""

    workspace: Path
    engine: str | None = None
    """What is to count, where that was said; it may hold a token."""

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

    def today(self) -> date:
        """Return the day that it is, in UTC: what ``yesterday`` and ``last-month`` are about."""
        return self.now().date()

    def clock(self, as_of: str | None, zone: ZoneInfo) -> datetime:
        """Return the clock of this run.

        The machine's, or the date (its midnight in ``zone``) or instant that was asked for.
        """
        if as_of is None:
            return self.now()
        for read in (lambda text: day_start_at(date_said(text, self.today()), zone), parse_instant):
            with suppress(ConfigurationError):
                return read(as_of)
        message = (
            f"{as_of!r} is no date and no instant; write a date such as 2026-10-10, today or yesterday, or an instant "
            "with its offset, such as 2026-10-10T12:00:00Z"
        )
        raise ConfigurationError(message)


class PeriodType(click.ParamType["BillingPeriod"]):
    """A billing period on the command line.

    ``2026-10``, ``this-month``, ``last-month``, ``2026-Q4``, ``2026``, ``2026-10-15``, ``2026-11--2027-01``.
    """

    name = "PERIOD"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> BillingPeriod:
        """Read the period, or fail as a usage error."""
        if isinstance(value, BillingPeriod):
            return value
        try:
            return period_said(str(value), _today(ctx))
        except ConfigurationError as error:
            self.fail(str(error), param, ctx)


class DateType(click.ParamType["date"]):
    """A day on the command line: ``2026-10-31``, ``yesterday``; a month is its first day."""

    name = "DATE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Read the day, or fail as a usage error."""
        if isinstance(value, date):
            return value
        try:
            return date_said(str(value), _today(ctx))
        except ConfigurationError as error:
            self.fail(str(error), param, ctx)


as_of_option = click.option(
    "--as-of", metavar="DATE|INSTANT", help="The clock of this run, such as 2026-11-01 or yesterday; default: now."
)
accept_lost_commits_option = click.option(
    "--accept-lost-commits",
    is_flag=True,
    help="Go on although the lake lacks commits that were there: they are lost for good, and what still lies in the "
    "logs is read again.",
)


def _today(context: click.Context | None) -> date:
    invocation = context.find_object(Invocation) if context else None
    return (invocation or Invocation(workspace=Path())).today()


def is_terminal(stream: TextIO | None = None) -> bool:
    """Say whether a stream (default: stdout) is read by a person."""
    return (stream or sys.stdout).isatty()


def tell_of_broken_claims(broken: Iterable[Check]) -> None:
    """Write a line to stderr for each claim that does not hold."""
    for check in broken:
        complain(
            f"{broken_claim_text(check)}; no invoice can be issued before it holds, see 'tallybook verify'",
            event="broken_claim",
            claim=check.name,
        )


def tell_of_refused_sources(refused: Iterable[RefusedSource]) -> None:
    """Write a line to stderr for each source that was kept out, since most of it cannot be read."""
    for source in refused:
        counts = {"lines": source.lines, "refused": source.refused}
        complain(source.text, event="source_refused", source=source.name, counts=counts)


def tell_of_strict_failures(failures: Sequence[str]) -> None:
    """Write a line to stderr that says for what ``--strict`` fails; nothing where there is nothing."""
    if failures:
        complain(f"--strict: new or unread: {'; '.join(failures)}", event="strict", failures=list(failures))


def broken_claim_text(check: Check) -> str:
    """Name a claim that does not hold, and what breaks it."""
    return f"the claim {check.name} does not hold: {check.detail}"


def complain(text: str, *, event: str, **fields: Any) -> None:
    """Write to stderr why this ends with an exit code, in one line."""
    write_message(text, level=Level.ERROR, event=event, **fields)


def warn(text: str, *, event: str = "warning", **fields: Any) -> None:
    """Write one line of warning to stderr; it says what to do."""
    write_message(text, level=Level.WARNING, event=event, **fields)


def tell(text: str, *, event: str = "note", **fields: Any) -> None:
    """Write one line to stderr; ``event`` and ``fields`` are what a program is told of it beside the text."""
    write_message(text, level=Level.INFO, event=event, **fields)
