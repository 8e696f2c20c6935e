"""What stands for the program where a night asks whether what an earlier one kept is still what it would make.

Does not own what is kept (``pipeline.jobs.state``).
"""

from __future__ import annotations

import hashlib
import json
import sys

import pyarrow as pa
import tzdata

from pipeline import __version__
from pipeline.warehouse.connection import engine
from pipeline.warehouse.relations import sql_digest

FORMAT = 1
"""Of what is kept, and of what is said in code about how it is made; a change of either is a new number."""


def program_parts() -> list[object]:
    """Return the versions of all that has a say in what is counted: ours, the SQL, the engine, the zones, Arrow."""
    return [FORMAT, __version__, sql_digest(), engine(), tzdata.__version__, pa.__version__, sys.byteorder]


def digest_of(value: object) -> str:
    """Return the sha256 (hex) of a value as JSON, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
