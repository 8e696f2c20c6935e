"""Every write, fsync, rename, link and removal of the project.

So one module carries every fault that a disk can have.

A name or a content is durable only after an fsync: of the file for its content, of the folder for a name in it. Callers
keep the order (content, then names, then the log entry that makes them count); this module keeps each step whole.
Everything goes through this module's ``os``, so a fault-injecting stand-in for it sees every call.

Does not own what is written nor when it counts (``lake``, ``derived``, ``register``), nor reading.
"""

from __future__ import annotations

import contextlib
import os
import re
from contextlib import contextmanager
from os import urandom
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TEMPORARY_NAME = re.compile(r"\.(tmp|out)-([0-9]+)-[0-9a-f]{16}")
"""What a file is called until it is whole: its writer's process id and 64 random bits. A crash may leave one; no reader
believes it. It is ``.out-…`` where the writer need not hold the workspace's lock, and so may be at work.
"""
_OF_HOLDERS = ".tmp-"
FILE_MODE = 0o640
"""Whatever is written says who used what, or owes what: it is for its owner and their group, and for nobody else."""
FOLDER_MODE = 0o750
FILE_MODE_OF_UMASK = 0o666
"""For what people asked for by name, as their own editor would make it."""
FOLDER_MODE_OF_UMASK = 0o777


def make_folders(within: Path, *folders: Path, mode: int = FOLDER_MODE) -> None:
    """Make the folders, with their parents, below the existing folder ``within``.

    All their names are durable afterwards. ``mode`` is cut by the umask; a folder that is there keeps its own.

    Parents are synced even where a folder exists already: an earlier run may have died between making and syncing it.
    Raises ``ValueError`` for a folder that is not below ``within``.
    """
    chains = [_chain(within, folder) for folder in folders]
    for folder in dict.fromkeys(folder for chain in chains for folder in chain[1:]):
        try:
            with _refused_by(folder.parent):
                os.mkdir(folder, mode)  # noqa: PTH102 - every fault enters by this module's `os`
        except FileExistsError:
            continue  # a file of that name makes the next step fail with its own words
    for parent in dict.fromkeys(folder for chain in chains for folder in chain[:-1]):
        sync_folder(parent)


def make_derived_folder(folder: Path) -> None:
    """Make a folder in one that is there; after a power cut it may be gone: for what can be derived again."""
    with contextlib.suppress(FileExistsError), _refused_by(folder.parent):
        os.mkdir(folder, FOLDER_MODE)  # noqa: PTH102 - every fault enters by this module's `os`


def write_temporary(
    folder: Path, content: bytes, *, mode: int = FILE_MODE, is_synced: bool = True, is_locked: bool = True
) -> Path:
    """Write the content under a new temporary name in the folder; see ``write_pieces``."""
    return write_pieces(folder, (content,), mode=mode, is_synced=is_synced, is_locked=is_locked)


def write_pieces(
    folder: Path,
    pieces: Iterable[bytes],
    *,
    mode: int = FILE_MODE,
    is_synced: bool = True,
    is_locked: bool = True,
) -> Path:
    """Write pieces, one after the other, under a new temporary name in the folder and fsync the file.

    The name itself is not durable yet. ``mode`` is cut by the umask. Without ``is_synced`` the content may be lost to a
    power cut too: for what its readers check and can do without. ``is_locked``: under the workspace's lock. After an
    ``OSError`` (a full disk, a failing one) nothing is left behind where that can be helped.
    """
    temporary = _temporary(folder, is_locked=is_locked)
    with _refused_by(folder):
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        try:
            for content in pieces:
                _write_whole(descriptor, content)
            if is_synced:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        with contextlib.suppress(OSError):  # a disk that refuses for good refuses this too; the first reason is told
            os.unlink(temporary)  # noqa: PTH108 - every fault enters by this module's `os`
        raise _named(error, folder) from None
    return temporary


@contextmanager
def nameless(pieces: Iterable[bytes]) -> Iterator[Path]:
    """Write pieces into a file without a name, in the system's folder for temporary files (``TMPDIR``).

    The path that is yielded opens it within this process alone. It is gone when the context, or the process, ends,
    however that ends.
    """
    import tempfile  # noqa: PLC0415  # for what is received alone; it brings random numbers along

    from pipeline.objects.temporary.scratch import system_folder  # noqa: PLC0415

    with tempfile.TemporaryFile(buffering=0, dir=system_folder()) as file:
        for content in pieces:
            _write_whole(file.fileno(), content)
        yield Path(f"/dev/fd/{file.fileno()}")


def rename(temporary: Path, final: Path) -> None:
    """Give a temporary file its final name, replacing what is there; durable once ``sync_folder`` has returned."""
    os.rename(temporary, final)  # noqa: PTH104 - every fault enters by this module's `os`


def link_new(temporary: Path, final: Path) -> None:
    """Give a temporary file a final name that must be new, durably, and drop the temporary one.

    Of several writers exactly one wins; the others get ``FileExistsError`` and have changed nothing. (A rename would
    replace what the first one wrote.)
    """
    try:
        os.link(temporary, final)
    except FileExistsError:
        remove(temporary)
        raise
    sync_folder(final.parent)
    remove(temporary)


def link_all(folder: Path, pairs: Iterable[tuple[Path, Path]]) -> None:
    """Give temporary files of a folder their final names in it, and drop the temporary ones.

    One that is there stays: for copies, of which another process may bring the same, and a power cut take any.
    """
    listed = list(pairs)
    for temporary, final in listed:
        with contextlib.suppress(FileExistsError):
            os.link(temporary, final)
    remove_files(folder, [temporary.name for temporary, _ in listed])


def replace_durably(
    path: Path, content: bytes, *, mode: int = FILE_MODE, beside: Path | None = None, is_locked: bool = True
) -> None:
    """Replace a file's content, or make the file; ``mode`` is cut by the umask.

    Until it is whole it lies in the folder of the file, or in another one of the same file system, ``beside``.
    ``is_locked``: the workspace's lock is held.

    A reader sees all of the old or all of the new, also after a power cut.
    """
    rename(write_temporary(beside or path.parent, content, mode=mode, is_locked=is_locked), path)
    sync_folder(path.parent)


@contextmanager
def replaced_by_another(path: Path) -> Iterator[Path]:
    """Replace a file durably by what an engine, which writes files itself, wrote under the name that is yielded.

    That name is new and in the same folder. Nothing is left behind, and the old file is whole, where anything is
    raised.
    """
    temporary = _temporary(path.parent, is_locked=False)
    try:
        yield temporary
        descriptor = os.open(temporary, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        except OSError as error:
            raise _named(error, path.parent) from None
        finally:
            os.close(descriptor)
        rename(temporary, path)
    except BaseException:
        remove_files(path.parent, [temporary.name, f"{temporary.name}.wal"])
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable: those given, and those taken away."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        raise _named(error, folder) from None
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """Take a file's name away; after a power cut it may be there again."""
    os.unlink(path)  # noqa: PTH108 - every fault enters by this module's `os`


def remove_files(folder: Path, names: Iterable[str]) -> list[str]:
    """Remove these files of a folder, and say which; one that is gone already is no error."""
    removed = []
    for name in sorted(names):
        try:
            remove(folder / name)
        except FileNotFoundError:
            continue
        removed.append(name)
    return removed


def remove_empty_folder(folder: Path) -> None:
    """Remove a folder; one that holds anything stays."""
    if not any(folder.iterdir()):
        os.rmdir(folder)  # noqa: PTH106 - every fault enters by this module's `os`


def sweep_temporaries(folder: Path) -> list[str]:
    """Remove what a crash left under a temporary name, and say what; only for the holder of the workspace's lock.

    What is written without it stays.
    """
    return remove_files(folder, filter(is_of_a_holder, temporaries(folder)))


def is_of_a_holder(name: str) -> bool:
    """Say whether a temporary name is of a file that is written under the workspace's lock alone."""
    return name.startswith(_OF_HOLDERS)


def temporaries(folder: Path) -> list[str]:
    """Return the temporary names in a folder; none where there is no folder."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:  # a folder may hold 20,000 names, and next to none is temporary
        return sorted(each.name for each in entries if TEMPORARY_NAME.fullmatch(each.name))


def open_note(path: Path) -> int:
    """Open a file to be read, locked and overwritten in place, made where it is missing.

    The caller closes the descriptor.
    """
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)


def overwrite(descriptor: int, content: bytes, path: Path) -> None:
    """Replace the content of an open file in place; ``path`` is what an error names.

    Neither atomic nor durable: for the lock's note, which dies with its holder.
    """
    try:
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        _write_whole(descriptor, content)
    except OSError as error:
        raise _named(error, path) from None


def _temporary(folder: Path, *, is_locked: bool) -> Path:
    return folder / f"{_OF_HOLDERS if is_locked else '.out-'}{os.getpid()}-{urandom(8).hex()}"


def _named(error: OSError, path: Path) -> OSError:
    """Let an error of an open file say where it was: the system names no path then."""
    if error.filename is None:
        error.filename = str(path)
    return error


@contextmanager
def _refused_by(folder: Path) -> Iterator[None]:
    """Let the refusal of a new name in a folder say which folder: the name is none that anybody could look at."""
    try:
        yield
    except PermissionError as error:
        error.filename = str(folder)
        raise


def _write_whole(descriptor: int, content: bytes) -> None:
    """``os.write`` may take less than it was given: a signal, a limit, a nearly full disk."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _chain(within: Path, folder: Path) -> list[Path]:
    """List the folders from ``within`` down to ``folder``, both included."""
    chain = [within]
    for part in folder.relative_to(within).parts:
        chain.append(chain[-1] / part)
    return chain
