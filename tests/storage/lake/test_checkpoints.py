"""Checkpoints of the log: other engines read the same rows by them, and nothing of ours believes what they say."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from faulty_os import POWER_CUTS, Died, FaultyOs
from forged_entries import rewrite
from lake_inputs import commit_events, event
from lake_nights import commit_night, used
from workspaces import make_workspace, plain, tallybook, write_log

from pipeline import lake
from pipeline.lake.log import checkpoints, delta
from pipeline.lake.log.checkpoints import (
    LAST_NAME,
    compared_checkpoints,
    read_last_checkpoint,
    write_checkpoint_if_due,
)
from pipeline.objects import append_log, disk, layout
from pipeline.objects.encoded import parquet_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def lake_of(root: Path, commits: int) -> Path:
    lake_dir = root / "workspace" / "lake"
    lake_dir.parent.mkdir(parents=True, exist_ok=True)
    snapshot = lake.read_log(lake_dir)
    for number in range(0 if snapshot.version is None else snapshot.version + 1, commits):
        source, at = f"logs/{number}.jsonl", NOON + timedelta(days=number % 3)
        snapshot = commit_events(lake_dir, snapshot, [event(number, at, source=source)], source=source)
    return lake_dir


def differences(lake_dir: Path, snapshot: lake.LakeSnapshot) -> list[str]:
    found = compared_checkpoints(lake_dir, snapshot)
    assert found is not None
    return found.differences


def lines_by_deltalake(lake_dir: Path) -> list[int]:
    return sorted(pa.table(DeltaTable(str(layout.usage_events(lake_dir))).to_pyarrow_table())["line"].to_pylist())


def written(lake_dir: Path) -> list[str]:
    return sorted(path.name for path in layout.delta_log(lake_dir).iterdir() if "checkpoint" in path.name)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "COMMITS_BETWEEN", 3)


def test_deltalake_reads_our_rows_by_the_checkpoint_alone_and_by_later_entries(tmp_path: Path) -> None:
    lake_dir = lake_of(tmp_path, 3)
    assert write_checkpoint_if_due(lake_dir, lake.read_log(lake_dir)) == 2
    lake_of(tmp_path, 5)
    assert write_checkpoint_if_due(lake_dir, lake.read_log(lake_dir)) is None
    assert written(lake_dir) == [f"{2:020d}.checkpoint.parquet", LAST_NAME]
    assert lines_by_deltalake(lake_dir) == [0, 1, 2, 3, 4]
    for number in range(3):
        (layout.delta_log(lake_dir) / f"{number:020d}.json").unlink()
    assert lines_by_deltalake(lake_dir) == [0, 1, 2, 3, 4]
    table = DeltaTable(str(layout.usage_events(lake_dir)))
    assert table.version() == 4
    assert table.transaction_version(delta.APP_ID) == 4


def test_the_next_checkpoint_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    lake_dir = lake_of(tmp_path, 3)
    write_checkpoint_if_due(lake_dir, lake.read_log(lake_dir))
    lake_of(tmp_path, 6)
    assert write_checkpoint_if_due(lake_dir, lake.read_log(lake_dir)) == 5
    assert written(lake_dir) == [f"{5:020d}.checkpoint.parquet", LAST_NAME]
    assert differences(lake_dir, lake.read_log(lake_dir)) == []


def test_what_was_read_again_is_a_tombstone_to_deltalake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = '[[sources]]\nname = "gateway"\npaths = ["logs/*"]\nformat = "request-log"\n'
    root = make_workspace(tmp_path / "books", config=sources)
    write_log(root, "l.jsonl", plain("2026-10-05T10:00:00Z", id="r1", auth={"key": "key_b"}))
    assert tallybook(root, "collect").returncode == 0
    (root / "tallybook.toml").write_text(sources + 'fields = { api_key_id = "auth.key" }\n')
    assert tallybook(root, "collect", "--again").returncode == 0
    snapshot = lake.read_log(layout.lake(root))
    assert snapshot.superseded_files
    lake_dir = layout.lake(root)
    before = lines_by_deltalake(lake_dir)
    monkeypatch.setattr(checkpoints, "COMMITS_BETWEEN", 1)
    assert write_checkpoint_if_due(lake_dir, snapshot) == snapshot.version
    for number in range((snapshot.version or 0) + 1):
        (layout.delta_log(lake_dir) / f"{number:020d}.json").rename(root / f"{number}.json")
    assert lines_by_deltalake(lake_dir) == before == [1]
    content = (layout.delta_log(lake_dir) / f"{snapshot.version:020d}.checkpoint.parquet").read_bytes()
    removed = [row["remove"]["path"] for row in parquet_bytes.decode(content).to_pylist() if row["remove"]]
    assert removed == [file.path for file in snapshot.superseded_files]


@pytest.mark.long
def test_death_at_any_call_leaves_the_log_as_it_was_and_a_rerun_writes_the_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake_of(tmp_path / "first", 3)
    outcomes, unnamed = set(), set()
    for die_at in count(1):
        root = tmp_path / f"death-{die_at}"
        shutil.copytree(tmp_path / "first", root)
        lake_dir = root / "workspace" / "lake"
        fault = FaultyOs(lake_dir.parent, die_at=die_at)
        with monkeypatch.context() as patched:
            patched.setattr(disk, "os", fault)
            try:
                write_checkpoint_if_due(lake_dir, lake.read_log(lake_dir))
                break
            except Died:
                fault.revive()
            assert lines_by_deltalake(lake_dir) == [0, 1, 2]
            survivors = {**POWER_CUTS, "only the name of the last survives": LAST_NAME.__eq__}
            cuts = [fault.after_power_cut(root / name, survives) / "lake" for name, survives in survivors.items()]
            for left in cuts:
                last = read_last_checkpoint(left)
                assert last is None or f"{last.version:020d}.checkpoint.parquet" in written(left), (
                    "it names what is gone"
                )
        for left in (lake_dir, *cuts):
            outcomes.add(len(written(left)))
            snapshot = lake.read_log(left)
            assert snapshot.version == 2
            compared = compared_checkpoints(left, snapshot)
            assert compared is None or not compared.differences, "a run that died is no damage"
            unnamed.add(compared and compared.unnamed)
            lake.sweep_orphans(left, snapshot)
            write_checkpoint_if_due(left, snapshot)
            assert differences(left, snapshot) == []
            assert written(left) == [f"{2:020d}.checkpoint.parquet", LAST_NAME]
    assert outcomes == {0, 1, 2}
    assert unnamed == {None, f"{2:020d}.checkpoint.parquet"}
    assert die_at > 8


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def forged(path: Path) -> None:
    path.write_bytes(parquet_bytes.encode(parquet_bytes.decode(path.read_bytes()).slice(0, 4)))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def noted_otherwise(path: Path) -> None:
    """Let it name another entry, where no reader of rows looks."""
    content = path.read_bytes()
    sha256 = append_log.sha256_of(path.with_name(f"{2:020d}.json").read_bytes()).encode()
    assert content.count(sha256) == 1
    path.write_bytes(content.replace(sha256, sha256[::-1]))


def named_otherwise(path: Path) -> None:
    path.rename(path.with_name(f"{9:020d}.checkpoint.parquet"))


def of_no_such_entry(path: Path) -> None:
    last = path.with_name(LAST_NAME)
    last.write_text(last.read_text().replace('"version": 2', '"version": 1'))


@pytest.mark.parametrize(
    "damage", [flipped, forged, cut, Path.unlink, named_otherwise, noted_otherwise, of_no_such_entry]
)
def test_a_checkpoint_that_says_something_else_is_found_and_counts_for_nothing(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    lake_dir = lake_of(tmp_path, 3)
    snapshot = lake.read_log(lake_dir)
    write_checkpoint_if_due(lake_dir, snapshot)
    assert differences(lake_dir, snapshot) == []
    damage(layout.delta_log(lake_dir) / f"{2:020d}.checkpoint.parquet")
    found = differences(lake_dir, snapshot)
    assert found
    assert all("remove it and _last_checkpoint, the log itself is whole" in each for each in found)
    assert lake.read_log(lake_dir) == snapshot


def of_another_entry(path: Path) -> None:
    """Let the last commit be another one, of the same files."""
    rewrite(path.with_name(f"{2:020d}.json"), lambda said: said[0]["commitInfo"].update(engineInfo="tallybook/0"))


def of_an_earlier_program(path: Path) -> None:
    """Let it say the same without naming the entry of its commit."""
    path.write_bytes(parquet_bytes.encode(parquet_bytes.decode(path.read_bytes())))


def beside_another(path: Path) -> None:
    shutil.copy(path, path.with_name(f"{1:020d}.checkpoint.parquet"))


def nameless(path: Path) -> None:
    path.with_name(LAST_NAME).write_text("{}")


@pytest.mark.parametrize(
    "damage",
    [
        flipped,
        forged,
        cut,
        named_otherwise,
        noted_otherwise,
        of_another_entry,
        of_an_earlier_program,
        beside_another,
        nameless,
    ],
)
def test_a_first_checkpoint_whose_name_is_gone_has_to_be_to_the_byte_what_a_run_that_died_left(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    lake_dir = lake_of(tmp_path, 3)
    write_checkpoint_if_due(lake_dir, lake.read_log(lake_dir))
    path = layout.delta_log(lake_dir) / f"{2:020d}.checkpoint.parquet"
    path.with_name(LAST_NAME).unlink()
    compared = compared_checkpoints(lake_dir, lake.read_log(lake_dir))
    assert compared is not None
    assert (compared.differences, compared.unnamed) == ([], path.name)
    damage(path)
    assert f"{LAST_NAME} names no checkpoint of this log; " in differences(lake_dir, lake.read_log(lake_dir))[0]


@pytest.mark.long
def test_a_first_checkpoint_that_is_not_named_yet_is_told_and_named_by_the_next_night(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    for number in range(3):
        commit_night(root, [used(f"10-05T1{number}:00", f"e{number}")])
    assert tallybook(root, "nightly", "--as-of", "2026-12-02").returncode == 0
    last = layout.delta_log(layout.lake(root)) / LAST_NAME
    named = last.read_bytes()
    last.unlink()
    verified = tallybook(root, "verify")
    assert verified.returncode == 0
    assert (
        "ok    checkpoints_say_what_the_log_says: other engines read the same files by it; a night was begun and not "
        f"finished: {2:020d}.checkpoint.parquet is not named yet, and the next one names it\n"
    ) in verified.stdout
    assert tallybook(root, "nightly", "--as-of", "2026-12-02").returncode == 0
    assert last.read_bytes() == named
    assert "is not named yet" not in tallybook(root, "verify").stdout


@pytest.mark.long
def test_a_checkpoint_whose_name_is_gone_proves_all_the_same_that_the_last_commit_was_there(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    for number in range(3):
        commit_night(root, [used(f"10-05T1{number}:00", f"e{number}")])
    lake_dir = layout.lake(root)
    write_checkpoint_if_due(lake_dir, lake.read_log(lake_dir))
    (layout.delta_log(lake_dir) / LAST_NAME).unlink()
    (layout.delta_log(lake_dir) / f"{2:020d}.json").unlink()
    told = f"_delta_log/{2:020d}.checkpoint.parquet names a commit"
    assert told in tallybook(root, "nightly", "--as-of", "2026-12-02").stderr
    assert written(lake_dir) == [f"{2:020d}.checkpoint.parquet"]
    assert tallybook(root, "nightly", "--as-of", "2026-12-02", "--accept-lost-commits").returncode == 0
    assert written(lake_dir) == []
    assert tallybook(root, "verify").returncode == 0


@pytest.mark.long
def test_verify_names_a_checkpoint_that_says_something_else(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    for number in range(3):
        commit_night(root, [used(f"10-05T1{number}:00", f"e{number}")])
    assert tallybook(root, "nightly", "--as-of", "2026-12-02").returncode == 0
    assert "checkpoints_say_what_the_log_says: other engines read" in tallybook(root, "verify").stdout
    flipped(layout.delta_log(layout.lake(root)) / f"{2:020d}.checkpoint.parquet")
    verified = tallybook(root, "verify")
    assert verified.returncode == 6
    assert f"{2:020d}.checkpoint.parquet does not say what the log says" in verified.stdout


@pytest.mark.long
def test_a_checkpoint_proves_that_the_last_commit_was_there(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    for number in range(4):
        commit_night(root, [used(f"10-05T1{number}:00", f"e{number}")])
    lake_dir = layout.lake(root)
    write_checkpoint_if_due(lake_dir, lake.read_log(lake_dir))
    (layout.delta_log(lake_dir) / f"{3:020d}.json").unlink()
    refused = tallybook(root, "nightly", "--as-of", "2026-12-02")
    assert refused.returncode == 1
    assert (
        "lacks commits that were there: lake/usage_events/_delta_log/_last_checkpoint names a commit" in refused.stderr
    )
    accepted = tallybook(root, "nightly", "--as-of", "2026-12-02", "--accept-lost-commits")
    assert accepted.returncode == 0
    assert written(lake_dir) == [f"{2:020d}.checkpoint.parquet", LAST_NAME]
    assert differences(lake_dir, lake.read_log(lake_dir)) == []


def test_a_checkpoint_of_another_log_is_removed(tmp_path: Path) -> None:
    lake_dir, other = lake_of(tmp_path, 2), lake_of(tmp_path / "other", 4)
    write_checkpoint_if_due(other, lake.read_log(other))
    for name in written(other):
        shutil.copy(layout.delta_log(other) / name, layout.delta_log(lake_dir))
    (layout.delta_log(lake_dir) / LAST_NAME).write_text(
        (layout.delta_log(lake_dir) / LAST_NAME).read_text().replace('"version": 3', '"version": 1')
    )
    assert write_checkpoint_if_due(lake_dir, lake.read_log(lake_dir)) is None
    assert written(lake_dir) == []
