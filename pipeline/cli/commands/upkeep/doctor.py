"""``tallybook doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.cli.context import EXIT_BAD_INPUT, EXIT_CONFIGURATION, EXIT_UNEXPECTED, tell_of_strict_failures
from pipeline.cli.options.examples import examples
from pipeline.cli.output import output_option, say
from pipeline.cli.tables.columns import Column, Kind
from pipeline.cli.tables.forms import Form, json_rows
from pipeline.cli.warned import tell_warnings, warning_documents
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.night.night_warnings import warnings_now
from pipeline.jobs.state.notices.told import strict_failures
from pipeline.jobs.upkeep.doctor import examine
from pipeline.jobs.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output
    from pipeline.jobs.upkeep.doctor import Examination
    from pipeline.jobs.warned import NightWarning

_FINDINGS = (Column(name="finding"), Column(name="ok"), Column(name="detail"))
_QUARANTINED = (
    Column(name="source"),
    Column(name="line", kind=Kind.COUNT),
    Column(name="bytes", kind=Kind.SPAN, is_detail=True),
    Column(name="key", kind=Kind.ID),
    Column(name="tokens", kind=Kind.COUNT),
    Column(name="reason"),
    Column(name="detail"),
)


@click.command(
    name="doctor",
    epilog=examples(
        "tallybook doctor",
        "tallybook doctor --warnings",
        "tallybook doctor --quarantined-max 0 --strict",
        "tallybook doctor -o json",
    ),
)
@click.option(
    "--quarantined-max",
    metavar="N",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="How many quarantined lines to list; CSV has all.",
)
@click.option(
    "--warnings",
    "with_warnings",
    is_flag=True,
    help="What a night would warn of too; counts everything, as a night does.",
)
@click.option(
    "--strict",
    is_flag=True,
    help="Exit code 3 where 'nightly --strict' would end with it now: something is new of a code of [strict] fail_on. "
    "Counts everything, as a night does.",
)
@output_option()
@click.pass_obj
def command(invocation: Invocation, *, quarantined_max: int, with_warnings: bool, strict: bool, output: Output) -> int:
    """Look over the workspace: configuration, sources, secret, lake; list quarantined lines by source, line and reason.

    Exit code 1 where the lake is damaged, else 2 where anything else is marked LOOK, else 3 with --strict and something
    of [strict] fail_on that the last night did not tell of and nobody acknowledged, else 0. Makes nothing known.
    """
    workspace = open_workspace(invocation.workspace, now=invocation.now(), engine=invocation.engine)
    report = examine(workspace, key_secret=invocation.key_secret)
    is_counted = (with_warnings or strict) and not report.is_lake_damaged
    warnings = warnings_now(workspace) if is_counted else []
    failures = strict_failures(warnings, workspace.settings.fail_on) if strict else ()
    _print(report, warnings if with_warnings else [], failures, quarantined_max, output)
    tell_of_strict_failures(failures)
    if report.is_lake_damaged:
        return EXIT_UNEXPECTED
    if not all(finding.ok for finding in report.findings):
        return EXIT_CONFIGURATION
    return EXIT_BAD_INPUT if failures else 0


def _print(
    report: Examination,
    warnings: Sequence[NightWarning],
    failures: Sequence[str],
    quarantined_max: int,
    output: Output,
) -> None:
    listed = report.quarantined[:quarantined_max]
    if output.form is not Form.JSON:
        tell_warnings(warnings)
    if output.form is Form.JSON:
        findings = [{"name": each.name, "ok": each.ok, "detail": each.detail} for each in report.findings]
        counts = {"quarantined_lines": len(report.quarantined)}
        rows = json_rows(_QUARANTINED, listed)
        told = warning_documents(warnings)
        output.document(
            {
                "findings": findings,
                "warnings": told,
                "strict_failures": list(failures),
                **counts,
                "quarantined": rows,
            }
        )
        return
    if output.form is Form.CSV:
        output.rows(_QUARANTINED, report.quarantined)
        return
    if output.form is Form.MARKDOWN:
        output.rows(_FINDINGS, [(each.name, "ok" if each.ok else "LOOK", each.detail) for each in report.findings])
    else:
        say(*(f"{'ok  ' if each.ok else 'LOOK'}  {each.name}: {each.detail}" for each in report.findings))
    if listed:
        first = f", the first {len(listed)}" if len(listed) < len(report.quarantined) else ""
        say("", f"{counted(len(report.quarantined), 'quarantined line')}{first}:")
        output.rows(_QUARANTINED, listed, rows_max=None)
