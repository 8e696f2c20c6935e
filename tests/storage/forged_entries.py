"""Entries of the lake's log as a forger or another program would write them who knows of the seal: the seal fits."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeline import lake
from pipeline.lake.commits import next_number
from pipeline.lake.log import delta
from pipeline.lake.log.commit import Commit
from pipeline.objects import append_log, layout

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HEX = "0a" * 32

Actions = list[dict[str, Any]]


def rewrite(entry: Path, change: Callable[[Actions], object]) -> None:
    """Change an entry, and seal it again."""
    actions = [json.loads(line) for line in entry.read_text().splitlines()]
    actions[0]["commitInfo"]["sealSha256"] = append_log.UNSEALED
    change(actions)
    entry.write_bytes(
        append_log.seal("".join(json.dumps(action, separators=(",", ":")) + "\n" for action in actions).encode())
    )


def body(actions: Actions, kind: str) -> dict[str, Any]:
    """Return what the first action of a kind says."""
    found: dict[str, Any] = next(action[kind] for action in actions if kind in action)
    return found


def stated(lake_dir: Path, **more: Any) -> None:
    """Append an entry of our own that could not come about, sealed and chained as any."""
    snapshot = lake.read_log(lake_dir)
    layout.delta_log(lake_dir).mkdir(parents=True, exist_ok=True)
    new = Commit(
        number=next_number(snapshot),
        committed_at=NOON,
        previous_sha256=snapshot.entry_sha256,
        key_secret_check=None,
        **{"data_files": (), "quarantine_files": (), "sources": ()} | more,
    )
    append_log.append_entry(layout.delta_log(lake_dir), new.number, delta.render_commit(new))
