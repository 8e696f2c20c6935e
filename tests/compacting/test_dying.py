"""Compacting dies at any call to the disk: run again, it is finished, to the same byte; a night sweeps what it left."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from deaths_on_disk import AT_EVERY_CALL, finished_by_a_rerun
from faulty_os import POWER_CUTS, Died, FaultyOs
from workspaces import append_log, fingerprints, make_workspace, plain, tallybook, write_log

from pipeline import lake
from pipeline.jobs.upkeep import compact
from pipeline.lake.commits import named_files
from pipeline.objects import disk, layout

if TYPE_CHECKING:
    from pathlib import Path

COMPACT = ("compact", "--as-of", "2026-10-02T12:00:00Z")


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three commits of the same two days, each with a line that cannot be read."""
    root = make_workspace(tmp_path_factory.mktemp("collected") / "books")
    for number in range(3):
        lines = [plain(f"2026-09-{day}T1{number}:00:00Z", id=f"{day}-{number}") for day in (28, 29)]
        (append_log if number else write_log)(root, "a.jsonl", *lines, "no JSON")
        assert tallybook(root, "collect", "--as-of", "2026-09-30", "--force").returncode == 0
    assert tallybook(root, "nightly", "--as-of", "2026-10-02").returncode == 0
    return root


def at_rest(root: Path) -> dict[str, str]:
    return {name: digest for name, digest in fingerprints(root).items() if not name.startswith("lake/.spill")}


def unnamed(root: Path) -> set[Path]:
    """Return the data files that nothing names."""
    folders = [*layout.usage_events(root / "lake").glob("date=*"), layout.quarantine(root / "lake")]
    there = {path for folder in folders for path in folder.iterdir()}
    return there - named_files(root / "lake", lake.read_log(root / "lake"))


def rows(root: Path) -> int:
    snapshot = lake.read_log(root / "lake")
    lake.verified_files(root / "lake", snapshot)
    lake.verified_quarantine(root / "lake", snapshot)
    return sum(file.rows for file in snapshot.data_files)


@pytest.mark.long
@pytest.mark.parametrize(("cut", "step"), [(None, 17), *AT_EVERY_CALL])
def test_what_died_is_finished_by_running_it_again(cut: str | None, step: int, collected: Path, tmp_path: Path) -> None:
    def compacted(root: Path) -> int:
        assert rows(root) == 6, "nothing is lost or doubled, wherever it died"
        return len(lake.read_log(root / "lake").compacted)

    outcomes = finished_by_a_rerun(
        collected,
        lambda root: tallybook(root, *COMPACT),
        at_rest=at_rest,
        fact=compacted,
        folder=tmp_path,
        cut=cut,
        step=step,
    )
    assert outcomes == {0, 3}, "it died before and after its entry"


@pytest.mark.long
def test_what_was_compacted_is_gone_once_that_is_said_and_does_not_come_back_with_a_power_cut(
    collected: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = shutil.copytree(collected, tmp_path / "books")
    fault = FaultyOs(root)
    with monkeypatch.context() as disturbed:
        disturbed.setattr(disk, "os", fault)
        assert tallybook(root, *COMPACT).returncode == 0
    left = fault.after_power_cut(tmp_path / "cut", POWER_CUTS["no name survives"])
    for each in (root, left):
        assert unnamed(each) == set()
        assert rows(each) == 6


@pytest.mark.long
@pytest.mark.parametrize("command", [("nightly", "--as-of", "2026-10-03"), ("collect", "--as-of", "2026-10-03")])
def test_whoever_holds_the_lock_next_removes_what_a_death_after_the_entry_left(
    command: tuple[str, ...], collected: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = shutil.copytree(collected, tmp_path / "books")

    def die(*_: object) -> None:
        raise Died

    with monkeypatch.context() as disturbed:
        disturbed.setattr(compact, "remove_what_was_compacted", die)
        with pytest.raises(Died):
            tallybook(root, *COMPACT)
    assert len(unnamed(root)) == 9
    assert tallybook(root, "verify").returncode == 0, "they count for nothing, and are no damage"
    assert tallybook(root, *command).returncode == 0
    assert unnamed(root) == set()
    assert rows(root) == 6


@pytest.mark.long
def test_what_was_written_is_read_back_before_an_entry_names_it(
    collected: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = shutil.copytree(collected, tmp_path / "books")
    rename = disk.rename

    def flip(temporary: Path, path: Path) -> None:
        rename(temporary, path)
        if path.suffix == ".parquet":
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 1
            path.write_bytes(content)

    with monkeypatch.context() as disturbed:
        disturbed.setattr(disk, "rename", flip)
        done = tallybook(root, *COMPACT)
    assert done.returncode == 1
    assert "does not hold the rows that were written to it" in done.stderr
    assert lake.read_log(root / "lake").compacted == ()
    assert tallybook(root, *COMPACT).returncode == 0
    assert tallybook(root, "verify").returncode == 0


def test_a_lake_that_was_never_compacted_stays_as_it_is(collected: Path, tmp_path: Path) -> None:
    root = shutil.copytree(collected, tmp_path / "books")
    before = at_rest(root)
    assert tallybook(root, "compact", "--dry-run", "--as-of", "2026-10-02").returncode == 6
    assert tallybook(root, "compact", "--before", "2026-09-01", "--as-of", "2026-10-02", "--dry-run").returncode == 6
    assert at_rest(root) == before
    assert lake.read_log(root / "lake").lake_version == 5
