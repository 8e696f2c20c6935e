"""An issued invoice as it was decided.

Its document, the configuration it names, and the lake as of the commit it names.

Owns going back to that state. Does not own what is done with it (``recompute``, ``explain``, ``focus``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pipeline import register
from pipeline.base.errors import InvoiceNotFound
from pipeline.base.periods import parse_instant
from pipeline.configuration.workspace import open_workspace
from pipeline.invoicing.rules import Rules
from pipeline.jobs.state.aggregate import aggregate
from pipeline.objects.temporary.scratch import scratch_folder
from pipeline.register import configurations
from pipeline.warehouse.reference import reference_tables

if TYPE_CHECKING:
    import pyarrow as pa

    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.state.aggregate import Aggregate


@dataclass(frozen=True, slots=True, kw_only=True)
class AtIssue:
    """What an invoice was decided from."""

    workspace: Workspace
    """With the configuration of then; its lake and register are those of now."""
    built: Aggregate
    """Of the commit of then."""


def issued_document(workspace: Workspace, invoice_id: str) -> dict[str, Any]:
    """Return the frozen document of an issued invoice. Raises ``InvoiceNotFound``."""
    for document in register.read(workspace.root):
        if document.get("invoice_id") == invoice_id:
            return document
    message = f"no invoice {invoice_id!r} was issued; 'tallybook invoice list' shows what there is"
    raise InvoiceNotFound(message)


def usage_document(workspace: Workspace, document: dict[str, Any]) -> dict[str, Any]:
    """Return the document whose commit and configuration tell the usage of a document.

    Its own, or that of the invoice which a credit note takes back.
    """
    return issued_document(workspace, document["credits_invoice"]) if document["status"] == "credit_note" else document


def state_at_issue(workspace: Workspace, document: dict[str, Any], *, is_checked: bool = True) -> AtIssue:
    """Go back to what an issued document was decided from. Writes nothing.

    Whoever only shows it may leave the checks of its counts unasked.

    Raises ``ConfigurationError`` where the configuration it names was not kept and is not the present one either,
    ``LogEntryRefused`` where the lake has no such commit.
    """
    then = replace(
        configuration_at_issue(workspace, document["configuration_sha256"]),
        now=parse_instant(document["issued_at"]),
        rules=Rules.of(document.get("rules")),
    )
    return AtIssue(workspace=then, built=aggregate(then, until=document["commit"], is_checked=is_checked))


def configuration_at_issue(workspace: Workspace, sha256: str) -> Workspace:
    """Return the workspace with the configuration of a digest. Raises ``ConfigurationError`` where it is nowhere."""
    if workspace.digest == sha256:
        return workspace
    files = configurations.kept(workspace.root, sha256)
    with scratch_folder() as folder:
        configurations.unpack(files, folder)
        then = open_workspace(folder, has_raw_keys=True, is_mounted=False)
        return replace(then, root=workspace.root, engine=workspace.engine)


def present_state(workspace: Workspace) -> AtIssue:
    """Return the state that drafts are decided from: the configuration and the commit of now."""
    return AtIssue(workspace=workspace, built=aggregate(workspace, is_checked=False))


def reference_of(state: AtIssue) -> dict[str, pa.Table]:
    """Return what SQL must know besides the events, as of a configuration and the days of a commit."""
    return reference_tables(
        state.workspace.accounts,
        state.workspace.rate_cards,
        timezone=state.workspace.settings.timezone,
        utc_dates={file.date for file in state.built.snapshot.data_files},
    )
