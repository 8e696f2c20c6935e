"""Starting is quick: a command that reads no data imports no engine."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = ["pandas", "pyarrow", "duckdb", "numpy", "rich"]
REPORT = f"""
import json, resource, sys
from pipeline.cli import run
code = run(sys.argv[1:])
spent = resource.getrusage(resource.RUSAGE_SELF)
heavy = [name for name in {HEAVY!r} if name in sys.modules]
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


def started(*arguments: str) -> tuple[int, list[str], float]:
    done = subprocess.run(
        [sys.executable, "-c", REPORT, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    code, heavy, seconds = json.loads(done.stderr.splitlines()[-1])
    return code, heavy, seconds


def test_a_command_that_reads_tables_imports_no_pandas_though_it_is_installed(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    command = [sys.executable, "-X", "importtime", "-m", "pipeline.cli", "-w", str(tmp_path / "books")]
    subprocess.run([*command, "init"], capture_output=True, check=True, timeout=60)
    done = subprocess.run([*command, "nightly"], capture_output=True, text=True, check=True, timeout=60)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "pyarrow.lib" in imported
    assert [name for name in imported if name.startswith("pandas.")] == []  # the attempt alone is listed as "pandas"
