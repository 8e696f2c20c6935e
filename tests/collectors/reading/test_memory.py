"""What is freed is used again, since fresh pages are dear; and a line takes a small multiple of its size."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

_FAULTS = """
import resource
import numpy as np
from pipeline.collectors.logs.memory import keep_freed_memory
keep_freed_memory()
for rounds in (2, 20):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(rounds):
        blocks = [np.full(megabytes << 20, 1, np.uint8) for megabytes in (2, 1, 3, 2)]
        del blocks
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.long
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator")
def test_blocks_that_are_freed_are_not_asked_for_again_page_by_page() -> None:
    kept = subprocess.run([sys.executable, "-c", _FAULTS], capture_output=True, check=True, text=True).stdout
    assert int(kept) < 400, "of the forty thousand pages that were written"


_LONG_LINE = """
import json, resource, sys
from pathlib import Path
from pipeline.collectors import LogFormat, read_log

path, reader = Path(sys.argv[1]), sys.argv[2]

def read(log):
    reading = read_log(log, source="s", name="n", log_format=LogFormat(), fingerprint=str, reader=reader)
    return [[s.record.lines, s.events.num_rows, s.quarantined["api_key_id"].to_pylist()] for s in reading]

read(path.with_name("short.jsonl"))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = read(path)
print(json.dumps([found, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024]))
"""
_MIB = 2**20
_BEGIN = (
    b'{"ts": "2026-09-01T12:00:00Z", "request_id": "r", "api_key_id": "key_1", "status": 200, "request": '
    b'{"model": "jamba-large", "messages": [{"role": "user", "content": "data:image/png;base64,'
)
_END = (
    b'"}]}, "response": {"id": "chatcmpl-1", "choices": [{"index": 0, "message": {"content": "Thaw."}}], '
    b'"usage": {"prompt_tokens": 10, "completion_tokens": 3}}}\n'
)


def _read(folder: Path, reader: str) -> tuple[list[Any], int]:
    """Return what the log ``long.jsonl`` amounts to, and by how many bytes reading it made a process grow."""
    (folder / "short.jsonl").write_bytes((_BEGIN + _END) * 5)
    command = [sys.executable, "-c", _LONG_LINE, str(folder / "long.jsonl"), reader]
    found, grown = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    return found, grown


def _write(folder: Path, line_bytes: int) -> None:
    """Write a log with one line of so many bytes, its LF not counted, between short ones."""
    rest = line_bytes - len(_BEGIN) - len(_END) + 1
    with (folder / "long.jsonl").open("wb") as log:
        log.write(_BEGIN + _END + _BEGIN)
        for piece in [_MIB] * (rest // _MIB) + [rest % _MIB]:
            log.write(b"iVBO" * (piece // 4) + b"A" * (piece % 4))
        log.write(_END + _BEGIN + _END)


@pytest.mark.long
@pytest.mark.parametrize("reader", ["fast", "plain"])
def test_a_line_of_64_mib_is_read_in_a_small_multiple_of_its_size(tmp_path: Path, reader: str) -> None:
    _write(tmp_path, 64 * _MIB)
    found, grown = _read(tmp_path, reader)
    assert found == [[3, 3, []]]
    assert grown < 8 * 64 * _MIB


@pytest.mark.slow
@pytest.mark.parametrize("reader", ["fast", "plain"])
def test_a_line_beyond_the_cap_takes_no_more_than_one_at_the_cap_and_tells_its_key(tmp_path: Path, reader: str) -> None:
    _write(tmp_path, 400 * _MIB)
    found, grown = _read(tmp_path, reader)
    assert found == [[3, 2, ["key_1"]]]
    assert grown < 4 * 64 * _MIB


@pytest.mark.long
@pytest.mark.parametrize("reader", ["fast", "plain"])
def test_nuls_beyond_the_cap_take_no_memory_at_all(tmp_path: Path, reader: str) -> None:
    with (tmp_path / "long.jsonl").open("wb") as log:
        log.write(_BEGIN + _END)
        log.seek(150 * _MIB, 1)
        log.write(_BEGIN + _END)
    found, grown = _read(tmp_path, reader)
    assert found == [[2, 2, []]]
    assert grown < 24 * _MIB
