"""Files that lie on a store under the digest of their bytes, and the few that are replaced.

A file by its digest is put before anything names it, and fetched by whoever has no whole copy: its digest says that it
is the one. A file that is replaced is compared first, and replaced only where it still is what was compared.

Does not own which files count (``pipeline.lake``, ``pipeline.register``).
"""

from __future__ import annotations

import hashlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from pipeline.base.errors import CommitConflict, DataFileDamaged
from pipeline.objects import disk
from pipeline.objects.mounted.mounts import REQUESTS_AT_ONCE, mount_of
from pipeline.objects.verified import bytes_of, verified_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from pipeline.objects.mounted.mounts import Mount

StoreState: TypeAlias = tuple[bytes | None, str | None]
_PENDING_MAX = 2 * REQUESTS_AT_ONCE
"""So many files wait in memory at most while others are put."""


@contextmanager
def publishing(folder: Path, *, is_anew: bool = False) -> Iterator[Callable[[Path, bytes], None]]:
    """Put the files that are given on the folder's store, several at once; all are there when the context ends.

    ``is_anew``: also those that are there, so that their age is that of this run, and nobody takes them for left.
    Where the folder is on no store nothing happens. Raises ``StoreRefused``, and ``DataFileDamaged`` where the store
    has other bytes under that name, which are replaced where all are put anew.
    """
    mounted = mount_of(folder)
    if mounted is None:
        yield _nowhere
        return
    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        pending: deque[Future[None]] = deque()
        put = _put_anew if is_anew else _publish

        def give(path: Path, content: bytes) -> None:
            if len(pending) >= _PENDING_MAX:
                pending.popleft().result()
            pending.append(pool.submit(put, mounted, path, content))

        yield give
        for each in pending:
            each.result()


def publish(path: Path, content: bytes) -> None:
    """Put one file; as ``publishing``."""
    mounted = mount_of(path)
    if mounted is not None:
        _publish(mounted, path, content)


def fetch_by_digest(path: Path, *, sha256: str) -> bool:
    """Bring a file whose copy is missing or damaged; ``False`` where it is on no store.

    Raises ``DataFileDamaged`` where the store has it not, or holds other bytes.
    """
    mounted = mount_of(path)
    if mounted is None:
        return False
    got = mounted.store.get(mounted.key(path))
    if got is None:
        message = f"{mounted.url(path)} is not there, and the log names it; {_RESTORE}"
        raise DataFileDamaged(message)
    actual = hashlib.sha256(got[0]).hexdigest()
    if actual != sha256:
        message = f"{mounted.url(path)} has the sha256 {actual}, and its log says {sha256}; {_RESTORE}"
        raise DataFileDamaged(message)
    _write(mounted, path, got[0])
    return True


def whole_file(path: Path, *, sha256: str, size: int, advice: str) -> Path:
    """Return the path of a file that has this sha256 and size, brought anew where it is a damaged copy, or none.

    Raises ``DataFileDamaged`` as ``verified_file`` does, and where the store has it not either.
    """
    try:
        return verified_file(path, sha256=sha256, size=size, advice=advice)
    except DataFileDamaged:
        if not fetch_by_digest(path, sha256=sha256):
            raise
        return verified_file(path, sha256=sha256, size=size, advice=advice)


def fetch_all(files: Iterable[tuple[Path, str]]) -> None:
    """Bring many, several at once: each path with its sha256; as ``fetch_by_digest``."""
    listed = list(files)
    if listed:
        with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
            deque(pool.map(lambda each: fetch_by_digest(each[0], sha256=each[1]), listed), maxlen=0)


def refresh(path: Path) -> StoreState:
    """Make the copy of a file that is replaced what the store holds now, and return that; see ``state_on_store``.

    One that is not there is removed here too.
    """
    mounted = mount_of(path)
    if mounted is None:
        return None, None
    state, here = state_on_store(path), bytes_of(str(path))
    if state[0] is None:
        if here is not None:
            disk.remove_files(path.parent, [path.name])
    elif state[0] != here:
        _write(mounted, path, state[0])
    return state


def state_on_store(path: Path) -> StoreState:
    """Return the bytes and the tag of a file on its store; two times None where it has none, or there is no store."""
    mounted = mount_of(path)
    got = None if mounted is None else mounted.store.get(mounted.key(path))
    return (None, None) if got is None else got


def replace_on_store(path: Path, content: bytes, before: StoreState) -> None:
    """Replace a file on its store where it is what it was ``before``; the same content again writes nothing.

    Raises ``CommitConflict`` where another writer replaced it since.
    """
    mounted = mount_of(path)
    if mounted is None or before[0] == content:
        return
    from pipeline.objects.stores import TagDiffers  # noqa: PLC0415  # few use a store

    try:
        mounted.store.replace(mounted.key(path), content, tag=before[1])
    except TagDiffers:
        message = f"another run replaced {mounted.url(path)} at the same time; run the command again"
        raise CommitConflict(message) from None


def remove_on_store(folder: Path, names: Iterable[str]) -> None:
    """Remove files of a folder from its store; those that are gone are no error."""
    mounted = mount_of(folder)
    listed = sorted(names)
    if mounted is not None and listed:
        with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
            deque(pool.map(lambda name: mounted.store.remove(mounted.key(folder / name)), listed), maxlen=0)


_RESTORE = (
    "restore that object (a version of before, a backup), or put this file there from a machine that has it whole"
)


def _nowhere(path: Path, content: bytes) -> None:
    del path, content


def _publish(mounted: Mount, path: Path, content: bytes) -> None:
    if not mounted.store.put_if_absent(mounted.key(path), content):
        message = (
            f"{mounted.url(path)} holds other bytes than its name says; take that object out, and run the command again"
        )
        raise DataFileDamaged(message)


def _put_anew(mounted: Mount, path: Path, content: bytes) -> None:
    mounted.store.put(mounted.key(path), content)


def _write(mounted: Mount, path: Path, content: bytes) -> None:
    """Write a copy; one that a power cut tears is noticed by its digest, and brought anew."""
    if not path.parent.is_dir():
        mounted.make_folder(path.parent)
    temporary = disk.write_temporary(path.parent, content, is_synced=False, is_locked=mounted.is_locked)
    disk.rename(temporary, path)
