"""Faults at every step of a life: ``python -m benchmarks.faults`` prints what was tried and what came of it.

::

    lives      one life of a workspace, step by step, and the facts that must be there after each
    deaths     the process dies at calls to the disk: before, half way, after; and once more while it is run again
    damage     every class of file is flipped, cut short and deleted
    tally      what a kind printed: counts, and what makes it fail

Owns the walk over the faults. Does not own the faulty disk (``tests/storage/faulty_os``), nor the small workspaces
(``tests/support``).
"""

import sys
from pathlib import Path

for _folder in ("support", "storage"):
    sys.path.append(str(Path(__file__).parents[2] / "tests" / _folder))
