"""Tax: one line for each tax that applies, computed once on the sum of the printed lines that it applies to.

What a period is worth has the tax of that period, and so has a correction of it, on whichever invoice it stands: a rate
that changes in between does not change what was supplied before. Mostly all of it is one tax, and one line. Does not
own which tax is in force (``pipeline.accounts``).

Credits pay before tax. Where there are several taxes, they are taken off the invoice's own period first, then off the
corrections, the earliest period first, and never more than each sum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.base.money import exact_arithmetic, exact_sum, plain, rounded_to_minor_unit
from pipeline.invoicing.lines import LineKind, plain_line, total_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from decimal import Decimal

    from pipeline.accounts import Tax
    from pipeline.base.money import Rounding
    from pipeline.base.periods import BillingPeriod
    from pipeline.invoicing.lines import InvoiceLine


def tax_lines(
    lines: Sequence[InvoiceLine],
    tax_of: Callable[[BillingPeriod], Tax | None],
    *,
    period: BillingPeriod,
    currency: str,
    rounding: Rounding,
) -> list[InvoiceLine]:
    """Return the tax lines: 19 percent of 10.03 are 1.9057, printed 1.91.

    None without a tax, with a reversed charge, or where there is nothing to tax.
    """
    found = []
    for tax, taxed in _sums_by_tax(lines, tax_of, period):
        if tax is not None and not tax.reverse_charge:
            printed = plain(rounded_to_minor_unit(taxed, currency, rounding))
            description = f"{tax.label} {plain(tax.rate)}% on {printed} {currency}"
            found.append(
                plain_line(LineKind.TAX, _exact(taxed, tax.rate), description, currency=currency, rounding=rounding)
            )
    return found


def correction_tax_text(
    lines: Sequence[InvoiceLine], tax_of: Callable[[BillingPeriod], Tax | None], *, period: BillingPeriod
) -> str:
    """Return what the taxes of corrected periods have printed, with the periods.

    Where the invoice's own period has not the same text.

    ``VAT due by the recipient (2026-08, 2026-09)``: these two months were reversed charges, and so are their
    corrections.
    """
    own = tax_of(period)
    periods: dict[str, list[str]] = {}
    for corrected in _corrected_periods(lines, period):
        tax = tax_of(corrected)
        if tax is not None and tax.text and (own is None or tax.text != own.text):
            periods.setdefault(tax.text, []).append(str(corrected))
    return "; ".join(f"{text} ({', '.join(corrected)})" for text, corrected in periods.items())


def _corrected_periods(lines: Sequence[InvoiceLine], period: BillingPeriod) -> list[BillingPeriod]:
    return sorted({line.original_period for line in lines if line.original_period is not None} - {period})


def _sums_by_tax(
    lines: Sequence[InvoiceLine], tax_of: Callable[[BillingPeriod], Tax | None], period: BillingPeriod
) -> Iterator[tuple[Tax | None, Decimal]]:
    """Yield each tax with the sum that it is computed on, that of the invoice's own period first."""
    by_tax: dict[Tax | None, list[InvoiceLine]] = {}
    for supplied in (period, *_corrected_periods(lines, period)):
        mine = [
            line for line in lines if line.kind is not LineKind.CREDIT and (line.original_period or period) == supplied
        ]
        if mine:
            by_tax.setdefault(tax_of(supplied), []).extend(mine)
    paid = total_of(lines, LineKind.CREDIT)  # below zero
    if len(by_tax) == 1:
        yield from ((tax, exact_sum([total_of(mine), paid])) for tax, mine in by_tax.items())
        return
    for tax, mine in by_tax.items():
        total = total_of(mine)
        used = max(paid, min(-total, exact_sum([])))
        paid = exact_sum([paid, -used])
        yield tax, exact_sum([total, used])


def _exact(subtotal: Decimal, rate: Decimal) -> Decimal:
    with exact_arithmetic():
        return subtotal * rate / 100
