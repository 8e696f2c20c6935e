"""Starting is quick: a command that reads no data imports no engine."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from workspaces import tallybook

from pipeline.cli import main

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = [
    *("pandas", "pyarrow", "duckdb", "numpy", "numpy.ma", "rich", "wasmtime", "jinja2", "babel", "lxml", "typst"),
    "pydoc",  # which comes with what parses docstrings
]
READING = [f"pipeline.collectors.{name}" for name in ("decode", "families", "bodies", "kernel", "wrappers", "segment")]
FORMATS = [
    *("pipeline.collectors.formats.spans.otel", "pipeline.collectors.formats.tools.litellm"),
    "pipeline.collectors.batch_files",
]
REPORT = f"""
import json, resource, sys
from pipeline.base.lean_imports import UNUSED
from pipeline.base.start import start_quickly
start_quickly()
from pipeline.cli import run
code = run(sys.argv[1:])
spent = resource.getrusage(resource.RUSAGE_SELF)
heavy = [name for name in ({HEAVY + READING + FORMATS!r} + sorted(UNUSED)) if name in sys.modules]
print(json.dumps([code, heavy, spent.ru_utime + spent.ru_stime]), file=sys.stderr)
"""
CPU_SECONDS_MAX = 0.3


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_is_quick_and_imports_neither_pandas_nor_pyarrow(argument: str) -> None:
    # The least of three, since another process on the machine can only slow one down.
    runs = [started(argument) for _ in range(3)]
    assert {code for code, _, _ in runs} == {0}
    assert [heavy for _, heavy, _ in runs] == [[], [], []]
    assert min(seconds for _, _, seconds in runs) < CPU_SECONDS_MAX


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample, its night done."""
    root = tmp_path_factory.mktemp("started") / "books"
    assert tallybook(root, "init").returncode == 0
    assert tallybook(root, "nightly").returncode == 0
    return root


@pytest.mark.parametrize("command", ["init", "rates check"])
def test_a_command_that_reads_no_data_imports_no_engine(books: Path, tmp_path: Path, command: str) -> None:
    code, heavy, _ = started("-w", str(tmp_path / "new" if command == "init" else books), *command.split())
    assert (code, heavy) == (0, [])


@pytest.mark.long
@pytest.mark.parametrize("command", ["nightly", "collect", "usage"])
def test_a_command_for_which_nothing_is_to_be_counted_imports_no_duckdb(books: Path, command: str) -> None:
    """Nor what reads new lines; pandas and the clients of remote file systems no command imports."""
    code, heavy, _ = started("-w", str(books), command)
    assert (code, heavy) == (0, ["pyarrow", "numpy"])


@pytest.mark.long
def test_a_night_that_reads_and_counts_imports_what_does_it_and_nothing_else(tmp_path: Path) -> None:
    assert tallybook(tmp_path / "books", "init").returncode == 0
    code, heavy, _ = started("-w", str(tmp_path / "books"), "nightly")
    formats = FORMATS[:2]  # whether a log has lines of another format too is asked of all of them
    assert (code, heavy) == (0, ["pyarrow", "duckdb", "numpy", "wasmtime", *READING, *formats])


@pytest.mark.long
def test_commands_let_arrow_ask_the_system_for_memory_unless_somebody_says_otherwise() -> None:
    code = (
        "from pipeline.base.lean_imports import keep_imports_lean; keep_imports_lean();"
        "import pyarrow; print(pyarrow.default_memory_pool().backend_name)"
    )
    usual = {name: value for name, value in os.environ.items() if name != "ARROW_DEFAULT_MEMORY_POOL"}
    for said, expected in (({}, "system"), ({"ARROW_DEFAULT_MEMORY_POOL": "mimalloc"}, "mimalloc")):
        found = subprocess.run(
            [sys.executable, "-c", code], env=usual | said, capture_output=True, text=True, check=True
        )
        assert found.stdout.strip() == expected


@pytest.mark.long
def test_numpy_works_without_docstrings() -> None:
    code = (
        "from pipeline.base.start import start_quickly; start_quickly(); import numpy;"
        "print(numpy.ndarray.__doc__, numpy.arange(4).reshape(2, 2).sum(axis=0).tolist(), numpy.float64(0.5))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "None [2, 4] 0.5\n"


@pytest.mark.long
def test_types_of_numpy_are_loaded_by_who_asks_for_them() -> None:
    def printed(*, quickly: bool) -> list[str]:
        """Return what types are, whether something else is one, and whether who asks again is given the same."""
        started = "from pipeline.base.start import start_quickly; start_quickly(); " if quickly else ""
        code = (
            f"{started}import numpy, sys;"
            "print('numpy._typing._array_like' in sys.modules, numpy.linalg.eigh([[2.0]]).eigenvalues);"
            "import numpy.typing; print(numpy.typing.NDArray[numpy.int64], hasattr(numpy._typing, '_nothing'));"
            "import numpy._typing as again; print(again.ArrayLike is numpy.typing.ArrayLike)"
        )
        found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        return found.stdout.splitlines()

    usual, quick = printed(quickly=False), printed(quickly=True)
    assert (usual[0], quick[0]) == ("True [2.]", "False [2.]")
    assert quick[1:] == usual[1:]
    assert quick[1].endswith(" False")
    assert quick[2] == "True"


def test_garbage_is_looked_for_seldom_while_a_command_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    before, seen = gc.get_threshold(), []
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr("pipeline.base.start.keep_imports_lean", lambda: None)
    monkeypatch.setattr("pipeline.cli._leave_no_core", lambda: None)
    monkeypatch.setattr("pipeline.cli.run", lambda _: seen.append(gc.get_threshold()[0]) or 0)
    monkeypatch.setattr("pipeline.cli.os._exit", seen.append)
    try:
        main([])
    finally:
        gc.set_threshold(*before)
    assert seen == [300_000, 0]


def started(*arguments: str) -> tuple[int, list[str], float]:
    done = subprocess.run(
        [sys.executable, "-c", REPORT, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    code, heavy, seconds = json.loads(done.stderr.splitlines()[-1])
    return code, heavy, seconds
