"""What a night came to, in the text format of Prometheus, for whatever collects text files and raises alarms.

All are gauges: they say how it stands after the night. Owns their names, which end in their units. Does not own the
format (``pipeline.jobs.gauges``) nor where the file lies.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from pipeline.base.money import exact_sum, plain
from pipeline.base.warning_codes import WarningCode
from pipeline.jobs.gauges import Gauge, one, rendered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from decimal import Decimal

    from pipeline.jobs.night.nightly import Night
    from pipeline.jobs.warned import NightWarning

_STATUSES = ("measured", "estimated", "unknown", "failed", "not_metered")
_FATES = {"billed": "billed", "duplicate": "duplicates", "conflict": "conflicts", "held": "held"}
_STATES = ("new", "known", "acknowledged")


def metrics_text(night: Night, *, exit_code: int, started_at: datetime, finished_at: datetime) -> str:
    """Return the metrics of a night that came to its end.

    ``started_at`` and ``finished_at`` are instants of the machine's clock, aware.
    """
    return "".join(
        rendered(gauge) for gauge in (*_run(night, exit_code, started_at, finished_at), *_lake(night), *_due(night))
    )


def _run(night: Night, exit_code: int, started_at: datetime, finished_at: datetime) -> Iterator[Gauge]:
    finished = str(int(finished_at.timestamp()))
    yield one("night_finished_timestamp_seconds", "When the last night that came to its end did so.", finished)
    seconds = f"{max(0, round((finished_at - started_at).total_seconds(), 3)):f}"
    yield one("night_duration_seconds", "How long it took.", seconds)
    yield one("night_exit_code", "Its exit code; 0 is all done.", exit_code)
    yield one("night_new_lines", "Lines that it read.", night.collected.lines)
    refused = len(night.collected.refused)
    yield one("night_refused_sources", "Sources of which it took nothing, as most cannot be read.", refused)
    yield one("night_unread_logs", "Logs that it could not read to their end.", len(night.collected.problems))
    yield one("broken_claims", "Claims about the counts that do not hold.", len(night.broken_claims))


def _lake(night: Night) -> Iterator[Gauge]:
    counts = night.counts
    yield one("lake_lines", "Lines of logs that were ever collected.", counts["lines"])
    yield one("lake_quarantined_lines", "Lines that cannot be trusted.", counts["quarantined"])
    statuses = tuple(({"status": status}, str(counts[status])) for status in _STATUSES)
    yield Gauge(name="lake_exchanges", says="Logged exchanges, by what they state of usage.", samples=statuses)
    fates = tuple(({"fate": fate}, str(counts[name])) for fate, name in _FATES.items())
    yield Gauge(name="lake_measurements", says="Measured exchanges, by what became of them.", samples=fates)
    yield one("lake_suspicious_copies", "Copies that look like requests of their own.", counts["suspicious"])
    yield one("lake_tokens", "Tokens of the survivors, of all accounts and none.", counts["billed_tokens"])
    yield one("lake_unpriced_tokens", "Tokens for which no rate is in force.", counts["unpriced_tokens"])
    yield one("lake_unassigned_tokens", "Tokens of keys in no account.", counts["unassigned_tokens"])


def _due(night: Night) -> Iterator[Gauge]:
    warnings = Counter((warning.code, _state(warning)) for warning in night.warnings)
    told = tuple(
        ({"code": code.value, "state": state}, str(warnings[code, state])) for code in WarningCode for state in _STATES
    )
    yield Gauge(name="warnings", says="Warnings, by their code and whether they are new.", samples=told)
    at_stake: dict[tuple[WarningCode, str], list[Decimal]] = defaultdict(list)
    for warning in night.warnings:
        if warning.amount is not None:
            at_stake[warning.code, warning.currency].append(warning.amount)
    amounts = tuple(
        ({"code": code.value, "currency": currency}, plain(exact_sum(each)))
        for (code, currency), each in sorted(at_stake.items())
    )
    yield Gauge(name="warnings_amount", says="The amount at stake, where it is known.", samples=amounts)
    drafts = [invoice for invoice in night.book.invoices if invoice.number is None]
    yield one("drafts", "Invoices that are not issued.", len(drafts))
    totals: dict[str, list[Decimal]] = defaultdict(list)
    for draft in drafts:
        totals[draft.currency].append(draft.total)
    samples = tuple(({"currency": currency}, plain(exact_sum(each))) for currency, each in sorted(totals.items()))
    yield Gauge(name="drafts_amount", says="The sum of their totals.", samples=samples)


def _state(warning: NightWarning) -> str:
    if warning.acknowledged:
        return "acknowledged"
    return "new" if warning.is_new else "known"
