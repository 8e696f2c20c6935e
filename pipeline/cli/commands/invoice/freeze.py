"""What issuing, voiding and crediting have in common: the lock, the clock, a dry run, and the files afterwards."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import click

from pipeline import register
from pipeline.base.periods import instant_text
from pipeline.cli.context import EXIT_INTERRUPTED, is_terminal, tell, warn
from pipeline.cli.messages.lines import is_json
from pipeline.cli.output import put_documents
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.invoices.books import count_for, rehearsed_book, write_book
from pipeline.jobs.invoices.freezing import Freezing
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
_AHEAD_MAX = timedelta(days=1)
"""A midnight of another time zone is ahead by less."""

dry_run_option = click.option(
    "--dry-run", "is_dry", is_flag=True, help="Show exactly what would be frozen, and write nothing."
)


yes_option = click.option(
    "-y", "--yes", "is_sure", is_flag=True, help="Do not ask; without a terminal nobody is asked anyway."
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
        put_documents(chosen)


def freeze(
    invocation: Invocation,
    as_of: str | None,
    decide: Decide[Decided],
    *,
    command: str,
    is_dry: bool,
    in_words: Callable[[Decided], str] | None = None,
) -> Frozen[Decided]:
    """Count everything, decide, and write the files of invoices; a dry run writes nothing, and says so.

    With ``in_words``, which says what would be frozen (nothing: an empty text), a person at a terminal is asked before.
    Raises ``click.exceptions.Exit`` where the answer is no.
    """
    clock = invocation.now()
    workspace = open_workspace(invocation.workspace, now=clock, engine=invocation.engine)
    now = invocation.clock(as_of, workspace.settings.zone)
    workspace = replace(workspace, now=now)
    if now > clock + _AHEAD_MAX:
        warn(
            f"{instant_text(now)} is more than a day ahead of this machine's clock; numbers never run backwards in "
            "time, so that nothing can be issued before then afterwards"
        )
    if in_words is not None and not is_dry and is_terminal(sys.stdin):
        freezing = Freezing(now=now, rehearsal=register.Rehearsal())
        _ask(in_words(decide(workspace, count_for(workspace, freezing), freezing)))
    if is_dry:
        freezing = Freezing(now=now, rehearsal=register.Rehearsal())
        built = count_for(workspace, freezing)
        decided = decide(workspace, built, freezing)
        book, documents = rehearsed_book(workspace, built, freezing)
        same = "" if as_of else f" with --as-of {instant_text(now)}"
        tell(f"dry run, nothing is written; without --dry-run the same command freezes this{same}")
        return Frozen(decided=decided, book=book, documents=documents, now=now)
    with locked(workspace.lake, command=command, started_at=now):
        freezing = Freezing(now=now)
        built = count_for(workspace, freezing)
        decided = decide(workspace, built, freezing)
        book, documents = write_book(workspace, built, freezing)
    return Frozen(decided=decided, book=book, documents=documents, now=now)


def _ask(question: str) -> None:
    """Ask, and leave the command where the answer is no; an empty question is none."""
    if not question:
        return
    tell(question, event="question")
    prompt = "" if is_json() else "Go on?"
    if not click.confirm(prompt, prompt_suffix=": " if prompt else "", show_default=bool(prompt), err=True):
        tell("nothing was written")
        raise click.exceptions.Exit(EXIT_INTERRUPTED)
