"""Let every test import the oracle, its random logs and the small workspaces by their plain names."""

from __future__ import annotations

import sys
from pathlib import Path

for folder in ("oracle", "support"):
    sys.path.insert(0, str(Path(__file__).parent / folder))
