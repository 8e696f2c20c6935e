"""What a run warns of: a code, what it is about, how much of it, and the amount at stake.

Owns the order in which warnings are told. Does not own the codes (``pipeline.base.warning_codes``), what is worth a
warning (whoever found it makes one), which are new (``pipeline.jobs.state.notices.told``) nor how they are printed
(``pipeline.cli.warned``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.base.money import exact_sum, plain_amount
from pipeline.base.warning_codes import WarningCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

_KNOWN = "known"
SHOWN_MAX = 10
"""Of the warnings of one code, so many are told one by one."""


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
    about: Mapping[str, str] = field(default_factory=dict)
    """What tells it from others of its code and subject, by name: ``period``, ``account``, ``model``, …"""
    parts: Mapping[str, int] = field(default_factory=dict)
    """Finer counts, which are not told: where one grows it is new, though ``counts`` stay."""
    known_since: datetime | None = None
    """The night that first told of so much of it; None where none has."""

    acknowledged: str = ""
    """The reason for which somebody quieted it; empty where nobody did, or where there is more of it by now."""

    @property
    def is_new(self) -> bool:
        """Whether no night has told of it, or of so much of it."""
        return self.known_since is None

    @property
    def has_no_size(self) -> bool:
        """Whether nobody can see it grow."""
        return not self.counts and self.amount is None

    @property
    def told_text(self) -> str:
        """``text``, and since which UTC date it is known."""
        return self.text if self.known_since is None else f"{self.text} ({_KNOWN} since {self.known_since:%Y-%m-%d})"

    @property
    def weight(self) -> tuple[Decimal, int]:
        """What warnings of a code are ordered by: the amount at stake, then how much of it there is."""
        return self.amount if self.amount is not None else exact_sum([]), max(self.counts.values(), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningGroup:
    """The warnings of one code."""

    code: WarningCode
    shown: tuple[NightWarning, ...]
    """Those that are told one by one, as they came, or of more than ten the new ones first, then by weight."""
    rest: tuple[NightWarning, ...]

    @property
    def rest_counts(self) -> Mapping[str, int]:
        """How much of it the rest is together, by what is counted."""
        return _summed(self.rest)

    @property
    def rest_amounts(self) -> Mapping[str, str]:
        """What is at stake with the rest, in plain digits by currency."""
        return {currency: plain_amount(amount, currency) for currency, amount in _amounts(self.rest).items()}

    @property
    def rest_text(self) -> str:
        """Say in one line how many more there are, of how much and what is at stake; empty where there are none."""
        if not self.rest:
            return ""
        parts = [f"{count} {what}" for what, count in self.rest_counts.items() if count]
        parts += [f"{amount} {currency}" for currency, amount in self.rest_amounts.items()]
        new = sum(warning.is_new for warning in self.rest)
        parts += [f"{new} of them new"] if 0 < new < len(self.rest) else []
        of = f" ({', '.join(parts)})" if parts else ""
        known = "" if new else f" ({_KNOWN})"
        return f"and {len(self.rest)} more of {self.code}{of}; -o json lists all{known}"


def grouped(warnings: Iterable[NightWarning]) -> list[WarningGroup]:
    """Return warnings by their codes, in the order of ``WarningCode``; of more than ten new and weighty ones first."""
    by_code: dict[WarningCode, list[NightWarning]] = {code: [] for code in WarningCode}
    for warning in warnings:
        by_code[warning.code].append(warning)
    return [_group(code, found) for code, found in by_code.items() if found]


def _group(code: WarningCode, found: Sequence[NightWarning]) -> WarningGroup:
    if len(found) <= SHOWN_MAX:
        return WarningGroup(code=code, shown=tuple(found), rest=())
    ordered = sorted(found, key=lambda warning: (warning.is_new, warning.weight), reverse=True)
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
