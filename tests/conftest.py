"""Let every test import the oracle, its random logs, small workspaces and stored lines by their plain names."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import settings

for folder in ("oracle", "support", "golden/readings"):
    sys.path.insert(0, str(Path(__file__).parent / folder))

settings.register_profile("tallybook", deadline=None)  # how long an example takes says nothing on a busy machine
settings.load_profile("tallybook")
