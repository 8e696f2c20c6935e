"""Forgetting dies at any call to the disk: run again, it is finished, to the same byte; acknowledged, it stays so."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest
from at_rest import holds
from deaths_on_disk import AT_EVERY_CALL, finished_by_a_rerun
from faulty_os import POWER_CUTS, Died, FaultyOs
from workspaces import fingerprints, make_workspace, plain, tallybook, write_log

from pipeline import lake
from pipeline.jobs.upkeep.forgetting import forget
from pipeline.objects import disk

FORGET = ("forget", "--before", "2026-10-01", "--yes", "--as-of", "2026-11-03")


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One month is issued; one of its responses has a copy in the next, so that a file is left in part."""
    root = make_workspace(tmp_path_factory.mktemp("issued") / "books")
    lines = [plain(f"2026-09-{day}T10:00:00Z", id=f"CANARY-{day}") for day in ("29", "30")]
    lines += ["CANARY", plain("2026-10-01T00:00:01Z", id="CANARY-30"), plain("2026-10-01T10:00:00Z", id="october")]
    write_log(root, "a.jsonl", *lines)
    assert tallybook(root, "nightly", "--as-of", "2026-11-02").returncode == 0
    assert tallybook(root, "invoice", "issue", "--period", "2026-09", "--as-of", "2026-11-02").returncode == 0
    return root


def die(*_: object) -> None:
    raise Died


def bytes_of(root: Path) -> dict[str, str]:
    """Return the digests of all that counts, or that forgetting must have removed."""
    return {name: digest for name, digest in fingerprints(root).items() if not name.startswith("lake/.spill")}


@pytest.mark.long
def test_a_file_that_may_not_be_removed_is_named_with_what_the_machine_says(
    issued: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = shutil.copytree(issued, tmp_path / "books")
    remove, refused = os.unlink, []

    def unlink(path: Path | str, **where: int) -> None:
        if os.fspath(path).endswith(".parquet"):
            refused.append(os.fspath(path))
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
        remove(path, **where)

    with monkeypatch.context() as disturbed:
        disturbed.setattr(os, "unlink", unlink)
        done = tallybook(root, *FORGET)
    assert len(lake.read_log(root / "lake").forgettings) == 1, "its entry is there: the file has left the lake"
    (line,) = done.stderr.splitlines()
    assert done.returncode == 8
    assert refused[0] in line
    assert os.strerror(errno.EACCES) in line
    assert tallybook(root, *FORGET).returncode == 0
    assert not Path(refused[0]).exists()


@pytest.mark.long
@pytest.mark.parametrize(("cut", "step"), [(None, 251), *AT_EVERY_CALL])
def test_what_died_is_finished_by_running_it_again(cut: str | None, step: int, issued: Path, tmp_path: Path) -> None:
    outcomes = finished_by_a_rerun(
        issued,
        lambda root: tallybook(root, *FORGET),
        at_rest=bytes_of,
        fact=lambda root: len(lake.read_log(root / "lake").forgettings),
        folder=tmp_path,
        cut=cut,
        step=step,
    )
    assert outcomes == {0, 1}, "it died before and after its entry"


@pytest.mark.long
def test_a_night_finishes_what_died_after_its_entry(
    issued: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = shutil.copytree(issued, tmp_path / "books")
    with monkeypatch.context() as disturbed:
        disturbed.setattr(forget, "remove_what_was_forgotten", die)
        with pytest.raises(Died):
            tallybook(root, *FORGET)
    assert lake.read_log(root / "lake").forgettings
    files = list((root / "lake" / "usage_events").glob("date=2026-09-*/*"))
    assert len(files) == 2, "none is removed before the entry"
    assert tallybook(root, "nightly", "--as-of", "2026-11-04").returncode == 0
    assert not any(path.exists() for path in files)
    assert tallybook(root, "verify").returncode == 0


@pytest.mark.long
def test_what_is_acknowledged_as_forgotten_does_not_come_back_with_a_power_cut(
    issued: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = shutil.copytree(issued, tmp_path / "books")
    fault = FaultyOs(root)
    monkeypatch.setattr(disk, "os", fault)
    assert tallybook(root, *FORGET).returncode == 0
    left = fault.after_power_cut(tmp_path / "cut", POWER_CUTS["no name survives"])
    assert len(lake.read_log(left / "lake").forgettings) == 1
    shutil.rmtree(left / "logs")
    assert holds(root / "logs", b"CANARY")
    assert holds(left, b"CANARY") == []
