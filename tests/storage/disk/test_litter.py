"""What killed runs leave under temporary names is swept by the next that writes, or named; what is in use stays."""

from __future__ import annotations

import inspect
import os
import shutil
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from workspaces import make_workspace, plain, tallybook, write_log

from pipeline.objects import disk, layout, litter
from pipeline.objects.lock import locked
from pipeline.objects.temporary.dead import ALIVE_SECONDS_MAX, DEAD_AFTER_SECONDS
from pipeline.objects.temporary.scratch import left_folders

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
NOBODYS = 2**22 + 7
"""No process has such a number."""
LIFE = (
    ("nightly", "--as-of", "2026-11-02"),
    ("invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-02"),
    ("invoice", "render", "--period", "2026-10"),
    ("invoice", "paid", "INV-000001", "--on", "2026-11-03", "--as-of", "2026-11-03"),
    ("invoice", "void", "INV-000001", "--yes", "--as-of", "2026-11-03"),
    ("acknowledge", "quarantined", "--reason", "a test", "--as-of", "2026-11-03"),
    ("keys", "rotate", "--as-of", "2026-11-03"),
    ("forget", "--before", "2026-11-01", "--with-uninvoiced", "--yes", "--as-of", "2026-11-04"),
    ("nightly", "--as-of", "2026-11-05"),
)
OLD = DEAD_AFTER_SECONDS + 60


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, set[Path]]:
    """A workspace after a life, and every folder in which a file lay until it was whole."""
    root = make_workspace(tmp_path_factory.mktemp("lived") / "books")
    raw = plain("2026-10-05T10:00:00Z", id="raw").replace('"api_key_id": "key_a"', f'"api_key": "sk-{"made-up-":032}"')
    write_log(root, "a.jsonl", *(plain(f"2026-{day}T10:00:00Z", id=day) for day in ("10-05", "11-01")), raw, "no JSON")
    written: set[Path] = set()
    real = disk._temporary  # noqa: SLF001 - where each file begins

    def seen(folder: Path, *, is_locked: bool) -> Path:
        written.add(folder)
        return real(folder, is_locked=is_locked)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(disk, "_temporary", seen)
        received = plain("2026-10-06T10:00:00Z", id="received")
        assert tallybook(root, "collect", "-", "--keep", stdin=f"{received}\n").returncode == 0
        for command in LIFE:
            done = tallybook(root, *command)
            assert done.returncode == 0, done
    return root, {folder for folder in written if folder.is_relative_to(root) and folder.is_dir()}


@pytest.fixture
def books(lived: tuple[Path, set[Path]], tmp_path: Path) -> Path:
    return shutil.copytree(lived[0], tmp_path / "books")


def left_in(folder: Path, process_id: int = NOBODYS, *, prefix: str = ".tmp", age: float = 0) -> Path:
    """Leave half of a file, as a process does that is killed."""
    path = folder / f"{prefix}-{process_id}-0123456789abcdef"
    path.write_bytes(b"half")
    os.utime(path, (time.time() - age,) * 2)
    return path


def take_the_lock(root: Path) -> None:
    with locked(root / "lake", command="tallybook collect", started_at=NOON):
        pass


@pytest.mark.long
def test_every_folder_that_a_life_writes_to_is_one_that_is_swept(lived: tuple[Path, set[Path]]) -> None:
    root, written = lived
    assert {root, root / "invoices", root / "received", root / "key-aliases"} <= written
    assert {
        root / "lake" / name for name in ("told", "quarantine", "charges", "usage_events/date=2026-11-01")
    } <= written
    assert sorted(written - set(litter.written_folders(root))) == []


def folders_of_the_layout(root: Path) -> Iterator[Path]:
    """Yield each folder that the layout names by a function of its own."""
    for name, function in inspect.getmembers(layout, inspect.isfunction):
        parameters = list(inspect.signature(function).parameters)
        within = {"workspace": root, "lake_dir": layout.lake(root)}.get(parameters[0])
        if function.__module__ == layout.__name__ and within is not None and not name.startswith("written"):
            yield function(within)


def test_every_folder_of_the_layout_is_one_that_is_swept(tmp_path: Path) -> None:
    folders = [each for each in folders_of_the_layout(tmp_path) if not each.suffix and each.name != ".lock"]
    assert len(folders) >= 11
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    assert sorted(set(folders) - set(litter.written_folders(tmp_path))) == []


def test_what_dead_runs_left_anywhere_is_swept_by_whoever_takes_the_lock_next_and_nothing_else_is(books: Path) -> None:
    before = sorted(path for path in books.rglob("*") if path.name != ".lock")
    left = [left_in(folder) for folder in litter.written_folders(books)]
    assert len(left) > 20
    foreign = [books / name for name in (".tmp-of-mine", "lake/.tmp-7-zz", "logs/.tmp-7-0123456789abcdef")]
    for path in foreign:
        path.write_bytes(b"mine")
    take_the_lock(books)
    assert [path for path in left if path.exists()] == []
    assert sorted(path for path in books.rglob("*") if path.name != ".lock") == sorted([*before, *foreign])


def test_what_is_written_without_the_lock_is_swept_once_nobody_can_be_writing_it(books: Path) -> None:
    is_there, days = os.getppid(), ALIVE_SECONDS_MAX + 60
    dead = [left_in(books / "invoices", age=OLD, prefix=".out"), left_in(books / "rates", age=OLD, prefix=".out")]
    reused = left_in(books, is_there, age=days, prefix=".out")  # another process has that number by now
    working = [left_in(books / "invoices", is_there, age=OLD, prefix=".out"), left_in(books, prefix=".out")]
    take_the_lock(books)
    assert [path for path in (*dead, reused) if path.exists()] == []
    assert [path for path in working if not path.exists()] == []


def test_a_folder_in_the_system_s_is_dead_by_the_rule_of_files_in_the_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    there, days = os.getppid(), ALIVE_SECONDS_MAX + 60
    dead = {f"tallybook-{NOBODYS}-a": OLD, f"tallybook-{os.getpid()}-a": OLD, f"tallybook-{there}-of_before": days}
    at_work = {f"tallybook-{NOBODYS}-young": 60, f"tallybook-{there}-a": OLD}
    for name, age in (dead | at_work).items():
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    assert {path.name for path in left_folders()} == set(dead)


def test_whoever_does_not_get_the_lock_sweeps_nothing(books: Path) -> None:
    with locked(books / "lake", command="tallybook nightly", started_at=NOON):
        left = left_in(books / "lake")
        assert tallybook(books, "collect").returncode == 5
        assert left.exists()


def test_what_lies_beside_what_people_had_written_is_named_by_the_doctor_and_stays(
    books: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    (books / "exports").mkdir()
    beside = left_in(books / "exports", age=OLD, prefix=".out")
    soon = left_in(books / "lake", age=OLD)
    left_in(books / "exports", os.getppid(), age=OLD, prefix=".out")  # may be at work
    folder = tmp_path / f"tallybook-{NOBODYS}-abc"
    folder.mkdir()
    os.utime(folder, (time.time() - OLD,) * 2)
    (tmp_path / f"tallybook-{os.getppid()}-abc").mkdir()
    said = [line for line in tallybook(books, "doctor").stdout.splitlines() if "left behind" in line]
    assert said == [
        "ok    left behind: 1 temporary file of runs that were killed; the next one that writes sweeps them",
        f"LOOK  left behind: exports/{beside.name}: half of a file, of a run that was killed; remove it",
        f"ok    left behind: {folder}: a folder of a run that was killed, of this workspace or another one; remove it",
    ]
    take_the_lock(books)
    assert (beside.exists(), soon.exists(), folder.exists()) == (True, False, True)
