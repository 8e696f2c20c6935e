"""Let these tests import the faulty disk, and one another's lines, by plain names."""

from __future__ import annotations

import sys
from pathlib import Path

for folder in (Path(__file__).parent, Path(__file__).parent.parent / "storage"):
    sys.path.insert(0, str(folder))
