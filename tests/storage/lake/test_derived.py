from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from faulty_os import POWER_CUTS, Died, FaultyOs
from lake_inputs import tree

from pipeline.base.errors import DataFileDamaged
from pipeline.lake import derived
from pipeline.lake.derived import open_derived, read_derived, read_manifest, verified_derived, write_derived
from pipeline.objects import disk, litter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def daily(*quantities: int) -> pa.Table:
    return pa.table({"quantity": pa.array(quantities, pa.int64())})


def test_what_was_written_is_what_is_read(tmp_path: Path) -> None:
    tables = {"2026-03": daily(1, 2), "2026-04": daily(), "unassigned": daily(3)}
    write_derived(tmp_path / "lake", "usage_daily", tables, {"lake": "abc", "configuration": "def"})
    assert read_derived(tmp_path / "lake", "usage_daily") == ({"lake": "abc", "configuration": "def"}, tables)
    paths = verified_derived(tmp_path / "lake", "usage_daily")
    assert paths is not None
    assert list(paths) == list(tables)


def test_what_was_never_written_is_none(tmp_path: Path) -> None:
    assert read_derived(tmp_path, "charges") is None
    assert verified_derived(tmp_path, "charges") is None
    assert read_manifest(tmp_path, "charges") is None


def test_writing_the_same_again_touches_no_file(tmp_path: Path) -> None:
    def times() -> dict[str, tuple[int, int]]:
        return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in (tmp_path / "charges").iterdir()}

    write_derived(tmp_path, "charges", {"2026-03": daily(1), "2026-04": daily(2)}, {"lake": "a"})
    before = times()
    write_derived(tmp_path, "charges", {"2026-04": daily(2), "2026-03": daily(1)}, {"lake": "a"})
    assert times() == before
    write_derived(tmp_path, "charges", {"2026-03": daily(1), "2026-04": daily(9)}, {"lake": "b"})
    assert len(times().items() & before.items()) == 1  # the file of the month that did not change


def test_periods_that_are_gone_leave_no_file(tmp_path: Path) -> None:
    write_derived(tmp_path, "charges", {"2026-03": daily(1), "2026-04": daily(2)}, {})
    write_derived(tmp_path, "charges", {"2026-04": daily(2)}, {})
    assert len(list((tmp_path / "charges").iterdir())) == 2
    write_derived(tmp_path, "charges", {}, {})
    assert read_derived(tmp_path, "charges") == ({}, {})
    assert [path.name for path in (tmp_path / "charges").iterdir()] == [derived.MANIFEST_NAME]


def test_the_same_tables_are_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_derived(tmp_path / folder / "lake", "charges", {"2026-03": daily(*range(5000))}, {"lake": "x"})
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


@pytest.mark.parametrize("damage", ["missing", "truncated", "flipped"])
def test_a_damaged_file_is_refused_and_written_again_by_the_next_run(tmp_path: Path, damage: str) -> None:
    tables = {"2026-03": daily(1, 2, 3)}
    write_derived(tmp_path, "charges", tables, {})
    (path,) = (tmp_path / "charges").glob("*.parquet")
    content = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(content[:-1] if damage == "truncated" else content[:-1] + bytes([content[-1] ^ 1]))
    for read in (read_derived, verified_derived):
        with pytest.raises(
            DataFileDamaged, match=re.escape(str(path)) + ".*remove the folder .*it is rebuilt from the lake"
        ):
            read(tmp_path, "charges")
    write_derived(tmp_path, "charges", tables, {})
    assert read_derived(tmp_path, "charges") == ({}, tables)


GOOD = '"name": "2026-03.0123456789abcdef.parquet", "sha256": "0a", "size": 1, "rows": 1'


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        "{}",
        '{"inputs": {"lake": 1}, "files": {}}',
        '{"inputs": {}, "files": {"2026-03": {}}}',
        '{"inputs": {}, "files": {"2026-03": {' + GOOD.replace("2026-03.", "../2026-03.") + "}}}",
        '{"inputs": {}, "files": {"2026-04": {' + GOOD + "}}}",
    ],
)
def test_a_manifest_that_is_not_ours_is_refused(tmp_path: Path, manifest: str) -> None:
    (tmp_path / "charges").mkdir()
    (tmp_path / "charges" / derived.MANIFEST_NAME).write_text(manifest)
    with pytest.raises(DataFileDamaged, match="is not ours"):
        read_derived(tmp_path, "charges")


@pytest.mark.parametrize("name", ["usage_events", "quarantine", "../charges", "Charges", ""])
def test_only_a_plain_word_names_a_derived_table(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name"):
        write_derived(tmp_path, name, {}, {})


@pytest.mark.parametrize("key", ["../2026-03", "2026/03", "", "A", "2026-03\n"])
def test_only_a_plain_word_is_a_key(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="cannot be the key"):
        write_derived(tmp_path, "charges", {key: daily(1)}, {})


def test_a_name_or_key_of_64_letters_is_the_longest(tmp_path: Path) -> None:
    write_derived(tmp_path, "n" * 64, {"k" * 64: daily(1)}, {})
    assert read_derived(tmp_path, "n" * 64) == ({}, {"k" * 64: daily(1)})
    with pytest.raises(ValueError, match=f"'{'n' * 65}' cannot be the name"):
        write_derived(tmp_path, "n" * 65, {}, {})
    with pytest.raises(ValueError, match=f"'{'k' * 65}' cannot be the key"):
        write_derived(tmp_path, "charges", {"k" * 65: daily(1)}, {})


@pytest.mark.long
def test_death_at_any_call_leaves_the_old_set_or_the_new_one_never_a_mixture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = {"2026-03": daily(1), "2026-04": daily(2)}, {"lake": "old"}
    new = {"2026-04": daily(3), "2026-05": daily(4)}, {"lake": "new"}
    outcomes: list[str] = []
    for die_at in count(1):
        workspace = tmp_path / str(die_at)
        workspace.mkdir()
        write_derived(workspace / "lake", "charges", *old)
        fault = FaultyOs(workspace, die_at=die_at)
        monkeypatch.setattr(disk, "os", fault)
        try:
            write_derived(workspace / "lake", "charges", *new)
            break
        except Died:
            fault.revive()
        cuts = [fault.after_power_cut(tmp_path / f"{die_at} {name}", survives) for name, survives in POWER_CUTS.items()]
        seen: list[Any] = [read_derived(each / "lake", "charges") for each in (workspace, *cuts)]
        assert all(each in [(old[1], old[0]), (new[1], new[0])] for each in seen)
        outcomes.append(seen[0][0]["lake"])
        litter.sweep(workspace)
        write_derived(workspace / "lake", "charges", *new)
        cut = fault.after_power_cut(tmp_path / f"{die_at} after", lambda _: False)
        assert read_derived(cut / "lake", "charges") == (new[1], new[0])
        assert len(list((workspace / "lake" / "charges").iterdir())) == 3
    assert len(outcomes) > 20
    assert set(outcomes) == {"old", "new"}


def opened(lake_dir: Path) -> tuple[dict[str, str], dict[str, pa.Table]]:
    with open_derived(lake_dir, "charges") as table:
        assert table is not None
        keys = table.manifest.files
        return table.manifest.inputs, {key: pa.concat_tables(table.parts(key, ["quantity"])) for key in keys}


@pytest.mark.parametrize("read", [lambda lake_dir: read_derived(lake_dir, "charges"), opened], ids=["read", "opened"])
def test_a_reader_overtaken_by_a_writer_sees_the_new_set_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[Path], object]
) -> None:
    write_derived(tmp_path, "charges", {"2026-03": daily(1), "2026-04": daily(2)}, {"lake": "old"})
    read_one = derived.read_manifest
    overtaken: list[bool] = []

    def read_then_be_overtaken(lake_dir: Path, name: str) -> derived.Manifest | None:
        manifest = read_one(lake_dir, name)
        if not overtaken:
            overtaken.append(True)
            write_derived(tmp_path, "charges", {"2026-03": daily(8), "2026-04": daily(9)}, {"lake": "new"})
        return manifest

    monkeypatch.setattr(derived, "read_manifest", read_then_be_overtaken)
    assert read(tmp_path) == ({"lake": "new"}, {"2026-03": daily(8), "2026-04": daily(9)})


def test_a_file_that_is_missing_though_nobody_replaced_the_table_is_named(tmp_path: Path) -> None:
    with open_derived(tmp_path, "charges") as table:
        assert table is None
    write_derived(tmp_path, "charges", {"2026-03": daily(1)}, {})
    assert opened(tmp_path) == ({}, {"2026-03": daily(1)})
    (path,) = (tmp_path / "charges").glob("*.parquet")
    path.unlink()
    for read in (opened, lambda lake_dir: read_derived(lake_dir, "charges")):
        with pytest.raises(DataFileDamaged, match=f"{re.escape(str(path))} is missing; remove the folder "):
            read(tmp_path)
