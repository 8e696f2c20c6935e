"""What the lake and the invoices hold is for its owner and their group, whatever the umask is."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest
from workspaces import make_workspace, plain, tallybook, write_log

from pipeline.objects import disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def _modes(folder: Path) -> Iterator[tuple[Path, int, bool]]:
    for path in (folder, *folder.rglob("*")):
        yield path, stat.S_IMODE(path.stat().st_mode), path.is_dir()


def _too_open(folder: Path) -> list[str]:
    return [
        f"{path} {mode:o}"
        for path, mode, is_folder in _modes(folder)
        if mode & ~(disk.FOLDER_MODE if is_folder else disk.FILE_MODE)
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("umask", "asked"), [(0, 0o666), (0o077, 0o600)], indirect=["umask"])
def test_a_whole_life_leaves_nothing_that_others_may_read(tmp_path: Path, umask: int, asked: int) -> None:
    root = make_workspace(tmp_path / "books")
    bad = '{"ts": "2026-10-01T10:00:00Z"}'
    write_log(root, "a.jsonl", plain("2026-10-01T10:00:00Z", id="a"), plain("2026-11-01T10:00:00Z", id="b"), bad)
    focus, bundle = tmp_path / "focus.csv", tmp_path / "bundle"
    life = (
        ("nightly", "--as-of", "2026-11-02"),
        ("invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-02"),
        ("invoice", "paid", "INV-000001", "--amount", "1.00", "--on", "2026-11-03", "--as-of", "2026-11-03"),
        ("invoice", "render", "INV-000001", "--format", "html"),
        ("recompute", "INV-000001", "--bundle", str(bundle)),
        ("export", "focus", "--seller", "Tally", "--period", "2026-10", "--to", str(focus)),
        ("collect", "-", "--source", "gateway", "--keep"),
        ("nightly", "--as-of", "2026-11-05"),
        ("invoice", "void", "INV-000001", "--as-of", "2026-11-05"),
        ("nightly", "--as-of", "2026-11-06"),
        ("verify",),
    )
    for command in life:
        done = tallybook(root, *command, stdin=plain("2026-10-02T10:00:00Z", id="late") + "\n")
        assert done.returncode == 0, (command, done)
    assert sum(1 for _ in _modes(root / "lake")) > 20
    assert sum(1 for _ in _modes(root / "invoices")) > 15
    for folder in (root / "lake", root / "invoices", root / "received", bundle):
        assert _too_open(folder) == []
        for path, mode, is_folder in _modes(folder):
            assert mode & 0o600 == 0o600, (path, is_folder)  # and its owner may read and write all of it
            assert not mode & umask, path
    assert stat.S_IMODE(focus.stat().st_mode) == asked  # what was asked for by name is as an editor would make it


@pytest.mark.parametrize("umask", [0], indirect=True)
def test_what_is_written_is_private_where_nothing_else_is_said(tmp_path: Path, umask: int) -> None:
    assert umask == 0
    disk.make_folders(tmp_path, tmp_path / "a" / "b")
    disk.make_derived_folder(tmp_path / "a" / "c")
    disk.replace_durably(tmp_path / "a" / "x", b"")
    disk.write_temporary(tmp_path / "a" / "b", b"")
    os.close(disk.open_note(tmp_path / "a" / ".lock"))
    found = [(mode, is_folder) for _, mode, is_folder in _modes(tmp_path / "a")]
    assert sorted(found) == [(0o640, False)] * 3 + [(0o750, True)] * 3


@pytest.mark.parametrize("umask", [0o002], indirect=True)
def test_files_that_people_edit_are_made_by_their_umask(tmp_path: Path, umask: int) -> None:
    assert tallybook(tmp_path / "new", "init").returncode == 0
    assert stat.S_IMODE((tmp_path / "new" / "accounts.toml").stat().st_mode) == 0o666 & ~umask
    assert stat.S_IMODE((tmp_path / "new" / "rates").stat().st_mode) == 0o777 & ~umask
