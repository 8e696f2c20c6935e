"""``tallybook report``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.base.errors import LakeError, WorkspaceLocked
from pipeline.cli.context import PeriodType, as_of_option
from pipeline.cli.options.examples import examples
from pipeline.cli.options.files import WrittenFile
from pipeline.cli.output import put_file, say
from pipeline.configuration.workspace import open_workspace
from pipeline.documents.report.page import report_page
from pipeline.jobs.reported.report import default_path, report, write_report
from pipeline.objects.lock import last_used, user_since

if TYPE_CHECKING:
    from pipeline.base.periods import BillingPeriod
    from pipeline.cli.context import Invocation

_STDOUT = "-"
_TRIES_MAX = 3
"""The page is of several questions, and a run may commit between two of them."""


@click.command(
    name="report",
    epilog=examples(
        "tallybook report",
        "tallybook report --period last-month --to october.html",
        "tallybook report --period 2026-10 --as-of 2026-11-02 --to - | less",
    ),
)
@click.option(
    "--period",
    type=PeriodType(),
    help="A month, such as 2026-10 or last-month, a quarter or a year; default: the last month with usage.",
)
@click.option(
    "--to",
    metavar="FILE",
    type=WrittenFile(is_dash_stdout=True),
    help="Write it there, or with - to stdout; default: reports/report-PERIOD.html in the workspace.",
)
@as_of_option
@click.pass_obj
def command(invocation: Invocation, *, period: BillingPeriod | None, to: str | None, as_of: str | None) -> None:
    """One page for people: spend, what moved, what is on no bill, budgets, drafts and invoices of a period.

    An HTML file that asks for nothing beyond itself: it opens offline, can be mailed, and prints on A4. For the manager
    its first screen says how much it is, against the month before, what moved and what is at risk; for the operator the
    rest says why, with the command behind each number. A period that is not over is compared by the days that are.
    Everything is counted as a night counts it, and nothing is written but the page.
    """
    workspace = open_workspace(invocation.workspace, now=invocation.now(), engine=invocation.engine)
    now = invocation.clock(as_of, workspace.settings.zone)
    user = None
    for _ in range(_TRIES_MAX):
        before = last_used(workspace.lake)
        try:
            found = report(replace(workspace, now=now), period, now)
        except LakeError:
            if (user := user_since(workspace.lake, before)) is None:
                raise
            continue  # what is forgotten meanwhile is gone, and no damage
        if (user := user_since(workspace.lake, before)) is None:
            break
    else:
        message = (
            f"workspace {workspace.root} was in use by {user} each of {_TRIES_MAX} times that it was read, and a page "
            "would be of before and after; wait until it has ended, then run the command again"
        )
        raise WorkspaceLocked(message)
    page = report_page(found)
    if to == _STDOUT:
        put_file(page)
        return
    path = default_path(workspace, found.period) if to is None else Path(to)
    write_report(path, page)
    say(f"wrote {path}")
