"""``tallybook compact``."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

import click

from pipeline.base.errors import ConfigurationError
from pipeline.cli.context import EXIT_DIFFERENCE, DateType, as_of_option, tell
from pipeline.cli.options.examples import examples
from pipeline.cli.output import output_option
from pipeline.cli.tables.columns import Kind, columns_of
from pipeline.cli.tables.forms import Form, json_rows
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.state.history import refuse_lost_history
from pipeline.jobs.upkeep.compact import compact, planned, summary
from pipeline.jobs.wording import counted

if TYPE_CHECKING:
    from datetime import date

    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output
    from pipeline.cli.tables.columns import Cell
    from pipeline.jobs.upkeep.compact import Compacted

_COLUMNS = columns_of(
    {
        "holds": Kind.TEXT,
        "date": Kind.DATE,
        "rows": Kind.COUNT,
        "bytes": Kind.COUNT,
        "files": Kind.COUNT,
        "files_after": Kind.COUNT,
    }
)
_MEGABYTE = 1_000_000
_SIZE_MAX = 32
"""As much as is held in memory at a time, some ten times as large as it is in a file."""


@click.command(
    name="compact",
    epilog=examples(
        "tallybook compact --dry-run",
        "tallybook compact --before 2026-11-01",
        "tallybook compact --max-size 128",
    ),
)
@click.option(
    "--before", metavar="DATE", type=DateType(), help="Only files of UTC days before this one; default: today."
)
@click.option(
    "--max-size",
    "megabytes",
    metavar="MB",
    type=click.IntRange(1, 1024),
    default=_SIZE_MAX,
    show_default=True,
    help="Files smaller than this become one that is no larger.",
)
@click.option("--dry-run", "is_dry", is_flag=True, help="Say which files would become one, and write nothing.")
@as_of_option
@output_option()
@click.pass_context
def command(
    ctx: click.Context, *, before: date | None, megabytes: int, is_dry: bool, as_of: str | None, output: Output
) -> None:
    """Write the many small files of a day as one, so that other engines and empty machines ask for fewer.

    Nothing that counts changes: every event stays the one that its commit collected, and every invoice, draft and
    explanation what it was. The small files are removed once the log of the lake says where their rows lie. Programs
    before this version then refuse the lake. A run that was interrupted is finished by running it again.

    Exit code 0; with --dry-run 6 where something would be written.
    """
    invocation: Invocation = ctx.obj
    workspace = open_workspace(invocation.workspace, now=invocation.now(), engine=invocation.engine)
    now = invocation.clock(as_of, workspace.settings.zone)
    today = now.astimezone(UTC).date()
    if before is not None and before > today:
        message = f"--before is {before}, which has not come; give a day up to today"
        raise ConfigurationError(message)
    before, size_max = before or today, megabytes * _MEGABYTE
    if is_dry:
        snapshot = refuse_lost_history(workspace).snapshot
        found = summary(snapshot, planned(snapshot, before=before, size_max=size_max))
    else:
        found = compact(workspace, before=before, size_max=size_max, now=now)
    if output.form is Form.JSON:
        output.document({"is_done": not is_dry, "rows": json_rows(_COLUMNS, _rows(found))})
    else:
        _print(output, found, is_dry=is_dry)
    if is_dry and found:
        ctx.exit(EXIT_DIFFERENCE)


def _rows(found: list[Compacted]) -> list[tuple[Cell, ...]]:
    return [
        (
            f"{'quarantined lines' if each.date is None else 'usage events'}{'' if each.in_force else ', superseded'}",
            each.date,
            each.rows,
            each.size,
            each.files,
            each.files_after,
        )
        for each in found
    ]


def _print(output: Output, found: list[Compacted], *, is_dry: bool) -> None:
    if found or not output.is_for_people:
        output.rows(_COLUMNS, _rows(found))
    files, after = sum(each.files for each in found), sum(each.files_after for each in found)
    if not found:
        tell("no two small files of a day; nothing is to be done")
    else:
        tell(f"{counted(files, 'file')} {'would become' if is_dry else 'became'} {after}")
