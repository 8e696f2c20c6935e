"""Tax: one line, computed once on the sum of all other printed lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.invoicing.lines import LineKind, plain_line, total_of
from pipeline.money import exact_arithmetic, plain, rounded_to_minor_unit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from pipeline.accounts import Tax
    from pipeline.invoicing.lines import InvoiceLine
    from pipeline.money import Rounding


def tax_lines(lines: Sequence[InvoiceLine], tax: Tax | None, *, currency: str, rounding: Rounding) -> list[InvoiceLine]:
    """Return the tax line: 19 percent of 10.03 are 1.9057, printed 1.91. None without a tax, with a reversed charge, or where there is nothing to tax."""
    if tax is None or tax.reverse_charge or not lines:
        return []
    subtotal = total_of(lines)
    printed = plain(rounded_to_minor_unit(subtotal, currency, rounding))
    return [
        plain_line(LineKind.TAX, _exact(subtotal, tax.rate), f"{tax.label} {plain(tax.rate)}% on {printed} {currency}", currency=currency, rounding=rounding)
    ]


def _exact(subtotal: Decimal, rate: Decimal) -> Decimal:
    with exact_arithmetic():
        return subtotal * rate / 100
