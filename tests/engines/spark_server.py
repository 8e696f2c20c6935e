"""Spark with its Connect server in a process of its own: of ``SPARK_HOME``, or of the package pyspark."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
STARTS_SECONDS = 300
SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"
SECRET = "a made-up secret of a test, long enough"  # noqa: S105 - made up
"""Of key ids: what the workers of the tests' server have in their environment."""


def spark_home() -> Path:
    """Return where Spark is; skip the test where there is none, or no Java."""
    found = importlib.util.find_spec("pyspark")
    of_package = Path(found.origin).parent if found is not None and found.origin else None
    for home in filter(None, (os.environ.get("SPARK_HOME"), of_package)):
        if list(Path(home, "jars").glob("spark-connect_*.jar")) and shutil.which("java"):
            return Path(home)
    pytest.skip("Spark is not installed: set SPARK_HOME, and have Java, to count and collect on it")


@contextmanager
def spark_server(folder: Path, **environment: str) -> Iterator[str]:
    """Start Spark with two workers' threads, and yield its address; ``environment`` is what workers are given."""
    home = spark_home()
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port = asked.getsockname()[1]
    settings = {
        "spark.connect.grpc.binding.port": port,
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "4",
        "spark.local.dir": folder,
        "spark.sql.warehouse.dir": folder / "warehouse",
    }
    options = [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
    given = {
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": str(ROOT),
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        **environment,
    }
    said = folder / "spark.log"
    with said.open("wb") as log:
        command = [
            str(home / "bin/spark-submit"),
            "--master",
            "local[2]",
            *options,
            "--class",
            SERVER,
            "spark-internal",
        ]
        server = subprocess.Popen(command, cwd=folder, env=os.environ | given, stdout=log, stderr=log)
    try:
        until = time.monotonic() + STARTS_SECONDS
        while not listens(port):
            assert server.poll() is None, said.read_text(errors="replace")[-2000:]
            assert time.monotonic() < until, said.read_text(errors="replace")[-2000:]
            time.sleep(0.2)
        yield f"sc://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=30)


def listens(port: int) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0
