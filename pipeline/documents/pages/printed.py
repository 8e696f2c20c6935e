"""An invoice as the text of a page, in one language: the same for every format that people read.

Owns which facts a page has, and that each is written once. Does not own which lines share a row (``view``) nor looks:
HTML and PDF lay out what they find here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.accounts.billing import LABEL_DEFAULT
from pipeline.base.money import exact_sum, rounded_to_minor_unit
from pipeline.documents.pages.descriptions import description_in, reduction_in, tax_text_in
from pipeline.documents.pages.page import (
    Fact,
    Headings,
    PrintedAccount,
    PrintedBar,
    PrintedChart,
    PrintedGroup,
    PrintedInvoice,
    PrintedParty,
    PrintedRow,
    PrintedSection,
    PrintedSegment,
    columns_of,
)
from pipeline.documents.pages.spelling import apart, harmless, spelling_of
from pipeline.documents.pages.view import invoice_view
from pipeline.invoicing.invoice import InvoiceStatus
from pipeline.invoicing.lines import LineKind
from pipeline.rating import TOKENS_PER_RATE, exact_charge
from pipeline.usage.meters import METER_ORDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.accounts import BankDetails, Party
    from pipeline.documents.pages.spelling import Spelling
    from pipeline.documents.pages.view import Bar, Group, InvoiceView, KeyLines, Row, Section
    from pipeline.invoicing import Invoice, InvoiceLine
    from pipeline.usage import Meter

_SHARE_WHOLE = 10_000
"""Widths of a chart are whole parts of this: no float comes near money, not even in a picture of it."""


def printed_invoice(invoice: Invoice, *, language: str = "") -> PrintedInvoice:
    """Write an invoice in a language; empty = its own.

    No text in it can do harm on a page (``harmless``), and all of it still has to be escaped. Raises
    ``ConfigurationError`` for a language without words.
    """
    spelling = spelling_of(language or invoice.language)
    return _Writer(invoice=invoice, spelling=spelling, view=invoice_view(invoice)).printed()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writer:
    invoice: Invoice
    spelling: Spelling
    view: InvoiceView

    def printed(self) -> PrintedInvoice:
        invoice, words = self.invoice, self.spelling.words
        heading = {
            InvoiceStatus.DRAFT: words.draft,
            InvoiceStatus.ISSUED: words.invoice,
            InvoiceStatus.CREDIT_NOTE: words.credit_note_in_part if invoice.is_partial else words.credit_note,
        }[invoice.status]
        due = {
            InvoiceStatus.DRAFT: words.amount_of_draft,
            InvoiceStatus.ISSUED: words.amount_due,
            InvoiceStatus.CREDIT_NOTE: words.amount_credited,
        }[invoice.status]
        is_note = invoice.status is InvoiceStatus.CREDIT_NOTE
        if self._is_owed_to_buyer:
            due = words.amount_owed_to_buyer
        sections = self._sections(is_folded=self.view.is_condensed)
        unfolded = self._sections(is_folded=False) if self.view.is_condensed else ()
        appendix = tuple(self._key_group(part) for part in self.view.appendix)
        return PrintedInvoice(
            language=self.spelling.language,
            invoice_id=harmless(invoice.id),
            status=invoice.status.value,
            title=f"{heading} {harmless(invoice.id)}",
            heading=heading,
            warning=words.draft_warning if invoice.status is InvoiceStatus.DRAFT else "",
            statement=self._statement(),
            seller=self._party(words.seller, invoice.seller.name, invoice.seller),
            buyer=self._party(words.buyer, invoice.buyer_name, invoice.buyer),
            facts=tuple(self._facts()),
            due=Fact(
                label=due, value=self._money(-invoice.total if is_note or self._is_owed_to_buyer else invoice.total)
            ),
            due_by=self._due_by(),
            sections=sections,
            columns=_columns(sections),
            totals=tuple(self._totals()),
            total=Fact(label=words.total, value=self._money(invoice.total)),
            payment=tuple(self._payment(invoice.bank)),
            terms=self._terms(),
            notes=tuple(self._notes()),
            chart=self._chart(),
            unfolded=unfolded,
            unfolded_columns=_columns(unfolded),
            appendix=appendix,
            appendix_columns=columns_of(appendix),
            appendix_total=self._amount(invoice.subtotal),
            is_long=self.view.is_long,
            headings=Headings(
                line=words.line,
                description=words.description,
                quantity=words.quantity,
                price=words.price,
                amount=words.amount,
                subtotal=words.net_total if invoice.is_taxed else words.total,
                payment=words.payment,
                notes=words.notes,
                details=words.details,
                details_explained=words.details_explained,
                by_meter=words.by_meter,
                by_key=words.by_key,
                page=words.page,
            ),
        )

    def _money(self, amount: Decimal) -> str:
        return self.spelling.money(amount, self.invoice.currency)

    def _amount(self, amount: Decimal) -> str:
        """Write an amount without its currency, which a page says once; a sum of nothing has its decimal places too."""
        printed = rounded_to_minor_unit(amount, self.invoice.currency, self.invoice.rounding)
        return self.spelling.number(printed)

    def _party(self, label: str, name: str, party: Party) -> PrintedParty:
        words = self.spelling.words
        country = (self.spelling.country(party.country),) if party.country else ()
        numbers = ((words.tax_id, party.tax_id), (words.registration_id, party.registration_id))
        lines = (
            *party.locality_lines,
            *country,
            party.contact_name,
            party.phone,
            party.email,
            *(f"{what}: {number}" for what, number in numbers if number),
        )
        return PrintedParty(label=label, name=harmless(name), lines=tuple(harmless(line) for line in lines if line))

    @property
    def _is_owed_to_buyer(self) -> bool:
        """Whether it is an invoice below zero, as by an allowance beyond usage: nobody is to pay it."""
        return self.invoice.status is InvoiceStatus.ISSUED and self.invoice.total < 0

    def _facts(self) -> Iterator[Fact]:
        invoice, words, spelling = self.invoice, self.spelling.words, self.spelling
        days = words.days_of.format(
            first=spelling.date(invoice.period.first_date),
            last=spelling.date(invoice.period.end_date - timedelta(days=1)),
            zone=invoice.timezone,
        )
        is_draft = invoice.status is InvoiceStatus.DRAFT
        found = (
            (words.number, "" if is_draft else invoice.id),
            (words.issue_date, spelling.date(invoice.issue_date) if invoice.issue_date else ""),
            (
                words.due_date,
                spelling.date(invoice.due_date) if invoice.due_date and not self._is_owed_to_buyer else "",
            ),
            (words.billing_period, days),
            (words.account, invoice.account_id),
            (words.purchase_order, invoice.purchase_order),
            (words.buyer_reference, invoice.buyer_reference),
        )
        return (Fact(label=label, value=harmless(value)) for label, value in found if value)

    def _statement(self) -> str:
        """Say what a credit note takes back, and why where it is a part."""
        invoice, words = self.invoice, self.spelling.words
        if invoice.status is not InvoiceStatus.CREDIT_NOTE:
            return ""
        text = words.credit_note_explained
        if invoice.is_partial:
            text = words.credit_note_in_part_explained
        elif invoice.is_of_rest:
            text = words.credit_note_of_rest_explained
        return text.format(invoice=harmless(invoice.credits_invoice), reason=harmless(invoice.credit_reason))

    def _due_by(self) -> str:
        invoice = self.invoice
        if invoice.due_date is None or invoice.total <= 0:
            return ""
        date = self.spelling.date(invoice.due_date)
        return self.spelling.words.payable_by.format(amount=self._money(invoice.total), date=date)

    def _terms(self) -> str:
        """Say until when to pay: in the words of the account, else by its days where no date says it."""
        invoice = self.invoice
        if invoice.payment_terms or invoice.payment_terms_days is None or invoice.due_date is not None:
            return harmless(invoice.payment_terms)
        return self.spelling.words.payable_within.format(days=self.spelling.number(invoice.payment_terms_days))

    def _sections(self, *, is_folded: bool) -> tuple[PrintedSection, ...]:
        if self.invoice.children:
            return tuple(self._sections_by_account(is_folded=is_folded))
        return tuple(self._section(section, is_folded=is_folded) for section in self.view.sections)

    def _section(self, section: Section, *, is_folded: bool, account: PrintedAccount | None = None) -> PrintedSection:
        return PrintedSection(
            account=account,
            title=self.spelling.words.kinds[section.kind.value],
            groups=tuple(self._group(group, is_folded=is_folded) for group in section.groups),
            amount=self._amount(section.amount),
        )

    def _sections_by_account(self, *, is_folded: bool) -> Iterator[PrintedSection]:
        """Write the lines of each account under its name and subtotal; folded, these alone.

        Credits that pay for all accounts follow, under a heading of their own.
        """
        words, invoice = self.spelling.words, self.invoice
        shared = [each for each in self.view.sections if not each.account_id and each.kind is LineKind.CREDIT]
        for subtotal in invoice.subtotals:
            own = "" if subtotal.account_id == invoice.account_id else subtotal.account_id
            mine = [each for each in self.view.sections if each.account_id == own and each not in shared]
            detail = words.subtotal_of_account.format(account=subtotal.account_id)
            heading = PrintedAccount(
                title=harmless(subtotal.account_name), detail=harmless(detail), amount=self._amount(subtotal.subtotal)
            )
            if is_folded and mine:
                yield PrintedSection(account=heading, title="", groups=(), amount=heading.amount)
                continue
            for number, section in enumerate(mine):
                yield self._section(section, is_folded=False, account=None if number else heading)
        for section in shared:
            heading = PrintedAccount(title=words.all_accounts, detail="", amount=self._amount(section.amount))
            yield self._section(section, is_folded=False, account=heading)

    def _group(self, group: Group, *, is_folded: bool) -> PrintedGroup:
        if group.period is not None:
            title = self.spelling.words.correction_of.format(period=self.spelling.month(group.period))
        else:
            month = self.spelling.month(group.month) if group.month else ""
            title = " · ".join(part for part in (month, group.model) if part)
        rows = tuple(self._row(row, has_model=group.period is not None) for row in group.rows)
        amount = self._amount(group.amount)
        if is_folded and all(row.first.meter is not None for row in group.rows):
            quantity = self.spelling.number(group.quantity) if group.quantity else ""
            return PrintedGroup(title=harmless(title), quantity=quantity, rows=(), amount=amount)
        if title and len(rows) == 1:  # a heading over a single row says nothing
            (row,) = rows
            detail = " · ".join(part for part in (row.what, row.detail) if part)
            return PrintedGroup(
                title=harmless(title), detail=detail, quantity=row.quantity, price=row.price, rows=(), amount=amount
            )
        return PrintedGroup(title=harmless(title), rows=rows, amount=amount)

    def _row(self, row: Row, *, has_model: bool) -> PrintedRow:
        first = row.first
        if first.meter is None:
            return PrintedRow(what=self._text_of(first), amount=self._amount(row.amount))
        meter = self.spelling.words.meters[first.meter]
        details = (self._tier(first), self._reduced(first))
        return PrintedRow(
            what=harmless(f"{first.model} · {meter}" if has_model else meter),
            detail=harmless(" · ".join(detail for detail in details if detail)),
            quantity=self._quantity(first, row.quantity),
            price=self._prices(row),
            amount=self._amount(row.amount),
        )

    def _text_of(self, line: InvoiceLine) -> str:
        """Write a line that is about no tokens: its description in this language, a correction by what it corrects.

        What people wrote themselves, such as the name of an item, is in no table of words.
        """
        if line.kind is LineKind.CORRECTION:
            return harmless(self._corrected(line))
        if line.kind is LineKind.REDUCTION:
            return harmless(reduction_in(self.spelling, line.description, lambda text: self._reduced_text(line, text)))
        return harmless(description_in(self.spelling, line.kind, line.description))

    def _corrected(self, line: InvoiceLine) -> str:
        """Say what a line corrects, or is taken off a correction of, that is about no tokens."""
        kinds, original = self.spelling.words.kinds, line.original_kind or line.kind
        named = self.spelling.words.items.get(line.item, line.item)
        taxed_as = kinds[line.taxed_as.value] if line.taxed_as else ""
        return " · ".join(part for part in (line.model, kinds[original.value], named, taxed_as) if part)

    def _reduced_text(self, line: InvoiceLine, text: str) -> str:
        """Write the description of the line that a reduction is taken off."""
        if line.original_period is None:
            return description_in(self.spelling, line.original_kind or line.kind, text)
        corrected = self.spelling.words.correction_of.format(period=self.spelling.month(line.original_period))
        return f"{corrected} · {self._corrected(line)}"

    def _tier(self, line: InvoiceLine) -> str:
        return self.spelling.words.tier.format(tier=line.service_tier) if line.service_tier else ""

    def _quantity(self, line: InvoiceLine, quantity: int) -> str:
        """Write tokens or requests; nothing where a line is about none, or takes back an amount alone."""
        is_amount_alone = not quantity and (line.kind is LineKind.REDUCTION or line.flat_amount is not None)
        return "" if line.meter is None or is_amount_alone else self.spelling.number(quantity)

    def _exchanged(self, line: InvoiceLine) -> str:
        """Write what the price was in its own currency, and by which rate of exchange it became what is printed."""
        exchange, rate = line.exchange, line.rate_per_million
        if exchange is None or rate is None:
            return ""
        return self.spelling.words.exchanged.format(
            price=self.spelling.price(exact_charge(_unit(line), exchange.before(rate))),
            currency=exchange.currency,
            rate=self.spelling.price(exchange.rate),
            date=self.spelling.date(exchange.on),
        )

    def _reduced(self, line: InvoiceLine) -> str:
        if line.credits_line is None:
            return ""
        return self.spelling.words.reduction_of.format(line=line.credits_line, invoice=self.invoice.credits_invoice)

    def _flat(self, line: InvoiceLine) -> str:
        if line.flat_amount is None:
            return ""
        return self.spelling.words.flat.format(price=self.spelling.price(line.flat_amount))

    def _prices(self, row: Row) -> str:
        """Write the price that all lines of a row have, or the lowest and the highest per million of several."""
        prices = row.prices
        if len(prices) > 1 and all(package is None for _, package in prices):
            lowest, highest = (self._price(row.first, rate, None) for rate in (prices[0][0], prices[-1][0]))
            return f"{lowest} – {highest}"  # noqa: RUF001 - of a span
        return self._price(row.first, *prices[0]) if len(prices) == 1 else ""

    def _price(self, line: InvoiceLine, rate: Decimal, package_tokens: int | None) -> str:
        words, spelling = self.spelling.words, self.spelling
        if package_tokens is not None:
            price = spelling.price(exact_charge(package_tokens, rate))
            is_of_tokens = line.meter is None or line.meter.is_of_tokens
            text = words.per_package if is_of_tokens else words.per_package_of_requests
            return text.format(price=price, tokens=spelling.number(package_tokens))
        if line.meter is not None and not line.meter.is_of_tokens:
            return words.per_request.format(price=spelling.price(exact_charge(1, rate)))
        return spelling.price(rate)

    def _key_group(self, part: KeyLines) -> PrintedGroup:
        account = dict(self.invoice.children).get(part.account_id, self.invoice.account_name)
        name = harmless(part.api_key_id) or self.spelling.words.without_key
        return PrintedGroup(
            title=f"{harmless(account)} · {name}" if self.invoice.children else name,
            detail=harmless(" · ".join(part.tags).replace(";", " · ")),
            rows=tuple(self._line(line) for line in part.lines),
            amount=self._amount(part.amount),
        )

    def _line(self, line: InvoiceLine) -> PrintedRow:
        words, rate, listed = self.spelling.words, line.rate_per_million, line.list_rate_per_million
        details = (
            words.correction_of.format(period=self.spelling.month(line.original_period))
            if line.original_period
            else "",
            self.spelling.month(line.period) if line.period else "",
            words.kinds[line.kind.value] if line.kind is LineKind.INCLUDED else "",
            self._reduced(line),
            self._tier(line),
            self._flat(line),
            words.list_price.format(price=self._price(line, listed, line.package_tokens)) if listed is not None else "",
            self._exchanged(line),
        )
        what = f"{line.model} · {words.meters[line.meter]}" if line.meter else self._text_of(line)
        return PrintedRow(
            number=str(line.number),
            what=harmless(what),
            detail=harmless(" · ".join(detail for detail in details if detail)),
            quantity=self._quantity(line, line.quantity),
            price="" if rate is None or not line.quantity else self._price(line, rate, line.package_tokens),
            amount=self._amount(line.amount),
        )

    def _totals(self) -> Iterator[Fact]:
        invoice, words = self.invoice, self.spelling.words
        if not invoice.is_taxed:
            return
        yield Fact(label=words.net_total, value=self._amount(invoice.subtotal))
        yield from self._taxes()

    def _taxes(self) -> Iterator[Fact]:
        """Write each tax with its rate and what it is on; one that is not charged without a rate, as it has none.

        An older document may not say which tax its corrections have: then its lines are printed as they were frozen.
        """
        lines = iter(self.view.tax_lines)
        try:
            shares = self.invoice.tax_breakdown
        except ValueError:
            yield from (Fact(label=harmless(line.description), value=self._amount(line.amount)) for line in lines)
            return
        for share in shares:
            tax = share.tax
            if tax is not None:
                line = next(lines, None) if tax.is_charged else None
                amount = line.amount if line else Decimal(0)
                base, rate = self._amount(share.base), self.spelling.percent(tax.charged_rate)
                name = self.spelling.words.kinds[LineKind.TAX.value] if tax.label == LABEL_DEFAULT else tax.label
                words = self.spelling.words.tax_of if tax.is_charged else self.spelling.words.tax_not_charged
                label = words.format(label=apart(harmless(name)), rate=rate, base=base)
                yield Fact(label=label, value=self._amount(amount))

    def _payment(self, bank: BankDetails) -> Iterator[Fact]:
        """Say where to pay; a credit note and a draft ask for nothing."""
        if self.invoice.status is not InvoiceStatus.ISSUED or self.invoice.total <= 0:
            return
        words = self.spelling.words
        found = (
            (words.account_holder, bank.account_holder),
            (words.bank, bank.bank),
            ("IBAN", bank.iban_text),
            ("BIC", bank.bic),
        )
        stated = [(label, value) for label, value in found if value]
        yield from (Fact(label=label, value=harmless(value)) for label, value in stated)
        if stated:
            yield Fact(label=words.reference, value=harmless(self.invoice.id))

    def _notes(self) -> Iterator[str]:
        invoice, words = self.invoice, self.spelling.words
        if self.view.is_condensed:
            yield words.continued_in_details
        tax_text = tax_text_in(self.spelling, invoice.tax_text)
        yield from (harmless(text) for text in (tax_text, invoice.note) if text)
        currencies = sorted({line.exchange.currency for line in invoice.lines if line.exchange})
        if currencies:
            yield words.exchange_explained.format(currencies=", ".join(currencies), currency=invoice.currency)
        unit = self.spelling.unit(invoice.currency)
        yield words.rounding_explained.format(unit=unit, currency=invoice.currency)

    def _chart(self) -> PrintedChart | None:
        bars = self.view.bars
        if not bars:
            return None
        words = self.spelling.words
        meters = sorted({meter for bar in bars for meter, _ in bar.meters}, key=METER_ORDER.__getitem__)
        longest = max(bar.amount for bar in bars)
        return PrintedChart(
            title=words.usage_by_model.format(currency=self.invoice.currency),
            legend=tuple(words.meters[meter] for meter in meters),
            bars=tuple(self._bar(bar, meters, longest) for bar in bars),
        )

    def _bar(self, bar: Bar, meters: Sequence[Meter], longest: Decimal) -> PrintedBar:
        words, segments = self.spelling.words, []
        up_to, start = Decimal(0), 0
        for meter, amount in bar.meters:
            up_to = exact_sum([up_to, amount])
            end = int(up_to * _SHARE_WHOLE / longest)
            title = f"{words.meters[meter]}: {self._amount(amount)}"
            segments.append(PrintedSegment(meter=meters.index(meter), title=title, start=start, width=end - start))
            start = end
        return PrintedBar(
            title=harmless(bar.name)
            if bar.name
            else words.further_models.format(count=self.spelling.number(bar.models)),
            amount=self._amount(bar.amount),
            segments=tuple(segments),
        )


def _columns(sections: Sequence[PrintedSection]) -> tuple[str, ...]:
    return columns_of(group for section in sections for group in section.groups)


def _unit(line: InvoiceLine) -> int:
    """Return how many tokens or requests a line's price is of."""
    if line.package_tokens is not None:
        return line.package_tokens
    return 1 if line.meter is not None and not line.meter.is_of_tokens else int(TOKENS_PER_RATE)
