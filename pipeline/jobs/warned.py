"""What a run warns of: a code, what it is about, how much of it, and the amount at stake.

Owns the codes, each of which is declared here alone, and the order in which warnings are told. Does not own what is
worth a warning (whoever found it makes one) nor how warnings are printed (``pipeline.cli.warned``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from pipeline.base.money import exact_sum, plain_amount

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

SHOWN_MAX = 10
"""Of the warnings of one code, so many are told one by one."""


class WarningCode(StrEnum):
    """What a warning is of, in the order in which warnings are told."""

    NO_SOURCES = "no_sources"
    NO_FILE_FITS = "no_file_fits"
    SECRET_MADE = "secret_made"  # noqa: S105  # a code, no secret
    LOG_UNREAD = "log_unread"
    LINE_UNENDED = "line_unended"
    LOG_GONE = "log_gone"
    BATCH_UNKNOWN = "batch_unknown"
    KERNEL_FAILED = "kernel_failed"
    QUARANTINED = "quarantined"
    CONFLICT = "conflict"
    SUSPICIOUS_COPIES = "suspicious_copies"
    HELD = "held"
    UNPRICED = "unpriced"
    UNASSIGNED = "unassigned"
    UNMEASURED = "unmeasured"
    ERROR_STATUS = "error_status"
    OTHER_USAGE = "other_usage"
    ADVISORY_CHECK = "advisory_check"
    LATE_USAGE = "late_usage"
    ABOVE_SPEND_CAP = "above_spend_cap"


@dataclass(frozen=True, slots=True, kw_only=True)
class NightWarning:
    """One thing that needs somebody."""

    code: WarningCode
    subject: str
    """What it is about: a log, a source, a key, a model, an account."""
    text: str
    """One line that says what it is, and what to do."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """How much of it, by what is counted: lines, events, tokens."""
    amount: Decimal | None = None
    """What is at stake, exactly and never below zero; None where nobody knows its price."""
    currency: str = ""
    """Empty where there is no amount."""

    @property
    def weight(self) -> tuple[Decimal, int]:
        """What warnings of a code are ordered by: the amount at stake, then how much of it there is."""
        return self.amount if self.amount is not None else exact_sum([]), max(self.counts.values(), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningGroup:
    """The warnings of one code."""

    code: WarningCode
    shown: tuple[NightWarning, ...]
    """Those that are told one by one, as they came, or of more than ten those that weigh most, by weight."""
    rest: tuple[NightWarning, ...]

    @property
    def rest_text(self) -> str:
        """Say in one line how many more there are, of how much and what is at stake; empty where there are none."""
        if not self.rest:
            return ""
        parts = [f"{count} {what}" for what, count in _summed(self.rest).items() if count]
        parts += [f"{plain_amount(amount, currency)} {currency}" for currency, amount in _amounts(self.rest).items()]
        of = f" ({', '.join(parts)})" if parts else ""
        return f"and {len(self.rest)} more of {self.code}{of}; -o json lists all"


def grouped(warnings: Iterable[NightWarning]) -> list[WarningGroup]:
    """Return warnings by their codes, in the order of ``WarningCode``; of more than ten the weightiest first."""
    by_code: dict[WarningCode, list[NightWarning]] = {code: [] for code in WarningCode}
    for warning in warnings:
        by_code[warning.code].append(warning)
    return [_group(code, found) for code, found in by_code.items() if found]


def _group(code: WarningCode, found: Sequence[NightWarning]) -> WarningGroup:
    if len(found) <= SHOWN_MAX:
        return WarningGroup(code=code, shown=tuple(found), rest=())
    ordered = sorted(found, key=lambda warning: warning.weight, reverse=True)
    return WarningGroup(code=code, shown=tuple(ordered[:SHOWN_MAX]), rest=tuple(ordered[SHOWN_MAX:]))


def _summed(warnings: Iterable[NightWarning]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for warning in warnings:
        for what, count in warning.counts.items():
            counts[what] = counts.get(what, 0) + count
    return counts


def _amounts(warnings: Sequence[NightWarning]) -> dict[str, Decimal]:
    currencies = sorted({warning.currency for warning in warnings if warning.amount is not None})
    return {
        currency: exact_sum(each.amount for each in warnings if each.amount is not None and each.currency == currency)
        for currency in currencies
    }
