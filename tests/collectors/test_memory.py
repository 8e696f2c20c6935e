"""What is freed is used again: fresh pages are dear."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

_FAULTS = """
import resource
import numpy as np
from pipeline.collectors.logs.memory import keep_freed_memory
keep_freed_memory()
for rounds in (2, 20):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(rounds):
        blocks = [np.full(megabytes << 20, 1, np.uint8) for megabytes in (2, 1, 3, 2)]
        del blocks
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator")
def test_blocks_that_are_freed_are_not_asked_for_again_page_by_page() -> None:
    kept = subprocess.run([sys.executable, "-c", _FAULTS], capture_output=True, check=True, text=True).stdout
    assert int(kept) < 400, "of the forty thousand pages that were written"
