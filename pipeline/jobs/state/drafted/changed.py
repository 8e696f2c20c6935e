"""The drafts of a night: those of families of which something changed are made, the others stand as they were made.

A family stands where an earlier night kept it under the digest of all that its drafts are made from, and where its
files are, byte for byte, what was written then. All others are made together, as ``invoice_book`` makes them, and their
files are written. So after every night the files are those of a whole book, whatever was kept.

Owns which drafts are made, and the files of periods that were put together of kept ones and new ones.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline import register
from pipeline.base.errors import DataFileDamaged
from pipeline.documents.invoice_csv import (
    BYTE_ORDER_MARK,
    file_order,
    invoice_rows,
    invoices_csv_of,
    lines_csv_by_invoice,
    lines_csv_of,
)
from pipeline.documents.invoice_jsonl import document_bytes
from pipeline.invoicing import InvoiceBook
from pipeline.jobs.state.drafted.brief import BookInBrief, in_brief
from pipeline.jobs.state.drafted.families import families_of
from pipeline.jobs.state.drafted.inputs import inputs_of_book
from pipeline.jobs.state.drafted.kept import KeptDrafts, PeriodFiles, keep, read_kept
from pipeline.jobs.state.drafts import invoice_book
from pipeline.objects.verified import bytes_of, has_sha256
from pipeline.register.invoice_files import (
    INVOICES_FILE,
    LINES_FILE,
    invoice_file_names,
    period_folder,
    write_period_files,
    written_periods,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.accounts import Accounts
    from pipeline.base.periods import BillingPeriod
    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing import Invoice
    from pipeline.jobs.state.aggregate import Aggregate
    from pipeline.jobs.state.drafted.brief import FamilyInBrief, InvoiceInBrief
    from pipeline.jobs.state.drafted.families import Family
    from pipeline.jobs.state.drafted.inputs import BookInputs
    from pipeline.jobs.state.drafted.issued import IssuedEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """All invoices of now, of which some were made in this run."""

    workspace: Workspace
    families: tuple[FamilyInBrief, ...]
    files: dict[str, tuple[bytes, bytes]] = field(repr=False)
    """Document and lines of each invoice that was made, by its id."""
    kept: KeptDrafts = field(repr=False)
    book: BookInBrief
    made_from: BookInputs

    def write(self) -> None:
        """Write the files of all periods, those alone that are not there as they should be, and keep what was made.

        Only for the holder of the workspace's lock. Nothing is kept before it is written.
        """
        by_period: dict[BillingPeriod, list[InvoiceInBrief]] = {}
        for invoice in self.book.invoices:
            by_period.setdefault(invoice.period, []).append(invoice)
        written = {
            period: self._write_period(period, sorted(by_period[period], key=file_order))
            for period in sorted(by_period)
        }
        for period in written_periods(self.workspace.root):
            if period not in by_period:
                write_period_files(self.workspace.root, period, {})
        is_known = written == self.kept.periods and self.made_from == self.kept.made_from
        if not is_known or {each.digest for each in self.families} != self.kept.families.keys():
            keep(self.workspace.lake, self.families, written, self.made_from)

    def _write_period(self, period: BillingPeriod, invoices: Sequence[InvoiceInBrief]) -> PeriodFiles:
        root = self.workspace.root
        folder = str(period_folder(root, period))
        made_of = _digest_of_files(invoices)
        known = self.kept.periods.get(period)
        new: dict[str, bytes] = {}
        if known is None or known.made_of != made_of or not _are_whole(folder, known):
            contents = self._period_files(folder, invoices)
            new |= contents
            known = PeriodFiles(
                made_of=made_of,
                invoices_sha256=_sha256(contents[INVOICES_FILE]),
                lines_sha256=_sha256(contents[LINES_FILE]),
            )
        standing = {INVOICES_FILE, LINES_FILE} - new.keys()
        for invoice in invoices:
            names = invoice_file_names(invoice.id)
            if invoice.id in self.files:
                new |= zip(names, self.files[invoice.id], strict=True)
            else:
                standing.update(names)
        write_period_files(root, period, new, standing=standing)
        return known

    def _period_files(self, folder: str, invoices: Sequence[InvoiceInBrief]) -> dict[str, bytes]:
        mark = BYTE_ORDER_MARK if self.workspace.settings.csv_bom else b""
        lines = (self._lines_of(folder, invoice).removeprefix(mark) for invoice in invoices)
        return {
            INVOICES_FILE: mark + invoices_csv_of(invoice.row for invoice in invoices),
            LINES_FILE: mark + lines_csv_of(lines),
        }

    def _lines_of(self, folder: str, invoice: InvoiceInBrief) -> bytes:
        if invoice.id in self.files:
            return self.files[invoice.id][1]
        path = f"{folder}/{invoice_file_names(invoice.id)[1]}"
        content = bytes_of(path)
        if content is None or _sha256(content) != invoice.lines_sha256:
            message = f"{path} changed while it was in use; run the command again: it is written anew"
            raise DataFileDamaged(message)
        return content


def draft_what_changed(workspace: Workspace, built: Aggregate, issued: Sequence[IssuedEntry]) -> Drafted:
    """Return all invoices, and make the drafts of families of which something changed. Writes nothing.

    Raises what ``invoice_book`` raises; what is refused is refused again every night, since nothing of it is kept.
    """
    families, kept = families_of(workspace, built, issued), read_kept(workspace.lake)
    standing: list[FamilyInBrief] = []
    changed: list[Family] = []
    is_whole = _Files(workspace.root)
    for family in families.families:
        known = kept.families.get(family.digest)
        if known is not None and all(map(is_whole, known.invoices)):
            standing.append(known)
        else:
            changed.append(family)
    numbers = sorted(number for family in changed for number in family.numbers)
    documents = [register.read_one(workspace.root, number, sha256=issued[number - 1].sha256) for number in numbers]
    some = families.some(changed)
    made = (
        invoice_book(workspace, built, documents=documents, some=some) if changed else InvoiceBook(issued=(), drafts=())
    )
    made_from = inputs_of_book(workspace, built, issued)
    return _drafted(workspace, made, some.accounts, changed, standing=standing, kept=kept, made_from=made_from)


def drafted_whole(workspace: Workspace, built: Aggregate, issued: Sequence[IssuedEntry], book: InvoiceBook) -> Drafted:
    """Return a whole book that was made already, of which nothing stands as it was kept. Writes nothing."""
    families = families_of(workspace, built, issued)
    made_from = inputs_of_book(workspace, built, issued)
    return _drafted(
        workspace,
        book,
        workspace.accounts,
        families.families,
        standing=(),
        kept=KeptDrafts(),
        made_from=made_from,
    )


def _drafted(
    workspace: Workspace,
    made: InvoiceBook,
    accounts: Accounts,
    families: Sequence[Family],
    *,
    standing: Sequence[FamilyInBrief],
    kept: KeptDrafts,
    made_from: BookInputs,
) -> Drafted:
    """Put together what stands, and what was made of ``families``."""
    invoices = made.of()
    files = _files_of(invoices, mark=BYTE_ORDER_MARK if workspace.settings.csv_bom else b"")
    sha256s = {invoice_id: (_sha256(document), _sha256(lines)) for invoice_id, (document, lines) in files.items()}
    new = in_brief(made, accounts, families, rows=_rows_of(invoices), sha256s=sha256s)
    return Drafted(
        workspace=workspace,
        families=(*standing, *new),
        files=files,
        kept=kept,
        book=BookInBrief.of([*standing, *new]),
        made_from=made_from,
    )


def _files_of(invoices: Sequence[Invoice], *, mark: bytes) -> dict[str, tuple[bytes, bytes]]:
    _, lines = lines_csv_by_invoice(invoices)
    return {invoice.id: (document_bytes(invoice), mark + lines[invoice.id]) for invoice in invoices}


def _rows_of(invoices: Sequence[Invoice]) -> dict[str, str]:
    by_period: dict[BillingPeriod, list[Invoice]] = {}
    for invoice in invoices:
        by_period.setdefault(invoice.period, []).append(invoice)
    return {invoice.id: row for mine in by_period.values() for invoice, row in invoice_rows(mine)}


@dataclass(slots=True)
class _Files:
    """Which files of invoices are what was written; there are many, in few folders."""

    root: Path
    folders: dict[BillingPeriod, str] = field(default_factory=dict)

    def __call__(self, invoice: InvoiceInBrief) -> bool:
        """Say whether both files of an invoice are."""
        folder = self.folders.get(invoice.period)
        if folder is None:
            folder = self.folders[invoice.period] = str(period_folder(self.root, invoice.period))
        document, lines = invoice_file_names(invoice.id)
        return has_sha256(f"{folder}/{document}", invoice.document_sha256) and has_sha256(
            f"{folder}/{lines}", invoice.lines_sha256
        )


def _are_whole(folder: str, files: PeriodFiles) -> bool:
    return has_sha256(f"{folder}/{INVOICES_FILE}", files.invoices_sha256) and has_sha256(
        f"{folder}/{LINES_FILE}", files.lines_sha256
    )


def _digest_of_files(invoices: Sequence[InvoiceInBrief]) -> str:
    """Return the sha256 (hex) of all that the files of a period are put together from; they are in their order."""
    texts = (f"{invoice.lines_sha256}{len(invoice.row)}:{invoice.row}" for invoice in invoices)
    return _sha256("".join(texts).encode())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
