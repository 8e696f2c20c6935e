"""An issued invoice, decided once more from what it names, and compared with what was frozen, byte for byte.

The invoice is issued again in a scratch register that holds the invoices before it: the same rules, the same chain, and so the
same bytes, or something is not as it was. Nothing in the workspace is written.

Does not own going back in time (``pipeline.jobs.at_issue``) nor the rules of issuing (``pipeline.jobs.invoice``).
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import ConfigurationError, InvoiceNotFound, IssueBlocked
from pipeline.jobs.at_issue import issued_document, state_at_issue
from pipeline.jobs.invoice import issue
from pipeline.periods import BillingPeriod, parse_instant
from pipeline.storage import append_log, disk, layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.jobs.at_issue import AtIssue
    from pipeline.storage.workspace import Workspace

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
    """An issued invoice beside its recomputation."""

    invoice_id: str
    document: dict[str, Any]
    """As it was frozen."""
    at_issue: AtIssue
    differences: tuple[Difference, ...]
    """Empty where the recomputation is the frozen document, byte for byte."""


def recompute(workspace: Workspace, invoice_id: str) -> Recomputation:
    """Decide an issued invoice again from the commit and the configuration that its document names. Writes nothing in the workspace.

    Raises ``InvoiceNotFound``, ``ConfigurationError`` where its configuration was not kept, ``LogEntryRefused`` where the lake has
    no such commit.
    """
    document = issued_document(workspace, invoice_id)
    if document["status"] != "issued":
        message = f"{invoice_id} is a {document['status']}; only an issued invoice is recomputed"
        raise ConfigurationError(message)
    at_issue = state_at_issue(workspace, document)
    frozen = append_log.entry_path(layout.register(workspace.root), document["number"]).read_bytes()
    again = _issued_again(workspace.root, document, at_issue)
    differences = () if again == frozen else tuple(_differences(document, json.loads(again) if again else {}))
    return Recomputation(invoice_id=invoice_id, document=document, at_issue=at_issue, differences=differences)


def _issued_again(root: Path, document: dict[str, Any], at_issue: AtIssue) -> bytes | None:
    """Return the bytes of the register entry that issuing gives now, or None where there is nothing that could be issued."""
    number = document["number"]
    with tempfile.TemporaryDirectory(prefix="tallybook-") as folder:
        scratch = layout.register(Path(folder))
        disk.make_folders(Path(folder), scratch)
        for earlier in range(1, number):
            disk.replace_durably(append_log.entry_path(scratch, earlier), append_log.entry_path(layout.register(root), earlier).read_bytes())
        try:
            issue(
                replace(at_issue.workspace, root=Path(folder)),
                at_issue.built,
                period=BillingPeriod.parse(document["period"]),
                account_id=document["account_id"],
                now=parse_instant(document["issued_at"]),
            )
        except (InvoiceNotFound, IssueBlocked):
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
