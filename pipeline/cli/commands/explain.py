"""``tallybook explain``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.base.money import exact_sum, normalised, plain, plain_amount, plain_rate
from pipeline.base.periods import instant_text
from pipeline.cli.context import EXIT_DIFFERENCE, warn
from pipeline.cli.options.examples import examples
from pipeline.cli.output import output_option, put_file, say
from pipeline.cli.tables.columns import Kind, columns_of
from pipeline.cli.tables.forms import Form, json_rows
from pipeline.configuration.workspace import open_workspace
from pipeline.documents.event_csv import events_csv
from pipeline.jobs.answers.explain import explain_line
from pipeline.jobs.answers.outcomes import outcomes_of_id, outcomes_of_place
from pipeline.jobs.state.lines.traced_lines import event_rows
from pipeline.jobs.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output
    from pipeline.cli.tables.columns import Cell, Column
    from pipeline.invoicing import InvoiceLine
    from pipeline.jobs.answers.outcomes import Outcome
    from pipeline.jobs.state.lines.event_charges import ChargedEvent
    from pipeline.jobs.state.lines.traced_lines import LineExplanation

_OUTCOME = columns_of(
    {
        "source": Kind.TEXT,
        "line": Kind.COUNT,
        "bytes": Kind.SPAN,
        "time (UTC)": Kind.DATE,
        "status": Kind.TEXT,
        "prompt": Kind.COUNT,
        "completion": Kind.COUNT,
        "outcome": Kind.TEXT,
    }
)


@click.command(
    name="explain",
    epilog=examples(
        "tallybook explain INV-000001 3",
        "tallybook explain INV-000001 3 --csv > events.csv",
        "tallybook explain --request-id req_123",
        "tallybook explain --source logs/2026-10.jsonl --line 113",
    ),
)
@click.argument("invoice_id", metavar="[INVOICE", required=False)
@click.argument("line_number", metavar="LINE]", required=False, type=click.IntRange(min=1))
@click.option(
    "--request-id",
    "--response-id",
    "wanted_id",
    metavar="ID",
    help="What became of the logged response with this request or response id; its beginning is enough.",
)
@click.option(
    "--source",
    metavar="FILE",
    help="With --line: what became of a line of a log; quarantined lines have no other name.",
)
@click.option("--line", "source_line", metavar="N", type=click.IntRange(min=1), help="The line of --source, from 1.")
@click.option(
    "--events-max",
    metavar="N",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="How many events a table has; CSV and JSON have all.",
)
@output_option()
@click.pass_obj
def command(
    invocation: Invocation,
    *,
    invoice_id: str | None,
    line_number: int | None,
    wanted_id: str | None,
    source: str | None,
    source_line: int | None,
    events_max: int,
    output: Output,
) -> int:
    """From a printed cent to the usage events behind it, or from a logged response to the invoice line it is on.

    \b
    INVOICE LINE              its events, their rates and charges, one rounding
    --request-id ID           billed on which line, duplicate of what, failed
    --source FILE --line N    the same of a line of a log, or why quarantined

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
    workspace = open_workspace(invocation.workspace, now=invocation.now(), engine=invocation.engine)
    if invoice_id is not None and line_number is not None:
        explanation = explain_line(workspace, invoice_id, line_number)
        return _print_line(explanation, events_max, output)
    if source is not None and source_line is not None:
        _print_outcomes(outcomes_of_place(workspace, source, source_line), output)
    else:
        _print_outcomes(outcomes_of_id(workspace, wanted_id or ""), output)
    return 0


def _print_line(explanation: LineExplanation, events_max: int, output: Output) -> int:
    if output.form is Form.CSV:
        put_file(events_csv(event_rows(explanation)))
    elif output.form is Form.JSON:
        output.document(_document(explanation))
    else:
        _print_explanation(explanation, events_max, output)
    if explanation.is_complete:
        return 0
    line, currency, unit = explanation.line, explanation.invoice.currency, _unit(explanation.line)
    warn(
        f"the events have {counted(explanation.quantity, unit)} worth {plain(explanation.exact_amount)} {currency}, "
        f"the line says {line.quantity} "
        f"and {plain(line.exact_amount)}; run 'tallybook verify'",
        event="difference",
    )
    return EXIT_DIFFERENCE


def _print_explanation(explanation: LineExplanation, events_max: int, output: Output) -> None:
    invoice, line = explanation.invoice, explanation.line
    _, account_name = invoice.account_of(line)
    period = f"{line.period} of {invoice.period}" if line.period else str(invoice.period)
    say(f"{invoice.id} line {line.number} ({account_name}, {period}): {line.description}")
    if explanation.is_of_usage:
        _print_usage(explanation, events_max, output)
    else:
        _print_terms(explanation)


def _print_terms(explanation: LineExplanation) -> None:
    """Print what a line comes from that has no events: other lines and terms, and of a correction what was before."""
    invoice, line, before = explanation.invoice, explanation.line, explanation.invoiced_before
    say(f"a line of kind {line.kind.value} is computed from other lines and terms, not from usage events")
    if before is not None and line.original_period is not None:
        has_tokens = line.meter is not None and line.meter.is_of_tokens

        def text(amount: Decimal, quantity: int) -> str:
            counts = f" ({counted(quantity, 'token')})" if has_tokens else ""
            return f"{plain_amount(amount, invoice.currency)} {invoice.currency}{counts}"

        invoiced = text(before.amount, before.quantity)
        if explanation.is_billed_anew:
            where = "on this invoice" if invoice.period.holds(line.original_period) else "by its own invoice"
            say(f"all of {line.original_period} is billed anew {where}; {invoiced} that was corrected is taken back")
        else:
            worth = text(exact_sum([before.amount, line.amount]), before.quantity + line.quantity)
            say(f"all of it in {line.original_period} is worth {worth}; {invoiced} was invoiced before")
    say(f"amount {plain(line.amount)} {invoice.currency}")


def _print_usage(explanation: LineExplanation, events_max: int, output: Output) -> None:
    """Print the events behind a line of usage, what they come to, and its rounding."""
    invoice, line = explanation.invoice, explanation.line
    unit, events = _unit(line), explanation.events
    say(f"key {line.api_key_id}, model {line.model}, meter {line.meter}, {counted(len(events), 'usage event')}", "")
    output.rows(_events(unit), _event_rows(events[:events_max]), rows_max=None)
    if len(events) > events_max:
        say(f"… and {len(events) - events_max} more; --csv lists all")
    if line.package_tokens is not None:
        say("", f"a package of {counted(line.package_tokens, unit)} is charged to the event that begins it")
    if line.flat_amount is not None:
        say("", "the flat amount of a tier is charged to the event that reaches it")
    if explanation.forgotten:
        missing = abs(line.quantity) - abs(explanation.quantity)
        say(
            "",
            f"the events behind {counted(missing, unit)} of it were {explanation.forgotten}; their counts are kept, "
            "and 'tallybook recompute' decides the invoice by them",
        )
    say("", f"{counted(explanation.quantity, unit)}, exact sum {plain(explanation.exact_amount)} {invoice.currency}")
    if explanation.forgotten:
        say(f"the line says {counted(line.quantity, unit)}, rounded once to {plain(line.amount)} {invoice.currency}")
    else:
        say(f"rounded once, {invoice.rounding.value}, to {plain(line.amount)} {invoice.currency}")


def _document(explanation: LineExplanation) -> dict[str, object]:
    """Return a line, its events and its rounding as JSON values; money is text."""
    invoice, line = explanation.invoice, explanation.line
    return {
        "invoice_id": invoice.id,
        "line": line.number,
        "kind": line.kind.value,
        "description": line.description,
        "currency": invoice.currency,
        "quantity": line.quantity,
        "exact_amount": plain(explanation.exact_amount),
        "rounding": invoice.rounding.value,
        "amount": plain(line.amount),
        "is_complete": explanation.is_complete,
        **({"forgotten": explanation.forgotten} if explanation.forgotten else {}),
        "rows": json_rows(_events(_unit(line)), _event_rows(explanation.events)),
    }


def _events(unit: str) -> list[Column]:
    return columns_of(
        {
            "time (UTC)": Kind.DATE,
            "source": Kind.TEXT,
            "line": Kind.COUNT,
            "bytes": Kind.SPAN,
            "status": Kind.TEXT,
            f"{unit}s": Kind.COUNT,
            "per million": Kind.MONEY,
            "exact charge": Kind.MONEY,
        }
    )


def _event_rows(events: Sequence[ChargedEvent]) -> list[tuple[Cell, ...]]:
    return [
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
        for charged in events
    ]


def _unit(line: InvoiceLine) -> str:
    return "token" if line.meter is None or line.meter.is_of_tokens else "request"


def _print_outcomes(outcomes: list[Outcome], output: Output) -> None:
    rows = [_outcome_row(outcome) for outcome in outcomes]
    if output.form is Form.CSV:
        output.rows(_OUTCOME, rows)
        return
    if output.form is Form.JSON:
        details = [{"detail": outcome.detail} for outcome in outcomes]
        output.document({"rows": [row | more for row, more in zip(json_rows(_OUTCOME, rows), details, strict=True)]})
        return
    for key, model in dict.fromkeys(
        (outcome.event["api_key_id"], outcome.event["model_name"]) for outcome in outcomes if outcome.event
    ):
        say(f"key {key}, model {model or 'not stated'}")
    output.rows(_OUTCOME, rows)
    say("")
    for outcome in outcomes:
        say(f"{outcome.source} line {outcome.line}: {outcome.word}: {outcome.detail}")


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
