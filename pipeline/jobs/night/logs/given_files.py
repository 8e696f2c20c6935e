"""The source that a file is read as which somebody named at the terminal.

A file under the globs of a source is that source's. Any other is read as the source that was asked for, as the one that
read its beginning before, or as the only one that reads its first lines; where that cannot be told, nothing is read.

Owns this choice and what is said of it. Does not own the globs (``pipeline.configuration.source_files``) nor reading.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from pipeline.base.errors import ConfigurationError
from pipeline.collectors import read_log, records_beginning_like
from pipeline.configuration.source_files import is_named_by
from pipeline.jobs.night.trial import is_mostly_refused, quarantine_example
from pipeline.jobs.wording import counted
from pipeline.usage import QuarantineReason
from pipeline.usage.sources import line_counts, quarantine_reasons

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.collectors import KnownSources, LogFormat
    from pipeline.configuration.source_settings import SourceSettings
    from pipeline.configuration.stored.stored_log import LogPath
    from pipeline.configuration.workspace import Workspace

_NEW = "a new one: none in tallybook.toml reads it"
SAMPLE_LINES_MAX = 200
"""So many lines tell whether a source reads a file."""
_OF_ENTRY = re.compile(r"^entry [0-9]+: ")
"""What the reason of one of several entries of a line begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenSource:
    """The source that a file is read as."""

    source: SourceSettings
    why: str
    """Empty where the file is under its globs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What a source makes of the first lines of a file."""

    lines: int
    refused: int
    is_refused: bool
    text: str
    missing: frozenset[str] = frozenset()
    """The fields of which some lines have none, and that nothing is billed without."""


def choose_source(
    workspace: Workspace,
    path: LogPath,
    *,
    called: str,
    asked_for: str | None,
    known: Callable[[], KnownSources],
    format_of: Callable[[SourceSettings, LogPath], LogFormat],
    otherwise: Callable[[], SourceSettings] | None = None,
) -> ChosenSource:
    """Return the source that a file is read as; ``called`` is the file's name in messages.

    ``otherwise`` returns what a file is read as that no source reads; without it, such a file is refused.
    ``known`` returns what was collected so far; it is asked for a file that no source names.
    Raises ``ConfigurationError`` where there is no source by the name that was ``asked_for``, where another one names
    the file, and where it cannot be told.
    """
    sources = workspace.settings.sources
    if not sources and otherwise is not None and asked_for is None:
        return ChosenSource(source=otherwise(), why=_NEW)
    if not sources:
        message = f"{called}: tallybook.toml names no [[sources]], so nothing says how to read it; add one"
        raise ConfigurationError(message)
    owner = next((each for each in sources if is_named_by(workspace.root, path, each.all_paths, each.link_roots)), None)
    if asked_for is not None:
        source = next((each for each in sources if each.name == asked_for), None)
        if source is None:
            message = f"there is no source {asked_for!r} in tallybook.toml; its sources are {_listed(sources)}"
            raise ConfigurationError(message)
        if owner is not None and owner is not source:
            message = (
                f"{called} is under the paths of source {owner.name!r}, and every night reads it so; leave out "
                f"--source, or change the paths in tallybook.toml"
            )
            raise ConfigurationError(message)
        return ChosenSource(source=source, why="" if owner is source else "as asked")
    if owner is not None:
        return ChosenSource(source=owner, why="")
    beginning = records_beginning_like(path, format_of(sources[0], path), known(), follows_links=True)
    readers = {record.name for record in beginning}
    before = [source for source in sources if source.name in readers]
    if len(before) == 1:
        return ChosenSource(source=before[0], why="which read its beginning before")
    return _only_one_that_reads(path, called, sources, format_of, otherwise)


def _only_one_that_reads(
    path: LogPath,
    called: str,
    sources: Sequence[SourceSettings],
    format_of: Callable[[SourceSettings, LogPath], LogFormat],
    otherwise: Callable[[], SourceSettings] | None,
) -> ChosenSource:
    samples = [(source, sample_of(path, called, format_of(source, path))) for source in sources]
    if len(sources) == 1 and not samples[0][1].is_refused:
        return ChosenSource(source=sources[0], why="the only one in tallybook.toml")
    readers = [(source, sample) for source, sample in samples if sample.lines and not sample.is_refused]
    if len(readers) == 1:
        source, sample = readers[0]
        return ChosenSource(source=source, why=f"the only one that reads its {_first(sample.lines)}")
    if len(readers) > 1:
        message = (
            f"{called} is under the paths of no source, and {_listed([source for source, _ in readers])} all read its "
            f"{_first(readers[0][1].lines)}; name the one that it is of with --source"
        )
        raise ConfigurationError(message)
    if otherwise is not None:
        return ChosenSource(source=otherwise(), why=_NEW)
    tried = "; ".join(f"{source.name!r} {sample.text}" for source, sample in samples)
    message = (
        f"{called} is under the paths of no source, and none reads it: {tried}. Add a source for it to tallybook.toml, "
        "as 'tallybook try FILE' proposes it, or name the one that it is of with --source"
    )
    raise ConfigurationError(message)


def sample_of(path: LogPath, called: str, log_format: LogFormat) -> Sample:
    """Read the first lines of a file by way of a source; nothing is kept of them."""
    reading = read_log(
        path,
        source=called,
        name="",
        log_format=log_format,
        fingerprint=lambda _: "key",
        segment_events_max=SAMPLE_LINES_MAX,
        follows_links=True,
    )
    segment = next(reading, None)
    reading.close()
    if segment is None:
        problem = reading.problem
        text = f"finds no whole line in it{f' ({problem.detail})' if problem is not None else ''}"
        return Sample(lines=0, refused=0, is_refused=False, text=text)
    counts, reasons = line_counts([segment.record]), quarantine_reasons([segment.record])
    lines = counts["quarantined"] + counts["events"]
    text = (
        f"refuses {counts['quarantined']} of its {_first(lines)} "
        f"({quarantine_example([segment], next(iter(reasons))).text})"
        if reasons
        else ""
    )
    rows = segment.quarantined.filter(pc.equal(segment.quarantined["reason"], QuarantineReason.MISSING_FIELD.value))
    return Sample(
        lines=lines,
        refused=counts["quarantined"],
        is_refused=is_mostly_refused([segment.record]),
        text=text,
        missing=frozenset(_OF_ENTRY.sub("", detail) for detail in rows["detail"].to_pylist()),
    )


def _first(lines: int) -> str:
    return f"first {counted(lines, 'line')}" if lines > 1 else "first line"


def _listed(sources: Sequence[SourceSettings]) -> str:
    return ", ".join(repr(source.name) for source in sources)
