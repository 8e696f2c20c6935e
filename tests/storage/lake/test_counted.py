"""What is kept of counting is believed only where it is byte for byte what was written.

Anything else is as if it were not there.
"""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING

import pytest
from faulty_os import POWER_CUTS, Died, FaultyOs

from pipeline.base.errors import DataFileDamaged
from pipeline.lake import counted
from pipeline.lake.counted import NewEntry, read_entries, read_piece, write_entries
from pipeline.objects import disk

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.lake.counted import Entry

OLD = {
    "2026-03-01": NewEntry(inputs="a", pieces={"totals": b"one", "copies": b""}),
    "2026-03-02": NewEntry(inputs="b", pieces={"totals": b"two"}),
}
NEW = {
    "2026-03-02": NewEntry(inputs="c", pieces={"totals": b"three", "copies": b"four"}),
    "2026-03-03": NewEntry(inputs="d", pieces={"totals": b"five"}),
}


def believed(lake: Path) -> dict[str, tuple[str, dict[str, bytes]]]:
    """Return what a reader believes: the inputs and pieces of every entry that is whole."""
    found = {}
    for key, entry in read_entries(lake, "dates").items():
        try:
            found[key] = entry.inputs, {name: read_piece(lake, "dates", entry, name) for name in entry.pieces}
        except DataFileDamaged:
            continue
    return found


def stated(*entries: dict[str, NewEntry]) -> dict[str, tuple[str, dict[str, bytes]]]:
    return {key: (entry.inputs, dict(entry.pieces)) for each in entries for key, entry in each.items()}


def test_what_was_written_is_read_and_what_was_replaced_is_gone(tmp_path: Path) -> None:
    entries = write_entries(tmp_path, "dates", {}, OLD)
    assert believed(tmp_path) == stated(OLD)
    kept: dict[str, Entry] = {"2026-03-01": entries["2026-03-01"]}
    assert write_entries(tmp_path, "dates", kept, NEW) == read_entries(tmp_path, "dates")
    assert believed(tmp_path) == stated({"2026-03-01": OLD["2026-03-01"]}, NEW)
    assert len(list((tmp_path / "counted/dates").iterdir())) == 4
    assert read_entries(tmp_path, "periods") == {}


def test_the_same_entries_again_touch_no_file(tmp_path: Path) -> None:
    entries = write_entries(tmp_path, "dates", {}, OLD)

    def written() -> dict[Path, tuple[int, int, int]]:
        """Not when it was read: that changes with the second."""
        stats = {path: path.stat() for path in (tmp_path / "counted/dates").iterdir()}
        return {path: (stat.st_ino, stat.st_mtime_ns, stat.st_size) for path, stat in stats.items()}

    before = written()
    write_entries(tmp_path, "dates", entries, {})
    assert written() == before


@pytest.mark.parametrize("damage", ["flipped", "truncated", "missing", "a link", "another's"])
def test_a_damaged_piece_is_not_believed(tmp_path: Path, damage: str) -> None:
    entries = write_entries(tmp_path, "dates", {}, OLD)
    path, other = (tmp_path / "counted/dates" / entries[key].file_name for key in OLD)
    content = path.read_bytes()
    path.unlink()
    if damage == "a link":
        path.symlink_to(other)
    elif damage != "missing":
        path.write_bytes(
            {
                "flipped": bytes([content[0] ^ 1]) + content[1:],
                "truncated": content[:-1],
                "another's": other.read_bytes(),
            }[damage]
        )
    assert believed(tmp_path) == stated({"2026-03-02": OLD["2026-03-02"]})


@pytest.mark.parametrize("field", ["start", "size"])
@pytest.mark.parametrize(("number", "is_read"), [(0, True), (-1, False), (2**62 - 1, True), (2**62, False)])
def test_a_piece_lies_within_what_a_file_can_hold(tmp_path: Path, field: str, number: int, *, is_read: bool) -> None:
    piece = {"start": 0, "size": 1, "sha256": "0a"} | {field: number}
    entry = {"inputs": "a", "file": FILE, "pieces": {"totals": piece}}
    (tmp_path / "counted/dates").mkdir(parents=True)
    (tmp_path / "counted/dates" / counted.MANIFEST_NAME).write_text(json.dumps({"entries": {"2026-03-01": entry}}))
    assert list(read_entries(tmp_path, "dates")) == ["2026-03-01"] * is_read


PIECE = '{"start": 0, "size": 1, "sha256": "0a"}'
FILE = "2026-03-01.0123456789abcdef.counted"


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        "{}",
        '{"entries": {"2026-03-01": {}}}',
        f'{{"entries": {{"2026-03-02": {{"inputs": "a", "file": "{FILE}", "pieces": {{}}}}}}}}',
        f'{{"entries": {{"2026-03-01": {{"inputs": "a", "file": "../{FILE}", "pieces": {{}}}}}}}}',
        (
            f'{{"entries": {{"2026-03-01": {{"inputs": "a", "file": "{FILE}", "pieces": {{"totals": '
            f"{PIECE.replace('0,', '-1,')}}}}}}}}}"
        ),
        (
            f'{{"entries": {{"2026-03-01": {{"inputs": "a", "file": "{FILE}", "pieces": {{"totals": '
            f"{PIECE.replace('1,', '1' + '0' * 30 + ',')}}}}}}}}}"
        ),
    ],
)
def test_a_manifest_that_is_not_ours_names_nothing(tmp_path: Path, manifest: str) -> None:
    write_entries(tmp_path, "dates", {}, OLD)
    (tmp_path / "counted/dates" / counted.MANIFEST_NAME).write_text(manifest)
    assert read_entries(tmp_path, "dates") == {}


def test_only_a_date_or_a_month_is_a_key(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="neither a date nor a month"):
        write_entries(tmp_path, "dates", {}, {"../2026-03": OLD["2026-03-01"]})


@pytest.mark.long
def test_death_at_any_call_leaves_entries_of_the_old_set_or_of_the_new_one_never_a_mixture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = {"2026-03-01": OLD["2026-03-01"]} | NEW
    outcomes = []
    for die_at in count(1):
        workspace = tmp_path / str(die_at)
        workspace.mkdir()
        kept = write_entries(workspace / "lake", "dates", {}, OLD)
        fault = FaultyOs(workspace, die_at=die_at)
        monkeypatch.setattr(disk, "os", fault)
        try:
            write_entries(workspace / "lake", "dates", {"2026-03-01": kept["2026-03-01"]}, NEW)
            break
        except Died:
            fault.revive()
        cuts = [fault.after_power_cut(tmp_path / f"{die_at} {name}", survives) for name, survives in POWER_CUTS.items()]
        assert believed(workspace / "lake") in (stated(OLD), stated(new))
        for each in cuts:
            seen = believed(each / "lake").items()
            assert seen <= stated(OLD).items() or seen <= stated(new).items()
        outcomes.append(believed(workspace / "lake"))
        write_entries(workspace / "lake", "dates", {"2026-03-01": kept["2026-03-01"]}, NEW)
        assert believed(workspace / "lake") == stated(new)
    assert stated(OLD) in outcomes
    assert stated(new) in outcomes
