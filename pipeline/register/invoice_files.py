"""The files of invoices under ``invoices/2026-10`` (``2026-Q4``, ``2026``), and of each in a folder of its own within.

``invoices/2026-10/INV-000001/INV-000001.json`` is its document; whatever it is rendered as lies beside it under the
same name. Files are written whole or not at all, rewritten only when their bytes change.

Does not own their content (``pipeline.documents``) nor the issued invoices themselves (``register``), from which they
can always be written again.
"""

from __future__ import annotations

import csv
import glob
import io
import os
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError
from pipeline.base.periods import BillingPeriod
from pipeline.objects import disk, layout
from pipeline.objects.verified import bytes_of, names_in

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

INVOICES_FILE = "invoices.csv"
LINES_FILE = "lines.csv"
PERIOD_FILES = (INVOICES_FILE, LINES_FILE)
_DRAFT = "draft-"


def period_folder(workspace: Path, period: BillingPeriod) -> Path:
    """Return the folder of a period's invoices."""
    return workspace / "invoices" / str(period)


def written_periods(workspace: Path) -> list[BillingPeriod]:
    """Return the periods that have a folder, in order; folders with other names are left alone."""
    found = []
    for name in names_in(layout.invoices(workspace)):
        try:
            period = BillingPeriod.parse(name)
        except ConfigurationError:
            continue  # not a period's folder, and so not ours
        if str(period) == name:  # months that are a quarter are in the folder of the quarter
            found.append(period)
    return sorted(found)


def read_period_file(workspace: Path, period: BillingPeriod, name: str) -> bytes | None:
    """Return the bytes of a period's file, or None where it was never written."""
    path = period_folder(workspace, period) / name
    return path.read_bytes() if path.is_file() else None


def written_invoices(workspace: Path, *, besides: Collection[str] = ()) -> dict[str, Path]:
    """Return the ids of invoices and credit notes that files say were issued, each with the file or folder that does.

    ``besides`` are ids that nobody asks for. Drafts are not among them. A file that cannot be read as CSV says nothing
    here.
    """
    found: dict[str, Path] = {}
    invoices = layout.invoices(workspace)
    for folder in (
        invoices / name for name in names_in(invoices) if name[0].isdecimal() and (invoices / name).is_dir()
    ):
        rows = folder / INVOICES_FILE
        found |= dict.fromkeys(_issued_rows(rows).difference(besides), rows)
        names = _subfolders(folder).difference(besides)
        found |= {name: folder / name for name in sorted(names) if not name.startswith(_DRAFT)}
    return found


def invoice_folder(workspace: Path, period: BillingPeriod, invoice_id: str) -> Path:
    """Return the folder of one invoice, where all that it is rendered as lies."""
    return period_folder(workspace, period) / invoice_id


def invoice_file_names(invoice_id: str) -> tuple[str, str]:
    """Return the names, within the period's folder, of an invoice's document and of its lines."""
    return f"{invoice_id}/{invoice_id}.json", f"{invoice_id}/{LINES_FILE}"


def write_period_files(
    workspace: Path, period: BillingPeriod, files: Mapping[str, bytes], *, standing: Collection[str] = frozenset()
) -> None:
    """Make the period's files exactly ``files``, named as ``PERIOD_FILES`` and ``invoice_file_names`` do.

    ``standing`` are names of more that are known to be what they should be. ``PERIOD_FILES`` that are neither are
    removed, and so are drafts that are not. Where a document changes,
    what it was rendered as before is removed.
    """
    folder = period_folder(workspace, period)
    if files:
        disk.make_folders(workspace, folder)
    present = {*files, *standing}
    disk.sweep_temporaries(folder)
    for name, content in files.items():
        if bytes_of(f"{folder}/{name}") != content:
            _replace(folder / name, content, workspace, is_of_period=name in PERIOD_FILES)
    disk.remove_files(folder, [name for name in PERIOD_FILES if name not in present and (folder / name).is_file()])
    drafts = {name.partition("/")[0] for name in present}
    for name in sorted(_subfolders(folder) - drafts):
        if name.startswith(_DRAFT):
            gone = folder / name
            disk.remove_files(gone, [LINES_FILE, *_rendered(gone)])
            disk.sweep_temporaries(gone)
            disk.remove_empty_folder(gone)


def _subfolders(folder: Path) -> set[str]:
    """Return the names of the folders in a folder; none of one that is not there."""
    if not folder.is_dir():
        return set()
    with os.scandir(folder) as entries:
        return {entry.name for entry in entries if entry.is_dir()}


def write_document(path: Path, content: bytes, *, workspace: Path | None = None) -> None:
    """Write a document whole or not at all, with the folders that it needs; nothing where it says the same already.

    ``workspace``: of an invoice whose folder it lies in.
    """
    within = path.parent
    while not within.exists():
        within = within.parent
    disk.make_folders(within, path.parent)
    if not path.is_file() or path.read_bytes() != content:
        beside = None if workspace is None else layout.invoices(workspace)
        disk.replace_durably(path, content, beside=beside, is_locked=False)


def _issued_rows(path: Path) -> set[str]:
    try:
        rows = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline="")))
    except (FileNotFoundError, IsADirectoryError, UnicodeDecodeError, csv.Error):
        return set()
    header = rows[0] if rows else []
    if not {"invoice_id", "status"} <= set(header):
        return set()
    invoice_id, status = header.index("invoice_id"), header.index("status")
    whole = [row for row in rows[1:] if len(row) == len(header)]
    return {row[invoice_id] for row in whole if row[status] and row[status] != "draft"}


def _replace(path: Path, content: bytes, workspace: Path, *, is_of_period: bool) -> None:
    """Write a file; that of one invoice without waiting for the disk, since there are many and all can be derived.

    Until it is whole it lies beside the folders of periods: what a run leaves that dies is found by listing one folder,
    not one a period, nor one an invoice.
    """
    if is_of_period:
        disk.replace_durably(path, content, beside=layout.invoices(workspace))
        return
    if not path.parent.is_dir():
        disk.make_derived_folder(path.parent)
    elif path.suffix == ".json":  # which is itself replaced, so that there is one at any time
        disk.remove_files(path.parent, [name for name in _rendered(path.parent) if name != path.name])
        disk.sweep_temporaries(path.parent)
    disk.rename(disk.write_temporary(layout.invoices(workspace), content, is_synced=False), path)


def _rendered(folder: Path) -> list[str]:
    """Return the names of an invoice's document and of all that it was rendered as."""
    return [path.name for path in folder.glob(f"{glob.escape(folder.name)}.*") if path.is_file()]
