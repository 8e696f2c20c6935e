"""Object stores (S3, Google Cloud Storage, Azure): bytes by key, each object whole or not there at all.

Owns the few calls that we make of a store, and what their answers mean. A put is conditional wherever two may write:
of several that create a key exactly one wins, and who replaces an object says which one. A put whose answer was lost is
asked again; where the object then is what was to be put, it was ours.

Does not own which files lie on a store (``mounts``) nor their order, nor the words for what a store refuses
(``store_refusals``). Credentials come from the environment alone, as each provider's own tools read them; none is part
of an address. The library is the extra ``objects``, and imported where a store is opened.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.base.errors import ConfigurationError, ExtraMissing
from pipeline.objects.store_refusals import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

STORE_URL = re.compile(r"(s3|gs|az)://[A-Za-z0-9][A-Za-z0-9._-]{1,253}(/[^\s?#*\[\]]*)?", re.ASCII)
"""``az://`` is followed by the account's container, as in ``az://container/prefix``; the account is in the environment.
"""
_ATTEMPTS = 5
_PATIENCE = timedelta(seconds=90)
"""How long one request is tried again before it is refused; servers that answer 500 or not at all mostly recover."""
_TRIALS = 3
"""How often is asked what the library does not ask again: what was not answered in time, ends before its end, or met
another request on its way."""
_REQUEST_SECONDS = "30s"
_ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "gs": ("GOOGLE_BASE_URL",),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
}
"""By which variables a server of one's own is named; the first that is set is the one."""
TRIED_KEY = "_conditions"
"""By this object it is tried whether a store heeds the conditions of puts."""
_FIRST = b"this was made once; who makes it again, or replaces another, is refused\n"
_TAG_OF_NOTHING = '"00000000000000000000000000000000"\n1'


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object as a store lists it: its key below the store's prefix, its bytes, their tag, and when it was put."""

    key: str
    size: int
    tag: str
    """The store's ETag: another one after any change."""
    modified_at: datetime
    """By the store's clock; aware."""


class TagDiffers(Exception):
    """The object is not the one that was named by its tag: another writer replaced it, or it is gone."""


class ObjectStore:
    """A prefix of a bucket. Every call raises ``StoreRefused`` where the store cannot be reached, or refuses."""

    def __init__(self, url: str) -> None:
        """Open a store; nothing is asked of it yet.

        Raises ``ConfigurationError`` for an address that is none, ``ExtraMissing`` where the library is not installed.
        """
        if not STORE_URL.fullmatch(url):
            message = f"{url!r} is no address of an object store; write s3://bucket/prefix, gs://… or az://…"
            raise ConfigurationError(message)
        try:
            from obstore.store import from_url  # noqa: PLC0415  # few use it
        except ModuleNotFoundError:
            message = f"{url} needs a library for object stores; pip install 'tallybook[objects]'"
            raise ExtraMissing(message) from None
        self.url = url.rstrip("/")
        with self._refusals("open"):
            self._store: Any = from_url(
                self.url,
                client_options={
                    "timeout": _REQUEST_SECONDS,
                    "connect_timeout": "5s",
                    "allow_http": _is_plain_http(url.partition(":")[0]),
                },
                retry_config={"max_retries": _ATTEMPTS, "retry_timeout": _PATIENCE},
            )

    def put_if_absent(self, key: str, content: bytes) -> bool:
        """Create an object; say whether it is there now with this content: ``False`` where another's is.

        Equal bytes are ours: either they were put by an attempt whose answer was lost, or they say the same.
        """
        with self._refusals("create", key):
            return self._put(key, content, None) is not None

    def put(self, key: str, content: bytes) -> None:
        """Put an object whose key says its bytes, whether it is there or not; its age is that of this put then."""
        with self._refusals("put", key):
            _asked(lambda: self._store.put(key, content, use_multipart=False))

    def replace(self, key: str, content: bytes, *, tag: str | None) -> str:
        """Replace the object that has this tag, or make it (``None``), and return the new tag.

        Raises ``TagDiffers`` where it is another one by now.
        """
        with self._refusals("replace", key):
            new = self._put(key, content, tag)
        if new is None:
            raise TagDiffers(key)
        return new

    def ignored_condition(self) -> str | None:
        """Say in words what the store does that it must refuse: to create what is there, or to replace another object.

        None where it refuses both. Some servers that speak S3 ignore conditions, and each of two writers would then
        believe that it won. An object of the name ``TRIED_KEY`` stays.
        """
        self.put_if_absent(TRIED_KEY, _FIRST)
        other = os.urandom(16)  # not what is there, whoever tried before
        if self.put_if_absent(TRIED_KEY, other):
            return "create (it ignores If-None-Match)"
        try:
            self.replace(TRIED_KEY, other, tag=_TAG_OF_NOTHING)
        except TagDiffers:
            return None
        return "replace where it has another tag (it ignores If-Match)"

    def _put(self, key: str, content: bytes, tag: str | None) -> str | None:
        """Replace what has this tag, or create, and return the new tag; ``None`` where something else is there.

        The library asks again after an answer of 5xx. What became of a put that was not answered in time, or that met
        another on its way (409 of S3), is seen by reading; a put that is still on its way then puts the same bytes.
        """
        unknown: tuple[type[Exception], ...] = (*_undecided(), FileNotFoundError)  # S3's, of none to be replaced
        mode = "create" if tag is None else dict(zip(("e_tag", "version"), tag.split("\n"), strict=False))

        def put() -> str | None:
            try:
                return self._tag_of(self._store.put(key, content, mode=mode, use_multipart=False))
            except unknown:
                there = self._got(key)
                if there is not None and there[0] == content:
                    return there[1]
                if (None if there is None else there[1]) != tag:
                    return None
                raise

        return _asked(put)

    def get(self, key: str) -> tuple[bytes, str] | None:
        """Return an object's bytes and tag; ``None`` where there is none."""
        with self._refusals("read", key):
            return self._got(key)

    def _got(self, key: str) -> tuple[bytes, str] | None:
        try:
            got = self._store.get(key)
            return bytes(got.bytes()), self._tag_of(got.meta)
        except FileNotFoundError:
            return None

    def get_range(self, key: str, start: int, end: int, *, tag: str) -> bytes:
        """Return bytes ``start`` to ``end`` (exclusive) of the object that has this tag. Raises ``TagDiffers``.

        Also where the store ignores the condition, as some that speak S3 do: what it sends says which object it is of.
        """
        from obstore.exceptions import PreconditionError  # noqa: PLC0415

        tag = tag.partition("\n")[0]
        if start >= end:
            return b""
        with self._refusals("read", key):
            try:
                got = self._store.get(key, options={"if_match": tag, "range": (start, end)})
                content = bytes(got.bytes())
            except (FileNotFoundError, PreconditionError):
                raise TagDiffers(key) from None
        if _quoted(got.meta["e_tag"]) != tag:
            raise TagDiffers(key)
        return content

    def find(self, key: str) -> StoredObject | None:
        """Return what a store says of one object; ``None`` where there is none."""
        with self._refusals("find", key):
            try:
                return _stored(self._store.head(key))
            except FileNotFoundError:
                return None

    def list(self, prefix: str, *, after: str | None = None) -> Iterator[StoredObject]:
        """List the objects whose keys begin with the folder ``prefix``, in the order of their keys.

        Only those after the key ``after``, so that what is known already costs no request.
        """
        begun_after, last = after, after
        pages: Iterator[Any] | None = None

        def page() -> Any:
            nonlocal pages, begun_after
            if pages is None:  # also where one was not answered: behind the last key that was
                begun_after = last
                pages = iter(self._store.list(prefix or None, offset=last))
            try:
                return next(pages, ())
            except _undecided():
                pages = None
                raise

        with self._refusals("list", prefix):
            while listed := _asked(page):
                for each in listed:
                    key = str(each["path"])
                    last = key if last is None else max(last, key)
                    if begun_after is None or key > begun_after:  # Azure begins with that key, or before it
                        yield _stored(each)

    def remove(self, key: str) -> None:
        """Remove an object; one that is gone already is no error."""
        with self._refusals("remove", key), suppress(FileNotFoundError):
            _asked(lambda: self._store.delete(key))

    def _tag_of(self, meta: Any) -> str:
        """Return what a replacement names: Google's store asks for the generation of an object, others for its tag."""
        return f"{meta['e_tag']}\n{meta['version']}" if self.url.startswith("gs://") else str(meta["e_tag"])

    @contextmanager
    def _refusals(self, doing: str, key: str = "") -> Iterator[None]:
        """Raise what the library raises as ``StoreRefused``: which object, what was not done, and what to do."""
        try:
            yield
        except (OSError, ValueError, RuntimeError) as error:
            raise refusal(self.url, doing, key, error) from None
        except Exception as error:
            if type(error).__module__.startswith("obstore"):
                raise refusal(self.url, doing, key, error) from None
            raise


_Answer = TypeVar("_Answer")


def _asked(ask: Callable[[], _Answer]) -> _Answer:
    """Ask until there is an answer, ``_TRIALS`` times; the last error is raised."""
    for _ in range(_TRIALS - 1):
        with suppress(*_undecided()):
            return ask()
    return ask()


def _undecided() -> tuple[type[Exception], ...]:
    """Return the errors after which it is not known whether a request was done, or done for another."""
    from obstore.exceptions import AlreadyExistsError, GenericError, PreconditionError  # noqa: PLC0415

    return AlreadyExistsError, GenericError, PreconditionError


def _is_plain_http(scheme: str) -> bool:
    """Say whether the environment names a server without TLS: one on the loopback, or within a private network."""
    endpoint = next((os.environ[name] for name in _ENDPOINTS[scheme] if os.environ.get(name)), "")
    return endpoint.startswith("http://")


def _stored(meta: Any) -> StoredObject:
    return StoredObject(
        key=str(meta["path"]), size=int(meta["size"]), tag=_quoted(meta["e_tag"]), modified_at=meta["last_modified"]
    )


def _quoted(tag: Any) -> str:
    """Return a tag as it stands in conditions: Azure lists it without the quotes that it has everywhere else."""
    return str(tag) if str(tag).endswith('"') else f'"{tag}"'
