"""A power cut after ``forget`` has ended brings nothing back of what it removed: events, lines, counts and logs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from faulty_os import POWER_CUTS, FaultyOs
from workspaces import append_log, make_workspace, plain, tallybook, write_log

from pipeline.objects import disk

if TYPE_CHECKING:
    from pathlib import Path

DERIVED = re.compile(r"lake/counted/|invoices/2")
"""Of which a power cut may take what is new: it is made again."""
WHERE = {
    "lake/usage_events",
    "lake/quarantine",
    "lake/forgotten",
    "received/gateway",
    "lake/counted/dates",
    "lake/usage_daily",
    "lake/charges",
}
FORGET = ("forget", "--with-uninvoiced", "--yes", "--before")
AS_OF = ("--as-of", "2026-11-02T08:00:00Z")


def files_of(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not disk.TEMPORARY_NAME.fullmatch(path.name)
    }


@pytest.mark.long
def test_a_power_cut_brings_nothing_back_that_was_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_workspace(tmp_path / "books")
    days = [plain(f"2026-{day}T10:00:00Z", id=day) for day in ("09-04", "09-05", "10-05")]
    write_log(root, "l.jsonl", *days[:2], "no line of a log", days[2])
    given = plain("2026-09-06T10:00:00Z", id="given") + "\n"
    assert tallybook(root, "collect", "-", "--source", "gateway", "--keep", *AS_OF, stdin=given).returncode == 0
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    assert tallybook(root, *FORGET, "2026-09-05", *AS_OF).returncode == 0  # of which counts are kept
    append_log(root, "l.jsonl", plain("2026-10-06T10:00:00Z", id="c"))  # so that marts are others, too
    assert tallybook(root, "collect", *AS_OF).returncode == 0
    before = files_of(root)
    fault = FaultyOs(root)
    monkeypatch.setattr(disk, "os", fault)
    done = tallybook(root, *FORGET, "2026-10-01", *AS_OF)
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
