"""A log on an object store, as it was listed, and the listing of those that a glob names.

Owns how such a log is called (its address), and what is taken for one of a listing. Does not own reading.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeAlias

from pipeline.base.errors import ConfigurationError
from pipeline.configuration.stored.key_glob import KeyGlob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.objects.stores import ObjectStore, StoredObject

_UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLog:
    """An object, of the content that it had when it was listed: another content is another one."""

    url: str
    """``s3://bucket/key``: so it is called in the lake and in messages."""
    size: int
    """In bytes."""
    tag: str
    """The store's ETag."""
    modified_at: datetime = field(compare=False)
    """By the store's clock; aware."""
    store: ObjectStore = field(compare=False, repr=False)
    """The whole bucket."""
    first: Callable[[StoredLog], bytes] | None = field(default=None, compare=False, repr=False)
    """Returns its first bytes, where somebody asks for those of many at once."""

    def __str__(self) -> str:
        """Return what it is called."""
        return self.url

    @property
    def key(self) -> str:
        """What the bucket calls it."""
        return self.url.removeprefix(f"{self.store.url}/")

    @property
    def name(self) -> str:
        """The last part of its key, as a file's name."""
        return PurePosixPath(self.key).name

    @property
    def parent(self) -> PurePosixPath:
        """The parts of its key before the last."""
        return PurePosixPath(self.key).parent


LogPath: TypeAlias = Path | StoredLog
"""Where a log is opened: a file, or an object."""


def is_there(path: LogPath) -> bool:
    """Say whether a log is a regular file, or an object that was listed."""
    return isinstance(path, StoredLog) or path.is_file()


def size_of(path: LogPath) -> int:
    """Return how large a log is, in bytes; 0 of what is no file, or is gone by now."""
    if isinstance(path, StoredLog):
        return path.size
    return path.stat().st_size if path.is_file() else 0


def list_stored(glob: KeyGlob, store: ObjectStore, *, after: str | None = None) -> Iterator[StoredLog]:
    """Yield the objects that a glob names, of its bucket ``store``; only those after the key ``after``.

    Raises ``StoreRefused``.
    """
    if glob.literal is not None:
        found = store.find(glob.literal)
        listed = iter(() if found is None else (found,))
    else:
        listed = store.list(glob.folder, after=max(filter(None, (after, glob.after)), default=None))
    for each in listed:
        if glob.names(each.key):
            yield _log(each, store)


def stored_log_at(url: str) -> StoredLog | None:
    """Return the object at an address; ``None`` where there is none.

    Raises ``ConfigurationError`` for the address of none or of many, ``StoreRefused`` and ``ExtraMissing``.
    """
    from pipeline.objects.stores import ObjectStore  # noqa: PLC0415  # few have logs there

    glob = KeyGlob(url)
    if glob.literal is None:
        message = f"{url} has wildcards; name one object, or write the glob into the paths of a source"
        raise ConfigurationError(message)
    store = ObjectStore(glob.bucket)
    found = store.find(glob.literal)
    return None if found is None else _log(found, store)


def stored_log_of(url: str, store: ObjectStore, *, size: int, tag: str) -> StoredLog:
    """Return an object as another machine listed it, at its address in the bucket ``store``; when is not known."""
    return StoredLog(url=url, size=size, tag=tag, modified_at=_UNKNOWN, store=store)


def _log(stored: StoredObject, store: ObjectStore) -> StoredLog:
    return StoredLog(
        url=f"{store.url}/{stored.key}",
        size=stored.size,
        tag=stored.tag,
        modified_at=stored.modified_at,
        store=store,
    )
