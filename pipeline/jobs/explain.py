"""From a printed cent to the usage events behind it.

Where each was logged, what it counted, what it cost, and the one rounding.

An issued invoice is explained by the configuration and the commit it was decided from, a draft by those of now. The
explanation is added up and compared with the printed line, so that one which does not account for every token says so
itself.

Does not own what became of an event (``sql/marts/traced_events.sql``) nor its share of a line
(``pipeline.jobs.event_charges``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from pipeline import register
from pipeline.base.errors import InvoiceNotFound
from pipeline.base.money import exact_sum, normalised
from pipeline.configuration.settings import UnmeasuredPolicy
from pipeline.documents.event_csv import event_row
from pipeline.invoicing import InvoiceStatus, LineKind, invoice_from_document
from pipeline.invoicing.corrections import invoiced_before
from pipeline.jobs.aggregate import aggregate
from pipeline.jobs.at_issue import AtIssue, state_at_issue, usage_document
from pipeline.jobs.event_charges import charged_events, depends_on_the_period, line_place
from pipeline.jobs.invoice import invoice_book
from pipeline.lake.commits import verified_files
from pipeline.warehouse.reference import reference_tables
from pipeline.warehouse.tracing import trace_keys

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from decimal import Decimal

    import pyarrow as pa

    from pipeline.configuration.settings import Settings
    from pipeline.configuration.workspace import Workspace
    from pipeline.documents.event_csv import Row
    from pipeline.invoicing import Invoice, InvoiceLine
    from pipeline.invoicing.corrections import Worth
    from pipeline.jobs.event_charges import ChargedEvent, Event, LinePlace
    from pipeline.usage import Meter


@dataclass(frozen=True, slots=True, kw_only=True)
class LineExplanation:
    """An invoice line and the events behind it, in the order in which they occurred."""

    invoice: Invoice
    line: InvoiceLine
    events: tuple[ChargedEvent, ...]
    invoiced_before: Worth | None = None
    """Of a correction: what was invoiced for the same before; with the line, that is what it is worth."""

    @property
    def is_of_usage(self) -> bool:
        """Whether events are behind the line at all: a correction, a fee or a tax is computed from other lines."""
        return is_of_usage(self.line)

    @property
    def quantity(self) -> int:
        """Tokens of the events on the line's meter; requests on the meter ``request``."""
        return sum(charged.quantity for charged in self.events)

    @property
    def exact_amount(self) -> Decimal:
        """The sum of the exact charges, before the one rounding."""
        return normalised(exact_sum(charged.exact_charge for charged in self.events))

    @property
    def is_complete(self) -> bool:
        """Whether the events add up to the printed line, token for token and digit for digit."""
        return not self.is_of_usage or (self.quantity, self.exact_amount) == (
            self.line.quantity,
            self.line.exact_amount,
        )


def explain_line(workspace: Workspace, invoice_id: str, line_number: int) -> LineExplanation:
    """Return the events behind one line of an issued invoice or a draft.

    Raises ``InvoiceNotFound`` for an invoice or a line that is not there.
    """
    invoice, state = _invoice(workspace, invoice_id)
    if not 1 <= line_number <= len(invoice.lines):
        message = (
            f"{invoice_id} has no line {line_number}; its lines are 1 to {len(invoice.lines)}, see 'tallybook invoice "
            f"show {invoice_id}'"
        )
        raise InvoiceNotFound(message)
    explanation = explain_lines(invoice, state, [invoice.lines[line_number - 1]])[0]
    if explanation.line.kind is LineKind.CORRECTION and invoice.status is not InvoiceStatus.CREDIT_NOTE:
        return replace(
            explanation, invoiced_before=invoiced_before(explanation.line, earlier_invoices(workspace, invoice))
        )
    return explanation


def earlier_invoices(workspace: Workspace, invoice: Invoice) -> list[Invoice]:
    """Return what was issued to the account of an invoice before it."""
    mine = [document for document in register.read(workspace.root) if document["account_id"] == invoice.account_id]
    return [
        invoice_from_document(document)
        for document in mine
        if invoice.number is None or document["number"] < invoice.number
    ]


def explain_lines(invoice: Invoice, state: AtIssue, lines: Iterable[InvoiceLine]) -> list[LineExplanation]:
    """Return the events behind some lines of an invoice, given what it was decided from.

    On a credit note they are taken back.

    ``state`` is that of ``usage_document``: a credit note's lines are those of the invoice that it takes back, negated.
    """
    wanted = list(lines)
    keys = {line.api_key_id for line in wanted if is_of_usage(line)}
    found = events_by_line(state, keys, account_id=invoice.account_id, period=str(invoice.period))
    if invoice.status is InvoiceStatus.CREDIT_NOTE:
        found = {place: [charged.negated() for charged in events] for place, events in found.items()}
    return [
        LineExplanation(
            invoice=invoice, line=line, events=tuple(found.get(line_place(line), ())) if is_of_usage(line) else ()
        )
        for line in wanted
    ]


def events_by_line(
    state: AtIssue, api_key_ids: Collection[str], *, account_id: str, period: str
) -> dict[LinePlace, list[ChargedEvent]]:
    """Return the events of some keys that count for an account and billing period, by the line they are charged on."""
    account = state.workspace.accounts.by_id(account_id)
    if account is None or not api_key_ids:
        return {}
    keys = set(api_key_ids)
    if depends_on_the_period(account, state.workspace.rate_cards):  # then all keys of the account share a running count
        keys |= {
            row["api_key_id"]
            for row in state.built.marts.usage_daily.select(["account_id", "api_key_id"]).to_pylist()
            if row["account_id"] == account_id
        }
    return charged_events(
        billed_events(state, keys, account_id=account_id, period=period), account, state.workspace.rate_cards
    )


def is_of_usage(line: InvoiceLine) -> bool:
    """Say whether usage events are behind a line; every other kind is computed from lines and terms."""
    return line.kind.value == "usage"


def meter_and_rate(line: InvoiceLine) -> tuple[Meter, Decimal]:
    """Return what every usage line has. Raises ``ValueError`` for a line of another kind."""
    if line.meter is None or line.rate_per_million is None:
        message = f"line {line.number} is a {line.kind} line and has no meter or no rate"
        raise ValueError(message)
    return line.meter, line.rate_per_million


def event_rows(explanation: LineExplanation) -> list[Row]:
    """Return the events of a line as rows of ``pipeline.documents.event_csv``."""
    line, currency = explanation.line, explanation.invoice.currency
    return [
        event_row(
            charged.event,
            invoice_line=line.number,
            meter=meter_and_rate(line)[0].value,
            quantity=charged.quantity,
            rate_per_million=charged.rate_per_million,
            currency=currency,
            exact_charge=charged.exact_charge,
        )
        for charged in explanation.events
    ]


def billed_events(state: AtIssue, api_key_ids: Iterable[str], *, account_id: str, period: str) -> list[Event]:
    """Return the events of some keys that count on the invoice of an account and billing period.

    As of a commit and a configuration.
    """
    settings = state.workspace.settings
    files = verified_files(state.workspace.lake, state.built.snapshot)
    traced = trace_keys(
        files, reference_of(state), lake=state.workspace.lake, timezone=settings.timezone, api_key_ids=api_key_ids
    )
    mine = traced.filter(
        pc.and_(pc.equal(traced["account_id"], account_id), pc.equal(traced["billing_period"], period))
    )
    return [event for event in mine.to_pylist() if is_billed(event, settings)]


def reference_of(state: AtIssue) -> dict[str, pa.Table]:
    """Return what SQL must know besides the events, as of a configuration and the days of a commit."""
    return reference_tables(
        state.workspace.accounts,
        state.workspace.rate_cards,
        timezone=state.workspace.settings.timezone,
        utc_dates={file.date for file in state.built.snapshot.data_files},
    )


def present_state(workspace: Workspace) -> AtIssue:
    """Return the state that drafts are decided from: the configuration and the commit of now."""
    return AtIssue(workspace=workspace, built=aggregate(workspace))


def is_billed(event: Event, settings: Settings) -> bool:
    """Say whether an event's tokens are billed: it survived, and stated its usage or is billed by its estimate."""
    statuses = ("measured", "estimated") if settings.unmeasured is UnmeasuredPolicy.BILL_ESTIMATE else ("measured",)
    return event["fate"] == "survivor" and event["status"] in statuses


def _invoice(workspace: Workspace, invoice_id: str) -> tuple[Invoice, AtIssue]:
    for document in register.read(workspace.root):
        if document.get("invoice_id") == invoice_id:
            return invoice_from_document(document), state_at_issue(workspace, usage_document(workspace, document))
    state = present_state(workspace)
    for draft in invoice_book(workspace, state.built).drafts:
        if draft.id == invoice_id:
            return draft, state
    message = f"there is no invoice {invoice_id!r}; 'tallybook invoice list' shows what there is"
    raise InvoiceNotFound(message)
