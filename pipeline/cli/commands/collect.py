"""``tallybook collect``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, BinaryIO

import click

from pipeline.cli.context import EXIT_BAD_INPUT, accept_lost_commits_option, as_of_option, tell_of_refused_sources
from pipeline.cli.options.examples import examples
from pipeline.cli.options.given_logs import GivenLog
from pipeline.cli.output import output_option, say
from pipeline.cli.progress import progress
from pipeline.cli.tables.forms import Form
from pipeline.cli.warned import tell_warnings, warning_documents
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.night.collect import collect
from pipeline.jobs.wording import counted
from pipeline.objects.lock import locked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output
    from pipeline.jobs.night.collect import Collected

_STANDARD_INPUT = "-"
_PIECE_BYTES = 2**20


@click.command(
    name="collect",
    epilog=examples(
        "tallybook collect",
        "zcat app.log.gz | tallybook collect - --source gateway --keep",
        "tallybook collect logs/2026-10.jsonl --json",
        "tallybook collect gateway --again",
    ),
)
@click.argument("given", metavar="[PATH|SOURCE|- …]", nargs=-1)
@click.option(
    "--source", "as_source", metavar="NAME", help="Read the given files as this source where none names them."
)
@click.option("--keep", is_flag=True, help="Keep what comes by standard input, as a log of its source (received/).")
@click.option("--again", is_flag=True, help="Read what is still there anew; it supersedes what was read of it before.")
@click.option(
    "--force", is_flag=True, help="Commit a source that is new, or read anew, although most of its lines are refused."
)
@accept_lost_commits_option
@output_option(Form.TABLE, Form.JSON)
@as_of_option
@click.pass_obj
@click.pass_context
def command(
    context: click.Context,
    invocation: Invocation,
    *,
    given: tuple[str, ...],
    as_source: str | None,
    keep: bool,
    again: bool,
    force: bool,
    accept_lost_commits: bool,
    as_of: str | None,
    output: Output,
) -> int:
    """Read what is new in the configured sources, or in the given files and sources, into the lake.

    Doing it twice changes nothing. "-" is standard input: its usage is kept, and the log itself only with --keep. A
    file that no source names is read as the only source that reads its first lines, or as --source says; where neither
    tells, nothing is read (exit code 2). With --again, what is still there of the logs is read anew, and what differs
    takes the place of what was read before, in one commit. Exit code 3 where a source is new, or newly configured, and
    more than half of its lines cannot be read: nothing of it is committed then.
    """
    workspace = open_workspace(invocation.workspace, engine=invocation.engine)
    configured = {source.name for source in workspace.settings.sources}
    names = [each for each in given if each in configured]
    others = [each for each in given if each not in configured]
    paths = [GivenLog().convert(each, None, context) for each in others if each != _STANDARD_INPUT]
    received = _received(context) if _STANDARD_INPUT in others else None
    if as_source is not None and not paths and received is None:
        message = "--source says what given files are read as; to collect a source, name it without --source"
        raise click.UsageError(message, context)
    if keep and received is None:
        message = '--keep says that what comes by standard input is kept; name it by "-"'
        raise click.UsageError(message, context)
    now = invocation.clock(as_of, workspace.settings.zone)
    with locked(workspace.lake, command="tallybook collect", started_at=now), progress() as on_progress:
        collected = collect(
            workspace,
            now=now,
            key_secret=invocation.key_secret,
            accept_lost_commits=accept_lost_commits,
            paths=paths,
            received=received,
            keep=keep,
            source_names=names,
            as_source=as_source,
            again=again,
            force=force,
            on_progress=on_progress,
            processes=invocation.processors,
        )
    if output.form is Form.JSON:
        output.document(collected.document() | {"warnings": warning_documents(collected.warnings)})
    else:
        _print_summary(collected)
    tell_of_refused_sources(collected.refused)
    return EXIT_BAD_INPUT if collected.refused else 0


def _print_summary(collected: Collected) -> None:
    say(*collected.told)
    say(
        f"collected {counted(collected.lines, 'new line')} from {collected.new_files} of "
        f"{counted(collected.files, 'log')}"
    )
    if collected.quarantine_text:
        say(collected.quarantine_text)
    tell_warnings(collected.warnings)


def _received(context: click.Context) -> Iterator[bytes]:
    """Return the pieces of standard input. Raises ``click.UsageError`` where nobody wrote into it."""
    if sys.stdin.isatty():
        message = "standard input is a terminal; pipe a log into it, such as: zcat app.log.gz | tallybook collect -"
        raise click.UsageError(message, context)
    return _pieces(sys.stdin.buffer)


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    while piece := stream.read(_PIECE_BYTES):
        yield piece
