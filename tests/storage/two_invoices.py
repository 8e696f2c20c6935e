"""Two accounts with a response each, whose month is drafted, and then issued."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workspaces import account, make_workspace, plain, tallybook, write_log

if TYPE_CHECKING:
    from pathlib import Path

ISSUE = ("invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-02")


def drafted_in(root: Path) -> Path:
    make_workspace(root, accounts=account("a", "key_a") + account("b", "key_b"))
    write_log(root, "l.jsonl", *(plain("2026-10-05T10:00:00Z", id=name, key=f"key_{name}") for name in "ab"))
    assert tallybook(root, "nightly", "--as-of", "2026-11-02").returncode == 0
    return root
