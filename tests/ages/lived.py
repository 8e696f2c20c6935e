"""What the workspaces of earlier programs have in common.

The secret of their key ids, and the lines of a log that was deleted since.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from workspaces import plain, tallybook

if TYPE_CHECKING:
    from workspaces import Done

WORKSPACES = Path(__file__).parent / "golden"
AGES = tuple(sorted(path.name for path in WORKSPACES.iterdir() if path.is_dir()))
OLDEST = "first-register"
NEWEST = max((age for age in AGES if age.startswith("lake-")), key=lambda age: int(age.removeprefix("lake-")))
OF_EVERY_AGE = pytest.mark.parametrize(
    "books",
    [pytest.param(age, marks=() if age in (OLDEST, NEWEST) else pytest.mark.long) for age in AGES],
    indirect=True,
)
"""What runs several commands is done with the oldest and the newest workspace, and with the others beside it."""

RAW_KEY = "sk-" + "made-up-for-the-ages-0123456789"
"""In no workspace: the log that held it was deleted after it was read. Its key id is an account's."""
SECRET = "a secret of the golden workspaces, known to all"  # noqa: S105 - it guards nothing


def by_raw_key(ts: str, id: str, prompt: int, completion: int, *, key: str = RAW_KEY) -> str:
    """Return a line of a log that holds the raw key of an account."""
    line = plain(ts, id=id, prompt=prompt, completion=completion)
    return line.replace('"api_key_id": "key_a"', f'"api_key": "{key}"').replace("Hello.", "Hi.")


DELETED = tuple(
    by_raw_key(ts, name, prompt, completion).replace('"status"', f'"request_id": "req-{name}", "status"')
    for ts, name, prompt, completion in (
        ("2026-03-10T18:00:00Z", "r1", 150_000, 1_500),
        ("2026-03-10T18:10:00Z", "r2", 250_000, 2_500),
    )
)
"""The lines of the log that was deleted, as a gateway would send them again."""


def run(workspace: Path, *arguments: str) -> Done:
    """Run a command of today's program in one of these workspaces."""
    return tallybook(workspace, *arguments, env={"TALLYBOOK_KEY_SECRET": SECRET})
