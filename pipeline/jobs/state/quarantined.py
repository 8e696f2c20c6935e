"""What stands in the quarantine, whose lines these are, and how many tokens they state: on no bill, and not hidden.

Owns how its files are read together, those of before among them, and the sums by key. Does not own why a line is there
(``pipeline.usage.QuarantineReason``) nor what is told of it (``pipeline.collectors.refused``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.jobs.wording import UNASSIGNED, counted
from pipeline.lake.checked_files import verified_quarantine
from pipeline.objects.encoded.parquet_bytes import path_of, read_rows
from pipeline.tables import schemas

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyarrow.compute as pc

    from pipeline.configuration.workspace import Workspace
    from pipeline.lake.log.snapshot import LakeSnapshot

_TOKENS = ("prompt_tokens", "completion_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedUsage:
    """The quarantined lines of one key."""

    api_key_id: str | None
    """``None`` for lines whose key cannot be read."""
    account_id: str
    """Empty where the key belongs to no account now."""
    lines: int
    prompt_tokens: int
    completion_tokens: int
    """What these lines state, as far as it can be read."""

    @property
    def tells(self) -> bool:
        """Whether there is anything to say of these lines but their number."""
        return self.api_key_id is not None or bool(self.prompt_tokens or self.completion_tokens)


def quarantined_lines(
    lake_dir: Path,
    snapshot: LakeSnapshot,
    *,
    columns: Sequence[str] | None = None,
    filters: pc.Expression | None = None,
) -> pa.Table:
    """Return rows of ``schemas.QUARANTINE``; what a file of before lacks is null. Raises ``DataFileDamaged``."""
    empty = schemas.QUARANTINE.empty_table()
    names = columns or empty.column_names
    tables = [empty.select(names)]
    for file in verified_quarantine(lake_dir, snapshot):
        held = set(pq.read_schema(path_of(file)).names)
        tables.append(read_rows(file, [name for name in names if name in held], filters=filters))
    return pa.concat_tables(tables, promote_options="default")


def tokens_stated(row: Mapping[str, Any]) -> int | None:
    """Return the tokens that a row states, ``None`` where it states none."""
    stated = [row[name] for name in _TOKENS if row[name] is not None]
    return sum(stated) if stated else None


def quarantined_usage(workspace: Workspace, snapshot: LakeSnapshot) -> tuple[QuarantinedUsage, ...]:
    """Return what the quarantine holds, key by key, lines of no key last. Raises ``DataFileDamaged``."""
    lines = quarantined_lines(workspace.lake, snapshot, columns=("api_key_id", *_TOKENS))
    sums = lines.group_by("api_key_id", use_threads=False).aggregate(
        [([], "count_all"), *((name, "sum") for name in _TOKENS)]
    )
    return tuple(
        QuarantinedUsage(
            api_key_id=row["api_key_id"],
            account_id=workspace.accounts.owner_of(row["api_key_id"] or "", workspace.now),
            lines=row["count_all"],
            prompt_tokens=row["prompt_tokens_sum"] or 0,
            completion_tokens=row["completion_tokens_sum"] or 0,
        )
        for row in sums.sort_by("api_key_id").to_pylist()
    )


def quarantined_text(usage: QuarantinedUsage) -> str:
    """Say how many lines of a key are quarantined, whose it is, and how many tokens they state."""
    of = (
        "whose key cannot be read"
        if usage.api_key_id is None
        else f"of key {usage.api_key_id} ({usage.account_id or UNASSIGNED})"
    )
    return (
        f"{counted(usage.lines, 'quarantined line')} {of}: {usage.prompt_tokens} prompt and {usage.completion_tokens} "
        "completion tokens stated, on no bill"
    )
