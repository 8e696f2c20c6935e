"""Let the tests of ages import what the workspaces have in common and the faulty disk by plain names."""

from __future__ import annotations

import sys
from pathlib import Path

for folder in (".", "../storage"):
    sys.path.insert(0, str(Path(__file__).parent / folder))
