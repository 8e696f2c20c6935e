"""The files of invoices under ``invoices/YYYY-MM``.

Written whole or not at all, rewritten only when their bytes change.

Does not own their content (``pipeline.documents``) nor the issued invoices themselves (``register``), from which they
can always be written again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError
from pipeline.base.periods import BillingPeriod
from pipeline.objects import disk

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PERIOD_FILES = ("invoices.csv", "lines.csv")
_DOCUMENT_MODE = 0o640
"""A document names a customer: it is for its owner and their group, and for nobody else."""


def period_folder(workspace: Path, period: BillingPeriod) -> Path:
    """Return the folder of a period's invoices."""
    return workspace / "invoices" / str(period)


def written_periods(workspace: Path) -> list[BillingPeriod]:
    """Return the periods that have a folder, in order; folders with other names are left alone."""
    found = []
    for folder in (workspace / "invoices").glob("????-??"):
        try:
            found.append(BillingPeriod.parse(folder.name))
        except ConfigurationError:
            continue  # not a period's folder, and so not ours
    return sorted(found)


def read_period_file(workspace: Path, period: BillingPeriod, name: str) -> bytes | None:
    """Return the bytes of a period's file, or None where it was never written."""
    path = period_folder(workspace, period) / name
    return path.read_bytes() if path.is_file() else None


def write_period_files(workspace: Path, period: BillingPeriod, files: Mapping[str, bytes]) -> None:
    """Make the period's files exactly ``files``: ``PERIOD_FILES`` that are not among them are removed."""
    folder = period_folder(workspace, period)
    if files:
        disk.make_folders(workspace, folder)
    for name, content in files.items():
        if read_period_file(workspace, period, name) != content:
            disk.replace_durably(folder / name, content)
    disk.remove_files(folder, [name for name in PERIOD_FILES if name not in files and (folder / name).is_file()])


def document_folder(workspace: Path, period: BillingPeriod, invoice_id: str) -> Path:
    """Return the folder of one invoice's documents, beside the files of its period."""
    return period_folder(workspace, period) / invoice_id


def write_document(path: Path, content: bytes) -> None:
    """Write a document whole or not at all, with the folders that it needs; nothing where it says the same already."""
    within = path.parent
    while not within.exists():
        within = within.parent
    disk.make_folders(within, path.parent)
    if not path.is_file() or path.read_bytes() != content:
        disk.replace_durably(path, content, mode=_DOCUMENT_MODE)
