"""The register of a night: every entry hashed, and parsed where that was not done before.

What earlier nights read of an entry is kept by the sha256 of its bytes (``pipeline.lake.counted``). A chain that was
read strictly is read strictly for good: as long as the same bytes lie under the same numbers, nothing of it can differ.

Owns what is kept of entries. Does not own the chain (``pipeline.objects.append_log``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline import register
from pipeline.base.errors import DataFileDamaged
from pipeline.invoicing.document import accounts_of
from pipeline.lake.counted import WHOLE, NewEntry, read_entries, read_piece, write_entries
from pipeline.objects.encoded import arrow_bytes
from pipeline.warehouse.program import digest_of, program_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

KIND = "register"
_PIECE = "entries"
_SCHEMA = pa.schema(
    [
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("invoice_id", pa.string(), nullable=False),
        pa.field("commit", pa.int64()),
        pa.field("commit_sha256", pa.string()),
        pa.field("issued_at", pa.string(), nullable=False),
        pa.field("account_ids", pa.list_(pa.string()), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedEntry:
    """What is asked of every document, whether or not it is looked at further."""

    sha256: str
    """Of the entry's bytes."""
    stated: Mapping[str, Any]
    """Of the document: ``invoice_id``, ``commit``, ``commit_sha256`` and ``issued_at``."""
    account_ids: tuple[str, ...]
    """Of which it has lines, and the invoiced one; sorted."""


def read_issued(workspace: Path, lake: Path) -> tuple[IssuedEntry, ...]:
    """Return the entries of the register in the order of their numbers, from 1; they are durable.

    Raises ``LogEntryRefused`` as ``register.read`` does.
    """
    known = _read_kept(lake)
    return register.read_as(workspace, _entry, known=[(each.sha256, each) for each in known])


def issued_entries(readings: Iterable[tuple[str, Mapping[str, Any]]]) -> tuple[IssuedEntry, ...]:
    """Return the entries of a register that was read: the sha256 and the document of each."""
    return tuple(_entry(sha256, document) for sha256, document in readings)


def keep_issued(lake: Path, entries: Sequence[IssuedEntry]) -> None:
    """Keep what was read, for nights to come. Only for the holder of the workspace's lock."""
    if tuple(entries) == _read_kept(lake):
        return
    rows = [{"sha256": each.sha256, **each.stated, "account_ids": list(each.account_ids)} for each in entries]
    content = arrow_bytes.encode(pa.Table.from_pylist(rows, schema=_SCHEMA))
    write_entries(lake, KIND, {}, {WHOLE: NewEntry(inputs=_inputs(), pieces={_PIECE: content})})


def _read_kept(lake: Path) -> tuple[IssuedEntry, ...]:
    entry = read_entries(lake, KIND).get(WHOLE)
    if entry is None or entry.inputs != _inputs():
        return ()
    try:
        table = arrow_bytes.decode(read_piece(lake, KIND, entry, _PIECE))
    except DataFileDamaged:
        return ()
    names = ("invoice_id", "commit", "commit_sha256", "issued_at")
    stated = zip(*(table[name].to_pylist() for name in names), strict=True)
    return tuple(
        IssuedEntry(sha256=sha256, stated=dict(zip(names, values, strict=True)), account_ids=tuple(account_ids))
        for sha256, values, account_ids in zip(
            table["sha256"].to_pylist(), stated, table["account_ids"].to_pylist(), strict=True
        )
    )


def _entry(sha256: str, document: Mapping[str, Any]) -> IssuedEntry:
    names = ("invoice_id", "commit", "commit_sha256", "issued_at")
    return IssuedEntry(
        sha256=sha256,
        stated={name: document[name] for name in names},
        account_ids=tuple(sorted(accounts_of(document))),
    )


def _inputs() -> str:
    return digest_of([program_parts(), _SCHEMA.names])
