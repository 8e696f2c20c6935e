"""What a worker read of a log is believed while what it may have been continued from is what is known; no server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workspaces import make_workspace, plain, tallybook, write_log

from pipeline.collectors import KnownSources
from pipeline.collectors.logs.lineage import window
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.night.logs.logs_to_read import LogOfSource
from pipeline.jobs.night.on_workers.logs_on_workers import LogsOnWorkers
from pipeline.jobs.night.on_workers.read_there import ReadThere
from pipeline.jobs.night.on_workers.wire import AnswerOfLog, PlannedLog, Seen, candidates_digest
from pipeline.lake.commits import read_log
from pipeline.objects.temporary.spooled import SpooledBytes

if TYPE_CHECKING:
    from pathlib import Path


def test_a_reading_is_believed_only_while_what_is_known_is_what_it_was_continued_from(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    path = write_log(root, "a.jsonl", plain("2026-10-05T10:00:00Z", id="r1"))
    assert tallybook(root, "collect", "--as-of", "2026-11-02").returncode == 0
    workspace = open_workspace(root)
    (record,) = read_log(workspace.lake).sources
    (source,) = workspace.settings.sources
    log = LogOfSource(target=path, called="logs/a.jsonl", source=source, is_named=False)
    content = path.read_bytes()
    planned = PlannedLog(
        path=str(path), source=log.called, name=source.name, head=window(content), file_size=len(content), known=()
    )
    workers = LogsOnWorkers(workspace=workspace, key_secret=None, segment_events_max=1, on_progress=None)
    answer = AnswerOfLog(path=str(path), seen=Seen.AS_PLANNED, candidates=candidates_digest(()))
    reading = ReadThere(answer=answer, parts=(), spooled=SpooledBytes())
    workers._looked_at.add(path)  # noqa: SLF001 - as a job leaves it
    workers._planned[str(path)] = planned  # noqa: SLF001
    workers._readings[str(path)] = reading  # noqa: SLF001
    known = KnownSources()
    assert workers.reading(log, known, 1) is reading
    known.add([record])  # another log of the run, or another run, had the same lines meanwhile
    assert workers.reading(log, known, 1) is None
