"""Several processes that write at the same time, without the lock: the ``link()`` alone keeps every commit."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline import lake, register

WRITER = """
import sys
sys.path.insert(0, sys.argv[1])
from datetime import UTC, datetime
from pathlib import Path
from lake_inputs import commit_events, event
from pipeline.base.errors import CommitConflict
from pipeline import lake, register

workspace, writer = Path(sys.argv[2]), int(sys.argv[3])
conflicts = 0
print("ready", flush=True)
sys.stdin.readline()
for number in range(2):
    while True:
        try:
            line = 10 * writer + number
            log, events = lake.read_log(workspace / "lake"), [event(line, datetime(2026, 3, 2, tzinfo=UTC))]
            commit_events(workspace / "lake", log, events, source=f"logs/{line}")
            break
        except CommitConflict:
            conflicts += 1
    while True:
        try:
            register.append(workspace, register.read(workspace), lambda number: {"number": number, "writer": writer})
            break
        except CommitConflict:
            conflicts += 1
print(conflicts)
"""


@pytest.mark.long
def test_every_commit_of_concurrent_runs_is_kept_once_and_numbers_have_no_gaps(tmp_path: Path) -> None:
    here = str(Path(__file__).parents[1])
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, here, str(tmp_path), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    conflicts = sum(int(writer.communicate()[0]) for writer in _started(writers))
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    snapshot = lake.read_log(tmp_path / "lake")
    assert snapshot.version == 5
    lines = [
        line
        for path in lake.verified_files(tmp_path / "lake", snapshot)
        for line in pq.ParquetFile(path).read(["line"])["line"].to_pylist()
    ]
    assert sorted(lines) == [10 * writer + number for writer in range(3) for number in range(2)]
    documents = register.read(tmp_path)
    assert [each["number"] for each in documents] == list(range(1, 7))
    assert Counter(each["writer"] for each in documents) == {0: 2, 1: 2, 2: 2}
    assert conflicts > 0, "the runs did not overlap: nothing was shown"


def _started(writers: list[subprocess.Popen[str]]) -> list[subprocess.Popen[str]]:
    """Let all of them go before any is waited for."""
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    return writers
