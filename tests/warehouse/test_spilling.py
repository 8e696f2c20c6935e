from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from pipeline.objects.temporary.spill import spill_folder, sweep_spills
from pipeline.warehouse import connection
from pipeline.warehouse.connection import open_warehouse

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def dead_process_id() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_what_does_not_fit_into_memory_is_put_down_in_the_given_folder_and_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MEMORY_MAX", "40MB")
    with open_warehouse(tmp_path, spill=spill_folder(tmp_path)) as warehouse:
        assert not spill_folder(tmp_path).exists()
        warehouse.execute(
            "create temp table numbers as select hash(range) as number, hash(range + 1) as other from range(6_000_000)"
        ).fetchall()
        assert any(spill_folder(tmp_path).iterdir())
        assert warehouse.execute("select count(*) from numbers").fetchall() == [(6_000_000,)]
    assert not spill_folder(tmp_path).exists()


def test_only_what_dead_processes_left_is_swept(tmp_path: Path) -> None:
    left = tmp_path / f".spill-{dead_process_id()}"
    mine = spill_folder(tmp_path)
    foreign = tmp_path / ".spill-of-mine"
    for folder in (left, mine, foreign):
        folder.mkdir()
        (folder / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(b"counts")
    link = tmp_path / f".spill-{dead_process_id()}"
    link.symlink_to(foreign)
    assert sweep_spills(tmp_path) == [left.name]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([mine.name, foreign.name, link.name])
    assert mine.name == f".spill-{os.getpid()}"


def test_a_lake_that_does_not_exist_has_nothing_to_sweep(tmp_path: Path) -> None:
    assert sweep_spills(tmp_path / "lake") == []
