"""The whole job, in order: collect, aggregate, rate, draft invoices.

Run it every night; run it again and nothing changes.

Owns the order and what the night has to say. Does not own the steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipeline import register
from pipeline.base.money import plain, plain_amount
from pipeline.configuration.settings import UnmeasuredPolicy
from pipeline.invoicing.book import above_spend_cap
from pipeline.jobs.night.collect import collect
from pipeline.jobs.night.other_usage import other_usage, other_usage_text
from pipeline.jobs.state.aggregate import aggregate_what_is_new, write_marts
from pipeline.jobs.state.claims import broken_claims_of, row_text
from pipeline.jobs.state.counts import counts_of
from pipeline.jobs.state.drafts import invoice_book, write_invoices
from pipeline.jobs.state.held import held_text
from pipeline.jobs.state.quarantined import quarantined_text, quarantined_usage
from pipeline.jobs.state.suspicious import (
    copies_by_key,
    remember_suspicious_copies,
    suspicious_copies,
    suspicious_text,
)
from pipeline.jobs.wording import UNASSIGNED, are, counted
from pipeline.objects.lock import locked
from pipeline.register.payments import sweep_payment_orphans
from pipeline.usage.sources import quarantine_reasons

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing import InvoiceBook
    from pipeline.jobs.check import Check
    from pipeline.jobs.night.collect import Collected
    from pipeline.jobs.state.aggregate import Aggregate
    from pipeline.jobs.state.quarantined import QuarantinedUsage
    from pipeline.jobs.state.suspicious import SuspiciousCopies
    from pipeline.rating import UsageQuantity


_WORDED = frozenset(
    {
        *("conflicts", "suspicious_copies", "unassigned_usage"),
        *("unmeasured_usage", "unpriced_usage", "usage_under_an_error_status"),
    }
)
"""The advisory checks whose rows are told in words of their own; whatever else is in the folder is told as it is."""
_ROWS_SHOWN_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """What one run read and made."""

    collected: Collected
    built: Aggregate
    book: InvoiceBook
    counts: dict[str, int]
    """Of the whole lake, not of this run alone."""
    quarantined: tuple[QuarantinedUsage, ...]
    """Likewise."""
    suspicious: tuple[SuspiciousCopies, ...]
    """Likewise; copies that lost and look like requests of their own."""
    warnings: tuple[str, ...]
    """One line each, saying what to do."""
    bad_input: tuple[str, ...]
    """Why ``--strict`` fails: what could not be read, or contradicts itself."""
    broken_claims: tuple[Check, ...]
    """The blocking checks whose claims do not hold: what was counted is wrong, and no draft of it can be issued."""


def nightly(
    workspace: Workspace,
    *,
    now: datetime,
    key_secret: bytes | None,
    force: bool = False,
    on_progress: Callable[[str, int, int], None] | None = None,
    processes: int = 1,
) -> Night:
    """Do all of it under the workspace's lock; everything it writes is durable before it returns.

    ``processes`` read a large log together. ``force`` commits sources of which most is refused, too.
    """
    workspace = replace(workspace, now=now)
    with locked(workspace.lake, command="tallybook nightly", started_at=now):
        register.sweep_orphans(workspace.root)
        sweep_payment_orphans(workspace.root)
        collected = collect(
            workspace, now=now, key_secret=key_secret, force=force, on_progress=on_progress, processes=processes
        )
        built = aggregate_what_is_new(workspace)
        book = invoice_book(workspace, built)
        write_marts(workspace, built)
        copies = suspicious_copies(workspace, built)
        new_copies = remember_suspicious_copies(workspace, built, copies)
        write_invoices(workspace, book)
    quarantined = quarantined_usage(workspace, built.snapshot)
    suspicious = copies_by_key(copies)
    return Night(
        collected=collected,
        built=built,
        book=book,
        counts=counts_of(built),
        quarantined=quarantined,
        suspicious=suspicious,
        warnings=tuple(_warnings(workspace, collected, built, book, quarantined=quarantined, suspicious=suspicious)),
        bad_input=tuple(_bad_input(collected, built, new_copies)),
        broken_claims=broken_claims_of(built.marts),
    )


def _bad_input(collected: Collected, built: Aggregate, new_copies: Mapping[str, int]) -> Iterator[str]:
    """Say what ``--strict`` fails for.

    Of the whole lake, so that running again gives the same answer; but suspicious copies are told once, as they stay.
    """
    reasons = quarantine_reasons(built.snapshot.sources)
    if reasons:
        yield (
            f"{counted(sum(reasons.values()), 'quarantined line')} "
            f"({', '.join(f'{count} {reason}' for reason, count in reasons.items())})"
        )
    conflicts = sum(row["events"] for row in built.marts.advisories.get("conflicts", ()))
    if conflicts:
        yield f"{counted(conflicts, 'measurement')} in conflict with another one of the same response"
    if new_copies:
        listed = ", ".join(f"{events} of key {key}" for key, events in new_copies.items())
        number = counted(sum(new_copies.values()), "suspicious copy", "suspicious copies")
        yield f"{number} that no night has told of before ({listed})"
    for problem in collected.problems:
        yield f"{problem.source} could not be read to its end ({problem.reason})"


def _warnings(
    workspace: Workspace,
    collected: Collected,
    built: Aggregate,
    book: InvoiceBook,
    *,
    quarantined: Sequence[QuarantinedUsage],
    suspicious: Sequence[SuspiciousCopies],
) -> Iterator[str]:
    yield from collected.warnings
    reasons = quarantine_reasons(built.snapshot.sources)
    if reasons:
        listed = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
        yield (
            f"{counted(sum(reasons.values()), 'quarantined line')} ({listed}); "
            "'tallybook doctor' lists source, line and reason"
        )
    yield from (quarantined_text(usage) for usage in quarantined if usage.tells)
    for row in built.marts.advisories.get("conflicts", ()):
        yield (
            f"{row['billing_period']}: {counted(row['events'], 'measurement')} of key {row['api_key_id']} "
            f"({row['account_id'] or UNASSIGNED}), "
            f"model {row['model']!r}, in conflict with another one of the same response; "
            "one of them is billed, 'tallybook usage --by key,fate' shows all"
        )
    yield from map(suspicious_text, suspicious)
    yield from map(held_text, built.held)
    yield from _unpriced(workspace, built)
    for row in built.marts.advisories.get("unassigned_usage", ()):
        yield (
            f"{row['billing_period']}: {counted(row['tokens'], 'token')} of key {row['api_key_id']}, model "
            f"{row['model']!r}, {are(row['tokens'])} unassigned; "
            "add the key to an account in accounts.toml"
        )
    for row in built.marts.advisories.get("unmeasured_usage", ()):
        yield (
            f"{row['billing_period']}: {counted(row['events'], 'exchange')} of {row['account_id'] or 'unassigned keys'}"
            " stated no usage: "
            f"{row['status']}{_advice(row, workspace.settings.unmeasured)}"
        )
    for row in built.marts.advisories.get("usage_under_an_error_status", ()):
        yield (
            f"{row['billing_period']}: {counted(row['events'], 'exchange')} of key {row['api_key_id']} "
            f"({row['account_id'] or UNASSIGNED}) "
            f"stated usage under status {row['http_status']}: "
            f"{row['prompt_tokens']} prompt and {row['completion_tokens']} completion tokens "
            "were consumed, and are billed"
        )
    yield from map(other_usage_text, other_usage(workspace, built.snapshot))
    for name, rows in sorted(built.marts.advisories.items()):
        if rows and name not in _WORDED:
            listed = "; ".join(row_text(row) for row in rows[:_ROWS_SHOWN_MAX])
            yield f"{name}: {counted(len(rows), 'row')}: {listed}; sql/checks/advisory/{name}.sql says what it lists"
    for late in book.late:
        difference = f"{plain(abs(late.difference))} {late.currency} {'less' if late.difference < 0 else 'more'} than"
        yield (
            f"{late.account_id}, {late.period} ({', '.join(late.invoice_ids)}) is worth "
            f"{difference if late.difference else 'in all, not line by line, what'} "
            f"was invoiced for it so far: late usage, or other prices; the correction stands on {late.draft_id}"
        )
    for draft, month, spent, cap in above_spend_cap(book, workspace.accounts):
        yield (
            f"{draft.account_id} has spent {plain(spent)} {draft.currency} in {month}, above its spend cap of "
            f"{plain_amount(cap, draft.currency)}; "
            "tell the customer, or raise spend_cap in accounts.toml"
        )


def _advice(row: dict[str, object], policy: UnmeasuredPolicy) -> str:
    if row["status"] == "estimated":
        tokens = counted(int(str(row["completion_tokens"])), "completion token")
        billed = ", which are billed" if policy is UnmeasuredPolicy.BILL_ESTIMATE else ""
        other = "" if billed else ", or set [policy] unmeasured"
        return (
            f" at {tokens} by content chunks{billed}; have clients ask for usage (stream_options.include_usage){other}"
        )
    return " because nothing was there to estimate from; 'tallybook usage --by key,status' lists them"


def _unpriced(workspace: Workspace, built: Aggregate) -> Iterator[str]:
    places: dict[tuple[str, str, str], list[UsageQuantity]] = {}
    for row in built.rated.unpriced:
        places.setdefault(
            (
                str(workspace.accounts.month_of(row.usage.account_id, row.usage.usage_date)),
                row.usage.account_id,
                row.usage.model,
            ),
            [],
        ).append(row.usage)
    for (period, account_id, model), usage in sorted(places.items()):
        account = workspace.accounts.by_id(account_id)
        tokens, first_date = sum(each.quantity for each in usage), min(each.usage_date for each in usage)
        yield (
            f"{period}: {counted(tokens, 'token')} of {account_id} for model {model!r} {are(tokens)} unpriced, from "
            f"{first_date} on; "
            f"add a rate or an alias to rates/{account.terms_on(first_date).rate_card if account else 'standard'}"
            ".toml, the invoice cannot be issued before"
        )
