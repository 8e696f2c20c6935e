"""Usage beyond a commitment at a price of its own: the line that makes up the difference.

Owns how much of a period's usage is beyond, and what that costs more or less. Does not own how much was committed
(``recurring_lines``) nor what counts towards it (``lines.SPENT_KINDS``).

A commitment is an amount of money, and so is what is beyond it: fees fill it first, since they are owed whatever is
used, then usage, as the usage lines print it. No single token is beyond, so neither keys nor the order of lines matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.accounts.terms import OVERAGE_PERCENT_NONE
from pipeline.base.money import exact_arithmetic, exact_sum, normalised, plain, rounded_to_minor_unit
from pipeline.invoicing.lines import SPENT_KINDS, USED_KINDS, LineKind, plain_line, total_of
from pipeline.invoicing.worth.recurring_lines import commitment_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from pipeline.accounts import Account, TermsInForce
    from pipeline.base.money import Rounding
    from pipeline.invoicing.lines import InvoiceLine
    from pipeline.invoicing.worth.recurring_lines import Commitment, YearSoFar


def overage_lines(
    lines: Sequence[InvoiceLine],
    commitment: Commitment,
    due: Sequence[TermsInForce],
    account: Account,
    *,
    year_so_far: YearSoFar | None,
    currency: str,
    rounding: Rounding,
) -> list[InvoiceLine]:
    """Charge the difference between what usage beyond the commitment costs and what the usage lines say.

    With 100.00 committed, 30.00 of fees and 110.00 of usage, 40.00 are beyond; at 120 percent, one line of 8.00. Where
    the period has a commitment of its own that counts, else that of the year, less what was spent in it before.
    ``due`` are the terms by which something is owed: the first of them say the price.
    """
    if not due or not due[0].terms.has_overage:
        return []
    name, before = "minimum commitment", exact_sum([])
    if not commitment.amount and year_so_far is not None:
        in_force = account.terms_in_force(year_so_far.year)
        commitment = commitment_of(in_force, year_so_far.year, currency=currency, rounding=rounding)
        name, before = "yearly commitment", year_so_far.spent_before
    if not commitment.amount:
        return []
    beyond = usage_beyond(lines, commitment.amount, before)
    if beyond <= 0:
        return []
    percent = due[0].terms.overage_percent
    with exact_arithmetic():
        difference = beyond * (percent - OVERAGE_PERCENT_NONE) / 100
    of_usage, agreed = (plain(rounded_to_minor_unit(each, currency, rounding)) for each in (beyond, commitment.amount))
    description = (
        f"{of_usage} {currency} of usage beyond the {name} of {agreed} {currency}, at {plain(normalised(percent))}% of "
        "its price"
    )
    return [plain_line(LineKind.OVERAGE, difference, description, currency=currency, rounding=rounding)]


def usage_beyond(lines: Sequence[InvoiceLine], committed: Decimal, spent_before: Decimal) -> Decimal:
    """Return how much of what the lines print as usage is beyond a commitment; zero or less = nothing is.

    At most all of it: fees, and usage of periods before, are never charged at another price.
    """
    spent = exact_sum([spent_before, total_of(lines, *SPENT_KINDS), -committed])
    return min(spent, total_of(lines, *USED_KINDS))
