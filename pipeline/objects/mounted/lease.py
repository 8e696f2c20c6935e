"""The lock of a store: an object that says which machine works on the lake, and until when it is to be believed.

It spares a second machine its work, as the local lock does a second run; what keeps the lake whole is the conditional
create of a commit, and no clock. It is created or replaced on condition, renewed while it is held, and replaced by a
note that it is free once the work is done. A holder that died lets it expire; the same machine, which knows by the note
in its local lock that it was itself, takes it over at once.

Does not own the lock of the machine (``pipeline.objects.lock``), under which all of this is done.
"""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipeline.base.errors import StoreRefused, WorkspaceLocked
from pipeline.objects.encoded.strict_json import checked_fields, parse_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.objects.mounted.mounts import Mount

LOCK_KEY = "_lock.json"
EXPIRES_AFTER = timedelta(minutes=5)
_RENEWED_EVERY = EXPIRES_AFTER / 5
FREE = "free"
_FIELDS = {"run": str, "host": str, "command": str, "started_at": str, "expires_at": str, "is_clean": bool}


@contextmanager
def leased(mounted: Mount, note: Mapping[str, Any]) -> Iterator[None]:
    """Hold the lock of a store for the body: ``note`` is that of the local lock, which is held.

    So a lock by the name of its ``run`` is one that this machine did not let go of, and is taken over. Raises
    ``WorkspaceLocked``, which names who holds the lock, and ``StoreRefused``. A body that raises leaves word that
    something may be left half done (``Mount.was_left``); a lock that could not be let go of expires.
    """
    from pipeline.objects.stores import TagDiffers  # noqa: PLC0415  # few use a store

    store, key = mounted.store, mounted.prefix + LOCK_KEY
    stated = {**{name: note[name] for name in ("run", "command", "started_at")}, "host": os.uname().nodename}
    got = store.get(key)
    was = None if got is None else _read(got[0])
    if was is not None and was["run"] not in (FREE, note["run"]) and not _is_over(was):
        raise _locked(mounted, was)
    mounted.is_let_go = False
    try:
        tag = store.replace(key, _rendered(stated, is_clean=False), tag=None if got is None else got[1])
    except TagDiffers:
        mounted.is_let_go = True
        got = store.get(key)
        raise _locked(mounted, None if got is None else _read(got[0])) from None
    mounted.was_left = got is not None and (was is None or not was["is_clean"])
    ended, tags = threading.Event(), [tag]

    def renew() -> None:
        while not ended.wait(_RENEWED_EVERY.total_seconds()):
            try:
                tags[0] = store.replace(key, _rendered(stated, is_clean=False), tag=tags[0])
            except TagDiffers:
                return  # somebody thought us dead: a commit itself decides who is first
            except StoreRefused:
                continue  # the work itself meets the store, and says so

    renewal = threading.Thread(target=renew, daemon=True, name="lock of the store")
    renewal.start()
    is_clean = False
    try:
        yield
        is_clean = not mounted.was_left
    finally:
        ended.set()
        renewal.join()
        with suppress(StoreRefused, TagDiffers):  # it expires; what the body raised is told
            store.replace(key, _rendered({**stated, "run": FREE}, is_clean=is_clean), tag=tags[0])
            mounted.is_let_go = True


def holder_on_store(mounted: Mount) -> tuple[str | None, str | None]:
    """Return who holds the lock of a store, in words, and the tag of what says so; None where nobody does."""
    got = mounted.store.get(mounted.prefix + LOCK_KEY)
    if got is None:
        return None, None
    was = _read(got[0])
    return (None if was is None or was["run"] == FREE or _is_over(was) else _words(was)), got[1]


def _rendered(note: Mapping[str, Any], *, is_clean: bool) -> bytes:
    expires_at = _clock() + EXPIRES_AFTER
    return json.dumps({**note, "expires_at": expires_at.isoformat(), "is_clean": is_clean}).encode() + b"\n"


def _clock() -> datetime:
    """Read the machine's clock: no bill depends on it, and ``--as-of`` says nothing of who is alive."""
    return datetime.fromtimestamp(time.time(), UTC)


def _read(content: bytes) -> dict[str, Any] | None:
    """Return what a note says; None of one that nobody can read, and that holds nobody off."""
    try:
        note = checked_fields(parse_object(content), "the lock", **_FIELDS)
        return note | {"until": datetime.fromisoformat(note["expires_at"])}
    except ValueError:
        return None


def _is_over(note: dict[str, Any]) -> bool:
    return bool(note["until"] < _clock())


def _words(note: dict[str, Any]) -> str:
    return f"`{note['command']}` on {note['host']} (since {note['started_at']})"


def _locked(mounted: Mount, note: dict[str, Any] | None) -> WorkspaceLocked:
    who = "another machine" if note is None else _words(note)
    until = "" if note is None else f"; if it died, its lock is over at {note['expires_at']}"
    return WorkspaceLocked(
        f"{mounted.store.url} is in use by {who}; wait until it has ended, then run the command again{until}"
    )
