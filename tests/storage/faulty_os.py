"""A stand-in for the ``os`` of ``pipeline.objects.disk``.

It dies or fails at a chosen call, and remembers what a power cut would leave.

The model of a disk is the worst that is allowed: a content is kept as of the last fsync of its file, a name as of the
last fsync of its folder. What was not synced may be lost in any combination, so ``after_power_cut`` is told which such
names survive.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CALLS = ("open", "write", "fsync", "close", "rename", "link", "unlink", "mkdir")


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
        self._paths: dict[int, str] = {}
        self._contents: dict[int, bytes] = {}  # by inode, as of its last fsync
        self._names: dict[int, dict[str, tuple[int, bool]]] = {}  # by folder's inode: name → inode, is folder
        for folder in (root, *(path for path in root.rglob("*") if path.is_dir())):
            self._remember_names(str(folder))
        for path in root.rglob("*"):
            if path.is_file():
                self._contents[path.stat().st_ino] = path.read_bytes()

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in CALLS:
            return real

        def call(*arguments: Any, **keywords: Any) -> Any:
            if name == "close":
                os.close(arguments[0])  # also of the dead: the test's own process lives on
            self._count(name, arguments)
            return getattr(
                self, f"_{name}", lambda *_, **__: None if name == "close" else real(*arguments, **keywords)
            )(*arguments, **keywords)

        return call

    def revive(self) -> None:
        """Start the process again, on the same disk, without faults."""
        self.dead, self.die_at, self.fail_at = False, None, None

    def after_power_cut(self, into: Path, survives: Callable[[str], bool]) -> Path:
        """Lay out what is left if the power is cut now.

        ``survives`` says of a name that was not synced whether it is there all the same.
        """
        into.mkdir()
        self._lay_out(self.root.stat().st_ino, str(self.root), into, survives)
        return into

    def _count(self, name: str, arguments: tuple[Any, ...]) -> None:
        if self.dead:
            raise Died
        self.calls += 1
        if self.calls == self.die_at:
            self.dead = True
            if name == "write":
                os.write(arguments[0], arguments[1][: len(arguments[1]) // 2])
            raise Died
        if self.calls == self.fail_at:
            raise OSError(self.failure, os.strerror(self.failure))

    def _open(self, path: Path, flags: int, *mode: int) -> int:
        descriptor = os.open(path, flags, *mode)
        self._paths[descriptor] = str(path)
        if flags & os.O_CREAT:
            self._contents.pop(os.fstat(descriptor).st_ino, None)
        return descriptor

    def _fsync(self, descriptor: int) -> None:
        path = self._paths[descriptor]
        status = os.fstat(descriptor)
        is_folder = stat.S_ISDIR(status.st_mode)
        if self.ignore_fsync(path, is_folder):
            return
        if is_folder:
            self._remember_names(path)
        else:
            with open(path, "rb") as file:  # noqa: PTH123 - the path is what os.open was given
                self._contents[status.st_ino] = file.read()

    def _remember_names(self, path: str) -> None:
        self._names[os.stat(path).st_ino] = self._list(path)  # noqa: PTH116 - as above

    def _mkdir(self, path: Path, *mode: int) -> None:
        os.mkdir(path, *mode)  # noqa: PTH102 - as it was asked for
        self._names.pop(os.stat(path).st_ino, None)  # noqa: PTH116 - a removed folder's number may be given out again

    def _list(self, path: str) -> dict[str, tuple[int, bool]]:
        """Return what a folder holds now: nothing where it is removed, though its name may come back."""
        try:
            with os.scandir(path) as entries:
                return {entry.name: (entry.inode(), entry.is_dir()) for entry in entries}
        except FileNotFoundError:
            return {}

    def _lay_out(self, inode: int, path: str, into: Path, survives: Callable[[str], bool]) -> None:
        synced, now = self._names.get(inode, {}), self._list(path)
        for name in synced.keys() | now.keys():
            found = (now if survives(name) else synced).get(name)
            if found is None:
                continue
            if found[1]:
                (into / name).mkdir()
                self._lay_out(found[0], f"{path}/{name}", into / name, survives)
            else:
                (into / name).write_bytes(self._contents.get(found[0], b""))
