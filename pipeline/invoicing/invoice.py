"""What an invoice is, and its life: draft → issued → credited by a credit note.

Owns totals, ids and what may follow what. Does not own how lines are computed nor the invoice's JSON form
(``document``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from pipeline.accounts import LANGUAGE_DEFAULT, BankDetails, Party
from pipeline.base.money import exact_sum, normalised, rounded_to_minor_unit
from pipeline.base.periods import instant_text, time_zone
from pipeline.invoicing.lines import LineKind, negated, numbered
from pipeline.invoicing.rules import NEWEST, Rules
from pipeline.invoicing.tax import tax_of_line, tax_shares, tax_texts, taxed_with

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import date
    from decimal import Decimal

    from pipeline.accounts import Tax
    from pipeline.base.money import Rounding
    from pipeline.base.periods import BillingPeriod
    from pipeline.invoicing.lines import InvoiceLine
    from pipeline.invoicing.tax import TaxShare

NUMBER_DIGITS = 6


class InvoiceStatus(StrEnum):
    """Where an invoice is in its life.

    A draft is replaced at will, an issued invoice and a credit note never change.
    """

    DRAFT = "draft"
    ISSUED = "issued"
    CREDIT_NOTE = "credit_note"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSubtotal:
    """What the lines of one account of an invoice come to, before tax."""

    account_id: str
    account_name: str
    subtotal: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """What one account owes for one billing period, or a credit note that takes such an invoice back.

    With it, what its child accounts owe for that period. Where the period has several months, every line says which of
    them it is of, but for corrections and tax.
    """

    id: str
    """``draft-2026-10-acme``, or prefix and number: ``INV-000001``."""
    status: InvoiceStatus
    number: int | None
    """Place in the workspace's one series of issued invoices and credit notes, from 1; None for a draft."""
    account_id: str
    account_name: str
    period: BillingPeriod
    timezone: str
    """IANA name of the time zone in which the period was counted."""
    currency: str
    rounding: Rounding
    lines: tuple[InvoiceLine, ...]
    tax: Tax | None = None
    """That of its own period; a correction of another period may be taxed otherwise, on a tax line of its own."""
    correction_tax_text: str = ""
    """What must be printed about the tax of corrected periods, where it is not that of its own period."""
    correction_taxes: tuple[tuple[BillingPeriod, Tax | None], ...] = ()
    """Of corrected periods whose tax is not that of its own period; documents of the first two rules never say them."""
    seller: Party = field(default_factory=Party)
    bank: BankDetails = field(default_factory=BankDetails)
    """Where it is paid to."""
    buyer: Party = field(default_factory=Party)
    """As printed; where it has no name, the account's (``buyer_name``)."""
    buyer_reference: str = ""
    """What the buyer finds it by, such as a Leitweg-ID (BT-10 of EN 16931)."""
    purchase_order: str = ""
    payment_terms_days: int | None = None
    payment_terms: str = ""
    """In words: ``30 days net``."""
    issue_date: date | None = None
    """The day in the account's time zone on which it got its number; None in a draft and in older documents."""
    due_date: date | None = None
    """Of an issued invoice with payment terms."""
    note: str = ""
    language: str = LANGUAGE_DEFAULT
    """BCP 47, that its documents are written in."""
    children: tuple[tuple[str, str], ...] = ()
    """Id and name of each child account whose lines it has, in their order."""
    credits_invoice: str = ""
    """Of a credit note: the id of the invoice that it takes back, in full or in part."""
    credit_reason: str = ""
    """Of a credit note in part: why; every one of them has a reason, and no other document."""

    def __post_init__(self) -> None:
        """Refuse an invoice whose parts contradict each other."""
        if (self.status is InvoiceStatus.DRAFT) != (self.number is None):
            message = f"an invoice that is {self.status} cannot have the number {self.number}"
            raise ValueError(message)
        if (self.status is InvoiceStatus.CREDIT_NOTE) != bool(self.credits_invoice):
            message = f"an invoice that is {self.status} cannot credit the invoice {self.credits_invoice!r}"
            raise ValueError(message)
        if self.credit_reason and self.status is not InvoiceStatus.CREDIT_NOTE:
            message = f"an invoice that is {self.status} is no credit note in part, and cannot have a reason to be one"
            raise ValueError(message)
        refuse_unknown_children(self.account_id, self.children, self.lines)
        for number, line in enumerate(self.lines, start=1):
            if line.number != number or not isinstance(line.quantity, int):
                message = f"line {number} has the number {line.number!r} and the quantity {line.quantity!r}"
                raise ValueError(message)
            is_stated = line.period is not None or self.period.count > 1
            if is_stated and line.period not in self._months_of(line):
                message = f"line {number} is of {line.period}, and the invoice of {self.period}"
                raise ValueError(message)
            if line.amount != rounded_to_minor_unit(line.exact_amount, self.currency, self.rounding):
                message = (
                    f"line {number} prints {line.amount} for an exact amount of {line.exact_amount}, {self.rounding} "
                    f"in {self.currency}"
                )
                raise ValueError(message)

    def month_of(self, line: InvoiceLine) -> BillingPeriod:
        """Return the month that a line is about; of tax on an invoice of several months, all of them."""
        return line.original_period or line.period or self.period

    @property
    def stated_months(self) -> set[BillingPeriod]:
        """Its months: of several, those that it has lines of, since the others may not have come."""
        return {self.period} if self.period.count == 1 else {line.period for line in self.lines if line.period}

    @property
    def is_partial(self) -> bool:
        """Whether it is a credit note that takes back a part of an invoice, whose period stays closed."""
        return bool(self.credit_reason)

    @property
    def is_of_rest(self) -> bool:
        """Whether it is a credit note that takes back what earlier ones in part had left of an invoice."""
        return not self.is_partial and any(line.kind is LineKind.REDUCTION for line in self.lines)

    @property
    def subtotal(self) -> Decimal:
        """The sum of the printed line amounts, before tax."""
        return self._printed(line.amount for line in self.lines if line.kind is not LineKind.TAX)

    @property
    def tax_amount(self) -> Decimal:
        """The printed tax."""
        return self._printed(line.amount for line in self.lines if line.kind is LineKind.TAX)

    @property
    def is_taxed(self) -> bool:
        """Whether there is something to say of tax: one of its own, or that of an earlier period which it corrects."""
        return self.tax is not None or any(line.kind is LineKind.TAX for line in self.lines)

    @property
    def total(self) -> Decimal:
        """What is to be paid: the sum of all printed lines."""
        return self._printed(line.amount for line in self.lines)

    @property
    def residual(self) -> Decimal:
        """Sum of the exact amounts minus the sum of the printed lines.

        At most half a minor unit per line, either way.
        """
        return normalised(exact_sum([*(line.exact_amount for line in self.lines), -self.total]))

    @property
    def period_start(self) -> str:
        """First instant of the period, RFC 3339 with the account's offset: ``2026-10-01T00:00:00+03:00``."""
        zone = time_zone(self.timezone)
        return instant_text(self.period.start_at(zone), zone)

    @property
    def period_end(self) -> str:
        """First instant after the period, likewise."""
        zone = time_zone(self.timezone)
        return instant_text(self.period.end_at(zone), zone)

    @property
    def tax_text(self) -> str:
        """What must be printed about tax beside the lines, such as that the charge is reversed.

        Of its own period, then of those it corrects.
        """
        own = [line for line in self.lines if taxed_with(line, self.period) == self.period]
        return "; ".join(text for text in (*tax_texts(own, self.tax), self.correction_tax_text) if text)

    @property
    def account_ids(self) -> tuple[str, ...]:
        """The invoiced account, and each child account that it has lines of."""
        return (self.account_id, *(child_id for child_id, _ in self.children))

    def lines_of(self, account_id: str) -> list[InvoiceLine]:
        """Return the lines of one of its accounts."""
        own = "" if account_id == self.account_id else account_id
        return [line for line in self.lines if line.account_id == own]

    def account_of(self, line: InvoiceLine) -> tuple[str, str]:
        """Return id and name of the account that a line is of: a child's, or that of the invoiced account."""
        return next(
            (child for child in self.children if child[0] == line.account_id), (self.account_id, self.account_name)
        )

    @property
    def buyer_name(self) -> str:
        """Who buys, as printed."""
        return self.buyer.name or self.account_name

    @property
    def tax_breakdown(self) -> tuple[TaxShare, ...]:
        """Each tax with the sum that it is on, in the order of the tax lines; also those that charge nothing.

        The bases add up to ``subtotal``. Raises ``ValueError`` where they do not give the printed tax lines: an older
        document with corrections of a month that had another tax does not say what that was.
        """
        is_note = self.status is InvoiceStatus.CREDIT_NOTE
        lines = [negated(line) for line in self.lines] if is_note else self.lines
        shares = tax_shares(lines, self.tax_of_period, period=self.period, currency=self.currency)
        if is_note:
            shares = [replace(each, taxed=_minus(each.taxed), credits=_minus(each.credits)) for each in shares]
        charged = [normalised(each.exact_amount) for each in shares if each.tax is not None and each.tax.is_charged]
        printed = [normalised(line.exact_amount) for line in self.lines if line.kind is LineKind.TAX]
        is_within_what_is_left = any(line.kind is LineKind.REDUCTION for line in self.lines)  # to the minor unit
        if charged != printed and not (is_within_what_is_left and len(charged) == len(printed)):
            message = f"{self.id} does not say which tax its corrections have: it was issued by an older program"
            raise ValueError(message)
        return tuple(shares)

    def tax_of_period(self, period: BillingPeriod) -> Tax | None:
        """Return the tax of what was supplied in its own period, or in one that it corrects."""
        return dict(self.correction_taxes).get(period, self.tax)

    def tax_of_line(self, line: InvoiceLine) -> Tax | None:
        """Return the one tax of a line of this invoice, without others by kind; None where there is none.

        A tax line has the tax that it charges. A credit line has the only tax of the invoice, and None where it is
        split over several: ``tax_breakdown`` says how. Raises ``ValueError`` as ``tax_breakdown`` does.
        """
        if line.kind not in (LineKind.CREDIT, LineKind.TAX):
            return tax_of_line(line, self.tax_of_period, period=self.period)
        return self.line_taxes[line.number - 1]

    @property
    def line_taxes(self) -> tuple[Tax | None, ...]:
        """``tax_of_line`` of all lines. Raises ``ValueError`` as ``tax_breakdown`` does."""
        if self.tax is not None and not self.tax.by_kind and all(line.original_period is None for line in self.lines):
            return (self.tax,) * len(self.lines)  # mostly: one tax, and nothing to break down
        taxes = [share.tax for share in self.tax_breakdown]
        charged = iter([tax for tax in taxes if tax is not None and tax.is_charged])
        only = taxes[0] if len(taxes) == 1 else None
        return tuple(
            only
            if line.kind is LineKind.CREDIT
            else next(charged)
            if line.kind is LineKind.TAX
            else tax_of_line(line, self.tax_of_period, period=self.period)
            for line in self.lines
        )

    def _months_of(self, line: InvoiceLine) -> tuple[BillingPeriod | None, ...]:
        """Return what a line may say of its month: nothing where there is one month, or it is not of a single one."""
        is_of_one = self.period.count > 1 and line.original_period is None and line.kind is not LineKind.TAX
        return self.period.months if is_of_one else (None,)

    @property
    def parts(self) -> tuple[Invoice, ...]:
        """What each of its accounts would have of it alone, the invoiced one first: lines as lines of its own.

        The invoiced account has the taxes too, and the credits that pay for all.
        """
        if not self.children:
            return (self,)
        lines: dict[str, list[InvoiceLine]] = {"": [], **{child_id: [] for child_id, _ in self.children}}
        for line in self.lines:
            lines[line.account_id].append(replace(line, account_id=""))
        accounts = ((self.account_id, self.account_name), *self.children)
        return tuple(
            replace(self, account_id=account_id, account_name=name, children=(), lines=numbered(mine))
            for (account_id, name), mine in zip(accounts, lines.values(), strict=True)
        )

    @property
    def subtotals(self) -> tuple[AccountSubtotal, ...]:
        """What the lines of each account come to before tax, the invoiced one first.

        They add up to ``subtotal``, less the credits of the invoiced account where it has children: these pay for all.
        """
        shared = {LineKind.TAX, LineKind.CREDIT} if self.children else {LineKind.TAX}
        amounts: dict[str, list[Decimal]] = {"": [], **{child_id: [] for child_id, _ in self.children}}
        for line in self.lines:
            if line.account_id or line.kind not in shared:
                amounts[line.account_id].append(line.amount)
        accounts = ((self.account_id, self.account_name), *self.children)
        return tuple(
            AccountSubtotal(account_id=account_id, account_name=name, subtotal=self._printed(mine))
            for (account_id, name), mine in zip(accounts, amounts.values(), strict=True)
        )

    def _printed(self, amounts: Iterable[Decimal]) -> Decimal:
        return rounded_to_minor_unit(exact_sum(amounts), self.currency, self.rounding)


def issued_invoice(
    draft: Invoice, *, number: int, prefix: str, issued_on: date | None = None, rules: Rules = NEWEST
) -> Invoice:
    """Return the draft as the issued invoice with a number: prefix ``INV-`` and 1 make ``INV-000001``.

    Raises ``ValueError`` for an issued one.

    ``issued_on`` is its issue date, the day in the account's time zone from which payment terms count: 30 days from
    2026-11-02 make it due on 2026-12-02.
    """
    if draft.status is not InvoiceStatus.DRAFT or number < 1:
        message = (
            f"invoice {draft.id!r} is {draft.status} and cannot become number {number}; "
            "only a draft is issued, with a number from 1"
        )
        raise ValueError(message)
    due_date = None
    if issued_on is not None and draft.payment_terms_days is not None:
        due_date = issued_on + timedelta(days=draft.payment_terms_days)
    return replace(
        draft,
        id=id_of(prefix, number),
        status=InvoiceStatus.ISSUED,
        number=number,
        issue_date=_stated_date(issued_on, rules),
        due_date=due_date,
    )


def credit_note(
    invoice: Invoice,
    *,
    number: int,
    prefix: str,
    issued_on: date | None = None,
    rules: Rules = NEWEST,
    lines: tuple[InvoiceLine, ...] | None = None,
) -> Invoice:
    """Return the credit note that takes an issued invoice back, every line negated, or by other ``lines``.

    ``issued_on`` is its own issue date. Raises ``ValueError`` for a draft or a credit note.
    """
    if invoice.status is not InvoiceStatus.ISSUED or number < 1:
        message = (
            f"invoice {invoice.id!r} is {invoice.status} and cannot be credited by number {number}; "
            "only an issued invoice is, by a number from 1"
        )
        raise ValueError(message)
    lines = tuple(negated(line) for line in invoice.lines) if lines is None else lines
    credited = {line.account_id for line in lines}
    return replace(
        invoice,
        id=id_of(prefix, number),
        status=InvoiceStatus.CREDIT_NOTE,
        number=number,
        lines=lines,
        children=tuple(child for child in invoice.children if child[0] in credited),
        issue_date=_stated_date(issued_on, rules),
        payment_terms_days=None,
        payment_terms="",
        due_date=None,
        credits_invoice=invoice.id,
    )


class MayCredit(Protocol):
    """What says which invoice is taken back: an invoice, or what is left of one without its lines."""

    @property
    def id(self) -> str:
        """As ``Invoice.id``."""

    @property
    def credits_invoice(self) -> str:
        """As ``Invoice.credits_invoice``."""

    @property
    def is_partial(self) -> bool:
        """As ``Invoice.is_partial``."""


def credited_by(invoices: Iterable[MayCredit]) -> dict[str, str]:
    """Return which credit note takes which invoice back in full, by the ids of the invoices.

    The other direction of ``credits_invoice``.
    """
    return {
        invoice.credits_invoice: invoice.id
        for invoice in invoices
        if invoice.credits_invoice and not invoice.is_partial
    }


def standing(invoices: Collection[Invoice]) -> list[Invoice]:
    """Return the issued invoices that no credit note took back."""
    credited = credited_by(invoices)
    return [each for each in invoices if each.status is InvoiceStatus.ISSUED and each.id not in credited]


def credited_in_part_by(invoices: Iterable[MayCredit]) -> dict[str, list[str]]:
    """Return which credit notes take a part of which invoice back, by the ids of the invoices."""
    found: dict[str, list[str]] = {}
    for invoice in invoices:
        if invoice.is_partial:
            found.setdefault(invoice.credits_invoice, []).append(invoice.id)
    return found


def parts_by_account(invoices: Iterable[Invoice]) -> dict[str, list[Invoice]]:
    """Return what each account has of invoices: its own, less what is of its children, and its parents' of it."""
    found: dict[str, list[Invoice]] = {}
    for invoice in invoices:
        for part in invoice.parts:
            found.setdefault(part.account_id, []).append(part)
    return found


def refuse_unknown_children(account_id: str, children: Sequence[tuple[str, str]], lines: Iterable[InvoiceLine]) -> None:
    """Raise ``ValueError`` for a line of an account that an invoice is not of, and for a child that is there twice."""
    known = {account_id, *(child_id for child_id, _ in children)}
    if len(known) != len(children) + 1:
        message = f"an invoice of account {account_id!r} cannot be of {', '.join(repr(each) for each, _ in children)}"
        raise ValueError(message)
    unknown = {line.account_id for line in lines} - known - {""}
    if unknown or account_id in {line.account_id for line in lines}:
        message = (
            f"an invoice of account {account_id!r} and its children has lines of {sorted(unknown or {account_id})}"
        )
        raise ValueError(message)


def id_of(prefix: str, number: int) -> str:
    """Return the id of an issued document: prefix ``INV-`` and number 1 make ``INV-000001``."""
    return f"{prefix}{number:0{NUMBER_DIGITS}}"


def _stated_date(issued_on: date | None, rules: Rules) -> date | None:
    return issued_on if rules >= Rules.THIRD else None


def _minus(amount: Decimal) -> Decimal:
    return normalised(-amount)
