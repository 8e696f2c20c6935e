"""Let these tests import the faulty disk, and what lies in files to the last byte, by plain names."""

from __future__ import annotations

import sys
from pathlib import Path

for name in ("storage", "forgetting"):
    sys.path.insert(0, str(Path(__file__).parent.parent / name))
