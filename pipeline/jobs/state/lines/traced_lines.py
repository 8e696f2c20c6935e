"""The usage events behind lines of an invoice, as of what it was decided from, with the share of each.

An explanation is added up and compared with the printed line, so that one which does not account for every token says
so itself.

Does not own what became of an event (``sql/marts/traced_events.sql``), its share of a line (``event_charges``) nor
going back to the state of an issued invoice (``at_issue``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from pipeline import register
from pipeline.base.money import exact_sum, normalised
from pipeline.documents.event_csv import event_row
from pipeline.invoicing import InvoiceStatus, invoice_from_document
from pipeline.invoicing.document import accounts_of
from pipeline.invoicing.worth.usage_lines import line_place
from pipeline.jobs.state.engines import engine_of
from pipeline.jobs.state.lines.event_charges import charged_events, depends_on_the_period
from pipeline.lake.checked_files import verified_files
from pipeline.warehouse.grains.tracing import trace_keys

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from decimal import Decimal

    from pipeline.base.periods import BillingPeriod
    from pipeline.configuration.workspace import Workspace
    from pipeline.documents.event_csv import Row
    from pipeline.invoicing import Invoice, InvoiceLine
    from pipeline.invoicing.corrections import Worth
    from pipeline.invoicing.worth.usage_lines import LinePlace
    from pipeline.jobs.state.at_issue import AtIssue
    from pipeline.jobs.state.lines.event_charges import ChargedEvent, Event
from pipeline.invoicing.lines import is_of_usage, meter_and_rate
from pipeline.jobs.state.at_issue import reference_of


@dataclass(frozen=True, slots=True, kw_only=True)
class LineExplanation:
    """An invoice line and the events behind it, in the order in which they occurred."""

    invoice: Invoice
    line: InvoiceLine
    events: tuple[ChargedEvent, ...]
    invoiced_before: Worth | None = None
    """Of a correction: what was invoiced for the same before; with the line, that is what it is worth."""
    is_billed_anew: bool = False
    """Whether it takes back corrections of a month that is open, and is billed anew by its own invoice."""
    forgotten: str = ""
    """When and by which rule events behind it were forgotten; empty where all are there."""
    forgotten_quantity: int = 0
    """What is kept of those of its key, model, tier and meter, on this and other lines of the month."""

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
        """Whether the events add up to the printed line, token for token and digit for digit.

        Of forgotten ones only tokens are known: those that the events lack must be among what is kept of them.
        """
        if self.forgotten:
            return 0 <= abs(self.line.quantity) - abs(self.quantity) <= self.forgotten_quantity
        return not self.is_of_usage or (self.quantity, self.exact_amount) == (
            self.line.quantity,
            self.line.exact_amount,
        )


def explain_lines(invoice: Invoice, state: AtIssue, lines: Iterable[InvoiceLine]) -> list[LineExplanation]:
    """Return the events behind some lines of an invoice, given what it was decided from.

    On a credit note they are taken back.

    ``state`` is that of ``usage_document``: a credit note's lines are those of the invoice that it takes back, negated.
    """
    wanted = list(lines)
    rules, is_note = state.workspace.rules, invoice.status is InvoiceStatus.CREDIT_NOTE
    keys: dict[tuple[str, BillingPeriod], set[str]] = {}
    for line in filter(is_of_usage, wanted):
        keys.setdefault((invoice.account_of(line)[0], invoice.month_of(line)), set()).add(line.api_key_id)
    found = {
        (account_id, month, place): [charged.negated() for charged in events] if is_note else events
        for (account_id, month), mine in sorted(keys.items())
        for place, events in events_by_line(state, mine, account_id=account_id, period=str(month)).items()
    }
    explained = []
    for line in wanted:
        place = invoice.account_of(line)[0], invoice.month_of(line)
        events = tuple(found.get((*place, line_place(line, rules)), ())) if is_of_usage(line) else ()
        explained.append(_with_forgotten(LineExplanation(invoice=invoice, line=line, events=events), state, *place))
    return explained


def _with_forgotten(
    explanation: LineExplanation, state: AtIssue, account_id: str, month: BillingPeriod
) -> LineExplanation:
    """Say what was forgotten of a line of usage.

    Where a price depends on the month, nobody can say any more what each of the others is charged: none is shown.
    """
    line, kept = explanation.line, state.built.kept
    said = kept.said_of(account_id, month) if explanation.is_of_usage else ""
    if not said:
        return explanation
    quantity = kept.tokens(
        account_id=account_id,
        billing_period=str(month),
        api_key_id=line.api_key_id,
        model=line.model,
        service_tier=line.service_tier,
        meter=meter_and_rate(line)[0].value,
    )
    account = state.workspace.accounts.by_id(account_id)
    if account is None or depends_on_the_period(account, state.workspace.rate_cards):
        return replace(explanation, events=(), forgotten=said, forgotten_quantity=abs(line.quantity))
    return replace(explanation, forgotten=said, forgotten_quantity=quantity) if quantity else explanation


def events_by_line(
    state: AtIssue, api_key_ids: Collection[str], *, account_id: str, period: str
) -> dict[LinePlace, list[ChargedEvent]]:
    """Return the events of some keys that count for an account and month, by the line they are charged on."""
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
        billed_events(state, keys, account_id=account_id, period=period),
        account,
        state.workspace.rate_cards,
        state.workspace.rules,
    )


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
        files,
        reference_of(state),
        engine=engine_of(state.workspace),
        timezone=settings.timezone,
        unmeasured=settings.unmeasured.value,
        api_key_ids=api_key_ids,
    )
    mine = traced.filter(
        pc.and_(pc.equal(traced["account_id"], account_id), pc.equal(traced["billing_period"], period))
    )
    return mine.filter(mine["is_billed"]).to_pylist()  # type: ignore[no-any-return]  # as the schema says


def earlier_invoices(workspace: Workspace, invoice: Invoice, account_id: str) -> list[Invoice]:
    """Return what an account had of all that was issued before an invoice, to whomever."""
    return [
        part
        for document in register.read(workspace.root)
        if account_id in accounts_of(document) and (invoice.number is None or document["number"] < invoice.number)
        for part in invoice_from_document(document).parts
        if part.account_id == account_id
    ]
