"""Servers as processes of their own: Spark on two threads counts and collects as this machine does; any may die.

What needs Spark is skipped where Spark or Java is not installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from random_lakes import write_random_lake
from random_logs import make_workspace as make_random_workspace
from spark_server import ROOT, SECRET, spark_server
from test_collecting_on_workers import AS_OF, collected, lake_of, on_workers, twins, with_ids, with_raw_keys
from test_same_counts import assert_alike, counted
from workspaces import fingerprints, tallybook

from pipeline.base.resources import sample_folder
from pipeline.lake import read_log
from pipeline.warehouse.engines.on_duckdb import OnDuckDb
from pipeline.warehouse.engines.on_spark import OnSpark

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


def test_logs_full_of_traps_give_the_same_lake(spark: str, tmp_path: Path) -> None:
    here, there = twins(tmp_path, spark, lambda root: make_random_workspace(root, 22, lines=600))
    assert collected(there) == collected(here)
    assert lake_of(there) == lake_of(here)


def test_raw_keys_become_ids_by_the_secret_in_the_environment_of_the_workers(spark: str, tmp_path: Path) -> None:
    here, there = twins(tmp_path, spark, with_raw_keys)
    for root in (here, there):
        (root / "key-secret").write_text(SECRET, encoding="ascii")
        (root / "key-secret").chmod(0o600)
    assert collected(there) == collected(here)
    assert lake_of(there) == lake_of(here)
    assert read_log(there / "lake").key_secret_check


def test_workers_with_another_secret_are_refused(spark: str, tmp_path: Path) -> None:
    _, there = twins(tmp_path, spark, with_raw_keys)
    done = tallybook(there, "collect", *AS_OF, env={"TALLYBOOK_KEY_SECRET": SECRET[::-1]})
    assert (done.returncode, done.stderr.count("\n")) == (8, 1), done.stderr
    assert "is not the secret of this machine" in done.stderr
    assert read_log(there / "lake").version is None


def test_a_night_ends_in_the_same_invoices_and_each_verifies_the_other(spark: str, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for root in (here, there):
        shutil.copytree(sample_folder(), root)
    on_workers(there, spark)
    for root, other in ((here, spark), (there, "duckdb")):
        assert tallybook(root, "nightly", "--as-of", "2026-11-02").returncode == 0
        verified = tallybook(root, "--engine", other, "verify", "--logs")
        assert verified.returncode == 0, verified.stdout
    assert of_invoices(there)
    assert of_invoices(there) == of_invoices(here)


def of_invoices(root: Path) -> dict[str, str]:
    return {name: each for name, each in fingerprints(root).items() if name.startswith("invoices/")}


def test_a_random_lake_is_counted_alike(spark: str, tmp_path: Path) -> None:
    files = write_random_lake(tmp_path, events=200_000, files=5, seed=6)
    assert_alike(counted(files, OnDuckDb(lake=tmp_path)), counted(files, OnSpark(remote=spark, lake=tmp_path)))


BREAKING = {
    "it exits": "import os, pipeline.jobs.night.on_workers.at_worker as at\nat.answers = lambda *_: os._exit(9)\n",
    "it raises": "import pipeline.jobs.night.on_workers.at_worker as at\nat.answers = lambda *_: 1 // 0\n",
    "it has no Tallybook": "import sys\nsys.modules['pipeline'] = None\n",
}
SAIL = """
import sys
from pysail.spark import SparkConnectServer
server = SparkConnectServer(ip="127.0.0.1", port=0)
server.start(background=True)
print(server.listening_address[1], flush=True)
sys.stdin.read()
"""


def test_a_server_that_dies_while_its_workers_read_is_told_in_one_line(sail: str, tmp_path: Path) -> None:
    folder = tmp_path / "of-workers"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(BREAKING["it exits"], encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": f"{folder}:{ROOT}", "PYTHONWARNINGS": "ignore", "RUST_LOG": "off"}
    here, there = twins(tmp_path, sail, with_ids)
    with subprocess.Popen(
        [sys.executable, "-c", SAIL], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        done = tallybook(there, "--engine", f"sc://127.0.0.1:{port}", "collect", *AS_OF)
        assert server.wait(timeout=10) == 9
    assert (done.returncode, done.stderr.count("\n")) == (8, 1), done.stderr
    assert "nothing is lost" in done.stderr
    assert read_log(there / "lake").version is None
    assert collected(there) == collected(here)
    assert lake_of(there) == lake_of(here)


@pytest.mark.parametrize("how", ["it exits", "it raises", "it has no Tallybook"])
def test_a_worker_that_breaks_is_told_in_one_line_and_a_rerun_ends_right(how: str, spark: str, tmp_path: Path) -> None:
    said = {"it exits": "", "it raises": "ZeroDivisionError", "it has no Tallybook": "a worker has no Tallybook"}[how]
    folder = tmp_path / "of-workers"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(BREAKING[how], encoding="utf-8")
    here, there = twins(tmp_path, spark, with_ids)
    with spark_server(tmp_path, PYTHONPATH=f"{folder}:{ROOT}") as broken:
        done = tallybook(there, "--engine", broken, "collect", *AS_OF)
    assert (done.returncode, done.stderr.count("\n")) == (8, 1), done.stderr
    assert said in done.stderr
    assert "nothing is lost" in done.stderr
    assert read_log(there / "lake").version is None
    assert collected(there) == collected(here)
    assert lake_of(there) == lake_of(here)
