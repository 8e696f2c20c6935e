"""Commits of the lake that are lost for good, and that somebody has said to know of.

``invoices/lost_commits.json`` names them by the sha256 of their entries. It lies beside the invoices that were issued
from them, not in the lake, which may be replaced as a whole.

Does not own what is lost (``pipeline.jobs.state.history`` compares), nor what follows from it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipeline.base.errors import HistoryLost
from pipeline.base.periods import instant_text
from pipeline.objects import disk, layout
from pipeline.objects.encoded.formats import check_format
from pipeline.objects.encoded.strict_json import checked_fields, parse_object
from pipeline.objects.mounted.files import refresh, replace_on_store, state_on_store

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

FORMAT = "tallybook-lost-commits/1"


def read_lost_commits(workspace: Path) -> dict[str, str]:
    """Return the sha256 of each commit that is known to be lost, with the instant at which that was said.

    Raises ``HistoryLost`` where the file is damaged, ``FormatIsNewer`` where a newer version of Tallybook wrote it.
    """
    path = layout.lost_commits(workspace)
    refresh(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    try:
        document = parse_object(content)
        check_format(document, FORMAT, str(path))
        stated = checked_fields(document, "the file", format=str, commits=dict)
        commits: dict[str, str] = checked_fields(stated["commits"], "the list", **dict.fromkeys(stated["commits"], str))
    except ValueError as wrong:
        message = f"{path} is damaged: {wrong}; restore it from a backup"
        raise HistoryLost(message) from wrong
    return commits


def add_lost_commits(workspace: Path, new: Iterable[str], *, now: datetime) -> None:
    """Say, durably, that more commits are lost for good. Only for the holder of the workspace's lock."""
    path = layout.lost_commits(workspace)
    before = state_on_store(path)
    commits = {**dict.fromkeys(new, instant_text(now)), **read_lost_commits(workspace)}
    content = json.dumps({"format": FORMAT, "commits": commits}, sort_keys=True, indent=1) + "\n"
    replace_on_store(path, content.encode(), before)
    disk.make_folders(workspace, path.parent)
    disk.replace_durably(path, content.encode())
