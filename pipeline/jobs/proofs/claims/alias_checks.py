"""The claim about rotations of the key secret: their entries are chained, and include the one that the lake names.

Does not own the secrets: the next night that meets a raw key refuses another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError, LogEntryRefused
from pipeline.configuration.keys.key_aliases import read_key_aliases
from pipeline.jobs.check import Check
from pipeline.jobs.key_ids import refuse_lost_aliases

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def alias_checks(root: Path, *, known_check: str | None) -> Iterator[Check]:
    """Say what is wrong with the aliases of a workspace; nothing where they are in order.

    ``known_check`` is what the lake remembers of the secret and of the last entry.
    """
    try:
        refuse_lost_aliases(root, read_key_aliases(root), known_check)
    except (ConfigurationError, LogEntryRefused) as refused:
        yield Check(name="key_aliases_are_unchanged", ok=False, detail=str(refused))
