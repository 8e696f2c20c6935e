"""What is left of charges once usage is paid for, by account and model: as ``margin`` answers, where there is a card.

Owns which rows a report keeps. Does not own margins (``pipeline.jobs.answers.grouped.margin``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.documents.report.figures import Margin, MarginGroup, Margins
from pipeline.jobs.answers.grouped.costed import costed
from pipeline.jobs.answers.grouped.margin import margin
from pipeline.jobs.answers.grouped.selection import Selection
from pipeline.jobs.reported.spend import GREATEST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.answers.grouped.margin import MarginAnswer, MarginRow
    from pipeline.jobs.answers.grouped.selection import Span
    from pipeline.warehouse.marts import Marts

_WORDS = ("account", "model")
_REASONS = 5


def margins_of(workspace: Workspace, span: Span, marts: Marts) -> tuple[Margins, ...]:
    """Return the margins of usage, by currency; none where no cost card is configured."""
    if not workspace.settings.cost_card and not any(account.cost_card for account in workspace.accounts):
        return ()
    tables = costed(workspace, span, usage_daily=marts.usage_daily, exchanges_daily=marts.exchanges_daily)
    answers = {word: margin(workspace, [word], Selection(span=span), top=GREATEST, tables=tables) for word in _WORDS}
    first = answers[_WORDS[0]]
    own = workspace.settings.currency
    totals = sorted(first.totals, key=lambda each: (each.currency != own, each.currency))
    return tuple(_margins(workspace, total, answers) for total in totals if total.currency)


def _margins(workspace: Workspace, total: MarginRow, answers: Mapping[str, MarginAnswer]) -> Margins:
    currency = total.currency
    lacking = [each.reason for each in answers[_WORDS[0]].uncosted if each.currency == currency]
    return Margins(
        currency=currency,
        total=_margin(total),
        groups={
            word: tuple(_group(workspace, word, row) for row in answer.rows if row.currency == currency)
            for word, answer in answers.items()
        },
        reasons=tuple(lacking[:_REASONS]),
        other_reasons=max(len(lacking) - _REASONS, 0),
    )


def _group(workspace: Workspace, word: str, row: MarginRow) -> MarginGroup:
    name = "" if row.others else row.place[0]
    account = workspace.accounts.by_id(name) if word == "account" else None
    return MarginGroup(name=name, label=account.name if account else "", margin=_margin(row), others=row.others)


def _margin(row: MarginRow) -> Margin:
    sums = row.sums
    return Margin(
        charge=sums.charge,
        cost=sums.cost,
        margin=sums.margin,
        share=sums.margin_share,
        uncosted_tokens=sums.uncosted_tokens,
        unpriced_tokens=sums.unpriced_tokens,
    )
