"""What became of one logged line.

Billed on which invoice line, duplicate of what, in conflict, quarantined and why, failed, not metered.

Asked by the request id, the response id, or the place in a log (a quarantined line has no id). Does not own fates
(``sql/intermediate/event_copies.sql``) nor the events behind a line (``pipeline.jobs.state.lines.traced_lines``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import register
from pipeline.base.beginnings import LISTED_MAX, ambiguous, may_mean, whole_id
from pipeline.base.errors import InvoiceNotFound
from pipeline.base.money import normalised, plain
from pipeline.base.periods import BillingPeriod, instant_text
from pipeline.configuration.source_files import source_text
from pipeline.invoicing import LineKind, invoice_from_document, taken_back
from pipeline.invoicing.corrections import corrections_of
from pipeline.invoicing.document import accounts_of
from pipeline.invoicing.worth.usage_lines import line_place
from pipeline.jobs.state.at_issue import present_state, reference_of, state_at_issue
from pipeline.jobs.state.drafts import invoice_book
from pipeline.jobs.state.engines import engine_of
from pipeline.jobs.state.lines.event_charges import charged_events, depends_on_the_period, quantities
from pipeline.jobs.state.lines.traced_lines import events_by_line
from pipeline.jobs.state.quarantined import quarantined_lines, tokens_stated
from pipeline.jobs.wording import counted
from pipeline.lake.checked_files import verified_data_files, verified_files
from pipeline.objects.encoded.parquet_bytes import dataset_of, read_rows
from pipeline.rating import exact_charge
from pipeline.usage import INT64_MAX, UsageStatus
from pipeline.warehouse.grains.tracing import trace_copies

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing import Invoice, InvoiceLine
    from pipeline.jobs.state.at_issue import AtIssue
    from pipeline.jobs.state.lines.event_charges import ChargedEvent, Event


_IDS = ("request_id", "response_id")
_WITH_TOKENS = {UsageStatus.MEASURED, UsageStatus.ESTIMATED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one line of a log."""

    source: str
    line: int
    byte_start: int | None
    byte_end: int | None
    event: Event | None
    """None for a line that became no usage event, or one that is held."""
    word: str
    """``billed``, ``late``, ``unpriced``, ``unassigned``, ``duplicate``, ``conflict``, ``superseded``, ``held``,
    ``quarantined``, ``forgotten``, ``blank``, or the status.
    """
    detail: str
    """One sentence: on which invoice line, or why on none."""

    @property
    def tokens(self) -> tuple[int | None, int | None]:
        """Prompt and completion tokens.

        None where they were not stated (of an estimated stream only the prompt's), which SQL adds up as 0.
        """
        if self.event is None or self.event["status"] not in _WITH_TOKENS:
            return None, None
        return self.event["prompt_tokens"] if self.event["status"] == UsageStatus.MEASURED else None, self.event[
            "completion_tokens"
        ]


def outcomes_of_id(workspace: Workspace, given: str) -> list[Outcome]:
    """Return what became of every line that states a request or response id, and of every copy.

    The beginning of an id is enough where no other begins so. Raises ``InvoiceNotFound`` where there is none, and
    ``ConfigurationError`` that names them where there are several.
    """
    state = present_state(workspace)
    found = _of_id(state, given)
    if not found and (whole := _whole_logged_id(state, given)) is not None:
        found = _of_id(state, whole)
    if not found:
        gone = "; ".join(each.text for each in state.built.snapshot.forgettings)
        message = (
            f"no logged exchange has the request or response id {given!r}; "
            "a quarantined line has no id, ask for it by --source FILE --line N"
        ) + (f", and of what was {gone} no id is kept" if gone else "")
        raise InvoiceNotFound(message)
    return found


def _of_id(state: AtIssue, wanted_id: str) -> list[Outcome]:
    return [
        *_events(state, wanted_id=wanted_id),
        *_held(state, [[(name, "=", wanted_id)] for name in _IDS]),
    ]


def _whole_logged_id(state: AtIssue, given: str) -> str | None:
    """Return the one id that begins so; files are looked through as far as it takes to tell that there are several."""
    begins = given.partition("…")[0]
    files = verified_data_files(state.workspace.lake, [*state.built.snapshot.data_files, *state.built.held_files])
    if not begins or not files:
        return None
    begun = [pc.starts_with(pc.field(name), begins) for name in _IDS]
    schema = pa.schema({name: pa.string() for name in _IDS})
    events = dataset_of(files, schema)
    found: set[str] = set()
    for batch in events.to_batches(columns=list(_IDS), filter=begun[0] | begun[1]):
        found |= {each for name in _IDS for each in batch[name].unique().to_pylist() if each and may_mean(given, each)}
        if len(found) > LISTED_MAX:
            raise ambiguous(given, sorted(found)[:LISTED_MAX], "request or response id", is_all=False)
    return whole_id(given, found, "request or response id") if found else None


def outcomes_of_place(workspace: Workspace, source: str, line: int) -> list[Outcome]:
    """Return what became of a line of a log, and of every copy.

    Raises ``InvoiceNotFound`` where that line was never read.
    """
    state = present_state(workspace)
    names = [source, source_text(workspace.root, Path(source)), source_text(workspace.root, workspace.root / source)]
    for name in dict.fromkeys(names) if line <= INT64_MAX else ():  # no column holds more
        found = [
            *_events(state, wanted_place=(name, line)),
            *_held(state, [[("source", "=", name), ("line", "=", line)]]),
            *_quarantined(state, name, line),
        ]
        read = [
            record
            for record in state.built.snapshot.sources
            if record.source == name and record.first_line <= line < record.next_line
        ]
        if read and not found:
            found = [_without_a_row(state, name, line, is_forgotten=any(record.forgotten for record in read))]
        if found:
            return found
    known = sorted({record.source for record in state.built.snapshot.sources})
    message = (
        f"line {line} of {source} was never read; "
        f"the lake knows {', '.join(known[:5]) or 'no log yet'}{' …' if len(known) > 5 else ''}"  # noqa: PLR2004  # what one line of an error can hold
    )
    raise InvoiceNotFound(message)


def _without_a_row(state: AtIssue, source: str, line: int, *, is_forgotten: bool) -> Outcome:
    """Return what became of a line that was read, and of which nothing is in the lake."""
    blank = "the line is blank, of no exchange, or a part of what a later line ends"
    gone = "; ".join(each.text for each in state.built.snapshot.forgettings)
    return Outcome(
        source=source,
        line=line,
        byte_start=None,
        byte_end=None,
        event=None,
        word="forgotten" if is_forgotten else "blank",
        detail=f"what the line told was {gone}, or {blank}" if is_forgotten else f"{blank}; nothing is counted",
    )


def _quarantined(state: AtIssue, source: str, line: int) -> Iterator[Outcome]:
    wanted = (pc.field("source") == source) & (pc.field("line") == line)
    for row in quarantined_lines(state.workspace.lake, state.built.snapshot, filters=wanted).to_pylist():
        detail = f"{row['reason']}: {row['detail']}" if row["detail"] else row["reason"]
        place = {name: row[name] for name in ("source", "line", "byte_start", "byte_end")}
        yield Outcome(
            **place,
            event=None,
            word="quarantined",
            detail=f"it could not be read ({detail}), so nothing was counted{_stated(row)}",
        )


def _stated(row: Mapping[str, Any]) -> str:
    """Say whose a quarantined line is and what it states, as far as that can be read."""
    key, tokens = row["api_key_id"], tokens_stated(row)
    of = f"it is of key {key}" if key else "its key cannot be read"
    stated = f"states {counted(tokens, 'token')}" if tokens is not None else "states no tokens that can be read"
    return f"; {of}, and {stated}"


def _held(state: AtIssue, wanted: list[list[tuple[str, str, str | int]]]) -> Iterator[Outcome]:
    for file in verified_data_files(state.workspace.lake, state.built.held_files):
        for row in read_rows(file, filters=wanted).to_pylist():
            place = {name: row[name] for name in ("source", "line", "byte_start", "byte_end")}
            yield Outcome(
                **place,
                event=None,
                word="held",
                detail=f"it is dated {instant_text(row['occurred_at'])}, which has not come; it counts from then on",
            )


def _events(state: AtIssue, **wanted: Any) -> Iterator[Outcome]:
    for event in _traced(state, **wanted):
        word, detail = _what_became(state, event)
        place = {name: event[name] for name in ("source", "line", "byte_start", "byte_end")}
        yield Outcome(**place, event=event, word=word, detail=detail)


def _traced(state: AtIssue, **wanted: Any) -> list[Event]:
    workspace = state.workspace
    files = verified_files(workspace.lake, state.built.snapshot)
    rows: list[Event] = trace_copies(
        files,
        reference_of(state),
        engine=engine_of(workspace),
        timezone=workspace.settings.timezone,
        unmeasured=workspace.settings.unmeasured.value,
        **wanted,
    ).to_pylist()
    return rows


def _what_became(state: AtIssue, event: Event) -> tuple[str, str]:
    survivor = f"{event['survivor_source']} line {event['survivor_line']}"
    if event["fate"] == "duplicate":
        return "duplicate", f"the same response as {survivor}, which counts instead"
    if event["fate"] == "conflict":
        return (
            "conflict",
            f"{survivor} states other usage or another model for the same response, and counts instead",
        )
    if event["fate"] == "superseded":
        return "superseded", f"{survivor} says more about the same response and counts instead"
    if not event["is_billed"]:
        return event["status"], _why_not_billed(state, event)
    if not event["account_id"]:
        return "unassigned", f"key {event['api_key_id']} belongs to no account; add it to one in accounts.toml"
    return _on_which_invoice(state, event)


_NOT_BILLED = {
    "estimated": (
        "no token count above zero was found in the stream; its tokens are estimated and listed, not billed ([policy] "
        "unmeasured)"
    ),
    "unknown": "a success in which no token count above zero was found; listed, not billed",
    "failed": "an error; not billed",
    "not_metered": "no completion, or an answer from the gateway's own cache; not billed",
}
_OF_NO_FAMILY = (
    "a success whose body was read as none of the APIs that are known, so that nobody knows what it states; look at "
    "the source's dialect and at its fields; listed, not billed"
)


def _why_not_billed(state: AtIssue, event: Event) -> str:
    """Say why an event is not billed, and what it states all the same: what was not understood is not said to be none.

    How its body was read, and what no meter holds, stand in its row of the lake alone.
    """
    day = event["occurred_at"].astimezone(UTC).date()
    files = [file for file in state.built.snapshot.data_files if file.date == day]
    place = [[("source", "=", event["source"]), ("line", "=", event["line"])]]
    rows = [
        row
        for file in verified_data_files(state.workspace.lake, files)
        for row in read_rows(file, filters=place).to_pylist()
        if row["event_id"] == event["event_id"]
    ]
    is_of_no_family = event["status"] == UsageStatus.UNKNOWN and not any(row["dialect"] for row in rows)
    why = _OF_NO_FAMILY if is_of_no_family else _NOT_BILLED[event["status"]]
    stated = [f"{count} {name}" for row in rows for name, count in json.loads(row.get("other_usage") or "{}").items()]
    return f"{why}; it states {', '.join(stated)}, which nobody bills" if stated else why


def _on_which_invoice(state: AtIssue, event: Event) -> tuple[str, str]:
    """Find an event's lines: on its issued invoice as of the commit that one names, else on its draft."""
    place, month = (event["account_id"], event["billing_period"]), BillingPeriod.parse(event["billing_period"])
    account = state.workspace.accounts.by_id(place[0])
    payer_id = account.invoiced_in(month) if account else place[0]
    of_month = [
        document
        for document in register.read(state.workspace.root)
        if BillingPeriod.parse(document["period"]).holds(month)
    ]
    voided = taken_back(of_month)
    mine = [document for document in of_month if place[0] in accounts_of(document)]
    without = [document for document in of_month if document["account_id"] == payer_id and document not in mine]
    issued = [*without, *mine]
    usage = f"{event['account_id']}, {event['billing_period']}"
    for document in reversed(issued):
        if document["status"] != "issued" or document["invoice_id"] in voided:
            continue
        then = state_at_issue(state.workspace, document, is_checked=False)
        again = [
            old
            for old in _traced(then, wanted_place=(event["source"], event["line"]))
            if _is_same(old, event) and old["is_billed"]
        ]
        if document not in mine or not again or (again[0]["account_id"], again[0]["billing_period"]) != place:
            return (
                "late",
                (
                    f"{document['invoice_id']} ({usage}) was issued before this line counted; "
                    f"it is late usage{_corrected_on(state, document, event)}"
                ),
            )
        return _on_lines(then, invoice_from_document(document), again[0])
    for draft in invoice_book(state.workspace, state.built).drafts:
        if draft.account_id == payer_id and draft.period.holds(month):
            return _on_lines(state, draft, event)
    return "unpriced", f"{usage}: no invoice holds it"


def _corrected_on(state: AtIssue, closing: Mapping[str, Any], event: Event) -> str:
    """Name the lines that settle late usage: of the first invoice after it that knew the event, else of a draft."""
    for invoice in _after(state, closing, event):
        lines = corrections_of(
            invoice.lines_of(event["account_id"]),
            BillingPeriod.parse(event["billing_period"]),
            api_key_id=event["api_key_id"],
            model=event["model"],
            service_tier=event["service_tier"],
        )
        listed = ", ".join(f"{line.number} ({line.meter})" for line in lines if line.meter in quantities(event))
        if listed:
            return f", corrected on {invoice.id} ({invoice.period}) line {listed}"
    return ", and on no correction: it changes no printed amount"


def _after(state: AtIssue, closing: Mapping[str, Any], event: Event) -> Iterator[Invoice]:
    """Yield the account's invoices after one, but voided ones and those decided before the event was read.

    Then its drafts.
    """
    documents = register.read(state.workspace.root)
    voided = taken_back(documents)
    for document in documents:
        is_after = event["account_id"] in accounts_of(document) and document["number"] > closing["number"]
        if is_after and document["status"] == "issued" and document["invoice_id"] not in voided:
            then = state_at_issue(state.workspace, document, is_checked=False)
            if any(_is_same(old, event) for old in _traced(then, wanted_place=(event["source"], event["line"]))):
                yield invoice_from_document(document)
    yield from (
        draft for draft in invoice_book(state.workspace, state.built).drafts if event["account_id"] in draft.account_ids
    )


def _on_lines(state: AtIssue, invoice: Invoice, event: Event) -> tuple[str, str]:
    tokens = quantities(event)
    if not tokens:
        return (
            "billed",
            f"{invoice.id} ({event['account_id']}, {invoice.period}): it stated 0 tokens, so no line holds it",
        )
    shares = _shares(state, invoice, event)
    unpriced = sum(tokens.values()) - sum(charged.quantity for _, charged in shares)
    if unpriced:
        account = state.workspace.accounts.by_id(event["account_id"])
        is_foreign = account is not None and account.exchange is not None and account.exchange.tables
        return (
            "unpriced",
            (
                f"{invoice.id}: no rate is in force for {counted(unpriced, 'token')} of model {event['model']!r}; "
                f"add one to the account's rate card{', or the rate of exchange of its day' if is_foreign else ''}"
            ),
        )
    listed = ", ".join(_share_text(line, charged, invoice.currency) for line, charged in shares)
    return "billed", f"{invoice.id} ({event['account_id']}, {invoice.period}) line {listed}"


def _shares(state: AtIssue, invoice: Invoice, event: Event) -> list[tuple[InvoiceLine, ChargedEvent]]:
    """Return the lines that charge an event, with its share of each.

    Where no price depends on the period, without looking at any other event.
    """
    account, cards = state.workspace.accounts.by_id(event["account_id"]), state.workspace.rate_cards
    if account is None or depends_on_the_period(account, cards):
        keys, account_id = {event["api_key_id"]}, event["account_id"]
        found = events_by_line(state, keys, account_id=account_id, period=event["billing_period"])
    else:
        found = charged_events([event], account, cards, state.workspace.rules)
    return [
        (line, charged)
        for line in invoice.lines_of(event["account_id"])
        if line.kind is LineKind.USAGE and str(invoice.month_of(line)) == event["billing_period"]
        for charged in found.get(line_place(line, state.workspace.rules), ())
        if charged.event["event_id"] == event["event_id"]
    ]


def _share_text(line: InvoiceLine, charged: ChargedEvent, currency: str) -> str:
    """Name a line and the event's tokens on it, and what they cost there where the rate alone does not say it."""
    what = counted(
        charged.quantity, f"{line.meter} token" if line.meter is None or line.meter.is_of_tokens else line.meter
    )
    by_rate = exact_charge(charged.quantity, charged.rate_per_million)
    cost = "" if by_rate == charged.exact_charge else f" for {plain(normalised(charged.exact_charge))} {currency}"
    return f"{line.number} ({what}{cost})"


def _is_same(one: Event, other: Event) -> bool:
    return all(
        one[name] == other[name]
        for name in ("source", "line", "occurred_at", "response_id", "request_id", "byte_start")
    )
