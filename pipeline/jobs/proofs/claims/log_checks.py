"""The claim about logs: what is still there of them is, byte for byte, what was collected.

Each segment is hashed again, whatever its log is called by now and however it is compressed. A segment is *proven*
where any log has its bytes in their place; it *differs* where its log is there and has other bytes in that place; else
it is *gone*, which is nobody's fault: logs are rotated away.

Which log is a segment's own: one that begins as it did; one that has the segment before it; and the one that lies where
it lay, or has its name and a suffix (``a.jsonl.1``), unless something else was collected from there since. Writes
nothing.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from pipeline.base.errors import StoreRefused
from pipeline.collectors import KnownSources, LogFormat, hash_log, records_beginning_like
from pipeline.configuration.source_files import find_logs, source_path, source_text
from pipeline.configuration.stored.key_glob import is_stored
from pipeline.configuration.stored.stored_log import StoredLog
from pipeline.jobs.check import check_that_none
from pipeline.jobs.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pipeline.collectors import Hashed
    from pipeline.configuration.stored.stored_log import LogPath
    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.check import Check
    from pipeline.usage.sources import SourceRecord

_BESIDE_MAX = 1_000
"""So many files of a folder are looked at to find a log that was renamed."""
_NAMED_MAX = 5
_ANY = LogFormat()
"""Bytes are hashed, not decoded: how a source reads them does not matter."""


@dataclass(slots=True, kw_only=True)
class _Log:
    """A log that is there, and what it has of the segments that were collected, by their places in the records."""

    path: LogPath
    called: str
    hashed: dict[int, Hashed] = field(default_factory=dict)
    proven: set[int] = field(default_factory=set)
    begins_like: set[int] = field(default_factory=set)


def log_check(workspace: Workspace, records: Sequence[SourceRecord]) -> Check:
    """Hash all logs that are there again, and compare them with ``records``, which are in the order of their commits.

    Raises ``DigestUnavailable`` where nobody here can make the digest of a record.
    """
    before = _records_before(records)
    logs = _logs(workspace, records)
    known, numbers = KnownSources(records), {id(record): number for number, record in enumerate(records)}
    with _reading_ahead(logs):
        for log in logs:
            alike = records_beginning_like(log.path, _ANY, known, follows_links=False)
            log.begins_like = {numbers[id(record)] for record in alike}
            _compare(log, _with_followers(log.begins_like, before), records)
    proven = set().union(*(log.proven for log in logs))
    latest = _latest_of_each_name(records, before)
    wrong, gone, read = [], [], 0
    for number, record in enumerate(records):
        if number in proven:
            read += record.end - record.start
            continue
        suspects = [log for log in logs if _is_its_log(log, number, records, before, latest)]
        if not suspects:
            gone.append(record)
            continue
        log = min(suspects, key=lambda each: each.called != record.source)
        _compare(log, {number}, records)
        if number in log.proven:  # bytes before it were changed, which is said of their segment
            read += record.end - record.start
        else:
            wrong.append(_difference_text(log, number, record))
    segments = counted(len(records) - len(gone) - len(wrong), "segment")
    left = f"; {counted(len(gone), 'segment is', 'segments are')} gone, of {_named(gone)}" if gone else ""
    return check_that_none(
        wrong,
        name="logs_are_what_was_collected",
        fine=f"{segments} hashed again, {counted(read, 'byte')}{left}",
        found="differs",
    )


@contextmanager
def _reading_ahead(logs: Sequence[_Log]) -> Iterator[None]:
    """Let objects be asked for in the order of ``logs``."""
    if not any(isinstance(log.path, StoredLog) for log in logs):
        yield
        return
    from pipeline.collectors.logs.stored.object_bytes import reading_ahead  # noqa: PLC0415  # few have logs there

    with reading_ahead([log.path for log in logs]) as opened:
        as_listed = [log.path for log in logs]
        for log in logs:
            log.path = opened(log.path)
        yield
        for log, path in zip(logs, as_listed, strict=True):
            log.path = path


def _logs(workspace: Workspace, records: Sequence[SourceRecord]) -> list[_Log]:
    """Return the files under the globs, where logs lay, and beside them, since a log may be renamed out of its glob.

    Of stores, what is under the globs. Raises ``StoreRefused`` where one cannot be listed.
    """
    found = _under_globs(workspace)
    folders: dict[Path, None] = {}
    for called in dict.fromkeys(record.source for record in records if not is_stored(record.source)):
        path = source_path(workspace.root, called)
        folders[path.parent] = None
        if path.is_file():
            found.setdefault(path.resolve(), called)
    for folder in folders:
        if folder.is_dir():
            for path in islice(sorted(folder.iterdir()), _BESIDE_MAX):
                if path.is_file() and not path.is_symlink():
                    found.setdefault(path.resolve(), source_text(workspace.root, path))
    return [_Log(path=path, called=called) for path, called in found.items()]


def _under_globs(workspace: Workspace) -> dict[LogPath, str]:
    found: dict[LogPath, str] = {}
    for source in workspace.settings.sources:
        of_source = find_logs(workspace.root, source.all_paths, source.link_roots)
        for refused in of_source.refused:
            if refused.is_stored:  # what lies there is not gone, as far as anybody knows
                raise StoreRefused(refused.detail)
        for log in of_source.logs:
            found.setdefault(log.target, source_text(workspace.root, log.path))
    return found


def _records_before(records: Sequence[SourceRecord]) -> dict[int, int]:
    """Return, of each segment that continues one of the same name, the one that it continues: the latest that fits."""
    ends: dict[tuple[str, int, int], int] = {}
    found: dict[int, int] = {}
    for number, record in enumerate(records):
        if record.start and (earlier := ends.get((record.source, record.start, record.first_line))) is not None:
            found[number] = earlier
        ends[record.source, record.end, record.next_line] = number
    return found


def _with_followers(numbers: Iterable[int], before: dict[int, int]) -> set[int]:
    """Return these segments and all that continue them."""
    found = set(numbers)
    for number, earlier in before.items():  # in the order of the records, so that one pass finds all
        if earlier in found:
            found.add(number)
    return found


def _latest_of_each_name(records: Sequence[SourceRecord], before: dict[int, int]) -> set[int]:
    """Return the segments of the last log that was collected by each name; those before it were rotated away."""
    last = {record.source: number for number, record in enumerate(records)}
    found: set[int] = set()
    for newest in last.values():
        number: int | None = newest
        while number is not None:
            found.add(number)
            number = before.get(number)
    return found


def _is_its_log(
    log: _Log, number: int, records: Sequence[SourceRecord], before: dict[int, int], latest: set[int]
) -> bool:
    """Say whether a log that does not prove a segment should: see the head of this module."""
    start = records[number].start
    if any(records[other].start == start for other in log.proven):
        return False  # something else was collected from this place of it
    if number in log.begins_like or before.get(number) in log.proven:
        return True
    source = records[number].source
    is_called_so = log.called == source or log.called.startswith((f"{source}.", f"{source}-"))
    has_begun = any(records[other].start == 0 for other in log.proven)
    return is_called_so and number in latest and not has_begun


def _compare(log: _Log, numbers: Iterable[int], records: Sequence[SourceRecord]) -> None:
    wanted = sorted(set(numbers) - log.hashed.keys())
    for number, hashed in zip(wanted, hash_log(log.path, [records[each] for each in wanted]), strict=True):
        log.hashed[number] = hashed
        if not hashed.differences(records[number]):
            log.proven.add(number)


def _difference_text(log: _Log, number: int, record: SourceRecord) -> str:
    where = "" if log.called == record.source else f", now {log.called}"
    differences = ", ".join(log.hashed[number].differences(record))
    return f"{record.source}{where}, bytes {record.start} to {record.end} from line {record.first_line}: {differences}"


def _named(records: Sequence[SourceRecord]) -> str:
    names = list(dict.fromkeys(record.source for record in records))
    rest = f" and {len(names) - _NAMED_MAX} more" if len(names) > _NAMED_MAX else ""
    return ", ".join(names[:_NAMED_MAX]) + rest
