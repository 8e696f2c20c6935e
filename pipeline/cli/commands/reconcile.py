"""``tallybook reconcile``."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.base.errors import ConfigurationError
from pipeline.cli.context import EXIT_DIFFERENCE
from pipeline.cli.printing import print_table
from pipeline.configuration.workspace import open_workspace
from pipeline.documents.csv_text import csv_bytes
from pipeline.jobs.answers.provider_usage import read_provider_usage
from pipeline.jobs.answers.reconcile import Agreement, Tolerance, reconcile

if TYPE_CHECKING:
    from pipeline.cli.context import Invocation
    from pipeline.jobs.answers.reconcile import Comparison

_HEADER = (
    "utc_date",
    "api_key_id",
    "model",
    "agreement",
    "prompt_tokens_here",
    "prompt_tokens_there",
    "prompt_tokens_difference",
    "completion_tokens_here",
    "completion_tokens_there",
    "completion_tokens_difference",
    "prompt_cached_tokens_here",
    "prompt_cached_tokens_there",
    "requests_here",
    "requests_there",
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


@click.command(name="reconcile")
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
@click.option("-o", "--output", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.pass_obj
def command(
    invocation: Invocation,
    *,
    paths: tuple[Path, ...],
    tolerance: Tolerance,
    keys_file: Path | None,
    only_their_keys: bool,
    show_all: bool,
    output: str,
) -> int:
    """Compare billed tokens per key, model and UTC day with a provider's own usage export.

    Exit code 6 on drift beyond the tolerance.

    FILE is the JSON of OpenAI's organization usage API (GET /v1/organization/usage/completions with
    group_by=[api_key_id, model]; several pages are several files), or a CSV with the columns
    date,api_key_id,model,prompt_tokens,completion_tokens and, where known, prompt_cached_tokens and requests. Days are
    UTC days on both sides, not the accounts' own. Only days that the export covers are compared.
    """
    workspace = open_workspace(invocation.workspace, now=invocation.now())
    key_names = _key_names(keys_file) if keys_file else {}
    result = reconcile(
        workspace, read_provider_usage(paths), tolerance=tolerance, key_names=key_names, only_their_keys=only_their_keys
    )
    rows = [
        _row(comparison)
        for comparison in result.comparisons
        if output != "table" or show_all or comparison.agreement is not Agreement.MATCHED
    ]
    if output == "csv":
        click.echo(csv_bytes(_HEADER, rows), nl=False)
    elif output == "json":
        listed = [dict(zip(_HEADER, row, strict=True)) for row in rows]
        document = {
            "ok": result.is_fine,
            "first_date": result.first_date.isoformat(),
            "end_date": result.end_date.isoformat(),
            "counts": result.counts(),
        }
        click.echo(json.dumps(document | {"comparisons": listed}, indent=1))
    else:
        if rows:
            print_table(_HEADER, rows)
        counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in result.counts().items())
        click.echo(
            f"UTC days from {result.first_date} to (excluding) {result.end_date}, by key, model and day: {counts}"
        )
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


def _key_names(path: Path) -> dict[str, str]:
    with path.open(newline="", encoding="utf-8-sig") as lines:
        reader = csv.DictReader(lines)
        if set(reader.fieldnames or ()) != {"provider_key_id", "api_key_id"}:
            message = f"{path}: its header must be provider_key_id,api_key_id"
            raise ConfigurationError(message)
        return {row["provider_key_id"]: row["api_key_id"] for row in reader}
