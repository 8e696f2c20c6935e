"""A stand-in for the ``os`` of ``pipeline.objects.disk``.

It dies or fails at a chosen call, and remembers what a power cut would leave (``disk_model``): what was not synced may
be lost in any combination, so ``after_power_cut`` is told which such names survive.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from disk_model import DiskModel, File, Folder

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS = ("open", "write", "fsync", "close", "rename", "link", "unlink", "mkdir")
DURABLE = ("rename", "link", "unlink")
"""Calls after which something is there or gone, and stays so once its folder is synced."""
UNCOUNTED = ("ftruncate", "rmdir")
"""Calls that change the disk, and at which nobody dies or fails: of the lock's note, and of an empty folder."""


POWER_CUTS: dict[str, Callable[[str], bool]] = {
    "no name survives": lambda _: False,
    "every name survives": lambda _: True,
    "only entries and manifests survive": lambda name: name.endswith(".json"),
}


class Died(BaseException):
    """The process is gone: nothing may catch this, and no call after it does anything."""


class FaultyOs:
    """Forwards to ``os``; call number ``die_at`` (from 1) never returns, call number ``fail_at`` raises ``failure``.

    Fsync is only remembered.

    ``ignore_fsync`` names descriptors whose fsync a mutant of the protocol forgot: it gets the path and whether it is a
    folder.
    """

    def __init__(
        self,
        root: Path,
        *,
        die_at: int | None = None,
        fail_at: int | None = None,
        failure: int = errno.EIO,
        ignore_fsync: Callable[[str, bool], bool] = lambda *_: False,
    ) -> None:
        self.root = root
        self.die_at = die_at
        self.fail_at = fail_at
        self.failure = failure
        self.ignore_fsync = ignore_fsync
        self.calls = 0
        self.dead = False
        self.model = DiskModel(root)
        self._opened: dict[int, tuple[Path, File | Folder | None]] = {}

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name in UNCOUNTED:
            return getattr(self, f"_{name}")
        if name not in CALLS:
            return real

        def call(*arguments: Any, **keywords: Any) -> Any:
            if name == "close":
                os.close(arguments[0])  # also of the dead: the test's own process lives on
            self._count(name, arguments)
            done = getattr(self, f"_{name}", lambda *_, **__: None)(*arguments, **keywords)
            self.changed(name)
            return done

        return call

    def changed(self, name: str) -> None:
        """Hear that a call of that name is done."""

    def revive(self) -> None:
        """Start the process again, on the same disk, without faults."""
        self.dead, self.die_at, self.fail_at = False, None, None

    def after_power_cut(self, into: Path, survives: Callable[[str], bool]) -> Path:
        """Lay out what is left if the power is cut now.

        ``survives`` says of a name that was not synced whether it is there all the same.
        """
        into.mkdir()
        self.model.adopt(self.root)
        self.model.lay_out(into, survives)
        return into

    def _count(self, name: str, arguments: tuple[Any, ...]) -> None:
        if self.dead:
            raise Died
        self.calls += 1
        if self.calls == self.die_at:
            self.dead = True
            if name == "write":
                self._write(arguments[0], arguments[1][: len(arguments[1]) // 2])
            raise Died
        if self.calls == self.fail_at:
            raise OSError(self.failure, os.strerror(self.failure))

    def _open(self, path: Path, flags: int, *mode: int) -> int:
        descriptor = os.open(path, flags, *mode)
        within = self._within(path)
        found = None if within is None else self.model.find(within)
        if within and found is None:
            # New, or written by an engine on its own, and then not synced either.
            found = File(now=Path(path).read_bytes())
            self.model.change(within, found)
        self._opened[descriptor] = (Path(path), found)
        return descriptor

    def _write(self, descriptor: int, content: bytes) -> int:
        written = os.write(descriptor, content)
        self._remember(descriptor)
        return written

    def _ftruncate(self, descriptor: int, size: int) -> None:
        os.ftruncate(descriptor, size)
        self._remember(descriptor)

    def _remember(self, descriptor: int) -> None:
        _, file = self._opened.get(descriptor, (None, None))
        if isinstance(file, File):
            with open(f"/dev/fd/{descriptor}", "rb") as reading:  # noqa: PTH123 - the file, by whatever name
                file.now = reading.read()

    def _fsync(self, descriptor: int) -> None:
        path, found = self._opened[descriptor]
        if self.ignore_fsync(str(path), isinstance(found, Folder)):
            return
        if isinstance(found, Folder):
            found.sync()
        elif found is not None:
            found.synced = found.now

    def _mkdir(self, path: Path, *mode: int) -> None:
        os.mkdir(path, *mode)  # noqa: PTH102 - as it was asked for
        self._changed_to(path, Folder())

    def _rmdir(self, path: Path) -> None:
        os.rmdir(path)  # noqa: PTH106 - as it was asked for
        self._changed_to(path, None)

    def _rename(self, path: Path, to: Path) -> None:
        found = self._found(path)
        os.rename(path, to)  # noqa: PTH104 - as it was asked for
        self._changed_to(to, found)
        self._changed_to(path, None)

    def _link(self, path: Path, to: Path) -> None:
        found = self._found(path)
        os.link(path, to)
        self._changed_to(to, found)

    def _unlink(self, path: Path) -> None:
        os.unlink(path)  # noqa: PTH108 - as it was asked for
        self._changed_to(path, None)

    def _within(self, path: Path) -> tuple[str, ...] | None:
        return Path(path).relative_to(self.root).parts if Path(path).is_relative_to(self.root) else None

    def _found(self, path: Path) -> File | Folder | None:
        """Return what has a name: what an engine wrote on its own is not synced."""
        within = self._within(path)
        if within is None:
            return None
        found = self.model.find(within)
        return File(now=Path(path).read_bytes()) if found is None and Path(path).is_file() else found

    def _changed_to(self, path: Path, to: File | Folder | None) -> None:
        if within := self._within(path):
            self.model.change(within, to)


class Recording(FaultyOs):
    """Remembers after which calls something was durable."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.durable: dict[int, str] = {}
        """By call, the path that it was about."""

    def _count(self, name: str, arguments: tuple[Any, ...]) -> None:
        super()._count(name, arguments)
        if name in DURABLE:
            self.durable[self.calls] = str(arguments[-1])
