"""One life of a workspace, step by step, and the facts that must be there after each."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
from workspaces import append_log, fingerprints, make_workspace, plain, tallybook, write_log

from pipeline import lake, register
from pipeline.configuration.keys.key_aliases import read_key_aliases
from pipeline.objects import layout

if TYPE_CHECKING:
    from pathlib import Path

    from workspaces import Done


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A command of the life.

    ``logged`` is what the gateway wrote before it; ``repeatable``, whether run again it adds nothing.
    """

    name: str
    arguments: tuple[str, ...]
    logged: tuple[str, ...] = ()
    repeatable: bool = True


LIFE = (
    Step(name="collect", arguments=("collect",)),
    Step(name="nightly", arguments=("nightly", "--as-of", "2026-10-02")),
    Step(
        name="again",
        arguments=("nightly", "--as-of", "2026-11-02"),
        logged=(plain("2026-10-05T10:00:00Z", id="oct-5"), plain("2026-09-30T10:00:00Z", id="sep-30"), "no JSON"),
    ),
    Step(name="issue", arguments=("invoice", "issue", "--period", "2026-09", "--as-of", "2026-11-02")),
    Step(name="void", arguments=("invoice", "void", "INV-000001", "--yes", "--as-of", "2026-11-02"), repeatable=False),
    Step(name="issue once more", arguments=("invoice", "issue", "--period", "2026-09", "--as-of", "2026-11-03")),
    Step(name="rotate", arguments=("keys", "rotate", "--as-of", "2026-11-03T12:00:00Z"), repeatable=False),
    Step(
        name="forget",
        arguments=("forget", "--before", "2026-10-01", "--with-uninvoiced", "--yes", "--as-of", "2026-11-04"),
    ),
)
NIGHT = ("nightly", "--as-of", "2026-11-05")
"""The night after the life: it finishes what was begun, and writes anew what is derived."""


def with_raw_key(ts: str, id: str) -> str:
    """Return a line of a gateway that logs raw keys."""
    return plain(ts, id=id).replace('"api_key_id": "key_a"', f'"api_key": "sk-{"made-up-":032}"')


def begin(root: Path) -> Path:
    """Make the workspace, with the logs of its first days."""
    make_workspace(root)
    lines = (plain("2026-09-28T10:00:00Z", id="sep-28"), plain("2026-09-29T10:00:00Z", id="sep-29"), "no JSON either")
    write_log(
        root, "a.jsonl", *lines, plain("2026-09-29T10:00:00Z", id="sep-29"), with_raw_key("2026-09-28T10:00:00Z", "raw")
    )
    return root


def prepare(root: Path, step: Step) -> None:
    """Log what the gateway wrote before the step."""
    if step.logged:
        append_log(root, "a.jsonl", *step.logged)


def run(root: Path, arguments: tuple[str, ...]) -> Done:
    """Run one command in this process."""
    return tallybook(root, *arguments)


def facts(root: Path) -> Counter[str]:
    """Return every fact that counts, and how often it is there: events, documents, rotations, forgettings.

    Raise what the readers raise where a file is damaged.
    """
    found: Counter[str] = Counter()
    lake_dir = layout.lake(root)
    snapshot = lake.read_log(lake_dir)
    for path in lake.verified_files(lake_dir, snapshot):
        found.update(f"event of line {line}" for line in pq.ParquetFile(path).read(["line"])["line"].to_pylist())
    lake.verified_quarantine(lake_dir, snapshot)
    found.update("forgetting" for _ in snapshot.forgettings)
    for document in register.read(root):
        found[f"document {json.dumps(document, sort_keys=True, default=str)}"] += 1
    if layout.key_aliases(root).exists():
        read_key_aliases(root)
        found["rotation"] = len(list(layout.key_aliases(root).glob("*.json")))
    return +found


def kept(root: Path) -> dict[str, str]:
    """Return the digest of every file that is to be the same whatever was repaired: not of spilled work."""
    return {name: digest for name, digest in fingerprints(root).items() if not name.startswith("lake/.spill")}
