"""Machines that have one lake, and one register of invoices, on a store: their disks, and what the bucket holds.

Owns the bucket as it is between trials, a machine with an empty disk, and the facts as a machine has them. Does not own
the server and its faults (``tests/support/stores/faulty_store``).
"""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from unittest import mock

import lives
from faulty_store import FaultyStore
from variables import variables

from pipeline.configuration.keys.key_aliases import read_key_aliases
from pipeline.objects import stores
from pipeline.objects.mounted import lease
from pipeline.objects.mounted.addresses import StoreUrls, tell
from pipeline.objects.mounted.mounts import kept_files, mount

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator
    from pathlib import Path

OF_THE_STORE = ("lake", "invoices", "key-aliases")
"""The folders of a workspace that another machine does not bring along."""
ATTEMPTS, PATIENCE, LATE_SECONDS = 2, "2s", 2.2
"""What a client asks again, how long it waits, and when an answer comes that is too late for it."""
PATIENT = "120s"
PERHAPS_LATER = timedelta(minutes=10)
"""After this time a lock whose holder died is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A bucket of the faulty server, with the lake and the invoices of one workspace."""

    server: FaultyStore
    name: str

    @property
    def urls(self) -> StoreUrls:
        """Return the addresses of the lake and of the invoices."""
        return StoreUrls(lake=f"s3://{self.name}/lake", invoices=f"s3://{self.name}/invoices")

    def contents(self) -> dict[str, bytes]:
        """Return every object by its key."""
        return self.server.contents(self.name)

    def refill(self, contents: dict[str, bytes]) -> None:
        """Let it hold these objects alone, and its answers be true."""
        self.server.plan()
        self.server.refill(self.name, contents)

    def age(self) -> None:
        """Let hours go by, by the clock of the store."""
        self.server.age(self.name)

    def take(self, root: Path) -> None:
        """Put what a workspace without a store has there, as an operator copies it who moves to one."""
        found = {}
        for folder, under in (("lake", ""), ("invoices", ""), ("key-aliases", "lake/")):
            for path in kept_files(root / folder):
                found[under + path.relative_to(root).as_posix()] = path.read_bytes()
        self.refill(found)


@contextmanager
def a_bucket(patience: str = PATIENCE) -> Iterator[Bucket]:
    """Serve an empty bucket, and let every run of a command in this process, or a fork of it, use it.

    Its clients in this process are less patient than ours are, so that a trial of a store that never answers takes
    seconds. Where another machine works while they wait, they have to be ``PATIENT``.
    """
    less_patient = mock.patch.multiple(stores, _REQUEST_SECONDS=patience, _ATTEMPTS=ATTEMPTS)
    with FaultyStore() as server, less_patient:
        server.late_seconds = LATE_SECONDS
        bucket = Bucket(server=server, name=server.new_bucket())
        urls = bucket.urls
        named = {"TALLYBOOK_LAKE": urls.lake, "TALLYBOOK_INVOICES": urls.invoices}
        with variables(server.environment | named):
            yield bucket


def another_machine(root: Path, to: Path) -> Path:
    """Set up a machine with an empty disk: the configuration, the logs and the secrets, and nothing of the store."""
    shutil.rmtree(to, ignore_errors=True)
    return shutil.copytree(root, to, ignore=lambda folder, _: OF_THE_STORE if folder == str(root) else ())


def facts(root: Path, bucket: Bucket) -> Counter[str]:
    """Return the facts as this machine has them, once it has asked the store."""
    bucket.server.plan()
    tell(bucket.urls)
    mount(root, StoreUrls())
    read_key_aliases(root)
    return lives.facts(root)


@contextmanager
def later() -> Iterator[None]:
    """Let the clock by which a lock on the store is over be ahead: who held one, and died, has lost it."""

    def clock() -> datetime:
        return datetime.fromtimestamp(time.time(), UTC) + PERHAPS_LATER

    with mock.patch.object(lease, "_clock", clock):
        yield
