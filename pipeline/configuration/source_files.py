"""Which files the globs of a source name, in a stable order, each once.

Links are followed to where it was said they may lead.

Owns the walk, which links are followed, and how a log is named in the lake. Does not own opening logs
(``pipeline.collectors`` refuses what is no regular file).
"""

from __future__ import annotations

import errno
import fnmatch
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.configuration.keys.key_secret import OLD_SECRET_FILE, SECRET_FILE
from pipeline.objects import layout

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MAGIC = re.compile(r"[*?\[]")
_LOOKS_ESCAPED = re.compile(r"\\(?=x(?:5c|[89a-f][0-9a-f]))")
"""A backslash in a name that would read as one of our own escapes."""
_ESCAPED = re.compile(rb"\\x(5c|[89a-f][0-9a-f])")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundLog:
    """One file that a glob names."""

    path: Path
    """As the glob names it; the log is called so."""
    target: Path
    """What is opened: ``path`` with all links resolved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedPath:
    """A link, or a folder, under a glob that is not followed or cannot be."""

    path: Path
    detail: str
    """Why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundLogs:
    """What the globs of a source come to."""

    logs: tuple[FoundLog, ...]
    refused: tuple[RefusedPath, ...]


def find_logs(workspace: Path, patterns: tuple[str, ...], link_roots: tuple[str, ...] = ()) -> FoundLogs:
    """Return the files that ``patterns`` name (from the workspace on, ``**`` for any depth), sorted within a pattern.

    A link is followed where it leads into the workspace, into the folder that its pattern begins with, or into one of
    ``link_roots``. Every other link is refused, and so are loops, links that lead nowhere, and folders that cannot be
    listed. A file that has several names is one log: it is called by its own name where a pattern names it, else by the
    first link. What the workspace itself consists of is no log of it, whatever names it: each night would read what the
    one before wrote.
    """
    own = _OwnFiles(workspace.resolve())
    roots = [workspace.resolve(), *(workspace.joinpath(root).resolve() for root in link_roots)]
    found: dict[Path, FoundLog] = {}
    refused: dict[Path, RefusedPath] = {}
    for pattern in patterns:
        base, parts = _split(workspace, pattern)
        walk = _Walk(roots=(*roots, base.resolve()))
        for path in sorted(walk.matches(base, parts)):
            log = walk.followed(path)
            if log is None or log.target.is_dir() or own.hold(log.target):
                continue
            earlier = found.get(log.target)
            if earlier is None or (earlier.path.is_symlink() and not path.is_symlink()):
                found[log.target] = log
        refused.update((each.path, each) for each in walk.refused)
    return FoundLogs(logs=tuple(found.values()), refused=tuple(refused.values()))


def source_text(workspace: Path, path: Path) -> str:
    r"""Return how a log is named in the lake: relative to the workspace with ``/`` where it lies inside, else absolute.

    A byte of the name that is no UTF-8 is written as ``\xe9``. A backslash that would read as such an escape is written
    as ``\x5c``, so that two names never become one, and the bytes of a name can be had back.
    """
    folder = path.parent.resolve()  # the file's own name stays: a log is what it is called, also behind a link
    root = workspace.resolve()
    name = (
        (folder / path.name).relative_to(root).as_posix()
        if folder.is_relative_to(root)
        else (folder / path.name).as_posix()
    )
    return os.fsencode(_LOOKS_ESCAPED.sub(r"\\x5c", name)).decode("utf-8", "backslashreplace")


def source_path(workspace: Path, source: str) -> Path:
    """Return where the log lay that is called ``source`` in the lake: what ``source_text`` was made of."""
    name = _ESCAPED.sub(lambda escape: bytes.fromhex(escape[1].decode()), source.encode())
    return workspace / os.fsdecode(name)


def is_named_by(workspace: Path, path: Path, patterns: tuple[str, ...], link_roots: tuple[str, ...] = ()) -> bool:
    """Say whether a file is one of those that ``patterns`` name."""
    target = path.resolve()
    return any(log.target == target for log in find_logs(workspace, patterns, link_roots).logs)


def _split(workspace: Path, pattern: str) -> tuple[Path, tuple[str, ...]]:
    """Return the folder a pattern begins with, before its first wildcard, and the parts that follow.

    A link up to there was named explicitly.
    """
    parts = Path(pattern).parts
    literal = next((place for place, part in enumerate(parts[:-1]) if _MAGIC.search(part)), max(len(parts) - 1, 0))
    return workspace.joinpath(*parts[:literal]), parts[literal:]


class _OwnFiles:
    """What a workspace itself consists of: what is written by us, and what is configured."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders = (layout.lake(root), layout.invoices(root), layout.key_aliases(root))
        self._files = {root / name for name in (layout.ACKNOWLEDGED_FILE, SECRET_FILE, OLD_SECRET_FILE)}

    def hold(self, target: Path) -> bool:
        """Say whether a file is one of them."""
        if not target.is_relative_to(self._root):
            return False
        return target in self._files or target.suffix == ".toml" or any(map(target.is_relative_to, self._folders))


@dataclass(slots=True, kw_only=True)
class _Walk:
    """The expansion of one pattern: no folder is entered twice for one ``**``, so that no loop of links holds it up."""

    roots: tuple[Path, ...]
    refused: list[RefusedPath] = field(default_factory=list)

    def matches(self, base: Path, parts: tuple[str, ...]) -> list[Path]:
        paths = [base]
        for part in parts:
            if part == "**":
                paths = list(self._below(paths))
            elif _MAGIC.search(part):
                fits = re.compile(fnmatch.translate(part)).match
                paths = [
                    entry for folder in self._folders(paths) for entry in self._entries(folder) if fits(entry.name)
                ]
            else:
                paths = [path / part for path in paths if os.path.lexists(path / part)]
        return [path for path in paths if path.is_symlink() or not path.is_dir()]

    def followed(self, path: Path) -> FoundLog | None:
        """Return what a path leads to; ``None`` where it is refused, or gone."""
        try:
            target = Path(os.path.realpath(path, strict=True))
        except OSError as error:
            if not os.path.lexists(path):
                return None  # rotated away since the folder was listed
            is_loop = error.errno == errno.ELOOP
            self._refuse(
                path,
                "a link that leads in a circle; remove it"
                if is_loop
                else f"cannot be followed: {os.strerror(error.errno or 0)}; remove it",
            )
            return None
        if not any(target.is_relative_to(root) for root in self.roots):
            folder = source_text(target.parent, target.parent)
            self._refuse(
                path,
                (
                    f'a link that leads out of the workspace; to have it followed, write link_roots = ["{folder}"] '
                    "into its [[sources]] entry"
                ),
            )
            return None
        return FoundLog(path=path, target=target)

    def _below(self, paths: Iterable[Path]) -> Iterator[Path]:
        """Yield folders and everything below them.

        What lies behind links comes last, so that a file keeps its own name.
        """
        entered: set[Path] = set()
        waiting, behind_links = list(paths), list[Path]()
        while waiting or behind_links:
            path = waiting.pop() if waiting else behind_links.pop()
            yield path
            if not path.is_dir():
                continue
            log = self.followed(path)
            if log is None or log.target in entered:
                continue
            entered.add(log.target)
            for entry in self._entries(path):
                (behind_links if entry.is_symlink() else waiting).append(entry)

    def _folders(self, paths: Iterable[Path]) -> Iterator[Path]:
        for path in paths:
            if path.is_dir() and self.followed(path) is not None:
                yield path

    def _entries(self, folder: Path) -> list[Path]:
        try:
            return [folder / name for name in sorted(os.listdir(folder)) if not name.startswith(".")]  # noqa: PTH208 - names alone are cheaper
        except OSError as error:
            self._refuse(
                folder, f"cannot be listed: {os.strerror(error.errno or 0)}; let the user who runs tallybook read it"
            )
            return []

    def _refuse(self, path: Path, detail: str) -> None:
        self.refused.append(RefusedPath(path=path, detail=detail))
