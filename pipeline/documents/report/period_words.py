"""What the periods and days of a report are called, and which commands print its numbers."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from pipeline.documents.report.amounts import NONE
from pipeline.documents.report.names import counted_text

if TYPE_CHECKING:
    from pipeline.base.periods import BillingPeriod
    from pipeline.documents.pages.spelling import Spelling
    from pipeline.documents.report.figures import Days, Report

_DAY = dt.timedelta(days=1)


class PeriodWords:
    """What the periods and days of one report are called."""

    def __init__(self, report: Report, spelling: Spelling) -> None:
        """Name them in a language."""
        self.report, self.spelling = report, spelling
        self.period = self._name(report.days)
        self.previous = self._name(report.previous)
        end = report.days.to_date
        last = report.compared.to_date - _DAY if report.compared else None
        days = (end - report.days.from_date).days
        over = 0 if report.compared is None else (report.compared.to_date - report.days.from_date).days
        self.progress = "" if report.is_over else f"Not over: {over} of {counted_text(days, 'day')} complete"
        self.against = self.previous
        if report.is_over:
            self.compared = f"{self.period} beside {self.previous}."
        elif report.compared_with is None or last is None:
            self.compared = "No day of the period is complete yet, so that nothing is compared."
        else:
            self.against = self.range(report.compared_with)
            self.compared = (
                f"Compared are the days that are complete: {self.range(report.compared)} beside {self.against}."
            )

    def short_date(self, day: dt.date) -> str:
        """Write a day as a label: ``8 Oct``."""
        return f"{day.day} {self._month(day)[:3]}"

    def date(self, day: dt.date) -> str:
        """Write a day: ``8 October``."""
        return f"{day.day} {self._month(day)}"

    def range(self, days: Days | None) -> str:
        """Write days shortly: ``1\u201327 November``; with the year where that is not the one of the report."""
        if days is None:
            return NONE
        first, last = days.from_date, days.to_date - _DAY
        year = "" if last.year == self.report.days.from_date.year else f" {last.year}"
        if first == last:
            return f"{self.date(first)}{year}"
        if (first.year, first.month) == (last.year, last.month):
            return f"{first.day}\u2013{last.day} {self._month(last)}{year}"
        return f"{self.date(first)} \u2013 {self.date(last)}{year}"

    def month_name(self, first: dt.date) -> str:
        """Write a month by its first day, shortly: ``Oct 2026``."""
        return f"{self._month(first)[:3]} {first.year}"

    def period_name(self, period: BillingPeriod) -> str:
        """Write a calendar month shortly, and other periods as commands name them."""
        is_month = period.count == 1 and period.day == 1
        return self.month_name(period.first_date) if is_month else str(period)

    @property
    def facts(self) -> tuple[str, ...]:
        """As of when a report is, of how many accounts, and whose days it counts."""
        report = self.report
        instant = report.as_of.astimezone(dt.UTC)
        zones = (
            f"days in {report.timezones[0]}"
            if len(report.timezones) == 1
            else f"days in each account's own time zone, {len(report.timezones)} of them"
        )
        return (f"as of {instant:%Y-%m-%d %H:%M} UTC", counted_text(report.accounts, "account"), zones)

    @property
    def commands(self) -> tuple[tuple[str, str], ...]:
        """Return what each command prints, and the command."""
        report, period = self.report, self.report.period
        costs = f"tallybook cost --period {period} --by account"
        if report.is_over or report.compared is None or report.compared_with is None:
            compared = [("Costs and changes", f"{costs} --compare previous")] if report.is_over else [("Costs", costs)]
        else:
            compared = [
                ("Costs", costs),
                ("Days compared", _between(report.compared)),
                ("beside", _between(report.compared_with)),
            ]
        return (
            *compared,
            ("From cost to bills", f"tallybook cost --period {period} --bills"),
            ("On no bill", "tallybook doctor --warnings"),
            ("Drafts and invoices", f"tallybook invoice list --period {period}"),
            *([("Budgets", self._budgets)] if report.budgets else []),
            *([("Days out of line", f"tallybook anomalies --period {period}")] if report.odd_days.days else []),
            *([("Margin", f"tallybook margin --period {period} --by account")] if report.margins else []),
        )

    @property
    def _budgets(self) -> str:
        return f"tallybook budgets --period {self.report.period}" if self.report.is_over else "tallybook budgets"

    def _name(self, days: Days) -> str:
        """Write a whole month, or several, by name; other days by the first and the last."""
        first, last = days.from_date, days.to_date - _DAY
        if (first.month, first.day) == (days.to_date.month, days.to_date.day) == (1, 1) and first.year == last.year:
            return str(first.year)
        if (first.day, days.to_date.day) != (1, 1):
            return f"{self.date(first)} \u2013 {self.date(last)} {last.year}"
        if (first.year, first.month) == (last.year, last.month):
            return f"{self._month(first)} {first.year}"
        start = self._month(first) if first.year == last.year else f"{self._month(first)} {first.year}"
        return f"{start} \u2013 {self._month(last)} {last.year}"

    def _month(self, day: dt.date) -> str:
        return str(self.spelling.locale.months["format"]["wide"][day.month])


def _between(days: Days) -> str:
    return f"tallybook cost --from {days.from_date} --to {days.to_date} --by account"
