"""Let every test import the oracle, its random logs, small workspaces and stored lines by their plain names.

Owns what every test runs under as well: no deadlines, no waiting for a disk, nothing traversed that never goes.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

from hypothesis import settings

for folder in ("oracle", "support", "golden/readings"):
    sys.path.insert(0, str(Path(__file__).parent / folder))

settings.register_profile("tallybook", deadline=None)  # how long an example takes says nothing on a busy machine
settings.load_profile("tallybook")


def _not_waited_for(descriptor: int) -> None:
    """Refuse a descriptor that is none, as fsync does.

    What it waits for can be seen after a power cut alone, which tests make up (``storage/faulty_os.py``); waiting took
    a seventh of the time of all tests. Processes that tests start wait as ever.
    """
    os.fstat(descriptor)


os.fsync = _not_waited_for


def pytest_collection_finish() -> None:
    """Keep the collector of garbage from traversing thousands of tests, which stay to the end, again and again."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Let what was kept go, as extensions ask for that count what is left."""
    gc.unfreeze()
