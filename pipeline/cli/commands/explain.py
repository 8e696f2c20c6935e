"""``tallybook explain``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.base.money import exact_sum, normalised, plain, plain_amount, plain_rate
from pipeline.base.periods import instant_text
from pipeline.cli.context import EXIT_DIFFERENCE, warn
from pipeline.cli.tables import print_table
from pipeline.configuration.workspace import open_workspace
from pipeline.documents.event_csv import events_csv
from pipeline.jobs.answers.explain import explain_line
from pipeline.jobs.answers.outcomes import outcomes_of_id, outcomes_of_place
from pipeline.jobs.state.traced_lines import event_rows
from pipeline.jobs.wording import counted

if TYPE_CHECKING:
    from pipeline.cli.context import Invocation
    from pipeline.cli.tables import Cell
    from pipeline.invoicing import InvoiceLine
    from pipeline.jobs.answers.outcomes import Outcome
    from pipeline.jobs.state.traced_lines import LineExplanation

_OUTCOME_HEADER = ("source", "line", "bytes", "time (UTC)", "status", "prompt", "completion", "outcome")


@click.command(name="explain")
@click.argument("invoice_id", metavar="[INVOICE", required=False)
@click.argument("line_number", metavar="LINE]", required=False, type=click.IntRange(min=1))
@click.option(
    "--request-id",
    "--response-id",
    "wanted_id",
    metavar="ID",
    help="What became of the logged response with this request or response id.",
)
@click.option(
    "--source",
    metavar="FILE",
    help="With --line: what became of a line of a log; quarantined lines have no other name.",
)
@click.option("--line", "source_line", metavar="N", type=click.IntRange(min=1), help="The line of --source, from 1.")
@click.option("--csv", "as_csv", is_flag=True, help="All events of the invoice line as CSV.")
@click.option(
    "--events-max",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="How many events to print; --csv prints all.",
)
@click.pass_obj
def command(
    invocation: Invocation,
    *,
    invoice_id: str | None,
    line_number: int | None,
    wanted_id: str | None,
    source: str | None,
    source_line: int | None,
    as_csv: bool,
    events_max: int,
) -> int:
    """From a printed cent to the usage events behind it, or from a logged response to the invoice line it is on.

    \b
    tallybook explain INV-000001 3             the events of line 3, their rates and exact charges, and the one rounding
    tallybook explain --request-id req_123     billed on which line, duplicate of what, in conflict, failed, not metered
    tallybook explain --source FILE --line N   the same for a line of a log, or why it was quarantined

    Where a price depends on the month (tiers, packages), each event is charged what it adds at its place in the month.
    Exit code 6 where the events do not add up to the printed line.
    """  # noqa: D301  # click's own mark for a paragraph that keeps its lines
    by_line, by_place = (
        invoice_id is not None and line_number is not None,
        source is not None and source_line is not None,
    )
    halves = (invoice_id is None) != (line_number is None) or (source is None) != (source_line is None)
    if halves or sum((by_line, wanted_id is not None, by_place)) != 1:
        message = "ask for INVOICE LINE, for --request-id ID, or for --source FILE --line N"
        raise click.UsageError(message)
    if as_csv and not by_line:
        message = "--csv lists the events of INVOICE LINE"
        raise click.UsageError(message)
    workspace = open_workspace(invocation.workspace, now=invocation.now())
    if invoice_id is not None and line_number is not None:
        return _print_line(explain_line(workspace, invoice_id, line_number), as_csv=as_csv, events_max=events_max)
    if source is not None and source_line is not None:
        _print_outcomes(outcomes_of_place(workspace, source, source_line))
    else:
        _print_outcomes(outcomes_of_id(workspace, wanted_id or ""))
    return 0


def _print_line(explanation: LineExplanation, *, as_csv: bool, events_max: int) -> int:
    if as_csv:
        click.echo(events_csv(event_rows(explanation)), nl=False)
    else:
        _print_explanation(explanation, events_max)
    if explanation.is_complete:
        return 0
    line, currency, unit = explanation.line, explanation.invoice.currency, _unit(explanation.line)
    warn(
        f"the events have {counted(explanation.quantity, unit)} worth {plain(explanation.exact_amount)} {currency}, "
        f"the line says {line.quantity} "
        f"and {plain(line.exact_amount)}; run 'tallybook verify'"
    )
    return EXIT_DIFFERENCE


def _print_explanation(explanation: LineExplanation, events_max: int) -> None:
    invoice, line = explanation.invoice, explanation.line
    _, account_name = invoice.account_of(line)
    click.echo(f"{invoice.id} line {line.number} ({account_name}, {invoice.period}): {line.description}")
    if not explanation.is_of_usage:
        click.echo(f"a line of kind {line.kind.value} is computed from other lines and terms, not from usage events")
        before = explanation.invoiced_before
        if before is not None:
            worth, quantity = exact_sum([before.amount, line.amount]), before.quantity + line.quantity
            counts = (
                (f" ({counted(quantity, 'token')})", f" ({counted(before.quantity, 'token')})")
                if line.meter is not None and line.meter.is_of_tokens
                else ("", "")
            )
            click.echo(
                f"all of it in {line.original_period} is worth {plain_amount(worth, invoice.currency)} "
                f"{invoice.currency}{counts[0]}; "
                f"{plain_amount(before.amount, invoice.currency)} {invoice.currency}{counts[1]} was invoiced before"
            )
        click.echo(f"amount {plain(line.amount)} {invoice.currency}")
        return
    unit = _unit(line)
    click.echo(
        f"key {line.api_key_id}, model {line.model}, meter {line.meter}, "
        f"{counted(len(explanation.events), 'usage event')}\n"
    )
    shown = explanation.events[:events_max]
    rows = [
        (
            instant_text(charged.event["occurred_at"]),
            charged.event["source"],
            charged.event["line"],
            f"{charged.event['byte_start']}-{charged.event['byte_end']}",
            charged.event["status"],
            charged.quantity,
            plain_rate(charged.rate_per_million),
            plain(normalised(charged.exact_charge)),
        )
        for charged in shown
    ]
    print_table(("time (UTC)", "source", "line", "bytes", "status", f"{unit}s", "per million", "exact charge"), rows)
    if len(shown) < len(explanation.events):
        click.echo(f"… and {len(explanation.events) - len(shown)} more; --csv lists all")
    if line.package_tokens is not None:
        click.echo(f"\na package of {counted(line.package_tokens, unit)} is charged to the event that begins it")
    if line.flat_amount is not None:
        click.echo("\nthe flat amount of a tier is charged to the event that reaches it")
    click.echo(
        f"\n{counted(explanation.quantity, unit)}, exact sum {plain(explanation.exact_amount)} {invoice.currency}"
    )
    click.echo(f"rounded once, {invoice.rounding.value}, to {plain(line.amount)} {invoice.currency}")


def _unit(line: InvoiceLine) -> str:
    return "token" if line.meter is None or line.meter.is_of_tokens else "request"


def _print_outcomes(outcomes: list[Outcome]) -> None:
    for key, model in dict.fromkeys(
        (outcome.event["api_key_id"], outcome.event["model_name"]) for outcome in outcomes if outcome.event
    ):
        click.echo(f"key {key}, model {model or 'not stated'}")
    print_table(_OUTCOME_HEADER, [_outcome_row(outcome) for outcome in outcomes])
    click.echo("")
    for outcome in outcomes:
        click.echo(f"{outcome.source} line {outcome.line}: {outcome.word}: {outcome.detail}")


def _outcome_row(outcome: Outcome) -> tuple[Cell, ...]:
    span = "" if outcome.byte_start is None else f"{outcome.byte_start}-{outcome.byte_end}"
    event = outcome.event
    if event is None:
        return outcome.source, outcome.line, span, "", "", "", "", outcome.word
    return (
        outcome.source,
        outcome.line,
        span,
        instant_text(event["occurred_at"]),
        event["status"],
        *outcome.tokens,
        outcome.word,
    )
