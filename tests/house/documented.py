"""Runs the ``console`` blocks of a document on the sample, and puts what they print beside what the document says.

A line that begins with ``$ `` is a command, one that begins with ``> `` goes on with it; what follows is what it prints
on a terminal of 120 columns, and then what it prints to stderr. The blocks of one document run in order in one folder
that holds a fresh sample as ``data/``.

``python tests/house/documented.py`` writes what is printed now into every document (and ``git diff`` shows what
changed).
"""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
SAMPLE = ("tallybook.toml", "accounts.toml", "rates", "logs")

_BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ .*(?:\n> .*)*", re.MULTILINE)
_TERMINAL = {"TERM": "dumb", "COLUMNS": "120", "LINES": "40", "LC_ALL": "C.UTF-8"}


def blocks(text: str) -> list[str]:
    """Return the ``console`` blocks of a document, without their fences."""
    return _BLOCK.findall(text)


def printed_now(text: str) -> str:
    """Return the document as it would be if its blocks were copied from a terminal just now."""
    with tempfile.TemporaryDirectory() as folder:
        copy_sample(Path(folder) / "data")
        return _BLOCK.sub(lambda block: "".join(_shown(command, Path(folder)) for command in _commands(block[0])), text)


def copy_sample(workspace: Path) -> None:
    """Copy what of the sample workspace was written by hand, and nothing that the pipeline wrote into it."""
    workspace.mkdir()
    for name in SAMPLE:
        source = ROOT / "data" / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, workspace / name)


def _commands(block: str) -> list[str]:
    return [command.removeprefix("$ ").replace("\n> ", "\n") for command in _COMMAND.findall(block)]


def _shown(command: str, folder: Path) -> str:
    return "$ " + command.replace("\n", "\n> ") + "\n" + _printed(command, folder)


def _printed(command: str, folder: Path) -> str:
    controller, terminal = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TALLYBOOK_", "PYTEST_", "COV_"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with subprocess.Popen(
        ["bash", "-c", command],
        cwd=folder,
        env={**kept, **_TERMINAL, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(terminal)
        shown = _read_all(controller).replace("\r\n", "\n")
        errors = process.communicate()[1].decode()
    os.close(controller)
    return "".join(f"{line.rstrip()}\n" for line in (shown + errors).splitlines())


def _read_all(descriptor: int) -> str:
    parts: list[bytes] = []
    while True:
        try:
            part = os.read(descriptor, 65_536)
        except OSError:  # how Linux says that the other end of a terminal was closed
            part = b""
        if not part:
            return b"".join(parts).decode()
        parts.append(part)


if __name__ == "__main__":
    for document in DOCUMENTS:
        before = document.read_text(encoding="utf-8")
        after = printed_now(before)
        if after != before:
            document.write_text(after, encoding="utf-8")
            sys.stdout.write(f"{document.relative_to(ROOT)} changed\n")
