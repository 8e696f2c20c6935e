"""The heads of all invoices and drafts as of now: as the last night kept them, where that is of now, else made anew.

Whoever freezes, sends or proves an invoice does not ask here. Owns when what is kept is believed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.jobs.state.aggregate import aggregate
from pipeline.jobs.state.drafted.brief import BookInBrief
from pipeline.jobs.state.drafted.heads import BookOfHeads
from pipeline.jobs.state.drafted.issued import read_issued
from pipeline.jobs.state.drafted.kept import read_kept
from pipeline.jobs.state.drafts import invoice_book
from pipeline.jobs.state.held import in_force
from pipeline.lake.commits import read_log

if TYPE_CHECKING:
    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.state.aggregate import Aggregate


def heads_now(workspace: Workspace, built: Aggregate | None = None) -> BookOfHeads:
    """Return the heads of issued invoices and of the drafts as of the workspace's now. Writes nothing.

    ``built`` is what was counted already, if anything was. Raises what counting and drafting raise, where they are made
    anew.
    """
    kept = kept_now(workspace)
    if kept is not None:
        return kept.heads()
    book = invoice_book(workspace, aggregate(workspace, is_checked=False) if built is None else built)
    return BookOfHeads.of_book(book, workspace.accounts)


def kept_now(workspace: Workspace) -> BookInBrief | None:
    """Return the book in brief as it was kept; None where it is not of now, or not whole.

    It is of now where it was made from the same commit, configuration, program and register, and no month began since.
    """
    kept = read_kept(workspace.lake)
    if kept.made_from is None:
        return None
    snapshot, _ = in_force(workspace, read_log(workspace.lake))
    issued = read_issued(workspace.root, workspace.lake)
    if not kept.made_from.are_those_of(workspace, snapshot, issued):
        return None
    return BookInBrief.of(kept.families.values())
