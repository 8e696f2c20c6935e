"""Entries of a log that is on a store: the store's conditional create makes one, and readers have copies of all.

Invariants. An entry is on the store before it is here. What is here is what the store holds: the last entry of before
is compared byte for byte (the chain proves the earlier ones), and the number after the last one is asked for by name,
since a listing may be of a moment ago. What the store no longer has, or says otherwise, is refused: nobody goes on from
a history that others do not see.

Does not own the form of entries, their seals and their chain (``pipeline.objects.append_log``).
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from pipeline.base.errors import LogEntryRefused
from pipeline.objects import disk, layout
from pipeline.objects.mounted.mounts import REQUESTS_AT_ONCE, mount_of
from pipeline.objects.verified import bytes_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.objects.mounted.mounts import Mount


def create_entry(path: Path, content: bytes) -> bool:
    """Make an entry on the store; ``True`` where there is no store. ``False``: another writer took its number."""
    mounted = mount_of(path)
    return mounted is None or mounted.store.put_if_absent(mounted.key(path), content)


def is_copy_of(path: Path, content: bytes) -> bool:
    """Say whether a reader of this machine brought an entry of these bytes before its writer linked it here."""
    return mount_of(path) is not None and bytes_of(str(path)) == content


def bring_entries(folder: Path, numbers: list[int], *, first_number: int, check: Callable[[bytes], None]) -> list[int]:
    """Bring what the store holds of a log beyond the ``numbers`` that are here, and return all numbers.

    A copy need not outlive a power cut: one that is torn is brought anew. ``check`` raises ``ValueError`` for bytes
    that are no entry: none such is kept here. Raises ``LogEntryRefused`` naming an object that is none or that is
    missing between others, and where the store lacks the last entry that is here, or holds another one;
    ``StoreRefused`` where it cannot be asked.
    """
    mounted = mount_of(folder)
    if mounted is None:
        return numbers
    here = {number for number in numbers if number >= first_number}
    last = max(here, default=first_number - 1)
    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        listing = pool.submit(_listed, mounted, folder, last)
        probe = pool.submit(_get, mounted, folder, last + 1)
        same = pool.submit(_get, mounted, folder, last) if here else None
        new = listing.result()  # first: it tells a bucket that is not there from an entry that is not
        if same is not None and not _is_same(mounted, folder / layout.entry_name(last), same.result(), check):
            new.add(last)
        if probe.result() is not None:
            new.add(last + 1)
        new |= set(range(first_number, last)) - here  # what this machine lost
        while new:
            newest = max(*new, last)
            missing = set(range(last + 1, newest + 1)) - new
            if missing:
                message = (
                    f"log entry {mounted.url(folder / layout.entry_name(min(missing)))} is missing, and there are "
                    f"later ones up to {newest}; {_ADVICE}"
                )
                raise LogEntryRefused(message)
            mounted.make_folder(folder)
            disk.link_all(folder, pool.map(partial(_fetched, mounted, folder, check), sorted(new)))
            here |= new
            last = newest
            new = {last + 1} if _get(mounted, folder, last + 1) is not None else set()
    return sorted(here)


def restored_entry(path: Path, check: Callable[[bytes], None]) -> bytes | None:
    """Bring one entry anew whose copy is damaged, durably; None where there is no store, or none that is whole."""
    mounted = mount_of(path)
    got = None if mounted is None else mounted.store.get(mounted.key(path))
    if mounted is None or got is None:
        return None
    try:
        check(got[0])
    except ValueError:
        return None
    disk.replace_durably(path, got[0], is_locked=mounted.is_locked)
    return got[0]


_ADVICE = (
    "look which of the two is right before anything is written: a bucket that was restored to an earlier day, another "
    "bucket or prefix than before, or somebody who wrote there by hand (docs/scale.md)"
)


def _listed(mounted: Mount, folder: Path, last: int) -> set[int]:
    after = mounted.key(folder / layout.entry_name(last)) if last >= 0 else None
    names = (each.key.rpartition("/")[2] for each in mounted.store.list(mounted.key(folder), after=after))
    return {int(name.partition(".")[0]) for name in names if layout.ENTRY_NAME.fullmatch(name)}


def _get(mounted: Mount, folder: Path, number: int) -> bytes | None:
    got = mounted.store.get(mounted.key(folder / layout.entry_name(number)))
    return None if got is None else got[0]


def _is_same(mounted: Mount, path: Path, there: bytes | None, check: Callable[[bytes], None]) -> bool:
    """Say whether the copy of an entry is whole, and remove one that is torn; refuse another entry than the store's."""
    here = bytes_of(str(path))
    if there is not None and there == here:
        return True
    if here is not None:
        try:
            check(here)
        except ValueError:
            disk.remove_files(path.parent, [path.name])
            return False
    what = "is not there" if there is None else "is another one"
    message = f"log entry {mounted.url(path)} is refused: it {what}, and this machine has a copy ({path}); {_ADVICE}"
    raise LogEntryRefused(message)


def _fetched(mounted: Mount, folder: Path, check: Callable[[bytes], None], number: int) -> tuple[Path, Path]:
    """Bring an entry under a temporary name, and return that and the final one."""
    content = _get(mounted, folder, number)
    final = folder / layout.entry_name(number)
    if content is None:
        message = f"log entry {mounted.url(final)} is missing, and there are later ones; {_ADVICE}"
        raise LogEntryRefused(message)
    try:
        check(content)
    except ValueError as error:
        message = f"log entry {mounted.url(final)} is refused: {error}; {_FOREIGN}"
        raise LogEntryRefused(message) from error
    return disk.write_temporary(folder, content, is_synced=False, is_locked=mounted.is_locked), final


_FOREIGN = "only Tallybook may write there: take that object out, and let others read only (docs/scale.md)"


def entry_numbers(folder: Path) -> list[int]:
    """List the numbers of the entries that are here."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return [int(entry.name.partition(".")[0]) for entry in entries if layout.ENTRY_NAME.fullmatch(entry.name)]
