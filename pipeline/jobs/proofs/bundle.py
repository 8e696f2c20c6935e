"""What a customer needs to recompute an invoice alone.

Their events, their card, their terms, the invoice, and how it is done on one page.

Nothing of anybody else: only events of this invoice's lines, only this account's entry of ``accounts.toml``, only the
rate cards it pays by, and of ``tallybook.toml`` only what decides an amount. Comments of the files are left out, since
they may speak of others, and so are the account's ids in other systems and its cost card, which decide none.

Does not own the events (``pipeline.jobs.state.lines.traced_lines``) nor the files (``pipeline.objects.bundle_files``).
"""

from __future__ import annotations

import json
import tomllib
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pipeline.base.errors import ConfigurationError, LakeError
from pipeline.base.money import exact_sum, plain, plain_amount
from pipeline.configuration.accounts.accounts_file import ACCOUNTS_FILE, COST_CARD_KEY, CUSTOMER_KEYS, RATE_CARD_DEFAULT
from pipeline.configuration.rate_cards import RATES_FOLDER
from pipeline.configuration.settings import CONFIG_FILE
from pipeline.documents.event_csv import events_csv
from pipeline.documents.invoice_csv import invoices_csv, lines_csv
from pipeline.invoicing import invoice_document, invoice_from_document
from pipeline.jobs.proofs.corrected_events import corrected_event_rows, corrections_of_usage
from pipeline.jobs.proofs.signing import signature_of
from pipeline.jobs.state.lines.event_charges import depends_on_the_period
from pipeline.jobs.state.lines.traced_lines import event_rows, explain_lines
from pipeline.objects import append_log, layout
from pipeline.objects.bundle_files import write_bundle
from pipeline.warehouse.printed import printed_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pipeline.invoicing import Invoice
    from pipeline.jobs.proofs.corrected_events import CorrectedUsage
    from pipeline.jobs.proofs.recompute import Recomputation
    from pipeline.jobs.state.at_issue import AtIssue

_SIGNED_TEXT = """
The seller has signed this invoice. registered.json is it as it stands in the seller's register, and signature.txt \
names it by its
number and its checksum. The seller publishes the public key (Ed25519, PEM) elsewhere; do not take it from where this \
folder came from.
    openssl pkeyutl -verify -pubin -inkey PUBLIC.pem -rawin -in signature.txt -sigfile signature.bin
    grep "document {number} $(sha256sum registered.json | cut -d ' ' -f 1)" signature.txt
or in Python, with the package cryptography:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    key = load_pem_public_key(open("PUBLIC.pem", "rb").read())
    key.verify(open("signature.bin", "rb").read(), open("signature.txt", "rb").read())  # raises InvalidSignature
"""
_SETTINGS = ("timezone", "currency", "rounding", "policy", "seller")
"""Keys of ``tallybook.toml`` that decide or print an invoice; where logs lie and how they are read is nobody's
business.
"""


def write_invoice_bundle(recomputation: Recomputation, folder: Path) -> None:
    """Write the bundle of an invoice that was recomputed without a difference. The same invoice gives the same bytes.

    Raises ``ConfigurationError`` where the folder is not empty, ``LakeError`` where the events do not account for a
    line.
    """
    write_bundle(folder, bundle_files(recomputation))


def bundle_files(recomputation: Recomputation) -> dict[str, bytes]:
    """Return the files of a bundle by name. Raises ``LakeError`` where the events do not account for a line."""
    invoice = invoice_from_document(recomputation.document)
    state = recomputation.at_issue
    _refuse_forgotten(invoice, state)
    explanations = explain_lines(invoice, state, invoice.lines)
    incomplete = [str(explanation.line.number) for explanation in explanations if not explanation.is_complete]
    if incomplete:
        message = (
            f"the events do not account for line {', '.join(incomplete)} of {invoice.id}; "
            "'tallybook verify' says what is wrong with the lake"
        )
        raise LakeError(message)
    rows = [row for explanation in explanations for row in event_rows(explanation)]
    files = state.workspace.files
    terms, cards = _terms(files, invoice.account_ids), _cards(files, invoice.account_ids)
    exchange = sorted({name for account_id in invoice.account_ids for name in _exchange_files(state, account_id)})
    corrections = corrections_of_usage(invoice, state)
    corrected_rows = corrected_event_rows(invoice, state)
    signed = _signed(state.workspace.root, recomputation.document)
    said = _readme_lines(
        invoice,
        recomputation.document,
        sorted(cards),
        has_shares=any(_has_shares(state, account_id) for account_id in invoice.account_ids),
        has_discount=any(_has_discount(state, account_id) for account_id in invoice.account_ids),
        exchange=exchange,
        corrections=corrections,
    )
    readme = "\n".join(said) + "\n"
    if signed:
        readme += _SIGNED_TEXT.format(number=invoice.number)
    return {
        "README.txt": readme.encode("utf-8"),
        "invoice.json": _json({**invoice_document(invoice), **_provenance(recomputation.document)}),
        "invoice.csv": invoices_csv([invoice]),
        "lines.csv": lines_csv([invoice]),
        "events.csv": events_csv(rows),
        **({"corrected-events.csv": events_csv(corrected_rows)} if not _are_all_anew(corrections) else {}),
        "counting.sql": _counting(state).encode("utf-8"),
        "terms.json": _json(terms),
        **{f"rate-card-{card_id}.json": _json(card) for card_id, card in cards.items()},
        **{file.replace("/", "-"): files[file] for file in exchange},
        **signed,
    }


def _refuse_forgotten(invoice: Invoice, state: AtIssue) -> None:
    """Raise ``LakeError`` where events that the invoice was made of are gone: a bundle holds all of them."""
    for part in invoice.parts:
        for month in sorted({part.month_of(line) for line in part.lines}):
            if said := state.built.kept.said_of(part.account_id, month):
                message = (
                    f"events behind {invoice.id} ({part.account_id}, {month}) were {said}, so no bundle can hold them; "
                    f"'tallybook recompute {invoice.id}' without --bundle decides it again by the counts that are kept"
                )
                raise LakeError(message)


def _signed(root: Path, document: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the signature that states the document, what it is of, and the document by the bytes that it states."""
    signature = signature_of(root, document["number"])
    if signature is None:
        return {}
    return {
        "registered.json": append_log.entry_path(layout.register(root), document["number"]).read_bytes(),
        "signature.txt": signature.text,
        "signature.bin": signature.ed25519,
    }


def _counting(state: AtIssue) -> str:
    """Return the SQL that counts events, as it is run: an auditor who reads it needs neither us nor our lists."""
    settings = state.workspace.settings
    return printed_for("usage_daily", {"timezone": settings.timezone, "unmeasured": settings.unmeasured.value})


def _provenance(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the register added: fields that no other invoice is in, but for digests."""
    return {name: value for name, value in document.items() if name not in {"previousSha256", "sealSha256"}}


def _terms(files: Mapping[str, bytes], account_ids: Sequence[str]) -> dict[str, Any]:
    settings = _toml(files, CONFIG_FILE)
    account, *children = (_account(files, account_id) for account_id in account_ids)
    return {
        "account": account,
        **({"children": children} if children else {}),
        "workspace": {name: settings[name] for name in _SETTINGS if name in settings},
    }


def _account(files: Mapping[str, bytes], account_id: str) -> dict[str, Any]:
    for account in _toml(files, ACCOUNTS_FILE).get("accounts", []):
        if account.get("id") == account_id:
            return {name: value for name, value in account.items() if name not in (*CUSTOMER_KEYS, COST_CARD_KEY)}
    message = f"account {account_id!r} is not in the configuration that its invoice was issued with"
    raise ConfigurationError(message)


def _cards(files: Mapping[str, bytes], account_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the accounts' cards, and those that they extend, by id."""
    pending = []
    for account in (_account(files, account_id) for account_id in account_ids):
        pending.append(account.get("rate_card", RATE_CARD_DEFAULT))
        pending += [terms["rate_card"] for terms in account.get("terms", []) if "rate_card" in terms]
    cards: dict[str, dict[str, Any]] = {}
    while pending:
        card_id = pending.pop()
        if card_id not in cards:
            cards[card_id] = _toml(files, f"{RATES_FOLDER}/{card_id}.toml")
            pending += [cards[card_id]["extends"]] if "extends" in cards[card_id] else []
    return dict(sorted(cards.items()))


def _toml(files: Mapping[str, bytes], name: str) -> dict[str, Any]:
    return tomllib.loads(files[name].decode("utf-8"), parse_float=Decimal) if name in files else {}


def _json(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, default=_text) + "\n").encode("utf-8")


def _text(value: object) -> str:
    """Write what TOML knows and JSON does not: exact decimals and instants, as strings."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    message = f"{value!r} has no place in a bundle"
    raise TypeError(message)


def _exchange_files(state: AtIssue, account_id: str) -> list[str]:
    """Return the files of the rates by which the account pays prices in other currencies."""
    account = state.workspace.accounts.by_id(account_id)
    exchange = account.exchange if account else None
    return sorted(table.file for table in exchange.tables.values()) if exchange else []


def _exchange_text(invoice: Invoice, exchange: list[str]) -> str:
    what = f"  exchange-*.csv    the rates of exchange by which your prices became {invoice.currency}, one a day\n"
    return what if exchange else ""


def _has_shares(state: AtIssue, account_id: str) -> bool:
    account = state.workspace.accounts.by_id(account_id)
    return account is not None and depends_on_the_period(account, state.workspace.rate_cards)


def _has_discount(state: AtIssue, account_id: str) -> bool:
    account = state.workspace.accounts.by_id(account_id)
    return account is not None and any(terms.discount_percent for terms in account.terms)


def _are_all_anew(corrections: Iterable[CorrectedUsage]) -> bool:
    """Say whether no correction has events; also where there is none."""
    return all(each.is_billed_anew for each in corrections)


def _corrected_text(invoice: Invoice, corrected: CorrectedUsage) -> str:
    """Say of a correction of usage what its month is worth, and what of that was invoiced before."""
    line, before = corrected.line, corrected.invoiced_before
    worth, invoiced = (
        f"{plain_amount(amount, invoice.currency)} {invoice.currency}"
        for amount in (exact_sum([before, line.amount]), before)
    )
    if corrected.is_billed_anew:
        return f"  line {line.number}: of {line.original_period}, {invoiced} taken back"
    return f"  line {line.number}: in {line.original_period} worth {worth}, {invoiced} invoiced before"


def _issued_on(invoice: Invoice, document: Mapping[str, Any]) -> str:
    """Write the day that the invoice prints, if it does, and the instant, which may be of another day in UTC."""
    instant = str(document["issued_at"])
    return f"{invoice.issue_date.isoformat()} ({instant})" if invoice.issue_date else instant


def _readme_lines(
    invoice: Invoice,
    document: Mapping[str, Any],
    card_ids: list[str],
    *,
    has_shares: bool,
    has_discount: bool,
    exchange: list[str],
    corrections: Sequence[CorrectedUsage],
) -> Iterator[str]:
    discounted = ", less the discount of your terms" if has_discount else ""
    yield (
        f"Invoice {invoice.id} of {invoice.account_name} ({invoice.account_id}), {invoice.period}: "
        f"{plain(invoice.total)} {invoice.currency}"
    )
    yield f"""
Everything that this invoice was computed from is in this folder. No program is needed to check it; a spreadsheet will \
do.

  invoice.json      the invoice as it was issued on {_issued_on(invoice, document)}
  invoice.csv       its head: period, currency, total
  lines.csv         its lines
  events.csv        the usage behind every line: one row for each response and line, with its tokens, rate and exact \
charge
  terms.json        your account's terms, and how amounts are rounded
  {f"rate-card-{card_ids[0]}.json" if len(card_ids) == 1 else "rate-card-*.json"}   the prices, per million tokens \
({", ".join(card_ids)})
{_exchange_text(invoice, exchange)}\
  counting.sql      how logged responses are counted: which copy of one counts, and on which meter its tokens are; \
only to be read
  SHA256SUMS        checksums of all of these: sha256sum -c SHA256SUMS

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
    if invoice.is_partial:
        yield f"""
This is a credit note: a part of {invoice.credits_invoice} taken back, for this reason: {invoice.credit_reason}
It has no events: they are those of that invoice, and stay as they are."""
    elif invoice.credits_invoice:
        yield f"""
This is a credit note: every line of {invoice.credits_invoice} taken back. Its events are those of that invoice, with \
quantities and charges below zero."""
    if invoice.children:
        yield """
This invoice is of several accounts: lines.csv says in usage_account_id which of them a line is of, and terms.json has \
the terms of each.
The lines of an account add up to its subtotal in invoice.json (accounts). Credits of the invoiced account pay for all \
of them, and tax is
on the sum of all."""
    if not _are_all_anew(corrections):
        yield """
Lines of kind correction settle earlier months. corrected-events.csv has, by the number of the line, all events of \
that month which count now,
also those that were invoiced before. Add their exact_charge for each rate, round each sum once, and add these: that \
is what they are worth
(less the tokens that your terms include). What earlier invoices have for them is taken off:"""
        yield from (_corrected_text(invoice, each) for each in corrections if not each.is_billed_anew)
    if anew := [_corrected_text(invoice, each) for each in corrections if each.is_billed_anew]:
        yield """
The invoice of these months was taken back, and they are billed anew as a whole, on this invoice or on their own. What \
was corrected of them
meanwhile is taken back, by lines of kind correction that have no events:"""
        yield from anew
    if exchange:
        price = f"the price on your rate card{discounted}," if discounted else "the price on your rate card"
        yield f"""
Your prices are in another currency than {invoice.currency}. rate_per_million in events.csv is {price} times the \
rate of exchange
that the description of the line names, with its day; exact_charge follows from it as ever."""
    if has_shares:
        yield """
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
