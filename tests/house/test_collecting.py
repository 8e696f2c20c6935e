"""The tests are the same for all processes that share them: xdist refuses to run those that differ."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.long
def test_tests_have_the_same_names_whenever_and_by_whichever_process_they_are_collected() -> None:
    """A name may hold no instant, as gzip's beginning does, nor follow the order of a set."""
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-n", "0", "-m", "slow or not slow", "tests"]
    collecting = []
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        collecting.append(
            subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        )
        time.sleep(1.1)  # gzip writes seconds
    one, other = ([line for line in each.communicate()[0].splitlines() if b"::" in line] for each in collecting)
    assert len(one) > 1_000
    assert [pair for pair in zip(one, other, strict=False) if pair[0] != pair[1]][:3] == []
    assert len(one) == len(other)
