"""Tables read from bytes leave no thread behind that could outlive the interpreter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_THREADS = Path("/proc/self/task")


@pytest.mark.skipif(not _THREADS.is_dir(), reason="this system does not list the threads of a process")
@pytest.mark.parametrize("form", ["parquet_bytes", pytest.param("arrow_bytes", marks=pytest.mark.long)])
def test_no_thread_is_begun_to_read_a_table(form: str) -> None:
    program = (
        "import os, pyarrow as pa\n"
        f"from pipeline.objects.encoded import {form} as form\n"
        "content = form.encode(pa.table({name: [str(number) for number in range(50_000)] for name in 'abcdef'}))\n"
        "before = len(os.listdir('/proc/self/task'))\n"
        "assert form.decode(content).num_rows == 50_000\n"
        "assert len(os.listdir('/proc/self/task')) == before\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
