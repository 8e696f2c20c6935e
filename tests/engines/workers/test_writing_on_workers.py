"""Workers that write what they read into the lake: the same events in files of their own, which one commit names."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import shutil
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from random_logs import make_workspace as make_random_workspace
from servers import bucket, s3_endpoint
from test_collecting_on_workers import (
    AS_OF,
    NOW,
    RAW_KEY,
    SECRET,
    asked,
    collected,
    lines,
    on_workers,
    read_here,
    with_ids,
    with_raw_keys,
)
from workspaces import append_log, fingerprints, make_workspace, plain, tallybook, write_log
from written_lakes import assert_same_books, rows_of, twins_of_which_one_writes, writing

from pipeline import lake
from pipeline.base.resources import sample_folder
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.night import collect as collecting
from pipeline.jobs.night.collect import collect
from pipeline.jobs.night.on_workers import at_worker, into_the_lake, logs_on_workers
from pipeline.lake import read_log
from pipeline.objects.encoded import parquet_bytes
from pipeline.objects.stores import ObjectStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from test_collecting_on_workers import Asked

    from pipeline.lake.data_files import WrittenFiles

__all__ = ["asked", "bucket", "s3_endpoint"]


@pytest.fixture(params=["a folder", "a store"])
def lies_on(request: pytest.FixtureRequest) -> str:
    """Where the lake of the workspace that workers write for lies."""
    return str(request.param)


def stored(root: Path, url: str) -> Path:
    """Let the lake of a workspace lie on a store."""
    config = root / "tallybook.toml"
    config.write_text(f'{config.read_text(encoding="utf-8")}\n[lake]\nurl = "{url}/lake"\n', encoding="utf-8")
    return root


def twins_on(request: pytest.FixtureRequest, tmp_path: Path, remote: str, make: Any) -> tuple[Path, Path]:
    """Return two workspaces, of which one lies where the test says."""
    here, there = twins_of_which_one_writes(tmp_path, remote, make)
    if request.getfixturevalue("lies_on") == "a store":
        stored(there, request.getfixturevalue("bucket"))
    return here, there


def data_files(root: Path) -> set[str]:
    """Return the names of the files of events and quarantined lines that entries name, and those that lie there."""
    snapshot = read_log(root / "lake")
    return {file.path for file in (*snapshot.data_files, *snapshot.quarantine_files)}


def lying(root: Path) -> set[str]:
    return {
        name.removeprefix("lake/").removeprefix("usage_events/").removeprefix("quarantine/")
        for name in fingerprints(root)
        if name.endswith(".parquet") and ("/date=" in name or "/quarantine/" in name)
    }


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[WrittenFiles]:
    """The files that workers wrote, as they come."""
    found: list[WrittenFiles] = []
    write = into_the_lake._written  # noqa: SLF001

    def noted(*given: Any) -> WrittenFiles:
        found.append(write(*given))
        return found[-1]

    monkeypatch.setattr(into_the_lake, "_written", noted)
    return found


def paths_of(written: list[WrittenFiles]) -> set[str]:
    return {file.path for each in written for file in (*each.data_files, *each.quarantine_files)}


@pytest.mark.long
@pytest.mark.usefixtures("lies_on")
def test_logs_full_of_traps_give_the_same_books_in_files_that_workers_wrote(
    request: pytest.FixtureRequest, sail: str, written: list[WrittenFiles], tmp_path: Path
) -> None:
    here, there = twins_on(request, tmp_path, sail, lambda root: make_random_workspace(root, 21, lines=150))
    assert collected(there) == collected(here)
    assert_same_books(there, here)
    assert paths_of(written) & data_files(there)
    written.clear()
    assert collected(there) == collected(here)
    assert written == []
    assert_same_books(there, here)


@pytest.mark.long
def test_one_commit_names_what_workers_wrote_and_this_machine_writes_nothing(
    sail: str, written: list[WrittenFiles], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(root: Path) -> None:
        make_workspace(root)
        for number in range(5):
            write_log(root, f"{number}.log", *lines(*range(10 * number, 10 * number + 10)), "{broken")

    here, there = twins_of_which_one_writes(tmp_path, sail, make)
    small_tasks(monkeypatch)
    names = read_here(monkeypatch)
    done = collected(there)
    assert names == []  # nothing was read here
    assert len(written) == 5
    assert paths_of(written) == data_files(there)
    assert read_log(there / "lake").version == 0
    assert done == collected(here)
    assert_same_books(there, here)


def small_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each log be a task of its own."""
    monkeypatch.setattr(logs_on_workers, "_TASK_BYTES", 1)
    monkeypatch.setattr(logs_on_workers, "_LOG_BYTES_MIN", 1)


@pytest.mark.long
@pytest.mark.parametrize("other", ["a.log", "c.log"])
def test_a_lost_race_writes_the_entry_anew_and_of_the_files_none_but_those_that_the_other_has_lines_of(
    other: str,
    sail: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = tmp_path / "books"
    bucket, written = request.getfixturevalue("bucket"), request.getfixturevalue("written")
    with_ids(root)
    write_log(root, "z.log", *lines(40, 41))
    writing(on_workers(stored(root, bucket), sail))
    small_tasks(monkeypatch)
    append_log(root, "c.log", *lines(20))
    commit, put = lake.commit, []

    def overtaken(lake_dir: Path, snapshot: Any, **given: Any) -> Any:
        if not put:
            put.extend(paths_of(written))
            with monkeypatch.context() as once:
                once.setattr(lake, "commit", commit)
                workspace = open_workspace(root, engine="duckdb")
                collect(workspace, now=NOW, key_secret=None, paths=[root / "logs" / other])
        return commit(lake_dir, snapshot, **given)

    monkeypatch.setattr(lake, "commit", overtaken)
    names = read_here(monkeypatch)
    collected(root)
    assert set(put) == paths_of(written)  # nobody wrote for the second try
    assert names == [f"logs/{other}"] * 2  # once by the other, and once by this run: nothing is left of it
    snapshot = read_log(root / "lake")
    assert snapshot.version == 1
    assert len(set(put) & data_files(root)) == 3
    assert len(data_files(root)) == 4
    assert sum(sum(record.events.values()) for record in snapshot.sources) == 12
    assert tallybook(root, "--engine", "duckdb", "verify", "--logs").returncode == 0


@pytest.mark.long
def test_what_a_run_left_that_died_before_its_commit_is_named_by_the_next_or_swept_in_time(
    sail: str, bucket: str, written: list[WrittenFiles], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = twins_of_which_one_writes(tmp_path, sail, with_ids)
    stored(there, bucket)

    class Died(BaseException):
        pass

    def dies(*_: Any, **__: Any) -> None:
        raise Died

    with monkeypatch.context() as dying:
        dying.setattr(lake, "commit", dies)
        with pytest.raises(Died):
            tallybook(there, "collect", *AS_OF)
    left = paths_of(written)
    assert left
    assert read_log(there / "lake").version is None
    assert collected(there) == collected(here)
    assert data_files(there) == left  # the same bytes for the same commits: put by the first run, named by the second
    with monkeypatch.context() as dying:
        dying.setattr(lake, "commit", dies)
        for root in (here, there):
            write_log(root, "new.log", *lines(70))
        written.clear()
        with pytest.raises(Died):
            tallybook(there, "collect", *AS_OF)
    orphans = paths_of(written)
    for root in (here, there):
        (root / "logs/new.log").unlink()
    for number in range(logs_on_workers._NUMBERS_AHEAD + 3):  # noqa: SLF001
        for root in (here, there):
            write_log(root, f"{number}.txt", *lines(80 + number))
        assert orphans <= lying(there) | {""} or number > logs_on_workers._NUMBERS_AHEAD  # noqa: SLF001
        collected(there)
        collected(here)
    assert not orphans & lying(there)
    assert_same_books(there, here)


def without_statistics(path: Path) -> bytes:
    """Return what a data file holds, as one that does not state which values there are."""
    with pq.ParquetFile(path) as file:
        table = file.read()  # and no date of the folder that it lies in
    notes, content = parquet_bytes.described(path).notes, io.BytesIO()
    with pq.ParquetWriter(content, table.schema, write_statistics=False) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(notes)
    return content.getvalue()


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        ("another digest", "is missing"),
        ("another digest than its name", "is named by another digest than 0000"),
        ("other bytes", "has the sha256"),
        ("more rows", "rows for commit"),
        ("no file", "9 events and 0 quarantined lines in files of 0 and 0"),
        ("another date", "has events from"),
        ("no range", "does not state the range of occurred_at; a worker said"),
        ("another commit", "rows for commit 3, and not"),
    ],
)
def test_a_worker_that_lies_of_what_it_wrote_is_refused_in_one_line_and_a_rerun_ends_right(
    lie: str, said: str, sail: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = twins_of_which_one_writes(tmp_path, sail, with_ids)
    write = into_the_lake._written  # noqa: SLF001

    def lying_write(given: Any, *rows: Any) -> WrittenFiles:
        if lie == "another commit":
            return write(replace(given, number_max=3), *rows)
        whole = write(given, *rows)
        if lie == "no file":
            return replace(whole, data_files=())
        (file,) = whole.data_files
        path = there / "lake/usage_events" / file.path
        if lie == "another digest":
            file = replace(file, sha256="0" * 64, path=f"{file.path.partition('/')[0]}/{'0' * 64}.parquet")
        elif lie == "another digest than its name":
            file = replace(file, sha256="0" * 64)
        elif lie == "other bytes":
            content = path.read_bytes()
            path.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
        elif lie == "more rows":
            file = replace(file, rows=file.rows + 1)
        elif lie == "no range":
            content = without_statistics(path)
            sha256 = hashlib.sha256(content).hexdigest()
            path.with_name(f"{sha256}.parquet").write_bytes(content)
            path.unlink()
            file = replace(file, sha256=sha256, size=len(content), path=f"{path.parent.name}/{sha256}.parquet")
        elif lie == "another date":
            other = there / "lake/usage_events/date=2026-10-06"
            other.mkdir()
            path.rename(other / path.name)
            file = replace(file, date=date(2026, 10, 6), path=f"{other.name}/{path.name}")
        return replace(whole, data_files=(file,))

    with monkeypatch.context() as lies:
        lies.setattr(into_the_lake, "_written", lying_write)
        done = tallybook(there, "collect", *AS_OF)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (8, "", 1), done.stderr
    assert "is not what it said" in done.stderr
    assert said in done.stderr
    assert read_log(there / "lake").version is None
    assert collected(there) == collected(here)
    assert_same_books(there, here)


@pytest.mark.long
def test_a_store_that_gives_other_bytes_than_were_put_is_refused(
    sail: str, bucket: str, written: list[WrittenFiles], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = twins_of_which_one_writes(tmp_path, sail, with_ids)
    stored(there, bucket)
    got = ObjectStore._got  # noqa: SLF001

    def flipped(self: ObjectStore, key: str) -> Any:
        found = got(self, key)
        return (found[0][:-1] + b"?", found[1]) if found is not None and "/date=" in key else found

    with monkeypatch.context() as lies:
        lies.setattr(ObjectStore, "_got", flipped)
        done = tallybook(there, "collect", *AS_OF)
    assert (done.returncode, done.stderr.count("\n")) == (8, 1), done.stderr
    assert "has the sha256" in done.stderr
    assert written
    assert read_log(there / "lake").version is None
    assert collected(there) == collected(here)
    assert_same_books(there, here)


@pytest.mark.long
def test_of_a_log_that_is_renamed_meanwhile_nothing_counts_of_what_was_written_and_the_others_keep_theirs(
    sail: str, written: list[WrittenFiles], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "books"
    with_ids(root)
    write_log(root, "c.log", *lines(20, 21))
    writing(on_workers(root, sail))
    answers = at_worker.answers

    def moved(shared: str, task: str) -> Iterator[tuple[str, bytes]]:
        yield from answers(shared, task)
        (root / "logs/a.log").rename(root / "logs/b.log.old")
        (root / "logs/b.log").rename(root / "logs/a.log")
        (root / "logs/b.log.old").rename(root / "logs/b.log")

    monkeypatch.setattr(at_worker, "answers", moved)
    names = read_here(monkeypatch)
    collected(root)
    assert names == ["logs/a.log", "logs/b.log"]
    assert not paths_of(written) & data_files(root)  # of the one file, one log of three is believed
    assert rows_of(root)[0].num_rows == 11
    assert tallybook(root, "--engine", "duckdb", "verify", "--logs").returncode == 0


@pytest.mark.long
def test_what_was_forgotten_is_left_out_of_what_workers_wrote(sail: str, tmp_path: Path) -> None:
    def make(root: Path) -> None:
        make_workspace(root)
        write_log(root, "a.log", *lines(1, 2))
        assert tallybook(root, "--engine", "duckdb", "collect", *AS_OF).returncode == 0
        done = tallybook(
            root, "forget", "--key", "key_a", "--yes", "--with-uninvoiced", "--as-of", "2026-12-05T00:00:00Z"
        )
        assert done.returncode == 0, done.stderr
        write_log(root, "b.log", *lines(3, 4), plain("2026-10-05T10:00:00Z", id="other", key="key_b"))

    here, there = twins_of_which_one_writes(tmp_path, sail, make)
    assert collected(there) == collected(here)
    assert_same_books(there, here)
    assert rows_of(there)[0]["api_key_id"].to_pylist() == ["key_b"]


@pytest.mark.long
def test_raw_keys_are_written_as_ids_and_no_file_holds_one(sail: str, asked: Asked, tmp_path: Path) -> None:
    here, there = twins_of_which_one_writes(tmp_path, sail, with_raw_keys)
    env = {"TALLYBOOK_KEY_SECRET": SECRET}
    assert collected(there, env=env) == collected(here, env=env)
    assert_same_books(there, here)
    assert read_log(there / "lake").key_secret_check == read_log(here / "lake").key_secret_check
    assert SECRET not in asked.sent
    for path in (there / "lake").rglob("*"):
        assert not path.is_file() or RAW_KEY.encode() not in path.read_bytes()


@pytest.mark.long
def test_a_worker_that_finds_no_lake_or_may_not_write_there_is_refused_in_one_line(
    sail: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = twins_of_which_one_writes(tmp_path, sail, with_ids)
    config = there / "tallybook.toml"
    text = config.read_text(encoding="utf-8")
    for elsewhere, said, code in (
        (tmp_path / "nowhere", f"a worker finds no lake at {tmp_path}/nowhere", 8),
        ("s3://elsewhere/lake", "workers are to write into the lake at s3://elsewhere/lake", 2),
    ):
        config.write_text(f'{text}lake = "{elsewhere}"\n', encoding="utf-8")
        done = tallybook(there, "collect", *AS_OF)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1), done.stderr
        assert said in done.stderr
    config.write_text(text, encoding="utf-8")

    def full(folder: Path, *_: Any, **__: Any) -> None:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT), str(folder))

    with monkeypatch.context() as of_disk:
        of_disk.setattr(into_the_lake, "write_events", full)
        done = tallybook(there, "collect", *AS_OF)
    assert (done.returncode, done.stderr.count("\n")) == (8, 1), done.stderr
    assert f"a worker cannot write to the lake at {there}/lake: Disk quota exceeded" in done.stderr
    assert collected(there) == collected(here)
    assert_same_books(there, here)


def test_a_folder_that_a_worker_made_as_another_user_is_refused_in_one_line(
    sail: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = twins_of_which_one_writes(tmp_path, sail, with_ids)
    access = os.access

    def of_another(path: Any, mode: int) -> bool:
        return "date=" not in str(path) and access(path, mode)

    with monkeypatch.context() as of_folders:
        of_folders.setattr(os, "access", of_another)  # whoever is root, as tests may be, is refused nothing
        done = tallybook(there, "collect", *AS_OF)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (8, "", 1), done.stderr
    assert f"a worker made {there}/lake/usage_events/date=" in done.stderr
    assert read_log(there / "lake").version is None
    assert collected(there) == collected(here)
    assert_same_books(there, here)


@pytest.mark.long
def test_a_log_of_several_segments_and_tasks_of_several_files_give_the_same_books(
    sail: str, written: list[WrittenFiles], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(root: Path) -> None:
        make_workspace(root)
        for number in range(4):
            write_log(root, f"{number}.log", *lines(*range(50 * number, 50 * number + 45)), "{broken")

    here, there = twins_of_which_one_writes(tmp_path, sail, make)
    monkeypatch.setattr(collecting, "COMMIT_EVENTS_MAX", 20)
    monkeypatch.setattr(logs_on_workers, "_JOB_BYTES", 2 * 2**20)
    assert collected(there, "--force") == collected(here, "--force")
    assert len(written) > 4
    assert paths_of(written) == data_files(there)
    assert read_log(there / "lake").version == 1  # one for each job
    assert_same_books(there, here)


def test_what_others_committed_too_much_of_meanwhile_is_read_here(
    sail: str, written: list[WrittenFiles], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = twins_of_which_one_writes(tmp_path, sail, with_ids)
    monkeypatch.setattr(logs_on_workers, "_NUMBERS_AHEAD", -2)  # as if so many numbers had been taken since
    names = read_here(monkeypatch)
    assert collected(there) == collected(here)
    assert sorted(names) == ["logs/a.log", "logs/a.log", "logs/b.log", "logs/b.log"]
    assert not paths_of(written) & data_files(there)
    assert_same_books(there, here)


def test_write_without_collect_is_refused_in_one_line(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    config = root / "tallybook.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(f'{text}\n[engine]\nkind = "spark"\nremote = "sc://h:1"\nwrite = true\n', encoding="utf-8")
    done = tallybook(root, "collect", *AS_OF)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "write is of workers that read the logs" in done.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("lies_on")
def test_a_night_ends_in_the_same_invoices_and_each_verifies_by_the_other_engine(
    request: pytest.FixtureRequest, sail: str, tmp_path: Path
) -> None:
    def make(root: Path) -> None:
        shutil.copytree(sample_folder(), root)

    here, there = twins_on(request, tmp_path, sail, make)
    for root in (here, there):
        assert tallybook(root, "nightly", "--as-of", "2026-11-02").returncode == 0
    for engine in (sail, "duckdb"):
        verified = tallybook(there, "--engine", engine, "verify", "--logs")
        assert verified.returncode == 0, verified.stdout
    assert_same_books(there, here)
    of_invoices = [
        {name: each for name, each in fingerprints(root).items() if name.startswith("invoices/") and "/." not in name}
        for root in (here, there)
    ]
    assert of_invoices[0]
    assert of_invoices[0] == of_invoices[1]
