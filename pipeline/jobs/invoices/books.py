"""The book before anything is frozen, from all events; and the files of all invoices, as they follow from the register.

Whoever freezes believes nothing that nights kept (``pipeline.jobs.state``), and refuses a lake or a register that lacks
what other files name. What is written is kept for the nights that follow, which make nothing of it again.

Owns that order. Does not own what is decided in between (``issue``, ``void``, ``credit``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.jobs.state.aggregate import aggregate, write_marts
from pipeline.jobs.state.drafted.changed import drafted_whole
from pipeline.jobs.state.drafted.issued import issued_entries, keep_issued
from pipeline.jobs.state.drafts import invoice_book
from pipeline.jobs.state.history import refuse_lost_history

if TYPE_CHECKING:
    from typing import Any

    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing import InvoiceBook
    from pipeline.jobs.invoices.freezing import Freezing
    from pipeline.jobs.state.aggregate import Aggregate


def count_for(workspace: Workspace, freezing: Freezing) -> Aggregate:
    """Count everything. Raises ``HistoryLost`` where lake or register lack what other files name."""
    history = refuse_lost_history(workspace, documents=freezing.documents(workspace))
    built = aggregate(workspace, snapshot=history.snapshot)
    if history.of_another_lake:
        documents = freezing.documents(workspace)
        history.refuse_credits(invoice_book(workspace, built, documents=documents, known=freezing.known).late)
    return built


def rehearsed_book(
    workspace: Workspace, built: Aggregate, freezing: Freezing
) -> tuple[InvoiceBook, list[dict[str, Any]]]:
    """Return the book as it would be if what was rehearsed were frozen, with the whole register. Writes nothing."""
    rehearsed = [] if freezing.rehearsal is None else freezing.rehearsal.documents
    documents = [*freezing.documents(workspace), *rehearsed]
    return invoice_book(workspace, built, documents=documents, known=freezing.known), documents


def write_book(workspace: Workspace, built: Aggregate, freezing: Freezing) -> tuple[InvoiceBook, list[dict[str, Any]]]:
    """Write marts and the files of all invoices, and return the book with the whole register, both as of now.

    For the holder of the workspace's lock.
    """
    readings = freezing.readings.read(workspace.root)
    documents = [document for _, document in readings]
    book = invoice_book(workspace, built, documents=documents, known=freezing.known)
    write_marts(workspace, built)
    entries = issued_entries(readings)
    drafted_whole(workspace, built, entries, book).write()
    keep_issued(workspace.lake, entries)
    return book, documents


def draft_all(workspace: Workspace, freezing: Freezing) -> tuple[Aggregate, InvoiceBook]:
    """Count everything, and write marts and drafts as they follow from it. For the holder of the workspace's lock.

    Raises ``HistoryLost`` as ``count_for`` does.
    """
    built = count_for(workspace, freezing)
    book, _ = write_book(workspace, built, freezing)
    return built, book
