"""What past usage would have cost under another rate card, beside what it was invoiced for. Nothing is written.

Owns the comparison. Does not own counting, rating or lines: usage is counted again with every account on the other card, so that
its own effective periods, aliases, bands and meters decide (where it has the same of all of these as the cards in use, the count is
the same and is not made again), and then rated and put on lines by the rules that make every invoice, from charges that are summed
by line where that is quicker (``RatedUsage.line_charges``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import schemas
from pipeline.accounts import Accounts
from pipeline.errors import ConfigurationError
from pipeline.invoicing import draft_invoice, invoice_from_document
from pipeline.jobs.aggregate import USAGE_DAILY, count, inputs_of
from pipeline.jobs.explain import is_of_usage, meter_and_rate
from pipeline.jobs.invoice import charges_by_invoice
from pipeline.jobs.rate import rate
from pipeline.money import exact_sum, plain_rate, rounded_to_minor_unit
from pipeline.periods import BillingPeriod
from pipeline.rates.card import counts_like
from pipeline.storage import register
from pipeline.storage.derived import read_derived
from pipeline.storage.lake import read_log

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence
    from decimal import Decimal

    from pipeline.accounts import Account
    from pipeline.invoicing import Invoice, InvoiceLine
    from pipeline.rating import UnpricedUsage
    from pipeline.storage.workspace import Workspace

Place = tuple[BillingPeriod, str, str, str, str, str]
"""Billing period, account, key, model, service tier, meter: what a line is about, whatever its rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepricedLine:
    """The usage of one key, model, tier and meter in one account's month, under both cards."""

    period: BillingPeriod
    account_id: str
    invoice_id: str
    """What it was compared with: an issued invoice as issued, else the draft as of now; empty where there is neither."""
    api_key_id: str
    model: str
    service_tier: str
    meter: str
    old_quantity: int
    new_quantity: int
    """Differs from the old one for late usage, and for usage that one of the cards has no rate for."""
    old_rates: tuple[str, ...]
    """Per million, in the order of the lines; several where the price changed within the month."""
    new_rates: tuple[str, ...]
    currency: str
    old_amount: Decimal
    new_amount: Decimal

    @property
    def difference(self) -> Decimal:
        """New amount minus old amount: what the customer would have paid more."""
        return exact_sum([self.new_amount, -self.old_amount])


@dataclass(frozen=True, slots=True, kw_only=True)
class Repricing:
    """All usage lines under both cards, and the usage that the other card has no rate for."""

    card_id: str
    lines: tuple[RepricedLine, ...]
    unpriced: tuple[UnpricedUsage, ...]


def reprice(workspace: Workspace, card_id: str, *, period: BillingPeriod | None = None, account_id: str | None = None) -> Repricing:
    """Price usage by the rate card ``card_id`` and compare it, line by line, with invoices as issued and drafts as of now.

    Lines of usage only: corrections, fees, credits and tax follow from terms, not from a card alone.
    Raises ``ConfigurationError`` for an unknown card or account, or a card in another currency than an invoice it is compared with.
    """
    if card_id not in workspace.rate_cards:
        message = f"there is no rate card {card_id!r}; add rates/{card_id}.toml (an account need not name it), or name one of: {_listed(workspace.rate_cards)}"
        raise ConfigurationError(message)
    if account_id is not None and workspace.accounts.by_id(account_id) is None:
        message = f"there is no account {account_id!r}; there are: {_listed(account.id for account in workspace.accounts)}"
        raise ConfigurationError(message)
    on_card = replace(workspace, accounts=Accounts(accounts=tuple(_paying_by(account, card_id) for account in workspace.accounts)))
    present = _present_usage(workspace)
    is_counted_alike = all(counts_like(workspace.rate_cards[card_id], workspace.rate_cards[used]) for used in _cards_in_use(workspace))
    counted = present if is_counted_alike else count(on_card, read_log(workspace.lake)).usage_daily
    new, unpriced = _drafts(on_card, counted, period, account_id)
    issued = {(invoice.account_id, invoice.period): invoice for invoice in _issued(workspace) if _is_chosen(invoice, period, account_id)}
    drafts, _ = _drafts(workspace, present, period, account_id, issued)
    return Repricing(card_id=card_id, lines=tuple(_compared([*issued.values(), *drafts], new, card_id)), unpriced=tuple(unpriced))


def _cards_in_use(workspace: Workspace) -> set[str]:
    return {terms.rate_card for account in workspace.accounts for terms in account.terms}


def _paying_by(account: Account, card_id: str) -> Account:
    """Return the account with another card for all its terms; discounts stay."""
    return replace(account, rate_card=card_id, terms=tuple(replace(terms, rate_card=card_id) for terms in account.terms))


def _issued(workspace: Workspace) -> Iterator[Invoice]:
    """Yield the issued invoices that no credit note took back."""
    documents = register.read(workspace.root)
    voided = {document.get("credits_invoice") for document in documents}
    return (invoice_from_document(document) for document in documents if document["status"] == "issued" and document["invoice_id"] not in voided)


def _present_usage(workspace: Workspace) -> pa.Table:
    """Return usage daily as it was written, where nothing has changed since; else count it."""
    snapshot = read_log(workspace.lake)
    written = read_derived(workspace.lake, USAGE_DAILY)
    if written is not None and written[0] == inputs_of(workspace, snapshot):
        return pa.concat_tables([schemas.USAGE_DAILY.empty_table(), *written[1].values()])
    return count(workspace, snapshot).usage_daily


def _drafts(
    workspace: Workspace,
    usage_daily: pa.Table,
    period: BillingPeriod | None,
    account_id: str | None,
    left_out: Container[tuple[str, BillingPeriod]] = (),
) -> tuple[list[Invoice], list[UnpricedUsage]]:
    """Rate the chosen usage, and draft the invoices of it but for those left out."""
    usage = _chosen(_chosen(usage_daily, "billing_period", None if period is None else str(period)), "account_id", account_id)
    rated = rate(usage, workspace.accounts, workspace.rate_cards)
    invoices = []
    for (payer, month), charges in sorted(charges_by_invoice(rated.line_charges).items(), key=lambda each: (each[0][1], each[0][0])):
        account = workspace.accounts.by_id(payer)
        if account is None or (payer, month) in left_out:
            continue
        currency = workspace.rate_cards[account.rate_card].currency
        invoices.append(draft_invoice(charges, account=account, period=month, currency=currency, rounding=workspace.settings.rounding))
    return invoices, list(rated.unpriced)


def _chosen(table: pa.Table, name: str, value: str | None) -> pa.Table:
    """Return the rows with a value, or all rows where none is asked for."""
    return table if value is None else table.filter(pc.equal(table[name], value))


def _compared(old: Iterable[Invoice], new: Iterable[Invoice], card_id: str) -> Iterator[RepricedLine]:
    before, after = _by_place(old), _by_place(new)
    for place in sorted(before.keys() | after.keys()):
        mine, other = before.get(place, []), after.get(place, [])
        invoice = (mine or other)[0][0]
        currencies = {each.currency for each, _ in (*mine, *other)}
        if len(currencies) > 1:
            message = f"rate card {card_id!r} is in {other[0][0].currency}, {invoice.id} in {invoice.currency}; a difference needs one currency"
            raise ConfigurationError(message)
        month, payer, key, model, tier, meter = place
        yield RepricedLine(
            period=month,
            account_id=payer,
            invoice_id=mine[0][0].id if mine else "",
            api_key_id=key,
            model=model,
            service_tier=tier,
            meter=meter,
            old_quantity=sum(line.quantity for _, line in mine),
            new_quantity=sum(line.quantity for _, line in other),
            old_rates=tuple(_rate_text(line.rate_per_million) for _, line in mine),
            new_rates=tuple(_rate_text(line.rate_per_million) for _, line in other),
            currency=invoice.currency,
            old_amount=_printed(mine, invoice),
            new_amount=_printed(other, invoice),
        )


@cache
def _rate_text(rate_per_million: Decimal) -> str:
    return plain_rate(rate_per_million)


def _printed(lines: Sequence[tuple[Invoice, InvoiceLine]], invoice: Invoice) -> Decimal:
    """Add up printed amounts; the sum of none is written like the others, 0.00."""
    if len(lines) == 1:
        return lines[0][1].amount
    return rounded_to_minor_unit(exact_sum(line.amount for _, line in lines), invoice.currency, invoice.rounding)


def _by_place(invoices: Iterable[Invoice]) -> dict[Place, list[tuple[Invoice, InvoiceLine]]]:
    found: dict[Place, list[tuple[Invoice, InvoiceLine]]] = {}
    for invoice in invoices:
        for line in filter(is_of_usage, invoice.lines):
            place = (invoice.period, invoice.account_id, line.api_key_id, line.model, line.service_tier, meter_and_rate(line)[0].value)
            found.setdefault(place, []).append((invoice, line))
    return found


def _is_chosen(invoice: Invoice, period: BillingPeriod | None, account_id: str | None) -> bool:
    return period in (None, invoice.period) and account_id in (None, invoice.account_id)


def _listed(names: Iterable[Any]) -> str:
    return ", ".join(sorted(names)) or "none"
