"""Logs that workers of a server read come out as this machine reads them: the same lake, to the byte."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from random_logs import make_workspace as make_random_workspace
from workspaces import append_log, fingerprints, make_workspace, plain, tallybook, write_log

from pipeline.base.resources import sample_folder
from pipeline.collectors import ProblemReason
from pipeline.collectors import read_log as read_log_file
from pipeline.collectors.logs.problems import LogUnreadable
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.night import collect as collecting
from pipeline.jobs.night import run
from pipeline.jobs.night.collect import collect
from pipeline.jobs.night.on_workers import at_worker, logs_on_workers
from pipeline.jobs.night.on_workers.logs_on_workers import OPEN_ROTATION_TEXT
from pipeline.lake import read_log
from pipeline.warehouse.engines import on_workers as engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NOW = datetime(2026, 12, 5, tzinfo=UTC)
AS_OF = ("--as-of", "2026-12-05T00:00:00Z")


class Asked(list[str]):
    """The names of the logs that workers were asked for, and all that was sent to them."""

    sent = ""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What workers are asked for, in the process of the test as the server is."""
    names = Asked()
    answers = at_worker.answers

    def noted(shared: str, task: str) -> Iterator[tuple[str, bytes]]:
        names.sent += shared + task
        names.extend(log["source"] for group in json.loads(task) for log in group)
        return answers(shared, task)

    monkeypatch.setattr(at_worker, "answers", noted)
    return names


def on_workers(root: Path, remote: str) -> Path:
    """Let the server read the logs of a workspace."""
    config = root / "tallybook.toml"
    engine = f'\n[engine]\nkind = "spark"\nremote = "{remote}"\ncollect = true\n'
    config.write_text(config.read_text(encoding="utf-8") + engine, encoding="utf-8")
    return root


def lake_of(root: Path) -> dict[str, str]:
    """Return the digest of every file of the lake: entries, events and quarantined lines."""
    found = {name: each for name, each in fingerprints(root).items() if name.startswith("lake/")}
    assert found
    return found


def collected(root: Path, *arguments: str, env: dict[str, str] | None = None) -> str:
    done = tallybook(root, "collect", *arguments, *AS_OF, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def twins(tmp_path: Path, remote: str, make: Callable[[Path], Any]) -> tuple[Path, Path]:
    """Return a workspace whose logs this machine reads, and the same whose logs workers read."""
    here, there = tmp_path / "here", tmp_path / "there"
    for root in (here, there):
        make(root)
    return here, on_workers(there, remote)


@pytest.mark.long
def test_logs_full_of_traps_give_the_same_lake(sail: str, asked: Asked, tmp_path: Path) -> None:
    here, there = twins(tmp_path, sail, lambda root: make_random_workspace(root, 21, lines=150))
    assert collected(there) == collected(here)
    assert lake_of(there) == lake_of(here)
    assert {"logs/a.jsonl", "logs/b.jsonl.gz", "logs/c.jsonl.zst"} <= set(asked)
    asked.clear()
    assert collected(there) == collected(here)
    assert lake_of(there) == lake_of(here)


def line(number: int, *, key: str = "key_a") -> str:
    return plain(f"2026-10-05T10:{number % 60:02}:00Z", id=f"id-{number}", key=key)


def lines(*numbers: int) -> list[str]:
    return [line(number) for number in numbers]


def test_logs_that_grow_are_renamed_compressed_and_begun_anew_give_the_same_lake(
    sail: str, asked: Asked, tmp_path: Path
) -> None:
    here, there = twins(tmp_path, sail, make_workspace)
    for root in (here, there):
        write_log(root, "app.log", *lines(*range(40)))
        write_log(root, "other.log", *lines(*range(100, 140)))
    nights = [collected(there) == collected(here)]
    for root in (here, there):
        append_log(root, "app.log", *lines(*range(40, 60)))
        (root / "logs/app.log").rename(root / "logs/app.log.1")
        write_log(root, "app.log", *lines(60))
        content = (root / "logs/other.log").read_bytes() + f"{line(140)}\n".encode()
        (root / "logs/other.log").unlink()
        (root / "logs/other.log.1.gz").write_bytes(gzip.compress(content, mtime=0))
    nights.append(collected(there) == collected(here))
    assert sorted(asked[2:]) == ["logs/app.log", "logs/app.log.1", "logs/other.log.1.gz"]
    for root in (here, there):
        write_log(root, "app.log", *lines(61, 62))
        (root / "logs/app.log.1").rename(root / "logs/app.log.2")  # unchanged: nobody is asked
    nights.append(collected(there) == collected(here))
    assert asked[5:] == ["logs/app.log"]
    assert nights == [True] * 3
    assert lake_of(there) == lake_of(here)


def test_a_log_that_grew_and_a_copy_of_it_are_both_read_by_workers(
    sail: str, asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = twins(tmp_path, sail, make_workspace)
    for root in (here, there):
        write_log(root, "a.log", *lines(1, 2))
        collected(root)
        append_log(root, "a.log", *lines(3, 4))
        shutil.copy(root / "logs/a.log", root / "logs/b.log")
        append_log(root, "b.log", *lines(5))
    names = read_here(monkeypatch)
    done = collected(there)
    assert (sorted(asked), names) == (["logs/a.log", "logs/a.log", "logs/b.log"], [])
    assert done == collected(here)
    assert lake_of(there) == lake_of(here)


@pytest.mark.parametrize("first", [line(0), "{", ""], ids=["a line", "a bracket", "blank"])
def test_copies_of_a_log_in_one_run_are_one_log(first: str, sail: str, asked: Asked, tmp_path: Path) -> None:
    def make(root: Path) -> None:
        make_workspace(root)
        write_log(root, "a.log", first, *lines(1, 2))
        write_log(root, "b.log", first, *lines(1, 2, 3))
        (root / "logs/c.log.gz").write_bytes(gzip.compress((root / "logs/b.log").read_bytes(), mtime=0))
        write_log(root, "d.log", first, *lines(1, 2, 3, 4))

    here, there = twins(tmp_path, sail, make)
    assert collected(there) == collected(here)
    assert len(asked) == 4
    assert lake_of(there) == lake_of(here)
    assert len(read_log(there / "lake").sources) == 3


def test_a_source_that_is_refused_leaves_its_logs_to_the_next(sail: str, asked: Asked, tmp_path: Path) -> None:
    sources = (
        '[[sources]]\nname = "wrong"\npaths = ["logs/a*"]\nfields = { ts = "nowhere" }\n'
        '[[sources]]\nname = "right"\npaths = ["logs/b*"]\n'
    )

    def make(root: Path) -> None:
        make_workspace(root, config=sources)
        for name in ("a.log", "b.log"):
            write_log(root, name, *lines(*range(9)))

    here, there = twins(tmp_path, sail, make)
    done = [tallybook(root, "collect", *AS_OF) for root in (here, there)]
    assert [each.returncode for each in done] == [3, 3]
    assert done[0].stderr == done[1].stderr
    assert asked == ["logs/a.log", "logs/b.log"]
    assert lake_of(there) == lake_of(here)
    assert [record.name for record in read_log(there / "lake").sources] == ["right"]


SECRET = "a made-up secret of a test, long enough"  # noqa: S105 - made up
RAW_KEY = "sk-made-up-of-a-test-0000000000001"
ELSEWHERE = "TALLYBOOK_SECRET_OF_A_WORKER"


def with_raw_keys(root: Path) -> None:
    make_workspace(root)
    write_log(root, "ids.log", *lines(1, 2))
    write_log(root, "raw.log", *(raw(number) for number in range(10, 20)))


def raw(number: int) -> str:
    return line(number).replace('"api_key_id": "key_a"', f'"api_key": "{RAW_KEY}"')


def test_raw_keys_become_ids_by_the_secret_of_the_workers_which_is_never_sent(
    sail: str, asked: Asked, tmp_path: Path
) -> None:
    here, there = twins(tmp_path, sail, with_raw_keys)
    env = {"TALLYBOOK_KEY_SECRET": SECRET}
    assert collected(there, env=env) == collected(here, env=env)
    assert lake_of(there) == lake_of(here)
    assert len(asked) == 2
    assert SECRET not in asked.sent
    assert RAW_KEY not in asked.sent
    check = read_log(there / "lake").key_secret_check
    assert check is not None
    for root in (here, there):
        append_log(root, "raw.log", raw(30))
    assert collected(there, env=env) == collected(here, env=env)
    assert check in asked.sent
    assert lake_of(there) == lake_of(here)


@pytest.mark.parametrize(
    ("of_worker", "of_driver", "said"),
    [
        (None, SECRET, f"a worker has no {ELSEWHERE}"),
        (SECRET[::-1], SECRET, f"a worker's {ELSEWHERE} is not the secret of this machine"),
        ("short", SECRET, "a worker's secret cannot be used"),
        (SECRET, None, "this machine has no secret"),
    ],
)
def test_a_raw_key_without_the_same_secret_on_both_is_refused_in_one_line_and_a_rerun_ends_right(  # noqa: PLR0917
    of_worker: str | None,
    of_driver: str | None,
    said: str,
    sail: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here, there = twins(tmp_path, sail, with_raw_keys)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(at_worker, "SECRET_VARIABLE", ELSEWHERE)
        for name, value in ((ELSEWHERE, of_worker), ("TALLYBOOK_KEY_SECRET", of_driver)):
            if value is not None:
                elsewhere.setenv(name, value)
        refused(there, f"logs/raw.log holds raw keys, and {said}")
    env = {"TALLYBOOK_KEY_SECRET": SECRET}
    assert collected(there, env=env) == collected(here, env=env)
    assert lake_of(there) == lake_of(here)


def refused(root: Path, said: str) -> None:
    """Collecting ends with exit code 8 and one line, and nothing is committed."""
    done = tallybook(root, "collect", *AS_OF)
    assert (done.returncode, done.stdout) == (8, ""), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert said in done.stderr
    assert SECRET not in done.stderr
    assert read_log(root / "lake").version is None


def test_a_rotated_key_keeps_its_id_and_while_a_rotation_is_open_this_machine_reads(
    sail: str, asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, said = tmp_path / "here", []
    with_raw_keys(here)
    collected(here)
    for number, options in enumerate([(), ("--finish",)]):
        done = tallybook(here, "keys", "rotate", *options, "--as-of", "2026-12-05T01:00:00Z")
        assert done.returncode == 0, done.stderr
        append_log(here, "raw.log", raw(40 + number))
        there = tmp_path / f"there-{number}"
        shutil.copytree(here, there)
        on_workers(there, sail)
        secret = (here / "key-secret").read_text(encoding="ascii").strip()
        with monkeypatch.context() as given:
            given.setattr(at_worker, "SECRET_VARIABLE", ELSEWHERE)
            given.setenv(ELSEWHERE, secret)
            collected(here)
            said.append(collected(there))
        assert lake_of(there) == lake_of(here)
        assert secret not in asked.sent
    assert OPEN_ROTATION_TEXT in said[0]
    assert asked == ["logs/raw.log"]


def test_workers_of_another_version_or_without_tallybook_are_refused(
    sail: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = twins(tmp_path, sail, with_ids)
    with monkeypatch.context() as other:
        other.setattr(engine, "__version__", "9.9")
        refused(there, "a worker has Tallybook 0.1.0, and this is 9.9; install the same on both")
    with monkeypatch.context() as none:
        none.setattr(engine, "__name__", "pipeline.of_another_day")
        refused(there, "a worker has no Tallybook 0.1.0")
    assert collected(there) == collected(here)
    assert lake_of(there) == lake_of(here)


def with_ids(root: Path) -> None:
    make_workspace(root)
    for name in ("a.log", "b.log"):
        write_log(root, name, *lines(*range(5) if name == "a.log" else range(5, 9)))


def test_a_worker_that_breaks_and_an_answer_in_part_are_refused(
    sail: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = twins(tmp_path, sail, with_ids)

    def broken(shared: str, task: str) -> Iterator[tuple[str, bytes]]:
        yield "events", task[: len(shared) // 0].encode()

    with monkeypatch.context() as breaking:
        breaking.setattr(at_worker, "answers", broken)
        refused(there, "ZeroDivisionError")
    whole = engine.answers_of_tasks
    with monkeypatch.context() as lossy:
        lossy.setattr(engine, "answers_of_tasks", lambda *given: (each.slice(1) for each in whole(*given)))
        refused(there, "task 0 of 1 was answered in part")
    with monkeypatch.context() as twice:
        twice.setattr(engine, "answers_of_tasks", lambda *given: (each for each in whole(*given) for _ in "ab"))
        refused(there, "task 0 of 1 was answered twice")
    assert collected(there) == collected(here)
    assert lake_of(there) == lake_of(here)


def test_a_log_that_a_worker_cannot_open_is_refused_and_a_rerun_ends_right(
    sail: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = twins(tmp_path, sail, with_ids)
    opened = at_worker.open_log

    def not_there(path: Path, *arguments: Any) -> Any:
        if path.name == "b.log":
            raise LogUnreadable(ProblemReason.UNREADABLE, "opening: No such file or directory")
        return opened(path, *arguments)

    with monkeypatch.context() as unseen:
        unseen.setattr(at_worker, "open_log", not_there)
        refused(there, f"a worker cannot open {there}/logs/b.log (opening: No such file or directory), which lies here")
    assert collected(there) == collected(here)
    assert lake_of(there) == lake_of(here)


def read_here(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of logs that this machine reads itself, as they come."""
    names: list[str] = []

    def noted(path: Path, **arguments: Any) -> Any:
        names.append(arguments["source"])
        return read_log_file(path, **arguments)

    monkeypatch.setattr(run, "read_log", noted)
    return names


@pytest.mark.long
def test_a_log_that_is_renamed_while_workers_read_is_read_once(
    sail: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "books"
    with_ids(root)
    on_workers(root, sail)
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
    assert sum(sum(record.events.values()) for record in read_log(root / "lake").sources) == 9
    assert tallybook(root, "verify", "--logs").returncode == 0


@pytest.mark.long
@pytest.mark.parametrize("other", ["a.log", "c.log"])
def test_a_lost_race_collects_nothing_again_but_what_the_other_has(
    other: str, sail: str, asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "books"
    with_ids(root)
    write_log(root, "c.log", *lines(20, 21))
    shutil.copy(root / "logs" / other, root / "logs/copy.txt")
    on_workers(root, sail)
    noted = at_worker.answers

    def overtaken(shared: str, task: str) -> Iterator[tuple[str, bytes]]:
        yield from noted(shared, task)
        if read_log(root / "lake").version is None:
            workspace = open_workspace(root, engine="duckdb")
            collect(workspace, now=NOW, key_secret=None, paths=[root / "logs" / other])

    monkeypatch.setattr(at_worker, "answers", overtaken)
    names = read_here(monkeypatch)
    collected(root)
    assert sorted(asked) == ["logs/a.log", "logs/b.log", "logs/c.log", "logs/copy.txt"]
    assert names == [f"logs/{other}"] * 2  # once by the other, and once by this run: nothing is left of it
    sources = read_log(root / "lake").sources
    assert sorted(record.source for record in sources) == ["logs/a.log", "logs/b.log", "logs/c.log"]
    assert sum(sum(record.events.values()) for record in sources) == 11
    assert tallybook(root, "verify", "--logs").returncode == 0


def test_a_log_whose_name_is_no_utf_8_is_read_there_too(sail: str, asked: Asked, tmp_path: Path) -> None:
    def make(root: Path) -> None:
        make_workspace(root)
        write_log(root, os.fsdecode(b"gat\xe9way.log"), *lines(1, 2))

    here, there = twins(tmp_path, sail, make)
    assert collected(there) == collected(here)
    assert asked == ["logs/gat\\xe9way.log"]
    assert lake_of(there) == lake_of(here)


@pytest.mark.slow
def test_a_night_of_workers_ends_in_the_same_invoices_and_verifies(sail: str, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for root in (here, there):
        shutil.copytree(sample_folder(), root)
    on_workers(there, sail)
    for root in (here, there):
        done = tallybook(root, "nightly", "--as-of", "2026-11-02")
        assert done.returncode == 0, done.stderr
        assert tallybook(root, "--engine", "duckdb", "verify", "--logs").returncode == 0
    assert {name: each for name, each in fingerprints(there).items() if name.startswith("invoices/")} == {
        name: each for name, each in fingerprints(here).items() if name.startswith("invoices/")
    }


def test_what_is_given_by_name_or_comes_by_standard_input_is_read_here(sail: str, asked: Asked, tmp_path: Path) -> None:
    root = tmp_path / "books"
    with_ids(root)
    on_workers(root, sail)
    collected(root, str(root / "logs/a.log"))
    assert tallybook(root, "collect", "-", "--source", "gateway", *AS_OF, stdin=f"{line(70)}\n").returncode == 0
    assert asked == []
    assert collected(root, "--again").startswith("read")
    assert asked == ["logs/b.log"]
    collected(root)
    assert asked == ["logs/b.log"]


def test_another_engine_of_the_run_reads_here(sail: str, asked: Asked, tmp_path: Path) -> None:
    root = tmp_path / "books"
    with_ids(root)
    on_workers(root, sail)
    assert tallybook(root, "--engine", "duckdb", "collect", *AS_OF).returncode == 0
    assert asked == []


@pytest.mark.long
def test_logs_of_more_than_one_job_are_the_same(
    sail: str, asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(root: Path) -> None:
        make_workspace(root)
        for number in range(7):
            write_log(root, f"{number}.log", *lines(*range(number, number + 20)))

    here, there = twins(tmp_path, sail, make)
    monkeypatch.setattr(logs_on_workers, "_JOB_BYTES", 10_000)
    monkeypatch.setattr(logs_on_workers, "_TASK_BYTES", 1)
    monkeypatch.setattr(logs_on_workers, "_TASKS_AT_ONCE", 2)
    monkeypatch.setattr(logs_on_workers, "_LOG_BYTES_MIN", 1)
    monkeypatch.setattr(at_worker, "_PART_ROWS", 3)
    monkeypatch.setattr(collecting, "COMMIT_EVENTS_MAX", 30)
    assert collected(there) == collected(here)
    assert sorted(asked) == [f"logs/{number}.log" for number in range(7)]
    assert read_log(there / "lake").version == 3
    assert lake_of(there) == lake_of(here)
