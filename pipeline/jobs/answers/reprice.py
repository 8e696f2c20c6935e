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
from pipeline.accounts import Accounts, Interval
from pipeline.base.errors import ConfigurationError
from pipeline.base.periods import BillingPeriod
from pipeline.configuration.exchange_files import refuse_what_has_no_day, table_between
from pipeline.invoicing import invoice_from_document, taken_back
from pipeline.invoicing.draft import draft_id
from pipeline.invoicing.places import closed_periods, open_period
from pipeline.jobs.answers.grouped.cost_rates import with_cost_rates
from pipeline.jobs.answers.repriced_lines import repriced_lines
from pipeline.jobs.answers.usage_line_columns import lines_of_charges, lines_of_invoices
from pipeline.jobs.state.aggregate import count, inputs_of
from pipeline.jobs.state.drafts import limits_of
from pipeline.jobs.state.forgotten.kept import USAGE, kept_counts
from pipeline.jobs.state.held import in_force
from pipeline.jobs.state.rate import constant_terms, rate
from pipeline.lake.commits import read_log
from pipeline.lake.derived import USAGE_DAILY, read_derived
from pipeline.rates.card import counts_like
from pipeline.tables import schemas
from pipeline.tables.rating import summed_over_days

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from pipeline.accounts import Account, Exchange
    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing import Invoice
    from pipeline.jobs.answers.repriced_lines import RepricedLine
    from pipeline.lake.log.snapshot import LakeSnapshot
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
    ``ConfigurationError`` for an unknown card or account, a card in another currency than an invoice it is compared
    with, or one that asks more of usage that was forgotten than its kept counts say.
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
    accounts = Accounts(accounts=tuple(_paying_by(account, card_id, workspace) for account in workspace.accounts))
    refuse_what_has_no_day(accounts, workspace.rate_cards, with_fees=False)
    on_card = replace(workspace, accounts=accounts)
    present = _asked_for(_present_usage(workspace), period, account_id)
    if all(counts_like(workspace.rate_cards[card_id], workspace.rate_cards[used]) for used in _cards_in_use(workspace)):
        used = counted = _in_fewer_rows(present, workspace, on_card)
    else:
        used = _in_fewer_rows(present, workspace)
        snapshot = read_log(workspace.lake)
        _refuse_what_was_forgotten(workspace, snapshot, card_id, period, account_id)
        usage_daily = count(on_card, in_force(workspace, snapshot)[0]).usage_daily
        counted = _in_fewer_rows(_asked_for(usage_daily, period, account_id), on_card)
    issued = [part for whole in _issued(workspace) for part in whole.parts]
    closed = _closed(workspace, issued)
    issued = [part for part in issued if account_id in (None, part.account_id)]
    drafted, _ = _rated_lines(workspace, _without(used, closed))
    new, unpriced = _rated_lines(on_card, counted)
    of_invoices = _asked_for(lines_of_invoices(issued), period, account_id)
    old = pa.concat_tables([of_invoices, _on_their_drafts(drafted, workspace.accounts, closed)])
    return Repricing(card_id=card_id, lines=tuple(repriced_lines(old, new, card_id)), unpriced=unpriced)


def _refuse_what_was_forgotten(
    workspace: Workspace, snapshot: LakeSnapshot, card_id: str, period: BillingPeriod | None, account_id: str | None
) -> None:
    """Raise ``ConfigurationError`` where kept counts do not say what the other card asks, and no event does."""
    kept = kept_counts(workspace, snapshot)
    mine = _asked_for(kept.tables[USAGE], period, account_id)
    placed = with_cost_rates(mine, workspace, {account.id: card_id for account in workspace.accounts})
    if placed is not None and placed["cost_model"].equals(mine["model"]):
        return
    days = pc.min_max(mine["usage_date"]).as_py()
    message = (
        f"usage of {days['min']} to {days['max']} was {'; '.join(each.text for each in kept.forgettings)}, and its "
        f"counts do not say what it costs on rate card {card_id!r}, which has other names of models, sizes of prompts "
        "or meters, or a price that changes within a day; ask for other months or accounts"
    )
    raise ConfigurationError(message)


def _cards_in_use(workspace: Workspace) -> set[str]:
    return {terms.rate_card for account in workspace.accounts for terms in account.terms}


def _paying_by(account: Account, card_id: str, workspace: Workspace) -> Account:
    """Return the account with another card for all its terms; discounts stay, and so does the currency it pays in."""
    terms = tuple(replace(terms, rate_card=card_id) for terms in account.terms)
    return replace(account, rate_card=card_id, terms=terms, exchange=_exchange_for(account, card_id, workspace))


def _exchange_for(account: Account, card_id: str, workspace: Workspace) -> Exchange | None:
    exchange, price = account.exchange, workspace.rate_cards[card_id].currency
    if exchange is None or price == exchange.currency or price in exchange.tables:
        return exchange
    table = table_between(price, exchange.currency, workspace.exchange_tables)
    if table is None:
        message = (
            f"account {account.id!r} pays in {exchange.currency}, and rate card {card_id!r} is in {price}; add "
            f"exchange/{price}-{exchange.currency}.csv"
        )
        raise ConfigurationError(message)
    return replace(exchange, tables={**exchange.tables, price: table})


def _issued(workspace: Workspace) -> Iterator[Invoice]:
    """Yield the issued invoices that no credit note took back."""
    documents = register.read(workspace.root)
    voided = taken_back(documents)
    return (
        invoice_from_document(document)
        for document in documents
        if document["status"] == "issued" and document["invoice_id"] not in voided
    )


def _closed(workspace: Workspace, issued: Iterable[Invoice]) -> set[tuple[str, BillingPeriod]]:
    """Return the months of accounts of which no draft is: what was used in them since is corrected, on other drafts."""
    invoiced: dict[str, set[BillingPeriod]] = {account.id: set() for account in workspace.accounts}
    for part in issued:
        invoiced.setdefault(part.account_id, set()).update(part.period.months)
    closed = closed_periods(workspace.accounts, invoiced)
    return {(account_id, month) for account_id, months in closed.items() for month in months}


def _present_usage(workspace: Workspace) -> pa.Table:
    """Return usage daily as it was written, where nothing has changed since; else count it."""
    snapshot, _ = in_force(workspace, read_log(workspace.lake))
    written = read_derived(workspace.lake, USAGE_DAILY)
    if written is not None and written[0] == inputs_of(workspace, snapshot):
        return pa.concat_tables([schemas.USAGE_DAILY.empty_table(), *written[1].values()])
    return count(workspace, snapshot, is_checked=False).usage_daily


def _rated_lines(workspace: Workspace, usage: pa.Table) -> tuple[pa.Table, tuple[UnpricedUsage, ...]]:
    """Rate usage, and return the lines of it (``usage_line_columns.LINES``) and what has no rate."""
    rated = rate(usage, workspace.accounts, workspace.rate_cards)
    pairs = rated.line_charges.group_by(["account_id", "billing_period"], use_threads=False).aggregate([]).to_pylist()
    places = [(pair["account_id"], BillingPeriod.parse(pair["billing_period"])) for pair in pairs]
    limits = limits_of(places, workspace.accounts, workspace.rate_cards)
    lines = lines_of_charges(rated.line_charges, workspace.accounts, workspace.settings.rounding, limits)
    return lines, rated.unpriced


def _asked_for(usage_daily: pa.Table, period: BillingPeriod | None, account_id: str | None) -> pa.Table:
    """Return the rows of the months of a period and of an account, or all where none is asked for."""
    months = None if period is None else [str(month) for month in period.months]
    for name, values in (("billing_period", months), ("account_id", None if account_id is None else [account_id])):
        if values is not None:
            usage_daily = usage_daily.filter(pc.is_in(usage_daily[name], pa.array(values, pa.string())))
    return usage_daily


def _on_their_drafts(lines: pa.Table, accounts: Accounts, closed: Collection[tuple[str, BillingPeriod]]) -> pa.Table:
    """Name the drafts of accounts whose months are billed together, their own or their parents'.

    ``lines`` name one for each month.
    """
    together = {
        account.id
        for account in accounts
        if any(each.billed_by.interval is not Interval.MONTH for each in account.terms)
    }
    ids = []
    columns = (lines[name].to_pylist() for name in ("account_id", "billing_period", "invoice_id"))
    for account_id, period, invoice_id in zip(*columns, strict=True) if together else ():
        account = accounts.by_id(account_id) if account_id in together else None
        if account is None:
            ids.append(invoice_id)
            continue
        month = BillingPeriod.parse(period)
        payer = accounts.by_id(account.invoiced_in(month)) or account
        theirs = {each for closed_id, each in closed if closed_id == payer.id}
        ids.append(draft_id(payer.id, open_period(payer, month, theirs)))
    if not together:
        return lines
    place = lines.schema.get_field_index("invoice_id")
    return lines.set_column(place, lines.schema.field(place), pa.array(ids, pa.string()))


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


def _listed(names: Iterable[Any]) -> str:
    return ", ".join(sorted(names)) or "none"
