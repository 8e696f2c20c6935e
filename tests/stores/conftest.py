"""A server that speaks S3, stores in it, and the number of requests that a command makes of them."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from faulty_store import FaultyStore
from servers import bucket, s3_endpoint, sail

from pipeline.objects.mounted.addresses import StoreUrls, tell
from pipeline.objects.stores import ObjectStore

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["bucket", "s3_endpoint", "sail"]

logging.getLogger("werkzeug").setLevel(logging.ERROR)


@pytest.fixture(scope="module")
def server() -> Iterator[FaultyStore]:
    """A store whose answers may be refused, late, lost or of before."""
    pytest.importorskip("moto", reason="moto is not installed")
    with FaultyStore() as server:
        yield server


@pytest.fixture
def stores(bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:  # the fixture
    """The bucket that every command of this test has its lake and its invoices in, by the environment."""
    monkeypatch.setenv("TALLYBOOK_LAKE", f"{bucket}/lake")
    monkeypatch.setenv("TALLYBOOK_INVOICES", f"{bucket}/invoices")
    yield bucket
    tell(StoreUrls())


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many calls were made of stores, by kind."""
    made: Counter[str] = Counter()

    def counted(name: str) -> Any:
        called = getattr(ObjectStore, name)

        def call(self: ObjectStore, *arguments: Any, **named: Any) -> Any:
            made[name] += 1
            return called(self, *arguments, **named)

        return call

    for name in ("put_if_absent", "replace", "get", "list", "remove", "find"):
        monkeypatch.setattr(ObjectStore, name, counted(name))
    return made
