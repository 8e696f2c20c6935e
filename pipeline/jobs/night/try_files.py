"""What logs would come to, before any of it counts: read, counted and rated by the night's own steps, and kept nowhere.

A scratch lake in a folder of its own takes what ``collect`` makes of the files; it is counted and rated with the
accounts and rate cards of the workspace, and is gone when the answer is made. The workspace is only read.

Owns which source each file is tried as, and the folder. Does not own what is asked of that lake (``tried``), reading,
counting or rating, nor how a source is found or proposed (``logs``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import lake
from pipeline.accounts import Accounts
from pipeline.base.errors import ConfigurationError
from pipeline.collectors import KnownSources
from pipeline.collectors.guess.samples import sample_documents, stated_fields
from pipeline.configuration.keys.key_secret import find_key_secret
from pipeline.configuration.settings import EngineSettings, Settings
from pipeline.configuration.source_files import source_text
from pipeline.configuration.source_settings import BatchPaths
from pipeline.configuration.stored.key_glob import is_stored
from pipeline.configuration.workspace import Workspace
from pipeline.jobs.night.logs.given_files import choose_source
from pipeline.jobs.night.logs.new_source import mended_source, new_source
from pipeline.jobs.night.tried import ScratchLake, Unfound
from pipeline.jobs.state.log_formats import log_format_at
from pipeline.objects.temporary.scratch import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pipeline.collectors import LogFormat
    from pipeline.configuration.source_settings import SourceSettings
    from pipeline.configuration.stored.stored_log import LogPath
    from pipeline.jobs.night.logs.given_files import ChosenSource
    from pipeline.jobs.night.logs.new_source import NewSource
    from pipeline.jobs.night.tried import Tried


def try_files(
    workspace: Workspace | None,
    paths: Sequence[LogPath],
    *,
    now: datetime,
    key_secret: bytes | None,
    as_source: str | None = None,
    processes: int = 1,
) -> Tried:
    """Return what the files would come to, by the accounts and rate cards of a workspace where there is one.

    Raises ``ConfigurationError`` where several sources read a file and none is named, and where ``as_source`` is none.
    """
    if workspace is None and as_source is not None:
        message = (
            f"there is no workspace, and so no source {as_source!r}; leave out --source, or name a workspace by -w"
        )
        raise ConfigurationError(message)
    chosen, proposed = _chosen(workspace, paths, as_source)
    secret = key_secret if workspace is None else find_key_secret(workspace.root, environment=key_secret)
    with scratch_folder() as folder:
        scratch = ScratchLake(
            workspace=_scratch_workspace(workspace, folder, [each.source for each in chosen.values()], now),
            configured=frozenset(each.name for each in workspace.settings.sources) if workspace else frozenset(),
            called={source_text(folder, path): str(path) for path in paths},
            aliases_of=None if workspace is None else workspace.root,
        )
        for source, group in _by_source(chosen).items():
            scratch.collect(source, group, now=now, secret=secret, processes=processes)
        tried = scratch.tried(chosen, proposed, workspace)
    return replace(tried, mended=_mended(workspace, chosen), unfound=_unfound(workspace, chosen))


def _chosen(
    workspace: Workspace | None, paths: Sequence[LogPath], as_source: str | None
) -> tuple[dict[LogPath, ChosenSource], tuple[NewSource, ...]]:
    """Return the source of each file, and the new ones among them."""
    asked = workspace or _nobodys(Path())
    known = KnownSources(lake.read_log(asked.lake).sources if workspace is not None else ())
    new = _NewSources(root=None if workspace is None else workspace.root, settings=asked.settings)
    chosen = {
        path: choose_source(
            asked,
            path,
            called=str(path),
            asked_for=as_source,
            known=lambda: known,
            format_of=lambda source, path: log_format_at(asked.root, asked.settings, source, path),
            otherwise=partial(new.source_of, path),
        )
        for path in dict.fromkeys(paths)
    }
    return chosen, tuple(new.found)


def _mended(workspace: Workspace | None, chosen: dict[LogPath, ChosenSource]) -> tuple[NewSource, ...]:
    """Return what would read the files that configured sources refuse: one for each source."""
    if workspace is None:
        return ()
    root, settings = workspace.root, workspace.settings
    found: dict[str, NewSource] = {}
    for path, each in chosen.items():
        if each.source in settings.sources and each.source.name not in found:
            new = mended_source(root, path, each.source, partial(_format_at, root, settings, path))
            if new is not None:
                found[each.source.name] = new
    return tuple(found.values())


def _unfound(workspace: Workspace | None, chosen: dict[LogPath, ChosenSource]) -> tuple[Unfound, ...]:
    """Return which fields of configured sources none of the first lines of their files has."""
    if workspace is None:
        return ()
    found: list[Unfound] = []
    for source, paths in _by_source(chosen).items():
        configured = next((each for each in workspace.settings.sources if each.name == source), None)
        if configured is None or not configured.fields:
            continue
        lines, stated = 0, set[str]()
        for path in paths:
            log_format = log_format_at(workspace.root, workspace.settings, configured, path)
            documents = sample_documents(path, log_format)
            lines += len(documents)
            stated |= stated_fields(documents, log_format)
        missing = {name: rule for name, rule in configured.fields.items() if name not in stated}
        if lines and missing:
            found.append(Unfound(source=source, lines=lines, fields=missing))
    return tuple(found)


def _format_at(root: Path, settings: Settings, path: LogPath, source: SourceSettings) -> LogFormat:
    return log_format_at(root, settings, source, path)


@dataclass(kw_only=True)
class _NewSources:
    """The sources that are proposed: one for all files that are written alike."""

    root: Path | None
    settings: Settings
    found: list[NewSource] = field(default_factory=list)

    def source_of(self, path: LogPath) -> SourceSettings:
        """Return the new source of a file."""
        taken = {source.name for source in self.settings.sources} | {each.settings.name for each in self.found}
        new = new_source(
            self.root,
            path,
            taken=taken,
            format_of=partial(_format_at, self.root or Path(), self.settings, path),
        )
        for place, each in enumerate(self.found):
            if _written(each.settings) == _written(new.settings):
                paths = tuple(dict.fromkeys((*each.settings.paths, *new.settings.paths)))
                self.found[place] = replace(each, settings=replace(each.settings, paths=paths))
                return self.found[place].settings
        self.found.append(new)
        return new.settings


def _written(source: SourceSettings) -> tuple[Any, ...]:
    """Return what makes logs of two sources logs of one."""
    return source.format, source.fields, source.line_in, source.batch


def _by_source(chosen: dict[LogPath, ChosenSource]) -> dict[str, list[LogPath]]:
    groups: dict[str, list[LogPath]] = {}
    for path, each in chosen.items():
        groups.setdefault(each.source.name, []).append(path)
    return groups


def _nobodys(root: Path) -> Workspace:
    """Return a workspace in which nothing is configured."""
    return Workspace(root=root, settings=Settings(), accounts=Accounts(), rate_cards={}, digest="", files={})


def _scratch_workspace(
    workspace: Workspace | None, root: Path, sources: Sequence[SourceSettings], now: datetime
) -> Workspace:
    """Return the workspace in another folder, where its sources name no files."""
    real = workspace or _nobodys(root)
    beside = real.root if workspace is not None else Path()
    by_name = {source.name: replace(source, paths=("-",), batch=_from(beside, source.batch)) for source in sources}
    settings = replace(real.settings, sources=tuple(by_name.values()))
    return replace(real, root=root, now=now, settings=settings, engine=EngineSettings())  # no server sees what is tried


def _from(root: Path, batch: BatchPaths | None) -> BatchPaths | None:
    """Return the globs of batches from a folder on, as they are named elsewhere."""
    if batch is None:
        return None
    objects, inputs = (
        tuple(glob if is_stored(glob) else str(root.resolve() / glob) for glob in globs)
        for globs in (batch.objects, batch.inputs)
    )
    return BatchPaths(objects=objects, inputs=inputs)
