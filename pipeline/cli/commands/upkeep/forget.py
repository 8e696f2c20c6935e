"""``tallybook forget``."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from pipeline.base.beginnings import whole_id
from pipeline.base.errors import ConfigurationError
from pipeline.base.names import NAME
from pipeline.base.periods import instant_text
from pipeline.base.raw_keys import is_raw_key
from pipeline.cli.context import EXIT_INTERRUPTED, DateType, as_of_option, is_terminal, tell
from pipeline.cli.options.examples import examples
from pipeline.cli.options.ids import whole_account_id
from pipeline.cli.output import output_option, say
from pipeline.cli.tables.columns import Kind, columns_of
from pipeline.cli.tables.forms import Form, json_rows
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.upkeep.forgetting.forget import forget
from pipeline.jobs.upkeep.forgetting.plan import plan_forgetting
from pipeline.jobs.wording import UNASSIGNED, counted
from pipeline.lake.log.forgetting import ForgettingRule, KeySpan, RuleKind
from pipeline.objects.lock import locked

if TYPE_CHECKING:
    from datetime import date, datetime

    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output
    from pipeline.cli.tables.columns import Cell
    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.upkeep.forgetting.plan import Plan

_MONTHS = columns_of(
    {
        "period": Kind.DATE,
        "account": Kind.TEXT,
        "events": Kind.COUNT,
        "billed_tokens": Kind.COUNT,
        "invoice": Kind.ID,
        "not_invoiced": Kind.TEXT,
    }
)


@click.command(
    name="forget",
    epilog=examples(
        "tallybook forget --before 2026-01 --dry-run",
        "tallybook forget --before 2026-01-01 --yes",
        "tallybook forget --key key_0123456789abcdef0123456789abcdef",
        "tallybook forget --account acme",
    ),
)
@click.option("--before", metavar="DATE", type=DateType(), help="All usage of days before this one.")
@click.option("--key", "key_id", metavar="ID", help="All usage of a key up to now.")
@click.option("--account", "account_id", metavar="ID", help="All usage of an account's keys up to now.")
@click.option(
    "--with-uninvoiced", is_flag=True, help="Also usage that is not invoiced: its counts stay, and are invoiced."
)
@click.option("--dry-run", "is_dry", is_flag=True, help="Show what would be forgotten, and write nothing.")
@click.option("-y", "--yes", "is_sure", is_flag=True, help="Do not ask; without a terminal this is needed.")
@as_of_option
@output_option()
@click.pass_obj
def command(
    invocation: Invocation,
    *,
    before: date | None,
    key_id: str | None,
    account_id: str | None,
    with_uninvoiced: bool,
    is_dry: bool,
    is_sure: bool,
    as_of: str | None,
    output: Output,
) -> int:
    """Forget usage events for good: their times, request ids, places in logs. What issued invoices need stays.

    Kept are counts by account, day, model and meter, so that every issued invoice is recomputed byte for byte; and
    16 bytes of each response, a digest, so that no later copy of it is billed. What was invoiced for a month stands
    from then on. Logs are not touched: it is said which of them may be deleted.

    Exit code 4 where usage is not invoiced, or a correction is pending.
    """
    workspace = open_workspace(invocation.workspace, now=invocation.now(), engine=invocation.engine)
    at = invocation.clock(as_of, workspace.settings.zone)
    workspace = replace(workspace, now=at)
    rule = _rule(workspace, before, key_id, account_id, at)
    if is_dry or not is_sure:
        plan = plan_forgetting(workspace, rule, at=at, with_uninvoiced=with_uninvoiced)
        if is_dry:
            _print(workspace, plan, output, is_done=False)
            tell("dry run, nothing is written")
            return 0
        if not is_terminal(sys.stdin):
            message = "what is forgotten cannot be brought back, and nobody is there to be asked: give --yes"
            raise click.UsageError(message)
        tell(_question(plan))
        if not click.confirm("Go on?", err=True):
            tell("nothing was written")
            return EXIT_INTERRUPTED
    with locked(workspace.lake, command="tallybook forget", started_at=at):
        plan = plan_forgetting(workspace, rule, at=at, with_uninvoiced=with_uninvoiced)
        forget(workspace, plan)
    _print(workspace, plan, output, is_done=True)
    return 0


def _rule(
    workspace: Workspace, before: date | None, key_id: str | None, account_id: str | None, at: datetime
) -> ForgettingRule:
    if sum(given is not None for given in (before, key_id, account_id)) != 1:
        message = "say what to forget: --before DATE, --key KEY_ID or --account ACCOUNT, one of them"
        raise click.UsageError(message)
    if before is not None:
        if before > at.astimezone(workspace.settings.zone).date():
            message = f"--before is {before}, which has not come; give a day up to today"
            raise ConfigurationError(message)
        return ForgettingRule(kind=RuleKind.BEFORE, value=before.isoformat())
    if key_id is not None:
        key_id = whole_id(key_id, {key.key_id for account in workspace.accounts for key in account.keys}, "key")
        if not NAME.fullmatch(key_id) or is_raw_key(key_id):
            message = "--key is no key id; 'tallybook keys id' makes one from a raw key"
            raise ConfigurationError(message)
        return ForgettingRule(kind=RuleKind.KEY, value=key_id)
    account = workspace.accounts.by_id(whole_account_id(workspace, account_id) or "")
    if account is None:
        message = f"there is no account {account_id!r} in accounts.toml; give one of its ids, or the --key"
        raise ConfigurationError(message)
    spans = tuple(KeySpan(key_id=key.key_id, from_at=key.from_at, to_at=key.to_at) for key in account.keys)
    return ForgettingRule(kind=RuleKind.ACCOUNT, value=account.id, keys=spans)


def _question(plan: Plan) -> str:
    invoices = sorted({month.standing for month in plan.months if month.standing})
    of = f", billed on {', '.join(invoices[:10])}{' …' if len(invoices) > 10 else ''}" if invoices else ""  # noqa: PLR2004  # what a line can hold
    return (
        f"this forgets {counted(plan.events, 'usage event')} and {counted(plan.quarantined, 'quarantined line')}"
        f"{of}; nobody can bring them back"
    )


def _print(workspace: Workspace, plan: Plan, output: Output, *, is_done: bool) -> None:
    rows: list[tuple[Cell, ...]] = [
        (
            month.period,
            month.account_id or UNASSIGNED,
            month.events,
            month.tokens,
            month.standing,
            month.open_amount,
        )
        for month in plan.months
    ]
    nothing_left, something_left = plan.logs(workspace)
    if output.form is Form.JSON:
        output.document(
            {
                "rule": plan.rule.text,
                "at": instant_text(plan.at),
                "is_done": is_done,
                "events": plan.events,
                "quarantined": plan.quarantined,
                "files_removed": plan.removed,
                "files_rewritten": plan.rewritten,
                "bytes_removed": plan.bytes_removed,
                "logs_that_may_be_deleted": nothing_left,
                "logs_that_hold_more": something_left,
                "rows": json_rows(_MONTHS, rows),
            }
        )
        return
    if rows or not output.is_for_people:
        output.rows(_MONTHS, rows)
    if not output.is_for_people:
        return
    if plan.is_nothing:
        say(f"nothing is left to be forgotten by {plan.rule.text}")
    else:
        say(
            "",
            f"{'forgot' if is_done else 'would forget'} {counted(plan.events, 'usage event')} and "
            f"{counted(plan.quarantined, 'quarantined line')} by {plan.rule.text}: "
            f"{counted(plan.removed, 'file')} removed, {plan.rewritten} rewritten",
        )
    if nothing_left:
        say(f"nothing counts any more of these logs, as far as they were collected: {', '.join(nothing_left)}")
    if something_left:
        say(f"what was forgotten still stands in these logs, beside what counts: {', '.join(something_left)}")
