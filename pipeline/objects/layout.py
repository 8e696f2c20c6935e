"""Where things lie under a workspace, relative to it or to its ``lake`` folder.

Owns paths and the form of their names. Does not own what the files hold.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DATA_FILE_NAME = re.compile(r"[0-9a-f]{64}\.parquet")
"""A data file is named by the sha256 of its bytes."""

RECEIVED_FOLDER = "received"
ACKNOWLEDGED_FILE = "acknowledged.jsonl"
CONFIGURATION_FOLDERS = ("rates", "exchange")
"""Of what people write, or import."""
BUDGETS_FILE = "budgets.toml"
"""Beside ``tallybook.toml``."""

PARTITION_NAME = re.compile(r"date=([0-9]{4}-[0-9]{2}-[0-9]{2})")
"""A folder of the usage events of one UTC date."""


def is_data_path(path: str, *, is_of_events: bool) -> bool:
    """Say whether a path is one of a data file: within the table of events, else within the quarantine."""
    folder, _, name = path.rpartition("/")
    is_folder = PARTITION_NAME.fullmatch(folder) is not None if is_of_events else not folder
    return is_folder and DATA_FILE_NAME.fullmatch(name) is not None


ENTRY_NAME = re.compile(r"[0-9]{20}\.json", re.ASCII)
"""An entry of a log that only grows."""

_ON_A_STORE = tuple(
    re.compile(each, re.ASCII)
    for each in (
        # Entries: made once, by a conditional create.
        rf"lake/usage_events/_delta_log/{ENTRY_NAME.pattern}",
        rf"(invoices/(register|payments|signatures)|key-aliases)/{ENTRY_NAME.pattern}",
        # Files by a digest: never replaced.
        rf"lake/(usage_events/{PARTITION_NAME.pattern}|quarantine|forgotten)/{DATA_FILE_NAME.pattern}",
        r"invoices/configurations/[0-9a-f]{64}\.json",
        # Replaced, where they are what they were known to be.
        r"invoices/lost_commits\.json",
    )
)


def is_kept_on_store(path: str) -> bool:
    """Say whether the truth of a file below a workspace is on the store, where there is one.

    What is derived from such files is published there too, and made anew where it is lost: derived tables, checkpoints.
    All else is of this machine: locks, what nights counted and told, drafts and documents, logs that were received.
    """
    return any(each.fullmatch(path) for each in _ON_A_STORE)


def entry_name(number: int) -> str:
    """Return the name of an entry of a log that only grows."""
    return f"{number:020d}.json"


def lake(workspace: Path) -> Path:
    """Return the folder of everything the pipeline writes but invoices: never written by hand, ignored by git."""
    return workspace / "lake"


def usage_events(lake_dir: Path) -> Path:
    """Return the root of the Delta table of usage events."""
    return lake_dir / "usage_events"


def delta_log(lake_dir: Path) -> Path:
    """Return the folder of the commits: ``<20 digits>.json``, from 0."""
    return usage_events(lake_dir) / "_delta_log"


def quarantine(lake_dir: Path) -> Path:
    """Return the folder of quarantined lines, ``<sha256>.parquet``; which of them count is said by the commits."""
    return lake_dir / "quarantine"


def forgotten(lake_dir: Path) -> Path:
    """Return the folder of what is kept of forgotten events, ``<sha256>.parquet``: counts, and identities."""
    return lake_dir / "forgotten"


def lock(lake_dir: Path) -> Path:
    """Return the lock file of the whole workspace, naming its holder."""
    return lake_dir / ".lock"


def received(workspace: Path) -> Path:
    """Return the folder of the logs that came by standard input: ``<source>/<sha256>.log``."""
    return workspace / RECEIVED_FOLDER


def invoices(workspace: Path) -> Path:
    """Return the folder of drafts, invoices and all that is kept of what was issued."""
    return workspace / "invoices"


def register(workspace: Path) -> Path:
    """Return the folder of the issued invoices: ``<20 digits>.json``, from 1; the number is the invoice's."""
    return workspace / "invoices" / "register"


def payments(workspace: Path) -> Path:
    """Return the folder of the recorded payments: ``<20 digits>.json``, from 1."""
    return workspace / "invoices" / "payments"


def signatures(workspace: Path) -> Path:
    """Return the folder of the signatures over what was issued: ``<20 digits>.json``, from 1."""
    return workspace / "invoices" / "signatures"


def configurations(workspace: Path) -> Path:
    """Return the folder of the configurations that invoices were issued with.

    ``<sha256>.json``, named by the invoices' documents.
    """
    return workspace / "invoices" / "configurations"


def key_aliases(workspace: Path) -> Path:
    """Return the folder of what rotations of the key secret say: ``<20 digits>.json``, from 1."""
    return workspace / "key-aliases"


def written_folders(workspace: Path) -> tuple[Path, ...]:
    """Return the folders that are written to, and not all below them: periods and invoices have theirs by the thousand.

    What is written below ``invoices`` lies there until it is whole.
    """
    of_invoices = (register, payments, signatures, configurations)
    return (
        workspace,
        *(workspace / name for name in CONFIGURATION_FOLDERS),
        key_aliases(workspace),
        invoices(workspace),
        *(of_workspace(workspace) for of_workspace in of_invoices),
    )


def written_wholly(workspace: Path) -> tuple[Path, ...]:
    """Return the folders that are written to with all below them."""
    return lake(workspace), received(workspace)


def lost_commits(workspace: Path) -> Path:
    """Return the file of the commits that are lost for good, and known to be."""
    return workspace / "invoices" / "lost_commits.json"
