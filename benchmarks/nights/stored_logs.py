"""Nights of logs on a store that takes its time, beside the same logs as files.

``python -m benchmarks.nights.stored_logs`` prints it. The store is in this process: it answers each request after
``--milliseconds``, so that what is measured is ours, the requests and the waiting, and no server. ``--keys`` lists a
bucket of that many and keeps notes of all, in the same way.
"""

from __future__ import annotations

import hashlib
import json
import resource
import shutil
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from unittest import mock

import click

from pipeline.configuration.source_files import find_logs
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.night.collect import collect
from pipeline.jobs.state.stored.notes import Note, StoredNotes, read_notes
from pipeline.objects import stores
from pipeline.objects.stores import StoredObject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Made = TypeVar("Made")
_NOW = datetime(2026, 11, 2, 3, tzinfo=UTC)
_PUT_AT = datetime(2026, 10, 1, tzinfo=UTC)
_PAGE = 1_000


class SlowStore:
    """A bucket in memory; counts its requests."""

    content: dict[str, bytes]
    seconds: float
    requests: int

    def __init__(self, url: str) -> None:
        self.url = url

    def list(self, _prefix: str, *, after: str | None = None) -> Iterator[StoredObject]:
        """List what there is, a page a request."""
        for place, (key, content) in enumerate(sorted(self.content.items())):
            if place % _PAGE == 0:
                self._wait()
            if after is None or key > after:
                tag = hashlib.md5(content, usedforsecurity=False).hexdigest()
                yield StoredObject(key=key, size=len(content), tag=tag, modified_at=_PUT_AT)

    def get_range(self, key: str, start: int, end: int, *, tag: str) -> bytes:  # noqa: ARG002  # as the real one
        """Return a range, whatever the tag: nothing is replaced here."""
        self._wait()
        return self.content[key][start:end]

    def _wait(self) -> None:
        type(self).requests += 1
        time.sleep(self.seconds)


@click.command()
@click.option("--logs", default=2_000, show_default=True, type=click.IntRange(min=1))
@click.option("--milliseconds", default=50, show_default=True, type=click.IntRange(min=0))
@click.option("--keys", default=0, show_default=True, type=click.IntRange(min=0), help="Of the bucket that is listed.")
def main(*, logs: int, milliseconds: int, keys: int) -> None:
    """Print a line a night: requests, seconds, seconds of CPU."""
    SlowStore.seconds, SlowStore.requests = milliseconds / 1000, 0
    SlowStore.content = {f"logs/{number:08}.jsonl": _line(number) for number in range(logs)}
    with (
        mock.patch.object(stores, "ObjectStore", SlowStore),
        tempfile.TemporaryDirectory(prefix="tallybook-stored-") as folder,
    ):
        there = _workspace(Path(folder) / "there", "s3://bucket/logs/*")
        _timed("first night, on the store", lambda: _night(there))
        _timed("nothing new", lambda: _night(there))
        SlowStore.content["logs/new.jsonl"] = _line(logs)
        _timed("one new", lambda: _night(there))
        shutil.rmtree(there / "lake" / "counted" / "stored_logs")
        _timed("its notes deleted", lambda: _night(there))
        here = _workspace(Path(folder) / "here", "logs/*")
        for key, content in SlowStore.content.items():
            (here / key).write_bytes(content)
        _timed("first night, as files", lambda: _night(here))
        _timed("nothing new", lambda: _night(here))
        if keys:
            _many(Path(folder), keys)


def _many(folder: Path, keys: int) -> None:
    SlowStore.seconds = 0
    SlowStore.content = {f"logs/2026/{number:08}-0123456789abcdef.jsonl.gz": b"%d" % number for number in range(keys)}
    found = _timed(f"{keys} keys listed", lambda: find_logs(folder, ("s3://bucket/logs/**/*.gz",)))
    notes = StoredNotes(lake=folder / "lake")
    notes.lake.mkdir()
    notes.take(
        {
            str(log.path): Note(
                size=1,
                tag=f"{number:032x}",
                end=number,
                digest=hashlib.sha256(b"%d" % number).hexdigest(),
                heads=f"65536:{hashlib.sha256(b'.%d' % number).hexdigest()}",
                pending=0,
                read_by="",
            )
            for number, log in enumerate(found.logs)
        }
    )
    _timed("their notes written", notes.write)
    size = sum(path.stat().st_size for path in notes.lake.rglob("*") if path.is_file())
    _timed("their notes read", lambda: read_notes(notes.lake))
    print(f"the notes take {size / 2**20:.0f} MiB on disk")


def _line(number: int) -> bytes:
    usage = {"prompt_tokens": 1_000, "completion_tokens": 10, "total_tokens": 1_010}
    line = {
        "ts": f"2026-10-{number % 28 + 1:02}T12:00:00Z",
        "api_key_id": "key_a",
        "status": 200,
        "path": "/studio/v1/chat/completions",
        "request": {"model": "jamba-large"},
        "response": {"id": f"r{number}", "choices": [], "usage": usage},
    }
    return f"{json.dumps(line)}\n".encode()


def _workspace(root: Path, glob: str) -> Path:
    (root / "logs").mkdir(parents=True)
    (root / "tallybook.toml").write_text(f'[[sources]]\nname = "gateway"\npaths = ["{glob}"]\n', encoding="utf-8")
    return root


def _night(root: Path) -> None:
    collected = collect(open_workspace(root), now=_NOW, key_secret=None)
    if collected.problems:
        raise click.ClickException(str(collected.problems))


def _timed(what: str, work: Callable[[], Made]) -> Made:
    begun, cpu, asked = time.monotonic(), time.process_time(), SlowStore.requests
    made = work()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{what}: {SlowStore.requests - asked} requests, {time.monotonic() - begun:.1f} s, "
        f"{time.process_time() - cpu:.1f} s of CPU, {memory} MiB at most so far",
        flush=True,
    )
    return made


if __name__ == "__main__":
    main()
