"""Which files, and objects of stores, the globs of a source name, in a stable order, each once.

Links are followed to where it was said they may lead.

Owns the walk, which links are followed, and how a log is named in the lake. Does not own opening logs
(``pipeline.collectors`` refuses what is no regular file).
"""

from __future__ import annotations

import errno
import fnmatch
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from pipeline.base.errors import StoreRefused
from pipeline.configuration.keys.key_secret import OLD_SECRET_FILE, SECRET_FILE
from pipeline.configuration.stored.key_glob import KeyGlob, is_stored
from pipeline.configuration.stored.stored_log import StoredLog, list_stored
from pipeline.objects import layout
from pipeline.objects.mounted.mounts import mount_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pipeline.configuration.stored.stored_log import LogPath
    from pipeline.objects.stores import ObjectStore

_MAGIC = re.compile(r"[*?\[]")
_LOOKS_ESCAPED = re.compile(r"\\(?=x(?:5c|[89a-f][0-9a-f]))")
"""A backslash in a name that would read as one of our own escapes."""
_ESCAPED = re.compile(rb"\\x(5c|[89a-f][0-9a-f])")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundLog:
    """One file, or object, that a glob names."""

    path: LogPath
    """As the glob names it; the log is called so."""
    target: LogPath
    """What is opened: ``path`` with all links resolved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedPath:
    """A link, or a folder, under a glob that is not followed or cannot be; or a store that refuses to be listed."""

    path: Path | str
    """Of a store: the address up to its first wildcard."""
    detail: str
    """Why, and what to do."""

    @property
    def is_stored(self) -> bool:
        """Say whether it is a store."""
        return isinstance(self.path, str)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedGlob:
    """A glob of a store, and what it names."""

    glob: KeyGlob
    after: str | None
    """The key behind which the listing began; ``None`` where all keys were listed."""
    logs: tuple[StoredLog, ...]
    """In the order of their keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundLogs:
    """What the globs of a source come to."""

    logs: tuple[FoundLog, ...]
    refused: tuple[RefusedPath, ...]
    listings: tuple[ListedGlob, ...] = ()
    """Of the globs of stores that were listed."""


def find_logs(
    workspace: Path,
    patterns: tuple[str, ...],
    link_roots: tuple[str, ...] = (),
    listed_after: Mapping[str, str] = MappingProxyType({}),
) -> FoundLogs:
    """Return the files that ``patterns`` name (from the workspace on, ``**`` for any depth), sorted within a pattern.

    A link is followed where it leads into the workspace, into the folder that its pattern begins with, or into one of
    ``link_roots``. Every other link is refused, and so are loops, links that lead nowhere, and folders that cannot be
    listed. A file that has several names is one log: it is called by its own name where a pattern names it, else by the
    first link. What the workspace itself consists of is no log of it, whatever names it: each night would read what the
    one before wrote.

    A pattern with a scheme names objects of a store, of which only those after a key are listed where ``listed_after``
    has one for the pattern. A store that cannot be listed is refused. Raises ``ExtraMissing`` where stores are named
    and the library for them is not installed.
    """
    own = _OwnFiles(workspace.resolve())
    roots = [workspace.resolve(), *(workspace.joinpath(root).resolve() for root in link_roots)]
    found: dict[LogPath, FoundLog] = {}
    refused: dict[str, RefusedPath] = {}
    stores, listings = _Stores(), list[ListedGlob]()
    for pattern in patterns:
        if is_stored(pattern):
            glob, after = KeyGlob(pattern), listed_after.get(pattern)
            try:
                listed = (log for log in stores.listed(glob, after) if not own.hold(log))
                logs = sorted(listed, key=lambda log: log.key)
            except StoreRefused as refusal:
                where = f"{glob.bucket}/{glob.folder}".rstrip("/")
                refused[where] = RefusedPath(path=where, detail=str(refusal))
            else:
                listings.append(ListedGlob(glob=glob, after=after, logs=tuple(logs)))
                for each in logs:
                    found.setdefault(each, FoundLog(path=each, target=each))
            continue
        base, parts = _split(workspace, pattern)
        walk = _Walk(roots=(*roots, base.resolve()))
        for path in sorted(walk.matches(base, parts)):
            log = walk.followed(path)
            if log is None or log.target.is_dir() or own.hold(log.target):
                continue
            earlier = found.get(log.target)
            if earlier is None or (_is_link(earlier.path) and not path.is_symlink()):
                found[log.target] = FoundLog(path=log.path, target=log.target)
        for link in walk.refused:  # what links in a circle lead to again is the same link
            refused.setdefault(source_text(workspace, link.path), link)
    return FoundLogs(logs=tuple(found.values()), refused=tuple(refused.values()), listings=tuple(listings))


def source_text(workspace: Path, path: LogPath | str) -> str:
    r"""Return how a log is named in the lake: relative to the workspace with ``/`` where it lies inside, else absolute.

    One on a store is called by its address.

    A byte of the name that is no UTF-8 is written as ``\xe9``. A backslash that would read as such an escape is written
    as ``\x5c``, so that two names never become one, and the bytes of a name can be had back.
    """
    return SourceTexts(workspace).of(path)


class SourceTexts:
    """How logs of a workspace are named in the lake, as ``source_text`` says: each folder is resolved once.

    For many logs that lie there at the moment.
    """

    def __init__(self, workspace: Path) -> None:
        self._root = workspace.resolve()
        self._folders: dict[Path, Path] = {}

    def of(self, path: LogPath | str) -> str:
        """Return how a log is named."""
        if isinstance(path, StoredLog):
            return path.url
        if isinstance(path, str):
            return path
        if path.parent not in self._folders:
            folder = path.parent.resolve()
            is_within = folder.is_relative_to(self._root)
            self._folders[path.parent] = folder.relative_to(self._root) if is_within else folder
        name = (self._folders[path.parent] / path.name).as_posix()  # its own: a log is what it is called, a link too
        return os.fsencode(_LOOKS_ESCAPED.sub(r"\\x5c", name)).decode("utf-8", "backslashreplace")


def source_path(workspace: Path, source: str) -> Path:
    """Return where the log lay that is called ``source`` in the lake: what ``source_text`` was made of."""
    name = _ESCAPED.sub(lambda escape: bytes.fromhex(escape[1].decode()), source.encode())
    return workspace / os.fsdecode(name)


def is_named_by(workspace: Path, path: LogPath, patterns: tuple[str, ...], link_roots: tuple[str, ...] = ()) -> bool:
    """Say whether a file, or an object, is one of those that ``patterns`` name; no store is asked."""
    if isinstance(path, StoredLog):
        globs = [KeyGlob(pattern) for pattern in patterns if is_stored(pattern)]
        return any(path.url.startswith(f"{glob.bucket}/") and glob.names(path.key) for glob in globs)
    target = path.resolve()
    of_files = tuple(pattern for pattern in patterns if not is_stored(pattern))
    return any(log.target == target for log in find_logs(workspace, of_files, link_roots).logs)


class _Stores:
    """The buckets that globs name, each opened once."""

    def __init__(self) -> None:
        self._of: dict[str, ObjectStore] = {}

    def listed(self, glob: KeyGlob, after: str | None) -> Iterator[StoredLog]:
        """List what a glob names. Raises ``StoreRefused`` and ``ExtraMissing``."""
        from pipeline.objects.stores import ObjectStore  # noqa: PLC0415  # few have logs there

        if glob.bucket not in self._of:
            self._of[glob.bucket] = ObjectStore(glob.bucket)
        return list_stored(glob, self._of[glob.bucket], after=after)


def _is_link(path: LogPath) -> bool:
    return isinstance(path, Path) and path.is_symlink()


def _split(workspace: Path, pattern: str) -> tuple[Path, tuple[str, ...]]:
    """Return the folder a pattern begins with, before its first wildcard, and the parts that follow.

    A link up to there was named explicitly.
    """
    parts = Path(pattern).parts
    literal = next((place for place, part in enumerate(parts[:-1]) if _MAGIC.search(part)), max(len(parts) - 1, 0))
    return workspace.joinpath(*parts[:literal]), parts[literal:]


class _OwnFiles:
    """What a workspace itself consists of: what is written by us, here or on a store, and what is configured."""

    def __init__(self, root: Path) -> None:
        self._root = root
        folders = (layout.lake(root), layout.invoices(root), layout.key_aliases(root))
        self._folders = tuple(f"{folder}/" for folder in folders)
        self._files = {root / name for name in (layout.ACKNOWLEDGED_FILE, SECRET_FILE, OLD_SECRET_FILE)}
        mounts = filter(None, map(mount_of, folders))
        self._addresses = tuple({f"{mounted.store.url}/" for mounted in mounts})

    def hold(self, target: LogPath) -> bool:
        """Say whether a file, or an object, is one of them."""
        if isinstance(target, StoredLog):
            return target.url.startswith(self._addresses)
        if not target.is_relative_to(self._root):
            return False
        return target in self._files or target.suffix == ".toml" or f"{target}/".startswith(self._folders)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Followed:
    """A file, and where its links lead."""

    path: Path
    target: Path


@dataclass(slots=True, kw_only=True)
class _Walk:
    """The expansion of one pattern: no folder is entered twice for one ``**``, so that no loop of links holds it up."""

    roots: tuple[Path, ...]
    refused: list[RefusedPath] = field(default_factory=list)
    _real_folders: dict[Path, Path] = field(default_factory=dict)
    """Of those with files that are no links, where they lie."""

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

    def followed(self, path: Path) -> _Followed | None:
        """Return what a path leads to; ``None`` where it is refused, or gone."""
        try:
            target = self._real(path)
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
        return _Followed(path=path, target=target)

    def _real(self, path: Path) -> Path:
        """Return a path with all links resolved: of files in one folder, its own are resolved once.

        Raises ``OSError``.
        """
        if not stat.S_ISREG(path.lstat().st_mode):
            return Path(os.path.realpath(path, strict=True))
        if path.parent not in self._real_folders:
            self._real_folders[path.parent] = Path(os.path.realpath(path.parent, strict=True))
        return self._real_folders[path.parent] / path.name

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
