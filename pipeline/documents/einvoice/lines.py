"""Invoice lines (BG-25) of an e-invoice: what was supplied, how much of it at which price, and the printed amount.

Owns quantity and price of each line, so that quantity x price ÷ price base, rounded as the invoice rounds, is the
printed amount to the minor unit. Does not own credits, which are allowances on the whole document, nor tax
(``taxes``).

A price is never below zero (BR-27), a quantity may be: included tokens have one. A line that quantity and price do not
give exactly is one piece at its amount: a correction, a fee, an amount that a minimum raised.

On an invoice of several accounts each line has the id of its account as the object that it is based on (BT-128), and
its name as a note (BT-127).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.base.money import exact_arithmetic, plain, rounded_to_minor_unit
from pipeline.documents.einvoice.taxes import tax_terms
from pipeline.documents.einvoice.text import PlainSpelling, number, stated
from pipeline.documents.pages.descriptions import description_in, reduction_in
from pipeline.documents.pages.words import ENGLISH
from pipeline.invoicing.lines import TOKEN_KINDS, LineKind, negated
from pipeline.rating import TOKENS_PER_RATE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from pipeline.documents.einvoice.text import Terms
    from pipeline.documents.pages.words import Words
    from pipeline.invoicing import Invoice, InvoiceLine

PIECE = "C62"
"""One, the unit of what is counted (UN/ECE Recommendation 20): tokens, requests, packages, amounts."""
_DAY = timedelta(days=1)


def line_terms(invoice: Invoice, words: Words) -> list[Terms]:
    """Return BG-25: every line but credits and tax. Those of a credit note are above zero, as it credits them."""
    return [_terms(invoice, line, words) for line in supplied_lines(invoice)]


def supplied_lines(invoice: Invoice) -> Iterator[InvoiceLine]:
    """Yield the lines that something was supplied on, with the signs of an e-invoice."""
    for line in invoice.lines:
        if line.kind not in (LineKind.CREDIT, LineKind.TAX):
            yield negated(line) if invoice.credits_invoice else line


def _terms(invoice: Invoice, line: InvoiceLine, words: Words) -> Terms:
    name = _item_name(invoice, line, words)
    period = invoice.month_of(line)
    account_id, account_name = invoice.account_of(line) if invoice.children else ("", "")
    tax = invoice.tax_of_line(invoice.lines[line.number - 1])
    return (
        _priced(invoice, line)
        | tax_terms(tax, category="BT-151", rate="BT-152")
        | stated(
            BT_126=str(line.number),
            BT_127_00=[stated(BT_127=account_name)] if account_name else [],
            BT_128={"": account_id} if account_id else {},
            BT_130=PIECE,
            BT_131=plain(line.amount),
            BT_134=period.first_date,
            BT_135=period.end_date - _DAY,
            BT_153=name,
            BT_154=line.description if line.description != name else "",
            BG_32=[stated(BT_160=what, BT_161=value) for what, value in _attributes(line) if value],
        )
    )


def _priced(invoice: Invoice, line: InvoiceLine) -> Terms:
    """Return quantity (BT-129), price (BT-146), its base (BT-149), and list price and discount where there are any."""
    if line.kind in TOKEN_KINDS and line.rate_per_million is not None and line.rate_per_million >= 0:
        base, tokens = _price_base(line)
        with exact_arithmetic():
            price = line.rate_per_million * tokens / TOKENS_PER_RATE
            quantity = _packages(line, price) if line.package_tokens else line.quantity
            exact = quantity * price / base
        if rounded_to_minor_unit(exact, invoice.currency, invoice.rounding) == line.amount:
            listed = _list_price(line, price, tokens)
            return stated(BT_129=str(quantity), BT_146=number(price), BT_149=str(base)) | listed
    piece = -1 if line.amount < 0 else 1
    return stated(BT_129=str(piece), BT_146=plain(abs(line.amount)))


def _price_base(line: InvoiceLine) -> tuple[int, int]:
    """Return how many units a price is for, and how many tokens these are (or requests).

    Of tokens a million, of requests and packages one.
    """
    if line.package_tokens:
        return 1, line.package_tokens
    if line.meter is not None and not line.meter.is_of_tokens:
        return 1, 1
    return int(TOKENS_PER_RATE), int(TOKENS_PER_RATE)


def _packages(line: InvoiceLine, price: Decimal) -> int:
    """Return how many packages were begun, which the line says by its amount alone; 0 where it cannot say."""
    return int(line.exact_amount / price) if price and not line.exact_amount % price else 0


def _list_price(line: InvoiceLine, price: Decimal, tokens: int) -> Terms:
    """Return the price before discount (BT-148) and the discount (BT-147), where there was one."""
    listed = line.list_rate_per_million
    if listed is None or line.rate_per_million is None or listed <= line.rate_per_million:
        return {}
    with exact_arithmetic():
        gross = listed * tokens / TOKENS_PER_RATE
        discount = gross - price
    return {"BT-148": number(gross), "BT-147-00": [{"BT-147": number(discount)}]}


def _item_name(invoice: Invoice, line: InvoiceLine, words: Words) -> str:
    """Return what the item is called (BT-153): ``jamba-large, Input tokens``; of a line without a meter, its text."""
    if line.meter is None:
        return _text_in(words, line) or words.kinds[line.kind]
    what = f"{line.model}, {words.meters[line.meter]}"
    if line.credits_line is not None:
        return f"{words.reduction_of.format(line=line.credits_line, invoice=invoice.credits_invoice)}: {what}"
    if line.original_period is not None:
        return f"{words.correction_of.format(period=line.original_period)}: {what}"
    return f"{words.kinds[line.kind]}: {what}" if line.kind is LineKind.INCLUDED else what


def _text_in(words: Words, line: InvoiceLine) -> str:
    """Return the text of a line without a meter in a language; in English as it was frozen.

    The line's description (BT-154) is the frozen one in every language.
    """
    spelling, original = PlainSpelling(words=words), line.original_kind or line.kind
    if words is ENGLISH:
        return line.description
    if line.kind is LineKind.CORRECTION:
        corrected = words.correction_of.format(period=line.original_period)
        named = words.items.get(line.item, line.item)
        return ", ".join(part for part in (f"{corrected}: {words.kinds[original]}", line.model, named) if part)
    if line.kind is LineKind.REDUCTION:
        return reduction_in(spelling, line.description, lambda text: description_in(spelling, original, text))
    return description_in(spelling, line.kind, line.description)


def _attributes(line: InvoiceLine) -> Iterator[tuple[str, str]]:
    """Yield what a program finds the line by (BG-32), in the words of ``lines.csv``."""
    yield "kind", line.kind.value
    yield "api_key_id", line.api_key_id
    yield "model", line.model
    yield "service_tier", line.service_tier
    yield "meter", line.meter.value if line.meter else ""
    yield "quantity", str(line.quantity) if line.meter else ""
    yield "package_tokens", str(line.package_tokens or "")
    yield "credits_line", str(line.credits_line or "")
    yield "tags", line.tags
