"""How documents are frozen: at which instant, into what, and what each states of its origin.

Owns the refusals that have to do with dates and with usage that has no price. Does not own which documents are frozen
(``issue``, ``void``) nor the register itself (``pipeline.register``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline import register
from pipeline.base.errors import ConfigurationError, IssueBlocked
from pipeline.base.periods import instant_text, parse_instant, time_zone
from pipeline.invoicing.rules import Rules
from pipeline.jobs.wording import counted
from pipeline.register import configurations

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from pipeline.accounts import Accounts
    from pipeline.base.periods import BillingPeriod
    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing import Invoice
    from pipeline.jobs.state.aggregate import Aggregate
    from pipeline.rating import UnpricedUsage

_UNPRICED_LISTED_MAX = 10
"""How many models of accounts without a rate a message names, before it counts the rest."""
_LISTED = 3
"""How many accounts a message names before it counts the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freezing:
    """When and into what documents are frozen."""

    now: datetime
    """What documents state as ``issued_at``; its day in the account's time zone is the day of issue."""
    rehearsal: register.Rehearsal | None = None
    """Takes the documents in the register's place, so that nothing is written."""
    known: dict[str, Invoice] = field(default_factory=dict)
    """Invoices that were read from the register or made for it, by the seals of their documents."""
    readings: register.Readings = field(default_factory=register.Readings, compare=False)
    """Through which the register is read."""
    is_again: bool = False
    """Whether frozen documents are decided once more: their dates were settled when they were issued."""

    def documents(self, workspace: Workspace) -> tuple[dict[str, Any], ...]:
        """Return the register as it is now. Raises what ``register.read`` raises."""
        return tuple(document for _, document in self.readings.read(workspace.root))

    def append(
        self,
        workspace: Workspace,
        documents: Sequence[Mapping[str, Any]],
        make_document: Callable[[int], dict[str, object]],
        built: Aggregate,
    ) -> dict[str, Any]:
        """Freeze what is made of the next number, with its origin. Raises what ``register.append`` raises."""
        append = register.append if self.rehearsal is None else self.rehearsal.append
        return append(
            workspace.root, documents, lambda number: make_document(number) | _provenance(workspace, built, self.now)
        )

    def keep_configuration(self, workspace: Workspace) -> None:
        """Keep what documents are about to name; before any register entry does."""
        if self.rehearsal is None:
            configurations.keep(workspace)

    def refuse_backwards(self, documents: Sequence[Mapping[str, Any]]) -> None:
        """Raise ``ConfigurationError`` where the last document was issued later than now.

        Instants are compared, not days: one instant is two days in two time zones, and documents of several zones stand
        in one series. So in every time zone the days of issue are in the order of the numbers.
        """
        if self.is_again or not documents:
            return
        last = documents[-1]
        if self.now < parse_instant(last["issued_at"]):
            message = (
                f"nothing can be issued as of {instant_text(self.now)}: the last document, {last['invoice_id']}, was "
                f"issued at {last['issued_at']}, and numbers never run backwards in time; "
                f"give --as-of {last['issued_at']} or a later one"
            )
            raise ConfigurationError(message)

    def refuse_unfinished(self, drafts: Iterable[Invoice]) -> None:
        """Raise ``IssueBlocked`` where a draft's period has not ended in its account's time zone."""
        if self.is_again:
            return
        unfinished = [
            (end_at, draft) for draft in drafts if self.now < (end_at := draft.period.end_at(time_zone(draft.timezone)))
        ]
        if not unfinished:
            return
        end_at, draft = max(unfinished, key=lambda each: each[0])
        named = ", ".join(repr(each.account_id) for _, each in unfinished[:_LISTED])
        rest = f" and {len(unfinished) - _LISTED} more" if len(unfinished) > _LISTED else ""
        message = (
            f"{draft.period} cannot be issued as of {instant_text(self.now)}: it has not ended for {named}{rest}, the "
            f"last at {instant_text(end_at, time_zone(draft.timezone))}; wait for its end, name an --account whose "
            "month has ended, or give --early: what is used after that is late usage, corrected on the next invoice"
        )
        raise IssueBlocked(message)


def refuse_unpriced(
    unpriced: Iterable[UnpricedUsage], periods: Mapping[str, Collection[BillingPeriod]], what: str, otherwise: str = ""
) -> None:
    """Raise ``IssueBlocked`` where usage of one of these periods, by account id, has no price.

    ``otherwise`` is what else may be done than to add a price.
    """
    tokens: dict[tuple[str, BillingPeriod, str], int] = {}
    for row in unpriced:
        used_on, months = row.usage.usage_date, periods.get(row.usage.account_id, ())
        period = next((month for month in months if month.first_date <= used_on < month.end_date), None)
        if period is not None:
            if row.lacks_exchange:
                message = (
                    f"{what}: account {row.usage.account_id!r} has usage on {row.usage.usage_date} and no rate of "
                    f"exchange for it: {row.reason}{otherwise}"
                )
                raise IssueBlocked(message)
            place = (row.usage.account_id, period, row.usage.model)
            tokens[place] = tokens.get(place, 0) + row.usage.quantity
    if tokens:
        by_tokens = sorted(tokens.items(), key=lambda item: -item[1])
        listed = "; ".join(
            f"account {account_id!r}: {counted(quantity, 'token')} of model {model!r} in {period}"
            for (account_id, period, model), quantity in sorted(by_tokens[:_UNPRICED_LISTED_MAX])
        )
        rest = len(tokens) - _UNPRICED_LISTED_MAX
        more = f" and {counted(rest, 'smaller one')}; 'tallybook doctor --warnings' tells of them" if rest > 0 else ""
        message = (
            f"{what}: no rate is in force for {listed}{more}; "
            f"add rates (or an alias) to the accounts' rate cards and try again{otherwise}"
        )
        raise IssueBlocked(message)


def refuse_awaited_rates(accounts: Accounts, drafts: Iterable[Invoice]) -> None:
    """Raise ``IssueBlocked`` where a line has a rate of exchange that holds until its month's last day has one.

    Each line is paid by the rules of the account that it is of, which may be a child of the invoiced one.
    """
    for draft in drafts:
        for line in draft.lines:
            used_on, rate = line.first_usage_date, line.exchange
            account_id, _ = draft.account_of(line) if rate else ("", "")
            account = accounts.by_id(account_id)
            exchange = account.exchange if account else None
            if exchange and rate and used_on and exchange.is_provisional(rate, used_on):
                message = (
                    f"{draft.period} of {account_id!r} cannot be issued: usage of {used_on} is paid at the rate "
                    f"of exchange of its month's last day, and the last that is there is of {rate.on}: "
                    f"{exchange.missing_text(rate.currency, used_on)}"
                )
                raise IssueBlocked(message)


def _provenance(workspace: Workspace, built: Aggregate, now: datetime) -> dict[str, object]:
    """Say when a document was frozen, and what it is a function of."""
    return {
        **({} if workspace.rules is Rules.FIRST else {"rules": int(workspace.rules)}),
        "issued_at": instant_text(now),
        "commit": built.snapshot.version,
        "commit_sha256": built.snapshot.entry_sha256,
        "configuration_sha256": workspace.digest,
    }
