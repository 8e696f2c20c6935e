from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.inputs.generate import write_log
from benchmarks.inputs.lines import Recipe


@pytest.mark.long
def test_the_steps_of_reading_add_up_to_all_of_it(tmp_path: Path) -> None:
    lines = write_log(tmp_path / "app.jsonl", Recipe(kind="streams", seed=1), 2_000_000)
    command = [
        sys.executable,
        "-m",
        "benchmarks.steps",
        str(tmp_path / "app.jsonl"),
        "--rounds",
        "2",
    ]  # of its own: it watches functions of the package
    said = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, check=True, text=True).stdout
    total = re.search(rf"^\| all of {lines} lines \| ([0-9.]+) \| \|$", said, re.MULTILINE)
    steps = [float(found) for found in re.findall(r"^\| [a-zU].* \| ([0-9.]+) \| [0-9]+% \|$", said, re.MULTILINE)]
    assert total is not None
    assert len(steps) > 8
    assert 0.9 * float(total[1]) <= sum(steps) <= 1.01 * float(total[1])
