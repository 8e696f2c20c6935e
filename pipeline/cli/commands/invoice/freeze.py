"""What issuing, voiding and crediting have in common: the lock, the clock, a dry run, and the files afterwards."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import click

from pipeline import register
from pipeline.base.periods import instant_text
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.invoices.freezing import Freezing, refuse_ahead
from pipeline.jobs.state.aggregate import aggregate, write_marts
from pipeline.jobs.state.drafts import invoice_book, write_invoices
from pipeline.objects.lock import locked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from pipeline.cli.context import Invocation
    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing import Invoice, InvoiceBook
    from pipeline.jobs.state.aggregate import Aggregate

    Decide = Callable[[Workspace, Aggregate, Freezing], "Decided"]

Decided = TypeVar("Decided")

as_of_option = click.option("--as-of", metavar="DATE|INSTANT", help="The clock of this run; default: now.")
ahead_option = click.option(
    "--ahead", "is_ahead", is_flag=True, help="Also as of a day after tomorrow, before which nothing is issued then."
)
dry_run_option = click.option(
    "--dry-run", "is_dry", is_flag=True, help="Show exactly what would be frozen, and write nothing."
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="The documents as the register holds them, instead of the table."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen(Generic[Decided]):
    """What a run froze, or would have frozen."""

    decided: Decided
    book: InvoiceBook
    """As of afterwards."""
    documents: list[dict[str, Any]]
    """The whole register, as of afterwards."""
    now: datetime

    def print_documents(self, invoices: Iterable[Invoice]) -> None:
        """Print the documents of invoices as one JSON list."""
        ids = {invoice.id for invoice in invoices}
        chosen = [document for document in self.documents if document["invoice_id"] in ids]
        click.echo(json.dumps(chosen, ensure_ascii=False, sort_keys=True, indent=1))


def freeze(
    invocation: Invocation, as_of: str | None, decide: Decide[Decided], *, command: str, is_dry: bool, is_ahead: bool
) -> Frozen[Decided]:
    """Count everything, decide, and write the files of invoices; a dry run writes nothing, and says so."""
    clock = invocation.now()
    workspace = open_workspace(invocation.workspace, now=clock)
    now = invocation.clock(as_of, workspace.settings.zone)
    workspace = replace(workspace, now=now)

    def counted() -> Aggregate:
        built = aggregate(workspace)
        if not is_ahead:
            refuse_ahead(built, now, clock=clock)
        return built

    if is_dry:
        rehearsal = register.Rehearsal()
        built = counted()
        freezing = Freezing(now=now, rehearsal=rehearsal)
        decided = decide(workspace, built, freezing)
        documents = [*register.read(workspace.root), *rehearsal.documents]
        book = invoice_book(workspace, built, documents=documents, known=freezing.known)
        same = "" if as_of else f" with --as-of {instant_text(now)}"
        click.echo(f"dry run, nothing is written; without --dry-run the same command freezes this{same}", err=True)
        return Frozen(decided=decided, book=book, documents=documents, now=now)
    with locked(workspace.lake, command=command, started_at=now):
        built = counted()
        freezing = Freezing(now=now)
        decided = decide(workspace, built, freezing)
        documents = list(register.read(workspace.root))
        book = invoice_book(workspace, built, documents=documents, known=freezing.known)
        write_marts(workspace, built)
        write_invoices(workspace, book)
    return Frozen(decided=decided, book=book, documents=documents, now=now)
