"""A server that speaks Spark Connect, for as long as the tests of a process run."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

sys.path.insert(0, str(Path(__file__).parent))

SECRET = "a made-up secret of a test, long enough"  # noqa: S105 - made up
# The client takes a process whose main module is no file for a run of its own doctests, and ends it.
vars(sys.modules["__main__"]).setdefault("__file__", __file__)


@pytest.fixture(scope="session")
def sail() -> Iterator[str]:
    """The address of a Sail server in this process."""
    pytest.importorskip("pysail", reason="Sail is not installed")
    os.environ.setdefault("RUST_LOG", "off")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        from pysail.spark import SparkConnectServer  # noqa: PLC0415  # an extra

        server = SparkConnectServer(ip="127.0.0.1", port=0)
    server.start(background=True)
    _, port = server.listening_address
    yield f"sc://127.0.0.1:{port}"
    server.stop()


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of Spark on two threads, whose workers have the secret of key ids in their environment."""
    from spark_server import spark_server  # noqa: PLC0415  # few tests start it

    with spark_server(tmp_path_factory.mktemp("spark"), TALLYBOOK_KEY_SECRET=SECRET) as remote:
        yield remote
