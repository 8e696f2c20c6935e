"""Tax: one line for each tax that applies, computed once on the sum of the printed lines that it applies to.

What a period is worth has the tax of that period, and so has a correction of it, on whichever invoice it stands: a rate
that changes in between does not change what was supplied before. Within a period, lines of some kinds may have a tax of
their own. Mostly all of it is one tax, and one line. Does not own which tax is in force (``pipeline.accounts``).

Credits pay before tax. Where periods differ in their tax, credits are taken off the invoice's own period first, then
off the corrections, the earliest period first, and never more than each sum. Where kinds of a period differ, its
credits are split over them in proportion to their sums above zero, to the minor unit. Coupons are split in the same
way, each part on a line of its own, which says as which kind it is taxed (``worth.period_lines``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.base.money import (
    exact_arithmetic,
    exact_sum,
    minor_unit_digits,
    normalised,
    plain,
    rounded_to_minor_unit,
)
from pipeline.invoicing.lines import LineKind, plain_line, total_of
from pipeline.invoicing.rules import NEWEST, Rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pipeline.accounts import Tax
    from pipeline.base.money import Rounding
    from pipeline.base.periods import BillingPeriod
    from pipeline.invoicing.lines import InvoiceLine

    TaxOf = Callable[[BillingPeriod], Tax | None]
    """The tax of what is supplied in a period, with those of its kinds."""


_AS_USAGE = (LineKind.INCLUDED, LineKind.LIMIT, LineKind.OVERAGE)
"""What changes the price of usage is taxed as usage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxShare:
    """What one tax of an invoice is on: a row of its tax breakdown (BG-23 of EN 16931)."""

    tax: Tax | None
    """One tax, without others by kind; None for lines that have none."""
    taxed: Decimal
    """The sum of the printed lines that it applies to, before credits."""
    credits: Decimal
    """What credits pay of that: zero, or of the other sign."""

    @property
    def base(self) -> Decimal:
        """What the tax is computed on."""
        return exact_sum([self.taxed, self.credits])

    @property
    def exact_amount(self) -> Decimal:
        """The tax, not rounded; zero where none is charged."""
        if self.tax is None:
            return exact_sum([])
        with exact_arithmetic():
            return normalised(self.base * self.tax.charged_rate / 100)


def tax_lines(
    lines: Sequence[InvoiceLine],
    tax_of: TaxOf,
    *,
    period: BillingPeriod,
    currency: str,
    rounding: Rounding,
    rules: Rules = NEWEST,
) -> list[InvoiceLine]:
    """Return the tax lines: 19 percent of 10.03 are 1.9057, printed 1.91.

    None without a tax, where none is charged (a reversed charge, an exemption), or where there is nothing to tax.
    """
    found = []
    for share in tax_shares(lines, tax_of, period=period, currency=currency):
        tax = share.tax
        if tax is None or not tax.is_charged:
            continue
        base = rounded_to_minor_unit(share.base, currency, rounding)
        description = f"{tax.label} {plain(tax.rate)}% on {plain(base)} {currency}"
        line = plain_line(LineKind.TAX, share.exact_amount, description, currency=currency, rounding=rounding)
        is_stated = rules >= Rules.THIRD
        found.append(replace(line, tax_category=tax.category, tax_rate=tax.rate, tax_base=base) if is_stated else line)
    return found


def tax_shares(lines: Sequence[InvoiceLine], tax_of: TaxOf, *, period: BillingPeriod, currency: str) -> list[TaxShare]:
    """Return each tax with what it is on, that of the invoice's own period first; tax lines count for nothing.

    What reductions took off is off the sum of its own tax and changes no share of credits: credits were split when the
    invoice was made, over its lines as they were.
    """
    reductions = [line for line in lines if line.kind is LineKind.REDUCTION]
    periods = _lines_by_tax_of_period(lines, tax_of, period)
    paid = total_of(lines, LineKind.CREDIT)  # below zero
    sums: dict[Tax | None, tuple[Decimal, Decimal]] = {}
    for tax, mine in periods.items():
        by_tax: dict[Tax | None, list[InvoiceLine]] = {}
        for line in mine:
            by_tax.setdefault(None if tax is None else tax.of_kind(taxed_kind(line)), []).append(line)
        totals = [total_of(of_tax) for of_tax in by_tax.values()]
        used = paid if len(periods) == 1 else max(paid, min(-total_of(mine), exact_sum([])))
        paid = exact_sum([paid, -used])
        for each, total, share in zip(by_tax, totals, split_in_proportion(used, totals, currency), strict=True):
            before, credited = sums.get(each, (exact_sum([]), exact_sum([])))
            sums[each] = (exact_sum([before, total]), exact_sum([credited, share]))
    for line in reductions:
        tax = tax_of_line(line, tax_of, period=period)
        before, credited = sums.get(tax, (exact_sum([]), exact_sum([])))
        sums[tax] = (exact_sum([before, line.amount]), credited)
    return [TaxShare(tax=tax, taxed=taxed, credits=credited) for tax, (taxed, credited) in sums.items()]


def tax_of_line(line: InvoiceLine, tax_of: TaxOf, *, period: BillingPeriod) -> Tax | None:
    """Return the one tax of a line that is taxed, None where it has none: that of the period it belongs to."""
    tax = tax_of(taxed_with(line, period))
    return None if tax is None else tax.of_kind(taxed_kind(line))


def taxed_kind(line: InvoiceLine) -> str:
    """Return the kind as which a line is taxed: included tokens as usage, a correction as what it corrects."""
    kind = line.taxed_as or line.original_kind or line.kind
    return (LineKind.USAGE if kind in _AS_USAGE else kind).value


def tax_texts(lines: Sequence[InvoiceLine], tax: Tax | None) -> list[str]:
    """Return what a tax has printed, then what the taxes of the kinds of these lines have, each text once."""
    if tax is None:
        return []
    kinds = {taxed_kind(line) for line in lines}
    texts = [tax.text, *(named.text for kind, named in tax.by_kind if kind in kinds)]
    return [text for text in dict.fromkeys(texts) if text]


def correction_tax_text(lines: Sequence[InvoiceLine], tax_of: TaxOf, *, period: BillingPeriod) -> str:
    """Return what the taxes of corrected periods have printed, with the periods.

    Where the invoice's own period has not the same text.

    ``VAT due by the recipient (2026-08, 2026-09)``: these two months were reversed charges, and so are their
    corrections.
    """
    own = tax_texts([line for line in lines if taxed_with(line, period) == period], tax_of(period))
    periods: dict[str, list[str]] = {}
    for corrected in corrected_periods(lines, period):
        mine = [line for line in lines if taxed_with(line, period) == corrected]
        for text in tax_texts(mine, tax_of(corrected)):
            if text not in own:
                periods.setdefault(text, []).append(str(corrected))
    return "; ".join(f"{text} ({', '.join(corrected)})" for text, corrected in periods.items())


def correction_taxes(
    lines: Sequence[InvoiceLine], tax_of: TaxOf, *, period: BillingPeriod
) -> tuple[tuple[BillingPeriod, Tax | None], ...]:
    """Return the corrected periods whose tax is not that of the invoice's own, with their tax."""
    own = tax_of(period)
    taxes = ((corrected, tax_of(corrected)) for corrected in corrected_periods(lines, period))
    return tuple((corrected, tax) for corrected, tax in taxes if tax != own)


def corrected_periods(lines: Sequence[InvoiceLine], period: BillingPeriod) -> list[BillingPeriod]:
    """Return the periods that lines correct, but for the invoice's own, in the order of time."""
    return sorted({taxed_with(line, period) for line in lines} - {period})


def taxed_with(line: InvoiceLine, period: BillingPeriod) -> BillingPeriod:
    """Return the period whose tax a line of an invoice has.

    Its own, or the month that it corrects; one that is among the invoice's own months is taxed with them.
    """
    return period if line.original_period is None or period.holds(line.original_period) else line.original_period


def _lines_by_tax_of_period(
    lines: Sequence[InvoiceLine], tax_of: TaxOf, period: BillingPeriod
) -> dict[Tax | None, list[InvoiceLine]]:
    """Group what is taxed by the tax of its period, the invoice's own period first; reductions are not among it."""
    taxed = [line for line in lines if line.kind not in (LineKind.CREDIT, LineKind.REDUCTION, LineKind.TAX)]
    grouped: dict[Tax | None, list[InvoiceLine]] = {}
    for supplied in (period, *corrected_periods(taxed, period)):
        mine = [line for line in taxed if taxed_with(line, period) == supplied]
        if mine:
            grouped.setdefault(tax_of(supplied), []).extend(mine)
    return grouped


def split_in_proportion(used: Decimal, totals: Sequence[Decimal], currency: str) -> Iterator[Decimal]:
    """Split what is taken off sums over them, in proportion to those above zero, to the minor unit and without a rest.

    ``used`` is below zero, and so are the parts.

    The first sums get what the proportion of all sums up to them says, rounded down: -10.00 over 10.00, 10.00 and 10.00
    are -3.33, -3.33 and -3.34. None gets more than its sum.
    """
    if len(totals) == 1:
        yield used
        return
    digits = minor_unit_digits(currency)
    with exact_arithmetic():
        parts = [max(int(total.scaleb(digits)), 0) for total in totals]
        whole, paid, so_far, given = sum(parts), int(-used.scaleb(digits)), 0, 0
        shares = []
        for part in parts:
            so_far += part
            up_to = paid * so_far // whole if whole else 0
            shares.append(Decimal(given - up_to).scaleb(-digits))
            given = up_to
    yield from shares
