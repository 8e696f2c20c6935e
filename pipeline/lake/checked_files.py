"""The data files of a snapshot, each found undamaged before anybody opens it.

A file may leave the lake while somebody reads: a run that holds the lock compacts or forgets it, at any time until it
is opened. That is no damage, and has an error of its own, ``DataFileLeft``: read the log again.

Does not own which files count (``log.snapshot``), nor the check of one (``pipeline.objects.verified``).
"""

from __future__ import annotations

import errno
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.base.errors import DataFileLeft, TallybookError
from pipeline.lake.commits import ADVICE, named_files, read_log
from pipeline.objects import layout
from pipeline.objects.encoded.parquet_bytes import SomeRows
from pipeline.objects.mounted.files import fetch_all, whole_file
from pipeline.objects.mounted.mounts import REQUESTS_AT_ONCE, mount_of
from pipeline.objects.verified import check_size, has_size

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from pipeline.lake.log.commit import AnyFile, DataFile, QuarantineFile
    from pipeline.lake.log.compacting import CompactedFile
    from pipeline.lake.log.forgetting import KeptFile
    from pipeline.lake.log.snapshot import LakeSnapshot
    from pipeline.objects.encoded.parquet_bytes import FileRows

_DATA_FILE_SAID = re.compile(rf"(?:date=[0-9-]{{10}}|quarantine|forgotten)/({layout.DATA_FILE_NAME.pattern})")
_ADVICE_KEPT = "restore it from a backup: it is what is kept of events that were forgotten, and made of nothing else"


def verified_files(lake_dir: Path, snapshot: LakeSnapshot) -> list[FileRows]:
    """Return the data files of usage events, in the order of their commits, each read whole and found undamaged.

    Of a compacted file of which only some parts are meant, the rows of these: what counts now is always all of a file,
    what counted then may not be.

    A flipped bit in a compressed file gives wrong sums far more often than an error, so no engine may open a file that
    was not checked here. Raises ``DataFileDamaged`` naming the first file that is missing, or whose size or sha256
    differs, and ``DataFileLeft`` where it was compacted or forgotten since the log was read.
    """
    return verified_data_files(lake_dir, snapshot.data_files)


def verified_data_files(lake_dir: Path, data_files: Iterable[DataFile]) -> list[FileRows]:
    """Return some data files of usage events; as ``verified_files``."""
    return _verified(lake_dir, layout.usage_events(lake_dir), data_files)


def check_present(lake_dir: Path, snapshot: LakeSnapshot) -> None:
    """Raise ``DataFileDamaged`` for the first data file that is missing or of another size; as ``verified_files``.

    None is read. Where the lake is on a store, those are brought.
    """
    table_dir = layout.usage_events(lake_dir)
    files = {file.stored.path: file.stored for file in snapshot.data_files}.values()
    if mount_of(table_dir) is not None:
        lacking = [file for file in files if not has_size(table_dir / file.path, file.size)]
        fetch_all((table_dir / file.path, file.sha256) for file in lacking)
    with heeding_what_left(lake_dir):
        for file in files:
            check_size(table_dir / file.path, size=file.size, advice=ADVICE)


def verified_quarantine(lake_dir: Path, snapshot: LakeSnapshot) -> list[FileRows]:
    """Return the files of quarantined lines; as ``verified_files``."""
    return verified_quarantine_files(lake_dir, snapshot.quarantine_files)


def verified_quarantine_files(lake_dir: Path, quarantine_files: Iterable[QuarantineFile]) -> list[FileRows]:
    """Return some files of quarantined lines; as ``verified_files``."""
    return _verified(lake_dir, layout.quarantine(lake_dir), quarantine_files)


def _verified(lake_dir: Path, folder: Path, files: Iterable[AnyFile]) -> list[FileRows]:
    """Check files, several at a time: hashing gives the interpreter away."""
    spans: dict[str, list[tuple[int, int]]] = {}
    stored: dict[str, AnyFile | CompactedFile] = {}
    for file in files:
        lies_in = file.stored
        start = 0 if file.within is None else file.within.start
        spans.setdefault(lies_in.path, []).append((start, start + file.rows))
        stored[lies_in.path] = lies_in

    def verified(file: AnyFile | CompactedFile) -> FileRows:
        path = folder / file.path
        of_it = _joined(spans[file.path])
        is_whole = of_it == ((0, file.rows),)
        if is_whole or not _KNOWN.has(path):
            whole_file(path, sha256=file.sha256, size=file.size, advice=ADVICE)
            if not is_whole:
                _KNOWN.add(path)
        return path if is_whole else SomeRows(path=path, spans=of_it)

    at_once = None if mount_of(folder) is None else REQUESTS_AT_ONCE
    with heeding_what_left(lake_dir), ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(verified, stored.values()))


def _joined(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return the same rows as spans of which none touches another."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(set(spans)):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return tuple(found)


class _Known:
    """Compacted files that this process has verified, as they lie there: who asks for one part asks for the next."""

    def __init__(self) -> None:
        self._seen: dict[Path, tuple[int, ...]] = {}

    def has(self, path: Path) -> bool:
        return path in self._seen and self._seen[path] == _state_of(path)

    def add(self, path: Path) -> None:
        state = _state_of(path)
        if state is not None:
            self._seen[path] = state


_KNOWN = _Known()


def _state_of(path: Path) -> tuple[int, ...] | None:
    try:
        status = path.stat(follow_symlinks=False)
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def verified_kept(lake_dir: Path, files: Iterable[KeptFile]) -> list[Path]:
    """Return some files that are kept of what was forgotten; as ``verified_files``."""
    folder = layout.forgotten(lake_dir)
    with heeding_what_left(lake_dir):
        return [
            whole_file(folder / file.name, sha256=file.sha256, size=file.size, advice=_ADVICE_KEPT) for file in files
        ]


@contextmanager
def heeding_what_left(lake_dir: Path) -> Iterator[None]:
    """Raise ``DataFileLeft`` where the body fails at a file that left the lake since the log was read."""
    try:
        yield
    except Exception as error:
        refuse_what_left(lake_dir, error)
        raise


def refuse_what_left(lake_dir: Path, error: Exception) -> None:
    """Raise ``DataFileLeft`` where an error is of a file that left the lake since the log was read.

    It may be of a check, or of an engine that opens what was checked; each names the file. What the machine refuses to
    do with a file is not of this kind, be it that the file just left.
    """
    said = [] if _is_refused(error) else _DATA_FILE_SAID.findall(str(error))
    if said and _has_left(lake_dir, said):
        message = (
            f"workspace {lake_dir.parent} was in use by a run that compacted or forgot what was being read; "
            "run the command again"
        )
        raise DataFileLeft(message) from error


def _is_refused(error: BaseException | None) -> bool:
    """Say whether the machine has refused something else than to open what is not there."""
    while error is not None:
        if isinstance(error, OSError) and error.errno not in (None, errno.ENOENT, errno.ESTALE):
            return True
        error = error.__cause__ or error.__context__
    return False


def _has_left(lake_dir: Path, names: Collection[str]) -> bool:
    """Say whether an entry of the log added one of these data files, and a later one took it away."""
    try:
        left = set(names) - {path.name for path in named_files(lake_dir, read_log(lake_dir))}
        entries = [path.read_text(encoding="utf-8") for path in layout.delta_log(lake_dir).glob("*.json")]
    except (TallybookError, OSError):
        return False  # of a log that cannot be read the first error is told
    return any(name in entry for entry in entries for name in left)
