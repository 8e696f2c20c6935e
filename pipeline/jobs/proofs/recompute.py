"""An issued invoice or credit note, decided once more from what it names.

Compared with what was frozen, byte for byte.

The invoice is issued again in a scratch register that holds the invoices before it: the same rules, the same chain, and
so the same bytes, or something is not as it was. A credit note is voiding, done again in the same way, after the
invoice that it takes back was itself issued again. Nothing in the workspace is written.

Does not own going back in time (``pipeline.jobs.state.at_issue``) nor the rules of issuing
(``pipeline.jobs.invoices``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pipeline.base.errors import CreditRefused, InvoiceNotFound, IssueBlocked
from pipeline.base.periods import BillingPeriod, parse_instant
from pipeline.invoicing.document import accounts_of
from pipeline.jobs.invoices.credit import credit, reduction_of_document
from pipeline.jobs.invoices.freezing import Freezing
from pipeline.jobs.invoices.issue import issue
from pipeline.jobs.invoices.void import void
from pipeline.jobs.state.at_issue import issued_document, state_at_issue, usage_document
from pipeline.objects import append_log, disk, layout
from pipeline.objects.temporary.scratch import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.state.at_issue import AtIssue

_NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A field of the document that is not what it was."""

    field: str
    """Its path: ``lines[2].amount``."""
    frozen: str
    recomputed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recomputation:
    """An issued invoice or credit note beside its recomputation."""

    invoice_id: str
    document: dict[str, Any]
    """As it was frozen."""
    at_issue: AtIssue
    """What its usage was counted from; of a credit note, that of the invoice it takes back."""
    differences: tuple[Difference, ...]
    """Empty where the recomputation is the frozen document, byte for byte."""

    @property
    def forgotten(self) -> list[str]:
        """Say by which forgettings events of its accounts are gone, whose counts took their place."""
        accounts = accounts_of(self.document)
        return [
            each.text
            for each in self.at_issue.built.kept.forgettings
            if any(account_id in accounts for account_id, _ in each.months)
        ]


def recompute(workspace: Workspace, invoice_id: str) -> Recomputation:
    """Decide an issued invoice or credit note again from the commit and the configuration that its document names.

    Writes nothing in the workspace.

    Raises ``InvoiceNotFound``, ``ConfigurationError`` where its configuration was not kept, ``LogEntryRefused`` where
    the lake has no such commit.
    """
    document = issued_document(workspace, invoice_id)
    of_usage = usage_document(workspace, document)
    at_issue = state_at_issue(workspace, of_usage)
    differences = list(_compared(workspace.root, of_usage, at_issue))
    if document is not of_usage:
        differences = [replace(each, field=f"{of_usage['invoice_id']}: {each.field}") for each in differences]
        differences += _compared(workspace.root, document, state_at_issue(workspace, document))
    return Recomputation(invoice_id=invoice_id, document=document, at_issue=at_issue, differences=tuple(differences))


def _compared(root: Path, document: dict[str, Any], at_issue: AtIssue) -> Iterator[Difference]:
    frozen = append_log.entry_path(layout.register(root), document["number"]).read_bytes()
    again = _decided_again(root, document, at_issue)
    if again != frozen:
        yield from _differences(document, json.loads(again) if again else {})


def _decided_again(root: Path, document: dict[str, Any], at_issue: AtIssue) -> bytes | None:
    """Return the bytes of the register entry that issuing (or voiding) gives now.

    None where there is nothing that could be issued.
    """
    number = document["number"]
    freezing = Freezing(now=parse_instant(document["issued_at"]), is_again=True)
    with scratch_folder() as folder:
        scratch = layout.register(folder)
        disk.make_folders(folder, scratch)
        for earlier in range(1, number):
            disk.replace_durably(
                append_log.entry_path(scratch, earlier),
                append_log.entry_path(layout.register(root), earlier).read_bytes(),
            )
        then = replace(at_issue.workspace, root=folder)
        try:
            if "credit_reason" in document:
                wanted = reduction_of_document(document)
                credit(then, at_issue.built, document["credits_invoice"], wanted, freezing=freezing)
            elif document["status"] == "credit_note":
                void(then, at_issue.built, document["credits_invoice"], freezing=freezing)
            else:
                issue(
                    then,
                    at_issue.built,
                    period=BillingPeriod.parse(document["period"]),
                    account_id=document["account_id"],
                    freezing=freezing,
                )
        except (CreditRefused, InvoiceNotFound, IssueBlocked):
            return None
        entry = append_log.entry_path(scratch, number)
        return entry.read_bytes() if entry.is_file() else None


def _differences(frozen: dict[str, Any], again: dict[str, Any]) -> Iterator[Difference]:
    """List the fields that differ; the seal does wherever anything does, and so is left out."""
    before, after = (dict(_leaves(document, "")) for document in (frozen, again))
    for field in dict.fromkeys([*before, *after]):
        if before.get(field) != after.get(field) and field != "sealSha256":
            yield Difference(field=field, frozen=before.get(field, _NOTHING), recomputed=after.get(field, _NOTHING))
    if before == after:
        yield Difference(field="bytes", frozen="written otherwise", recomputed="with equal fields")


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name in sorted(value):
            yield from _leaves(value[name], f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, item in enumerate(value, start=1):
            yield from _leaves(item, f"{path}[{index}]")
    else:
        yield path, str(value)
