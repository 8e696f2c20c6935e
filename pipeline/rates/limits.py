"""Minimum and maximum of a card's entries: what an account's usage of a billing period costs at least, and at most.

Owns which usage counts together and which amounts hold for a period. Does not own the sum that is compared, nor the
line that is made of the difference (``pipeline.invoicing.worth.period_lines``).

All usage of an account and billing period counts together that is priced by the entries of one card, model, service
tier and threshold which state a minimum or a maximum, over all keys and meters. Where an amount changes within the
period, the one that is in force last holds for all of it: a price that changes on the 10th does not double a cap.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

    from pipeline.rates.card import RateCard
    from pipeline.rates.rate import Rate

_SINCE_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryLimit:
    """What usage that counts together costs at least and at most in one billing period."""

    model: str
    service_tier: str
    """Empty = that of every tier without an entry of its own."""
    text: str
    """What an invoice calls it: ``jamba-large, batch tier, prompts above 200000 tokens``."""
    minimum: Decimal | None
    maximum: Decimal | None

    def applied_to(self, amount: Decimal) -> tuple[str, Decimal]:
        """Return which of the two decides, and what is owed: the amount itself where it lies between them.

        A cap caps: where entries of one period leave a minimum above the maximum, the maximum is owed.
        """
        if self.maximum is not None and amount > self.maximum:
            return "maximum", self.maximum
        if self.minimum is not None and amount < self.minimum:
            is_capped = self.maximum is not None and self.maximum < self.minimum
            return ("maximum", self.maximum) if is_capped and self.maximum is not None else ("minimum", self.minimum)
        return "", amount


def limited_entry(card_id: str, rate: Rate) -> str | None:
    """Return the name of what a rate's usage counts towards: ``standard: jamba-large``.

    None where the rate has neither a minimum nor a maximum.
    """
    return f"{card_id}: {_text(rate)}" if rate.is_limited else None


def entry_limits(card: RateCard, start_at: datetime, end_at: datetime) -> dict[str, EntryLimit]:
    """Return the limits of a card that hold for the billing period ``[start_at, end_at)``, by ``limited_entry``."""
    found: dict[str, EntryLimit] = {}
    for rate in sorted(card.rates, key=lambda rate: rate.effective_from or _SINCE_EVER):
        name = limited_entry(card.id, rate)
        is_within = (rate.effective_from or _SINCE_EVER) < end_at and not (
            rate.effective_to is not None and rate.effective_to <= start_at
        )
        if name is not None and is_within:
            before = found.get(name)
            found[name] = EntryLimit(
                model=rate.model,
                service_tier=rate.service_tier,
                text=_text(rate),
                minimum=before.minimum if before and rate.minimum is None else rate.minimum,
                maximum=before.maximum if before and rate.maximum is None else rate.maximum,
            )
    return found


def _text(rate: Rate) -> str:
    tier = f", {rate.service_tier} tier" if rate.service_tier else ""
    band = f", prompts above {rate.above_prompt_tokens} tokens" if rate.above_prompt_tokens else ""
    return f"{rate.model}{tier}{band}"
