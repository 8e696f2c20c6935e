"""Servers in this process, for as long as its tests run: one that speaks Spark Connect, and one that speaks S3."""

from __future__ import annotations

import os
import sys
import urllib.request
import uuid
import warnings
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

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
def s3_endpoint() -> Iterator[str]:
    """The address of an empty S3 server in this process."""
    pytest.importorskip("moto", reason="moto is not installed")
    os.environ.setdefault("MOTO_ALLOW_NONEXISTENT_REGION", "true")
    from moto.server import ThreadedMotoServer  # noqa: PLC0415  # heavy

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new bucket of the server, as ``s3://…``; the environment holds what a client needs to reach it."""
    name = f"books-{uuid.uuid4().hex[:12]}"
    with urllib.request.urlopen(urllib.request.Request(f"{s3_endpoint}/{name}", method="PUT")):  # noqa: S310
        pass
    environment = {
        "AWS_ENDPOINT_URL": s3_endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "us-east-1",
    }
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    return f"s3://{name}"
