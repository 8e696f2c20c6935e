"""What past usage would have cost under another rate card, beside what it was invoiced for. Nothing is written.

Owns which usage is priced again and what it is compared with. Does not own counting, rating, lines
(``usage_line_columns``) nor the comparison (``repriced_lines``): usage is counted again with every account on the other
card, so that its own effective periods, aliases, bands and meters decide (where it has the same of all of these as the
cards in use, the count is the same and is not made again). What costs the same on every day is summed before it is
rated, once for both cards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import register
from pipeline.accounts import Accounts
from pipeline.base.errors import ConfigurationError
from pipeline.base.periods import BillingPeriod
from pipeline.invoicing import invoice_from_document, taken_back
from pipeline.jobs.answers.repriced_lines import repriced_lines
from pipeline.jobs.answers.usage_line_columns import lines_of_charges, lines_of_invoices
from pipeline.jobs.state.aggregate import USAGE_DAILY, count, inputs_of
from pipeline.jobs.state.drafts import limits_of
from pipeline.jobs.state.held import in_force
from pipeline.jobs.state.rate import constant_terms, rate
from pipeline.lake.commits import read_log
from pipeline.lake.derived import read_derived
from pipeline.rates.card import counts_like
from pipeline.tables import schemas
from pipeline.tables.rating import summed_over_days

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from pipeline.accounts import Account
    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing import Invoice
    from pipeline.jobs.answers.repriced_lines import RepricedLine
    from pipeline.rating import UnpricedUsage


@dataclass(frozen=True, slots=True, kw_only=True)
class Repricing:
    """All usage lines under both cards, and the usage that the other card has no rate for."""

    card_id: str
    lines: tuple[RepricedLine, ...]
    unpriced: tuple[UnpricedUsage, ...]


def reprice(
    workspace: Workspace, card_id: str, *, period: BillingPeriod | None = None, account_id: str | None = None
) -> Repricing:
    """Price usage by the rate card ``card_id``.

    Compare it, line by line, with invoices as issued and drafts as of now.

    Lines of usage and of the card's limits only: corrections, fees, credits and tax follow from terms, not from a card
    alone. Raises
    ``ConfigurationError`` for an unknown card or account, or a card in another currency than an invoice it is compared
    with.
    """
    if card_id not in workspace.rate_cards:
        message = (
            f"there is no rate card {card_id!r}; add rates/{card_id}.toml (an account need not name it), or name one "
            f"of: {_listed(workspace.rate_cards)}"
        )
        raise ConfigurationError(message)
    if account_id is not None and workspace.accounts.by_id(account_id) is None:
        message = (
            f"there is no account {account_id!r}; there are: {_listed(account.id for account in workspace.accounts)}"
        )
        raise ConfigurationError(message)
    on_card = replace(
        workspace, accounts=Accounts(accounts=tuple(_paying_by(account, card_id) for account in workspace.accounts))
    )
    present = _asked_for(_present_usage(workspace), period, account_id)
    if all(counts_like(workspace.rate_cards[card_id], workspace.rate_cards[used]) for used in _cards_in_use(workspace)):
        used = counted = _in_fewer_rows(present, workspace, on_card)
    else:
        used = _in_fewer_rows(present, workspace)
        counted = _in_fewer_rows(
            _asked_for(
                count(on_card, in_force(workspace, read_log(workspace.lake))[0]).usage_daily, period, account_id
            ),
            on_card,
        )
    issued = {
        (invoice.account_id, invoice.period): invoice
        for invoice in (part for whole in _issued(workspace) for part in whole.parts)
        if _is_chosen(invoice, period, account_id)
    }
    drafted, _ = _rated_lines(workspace, _without(used, issued))
    new, unpriced = _rated_lines(on_card, counted)
    old = pa.concat_tables([lines_of_invoices(issued.values()), drafted])
    return Repricing(card_id=card_id, lines=tuple(repriced_lines(old, new, card_id)), unpriced=unpriced)


def _cards_in_use(workspace: Workspace) -> set[str]:
    return {terms.rate_card for account in workspace.accounts for terms in account.terms}


def _paying_by(account: Account, card_id: str) -> Account:
    """Return the account with another card for all its terms; discounts stay."""
    return replace(
        account, rate_card=card_id, terms=tuple(replace(terms, rate_card=card_id) for terms in account.terms)
    )


def _issued(workspace: Workspace) -> Iterator[Invoice]:
    """Yield the issued invoices that no credit note took back."""
    documents = register.read(workspace.root)
    voided = taken_back(documents)
    return (
        invoice_from_document(document)
        for document in documents
        if document["status"] == "issued" and document["invoice_id"] not in voided
    )


def _present_usage(workspace: Workspace) -> pa.Table:
    """Return usage daily as it was written, where nothing has changed since; else count it."""
    snapshot, _ = in_force(workspace, read_log(workspace.lake))
    written = read_derived(workspace.lake, USAGE_DAILY)
    if written is not None and written[0] == inputs_of(workspace, snapshot):
        return pa.concat_tables([schemas.USAGE_DAILY.empty_table(), *written[1].values()])
    return count(workspace, snapshot).usage_daily


def _rated_lines(workspace: Workspace, usage: pa.Table) -> tuple[pa.Table, tuple[UnpricedUsage, ...]]:
    """Rate usage, and return the lines of it (``usage_line_columns.LINES``) and what has no rate."""
    rated = rate(usage, workspace.accounts, workspace.rate_cards)
    pairs = rated.line_charges.group_by(["account_id", "billing_period"]).aggregate([]).to_pylist()
    places = [(pair["account_id"], BillingPeriod.parse(pair["billing_period"])) for pair in pairs]
    limits = limits_of(places, workspace.accounts, workspace.rate_cards)
    lines = lines_of_charges(rated.line_charges, workspace.accounts, workspace.settings.rounding, limits)
    return lines, rated.unpriced


def _asked_for(usage_daily: pa.Table, period: BillingPeriod | None, account_id: str | None) -> pa.Table:
    """Return the rows of a period and an account, or all where none is asked for."""
    for name, value in (("billing_period", None if period is None else str(period)), ("account_id", account_id)):
        usage_daily = usage_daily if value is None else usage_daily.filter(pc.equal(usage_daily[name], value))
    return usage_daily


def _in_fewer_rows(usage_daily: pa.Table, *workspaces: Workspace) -> pa.Table:
    """Sum what costs the same in each of the workspaces on whatever day of a month it was used."""
    return summed_over_days(usage_daily, [constant_terms(each.accounts, each.rate_cards) for each in workspaces])


def _without(usage_daily: pa.Table, invoiced: Collection[tuple[str, BillingPeriod]]) -> pa.Table:
    """Leave out the usage of accounts' periods that are invoiced."""
    for account_id, period in invoiced:
        is_invoiced = pc.and_(
            pc.equal(usage_daily["account_id"], account_id), pc.equal(usage_daily["billing_period"], str(period))
        )
        usage_daily = usage_daily.filter(pc.invert(is_invoiced))
    return usage_daily


def _is_chosen(invoice: Invoice, period: BillingPeriod | None, account_id: str | None) -> bool:
    return period in (None, invoice.period) and account_id in (None, invoice.account_id)


def _listed(names: Iterable[Any]) -> str:
    return ", ".join(sorted(names)) or "none"
