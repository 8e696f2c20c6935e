"""A power cut after ``forget`` has ended brings nothing back of what it removed: events, lines, counts and logs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from faulty_os import POWER_CUTS, FaultyOs
from workspaces import append_log, make_workspace, plain, tallybook, write_log

from pipeline.objects import disk

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

DERIVED = re.compile(r"lake/counted/|invoices/2")
"""Of which a power cut may take what is new: it is made again."""
WHERE = {"lake/usage_events", "received/gateway", "lake/counted/dates", "lake/usage_daily", "lake/charges"}
AS_OF = ("--as-of", "2026-11-02T08:00:00Z")


def files_of(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not disk.TEMPORARY_NAME.fullmatch(path.name)
    }


def test_a_power_cut_brings_nothing_back_that_was_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_workspace(tmp_path / "books")
    write_log(root, "l.jsonl", plain("2026-09-05T10:00:00Z", id="a"), plain("2026-10-05T10:00:00Z", id="b"), "none")
    given = plain("2026-09-06T10:00:00Z", id="given") + "\n"
    assert tallybook(root, "collect", "-", "--source", "gateway", "--keep", *AS_OF, stdin=given).returncode == 0
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    append_log(root, "l.jsonl", plain("2026-10-06T10:00:00Z", id="c"))  # so that marts are others, too
    assert tallybook(root, "collect", *AS_OF).returncode == 0
    before = files_of(root)
    fault = FaultyOs(root)
    monkeypatch.setattr(disk, "os", fault)
    done = tallybook(root, "forget", "--before", "2026-10-01", "--with-uninvoiced", "--yes", *AS_OF)
    assert done.returncode == 0, done.stderr
    now = files_of(root)
    removed = before.keys() - now.keys()
    folders = {name.rpartition("/")[0].partition("/date=")[0] for name in removed}
    assert folders >= WHERE
    for name, survives in POWER_CUTS.items():
        left = files_of(fault.after_power_cut(tmp_path / name, survives))
        assert left.keys() - now.keys() == set(), name
        lost = {path for path in now if left.get(path) != now[path] and not DERIVED.match(path)}
        assert lost == set(), name
