"""Let the harness import the faulty disk, the small workspaces and its own modules by plain names."""

from __future__ import annotations

import sys
from pathlib import Path

_here = Path(__file__).parent
for folder in (_here, _here / "kinds", _here.parent / "storage"):
    sys.path.insert(0, str(folder))
