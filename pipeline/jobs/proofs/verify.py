"""Every identity that must always hold, checked from the logs' records to the printed cent.

Owns the order of the claims (ARCHITECTURE: "What must always hold") and that a damaged lake is an answer, not an
accident. Does not own the claims: ``lake_checks``, ``log_checks``, ``document_checks``, ``invoice_checks``,
``file_checks``, ``payment_checks``, ``alias_checks``, ``store_checks``, ``signing`` and ``sql/checks/blocking`` do.
Reads everything again and writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline import register
from pipeline.base.errors import DataFileDamaged, HistoryLost, LogEntryRefused
from pipeline.jobs.check import Check
from pipeline.jobs.proofs.claims.alias_checks import alias_checks
from pipeline.jobs.proofs.claims.document_checks import document_checks
from pipeline.jobs.proofs.claims.file_checks import file_checks
from pipeline.jobs.proofs.claims.invoice_checks import invoice_checks
from pipeline.jobs.proofs.claims.lake_checks import lake_checks
from pipeline.jobs.proofs.claims.log_checks import log_check
from pipeline.jobs.proofs.claims.payment_checks import payment_checks
from pipeline.jobs.proofs.claims.store_checks import store_checks
from pipeline.jobs.proofs.signing import signature_check
from pipeline.jobs.state.aggregate import aggregate
from pipeline.jobs.state.counts import counts_of
from pipeline.jobs.state.drafts import invoice_book
from pipeline.jobs.state.history import history_checks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.configuration.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The claims that were checked, and the counts they are about."""

    counts: dict[str, int]
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether every claim holds."""
        return all(check.ok for check in self.checks)


def verify(workspace: Workspace, *, with_logs: bool = False, keys: Sequence[Path] = ()) -> Verification:
    """Check everything; ``with_logs``, also that the logs which are still there are what was collected.

    With public ``keys``, also that what was signed is there, and signed by one of them.

    A damaged lake is a check that failed, not an exception; configuration errors are raised, and ``DigestUnavailable``
    where nobody here can hash a log as it was hashed.
    """
    signed = [signature_check(workspace, keys)] if keys else []
    try:
        built = aggregate(workspace)
        counts = counts_of(built)
        checks = list(lake_checks(workspace, built, counts))
        checks += alias_checks(workspace.root, known_check=built.snapshot.key_secret_check)
        checks += store_checks(workspace, built.snapshot)
        checks += [log_check(workspace, built.snapshot.sources)] if with_logs else []
    except (DataFileDamaged, LogEntryRefused) as damage:
        damaged = Check(name="lake_is_undamaged", ok=False, detail=str(damage))
        return Verification(counts={}, checks=(damaged, *signed))
    try:
        documents = register.read(workspace.root)
        book = invoice_book(workspace, built, documents=documents)
        checks += history_checks(workspace, built.snapshot, documents, book.late)
        checks += document_checks(workspace, documents)
        checks += invoice_checks(workspace, built, book)
        checks += file_checks(workspace, built, book)
        checks += payment_checks(workspace, book)
    except (HistoryLost, LogEntryRefused) as refused:
        checks.append(Check(name="issued_invoices_are_unchanged", ok=False, detail=str(refused)))
    return Verification(counts=counts, checks=(*checks, *signed))
