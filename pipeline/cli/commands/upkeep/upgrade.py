"""``tallybook upgrade``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.cli.context import EXIT_DIFFERENCE, as_of_option, tell
from pipeline.cli.options.examples import examples
from pipeline.cli.output import output_option
from pipeline.cli.tables.columns import Column
from pipeline.cli.tables.forms import Form
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.upkeep.upgrade import upgrade
from pipeline.jobs.wording import counted

if TYPE_CHECKING:
    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output
    from pipeline.jobs.upkeep.upgrade import Upgrade


@click.command(name="upgrade", epilog=examples("tallybook upgrade --dry-run", "tallybook upgrade"))
@click.option("--dry-run", "is_dry", is_flag=True, help="Say what would be written, and write nothing.")
@as_of_option
@output_option()
@click.pass_context
def command(ctx: click.Context, *, is_dry: bool, as_of: str | None, output: Output) -> None:
    """Say what this version of Tallybook makes of a workspace that an earlier one wrote, and do it.

    Nothing is converted, and nothing that was issued changes: commits, documents and kept configurations are read as
    they are. The lake states its new version, tables are made again, files of invoices are written with the columns of
    today. The next night would do the same. A run that was interrupted is finished by running it again.

    Exit code 0; with --dry-run 6 where something would be written. Where a newer version wrote anything, 2, and nothing
    is touched.
    """
    invocation: Invocation = ctx.obj
    workspace = open_workspace(invocation.workspace, now=invocation.now(), engine=invocation.engine)
    now = invocation.clock(as_of, workspace.settings.zone)
    found = upgrade(workspace, now=now, is_rehearsal=is_dry)
    if output.form is Form.JSON:
        output.document(_document(found, is_dry=is_dry))
    else:
        _print(output, found, is_dry=is_dry)
    if is_dry and found.changes:
        ctx.exit(EXIT_DIFFERENCE)


def _print(output: Output, found: Upgrade, *, is_dry: bool) -> None:
    if found.changes:
        columns = [Column(name=name) for name in ("part", "now", "then")]
        output.rows(columns, [(each.part, each.now, each.then) for each in found.changes], is_list=True)
    for each in found.drafts:
        tell(f"{each.invoice_id} came to {each.before} {each.currency} and comes to {each.after}")
    if found.segments_again:
        segments = counted(found.segments_again, "segment")
        tell(f"{segments} of logs had lines that could not be read; the next night reads them again")
    if not found.changes:
        tell("everything is of this version; nothing is to be done")
    else:
        tell("nothing was written" if is_dry else "done; nothing that was issued has changed")


def _document(found: Upgrade, *, is_dry: bool) -> dict[str, object]:
    return {
        "is_done": not is_dry,
        "changes": [{"part": each.part, "now": each.now, "then": each.then} for each in found.changes],
        "drafts": [
            {"invoice_id": each.invoice_id, "before": each.before, "after": each.after, "currency": each.currency}
            for each in found.drafts
        ],
        "segments_read_again_by_the_next_night": found.segments_again,
    }
