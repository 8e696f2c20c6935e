"""Corrections: what a period is worth now, minus what was invoiced for it so far.

Owns the comparison, per original period, key, model, tier and meter. Does not own on which draft corrections stand
(``pipeline.invoicing.book``). Idempotent to the cent: an issued correction counts as invoiced, and then nothing is left
to correct.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.base.money import exact_sum, normalised, rounded_to_minor_unit
from pipeline.invoicing.invoice import standing
from pipeline.invoicing.lines import PERIOD_KINDS, TOKEN_KINDS, InvoiceLine, LineKind, part_text
from pipeline.usage.meters import METER_ORDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    from pipeline.base.money import Rounding
    from pipeline.base.periods import BillingPeriod
    from pipeline.invoicing.invoice import Invoice
    from pipeline.usage import Meter


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What is corrected as one: lines of one period, kind, key, model, tier, meter, item and tax, whatever the rate."""

    period: BillingPeriod
    kind: LineKind
    api_key_id: str
    model: str
    service_tier: str
    meter: Meter | None
    item: str = ""
    taxed_as: LineKind | None = None

    @property
    def order(self) -> tuple[BillingPeriod, int, str, str, str, int, str, int]:
        """Sorts corrections as they are printed."""
        meter = -1 if self.meter is None else METER_ORDER[self.meter]
        kind = PERIOD_KINDS.index(self.kind)
        taxed_as = -1 if self.taxed_as is None else PERIOD_KINDS.index(self.taxed_as)
        return self.period, kind, self.api_key_id, self.model, self.service_tier, meter, self.item, taxed_as


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """Tokens and printed amount of a cell."""

    quantity: int
    amount: Decimal


_NOTHING = Worth(quantity=0, amount=exact_sum([]))


def worth_of_lines(lines: Iterable[InvoiceLine], period: BillingPeriod) -> dict[Cell, Worth]:
    """Sum the lines of a period by cell, those that say their month by that.

    Corrections among them count for the period they correct, credits and tax for none.
    """
    sums: dict[Cell, list[InvoiceLine]] = {}
    for line in lines:
        cell = _cell(line, period)
        if cell is not None:
            sums.setdefault(cell, []).append(line)
    return {cell: _sum(group) for cell, group in sums.items()}


def invoiced_so_far(issued: Iterable[Invoice]) -> dict[Cell, Worth]:
    """Sum all that was issued, by cell of its original period; a credit note takes back what it credits."""
    found: dict[Cell, Worth] = {}
    for invoice in issued:
        for cell, worth in worth_of_lines(invoice.lines, invoice.period).items():
            found[cell] = _plus(found.get(cell), worth)
    return found


def invoiced_before(correction: InvoiceLine, issued: Iterable[Invoice]) -> Worth:
    """Return what invoices of one account hold for the cell of a correction line.

    With the line itself, that is what the cell is worth.

    Raises ``ValueError`` for a line of another kind.
    """
    if correction.original_period is None:
        message = f"line {correction.number} is a {correction.kind} line and corrects no period"
        raise ValueError(message)
    cell = _cell(correction, correction.original_period)
    return next((worth for each, worth in invoiced_so_far(issued).items() if each == cell), _NOTHING)


def is_billed_anew(correction: InvoiceLine, issued: Iterable[Invoice]) -> bool:
    """Say whether the period of a correction is open, given what was issued of the account before.

    Its invoice was taken back, and its next one bills all of it: the correction takes back earlier ones, and is not of
    what the period is worth.
    """
    period = correction.original_period
    return period is not None and not any(each.period.holds(period) for each in standing(list(issued)))


def corrections_of(
    lines: Iterable[InvoiceLine], period: BillingPeriod, *, api_key_id: str, model: str, service_tier: str
) -> list[InvoiceLine]:
    """Return the lines that correct usage of one key, model and tier in a billing period, whatever their meters."""
    place = (LineKind.CORRECTION, period, api_key_id, model, service_tier)
    return [
        line
        for line in lines
        if (line.kind, line.original_period, line.api_key_id, line.model, line.service_tier) == place
    ]


def correction_lines(
    worth_now: Mapping[Cell, Worth],
    invoiced: Mapping[Cell, Worth],
    *,
    currency: str,
    rounding: Rounding,
    tags: Mapping[str, str],
) -> list[InvoiceLine]:
    """Return a line for every cell whose printed amount differs, in order and not numbered yet.

    A cell invoiced at 2.00 that is worth 2.50 now makes a line of 0.50; one that is worth nothing now, of -2.00.
    """
    lines = []
    for cell in sorted({*worth_now, *invoiced}, key=lambda cell: cell.order):
        now, before = worth_now.get(cell, _NOTHING), invoiced.get(cell, _NOTHING)
        difference = normalised(exact_sum([now.amount, -before.amount]))
        if difference:
            lines.append(
                InvoiceLine(
                    number=0,
                    kind=LineKind.CORRECTION,
                    api_key_id=cell.api_key_id,
                    model=cell.model,
                    service_tier=cell.service_tier,
                    meter=cell.meter,
                    quantity=now.quantity - before.quantity,
                    exact_amount=difference,
                    amount=rounded_to_minor_unit(difference, currency, rounding),
                    description=f"correction of {cell.period}: {_what(cell)}",
                    original_period=cell.period,
                    original_kind=cell.kind,
                    item=cell.item,
                    taxed_as=cell.taxed_as,
                    tags=tags.get(cell.api_key_id, ""),
                )
            )
    return lines


def _cell(line: InvoiceLine, period: BillingPeriod) -> Cell | None:
    if line.kind is LineKind.CORRECTION and line.original_period is not None and line.original_kind is not None:
        period, kind = line.original_period, line.original_kind
    elif line.kind in PERIOD_KINDS:
        period = line.period or period
        kind = LineKind.USAGE if line.kind in TOKEN_KINDS else line.kind
    else:
        return None
    return Cell(
        period=period,
        kind=kind,
        api_key_id=line.api_key_id,
        model=line.model,
        service_tier=line.service_tier,
        meter=line.meter,
        item=line.item,
        taxed_as=line.taxed_as,
    )


def _sum(lines: list[InvoiceLine]) -> Worth:
    return Worth(quantity=sum(line.quantity for line in lines), amount=exact_sum(line.amount for line in lines))


def _plus(before: Worth | None, more: Worth) -> Worth:
    return (
        more
        if before is None
        else Worth(quantity=before.quantity + more.quantity, amount=exact_sum([before.amount, more.amount]))
    )


def _what(cell: Cell) -> str:
    if cell.meter is not None:
        tier = f", {cell.service_tier} tier" if cell.service_tier else ""
        return f"{cell.model} {cell.meter.spec.text}{tier}"
    if cell.kind is LineKind.LIMIT:
        tier = f", {cell.service_tier} tier" if cell.service_tier else ""
        return f"minimum or maximum of {cell.model}{tier}"
    if cell.kind is LineKind.FEE and cell.item:
        return cell.item
    if cell.kind is LineKind.OVERAGE:
        return "usage beyond the commitment"
    return (
        f"{'yearly' if cell.item else 'minimum'} commitment"
        if cell.kind is LineKind.COMMITMENT
        else " ".join(part for part in (cell.model, str(cell.kind), cell.item) if part) + part_text(cell.taxed_as)
    )
