"""Credit notes in part: what is taken off a line of an issued invoice, with its tax, while the month stays as it is.

A reduction is a line of its own kind, and no correction: what the month is worth does not change by it, and no later
draft corrects it away. Owns what is left to credit of a line, of each tax and of an invoice, and the lines of the
credit note that takes back what is left. Does not own when crediting is refused (``pipeline.jobs.invoices``).

Tax is the rate on the reduction, rounded once; never more than what is left of that tax, and all that is left of it
with the last of what it is on: so an invoice that is credited in full, in however many parts, leaves no cent open.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipeline.base.errors import CreditRefused
from pipeline.base.money import (
    exact_sum,
    minor_unit_digits,
    normalised,
    plain,
    plain_amount,
    refuse_fraction_digits,
    rounded_to_minor_unit,
)
from pipeline.invoicing.invoice import credit_note
from pipeline.invoicing.lines import PERIOD_KINDS, InvoiceLine, LineKind, negated, numbered
from pipeline.invoicing.tax import tax_lines
from pipeline.rating import exact_charge

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from decimal import Decimal

    from pipeline.accounts import Tax
    from pipeline.invoicing.invoice import Invoice
    from pipeline.invoicing.rules import Rules
    from pipeline.invoicing.tax import TaxShare

_REDUCIBLE = (*PERIOD_KINDS, LineKind.CORRECTION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """What somebody asks to take off an issued invoice."""

    line: int
    """The number of the invoice's line."""
    reason: str
    """Printed on the credit note; an equal reduction for the same reason is the same one."""
    amount: Decimal | None = None
    """Before tax; None takes off the price of ``quantity``, or all that is left of the line."""
    quantity: int | None = None
    """Tokens or requests of the line, at its rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxLeft:
    """What is left of one tax of an invoice after the credit notes so far."""

    base: Decimal
    """What it is on."""
    tax: Decimal


def reductions_of(invoice: Invoice, issued: Iterable[Invoice]) -> list[Invoice]:
    """Return the credit notes in part of an invoice, by number."""
    return [each for each in issued if each.credits_invoice == invoice.id and each.is_partial]


def is_same_reduction(note: Invoice, wanted: Reduction) -> bool:
    """Say whether a credit note in part is what is asked for: of the line, with its reason, amount and quantity."""
    (line,) = (each for each in note.lines if each.kind is LineKind.REDUCTION)
    is_amount = wanted.amount in (None, -line.amount)
    return (line.credits_line, note.credit_reason, -line.quantity) == (
        wanted.line,
        wanted.reason,
        wanted.quantity or 0,
    ) and is_amount


def left_to_credit(invoice: Invoice, line: InvoiceLine, notes: Sequence[Invoice]) -> Decimal:
    """Return what can still be taken off a line: what is left of it, and of what its tax is on; never below zero.

    Of a line of 10.00 on an invoice of which prepaid credits paid 3.00, 7.00.
    """
    amount_left, _ = _left_of_line(line, notes)
    left = left_by_tax(invoice, notes)[invoice.tax_of_line(line)]
    return max(min(amount_left, left.base), exact_sum([]))


def _left_of_line(line: InvoiceLine, notes: Iterable[Invoice]) -> tuple[Decimal, int]:
    """Return what is left of a line's amount and of its quantity."""
    taken = [each for note in notes for each in note.lines if each.credits_line == line.number]
    return exact_sum([line.amount, *(each.amount for each in taken)]), line.quantity + sum(
        each.quantity for each in taken
    )


def left_by_tax(invoice: Invoice, notes: Iterable[Invoice]) -> dict[Tax | None, TaxLeft]:
    """Return what is left of each tax of an invoice, in the order of its tax lines.

    Raises ``CreditRefused`` where the invoice does not say which tax its corrections have.
    """
    try:
        left = {share.tax: TaxLeft(base=share.base, tax=amount) for share, amount in _shares(invoice)}
        for note in notes:
            for share, amount in _shares(note):
                before = left[share.tax]
                left[share.tax] = TaxLeft(
                    base=exact_sum([before.base, share.base]), tax=exact_sum([before.tax, amount])
                )
    except (KeyError, ValueError) as wrong:
        message = (
            f"{invoice.id} cannot be credited in part: {wrong}; 'tallybook invoice void {invoice.id}' takes all of it "
            "back"
        )
        raise CreditRefused(message) from wrong
    return left


def partial_credit_note(
    invoice: Invoice,
    notes: Sequence[Invoice],
    wanted: Reduction,
    *,
    number: int,
    prefix: str,
    issued_on: date,
    rules: Rules,
) -> Invoice:
    """Return the credit note that takes a part off a line of an issued invoice.

    ``notes`` are its credit notes in part so far. Raises ``CreditRefused`` for a line that is not there, is not above
    zero or is a tax, and for more than what is left of the line, or of what its tax is on.
    """
    line = _line(invoice, wanted)
    _, quantity_left = _left_of_line(line, notes)
    left = left_by_tax(invoice, notes)[invoice.tax_of_line(line)]
    most = left_to_credit(invoice, line, notes)
    amount = rounded_to_minor_unit(
        _amount(invoice, line, wanted, most, quantity_left), invoice.currency, invoice.rounding
    )
    if not 0 < amount <= most:
        message = (
            f"line {line.number} of {invoice.id} cannot be credited by {plain(amount)} {invoice.currency}: "
            f"{plain_amount(most, invoice.currency)} is left of it after credit notes, prepaid credits, coupons and "
            "allowances"
        )
        raise CreditRefused(message)
    reduction = InvoiceLine(
        number=1,
        kind=LineKind.REDUCTION,
        api_key_id=line.api_key_id,
        model=line.model,
        service_tier=line.service_tier,
        meter=line.meter,
        quantity=wanted.quantity or 0,
        exact_amount=normalised(amount),
        amount=amount,
        description=f"credit on line {line.number} of {invoice.id} ({line.description}): {wanted.reason}",
        period=line.period,
        original_period=line.original_period,
        original_kind=line.original_kind or line.kind,
        taxed_as=line.taxed_as,
        tags=line.tags,
        account_id=line.account_id,
        credits_line=line.number,
    )
    tax_of = invoice.tax_of_period
    charged = tax_lines(
        [reduction],
        tax_of,
        period=invoice.period,
        currency=invoice.currency,
        rounding=invoice.rounding,
        rules=rules,
    )
    lines = [reduction, *(_within(each, amount, left) for each in charged)]
    note = credit_note(
        invoice,
        number=number,
        prefix=prefix,
        issued_on=issued_on,
        rules=rules,
        lines=numbered(negated(each) for each in lines),
    )
    return replace(
        note,
        credit_reason=wanted.reason,
        correction_tax_text=invoice.correction_tax_text if line.original_period else "",
    )


def lines_of_void(invoice: Invoice, notes: Sequence[Invoice]) -> tuple[InvoiceLine, ...]:
    """Return the lines of the credit note that takes back all that is left of an invoice.

    Its lines negated and, where it was credited in part, those parts taken back too, with what is left of each tax.
    """
    if not notes:
        return tuple(negated(line) for line in invoice.lines)
    charged = [(tax, left) for tax, left in left_by_tax(invoice, notes).items() if tax is not None and tax.is_charged]
    printed = [line for line in invoice.lines if line.kind is LineKind.TAX]
    lines = [negated(line) for line in invoice.lines if line.kind is not LineKind.TAX]
    lines += [negated(line) for note in notes for line in note.lines if line.kind is LineKind.REDUCTION]
    for line, (tax, left) in zip(printed, charged, strict=True):
        base = rounded_to_minor_unit(left.base, invoice.currency, invoice.rounding)
        rest = replace(
            line,
            exact_amount=normalised(left.tax),
            amount=rounded_to_minor_unit(left.tax, invoice.currency, invoice.rounding),
            description=f"{tax.label} {plain(tax.rate)}% on {plain(base)} {invoice.currency}",
            tax_base=None if line.tax_base is None else base,
        )
        lines.append(negated(rest))
    return numbered(lines)


def _shares(invoice: Invoice) -> list[tuple[TaxShare, Decimal]]:
    """Return each tax of an invoice with the printed amount of its tax line; nothing where none is charged."""
    printed = iter([line.amount for line in invoice.lines if line.kind is LineKind.TAX])
    return [
        (share, next(printed) if share.tax is not None and share.tax.is_charged else exact_sum([]))
        for share in invoice.tax_breakdown
    ]


def _line(invoice: Invoice, wanted: Reduction) -> InvoiceLine:
    line = next((each for each in invoice.lines if each.number == wanted.line), None)
    see = f"'tallybook invoice show {invoice.id}' lists them"
    if line is None:
        message = f"{invoice.id} has no line {wanted.line}; its lines are 1 to {len(invoice.lines)}, {see}"
        raise CreditRefused(message)
    if line.kind is LineKind.TAX:
        message = f"line {line.number} of {invoice.id} is a tax, which is credited with the lines it is on; {see}"
        raise CreditRefused(message)
    if line.kind not in _REDUCIBLE or line.amount <= 0:
        message = (
            f"line {line.number} of {invoice.id} is {plain(line.amount)}; only lines above zero are credited, {see}"
        )
        raise CreditRefused(message)
    return line


def _amount(invoice: Invoice, line: InvoiceLine, wanted: Reduction, most: Decimal, quantity_left: int) -> Decimal:
    """Return what is asked for, in money. Raises ``CreditRefused`` where it cannot be."""
    if wanted.amount is not None:
        digits = minor_unit_digits(invoice.currency)
        refuse_fraction_digits(f"the amount of a credit in {invoice.currency}", wanted.amount, digits)
        return wanted.amount
    if wanted.quantity is None:
        return most
    if line.rate_per_million is None or line.package_tokens is not None:
        message = (
            f"line {line.number} of {invoice.id} has no price of a single token; give the --amount that is credited"
        )
        raise CreditRefused(message)
    if not 0 < wanted.quantity <= quantity_left:
        message = (
            f"line {line.number} of {invoice.id} cannot be credited by a quantity of {wanted.quantity}: "
            f"{max(quantity_left, 0)} is left of it"
        )
        raise CreditRefused(message)
    exact = exact_charge(wanted.quantity, line.rate_per_million)
    return min(rounded_to_minor_unit(exact, invoice.currency, invoice.rounding), most)


def _within(line: InvoiceLine, amount: Decimal, left: TaxLeft) -> InvoiceLine:
    """Keep a tax line within what is left of the tax; the last of what it is on takes the last of it."""
    printed = left.tax if amount == left.base else min(line.amount, left.tax)
    return line if printed == line.amount else replace(line, exact_amount=normalised(printed), amount=printed)
