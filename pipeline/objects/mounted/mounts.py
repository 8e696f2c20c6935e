"""Which folders of a workspace are copies of what an object store holds.

``lake`` and ``key-aliases`` are on the store of the lake, ``invoices`` on that of the invoices; which files below them
are there, and how they are kept, is declared in ``layout``. A folder that is such a copy says so in a file of its own,
``.store``: it is never taken for the whole lake by a run that was told of no store, and a folder that was filled before
is compared with the store once, before it counts as a copy.

Does not own where addresses are declared (``pipeline.configuration.settings``) nor reading the environment
(``pipeline.cli``).
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.base.environment import INVOICES_VARIABLE, LAKE_VARIABLE
from pipeline.base.errors import ConfigurationError
from pipeline.objects import disk, layout
from pipeline.objects.mounted.addresses import in_force
from pipeline.objects.verified import bytes_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.objects.mounted.addresses import StoreUrls
    from pipeline.objects.stores import ObjectStore

STORE_NOTE = ".store"
"""In a folder that is a copy: the address of what it is a copy of, and then whether conditions are known to be kept."""
CONDITIONS_KEPT = "it creates nothing twice"
REQUESTS_AT_ONCE = 16
"""Of one store, by one run."""


@dataclass(slots=True, kw_only=True)
class Mount:
    """A folder, and where on a store what it is a copy of lies."""

    folder: Path
    """Absolute."""
    store: ObjectStore
    prefix: str
    """Of the keys; empty, or ending in a slash."""
    was_left: bool = False
    """Whether the one who held the store's lock before died, or failed: files may lie there that no entry names."""
    is_let_go: bool = True
    """Whether the store's lock is surely not held by this run."""
    is_locked: bool = False
    """Whether this process holds the workspace's lock: who does not writes copies under names that nobody sweeps."""

    def key(self, path: Path) -> str:
        """Return the key of a file in the folder, or what the keys of a folder in it begin with."""
        within = os.path.relpath(path, self.folder)
        return (self.prefix + ("" if within == "." else within.replace(os.sep, "/"))).rstrip("/")

    def make_folder(self, path: Path) -> None:
        """Make a folder in it, durably, however the path was written."""
        disk.make_folders(self.folder.parent, Path(_text(path)))

    def url(self, path: Path) -> str:
        """Name the object of a file for people."""
        return f"{self.store.url}/{self.key(path)}"


_mounted: dict[str, Mount] = {}


def mount(root: Path, configured: StoreUrls) -> None:
    """Make the folders of a workspace copies of what stores hold, or of nothing; what they were before is over.

    Raises ``ConfigurationError`` for an address that is none, for folders that hold what the store does not, and for
    copies whose store is named no longer; ``ExtraMissing`` where the library for stores is not installed, and
    ``StoreRefused`` where a store has to be asked and cannot be.
    """
    lake, invoices = layout.lake(root), layout.invoices(root)
    for folder in (lake, invoices, layout.key_aliases(root)):
        _mounted.pop(_text(folder), None)
    urls = in_force(configured)
    _refuse_forgotten_store(lake, urls.lake, LAKE_VARIABLE, "lake")
    _refuse_forgotten_store(invoices, urls.invoices, INVOICES_VARIABLE, "invoices")
    if not (urls.lake or urls.invoices):
        return
    from pipeline.objects.stores import ObjectStore  # noqa: PLC0415  # few use one

    if urls.lake.rstrip("/") == urls.invoices.rstrip("/"):
        message = (
            f"the lake and the invoices are both at {urls.lake}; give each an address of its own, such as "
            f"{urls.lake.rstrip('/')}/lake and {urls.lake.rstrip('/')}/invoices"
        )
        raise ConfigurationError(message)
    if urls.lake:
        store = ObjectStore(urls.lake)
        aliases = layout.key_aliases(root)
        _add(root, [(lake, store, ""), (aliases, store, f"{aliases.name}/")])
    if urls.invoices:
        _add(root, [(invoices, ObjectStore(urls.invoices), "")])


def mount_of(path: Path) -> Mount | None:
    """Return what a folder, or a file in it, is a copy of; None where it is on this machine alone."""
    if not _mounted:
        return None
    text = _text(path)
    for folder, found in _mounted.items():
        if text == folder or text.startswith(folder + os.sep):
            return found
    return None


@contextmanager
def held(root: Path) -> Iterator[None]:
    """Let the mounts of a workspace know, for the body, that its lock is held by this process."""
    folders = [_text(each) for each in (layout.lake(root), layout.invoices(root), layout.key_aliases(root))]
    mounts = [_mounted[each] for each in folders if each in _mounted]
    for each in mounts:
        each.is_locked = True
    try:
        yield
    finally:
        for each in mounts:
            each.is_locked = False


def check_conditions(folder: Path) -> None:
    """Ask the store of a folder, once for each copy and before it is written to, for what it must refuse.

    Raises ``ConfigurationError`` for a store that does it: two machines would overwrite what the other wrote.
    """
    mounted = mount_of(folder)
    if mounted is None or CONDITIONS_KEPT in _noted(mounted):
        return
    ignored = mounted.store.ignored_condition()
    if ignored is not None:
        message = (
            f"{mounted.store.url} is on a store that overwrites what it was told to {ignored}, so that two machines "
            "would lose what the other wrote; use a store that keeps conditions (docs/scale.md)"
        )
        raise ConfigurationError(message)
    content = f"{mounted.store.url}\n{CONDITIONS_KEPT}\n"
    disk.make_folders(mounted.folder.parent, mounted.folder)
    disk.replace_durably(mounted.folder / STORE_NOTE, content.encode())


def _text(path: Path) -> str:
    return os.path.abspath(path)  # noqa: PTH100  # links stay: both sides are named the same way


def _refuse_forgotten_store(folder: Path, url: str, variable: str, table: str) -> None:
    """Refuse to go on with a copy as if it were the whole."""
    if url or (content := bytes_of(f"{folder}/{STORE_NOTE}")) is None:
        return
    named = content.decode("utf-8", "replace").partition("\n")[0]
    message = (
        f"{folder} is this machine's copy of {named}, and this run was told of no store; set [{table}] url in "
        f"tallybook.toml, or {variable}, to it; or, to keep everything on this machine, copy the whole of {named} into "
        f"{folder} and remove {folder / STORE_NOTE}"
    )
    raise ConfigurationError(message)


def _add(root: Path, parts: list[tuple[Path, ObjectStore, str]]) -> None:
    """Mount folders of one store, once what is in them is known to be there too."""
    mounts = [Mount(folder=Path(_text(folder)), store=store, prefix=prefix) for folder, store, prefix in parts]
    note, url = mounts[0].folder / STORE_NOTE, mounts[0].store.url
    if _noted(mounts[0])[:1] != [url]:
        for each in mounts:
            _refuse_what_the_store_lacks(each)
        disk.make_folders(root, parts[0][0])
        disk.replace_durably(note, f"{url}\n".encode(), is_locked=False)
    _mounted.update({str(each.folder): each for each in mounts})


def _noted(mounted: Mount) -> list[str]:
    """Return the lines of a copy's note; none where there is no note."""
    return (bytes_of(f"{mounted.folder}/{STORE_NOTE}") or b"").decode("utf-8", "replace").splitlines()


def _refuse_what_the_store_lacks(mounted: Mount) -> None:
    """Compare a folder that was filled before with the store: names and sizes; entries and digests say the rest."""
    here = {mounted.key(path): path.stat().st_size for path in kept_files(mounted.folder)}
    if not here:
        return
    there = {each.key: each.size for each in mounted.store.list(mounted.prefix.rstrip("/"))}
    lacking = sorted(key for key, size in here.items() if there.get(key) != size)
    if lacking:
        holds = "holds nothing" if not there else f"lacks {len(lacking)} of them, such as {lacking[0]}"
        message = (
            f"{mounted.folder} holds {len(here)} files, and {mounted.store.url} {holds}; copy the folder there first "
            "(docs/scale.md says how), or name the store that it is a copy of; to begin with what the store holds, "
            f"move {mounted.folder} away"
        )
        raise ConfigurationError(message)


def kept_files(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder of which a store holds the truth; see ``layout.is_kept_on_store``."""
    for parent, _, names in os.walk(folder):
        within = os.path.relpath(parent, folder)
        for name in sorted(names):
            relative = name if within == "." else f"{within}/{name}".replace(os.sep, "/")
            if layout.is_kept_on_store(f"{folder.name}/{relative}"):
                yield Path(parent) / name
