"""Files on the store of a lake that nothing names: what runs left there that died, on machines that may be gone.

Does not own the files of this machine (``commits.sweep_orphans``), of which those that are found are removed there too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.lake import derived
from pipeline.lake.data_files import is_overtaken
from pipeline.objects import layout
from pipeline.objects.mounted.lease import LOCK_KEY
from pipeline.objects.mounted.mounts import mount_of
from pipeline.objects.temporary.dead import DEAD_AFTER_SECONDS

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from pathlib import Path

    from pipeline.objects.mounted.mounts import Mount
    from pipeline.objects.stores import StoredObject


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreOrphans:
    """Files on a store, as they would be called here."""

    overtaken: tuple[Path, ...] = ()
    """That can never count: the number of the commit they were written for is taken, or they are of a derived table,
    are named by no manifest, and were put so long ago that whoever put them is not about to name them.
    """
    waiting: tuple[Path, ...] = ()
    """Whose writer may be about to name them."""


def orphans_on_store(lake_dir: Path, named: Collection[Path], version: int | None) -> StoreOrphans:
    """Return the files that the lake's store holds and that nothing names; none where the lake is on no store.

    ``named`` are the files that entries up to ``version`` name. Everything on the store is listed.
    """
    mounted = mount_of(lake_dir)
    if mounted is None:
        return StoreOrphans()
    known = set(named)
    data_folders = (layout.quarantine(lake_dir), layout.forgotten(lake_dir))
    overtaken: list[Path] = []
    waiting: list[Path] = []
    of_tables: dict[str, list[StoredObject]] = {}
    locked_at: datetime | None = None
    for each in mounted.store.list(mounted.prefix.rstrip("/")):
        path = lake_dir / each.key.removeprefix(mounted.prefix)
        folder = path.parent
        is_data = folder in data_folders or (
            folder.parent == layout.usage_events(lake_dir) and layout.PARTITION_NAME.fullmatch(folder.name)
        )
        if is_data and layout.DATA_FILE_NAME.fullmatch(path.name):
            if path not in known:
                (overtaken if _is_overtaken(mounted, path, version) else waiting).append(path)
        elif folder.parent == lake_dir and derived.is_file_name(path.name):
            of_tables.setdefault(folder.name, []).append(each)
        elif each.key == mounted.prefix + LOCK_KEY:
            locked_at = each.modified_at
    for table, pieces in of_tables.items():
        in_force = derived.names_on_store(lake_dir, table)
        for each in pieces:
            path = lake_dir / each.key.removeprefix(mounted.prefix)
            if path.name not in in_force:
                (overtaken if _is_left(each, locked_at) else waiting).append(path)
    return StoreOrphans(overtaken=tuple(overtaken), waiting=tuple(waiting))


def _is_left(piece: StoredObject, locked_at: datetime | None) -> bool:
    """Say whether a piece of a derived table was put long before the lock was taken, both by the store's clock.

    Where the lock failed, another machine may have put it just now, and be about to name it in a manifest.
    """
    return locked_at is not None and locked_at - piece.modified_at > timedelta(seconds=DEAD_AFTER_SECONDS)


def _is_overtaken(mounted: Mount, path: Path, version: int | None) -> bool:
    got = mounted.store.get(mounted.key(path))
    return got is not None and is_overtaken(pa.BufferReader(got[0]), version)
