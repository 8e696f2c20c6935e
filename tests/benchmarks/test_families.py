"""The contender of each family finds what is in the log, as Tallybook does, and the kernel tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.families import FAMILIES, LOGGERS, by_json, by_tallybook, rows_of, written
from pipeline.collectors import LogFormat
from pipeline.collectors.kernel.blocks import BlockDecoder
from pipeline.collectors.kernel.rules import table
from pipeline.collectors.wrappers import wrapper_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", FAMILIES)
def test_both_find_the_same_rows_and_the_kernel_tells_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 0)
    log = tmp_path / "app.jsonl"
    written(FAMILIES[name], log, 60_000)
    rows = by_json(FAMILIES[name], log)
    assert rows == rows_of(by_tallybook(log))
    assert all(row[3] for row in rows)
    content = log.read_bytes()
    decoder = BlockDecoder(source="s", log_format=LogFormat(), fingerprint=str)
    found = decoder.decoded(content, start=0, first_line=1)
    assert (found.told, found.lines) == (len(rows), content.count(b"\n"))


@pytest.mark.parametrize("name", ["anthropic", "gemini, streamed"])
@pytest.mark.parametrize("within", ["docker", "cri"])
def test_both_take_lines_out_of_the_log_of_a_container(tmp_path: Path, within: str, name: str) -> None:
    log, logger = tmp_path / "app.log", LOGGERS[within]
    written(FAMILIES[name], log, 60_000, logger)
    rows = by_json(FAMILIES[name], log, logger)
    assert rows == rows_of(by_tallybook(log))
    assert len(rows) <= log.read_bytes().count(b"\n")
    assert wrapper_of(log.read_bytes()) is not None
