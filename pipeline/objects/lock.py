"""One run at a time: a lock that names its holder and dies with it.

The kernel drops an ``flock`` when its process ends, however it ends, so there is no stale lock to break. The lock
spares a second run its work; what keeps the lake whole is the ``link()`` of a commit.

Does not own what is done under it.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from pipeline.base.errors import WorkspaceLocked
from pipeline.objects import disk, layout, litter
from pipeline.objects.links import refuse_links, refuse_other_names
from pipeline.objects.strict_json import checked_fields, parse_object

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path


@contextmanager
def locked(lake_dir: Path, *, command: str, started_at: datetime) -> Iterator[None]:
    """Hold the workspace's lock (``lake/.lock``) for the body; the folder is made where it is missing.

    What runs that died left under temporary names is swept first.

    ``command`` and ``started_at`` are shown to whoever comes second, who gets ``WorkspaceLocked`` at once.

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
                f"workspace {lake_dir.parent} is in use by {_holder(descriptor)}; "
                "wait until it has ended, then run the command again"
            )
            raise WorkspaceLocked(message) from None
        note = {"pid": os.getpid(), "command": command, "started_at": started_at.isoformat()}
        disk.overwrite(descriptor, json.dumps(note).encode() + b"\n", layout.lock(lake_dir))
        litter.sweep(lake_dir.parent)
        try:
            yield
        finally:
            with suppress(OSError):  # the note is read of who holds the lock alone; what the body raised is told
                disk.overwrite(descriptor, b"", layout.lock(lake_dir))
    finally:
        os.close(
            descriptor
        )  # and with it the lock; the file stays, since taking its name away would let two runs lock two files


def last_used(lake_dir: Path) -> int:
    """Return a number that is another one after any run has held the lock, and while one does."""
    try:
        return layout.lock(lake_dir).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def user_since(lake_dir: Path, before: int) -> str | None:
    """Say who held the lock at some time since it was ``last_used`` so, for a reader who found things half made.

    ``None`` where nobody did.
    """
    try:
        descriptor = os.open(layout.lock(lake_dir), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _holder(descriptor)
    finally:
        os.close(descriptor)
    return None if last_used(lake_dir) == before else "a run that has ended since"


def _holder(descriptor: int) -> str:
    """Describe the holder from its note, which may be half written at this moment."""
    try:
        note = checked_fields(
            parse_object(os.pread(descriptor, 4096, 0)), "the lock", pid=int, command=str, started_at=str
        )
    except ValueError:
        return "another run"
    return f"`{note['command']}` (process {note['pid']}, since {note['started_at']})"
