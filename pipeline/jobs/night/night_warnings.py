"""What a night warns of, one function a code. Does not own the codes (``pipeline.base.warning_codes``)."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from pipeline.base.money import exact_sum, plain, plain_amount
from pipeline.base.warning_codes import WarningCode
from pipeline.configuration.settings import UnmeasuredPolicy
from pipeline.invoicing import LineKind
from pipeline.jobs.night.other_usage import other_usage, other_usage_text
from pipeline.jobs.state.aggregate import aggregate
from pipeline.jobs.state.claims import row_text
from pipeline.jobs.state.drafted.now import heads_now
from pipeline.jobs.state.held import held_text
from pipeline.jobs.state.notices.acknowledged import read_acknowledged
from pipeline.jobs.state.notices.told import told_before
from pipeline.jobs.state.quarantined import quarantined_text, quarantined_usage
from pipeline.jobs.state.suspicious import copies_by_key, suspicious_copies, suspicious_text
from pipeline.jobs.warned import NightWarning
from pipeline.jobs.wording import UNASSIGNED, are, counted
from pipeline.usage.sources import quarantine_reasons

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing.account_drafts import LateUsage
    from pipeline.jobs.night.other_usage import OtherUsage
    from pipeline.jobs.state.aggregate import Aggregate
    from pipeline.jobs.state.drafted.heads import AboveSpendCap, BookOfHeads, InvoiceHead
    from pipeline.jobs.state.held import HeldUsage
    from pipeline.jobs.state.quarantined import QuarantinedUsage
    from pipeline.jobs.state.suspicious import SuspiciousCopies
    from pipeline.rating import UnpricedUsage, UsageQuantity

_WORDED = frozenset(
    {
        *("conflicts", "suspicious_copies", "unassigned_usage"),
        *("unmeasured_usage", "unpriced_usage", "usage_under_an_error_status"),
    }
)
"""The advisory checks whose rows are told in words of their own; whatever else is in the folder is told as it is."""
_ROWS_SHOWN_MAX = 5
_DRAFTS_WITHOUT_USAGE_MAX = 11
"""So many drafts of an account without any usage are told of by nobody."""
_WHY_LATE = "late usage, other prices, or what is owed without usage"


def night_warnings(
    workspace: Workspace,
    built: Aggregate,
    *,
    late: Iterable[LateUsage],
    standing: Iterable[LateUsage],
    above_caps: Iterable[AboveSpendCap],
    drafts: Iterable[InvoiceHead],
    quarantined: Sequence[QuarantinedUsage],
    suspicious: Sequence[SuspiciousCopies],
    beside_the_meters: Sequence[OtherUsage],
) -> Iterator[NightWarning]:
    """Yield what of the whole lake and of all drafts needs somebody."""
    return chain(
        _quarantined(built, quarantined),
        _conflicts(built),
        _suspicious(suspicious),
        _held(built.held),
        _unpriced(workspace, built),
        _unassigned(built),
        _unmeasured(workspace, built),
        _under_an_error_status(built),
        _beside_the_meters(beside_the_meters),
        _advisory_checks(built),
        _late(late),
        _standing(built, standing),
        _above_spend_cap(above_caps),
        _owed_without_usage(drafts),
    )


def warnings_now(workspace: Workspace) -> list[NightWarning]:
    """Return what a night of now would warn of, but for what it would find in logs that are not read yet.

    Each with the night that told of it before, where one did.

    Counts everything and writes nothing.
    """
    built = aggregate(workspace)
    return warnings_of(workspace, built, heads_now(workspace, built))


def warnings_of(workspace: Workspace, built: Aggregate, book: BookOfHeads) -> list[NightWarning]:
    """Return what ``warnings_now`` returns, of what was counted and drafted already."""
    found = night_warnings(
        workspace,
        built,
        late=book.late,
        standing=book.standing,
        above_caps=book.above_caps,
        drafts=book.drafts,
        quarantined=quarantined_usage(workspace, built.snapshot),
        suspicious=copies_by_key(suspicious_copies(workspace, built)),
        beside_the_meters=other_usage(workspace, built.snapshot),
    )
    return list(told_before(workspace, tuple(found), read_acknowledged(workspace.root)))


def _quarantined(built: Aggregate, quarantined: Sequence[QuarantinedUsage]) -> Iterator[NightWarning]:
    reasons = quarantine_reasons(built.snapshot.sources)
    if reasons:
        listed = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
        lines = sum(reasons.values())
        text = f"{counted(lines, 'quarantined line')} ({listed}); 'tallybook doctor' lists source, line and reason"
        yield NightWarning(code=WarningCode.QUARANTINED, subject="", text=text, counts={"lines": lines}, parts=reasons)
    for usage in (each for each in quarantined if each.tells):
        yield NightWarning(
            code=WarningCode.QUARANTINED,
            subject=usage.api_key_id or "",
            about={"key": usage.api_key_id or "unknown"},
            text=quarantined_text(usage),
            counts={"lines": usage.lines, "tokens": usage.prompt_tokens + usage.completion_tokens},
        )


def _conflicts(built: Aggregate) -> Iterator[NightWarning]:
    for row in built.marts.advisories.get("conflicts", ()):
        text = (
            f"{row['billing_period']}: {counted(row['events'], 'measurement')} of key {row['api_key_id']} "
            f"({row['account_id'] or UNASSIGNED}), "
            f"model {row['model']!r}, in conflict with another one of the same response; "
            "one of them is billed, 'tallybook usage --by key,fate' shows all"
        )
        counts = {"events": row["events"]}
        yield NightWarning(
            code=WarningCode.CONFLICT,
            subject=row["api_key_id"],
            about={"period": row["billing_period"], "account": row["account_id"], "model": row["model"]},
            text=text,
            counts=counts,
        )


def _suspicious(suspicious: Iterable[SuspiciousCopies]) -> Iterator[NightWarning]:
    for copies in suspicious:
        yield NightWarning(
            code=WarningCode.SUSPICIOUS_COPIES,
            subject=copies.api_key_id,
            about={"period": copies.billing_period, "account": copies.account_id},
            text=suspicious_text(copies),
            counts={"events": copies.events, "tokens": copies.tokens},
            amount=copies.amount,
            currency=copies.currency,
        )


def _held(held: Iterable[HeldUsage]) -> Iterator[NightWarning]:
    for usage in held:
        counts = {"events": usage.events, "tokens": usage.tokens}
        yield NightWarning(code=WarningCode.HELD, subject=usage.api_key_id, text=held_text(usage), counts=counts)


def _unpriced(workspace: Workspace, built: Aggregate) -> Iterator[NightWarning]:
    places: dict[tuple[str, str, str], list[UsageQuantity]] = {}
    lacking: dict[tuple[str, str], list[UnpricedUsage]] = {}
    for row in built.rated.unpriced:
        period = str(workspace.accounts.month_of(row.usage.account_id, row.usage.usage_date))
        if row.lacks_exchange:
            lacking.setdefault((period, row.usage.account_id), []).append(row)
        else:
            places.setdefault((period, row.usage.account_id, row.usage.model), []).append(row.usage)
    for (period, account_id, model), usage in sorted(places.items()):
        account = workspace.accounts.by_id(account_id)
        tokens, first_date = sum(each.quantity for each in usage), min(each.usage_date for each in usage)
        text = (
            f"{period}: {counted(tokens, 'token')} of {account_id} for model {model!r} {are(tokens)} unpriced, from "
            f"{first_date} on; "
            f"add a rate or an alias to rates/{account.terms_on(first_date).rate_card if account else 'standard'}"
            ".toml, the invoice cannot be issued before"
        )
        yield NightWarning(
            code=WarningCode.UNPRICED,
            subject=model,
            about={"period": period, "account": account_id},
            text=text,
            counts={"tokens": tokens},
        )
    for (period, account_id), rows in sorted(lacking.items()):
        tokens, first = sum(each.usage.quantity for each in rows), min(rows, key=lambda each: each.usage.usage_date)
        text = (
            f"{period}: {counted(tokens, 'token')} of {account_id} {are(tokens)} unpriced, from "
            f"{first.usage.usage_date} on, for want of a rate of exchange: {first.reason}; the invoice cannot be "
            "issued before"
        )
        yield NightWarning(
            code=WarningCode.UNPRICED,
            subject=account_id,
            about={"period": period},
            text=text,
            counts={"tokens": tokens},
        )


def _unassigned(built: Aggregate) -> Iterator[NightWarning]:
    for row in built.marts.advisories.get("unassigned_usage", ()):
        text = (
            f"{row['billing_period']}: {counted(row['tokens'], 'token')} of key {row['api_key_id']}, model "
            f"{row['model']!r}, {are(row['tokens'])} unassigned; "
            "add the key to an account in accounts.toml"
        )
        yield NightWarning(
            code=WarningCode.UNASSIGNED,
            subject=row["api_key_id"],
            about={"period": row["billing_period"], "model": row["model"]},
            text=text,
            counts={"tokens": row["tokens"]},
        )


def _unmeasured(workspace: Workspace, built: Aggregate) -> Iterator[NightWarning]:
    for row in built.marts.advisories.get("unmeasured_usage", ()):
        text = (
            f"{row['billing_period']}: {counted(row['events'], 'exchange')} of {row['account_id'] or 'unassigned keys'}"
            " stated no usage: "
            f"{row['status']}{_advice(row, workspace.settings.unmeasured)}"
        )
        is_billed = row["status"] == "estimated" and workspace.settings.unmeasured is UnmeasuredPolicy.BILL_ESTIMATE
        yield NightWarning(
            code=WarningCode.ESTIMATED if is_billed else WarningCode.UNMEASURED,
            subject=row["account_id"] or UNASSIGNED,
            about={"period": row["billing_period"], "status": row["status"]},
            text=text,
            counts={"events": row["events"]},
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


def _under_an_error_status(built: Aggregate) -> Iterator[NightWarning]:
    for row in built.marts.advisories.get("usage_under_an_error_status", ()):
        text = (
            f"{row['billing_period']}: {counted(row['events'], 'exchange')} of key {row['api_key_id']} "
            f"({row['account_id'] or UNASSIGNED}) "
            f"stated usage under status {row['http_status']}: "
            f"{row['prompt_tokens']} prompt and {row['completion_tokens']} completion tokens "
            "were consumed, and are billed"
        )
        counts = {"events": row["events"], "tokens": row["prompt_tokens"] + row["completion_tokens"]}
        yield NightWarning(
            code=WarningCode.ERROR_STATUS,
            subject=row["api_key_id"],
            about={
                "period": row["billing_period"],
                "account": row["account_id"],
                "http_status": str(row["http_status"]),
            },
            text=text,
            counts=counts,
        )


def _beside_the_meters(beside_the_meters: Iterable[OtherUsage]) -> Iterator[NightWarning]:
    for usage in beside_the_meters:
        text, counts = other_usage_text(usage), {"events": usage.events}
        yield NightWarning(
            code=WarningCode.OTHER_USAGE, subject=usage.api_key_id, text=text, counts=counts, parts=usage.quantities
        )


def _advisory_checks(built: Aggregate) -> Iterator[NightWarning]:
    for name, rows in sorted(built.marts.advisories.items()):
        if rows and name not in _WORDED:
            listed = "; ".join(row_text(row) for row in rows[:_ROWS_SHOWN_MAX])
            text = f"{name}: {counted(len(rows), 'row')}: {listed}; sql/checks/advisory/{name}.sql says what it lists"
            counts = {"rows": len(rows)}
            yield NightWarning(code=WarningCode.ADVISORY_CHECK, subject=name, text=text, counts=counts)


def _late(usage: Iterable[LateUsage]) -> Iterator[NightWarning]:
    for late in usage:
        difference = f"{plain(abs(late.difference))} {late.currency} {'less' if late.difference < 0 else 'more'} than"
        yield NightWarning(
            code=WarningCode.LATE_USAGE,
            subject=late.account_id,
            about={"period": str(late.period)},
            text=(
                f"{late.account_id}, {late.period} ({', '.join(late.invoice_ids)}) is worth "
                f"{difference if late.difference else 'in all, not line by line, what'} "
                f"was invoiced for it so far: {_WHY_LATE}; the correction stands on {late.draft_id}"
            ),
            amount=abs(late.difference),
            currency=late.currency,
        )


def _standing(built: Aggregate, standing: Iterable[LateUsage]) -> Iterator[NightWarning]:
    """Warn of months of which something was forgotten and that are worth something else than was invoiced."""
    for late in standing:
        if late.difference and (late.account_id, late.period) in built.kept.months:
            yield NightWarning(
                code=WarningCode.FORGOTTEN,
                subject=late.account_id,
                about={"period": str(late.period)},
                text=(
                    f"{late.account_id}, {late.period} ({', '.join(late.invoice_ids)}) is worth "
                    f"{plain(abs(late.difference))} {late.currency} {'less' if late.difference < 0 else 'more'} than "
                    f"was invoiced for it: {_WHY_LATE}; usage of it was forgotten, so no correction is "
                    "made: credit the invoice, or add an item to accounts.toml, for what is owed all the same"
                ),
                amount=abs(late.difference),
                currency=late.currency,
            )


def _above_spend_cap(above_caps: Iterable[AboveSpendCap]) -> Iterator[NightWarning]:
    for above in above_caps:
        yield NightWarning(
            code=WarningCode.ABOVE_SPEND_CAP,
            subject=above.account_id,
            about={"period": str(above.month)},
            text=(
                f"{above.account_id} has spent {plain(above.spent)} {above.currency} in {above.month}, above its spend "
                f"cap of {plain_amount(above.cap, above.currency)}; "
                "tell the customer, or raise spend_cap in accounts.toml"
            ),
            amount=exact_sum([above.spent, above.cap.copy_negate()]),
            currency=above.currency,
        )


def _owed_without_usage(drafts: Iterable[InvoiceHead]) -> Iterator[NightWarning]:
    """Warn of accounts with very many drafts of what is owed without usage.

    One line of a clock that was not set, dated years before all other usage, makes a draft for each month since, of
    every account that owes something whatever is used.
    """
    by_account: dict[str, list[InvoiceHead]] = {}
    for draft in drafts:
        kinds = {each.kind for each in draft.sums}
        if LineKind.USAGE not in kinds and not kinds.isdisjoint((LineKind.FEE, LineKind.COMMITMENT)):
            by_account.setdefault(draft.account_id, []).append(draft)
    for account_id, mine in by_account.items():
        if len(mine) <= _DRAFTS_WITHOUT_USAGE_MAX:
            continue
        periods = [draft.period for draft in mine]
        total = max(exact_sum(draft.total for draft in mine), exact_sum([]))
        yield NightWarning(
            code=WarningCode.OWED_WITHOUT_USAGE,
            subject=account_id,
            text=(
                f"{counted(len(mine), 'draft')} of {account_id}, {min(periods)} to {max(periods)}, together "
                f"{plain(total)} {mine[0].currency}, are owed without any usage on them; where a wrong clock dated "
                "usage so early, correct it ('tallybook usage --by account,month' shows it), or say begins_on in "
                "accounts.toml; else issue them"
            ),
            counts={"drafts": len(mine)},
            amount=total,
            currency=mine[0].currency,
        )
