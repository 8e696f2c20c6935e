"""Charges → drafts of invoices, and their CSV.

Owns which accounts and months are drafted, and what the files of a period hold. Does not own lines, drafts, corrections
or ids (``pipeline.invoicing``) nor issuing (``pipeline.jobs.invoices``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import register
from pipeline.base.periods import BillingPeriod
from pipeline.documents.invoice_csv import BYTE_ORDER_MARK, invoices_csv, lines_csv_by_invoice
from pipeline.documents.invoice_jsonl import document_bytes
from pipeline.invoicing import (
    invoice_from_document,
    make_book,
)
from pipeline.jobs.state.held import has_begun
from pipeline.jobs.state.lines.charged_lines import charges_by_invoice, lines_by_invoice
from pipeline.rates.limits import entry_limits
from pipeline.register.invoice_files import invoice_file_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from pipeline.accounts import Accounts
    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing import Invoice, InvoiceBook
    from pipeline.jobs.state.aggregate import Aggregate
    from pipeline.rates import RateCard
    from pipeline.rates.limits import EntryLimit

Document = dict[str, Any]
"""An invoice as the register holds it."""
Place = tuple[str, BillingPeriod]
"""Account id and billing period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SomeAccounts:
    """Accounts of which none is, or was, on an invoice with another one; and what a book of them depends on."""

    accounts: Accounts
    """Those of them that there still are, with the tags of their keys."""
    ids: frozenset[str]
    """All of them."""
    places: list[Place]
    """With usage that has begun."""
    reach: tuple[date, date] | None
    """Of all accounts, see ``make_book``."""


def invoice_book(
    workspace: Workspace,
    built: Aggregate,
    *,
    documents: Sequence[Document] | None = None,
    known: dict[str, Invoice] | None = None,
    some: SomeAccounts | None = None,
) -> InvoiceBook:
    """Draft an invoice for every account and month with usage that has begun, or those of some accounts alone.

    Issued ones are ``documents``, else what is in the register now. Writes nothing. ``known`` are invoices that were
    read from documents before, by their seals, which are of all that a document says: none of them is read again, and
    those that are read are added.

    Raises ``ConfigurationError`` for an account that was invoiced and is not in ``accounts.toml`` any more, or has
    another currency now, or has a grant that does not cover what was consumed of it.
    """
    accounts, charges, unpriced = workspace.accounts, built.rated.line_charges, unpriced_places(workspace, built)
    if some is None:
        places, reach = used_places(workspace, built)
    else:
        accounts, places, reach = some.accounts, some.places, some.reach
        charges = charges.filter(pc.is_in(charges["account_id"], pa.array(sorted(some.ids), pa.string())))
        unpriced = {place for place in unpriced if place[0] in some.ids}
    currencies, rounding = account_currencies(workspace), workspace.settings.rounding
    tags = {key_id: accounts.tags_text(key_id) for key_id in accounts.tags}
    lines = lines_by_invoice(charges, currencies=currencies, rounding=rounding, tags=tags, rules=workspace.rules)
    return make_book(
        issued=tuple(
            invoice_of(document, {} if known is None else known)
            for document in (register.read(workspace.root) if documents is None else documents)
        ),
        charges=charges_by_invoice(charges) if lines is None else {},
        usage=lines,
        places=places,
        card_fees=card_fees(workspace.rate_cards),
        limits=limits_of(places, accounts, workspace.rate_cards),
        accounts=accounts,
        currencies=currencies,
        rounding=rounding,
        letterhead=workspace.settings.letterhead,
        unpriced=unpriced,
        reach=reach,
        rules=workspace.rules,
    )


def used_places(workspace: Workspace, built: Aggregate) -> tuple[list[Place], tuple[date, date] | None]:
    """Return the accounts and months with usage that have begun, by month and account.

    With the first and the last day of that usage; none where there is none.
    """
    begun = months_begun(workspace, built)
    used = [
        each
        for each in _months_used(built.marts.usage_daily)
        if begun[_zone_of(workspace, each.account_id), each.period]
    ]
    days = (min(each.first_date for each in used), max(each.last_date for each in used)) if used else None
    return [(each.account_id, each.period) for each in used], days


def months_begun(workspace: Workspace, built: Aggregate) -> dict[tuple[str, BillingPeriod], bool]:
    """Return which months with usage have begun, by time zone and month; the zone of accounts that are gone is empty.

    Of all that a book is made from, this alone depends on the clock once the marts are there.
    """
    found: dict[tuple[str, BillingPeriod], bool] = {}
    for each in _months_used(built.marts.usage_daily):
        place = (_zone_of(workspace, each.account_id), each.period)
        if place not in found:
            found[place] = has_begun(workspace, built.snapshot, each.account_id, each.period)
    return found


def _zone_of(workspace: Workspace, account_id: str) -> str:
    account = workspace.accounts.by_id(account_id)
    return "" if account is None else account.timezone


def unpriced_places(workspace: Workspace, built: Aggregate) -> set[Place]:
    """Return the accounts and months with usage that has no price, or of which some was forgotten.

    What was invoiced for them stands: nobody knows what they are worth, or could show it.
    """
    unpriced = {
        (row.usage.account_id, workspace.accounts.month_of(row.usage.account_id, row.usage.usage_date))
        for row in built.rated.unpriced
    }
    return unpriced | built.kept.months


def invoice_of(document: Document, known: dict[str, Invoice]) -> Invoice:
    """Return the invoice of a document of the register, which is read once: see ``invoice_book``."""
    seal = document.get("sealSha256", "")
    invoice = known.get(seal) or invoice_from_document(document)
    if seal:
        known[seal] = invoice
    return invoice


def card_fees(rate_cards: Mapping[str, RateCard]) -> dict[str, Decimal]:
    """Return the monthly fees of the cards that have one, by card."""
    return {card_id: card.monthly_fee for card_id, card in rate_cards.items() if card.monthly_fee is not None}


def limits_of(
    places: Iterable[tuple[str, BillingPeriod]], accounts: Accounts, rate_cards: Mapping[str, RateCard]
) -> dict[tuple[str, BillingPeriod], dict[str, EntryLimit]]:
    """Return the limits of the entries of an account's cards that hold in each of its months.

    Of months that have any.
    """
    limited = {card_id for card_id, card in rate_cards.items() if any(rate.is_limited for rate in card.rates)}
    found: dict[tuple[str, BillingPeriod], dict[str, EntryLimit]] = {}
    for account_id, period in places if limited else ():
        account = accounts.by_id(account_id)
        if account is None:
            continue
        start_at, end_at = period.start_at(account.zone), period.end_at(account.zone)
        for card_id in limited.intersection(terms.rate_card for terms in account.terms):
            found.setdefault((account_id, period), {}).update(entry_limits(rate_cards[card_id], start_at, end_at))
    return found


def account_currencies(workspace: Workspace) -> dict[str, str]:
    """Return the currency of each account by its id: its own where it says so, else that of its rate cards."""
    currencies = {card_id: card.currency for card_id, card in workspace.rate_cards.items()}
    return {account.id: account.currency_by(currencies) for account in workspace.accounts}


def period_files(workspace: Workspace, book: InvoiceBook, period: BillingPeriod) -> dict[str, bytes]:
    """Return the files of a period by name; none where it has no invoice."""
    invoices = book.of(period)
    if not invoices:
        return {}
    mark = BYTE_ORDER_MARK if workspace.settings.csv_bom else b""
    lines, lines_by_invoice_id = lines_csv_by_invoice(invoices)
    files = {"invoices.csv": mark + invoices_csv(invoices), "lines.csv": mark + lines}
    for invoice in invoices:
        document, lines_file = invoice_file_names(invoice.id)
        files[document] = document_bytes(invoice)
        files[lines_file] = mark + lines_by_invoice_id[invoice.id]
    return files


class _MonthUsed(NamedTuple):
    """A month of an account with usage."""

    period: BillingPeriod
    account_id: str
    first_date: date
    """Of that usage, in the account's time zone."""
    last_date: date


def _months_used(usage_daily: pa.Table) -> list[_MonthUsed]:
    """Return the months with usage, by month and account."""
    used = (
        usage_daily.group_by(["account_id", "billing_period"], use_threads=False)
        .aggregate([("usage_date", "min_max")])
        .to_pylist()
    )
    periods = {row["billing_period"]: BillingPeriod.parse(row["billing_period"]) for row in used if row["account_id"]}
    return sorted(
        _MonthUsed(periods[row["billing_period"]], row["account_id"], *row["usage_date_min_max"].values())
        for row in used
        if row["account_id"]
    )
