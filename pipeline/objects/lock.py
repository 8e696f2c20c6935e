"""One run at a time: a lock that names its holder and dies with it.

The kernel drops an ``flock`` when its process ends, however it ends, so there is no stale lock to break. The lock
spares a second run its work; what keeps the lake whole is the ``link()`` of a commit.

Does not own what is done under it.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any

from pipeline.base.errors import WorkspaceLocked
from pipeline.objects import disk, layout, litter
from pipeline.objects.encoded.strict_json import checked_fields, parse_object
from pipeline.objects.links import refuse_links, refuse_other_names
from pipeline.objects.mounted.lease import holder_on_store, leased
from pipeline.objects.mounted.mounts import check_conditions, held, mount_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from pipeline.objects.mounted.mounts import Mount


@contextmanager
def locked(lake_dir: Path, *, command: str, started_at: datetime) -> Iterator[None]:
    """Hold the workspace's lock (``lake/.lock``) for the body; the folder is made where it is missing.

    What runs that died left under temporary names is swept first.

    ``command`` and ``started_at`` are shown to whoever comes second, who gets ``WorkspaceLocked`` at once. Where the
    workspace is on a store, the store's lock is held too, and keeps other machines off.

    Raises ``ConfigurationError`` where the lock's file has another name, or a link lies in ``lake`` or ``invoices``:
    what is written would be written elsewhere too.
    """
    disk.make_folders(lake_dir.parent, lake_dir)
    refuse_links((lake_dir, layout.invoices(lake_dir.parent)))
    descriptor = disk.open_note(layout.lock(lake_dir))
    try:
        refuse_other_names(layout.lock(lake_dir), os.fstat(descriptor))
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = (
                f"workspace {lake_dir.parent} is in use by {_holder(descriptor, layout.lock(lake_dir))}; "
                "wait until it has ended, then run the command again"
            )
            raise WorkspaceLocked(message) from None
        # Who could not let go of a store's lock, as it died or the store was away, left its name: it is ours by that.
        run = _note(descriptor, layout.lock(lake_dir)).get("run") or os.urandom(8).hex()
        note = {"pid": os.getpid(), "command": command, "started_at": started_at.isoformat(), "run": run}
        disk.overwrite(descriptor, json.dumps(note).encode() + b"\n", layout.lock(lake_dir))
        mounted = _mounted(lake_dir)
        litter.sweep(lake_dir.parent)
        try:
            for folder in (lake_dir, layout.invoices(lake_dir.parent)):
                check_conditions(folder)
            lease = nullcontext() if mounted is None else leased(mounted, note)
            with held(lake_dir.parent), lease:
                yield
        finally:
            if mounted is None or mounted.is_let_go:
                with suppress(OSError):  # the note is read of who holds the lock alone; what the body raised is told
                    disk.overwrite(descriptor, b"", layout.lock(lake_dir))
    finally:
        os.close(
            descriptor
        )  # and with it the lock; the file stays, since taking its name away would let two runs lock two files


def last_used(lake_dir: Path) -> str:
    """Return a word that is another one after any run has held the lock, and while one does, on any machine."""
    mounted = _mounted(lake_dir)
    tag = "" if mounted is None else holder_on_store(mounted)[1]
    try:
        return f"{layout.lock(lake_dir).stat().st_mtime_ns} {tag}"
    except FileNotFoundError:
        return f"0 {tag}"


def user_since(lake_dir: Path, before: str) -> str | None:
    """Say who held the lock at some time since it was ``last_used`` so, for a reader who found things half made.

    ``None`` where nobody did.
    """
    mounted = _mounted(lake_dir)
    if mounted is not None and (holder := holder_on_store(mounted)[0]) is not None:
        return holder
    ended = None if last_used(lake_dir) == before else "a run that has ended since"
    try:
        descriptor = os.open(layout.lock(lake_dir), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return ended
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _holder(descriptor, layout.lock(lake_dir))
    finally:
        os.close(descriptor)
    return ended


def _mounted(lake_dir: Path) -> Mount | None:
    """Return what the workspace's lock on a store is beside: the lake, or else the invoices."""
    return mount_of(lake_dir) or mount_of(layout.invoices(lake_dir.parent))


def _holder(descriptor: int, path: Path) -> str:
    """Describe the holder from its note, which may be half written at this moment."""
    note = _note(descriptor, path)
    return f"`{note['command']}` (process {note['pid']}, since {note['started_at']})" if note else "another run"


def _note(descriptor: int, path: Path) -> dict[str, Any]:
    """Return what a note says; nothing of one that is empty, half written, or an earlier program's.

    Who refuses to read it is told with its ``path``, which the system does not name (``cli.surroundings``).
    """
    try:
        return checked_fields(
            parse_object(os.pread(descriptor, 4096, 0)),
            f"the lock {path}",
            pid=int,
            command=str,
            started_at=str,
            run=str,
        )
    except ValueError:
        return {}
