"""What a power cut may leave of a folder: a model of a disk that keeps what was not synced apart.

The disk is the worst that is allowed. A content is kept as of the last fsync of its file; what was written since may be
there, cut short, of zeros, garbled, or not there at all. A name is kept as of the last fsync of its folder; each name
that was given, changed or taken away since may stand as it did at any moment since, whatever the other names do.

Names of folders and files are told to the model by whoever calls ``os`` (``faulty_os``). Owns nothing on any real disk.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_numbers = count(1)


@dataclass(slots=True, eq=False)
class File:
    """A file by whatever names it has."""

    synced: bytes = b""
    now: bytes = b""
    number: int = field(default_factory=lambda: next(_numbers))

    @property
    def is_synced(self) -> bool:
        """Say whether a power cut takes nothing of it."""
        return self.synced == self.now


@dataclass(slots=True, eq=False)
class Folder:
    """A folder: its names as of the last fsync, and since then what each was one after the other (None: no name)."""

    synced: dict[str, File | Folder] = field(default_factory=dict)
    since: dict[str, list[File | Folder | None]] = field(default_factory=dict)
    number: int = field(default_factory=lambda: next(_numbers))

    def now(self, name: str) -> File | Folder | None:
        """Return what a running process finds under a name."""
        return self.since[name][-1] if name in self.since else self.synced.get(name)

    def names(self) -> set[str]:
        """Return all names that may be found, now or after a power cut."""
        return self.synced.keys() | self.since.keys()

    def change(self, name: str, to: File | Folder | None) -> None:
        """Give a name, or take it away."""
        self.since.setdefault(name, []).append(to)

    def sync(self) -> None:
        """Keep every name as it is now."""
        for name, values in self.since.items():
            if (last := values[-1]) is None:
                self.synced.pop(name, None)
            else:
                self.synced[name] = last
        self.since.clear()


class DiskModel:
    """A folder, all below it, and what is not synced yet. Paths are relative to it."""

    def __init__(self, root: Path) -> None:
        self.root = Folder()
        self.adopt(root)
        self._sync(self.root)

    def adopt(self, root: Path) -> None:
        """Take what others wrote, or removed, below ``root`` since, as not synced."""
        self._adopt(self.root, root)

    def find(self, path: tuple[str, ...]) -> File | Folder | None:
        """Return what is there now."""
        found: File | Folder | None = self.root
        for name in path:
            if not isinstance(found, Folder):
                return None
            found = found.now(name)
        return found

    def folder(self, path: tuple[str, ...]) -> Folder:
        """Return a folder; a ``KeyError`` where there is none."""
        found = self.find(path)
        if not isinstance(found, Folder):
            raise KeyError(path)
        return found

    def change(self, path: tuple[str, ...], to: File | Folder | None) -> None:
        """Give the last name of a path, or take it away."""
        self.folder(path[:-1]).change(path[-1], to)

    def lay_out(self, into: Path, survives: Callable[[str], bool]) -> None:
        """Write what is left where ``survives`` says of each name that is not synced whether it is as it is now.

        Contents are as of their last fsync.
        """
        _lay_out(self.root, into, survives)

    def _adopt(self, folder: Folder, real: Path) -> None:
        there = {path.name: path for path in real.iterdir()} if real.is_dir() else {}
        for name, path in there.items():
            known = folder.now(name)
            if path.is_dir():
                if not isinstance(known, Folder):
                    folder.change(name, known := Folder())
                self._adopt(known, path)
            elif not isinstance(known, File):
                folder.change(name, File(now=path.read_bytes()))
        for name in [name for name in folder.names() if name not in there and folder.now(name) is not None]:
            folder.change(name, None)

    def _sync(self, folder: Folder) -> None:
        folder.sync()
        for found in folder.synced.values():
            if isinstance(found, Folder):
                self._sync(found)
            else:
                found.synced = found.now


def _lay_out(folder: Folder, into: Path, survives: Callable[[str], bool]) -> None:
    for name in folder.names():
        found = folder.now(name) if survives(name) else folder.synced.get(name)
        if isinstance(found, Folder):
            (into / name).mkdir()
            _lay_out(found, into / name, survives)
        elif found is not None:
            (into / name).write_bytes(found.synced)
