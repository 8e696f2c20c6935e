"""``tallybook reconcile``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.base.errors import ConfigurationError
from pipeline.cli.context import EXIT_DIFFERENCE
from pipeline.cli.options.examples import examples
from pipeline.cli.output import output_option, say
from pipeline.cli.tables.columns import Column, Kind
from pipeline.cli.tables.forms import Form, json_rows
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.answers.provider_usage import read_key_names, read_provider_usage
from pipeline.jobs.answers.reconcile import Agreement, Tolerance, reconcile

if TYPE_CHECKING:
    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output
    from pipeline.jobs.answers.reconcile import Comparison

_COLUMNS = (
    Column(name="utc_date", kind=Kind.DATE, is_asked=True),
    Column(name="api_key_id", kind=Kind.ID, is_asked=True),
    Column(name="model", is_asked=True),
    Column(name="agreement", is_asked=True),
    Column(name="prompt_tokens_here", kind=Kind.COUNT),
    Column(name="prompt_tokens_there", kind=Kind.COUNT),
    Column(name="prompt_tokens_difference", kind=Kind.COUNT),
    Column(name="completion_tokens_here", kind=Kind.COUNT),
    Column(name="completion_tokens_there", kind=Kind.COUNT),
    Column(name="completion_tokens_difference", kind=Kind.COUNT),
    Column(name="prompt_cached_tokens_here", kind=Kind.COUNT, is_detail=True),
    Column(name="prompt_cached_tokens_there", kind=Kind.COUNT, is_detail=True),
    Column(name="requests_here", kind=Kind.COUNT, is_detail=True),
    Column(name="requests_there", kind=Kind.COUNT, is_detail=True),
)


class _ToleranceType(click.ParamType["Tolerance"]):
    name = "N|P%"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Tolerance:
        if isinstance(value, Tolerance):
            return value
        try:
            return Tolerance.parse(str(value))
        except ConfigurationError as error:
            self.fail(str(error), param, ctx)


@click.command(
    name="reconcile",
    epilog=examples(
        "tallybook reconcile october.json",
        "tallybook reconcile october.csv --tolerance 0.5% --only-their-keys",
        "tallybook reconcile page-1.json page-2.json --keys key-ids.csv -o csv",
    ),
)
@click.argument(
    "paths", metavar="FILE …", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@click.option(
    "--tolerance",
    type=_ToleranceType(),
    default="0",
    show_default=True,
    help="Tokens (250), or per cent of their count (0.5%), for each count.",
)
@click.option(
    "--keys",
    "keys_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="CSV provider_key_id,api_key_id: their key ids and ours.",
)
@click.option("--only-their-keys", is_flag=True, help="Leave out our usage of keys that the export does not name.")
@click.option("--all", "show_all", is_flag=True, help="List what matches too, in the table; csv and json always do.")
@output_option()
@click.pass_obj
def command(
    invocation: Invocation,
    *,
    paths: tuple[Path, ...],
    tolerance: Tolerance,
    keys_file: Path | None,
    only_their_keys: bool,
    show_all: bool,
    output: Output,
) -> int:
    """Compare billed tokens per key, model and UTC day with a provider's own usage export.

    Exit code 6 on drift beyond the tolerance.

    FILE is the JSON of OpenAI's organization usage API (GET /v1/organization/usage/completions with
    group_by=[api_key_id, model]; several pages are several files), or a CSV with the columns
    date,api_key_id,model,prompt_tokens,completion_tokens and, where known, prompt_cached_tokens and requests. Days are
    UTC days on both sides, not the accounts' own. Only days that the export covers are compared.
    """
    workspace = open_workspace(invocation.workspace, now=invocation.now(), engine=invocation.engine)
    key_names = read_key_names(keys_file) if keys_file else {}
    result = reconcile(
        workspace, read_provider_usage(paths), tolerance=tolerance, key_names=key_names, only_their_keys=only_their_keys
    )
    rows = [
        _row(comparison)
        for comparison in result.comparisons
        if not output.is_for_people or show_all or comparison.agreement is not Agreement.MATCHED
    ]
    if output.form is Form.CSV:
        output.rows(_COLUMNS, rows)
    elif output.form is Form.JSON:
        document = {
            "ok": result.is_fine,
            "first_date": result.first_date.isoformat(),
            "end_date": result.end_date.isoformat(),
            "counts": result.counts(),
        }
        output.document(document | {"comparisons": json_rows(_COLUMNS, rows)})
    else:
        if rows:
            output.rows(_COLUMNS, rows)
        counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in result.counts().items())
        say(f"UTC days from {result.first_date} to (excluding) {result.end_date}, by key, model and day: {counts}")
    return 0 if result.is_fine else EXIT_DIFFERENCE


def _row(comparison: Comparison) -> tuple[str | int | None, ...]:
    ours, theirs = comparison.ours, comparison.theirs
    return (
        comparison.utc_date.isoformat(),
        comparison.api_key_id,
        comparison.model,
        comparison.agreement.value,
        ours.prompt_tokens,
        theirs.prompt_tokens,
        ours.prompt_tokens - theirs.prompt_tokens,
        ours.completion_tokens,
        theirs.completion_tokens,
        ours.completion_tokens - theirs.completion_tokens,
        ours.prompt_cached_tokens,
        theirs.prompt_cached_tokens,
        ours.requests,
        theirs.requests,
    )
