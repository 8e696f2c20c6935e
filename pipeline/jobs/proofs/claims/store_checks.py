"""The claims about a lake and a register on a store: it holds every entry and every file, to the last byte.

All other claims are about this machine's copies. Each object that an entry names is fetched once more and hashed, so
that a store which lost or changed one is found out before a machine without a copy needs it. Where nothing is on a
store, nothing is claimed. Does not own fetching what is missing here (``pipeline.objects.mounted``).
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from pipeline.jobs.check import check_that_none
from pipeline.jobs.proofs.claims.forgotten_checks import forgotten_files
from pipeline.jobs.wording import counted
from pipeline.lake.commits import named_files
from pipeline.objects import append_log, layout
from pipeline.objects.mounted.entries import entry_numbers
from pipeline.objects.mounted.files import state_on_store
from pipeline.objects.mounted.mounts import REQUESTS_AT_ONCE, mount_of
from pipeline.objects.verified import bytes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.check import Check
    from pipeline.lake.log.snapshot import LakeSnapshot


def store_checks(workspace: Workspace, snapshot: LakeSnapshot) -> Iterator[Check]:
    """Check what the stores of a workspace hold against its log and its copies. Raises ``StoreRefused``."""
    root = workspace.root
    copies = [
        *_entries(layout.delta_log(workspace.lake)),
        *_entries(layout.key_aliases(root)),
        *(path for folder in (layout.register, layout.payments, layout.signatures) for path in _entries(folder(root))),
        *_configurations(layout.configurations(root)),
    ]
    if mount_of(workspace.lake) is None and mount_of(layout.invoices(root)) is None:
        return
    copies = [path for path in copies if mount_of(path) is not None]
    wrong = _differing(copies, lambda path, there: there is not None and there == bytes_of(str(path)))
    fine = f"{counted(len(copies), 'entry or configuration', 'entries and configurations')}, byte for byte as here"
    yield check_that_none(wrong, name="the_store_holds_every_entry", fine=fine, found="missing or another one")
    if mount_of(workspace.lake) is None:
        return
    files = sorted(named_files(workspace.lake, snapshot))
    wrong = _differing(files, lambda path, there: hashlib.sha256(there or b"").hexdigest() == path.stem)
    fine = f"{counted(len(files), 'data file has', 'data files have')} the sha256 that the log states"
    yield check_that_none(wrong, name="the_store_holds_every_data_file", fine=fine, found="missing or damaged")
    if snapshot.forgettings:
        gone = sorted(forgotten_files(workspace, snapshot))
        wrong = _differing(gone, lambda _, there: there is None)
        fine = f"{counted(len(gone), 'file', 'files')} of what was forgotten are gone from the store"
        yield check_that_none(wrong, name="the_store_holds_nothing_forgotten", fine=fine, found="is still there")


def _differing(paths: Iterable[Path], is_right: Callable[[Path, bytes | None], bool]) -> list[str]:
    """Return the addresses of files of which the store holds something wrong."""

    def wrong(path: Path) -> str | None:
        mounted, (there, _) = mount_of(path), state_on_store(path)
        return None if mounted is None or is_right(path, there) else mounted.url(path)

    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        return [url for url in pool.map(wrong, paths) if url is not None]


def _entries(folder: Path) -> list[Path]:
    return [append_log.entry_path(folder, number) for number in sorted(entry_numbers(folder))]


def _configurations(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.json")) if folder.is_dir() else []
