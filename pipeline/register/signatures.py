"""Signatures over what was issued, at rest: a log that only grows, chained and durable like the register.

``invoices/signatures/<20 digits>.json``, from 1. Each states the last commit of the lake, the digest of every document
of the register and of every payment that no signature before it states, and a signature of all that as a text
(``Signature.text``), which anybody can check with the public key alone.

Does not own how a signature is made or checked, nor whether what it states is so (``pipeline.jobs.proofs.signing``).
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from types import NoneType
from typing import TYPE_CHECKING, Any

from pipeline.objects import append_log, disk, layout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FORMAT = "tallybook-signature/1"
_ADVICE = "restore it from a backup: a signature never changes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What was signed, and the signature of it."""

    number: int
    """From 1."""
    signed_at: str
    lake_number: int | None
    """The last commit; ``None`` of an empty lake."""
    lake_sha256: str | None
    is_lake_anew: bool
    """Whether the signer said that the lake was collected anew: commits that were signed before are of another one."""
    first_document: int
    """Number of the first document that is signed here."""
    documents: tuple[str, ...]
    """The sha256 of its register entry and of those that follow it."""
    first_payment: int
    payments: tuple[str, ...]
    previous_sha256: str | None
    """That of the signature before it."""
    ed25519: bytes = b""
    """The signature of ``text``, 64 bytes."""

    @property
    def text(self) -> bytes:
        """Return what is signed: one fact a line, so that people can read it and ``grep`` finds a digest in it."""
        return "".join(f"{line}\n" for line in self._lines()).encode()

    @property
    def last_document(self) -> int:
        """Return the number up to which documents are signed."""
        return self.first_document + len(self.documents) - 1

    @property
    def last_payment(self) -> int:
        """Return the number up to which payments are signed."""
        return self.first_payment + len(self.payments) - 1

    def _lines(self) -> Iterator[str]:
        yield FORMAT
        yield f"signature {self.number} after {self.previous_sha256 or 'none'}"
        yield f"signed_at {self.signed_at}"
        yield "lake empty" if self.lake_number is None else f"lake {self.lake_number} {self.lake_sha256}"
        if self.is_lake_anew:
            yield "lake collected anew"
        for number, sha256 in enumerate(self.documents, start=self.first_document):
            yield f"document {number} {sha256}"
        for number, sha256 in enumerate(self.payments, start=self.first_payment):
            yield f"payment {number} {sha256}"


def read_signatures(workspace: Path) -> tuple[tuple[Signature, ...], str | None]:
    """Return the signatures in the order of their numbers, and the sha256 of the last one's entry.

    What is returned is durable. Raises ``LogEntryRefused`` for an entry that is torn, missing, changed, out of its
    chain, or no signature.
    """
    chain = append_log.read_chain(layout.signatures(workspace), first_number=1, parse=_parse, advice=_ADVICE)
    return chain.entries, chain.last_sha256


def append_signature(workspace: Path, signature: Signature) -> None:
    """Add a signature, durably. Raises ``CommitConflict`` where another run added one since."""
    entry: dict[str, Any] = {
        "format": FORMAT,
        "signature": signature.number,
        "signed_at": signature.signed_at,
        "lake_number": signature.lake_number,
        "lake_sha256": signature.lake_sha256,
        "lake_anew": signature.is_lake_anew,
        "first_document": signature.first_document,
        "documents": list(signature.documents),
        "first_payment": signature.first_payment,
        "payments": list(signature.payments),
        "ed25519": base64.b64encode(signature.ed25519).decode(),
        "previousSha256": signature.previous_sha256,
        "sealSha256": append_log.UNSEALED,
    }
    folder = layout.signatures(workspace)
    disk.make_folders(workspace, folder)
    content = (json.dumps(entry, sort_keys=True, indent=1) + "\n").encode()
    append_log.append_entry(folder, signature.number, append_log.seal(content))


def _parse(content: bytes, number: int) -> tuple[str | None, Signature]:
    stated = append_log.stated_entry(
        content,
        number,
        entry_format=FORMAT,
        name="signature",
        signed_at=str,
        lake_number=(int, NoneType),
        lake_sha256=(str, NoneType),
        lake_anew=bool,
        first_document=int,
        documents=list,
        first_payment=int,
        payments=list,
        ed25519=str,
    )
    signature = Signature(
        number=number,
        signed_at=stated["signed_at"],
        lake_number=stated["lake_number"],
        lake_sha256=stated["lake_sha256"],
        is_lake_anew=stated["lake_anew"],
        first_document=stated["first_document"],
        documents=tuple(map(str, stated["documents"])),
        first_payment=stated["first_payment"],
        payments=tuple(map(str, stated["payments"])),
        previous_sha256=stated["previousSha256"],
        ed25519=base64.b64decode(stated["ed25519"], validate=True),
    )
    return stated["previousSha256"], signature
