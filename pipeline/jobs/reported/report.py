"""Gathers the report of a period: the books are counted once, and every number is of that one count.

Owns the order of what is asked, and where the page is written. Does not own any number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import __version__
from pipeline.base.periods import BillingPeriod, time_zone, usage_date
from pipeline.documents.report.figures import BillStep, Days, Money, Report
from pipeline.jobs.answers.grouped.bills import steps_to_bills
from pipeline.jobs.answers.grouped.rated import rated_tables_of
from pipeline.jobs.answers.watched.spending import spending_of
from pipeline.jobs.invoices.issue import awaited_rates
from pipeline.jobs.night.night_warnings import warnings_of
from pipeline.jobs.reported.billed import billed
from pipeline.jobs.reported.days import report_days
from pipeline.jobs.reported.margins import margins_of
from pipeline.jobs.reported.spend import last_usage_date, spend_of
from pipeline.jobs.reported.unbilled import not_billed
from pipeline.jobs.reported.watched import budgets_in, odd_days
from pipeline.jobs.state.aggregate import aggregate
from pipeline.jobs.state.drafted.heads import BookOfHeads
from pipeline.jobs.state.drafted.now import heads_now
from pipeline.jobs.state.drafts import invoice_book
from pipeline.register.invoice_files import write_document

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.answers.grouped.bills import BillStep as Step
    from pipeline.jobs.answers.grouped.selection import Span


def report(workspace: Workspace, period: BillingPeriod | None, now: datetime) -> Report:
    """Return the report of a period as of an instant; of None, of the last calendar month with usage.

    Writes nothing. Counts every event, as a night does. Raises what counting and drafting raise.
    """
    built = aggregate(workspace)
    if any(account.exchange for account in workspace.accounts):  # whose drafts' lines say which rates they await
        whole = invoice_book(workspace, built)
        book, awaited = BookOfHeads.of_book(whole, workspace.accounts), awaited_rates(workspace, whole.drafts)
    else:
        book, awaited = heads_now(workspace, built), {}
    rated = rated_tables_of(workspace, built)
    if period is None:
        period = BillingPeriod.of(last_usage_date(rated) or usage_date(now, workspace.settings.zone))
    zones = sorted({workspace.settings.timezone, *(account.timezone for account in workspace.accounts)})
    days = report_days(period, now, zones)
    spend = spend_of(workspace, rated, days, period)
    spending = spending_of(workspace, rated=rated)
    bills = billed(workspace, built, book, days.span, now, awaited=awaited)
    warnings, elsewhere = not_billed(warnings_of(workspace, built, book), days.span)
    is_of_months = days.span.months is not None
    steps = steps_to_bills(workspace, spend.total, book.of(), rated=rated) if is_of_months else []
    own = workspace.settings.currency
    currencies = sorted(spend.currencies | bills.currencies, key=lambda each: (each != own, each))
    today = min(usage_date(now, time_zone(name)) for name in zones)
    return Report(
        period=period,
        days=_days(days.span),
        previous=_days(days.previous),
        compared=None if days.compared is None else _days(days.compared),
        compared_with=None if days.compared_with is None else _days(days.compared_with),
        is_over=days.is_over,
        as_of=now,
        issuer=workspace.settings.seller.name,
        timezones=tuple(zones),
        accounts=len(workspace.accounts),
        money=tuple(
            Money(
                currency=currency,
                spent=spend.spent(currency),
                against=spend.against(currency),
                days=spend.days_in(currency),
                months=spend.months_in(currency, today=today),
                breakdowns=spend.breakdowns(currency),
                movers=spend.movers(currency),
                steps=_steps(steps, currency),
                drafted=bills.drafted(currency),
                issued=bills.issued(currency),
                open=bills.open(currency),
                blocked=bills.blocked_in(currency),
                overdue=bills.overdue_in(currency),
            )
            for currency in currencies
        ),
        unassigned=spend.spent(""),
        not_billed=warnings,
        elsewhere=elsewhere,
        budgets=budgets_in(workspace, spending, period if days.is_over else None),
        odd_days=odd_days(workspace, spending, days.span),
        margins=margins_of(workspace, days.span, built.marts),
        bills=bills.bills(),
        commit=built.snapshot.version,
        configuration=workspace.digest,
        version=__version__,
    )


def default_path(workspace: Workspace, period: BillingPeriod) -> Path:
    """Return where the report of a period lies where nobody says: among those of the workspace."""
    return workspace.root / "reports" / f"report-{period}.html"


def write_report(path: Path, page: bytes) -> None:
    """Write a page whole or not at all, with the folders that it needs."""
    write_document(path, page)


def _days(span: Span) -> Days:
    if span.from_date is None or span.to_date is None:
        message = f"a report is of days that begin and end, not of {span.text()}"
        raise ValueError(message)
    return Days(from_date=span.from_date, to_date=span.to_date)


def _steps(steps: Sequence[Step], currency: str) -> tuple[BillStep, ...]:
    return tuple(
        BillStep(step=each.step, lines=each.lines, amount=each.amount) for each in steps if each.currency == currency
    )
