"""``tallybook acknowledge``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.base.errors import ConfigurationError
from pipeline.base.warning_codes import WarningCode
from pipeline.cli.context import as_of_option
from pipeline.cli.options.examples import examples
from pipeline.cli.output import say
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.state.notices.acknowledged import acknowledge, acknowledged_text, read_acknowledged, take_back
from pipeline.objects.lock import locked

if TYPE_CHECKING:
    from pipeline.cli.context import Invocation


@click.command(
    name="acknowledge",
    epilog=examples(
        'tallybook acknowledge unassigned key_5a1c --reason "load test of June"',
        'tallybook acknowledge quarantined --reason "a full disk, ticket 4711"',
        "tallybook acknowledge unassigned key_5a1c --undo",
    ),
)
@click.argument("code", type=click.Choice([code.value for code in WarningCode]), metavar="CODE")
@click.argument("subject", default="", metavar="[SUBJECT]")
@click.option("--reason", help="Why nobody needs to act; kept in acknowledged.jsonl, and shown by doctor.")
@click.option("--undo", is_flag=True, help="Let it be told again.")
@as_of_option
@click.pass_obj
def command(
    invocation: Invocation, *, code: str, subject: str, reason: str | None, undo: bool, as_of: str | None
) -> None:
    """Quiet the warnings of one code about one subject, as the last night told of them, until there is more of them.

    CODE and SUBJECT are those of 'nightly --json'; a few warnings have no subject. A line is added to
    acknowledged.jsonl in the workspace. What is quiet is counted and billed as ever, and --strict does not fail for it.
    """
    if undo == (reason is not None):
        message = "give --reason to acknowledge, or --undo to let it be told again, and not both"
        raise ConfigurationError(message)
    workspace = open_workspace(invocation.workspace)
    now = invocation.clock(as_of, workspace.settings.zone)
    with locked(workspace.lake, command="tallybook acknowledge", started_at=now):
        if reason is None:
            say(f"told again: {acknowledged_text(take_back(workspace.root, code, subject, now=now))}")
            return
        entry = acknowledge(workspace.root, code, subject, reason=reason, now=now)
        if entry is not None:
            say(f"acknowledged: {acknowledged_text(entry)}")
            return
        standing = {(each.code, each.subject): each for each in read_acknowledged(workspace.root)}
        say(f"acknowledged already: {acknowledged_text(standing[code, subject])}")
