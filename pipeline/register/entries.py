"""The register of issued invoices: one log entry is one invoice, so that numbering and freezing it are one atomic step.

Invoice ``n`` is entry ``n``, from 1, without gaps; an entry never changes. Documents are JSON with amounts as strings.

Does not own what an invoice says (``pipeline.invoicing``) nor the files made from it (``pipeline.documents``).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline import __version__
from pipeline.base.errors import CommitConflict, FormatIsNewer, LogEntryRefused
from pipeline.invoicing.document import DOCUMENT_FORMAT
from pipeline.invoicing.rules import NEWEST
from pipeline.objects import append_log, disk, layout
from pipeline.objects.encoded.formats import UPGRADE, check_format
from pipeline.objects.encoded.strict_json import parse_object

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

Entry = TypeVar("Entry")
_ADVICE = "restore it from a backup: an issued invoice never changes, and its number is never used again"


def read(workspace: Path) -> tuple[dict[str, Any], ...]:
    """Return the issued documents in the order of their numbers, from 1.

    With the ``previousSha256`` and ``sealSha256`` of each.

    What is returned is durable. Raises ``FormatIsNewer`` for one of a newer program, ``LogEntryRefused`` for an entry
    that is torn, missing, changed or out of its chain.
    """
    return _chain(workspace).entries


def read_as(
    workspace: Path, read_of: Callable[[str, dict[str, Any]], Entry], *, known: Sequence[tuple[str, Entry]] = ()
) -> tuple[Entry, ...]:
    """Return what ``read_of`` makes of the sha256 and the document of each entry, in the order of their numbers.

    What it is to make of the first of them may be ``known``, with the sha256 of their bytes: see ``read_chain``. Raises
    what ``read`` raises.
    """

    def parse(content: bytes, number: int) -> tuple[str | None, Entry]:
        previous_sha256, document = _parse(content, number)
        return previous_sha256, read_of(append_log.sha256_of(content), document)

    folder = layout.register(workspace)
    return append_log.read_chain(folder, first_number=1, parse=parse, advice=_ADVICE, known=known).entries


def read_one(workspace: Path, number: int, *, sha256: str) -> dict[str, Any]:
    """Return the document of an entry that was read before, by the sha256 of its bytes.

    Raises ``LogEntryRefused`` where it is another one now.
    """
    path = append_log.entry_path(layout.register(workspace), number)
    content = path.read_bytes()
    if append_log.sha256_of(content) != sha256:
        message = f"log entry {path} is refused: it changed while it was in use; {_ADVICE}"
        raise LogEntryRefused(message)
    return _parse(content, number)[1]


class Readings:
    """The register, read several times in one run: each time from the disk, and parsed where its bytes are new."""

    def __init__(self) -> None:
        """Begin with nothing known."""
        self._known: tuple[tuple[str, dict[str, Any]], ...] = ()

    def read(self, workspace: Path) -> tuple[tuple[str, dict[str, Any]], ...]:
        """Return the sha256 and the document of each entry, in the order of their numbers. Raises as ``read`` does."""
        known = [(each[0], each) for each in self._known]
        self._known = read_as(workspace, lambda sha256, document: (sha256, document), known=known)
        return self._known


def append(
    workspace: Path, documents_so_far: Sequence[Mapping[str, Any]], make_document: Callable[[int], Mapping[str, Any]]
) -> dict[str, Any]:
    """Issue one invoice, durably: the document that ``make_document`` makes of the next number.

    ``documents_so_far`` is what ``read`` returned and the document was decided from. Raises ``CommitConflict`` when
    another run issued since: read again and decide again, for that run may have issued this very invoice, or one that
    changes its corrections. Raises ``ValueError`` for a document with a float, or with a field of the chain's own.

    What was read is not read again, so that many invoices take as long each as one: the last entry's seal stands for
    all before it, and the number is taken once.
    """
    folder, number = layout.register(workspace), len(documents_so_far) + 1
    last_sha256 = _sha256_of_last(workspace, documents_so_far)
    content, document = _render(make_document(number), last_sha256)
    if number == 1:  # where there is an entry, its folder was durable before it
        disk.make_folders(workspace, folder)
    append_log.append_entry(folder, number, content)
    return document


class Rehearsal:
    """What appending would make of the register, in memory: the same documents, byte for byte, and nothing is written.

    Numbers and chain go on from document to document, so that many can be rehearsed as they would be appended.
    """

    def __init__(self) -> None:
        """Begin with the register as it is when the first document is made."""
        self.documents: list[dict[str, Any]] = []
        """What would be issued, in order, with the place of each in the chain."""
        self._last: tuple[tuple[int, object], str] | None = None

    def append(
        self,
        workspace: Path,
        documents_so_far: Sequence[Mapping[str, Any]],
        make_document: Callable[[int], Mapping[str, Any]],
    ) -> dict[str, Any]:
        """Return the document that ``append`` would issue; it raises what ``append`` raises."""
        if self._last is not None and self._last[0] == _last_seal(documents_so_far):
            last_sha256: str | None = self._last[1]
        else:
            last_sha256 = _sha256_of_last(workspace, documents_so_far)
        content, document = _render(make_document(len(documents_so_far) + 1), last_sha256)
        self.documents.append(document)
        self._last = _last_seal([*documents_so_far, document]), append_log.sha256_of(content)
        return document


def _sha256_of_last(workspace: Path, documents_so_far: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the sha256 of the last entry, None of an empty register.

    Raises ``CommitConflict`` where ``documents_so_far`` is not what the register holds.
    """
    folder, number = layout.register(workspace), len(documents_so_far) + 1
    stated = documents_so_far[-1].get("sealSha256") if documents_so_far else None
    last_sha256 = append_log.sha256_of_last(folder, number - 1, seal=stated)
    if (last_sha256 is None and documents_so_far) or append_log.entry_path(folder, number).exists():
        chain = _chain(workspace)  # says what is wrong with the register, where something is
        if _last_seal(chain.entries) != _last_seal(documents_so_far):
            message = f"another run issued invoice {len(chain.entries)} first; read the register again and decide again"
            raise CommitConflict(message)
        return chain.last_sha256
    return last_sha256


def _last_seal(documents: Sequence[Mapping[str, Any]]) -> tuple[int, object]:
    return len(documents), documents[-1].get("sealSha256") if documents else None


def _chain(workspace: Path) -> append_log.Chain[dict[str, Any]]:
    return append_log.read_chain(layout.register(workspace), first_number=1, parse=_parse, advice=_ADVICE)


def _parse(content: bytes, number: int) -> tuple[str | None, dict[str, Any]]:
    document = parse_object(content)
    _refuse_newer(document, number)
    return document.get("previousSha256"), document


def _refuse_newer(document: Mapping[str, Any], number: int) -> None:
    """Refuse what a newer program issued: its amounts cannot be gone on from by somebody who knows half of it."""
    if isinstance(document.get("format"), str):
        check_format(document, DOCUMENT_FORMAT, f"document {number} of the register")
    rules = document.get("rules")
    if type(rules) is int and rules > NEWEST:
        message = (
            f"document {number} of the register was issued by rules {rules}, and Tallybook {__version__} knows up to "
            f"{int(NEWEST)}; {UPGRADE}"
        )
        raise FormatIsNewer(message)


def _render(document: Mapping[str, Any], previous_sha256: str | None) -> tuple[bytes, dict[str, Any]]:
    """Return the bytes of an entry, and what they say when they are read back."""
    taken = document.keys() & {"previousSha256", "sealSha256"}
    if taken:
        message = f"the document has the fields {sorted(taken)}, which belong to the register"
        raise ValueError(message)
    entry = {**document, "previousSha256": previous_sha256, "sealSha256": append_log.UNSEALED}
    content = append_log.seal((json.dumps(entry, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode("utf-8"))
    return content, parse_object(content)  # what cannot be read back, such as a float, must not be issued
