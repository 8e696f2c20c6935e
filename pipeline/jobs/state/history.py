"""What was there, by what other files name: commits of the lake, and entries of the register.

A chain proves all of its entries but the last: where the newest are gone, or an older lake or register took its
place, what is left is whole, and shorter. The others tell. A document names the commit that it was issued from, a
derived table the commit that it was made of; invoices' files and payments name invoices. A night that went on without
them would draft credits of what was used, and give out numbers twice.

Owns these refusals. Does not own the chains (``pipeline.objects.append_log``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline import register
from pipeline.base.errors import HistoryLost, LogEntryRefused
from pipeline.base.money import plain
from pipeline.base.periods import parse_instant
from pipeline.jobs.check import check_that_none
from pipeline.jobs.wording import counted
from pipeline.lake.commits import read_log
from pipeline.lake.derived import CHARGES, EXCHANGES_DAILY, USAGE_DAILY, read_manifest
from pipeline.lake.log.checkpoints import entries_named
from pipeline.register.invoice_files import written_invoices
from pipeline.register.lost_commits import add_lost_commits, read_lost_commits
from pipeline.register.payments import read_payments

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing.account_drafts import LateUsage
    from pipeline.invoicing.payments import Payment
    from pipeline.jobs.check import Check
    from pipeline.lake.log.snapshot import LakeSnapshot

_LISTED = 3
_ACCEPT = (
    "put back all logs since then, and run 'tallybook nightly --accept-lost-commits': it reads them again, and drafts "
    "the difference to what was invoiced; look at each before you issue it"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A commit that the lake does not have, and nobody has said to be lost for good."""

    named_by: str
    sha256: str
    number: int | None = None
    """``None`` where only the digest is named."""
    issued_at: datetime | None = None
    """When the document that names it was issued; ``None`` of a derived table."""

    @property
    def text(self) -> str:
        """Say who names it."""
        which = "a commit" if self.number is None else f"commit {self.number}"
        return f"{self.named_by} names {which} with sha256 {self.sha256}"


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What was found of it before a run goes on."""

    documents: tuple[Mapping[str, Any], ...]
    """The register, or what is asked here of each of its documents."""
    snapshot: LakeSnapshot
    """Of the whole lake."""
    of_another_lake: frozenset[str] = frozenset()
    """The invoices that were issued from the lake before this one, which was collected anew."""

    def refuse_credits(self, late: Iterable[LateUsage]) -> None:
        """Raise ``HistoryLost`` where a lake that was collected anew has less than invoices of the one before."""
        if less := self.less_than_invoiced(late):
            message = (
                f"the lake was collected anew, and lacks usage that was invoiced: {_listed(less)}; logs are missing: "
                f"restore the lake of before from a backup. If there is none, {_ACCEPT}"
            )
            raise HistoryLost(message)

    def less_than_invoiced(self, late: Iterable[LateUsage]) -> list[str]:
        """Return the months that are worth less than was invoiced for them from the lake of before."""
        return [
            f"{each.account_id}, {each.period} ({', '.join(each.invoice_ids)}) is worth "
            f"{plain(-each.difference)} {each.currency} less"
            for each in late
            if each.difference < 0 and self.of_another_lake.intersection(each.invoice_ids)
        ]


def lost_commits(workspace: Workspace, snapshot: LakeSnapshot, documents: Sequence[Mapping[str, Any]]) -> list[Lost]:
    """Return the commits that documents or derived tables name and the lake does not have, unless that was accepted.

    ``snapshot`` is of the whole lake.
    """
    digests = snapshot.entry_digests
    found = [
        Lost(
            named_by=document["invoice_id"],
            number=document["commit"],
            sha256=document["commit_sha256"],
            issued_at=parse_instant(document["issued_at"]),
        )
        for document in documents
        if document["commit"] is not None
        and digests[document["commit"] : document["commit"] + 1] != (document["commit_sha256"],)
    ]
    present = {"", *digests}
    for name in (USAGE_DAILY, EXCHANGES_DAILY, CHARGES):
        manifest = read_manifest(workspace.lake, name)
        if manifest is not None and (sha256 := manifest.inputs.get("commit", "")) not in present:
            found.append(Lost(named_by=f"lake/{name}", sha256=sha256))
    found += [
        Lost(named_by=f"lake/usage_events/_delta_log/{name}", sha256=sha256)
        for name, sha256 in entries_named(workspace.lake).items()
        if sha256 not in present
    ]
    known = read_lost_commits(workspace.root) if found else {}
    return [each for each in found if each.sha256 not in known]


def is_anew(snapshot: LakeSnapshot, lost: Sequence[Lost]) -> bool:
    """Say whether a lake was begun after all that it lacks: collected anew from the logs, not an older copy."""
    if snapshot.began_at is None:
        return True
    return all(each.issued_at is not None and each.issued_at <= snapshot.began_at for each in lost)


def lost_documents(root: Path, documents: Sequence[Mapping[str, Any]], payments: Sequence[Payment]) -> list[str]:
    """Return who names invoices or credit notes that the register does not have, and which."""
    issued = {document["invoice_id"] for document in documents}
    named = {each.invoice_id: f"payment {each.number}" for each in payments if each.invoice_id not in issued}
    for invoice_id, path in written_invoices(root, besides=issued).items():
        named[invoice_id] = path.relative_to(root).as_posix()
    return [f"{where} names {invoice_id}" for invoice_id, where in named.items()]


def refuse_lost_documents(root: Path, documents: Sequence[Mapping[str, Any]]) -> None:
    """Raise ``HistoryLost`` where the register lacks what was issued: its number would be given out twice."""
    lost = lost_documents(root, documents, read_payments(root))
    if lost:
        last = documents[-1]["invoice_id"] if documents else None
        end = f"it ends with {last}" if last else "it is empty"
        message = (
            f"the register of {root} lacks what was issued, and {end}: {_listed(lost)}; its last entries "
            "were lost, or it is an older one: restore the newest backup of invoices/register. A number that was given "
            "out is never used again; only what never left the house may be removed, with its files and payments"
        )
        raise HistoryLost(message)


def refuse_lost_history(
    workspace: Workspace,
    *,
    accept_at: datetime | None = None,
    documents: Sequence[Mapping[str, Any]] | None = None,
) -> History:
    """Return what is to be gone on with. The register is read where its ``documents`` are not given.

    Raises ``HistoryLost`` where the register lacks what other files name, or the lake does and was not collected anew.
    With ``accept_at`` it is said now that such commits are lost for good: only for the holder of the workspace's lock.
    """
    documents = register.read(workspace.root) if documents is None else documents
    refuse_lost_documents(workspace.root, documents)
    snapshot = read_log(workspace.lake)
    lost = lost_commits(workspace, snapshot, documents)
    if lost and accept_at is not None:
        add_lost_commits(workspace.root, (each.sha256 for each in lost), now=accept_at)
        lost = []
    if not is_anew(snapshot, lost):
        message = (
            f"the lake of {workspace.root} ends with commit {snapshot.version}, and lacks commits that were there: "
            f"{_listed(lost)}; its last entries were lost, or it is an older one: restore the newest backup of the "
            f"lake. If there is none, {_ACCEPT}"
        )
        raise HistoryLost(message)
    return History(
        documents=tuple(documents), snapshot=snapshot, of_another_lake=frozenset(each.named_by for each in lost)
    )


def history_checks(
    workspace: Workspace, snapshot: LakeSnapshot, documents: tuple[dict[str, Any], ...], late: Iterable[LateUsage]
) -> Iterator[Check]:
    """Check that everything which other files name is there."""
    try:
        payments = read_payments(workspace.root)
    except LogEntryRefused:
        payments = ()  # another check says so
    lost = lost_commits(workspace, snapshot, documents)
    of_another_lake = frozenset(each.named_by for each in lost if each.number is not None)
    history = History(documents=documents, snapshot=snapshot, of_another_lake=of_another_lake)
    accepted = len(read_lost_commits(workspace.root))
    others = [
        f"{len(of_another_lake)} from those of a lake of before" if of_another_lake else "",
        f"{counted(accepted, 'commit is', 'commits are')} known to be lost" if accepted else "",
    ]
    wrong = history.less_than_invoiced(late) if is_anew(snapshot, lost) else [each.text for each in lost]
    yield check_that_none(
        wrong,
        name="commits_that_are_named_are_in_the_lake",
        fine=", ".join(
            [
                counted(len(documents), "document was issued", "documents were issued") + " from commits of this lake",
                *filter(None, others),
            ]
        ),
        found="lost",
    )
    yield check_that_none(
        lost_documents(workspace.root, documents, payments),
        name="documents_that_are_named_are_in_the_register",
        fine="no file and no payment names another one",
        found="lost",
    )


def _listed(lost: Sequence[Lost | str]) -> str:
    texts = [each if isinstance(each, str) else each.text for each in lost]
    rest = f" and {len(texts) - _LISTED} more" if len(texts) > _LISTED else ""
    return "; ".join(texts[:_LISTED]) + rest
