"""A server that speaks Spark Connect, for as long as the tests of a process run."""

from __future__ import annotations

import sys
from pathlib import Path

from servers import sail

__all__ = ["sail"]

sys.path.insert(0, str(Path(__file__).parent))
