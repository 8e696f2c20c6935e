"""Let the tests of storage import their builders and the faulty disk by plain names."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
