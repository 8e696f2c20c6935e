"""Which logs are read, and as what: those that the globs of sources come to, and those that somebody gives.

Owns which file is whose, and what is told of given ones. Does not own how a source is found for a file
(``given_files``), nor reading (``pipeline.jobs.night.collect``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from pipeline import lake
from pipeline.base.warning_codes import WarningCode
from pipeline.collectors import KnownSources, records_beginning_like
from pipeline.configuration.source_files import SourceTexts, find_logs, source_text
from pipeline.jobs.night.logs.given_files import choose_source
from pipeline.jobs.night.logs.received import STANDARD_INPUT, held_received, keep_received
from pipeline.jobs.state.log_formats import batch_files_of, log_format_at, log_format_of
from pipeline.jobs.warned import NightWarning
from pipeline.jobs.wording import NO_SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from contextlib import ExitStack
    from pathlib import Path

    from pipeline.configuration.source_files import FoundLogs, ListedGlob, RefusedPath
    from pipeline.configuration.source_settings import SourceSettings
    from pipeline.configuration.stored.stored_log import LogPath
    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.night.logs.given_files import ChosenSource
    from pipeline.usage.sources import SourceRecord

_BESIDE_MAX = 1_000
"""So many files of a folder are looked at to find a log that was renamed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOfSource:
    """A file, and the source that it is read as."""

    target: LogPath
    """As it is opened: behind the links that may be followed."""
    called: str
    """As the lake names it."""
    source: SourceSettings
    is_named: bool
    """The person at the terminal named this very file, so that a link is followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredLogs:
    """What the globs of sources come to."""

    logs: list[LogOfSource]
    refused: list[RefusedPath]
    warnings: list[NightWarning]
    without_logs: list[SourceSettings]
    beside: frozenset[str]
    """Batch objects and input files under the paths of their own source, by their names in the lake: they are no logs.
    """
    listings: list[ListedGlob] = field(default_factory=list)
    """What was listed of stores."""


def configured_logs(
    workspace: Workspace, names: Sequence[str], listed_after: Mapping[str, str] = MappingProxyType({})
) -> ConfiguredLogs:
    """Return what all sources, or those named, come to. A file that two sources name is the first one's.

    Of globs of stores in ``listed_after`` only what is behind a key is listed.
    """
    listings: list[ListedGlob] = []
    logs: dict[LogPath, LogOfSource] = {}
    refused: dict[Path | str, RefusedPath] = {}
    beside: set[str] = set()
    without_logs: list[SourceSettings] = []
    texts = SourceTexts(workspace.root)
    nothing = NightWarning(code=WarningCode.NO_SOURCES, subject="tallybook.toml", text=NO_SOURCES)
    warnings = [] if workspace.settings.sources else [nothing]
    for source in workspace.settings.sources:
        if names and source.name not in names:
            continue
        found = find_logs(workspace.root, source.all_paths, source.link_roots, listed_after)
        listings += found.listings
        batches = batch_files_of(workspace.root, source)
        for log in found.logs:
            called = texts.of(log.path)
            if batches is not None and batches.has(log.target):
                beside.add(called)
                continue
            logs.setdefault(log.target, LogOfSource(target=log.target, called=called, source=source, is_named=False))
        refused |= {each.path: each for each in found.refused}
        if not found.logs and not any(each.is_stored for each in found.refused) and not _is_behind_mark(found):
            without_logs.append(source)
    return ConfiguredLogs(
        logs=list(logs.values()),
        refused=list(refused.values()),
        warnings=warnings,
        without_logs=without_logs,
        beside=frozenset(beside),
        listings=listings,
    )


def _is_behind_mark(found: FoundLogs) -> bool:
    """Say whether something was listed behind a mark only, before which there were logs."""
    return any(each.after is not None for each in found.listings)


@dataclass(kw_only=True)
class GivenLogs:
    """The logs that somebody gives at the terminal, and what is told of how they are read."""

    workspace: Workspace
    as_source: str | None
    told: list[str] = field(default_factory=list)
    """One line on each log that no source names."""

    @cached_property
    def known(self) -> KnownSources:
        """What the lake knows of logs, read once."""
        return KnownSources(lake.read_log(self.workspace.lake).sources)

    def receive(self, pieces: Iterable[bytes], *, keep: bool, held: ExitStack) -> LogOfSource:
        """Return the log that comes by standard input, there for as long as ``held`` is; kept where that is wanted."""
        root = self.workspace.root
        if keep:
            log = keep_received(root, pieces, self._choose_received)
            called = source_text(root, log.path)
            place, then = f"kept as {called}, ", ""
        else:
            log = held.enter_context(held_received(pieces, self._choose_received))
            called = log.called
            place, then = "", "; it is not kept, so pipe it in again to have lines of it read again (or use --keep)"
        why = f", {log.chosen.why}" if log.chosen.why else ""
        self.told.append(f"{STANDARD_INPUT}: {place}read as source {log.chosen.source.name!r}{why}{then}")
        return LogOfSource(target=log.path, called=called, source=log.chosen.source, is_named=True)

    def beginning_like(self, log: LogOfSource) -> list[SourceRecord]:
        """Return what was collected of logs that begin as this one does: it may have come before under other names."""
        log_format = log_format_of(self.workspace.settings, log.source)
        return records_beginning_like(log.target, log_format, self.known, follows_links=True)

    def log(self, path: LogPath) -> LogOfSource:
        """Return a given file with its source."""
        called = source_text(self.workspace.root, path)
        chosen = self._choose(path, called)
        if chosen.why:
            self.told.append(f"{called}: read as source {chosen.source.name!r}, {chosen.why}; its paths do not name it")
        return LogOfSource(target=path, called=called, source=chosen.source, is_named=True)

    def _choose_received(self, path: Path) -> ChosenSource:
        return self._choose(path, STANDARD_INPUT)

    def _choose(self, path: LogPath, called: str) -> ChosenSource:
        return choose_source(
            self.workspace,
            path,
            called=called,
            asked_for=self.as_source,
            known=lambda: self.known,
            format_of=lambda source, path: log_format_at(self.workspace.root, self.workspace.settings, source, path),
        )


def files_beside(root: Path, records: Sequence[SourceRecord]) -> Iterator[Path]:
    """Yield the files in the folders of logs, where these folders are still there."""
    for folder in sorted({(root / record.source).parent for record in records}):
        if folder.is_dir():
            files = (path for path in folder.iterdir() if path.is_file() and not path.is_symlink())
            yield from sorted(files)[:_BESIDE_MAX]
