"""``tallybook try``."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from pipeline.base.money import normalised, plain
from pipeline.cli.context import EXIT_BAD_INPUT, as_of_option, warn
from pipeline.cli.options.examples import examples
from pipeline.cli.options.given_logs import GivenLog
from pipeline.cli.output import output_option, say
from pipeline.cli.tables.columns import Column, Kind
from pipeline.cli.tables.forms import Form
from pipeline.configuration.settings import CONFIG_FILE, Settings
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.night.logs.new_source import fields_text
from pipeline.jobs.night.try_files import try_files
from pipeline.jobs.wording import UNASSIGNED, counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output
    from pipeline.configuration.stored.stored_log import LogPath
    from pipeline.jobs.night.tried import Tried

_FIRSTS = (
    Column(name="outcome"),
    Column(name="lines", kind=Kind.COUNT),
    Column(name="first"),
    Column(name="line", kind=Kind.COUNT),
    Column(name="what_is_kept", heading="what is kept of it"),
)
_COSTS = (
    Column(name="account", kind=Kind.ID),
    Column(name="model"),
    Column(name="tokens", kind=Kind.COUNT),
    Column(name="would_cost", heading="would cost", kind=Kind.MONEY, is_kept=True),
    Column(name="currency"),
)
_SAID_MAX = 10
"""How many keys, or models, a terminal is told of one by one."""
_FATES = ("duplicates", "conflicts", "suspicious", "held")


@click.command(
    name="try",
    epilog=examples(
        "tallybook try app.jsonl",
        "tallybook try app.jsonl --show-mapping",
        "tallybook try access.log --source gateway -o json",
    ),
)
@click.argument("paths", metavar="FILE…", nargs=-1, required=True, type=GivenLog())
@click.option("--source", "as_source", metavar="NAME", help="Read them as this source.")
@click.option("--show-mapping", is_flag=True, help="Print only how the lines are mapped to a request log, as TOML.")
@output_option()
@as_of_option
@click.pass_obj
def command(
    invocation: Invocation,
    *,
    paths: tuple[LogPath, ...],
    as_source: str | None,
    show_mapping: bool,
    output: Output,
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
        say(*tried.mapping_text.splitlines())
    elif output.form is Form.JSON:
        output.document(_document(tried))
    elif output.form is Form.CSV:
        _print_firsts(tried, output)
    else:
        _print(tried, str(invocation.workspace), output)
    return EXIT_BAD_INPUT if tried.is_bad else 0


def _print(tried: Tried, workspace: str, output: Output) -> None:
    for file in tried.files:
        why = f", {file.why}" if file.why else ""
        packed = "".join(f" in {each}" for each in (file.wrapper, file.compression) if each not in (None, "none"))
        say(f"{file.file}: {', '.join(file.formats)}{packed}, read as source {file.source!r}{why}")
        if file.paths_to_add:
            added = ", ".join(map(json.dumps, file.paths_to_add))
            say(f"{file.file}: no night finds it there; add {added} to the paths of source {file.source!r}")
        if file.collected_before:
            say(f"{file.file}: {counted(file.collected_before, 'line')} of it were collected before")
    _print_firsts(tried, output)
    counts = tried.counts
    say(
        f"{counted(counts['lines'], 'line')}, {counts['blank']} blank: {counted(counts['events'], 'exchange')}, "
        f"{counts['billed']} billed; {counts['quarantined']} quarantined"
        + "".join(f", {counts[name]} {name}" for name in _FATES if counts[name])
    )
    say("families: " + (", ".join(f"{name} {count}" for name, count in tried.families.items()) or "none"))
    if not tried.is_in_workspace:
        say(
            f"there is no workspace at {workspace}, so nothing is said of accounts and rates; make one with "
            f"'tallybook init {workspace}', and try again"
        )
    _print_costs(tried, output)
    for unfound in tried.unfound:
        say(
            f"source {unfound.source!r}: none of the first {counted(unfound.lines, 'line')} has anything where fields "
            f"says {fields_text(unfound.fields)}; correct that, unless the log has it only sometimes"
        )
    for each in tried.proposed:
        say("", "put this into tallybook.toml, and run 'tallybook nightly':", "", *each.text.splitlines())
    for each in tried.mended:
        refused = f"source {each.settings.name!r} of tallybook.toml refuses most of it, and written so it would not:"
        say("", refused, "", *each.text.splitlines())
    for warning in tried.warnings:
        warn(warning)
    if tried.has_ids_of_this_run:
        warn("there is no key secret yet, so the ids of raw keys are of this run alone")


def _print_firsts(tried: Tried, output: Output) -> None:
    output.rows(_FIRSTS, [(each.outcome, each.lines, each.file, each.line, each.says) for each in tried.firsts])


def _print_costs(tried: Tried, output: Output) -> None:
    _say_first(
        (
            f"in no account: key {key}, {counted(exchanges, 'exchange')}; add it to one in accounts.toml"
            for key, exchanges in sorted(tried.unassigned.items(), key=lambda each: -each[1])
        ),
        len(tried.unassigned),
        "keys in no account",
        output,
    )
    _say_first(
        (
            f"without a rate: model {each.model!r} of {each.account_id or UNASSIGNED}, "
            f"{counted(each.tokens, 'token')}; "
            + (each.lacking_exchange or f"add a rate or an alias to rates/{each.rate_card}.toml")
            for each in sorted(tried.unpriced, key=lambda each: -each.tokens)
        ),
        len(tried.unpriced),
        "models without a rate",
        output,
    )
    if tried.costs:
        rows = [
            (each.account_id or UNASSIGNED, each.model, each.tokens, plain(normalised(each.amount)), each.currency)
            for each in tried.costs
        ]
        output.rows(_COSTS, rows)


def _say_first(sentences: Iterable[str], count: int, what: str, output: Output) -> None:
    """Say sentences, on a terminal the first ten of many."""
    shown = _SAID_MAX if output.is_shortened and count > _SAID_MAX + 1 else count
    say(*islice(sentences, shown))
    if shown < count:
        say(f"and {count - shown:,} more {what}; -o json lists all")


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
