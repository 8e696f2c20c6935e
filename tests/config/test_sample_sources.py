"""The sources of a new workspace name logs as gateways and logrotate leave them."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from workspaces import plain, tallybook

from pipeline.base.zstd import zstd
from pipeline.configuration.settings import read_settings
from pipeline.configuration.source_files import find_logs
from pipeline.jobs.upkeep.init import init

if TYPE_CHECKING:
    from pathlib import Path

NAMES = (
    *("app.jsonl", "app.jsonl.1", "app.jsonl.gz", "app.jsonl.gz.1", "app.jsonl-20261001.zst"),
    *("app.log", "app.log.1", "app.log.2.gz", "app.log.gz.1", "app.log-20261001", "app.log-20261001.gz"),
    *("app-20261001.log.zst", "east/pod-1/app.log", "east/app.jsonl.zst"),
)


@pytest.mark.parametrize("name", NAMES)
def test_a_rotated_log_is_read_whatever_logrotate_calls_it(tmp_path: Path, name: str) -> None:
    root = tmp_path / "books"
    init(root)
    for log in (root / "logs").iterdir():
        log.unlink()
    path = root / "logs" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    content = f"{plain('2026-03-01T10:00:00Z', id='a')}\n".encode()
    packed = gzip.compress(content) if ".gz" in name else content
    path.write_bytes(zstd.compress(content) if ".zst" in name else packed)
    (root / "logs" / "README.txt").write_text("no log")
    assert "collected 1 new line from 1 of 1 log" in tallybook(root, "collect").stdout


def test_the_sample_s_own_logs_are_found(tmp_path: Path) -> None:
    init(tmp_path / "books")
    (source,) = read_settings(tmp_path / "books").sources
    assert len(find_logs(tmp_path / "books", source.paths).logs) == len(list((tmp_path / "books" / "logs").iterdir()))
