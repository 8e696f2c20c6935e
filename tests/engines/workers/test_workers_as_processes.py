"""Workers in processes of their own, with an environment of their own: they read and write stores, cannot, or die."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from random_logs import make_workspace as make_random_workspace
from servers import bucket, s3_endpoint
from spark_server import ROOT, spark_server
from stored_objects import put
from test_collecting_on_workers import AS_OF, collected, lake_of, twins
from test_logs_of_stores_on_workers import log_of, reading
from test_spark_itself import SAIL
from workspaces import append_log, plain, tallybook
from written_lakes import assert_same_books, twins_of_which_one_writes

from pipeline.lake import read_log
from pipeline.objects.stores import ObjectStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["bucket", "s3_endpoint"]
pytestmark = pytest.mark.slow

OF_STORES = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION")
DIES = {
    "a worker, when it has put its files": (
        "import os, pipeline.jobs.night.on_workers.into_the_lake as at\n"
        "put = at._on_store\n"
        "at._on_store = lambda *given: (put(*given), os._exit(9))\n"
    ),
    "this machine, before it commits": (
        "import os, signal, pipeline.lake.commits as at\n"
        "at.appended = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
    ),
}


@contextmanager
def sail_with(environment: dict[str, str], *, within: Sequence[str] = ()) -> Iterator[str]:
    """Start Sail in a process whose workers have this environment and no other; ``within`` is a command around it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TALLYBOOK_"))}
    given = kept | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", "RUST_LOG": "off"} | environment
    with subprocess.Popen(
        [*within, sys.executable, "-c", SAIL], env=given, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            yield f"sc://127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.kill()


def of_stores() -> dict[str, str]:
    return {name: os.environ[name] for name in OF_STORES}


def dying(folder: Path, who: str) -> dict[str, str]:
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(DIES[who], encoding="utf-8")
    return {"PYTHONPATH": f"{folder}:{ROOT}"}


def on_store(root: Path, url: str) -> None:
    config = root / "tallybook.toml"
    config.write_text(f'{config.read_text(encoding="utf-8")}\n[lake]\nurl = "{url}/lake"\n', encoding="utf-8")


def data_objects(url: str) -> set[str]:
    return {each.key for each in ObjectStore(url).list("lake/usage_events") if each.key.endswith(".parquet")}


@pytest.fixture(scope="module")
def spark(s3_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Spark, whose workers have in their environment what reaches the store."""
    given = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_REGION": "us-east-1"}
    with spark_server(tmp_path_factory.mktemp("spark"), AWS_ENDPOINT_URL=s3_endpoint, **given) as remote:
        yield remote


def test_spark_reads_logs_of_a_store_and_writes_the_lake_there(spark: str, bucket: str, tmp_path: Path) -> None:
    for number in range(6):
        put(f"{bucket}/logs/{number}.jsonl", log_of(*range(40 * number, 40 * number + 50)))
    here, there = twins_of_which_one_writes(tmp_path, spark, reading(bucket))
    on_store(there, bucket)
    assert collected(there) == collected(here)
    assert_same_books(there, here)
    put(f"{bucket}/logs/0.jsonl", log_of(*range(60)))
    assert collected(there) == collected(here)
    assert_same_books(there, here)
    assert data_objects(bucket) == {f"lake/usage_events/{file.path}" for file in read_log(there / "lake").data_files}
    assert tallybook(there, "nightly", *AS_OF).returncode == 0
    assert tallybook(there, "--engine", "duckdb", "verify", "--logs").returncode == 0


def test_workers_without_a_way_to_the_store_are_told_in_one_line_and_with_it_a_rerun_ends_right(
    bucket: str, tmp_path: Path
) -> None:
    put(f"{bucket}/logs/a.jsonl", log_of(1, 2))
    with sail_with(of_stores() | {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}) as elsewhere:
        here, there = twins(tmp_path, elsewhere, reading(bucket))
        done = tallybook(there, "collect", *AS_OF)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (8, "", 1), done.stderr
    assert f"a worker cannot open {bucket}/logs/a.jsonl" in done.stderr
    assert "in their own environment" in done.stderr
    assert read_log(there / "lake").version is None
    with sail_with(of_stores()) as sail:
        assert collected(there, env={"TALLYBOOK_ENGINE": sail}) == collected(here)
    assert lake_of(there) == lake_of(here)


@pytest.mark.parametrize("who", DIES)
def test_who_dies_between_put_and_commit_leaves_files_that_the_next_run_names(
    who: str, bucket: str, tmp_path: Path
) -> None:
    put(f"{bucket}/logs/a.jsonl", log_of(*range(20)))
    broken = dying(tmp_path / "dying", who)
    is_worker = who.startswith("a worker")
    with sail_with(of_stores() | (broken if is_worker else {})) as sail:
        here, there = twins_of_which_one_writes(tmp_path, sail, reading(bucket))
        on_store(there, bucket)
        done = subprocess.run(
            [sys.executable, "-m", "pipeline.cli", "-w", str(there), "collect", *AS_OF],
            env=os.environ | {"PYTHONPATH": str(ROOT)} | ({} if is_worker else broken),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == (8 if is_worker else -9), done.stderr
    left = data_objects(bucket)
    assert len(left) == 1
    assert read_log(there / "lake").version is None
    with sail_with(of_stores()) as sail:
        assert collected(there, env={"TALLYBOOK_ENGINE": sail}) == collected(here)
    assert data_objects(bucket) == left
    assert_same_books(there, here)


def test_a_folder_that_both_see_is_written_by_workers_of_spark(spark: str, tmp_path: Path) -> None:
    here, there = twins_of_which_one_writes(tmp_path, spark, lambda root: make_random_workspace(root, 23, lines=300))
    assert collected(there) == collected(here)
    assert_same_books(there, here)


MOUNTS = 'mount --bind "$1" "$2" && mount -t tmpfs none "$1" && shift 2 && exec "$@"'
"""A folder lies at another path for this process, and at its own path there is an empty one."""


def test_workers_that_mount_the_lake_at_another_path_write_and_count_it_there(tmp_path: Path) -> None:
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this user may not have mounts of its own")
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    lake = tmp_path / "there" / "lake"
    lake.mkdir(parents=True)
    within = ["unshare", "--mount", "sh", "-euc", MOUNTS, "sh", str(lake), str(mounted)]
    with sail_with({}, within=within) as sail:
        here, there = twins_of_which_one_writes(tmp_path, sail, lambda root: make_random_workspace(root, 24, lines=100))
        done = tallybook(there, "collect", *AS_OF)
        assert (done.returncode, done.stderr.count("\n")) == (8, 1), done.stderr
        assert f"a worker finds no lake at {lake}, where this machine has it" in done.stderr
        assert read_log(lake).version is None
        config = there / "tallybook.toml"
        text = config.read_text(encoding="utf-8")
        config.write_text(text.replace("write = true", f'write = true\nlake = "{mounted}"'), encoding="utf-8")
        assert collected(there) == collected(here)
        assert_same_books(there, here)
        for root in (here, there):
            append_log(root, "more.jsonl", plain("2026-10-05T10:00:00Z", id="one more"))
        assert tallybook(there, "nightly", *AS_OF).returncode == 0
    assert tallybook(here, "nightly", *AS_OF).returncode == 0
    assert_same_books(there, here)
    assert tallybook(there, "--engine", "duckdb", "verify", "--logs").returncode == 0
