"""``tallybook nightly``."""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import click

from pipeline.base.errors import ConfigurationError
from pipeline.base.money import plain, plain_amount
from pipeline.cli.context import (
    EXIT_BAD_INPUT,
    EXIT_BROKEN_CLAIM,
    accept_lost_commits_option,
    as_of_option,
    broken_claim_text,
    tell_of_broken_claims,
    tell_of_refused_sources,
    tell_of_strict_failures,
)
from pipeline.cli.options.examples import examples
from pipeline.cli.options.files import WrittenFile
from pipeline.cli.output import output_option, say
from pipeline.cli.progress import progress
from pipeline.cli.tables.columns import Column, Kind
from pipeline.cli.tables.forms import Form, json_rows
from pipeline.cli.warned import tell_warnings, warning_documents
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.night.metrics import metrics_text
from pipeline.jobs.night.nightly import nightly
from pipeline.jobs.wording import UNASSIGNED, counted
from pipeline.objects import disk, layout

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output
    from pipeline.cli.tables.columns import Cell
    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.night.nightly import Night
    from pipeline.jobs.state.drafted.brief import InvoiceInBrief
    from pipeline.jobs.state.suspicious import SuspiciousCopies

_SUMMARY = (
    "lines",
    "quarantined",
    "events",
    "measured",
    "estimated",
    "unknown",
    "failed",
    "not_metered",
    "billed",
    "duplicates",
    "conflicts",
    "suspicious",
)
_COUNTS = (Column(name="in the lake"), Column(name="count", kind=Kind.COUNT, is_kept=True))
_COPIES = (
    Column(name="period", kind=Kind.DATE),
    Column(name="account", kind=Kind.ID),
    Column(name="key", kind=Kind.ID),
    Column(name="suspicious_copies", kind=Kind.COUNT),
    Column(name="tokens", kind=Kind.COUNT),
    Column(name="unpriced_tokens", kind=Kind.COUNT),
    Column(name="would_have_cost", kind=Kind.MONEY),
    Column(name="currency"),
)
_INVOICES = (
    Column(name="invoice", kind=Kind.ID),
    Column(name="account"),
    Column(name="period", kind=Kind.DATE),
    Column(name="lines", kind=Kind.COUNT),
    Column(name="total", kind=Kind.MONEY, is_kept=True),
    Column(name="currency"),
)


@click.command(
    name="nightly",
    epilog=examples(
        "tallybook nightly",
        "tallybook nightly --strict --json > night.json",
        "tallybook nightly --strict --metrics-file /var/lib/tallybook.prom",
        "tallybook nightly --as-of 2026-11-01T03:00:00Z",
    ),
)
@as_of_option
@click.option(
    "--strict",
    is_flag=True,
    help="Exit code 3 where a warning is new, of a code of [strict] fail_on; by default what loses money: quarantined "
    "lines, conflicts, suspicious copies, usage without a rate, an account or a measurement, and logs unread.",
)
@click.option(
    "--force", is_flag=True, help="Commit a source that is new, or read anew, although most of its lines are refused."
)
@accept_lost_commits_option
@click.option(
    "--metrics-file",
    type=WrittenFile(),
    metavar="PATH",
    help="Write what the night came to for Prometheus, as a text file that is replaced at once.",
)
@output_option()
@click.pass_obj
def command(
    invocation: Invocation,
    *,
    as_of: str | None,
    strict: bool,
    force: bool,
    accept_lost_commits: bool,
    metrics_file: Path | None,
    output: Output,
) -> int:
    """Collect what is new, count, rate, and draft every account's invoices. Running it again changes no byte.

    Warns of what needs somebody: quarantined lines, usage without a rate or an account, late usage, an account above
    its spend cap. Exit code 3 where a source is new, or newly configured, and more than half of its lines cannot be
    read: nothing of it is committed, and all else is done. Exit code 7 where a claim about the counts does not hold:
    its drafts cannot be issued.
    """
    workspace = open_workspace(invocation.workspace, engine=invocation.engine)
    now, started_at = invocation.clock(as_of, workspace.settings.zone), invocation.now()
    if metrics_file is not None and not metrics_file.parent.is_dir():
        message = f"--metrics-file is {metrics_file}, and there is no folder {metrics_file.parent}; make it first"
        raise ConfigurationError(message)
    budgets_text = _budgets_text(workspace) if metrics_file is not None else None  # a wrong file stops nothing half-way
    with progress() as on_progress:
        night = nightly(
            workspace,
            now=now,
            key_secret=invocation.key_secret,
            force=force,
            accept_lost_commits=accept_lost_commits,
            on_progress=on_progress,
            processes=invocation.processors,
        )
    if output.form is Form.JSON:
        output.document(_document(night))
    else:
        if output.is_for_people:
            _print_summary(night, output)
        tell_warnings(night.warnings)  # before the last table, which may be long
        _print_invoices(night, output)
    tell_of_refused_sources(night.collected.refused)
    tell_of_broken_claims(night.broken_claims)
    if strict:
        tell_of_strict_failures(night.strict_failures)
    exit_code = _exit_code(night, is_strict=strict)
    if metrics_file is not None:
        finished_at = invocation.now()
        text = metrics_text(night, exit_code=exit_code, started_at=started_at, finished_at=finished_at)
        text += budgets_text(now) if budgets_text else ""
        disk.replace_durably(metrics_file, text.encode("utf-8"), is_locked=False)
    return exit_code


def _budgets_text(workspace: Workspace) -> Callable[[datetime], str] | None:
    """Read the budgets, and return what gives their metrics once the night is done; None where there are none."""
    if not os.path.lexists(workspace.root / layout.BUDGETS_FILE):
        return None
    from pipeline.configuration.budgets_file import read_budgets  # noqa: PLC0415  # a night without budgets costs nothing
    from pipeline.jobs.answers.watched.budget_metrics import budgets_metrics_text  # noqa: PLC0415
    from pipeline.jobs.answers.watched.budgets import budgets  # noqa: PLC0415

    read = read_budgets(workspace)
    return lambda now: budgets_metrics_text(budgets(replace(workspace, now=now), read=read))


def _exit_code(night: Night, *, is_strict: bool) -> int:
    if night.broken_claims:
        return EXIT_BROKEN_CLAIM
    if night.collected.refused or (is_strict and night.strict_failures):
        return EXIT_BAD_INPUT
    return 0


def _print_summary(night: Night, output: Output) -> None:
    new = night.collected
    say(*new.told)
    say(
        f"collected {counted(new.lines, 'new line')} from {new.new_files} of {counted(new.files, 'log')}; "
        f"the lake {_commit(night)}"
    )
    if output.form is not Form.LINES:
        say("")
        output.rows(_COUNTS, [(name, night.counts[name]) for name in _SUMMARY])
        say("")
    else:
        say("  ".join(f"{name} {night.counts[name]}" for name in _SUMMARY))
    for check in night.broken_claims:
        say(broken_claim_text(check))
    if night.suspicious:
        output.rows(_COPIES, [_copies_row(copies) for copies in night.suspicious])


def _print_invoices(night: Night, output: Output) -> None:
    invoices = night.book.invoices
    if not invoices and output.is_for_people:
        say("no usage of any account yet, and so no invoice")
        return
    output.rows(_INVOICES, [_row(invoice) for invoice in invoices])


def _row(invoice: InvoiceInBrief) -> tuple[Cell, ...]:
    return (
        invoice.id,
        invoice.account_name,
        str(invoice.period),
        invoice.lines,
        plain(invoice.total),
        invoice.currency,
    )


def _copies_row(copies: SuspiciousCopies) -> tuple[Cell, ...]:
    amount = None if copies.amount is None else plain_amount(copies.amount, copies.currency)
    counts = copies.events, copies.tokens, copies.unpriced_tokens
    return copies.billing_period, copies.account_id or UNASSIGNED, copies.api_key_id, *counts, amount, copies.currency


def _commit(night: Night) -> str:
    version = night.built.snapshot.version
    return "has no commit yet" if version is None else f"is at commit {version}"


def _document(night: Night) -> dict[str, object]:
    return {
        "collected": {
            "files": night.collected.files,
            "segments": night.collected.segments,
            "lines": night.collected.lines,
            "again": asdict(night.collected.again),
            "refused": [asdict(source) for source in night.collected.refused],
        },
        "commit": night.built.snapshot.version,
        "counts": night.counts,
        "quarantined": [
            {
                "api_key_id": usage.api_key_id,
                "account_id": usage.account_id or None,
                "lines": usage.lines,
                "prompt_tokens": usage.prompt_tokens,
                "completion_tokens": usage.completion_tokens,
            }
            for usage in night.quarantined
        ],
        "invoices": [
            {
                "invoice_id": invoice.id,
                "status": invoice.status,
                "account_id": invoice.account_id,
                "period": str(invoice.period),
                "lines": invoice.lines,
                "total": plain(invoice.total),
                "currency": invoice.currency,
            }
            for invoice in night.book.invoices
        ],
        "suspicious_copies": json_rows(_COPIES, [_copies_row(copies) for copies in night.suspicious]),
        "broken_claims": [{"name": check.name, "detail": check.detail} for check in night.broken_claims],
        "warnings": warning_documents(night.warnings),
        "strict_failures": list(night.strict_failures),
    }
