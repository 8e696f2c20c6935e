"""What a customer needs to recompute an invoice alone.

Their events, their card, their terms, the invoice, and how it is done on one page (``bundle_readme``).

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
from pipeline.base.money import plain
from pipeline.configuration.accounts.accounts_file import ACCOUNTS_FILE, COST_CARD_KEY, CUSTOMER_KEYS, RATE_CARD_DEFAULT
from pipeline.configuration.rate_cards import RATES_FOLDER
from pipeline.configuration.settings import CONFIG_FILE
from pipeline.documents.event_csv import events_csv
from pipeline.documents.invoice_csv import invoices_csv, lines_csv
from pipeline.invoicing import invoice_document, invoice_from_document
from pipeline.jobs.proofs.bundle_readme import Bundled, readme_text
from pipeline.jobs.proofs.corrected_events import corrected_event_rows, corrections_of_usage
from pipeline.jobs.proofs.signing import signature_of
from pipeline.jobs.state.lines.event_charges import depends_on_the_period
from pipeline.jobs.state.lines.traced_lines import event_rows, explain_lines
from pipeline.objects import append_log, layout
from pipeline.objects.bundle_files import write_bundle
from pipeline.warehouse.printed import printed_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline.invoicing import Invoice
    from pipeline.jobs.proofs.recompute import Recomputation
    from pipeline.jobs.state.at_issue import AtIssue

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
    corrected_rows = corrected_event_rows(invoice, state)
    signed = _signed(state.workspace.root, recomputation.document)
    bundled = Bundled(
        invoice=invoice,
        issued_at=recomputation.document["issued_at"],
        card_ids=sorted(cards),
        corrections=corrections_of_usage(invoice, state),
        has_shares=any(_has_shares(state, account_id) for account_id in invoice.account_ids),
        has_discount=any(_has_discount(state, account_id) for account_id in invoice.account_ids),
        has_exchange=bool(exchange),
        is_signed=bool(signed),
    )
    return {
        "README.txt": readme_text(bundled).encode("utf-8"),
        "invoice.json": _json({**invoice_document(invoice), **_provenance(recomputation.document)}),
        "invoice.csv": invoices_csv([invoice]),
        "lines.csv": lines_csv([invoice]),
        "events.csv": events_csv(rows),
        **({"corrected-events.csv": events_csv(corrected_rows)} if bundled.has_corrected_events else {}),
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


def _has_shares(state: AtIssue, account_id: str) -> bool:
    account = state.workspace.accounts.by_id(account_id)
    return account is not None and depends_on_the_period(account, state.workspace.rate_cards)


def _has_discount(state: AtIssue, account_id: str) -> bool:
    account = state.workspace.accounts.by_id(account_id)
    return account is not None and any(terms.discount_percent for terms in account.terms)
