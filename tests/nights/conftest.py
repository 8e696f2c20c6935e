"""Let these tests import the faulty disk of the storage tests by its plain name."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "storage"))
