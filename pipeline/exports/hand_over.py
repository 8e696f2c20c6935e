"""What of an invoice is handed over to a system that collects money: items, each with an amount in whole minor units.

Owns which lines are items, what they are called, and that their amounts add up to the invoice. Does not own what the
other system calls them (``stripe``, ``lago``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pipeline.base.errors import ExportRefused
from pipeline.base.money import exact_arithmetic, plain
from pipeline.base.periods import time_zone
from pipeline.invoicing import LineKind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from pipeline.base.periods import BillingPeriod
    from pipeline.invoicing import Invoice, InvoiceLine

_SECOND = timedelta(seconds=1)


class Per(StrEnum):
    """How fine the items are."""

    LINE = "line"
    """One for each printed line that is not zero."""
    INVOICE = "invoice"
    """One for the sum of the invoice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One amount of an invoice that is handed over."""

    invoice_id: str
    line: int | None
    """The number of the invoice's line; None for the sum of the invoice."""
    kind: str
    """That of the line; ``invoice`` for the sum."""
    description: str
    amount: Decimal
    """As printed."""
    period: BillingPeriod
    """What it is for: of a correction the corrected period."""
    account: tuple[str, str] | None
    """Id and name of the child account that it is of; None of the invoiced one's, and of a sum."""
    from_at: datetime
    to_at: datetime
    """The last second of the period in the account's time zone: both systems take ends as inclusive."""

    @property
    def key(self) -> str:
        """What it is known by, the same in every export: ``tallybook:INV-000002:1``."""
        return key_of(self.invoice_id, self.line)


def key_of(invoice_id: str, line: int | None = None) -> str:
    """Return what an invoice, or a line of it, is known by in other systems."""
    return f"tallybook:{invoice_id}" + ("" if line is None else f":{line}")


def items(invoice: Invoice, *, with_tax: bool, per: Per) -> list[Item]:
    """Return the items of an invoice, in the order of its lines, but for those of nothing.

    Their amounts add up to its subtotal, and to its total ``with_tax``.
    """
    if per is Per.INVOICE:
        amount = invoice.total if with_tax else invoice.subtotal
        description = f"{invoice.id}, {invoice.period}"
        return [_item(invoice, None, description, amount)] if amount else []
    return [
        _item(invoice, line, line.description, line.amount)
        for line in invoice.lines
        if line.amount and (with_tax or line.kind is not LineKind.TAX)
    ]


def minor_units(item: Item, currency: str, *, digits: int, multiple_of: int = 1, system: str) -> int:
    """Return an amount in units of ``10 ** -digits``: 9.40 with two digits is 940.

    Raises ``ExportRefused`` where that is no whole number, or no multiple of what the system takes.
    """
    with exact_arithmetic():
        units = item.amount.scaleb(digits)
        is_taken, smallest = units % multiple_of == 0, Decimal(multiple_of).scaleb(-digits)
    if not is_taken:
        message = (
            f"{item.invoice_id}, {item.kind if item.line is None else f'line {item.line}'}, is {plain(item.amount)} "
            f"{currency}, and {system} takes multiples of {plain(smallest)} {currency} "
            "only; collect this invoice otherwise"
        )
        raise ExportRefused(message)
    return int(units)


def json_lines(objects: Iterable[dict[str, Any]]) -> bytes:
    """Write objects as JSON, one a line, their keys in the order given."""
    return b"".join((json.dumps(each, ensure_ascii=False) + "\n").encode("utf-8") for each in objects)


def _item(invoice: Invoice, line: InvoiceLine | None, description: str, amount: Decimal) -> Item:
    zone, period = time_zone(invoice.timezone), invoice.month_of(line) if line else invoice.period
    account = invoice.account_of(line) if line and line.account_id else None
    return Item(
        invoice_id=invoice.id,
        line=line.number if line else None,
        kind=line.kind.value if line else Per.INVOICE.value,
        description=f"{account[1]}: {description}" if account else description,
        amount=amount,
        period=period,
        account=account,
        from_at=period.start_at(zone),
        to_at=period.end_at(zone) - _SECOND,
    )
