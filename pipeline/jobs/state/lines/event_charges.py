"""What each usage event costs on its invoice: the exact share of a line's exact amount that the event is charged.

Events are rated one by one by the very rules that rate a month (``pipeline.rating``), in one order: that in which the
month's usage is consumed (rate window, usage date, key, model, tier, prompt band, meter) and, within that, by
``occurred_at`` and then by identity. So an event is charged what it adds to the running count at its place:

* a rate per million, and requests: tokens (or the request) x rate
* graduated: its tokens at the rates of the tiers that they fall into; one that crosses into the next tier is on two
  lines
* volume: its tokens at the rate of the tier that the whole month reaches
* package: the packages that it begins; an event within a package that is paid for already is charged 0
* the flat amount of a tier: all of it, where the event's is the first token on the tier

Monthly fees, limits, commitments, included tokens, credits and tax are charged to no event. The shares of a line add up
to its exact amount.

Does not own the rules of rating, nor which events count on an invoice (``pipeline.jobs.state.lines.traced_lines``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pipeline.base.money import exact_sum, normalised
from pipeline.invoicing.worth.usage_lines import line_place
from pipeline.jobs.state.rate import account_charges
from pipeline.rating import UsageQuantity
from pipeline.usage import meters

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.accounts import Account
    from pipeline.invoicing.rules import Rules
    from pipeline.invoicing.worth.usage_lines import LinePlace
    from pipeline.rates import RateCard
    from pipeline.rating import Charge
    from pipeline.usage import Meter

Event = dict[str, Any]
"""A row of ``pipeline.warehouse.grains.tracing.TRACED_EVENTS``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargedEvent:
    """A usage event on an invoice line: its tokens on the line's meter, and its exact share of the line's amount."""

    event: Event
    quantity: int
    """Below zero on a credit note, as is the charge."""
    rate_per_million: Decimal
    exact_charge: Decimal

    def negated(self) -> ChargedEvent:
        """Return what takes it back."""
        return replace(self, quantity=-self.quantity, exact_charge=normalised(-self.exact_charge))


def charged_events(
    events: Iterable[Event], account: Account, rate_cards: Mapping[str, RateCard], rules: Rules
) -> dict[LinePlace, list[ChargedEvent]]:
    """Return the events of one account and billing period by the line they are charged on, each in the order given.

    All events of the period must be given where any price of the account's cards depends on the period. Usage without a
    rate is on no line.
    """
    listed = list(events)
    in_order = sorted(range(len(listed)), key=lambda index: (listed[index]["occurred_at"], listed[index]["event_id"]))
    pieces = [(index, usage) for index in in_order for usage in _usage_of(listed[index])]
    charges, _ = account_charges([usage for _, usage in pieces], account, rate_cards)
    shares: dict[LinePlace, dict[int, list[Charge]]] = {}
    for place, charge in charges:
        shares.setdefault(line_place(charge, rules), {}).setdefault(pieces[place][0], []).append(charge)
    return {
        place: [_charged(listed[index], mine) for index, mine in sorted(by_event.items())]
        for place, by_event in shares.items()
    }


def depends_on_the_period(account: Account, rate_cards: Mapping[str, RateCard]) -> bool:
    """Say whether any price of an account's cards looks at more than one event."""
    cards = [rate_cards[terms.rate_card] for terms in account.terms]
    return any(
        not isinstance(price, Decimal) for card in cards for rate in card.rates for price in rate.per_million.values()
    )


def quantities(event: Event) -> dict[Meter, int]:
    """Put the tokens of an event on their meters, and the request itself where it has a fee."""
    return meters.quantities(event, meters.apart_from_text(event["priced_apart"]))


def _usage_of(event: Event) -> list[UsageQuantity]:
    return [
        UsageQuantity(
            account_id=event["account_id"],
            api_key_id=event["api_key_id"],
            model=event["model"],
            service_tier=event["service_tier"],
            meter=meter,
            usage_date=event["usage_date"],
            rated_at=event["rate_window_start"],
            quantity=quantity,
            prompt_band=event["prompt_band"],
        )
        for meter, quantity in quantities(event).items()
    ]


def _charged(event: Event, charges: list[Charge]) -> ChargedEvent:
    return ChargedEvent(
        event=event,
        quantity=sum(charge.quantity for charge in charges),
        rate_per_million=charges[0].rate_per_million,
        exact_charge=exact_sum(charge.amount for charge in charges),
    )
