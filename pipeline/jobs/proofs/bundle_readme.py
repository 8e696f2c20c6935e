"""The page in a bundle that says what is in the folder, and how its reader recomputes the invoice without a program.

Owns its words. Does not own which files there are (``bundle``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.base.money import exact_sum, plain, plain_amount

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.invoicing import Invoice
    from pipeline.jobs.proofs.corrected_events import CorrectedUsage

_HEAD = "Invoice {invoice.id} of {invoice.account_name} ({invoice.account_id}), {invoice.period}: {total}"
_FILES = """
Everything that this invoice was computed from is in this folder. No program is needed to check it; a spreadsheet will \
do.

  invoice.json      the invoice as it was issued on {issued_on}
  invoice.csv       its head: period, currency, total
  lines.csv         its lines
  events.csv        the usage behind every line: one row for each response and line, with its tokens, rate and exact \
charge
  terms.json        your account's terms, and how amounts are rounded
  {card_files}   the prices, per million tokens ({cards})
{exchange}\
  counting.sql      how logged responses are counted: which copy of one counts, and on which meter its tokens are; \
only to be read
  SHA256SUMS        checksums of all of these: sha256sum -c SHA256SUMS
"""
_EXCHANGE_FILES = "  exchange-*.csv    the rates of exchange by which your prices became {currency}, one a day\n"
_HOW = """\
How to recompute it
 1. An event costs quantity x rate_per_million / 1,000,000, with all its digits: events.csv, column exact_charge. The \
rate is the
    one on your rate card that was in force at occurred_at (UTC), for that model (or its alias) and meter{discounted}.
 2. A line of kind usage is the sum of its events: in events.csv, add exact_charge over the rows with its number in \
invoice_line.
    Its quantity is the sum of their quantity. It is rounded once, {invoice.rounding.value}, to the minor unit of \
{invoice.currency}: lines.csv, amount.
        in a spreadsheet:  =ROUND(SUMIFS(events!M:M; events!A:A; 1); digits)   for line 1 (ROUND rounds halves up)
 3. Lines of other kinds follow from lines above them and from terms.json, as their description says.
 4. The total is the sum of the printed amounts in lines.csv.
 5. An event belongs to this invoice where occurred_at is at or after {invoice.period_start} and before \
{invoice.period_end}.
    usage_date is the day in {invoice.timezone}. A response that was logged twice is here once.
 6. Compare events.csv with your own records by response_id, request_id or occurred_at. source, source_line and the \
byte range say
    where the seller's log holds the response; ask for that line where something looks wrong.

Every token is on exactly one meter: prompt (read anew), prompt_cached (read from a cache), prompt_cache_write, \
completion,
reasoning (where the card prices it apart from completion). A quantity on the meter request is one response, not a \
token."""
_PARTIAL_CREDIT_NOTE = """
This is a credit note: a part of {invoice.credits_invoice} taken back, for this reason: {invoice.credit_reason}
It has no events: they are those of that invoice, and stay as they are."""
_CREDIT_NOTE = """
This is a credit note: every line of {invoice.credits_invoice} taken back. Its events are those of that invoice, with \
quantities and charges below zero."""
_CHILDREN = """
This invoice is of several accounts: lines.csv says in usage_account_id which of them a line is of, and terms.json has \
the terms of each.
The lines of an account add up to its subtotal in invoice.json (accounts). Credits of the invoiced account pay for all \
of them, and tax is
on the sum of all."""
_CORRECTIONS = """
Lines of kind correction settle earlier months. corrected-events.csv has, by the number of the line, all events of \
that month which count now,
also those that were invoiced before. Add their exact_charge for each rate, round each sum once, and add these: that \
is what they are worth
(less the tokens that your terms include). What earlier invoices have for them is taken off:"""
_BILLED_ANEW = """
The invoice of these months was taken back, and they are billed anew as a whole, on this invoice or on their own. What \
was corrected of them
meanwhile is taken back, by lines of kind correction that have no events:"""
_EXCHANGED = """
Your prices are in another currency than {invoice.currency}. rate_per_million in events.csv is {price} times the \
rate of exchange
that the description of the line names, with its day; exact_charge follows from it as ever."""
_SHARES = """
Your card has prices that depend on all usage of the month. Events are counted in this order: by the time at which \
their price came
into force, usage_date, key, model, service tier, size of the prompt (where the card asks for it), meter, then \
occurred_at. Each is
charged what it adds at its place:
  graduated  its tokens at the rates of the tiers that they fall into; an event that crosses into the next tier is on \
two lines
  volume     its tokens at the rate of the tier that the whole month reaches
  package    the packages that it begins: exact_charge is their price, and 0 within a package that is begun already
  flat       the flat amount of a tier is a row of its own, with the quantity 0, of the event that reaches the tier"""
_SIGNED = """
The seller has signed this invoice. registered.json is it as it stands in the seller's register, and signature.txt \
names it by its
number and its checksum. The seller publishes the public key (Ed25519, PEM) elsewhere; do not take it from where this \
folder came from.
    openssl pkeyutl -verify -pubin -inkey PUBLIC.pem -rawin -in signature.txt -sigfile signature.bin
    grep "document {invoice.number} $(sha256sum registered.json | cut -d ' ' -f 1)" signature.txt
or in Python, with the package cryptography:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    key = load_pem_public_key(open("PUBLIC.pem", "rb").read())
    key.verify(open("signature.bin", "rb").read(), open("signature.txt", "rb").read())  # raises InvalidSignature"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundled:
    """The invoice of a bundle, and what else decides what its reader is told."""

    invoice: Invoice
    issued_at: str
    card_ids: Sequence[str]
    corrections: Sequence[CorrectedUsage]
    """The invoice's corrections of usage."""
    has_shares: bool
    """Whether prices depend on all usage of the month."""
    has_discount: bool
    has_exchange: bool
    """Whether prices are in another currency than the invoice."""
    is_signed: bool

    @property
    def issued_on(self) -> str:
        """Return the day that the invoice prints, if it does, and the instant, which may be of another day in UTC."""
        date = self.invoice.issue_date
        return f"{date.isoformat()} ({self.issued_at})" if date else self.issued_at

    @property
    def has_corrected_events(self) -> bool:
        """Say whether a correction has events: one that is billed anew has them on another invoice."""
        return not all(each.is_billed_anew for each in self.corrections)


def readme_text(bundled: Bundled) -> str:
    """Return the page, its last line ended."""
    return "\n".join(_paragraphs(bundled)) + "\n"


def _paragraphs(bundled: Bundled) -> Iterator[str]:
    invoice = bundled.invoice
    discounted = ", less the discount of your terms" if bundled.has_discount else ""
    yield _HEAD.format(invoice=invoice, total=f"{plain(invoice.total)} {invoice.currency}")
    yield _FILES.format(
        issued_on=bundled.issued_on,
        card_files=f"rate-card-{bundled.card_ids[0] if len(bundled.card_ids) == 1 else '*'}.json",
        cards=", ".join(bundled.card_ids),
        exchange=_EXCHANGE_FILES.format(currency=invoice.currency) if bundled.has_exchange else "",
    )
    yield _HOW.format(invoice=invoice, discounted=discounted)
    if invoice.is_partial:
        yield _PARTIAL_CREDIT_NOTE.format(invoice=invoice)
    elif invoice.credits_invoice:
        yield _CREDIT_NOTE.format(invoice=invoice)
    if invoice.children:
        yield _CHILDREN
    yield from _settled(bundled)
    if bundled.has_exchange:
        price = f"the price on your rate card{discounted}," if discounted else "the price on your rate card"
        yield _EXCHANGED.format(invoice=invoice, price=price)
    if bundled.has_shares:
        yield _SHARES
    if bundled.is_signed:
        yield _SIGNED.format(invoice=invoice)


def _settled(bundled: Bundled) -> Iterator[str]:
    """Yield what is said of corrections: those that have events, then those whose months are billed anew."""
    if bundled.has_corrected_events:
        yield _CORRECTIONS
        yield from (_corrected(bundled.invoice, each) for each in bundled.corrections if not each.is_billed_anew)
    if anew := [_corrected(bundled.invoice, each) for each in bundled.corrections if each.is_billed_anew]:
        yield _BILLED_ANEW
        yield from anew


def _corrected(invoice: Invoice, corrected: CorrectedUsage) -> str:
    """Say of a correction of usage what its month is worth, and what of that was invoiced before."""
    line, before = corrected.line, corrected.invoiced_before
    worth, invoiced = (
        f"{plain_amount(amount, invoice.currency)} {invoice.currency}"
        for amount in (exact_sum([before, line.amount]), before)
    )
    if corrected.is_billed_anew:
        return f"  line {line.number}: of {line.original_period}, {invoiced} taken back"
    return f"  line {line.number}: in {line.original_period} worth {worth}, {invoiced} invoiced before"
