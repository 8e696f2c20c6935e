"""``tallybook try``."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.base.money import normalised, plain
from pipeline.cli.context import EXIT_BAD_INPUT, warn
from pipeline.cli.tables import print_table
from pipeline.configuration.settings import CONFIG_FILE, Settings
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.night.try_files import try_files
from pipeline.jobs.wording import UNASSIGNED, counted

if TYPE_CHECKING:
    from pipeline.cli.context import Invocation
    from pipeline.jobs.night.try_files import Tried

_FATES = ("duplicates", "conflicts", "suspicious", "held")


@click.command(name="try")
@click.argument(
    "paths", metavar="FILE…", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--source", "as_source", metavar="NAME", help="Read them as this source.")
@click.option("--show-mapping", is_flag=True, help="Print only how the lines are mapped to a request log, as TOML.")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("--as-of", metavar="DATE|INSTANT", help="The clock of this run; default: now.")
@click.pass_obj
def command(
    invocation: Invocation,
    *,
    paths: tuple[Path, ...],
    as_source: str | None,
    show_mapping: bool,
    output: str,
    as_of: str | None,
) -> int:
    """Say what logs would come to, before they count: nothing is written into the workspace.

    What each line becomes and the first of each, which keys are in no account, which models have no rate, what it
    costs at the rates of now, and the [[sources]] table for a log that no source reads. Without a workspace, what can
    be said without accounts and rates. Exit code 3 where lines would be quarantined, or a file cannot be read.
    """
    is_workspace = (invocation.workspace / CONFIG_FILE).exists()
    workspace = open_workspace(invocation.workspace) if is_workspace else None
    now = invocation.clock(as_of, (Settings() if workspace is None else workspace.settings).zone)
    tried = try_files(
        workspace,
        paths,
        now=now,
        key_secret=invocation.key_secret,
        as_source=as_source,
        processes=invocation.processors,
    )
    if show_mapping:
        click.echo(tried.mapping_text, nl=False)
    elif output == "json":
        click.echo(json.dumps(_document(tried), indent=1, ensure_ascii=False))
    else:
        _print(tried, str(invocation.workspace))
    return EXIT_BAD_INPUT if tried.is_bad else 0


def _print(tried: Tried, workspace: str) -> None:
    for file in tried.files:
        why = f", {file.why}" if file.why else ""
        packed = "".join(f" in {each}" for each in (file.wrapper, file.compression) if each not in (None, "none"))
        click.echo(f"{file.file}: {', '.join(file.formats)}{packed}, read as source {file.source!r}{why}")
        if file.paths_to_add:
            added = ", ".join(map(json.dumps, file.paths_to_add))
            click.echo(f"{file.file}: no night finds it there; add {added} to the paths of source {file.source!r}")
        if file.collected_before:
            click.echo(f"{file.file}: {counted(file.collected_before, 'line')} of it were collected before")
    print_table(
        ("outcome", "lines", "first", "line", "what is kept of it"),
        [(first.outcome, first.lines, first.file, first.line, first.says) for first in tried.firsts],
    )
    counts = tried.counts
    click.echo(
        f"{counted(counts['lines'], 'line')}, {counts['blank']} blank: {counted(counts['events'], 'exchange')}, "
        f"{counts['billed']} billed; {counts['quarantined']} quarantined"
        + "".join(f", {counts[name]} {name}" for name in _FATES if counts[name])
    )
    click.echo("families: " + (", ".join(f"{name} {count}" for name, count in tried.families.items()) or "none"))
    if not tried.is_in_workspace:
        click.echo(
            f"there is no workspace at {workspace}, so nothing is said of accounts and rates; make one with "
            f"'tallybook init {workspace}', and try again"
        )
    _print_costs(tried)
    for each in tried.proposed:
        click.echo(f"\nput this into tallybook.toml, and run 'tallybook nightly':\n\n{each.text}", nl=False)
    for each in tried.mended:
        click.echo(
            f"\nsource {each.settings.name!r} of tallybook.toml refuses most of it, and written so it would not:\n\n"
            f"{each.text}",
            nl=False,
        )
    for warning in tried.warnings:
        warn(warning)
    if tried.has_ids_of_this_run:
        warn("there is no key secret yet, so the ids of raw keys are of this run alone")


def _print_costs(tried: Tried) -> None:
    for key, exchanges in tried.unassigned.items():
        click.echo(f"in no account: key {key}, {counted(exchanges, 'exchange')}; add it to one in accounts.toml")
    for each in tried.unpriced:
        remedy = each.lacking_exchange or f"add a rate or an alias to rates/{each.rate_card}.toml"
        click.echo(
            f"without a rate: model {each.model!r} of {each.account_id or UNASSIGNED}, "
            f"{counted(each.tokens, 'token')}; {remedy}"
        )
    if tried.costs:
        rows = [
            (each.account_id or UNASSIGNED, each.model, each.tokens, plain(normalised(each.amount)), each.currency)
            for each in tried.costs
        ]
        print_table(("account", "model", "tokens", "would cost", "currency"), rows)


def _document(tried: Tried) -> dict[str, Any]:
    document = asdict(replace(tried, proposed=(), mended=()))
    document["costs"] = [{**each, "amount": plain(normalised(each["amount"]))} for each in document["costs"]]
    document["unpriced"] = [
        {name: value for name, value in each.items() if value or name != "lacking_exchange"}
        for each in document["unpriced"]
    ]
    document["proposed"] = [each.text for each in tried.proposed]
    document["mended"] = [each.text for each in tried.mended]
    return document
