"""A log that only grows.

A folder of ``<20 digits>.json`` entries, each made by one ``link()``, chained by their hashes.

Invariants. An entry's number is taken once and for ever. An entry states the sha256 of the bytes of the one before it
(``previousSha256``) and a seal over its own (``sealSha256``), so that a flipped bit is noticed also in the last one,
which nobody chains to yet. Whatever a reader was shown is durable: reading syncs the folder before it answers, so an
entry whose writer died between ``link()`` and fsync cannot be acknowledged by the next run and then lost to a power
cut. Where the folder is a copy of what a store holds, the store decides who wrote an entry, before it is linked here,
and reading brings what others wrote there (``pipeline.objects.mounted.entries``).

Used for the lake's commits (``pipeline.lake.log``) and for issued invoices (``register``). Does not own what an entry
says.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pipeline.base.errors import CommitConflict, LogEntryRefused
from pipeline.objects import disk, layout
from pipeline.objects.encoded.formats import check_format
from pipeline.objects.encoded.strict_json import checked_fields, parse_object
from pipeline.objects.mounted.entries import bring_entries, create_entry, entry_numbers, is_copy_of, restored_entry
from pipeline.objects.verified import bytes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

UNSEALED = "0" * 64
"""Stands where the seal will be."""

_SEAL = re.compile(rb'("sealSha256": ?")([0-9a-f]{64})"')

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain(Generic[Entry]):
    """The entries of a log in the order of their numbers.

    And the sha256 of the last one's bytes (None of an empty log).
    """

    entries: tuple[Entry, ...]
    last_sha256: str | None


def entry_path(folder: Path, number: int) -> Path:
    """Say where an entry lies."""
    return folder / layout.entry_name(number)


def seal(content: bytes) -> bytes:
    """Put the sha256 of the content in the place of its one ``UNSEALED``.

    Raises ``ValueError`` where there is not exactly one seal.
    """
    places = list(_SEAL.finditer(content))
    if len(places) != 1 or places[0][2] != UNSEALED.encode():
        message = f"an entry has {len(places)} fields sealSha256; it must have one, and {UNSEALED[:4]}… in it"
        raise ValueError(message)
    start, end = places[0].span(2)
    return content[:start] + hashlib.sha256(content).hexdigest().encode() + content[end:]


def append_entry(folder: Path, number: int, content: bytes) -> str:
    """Add an entry, durably, and return the sha256 of its bytes.

    Raises ``CommitConflict`` when another writer took the number; the log is then as that writer left it.
    """
    final = entry_path(folder, number)
    temporary = disk.write_temporary(folder, content)
    is_ours = create_entry(final, content)
    if is_ours:
        try:
            disk.link_new(temporary, final)
        except FileExistsError:
            is_ours = is_copy_of(final, content)
    else:
        disk.remove(temporary)
    if not is_ours:
        message = f"another run wrote {final} first; read the log again and try the next number"
        raise CommitConflict(message)
    return sha256_of(content)


def sha256_of(content: bytes) -> str:
    """Return what the entry after one with these bytes states as its ``previousSha256``."""
    return hashlib.sha256(content).hexdigest()


def sha256_of_last(folder: Path, number: int, *, seal: object) -> str | None:
    """Return the sha256 of an entry's bytes; None where it is not there, or is not the one that this seal is of."""
    try:
        content = entry_path(folder, number).read_bytes()
        _check_seal(content)
    except (OSError, ValueError):
        return None
    (stated,) = _SEAL.findall(content)
    return sha256_of(content) if stated[1].decode() == seal else None


def read_chain(
    folder: Path,
    *,
    first_number: int,
    parse: Callable[[bytes, int], tuple[str | None, Entry]],
    advice: str,
    known: Sequence[tuple[str, Entry]] = (),
) -> Chain[Entry]:
    """Read every entry, strictly; a folder that does not exist is an empty log.

    Other files in the folder are no entries. ``known`` are the first entries of a chain that was read before, with the
    sha256 of their bytes: as long as bytes still have it they say what they said, and are not parsed again.

    ``parse`` gets an entry's bytes and number, returns its ``previousSha256`` and what it says, and raises
    ``ValueError`` for an entry that is not ours. Raises ``LogEntryRefused`` naming the file, what is wrong with it, and
    the ``advice``.
    """
    numbers = bring_entries(folder, entry_numbers(folder), first_number=first_number, check=_check_seal)
    if not numbers:
        return Chain(entries=(), last_sha256=None)
    if min(numbers) < first_number:
        message = (
            f"log entry {entry_path(folder, min(numbers))} is refused: entries are numbered from {first_number}; "
            f"{advice}"
        )
        raise LogEntryRefused(message)
    entries: list[Entry] = []
    last_sha256: str | None = None
    is_known = True  # of all entries so far: a later one follows them, and no others
    # What was listed fixes the end, and each entry is then opened by its number: a listing alone may show a late entry
    # and not an earlier one, where both are written while it runs.
    newest = max(numbers)
    for number in range(first_number, newest + 1):
        try:
            content = _read_entry(f"{folder}/{layout.entry_name(number)}", newest=newest)
            sha256 = sha256_of(content)
            place = len(entries)
            is_known = is_known and place < len(known) and known[place][0] == sha256
            if is_known:
                entry = known[place][1]
            else:
                content = _sealed(folder, number, content)
                sha256 = sha256_of(content)
                previous_sha256, entry = parse(content, number)
                _check_link(previous_sha256, last_sha256)
        except ValueError as error:
            message = f"log entry {entry_path(folder, number)} is refused: {error}; {advice}"
            raise LogEntryRefused(message) from error
        entries.append(entry)
        last_sha256 = sha256
    disk.sync_folder(folder)
    return Chain(entries=tuple(entries), last_sha256=last_sha256)


def stated_entry(
    content: bytes, number: int, *, entry_format: str, name: str, of: str = "", **kinds: type | tuple[type, ...]
) -> dict[str, Any]:
    """Read what an entry states beside its format, its number (``name``) and its place in the chain: fields by kind.

    Raises ``FormatIsNewer`` where it is of a later format, and ``ValueError`` where it has other fields or another
    number. ``name`` and ``of`` say in messages what it is: ``entry 3 of key-aliases``.
    """
    document = parse_object(content)
    check_format(document, entry_format, f"{name} {number}{of}")
    chained: dict[str, type | tuple[type, ...]] = {"previousSha256": (str, NoneType), "sealSha256": str}
    stated = checked_fields(document, f"the {name}", **{"format": str, name: int, **kinds, **chained})
    if stated[name] != number:
        message = f"it is {name} {stated[name]}, and must be {number}"
        raise ValueError(message)
    return stated


def _sealed(folder: Path, number: int, content: bytes) -> bytes:
    """Return an entry whose seal is whole: that of the store, where the copy that is here is damaged."""
    try:
        _check_seal(content)
    except ValueError:
        restored = restored_entry(entry_path(folder, number), _check_seal)
        if restored is None:
            raise
        return restored
    return content


def _read_entry(path: str, newest: int) -> bytes:
    content = bytes_of(path)
    if content is not None:
        return content
    try:
        is_file = stat.S_ISREG(os.lstat(path).st_mode)
    except FileNotFoundError:
        message = f"it is missing, and there are later ones up to {newest}"
        raise ValueError(message) from None
    if not is_file:
        message = "it is no regular file"
        raise ValueError(message)
    return Path(path).read_bytes()  # raises what the system says


def _check_seal(content: bytes) -> None:
    seals = _SEAL.findall(content)
    if len(seals) != 1:
        message = "it is torn, or was not written by Tallybook: it has no seal"
        raise ValueError(message)
    stated = seals[0][1].decode()
    actual = hashlib.sha256(_SEAL.sub(rb"\g<1>" + UNSEALED.encode() + rb'"', content)).hexdigest()
    if stated != actual:
        message = f"it was changed after it was written: its seal says {stated}, its bytes say {actual}"
        raise ValueError(message)


def _check_link(stated: str | None, previous: str | None) -> None:
    if stated != previous:
        message = (
            f"it is out of its chain: it follows an entry with sha256 {stated}, and the one before it has {previous}"
        )
        raise ValueError(message)
