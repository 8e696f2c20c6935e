"""``tallybook doctor`` answers with the exit code of what it found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from workspaces import make_workspace, plain, tallybook, write_log

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_the_exit_code_says_what_was_found(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    assert tallybook(root, "doctor").returncode == 2  # no file fits a source
    write_log(root, "l.jsonl", plain("2026-10-01T10:00:00Z", id="a"))
    assert tallybook(root, "collect").returncode == 0
    assert [tallybook(root, "doctor", *more).returncode for more in ([], ["--strict"])] == [0, 0]
    write_log(root, "torn.jsonl", '{"ts": "2026-')
    assert tallybook(root, "collect").returncode == 0
    assert [tallybook(root, "doctor", *more).returncode for more in ([], ["--strict"])] == [0, 3]
    (root / "accounts.toml").write_text("", encoding="utf-8")
    found = tallybook(root, "doctor", "--strict")
    assert (found.returncode, "LOOK  accounts: 0 accounts" in found.stdout) == (2, True)
    (data_file,) = (root / "lake").rglob("date=*/*.parquet")
    data_file.write_bytes(data_file.read_bytes()[:-1])
    assert tallybook(root, "doctor").returncode == 1
