"""Objects put into a bucket by tests, and the requests that were made of it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from pipeline.objects.stores import ObjectStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

    from pipeline.objects.stores import StoredObject


def put(url: str, content: bytes) -> None:
    """Put an object, whatever was there."""
    bucket, key = bucket_and_key(url)
    store = _store(bucket, os.environ["AWS_ENDPOINT_URL"])
    if not store.put_if_absent(key, content):
        there = store.find(key)
        store.replace(key, content, tag=None if there is None else there.tag)


def remove(url: str) -> None:
    bucket, key = bucket_and_key(url)
    ObjectStore(bucket).remove(key)


@cache
def _store(bucket: str, endpoint: str) -> ObjectStore:
    assert endpoint
    return ObjectStore(bucket)


def bucket_and_key(url: str) -> tuple[str, str]:
    scheme, _, rest = url.partition("://")
    bucket, _, key = rest.partition("/")
    return f"{scheme}://{bucket}", key


@dataclass
class Requests:
    """What was asked of stores since the last ``clear``."""

    ranges: list[tuple[str, int, int]] = field(default_factory=list)
    listed: list[tuple[str, str | None]] = field(default_factory=list)
    before_range: Callable[[str, int, int], None] | None = None

    def clear(self) -> None:
        self.ranges.clear()
        self.listed.clear()


def watched(monkeypatch: pytest.MonkeyPatch) -> Requests:
    """Watch what is asked of every store from now on."""
    requests = Requests()
    get_range, list_ = ObjectStore.get_range, ObjectStore.list

    def watched_range(self: ObjectStore, key: str, start: int, end: int, *, tag: str) -> bytes:
        requests.ranges.append((key, start, end))
        if requests.before_range is not None:
            requests.before_range(key, start, end)
        return get_range(self, key, start, end, tag=tag)

    def watched_list(self: ObjectStore, prefix: str, *, after: str | None = None) -> Iterator[StoredObject]:
        requests.listed.append((prefix, after))
        return list_(self, prefix, after=after)

    monkeypatch.setattr(ObjectStore, "get_range", watched_range)
    monkeypatch.setattr(ObjectStore, "list", watched_list)
    return requests
