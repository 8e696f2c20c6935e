"""What workers wrote, looked at before an entry names it: every file is read whole by this machine.

What a reader of the lake would find out later is found out before anything is committed: a file that is not there, or
not what a worker said. Where the lake is on a store, the copy that readers of this machine need is made by that, so
nothing is fetched twice.

Owns what of a file is compared with what was said of it, and that it can be removed again. Does not own its rows
(``segments_there``).
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from pipeline.base.errors import DataFileDamaged, EngineRefused
from pipeline.objects import layout
from pipeline.objects.encoded import parquet_bytes
from pipeline.objects.mounted.files import fetch_by_digest
from pipeline.objects.verified import verified_file
from pipeline.tables.schemas import QUARANTINE, USAGE_EVENTS

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from pipeline.lake.data_files import WrittenFiles
    from pipeline.lake.log.commit import DataFile, QuarantineFile

_ADVICE = "a worker said that it wrote it"


def take_in(lake_dir: Path, files: WrittenFiles, number_max: int) -> None:
    """Read files whole, and compare them with what was said of them.

    Raises ``DataFileDamaged`` for a file that is missing, has another digest, size, count of rows, schema, date or
    commit than a worker said; ``EngineRefused`` for one in a folder that this machine may not write into;
    ``StoreRefused`` where the store cannot be asked.
    """
    for file in files.data_files:
        path = _whole(layout.usage_events(lake_dir), file)
        _check_stated(path, file, USAGE_EVENTS, number_max)
        begins_at = datetime.combine(file.date, time.min, UTC)
        try:
            first, last = parquet_bytes.range_of(path, "occurred_at")
        except ValueError as lacking:
            message = f"data file {lacking}; {_ADVICE}"
            raise DataFileDamaged(message) from None
        if not begins_at <= first <= last < begins_at + timedelta(days=1):
            message = f"data file {path} has events from {first} to {last}; {_ADVICE} for {file.date}"
            raise DataFileDamaged(message)
    for lines in files.quarantine_files:
        _check_stated(_whole(layout.quarantine(lake_dir), lines), lines, QUARANTINE, number_max)


def _whole(folder: Path, file: DataFile | QuarantineFile) -> Path:
    """Return where a file lies that has the digest of its name, and the size that was said."""
    path = folder / file.path
    if path.name != f"{file.sha256}.parquet":
        message = f"data file {path} is named by another digest than {file.sha256}; {_ADVICE}"
        raise DataFileDamaged(message)
    if not fetch_by_digest(path, sha256=file.sha256):
        verified = verified_file(path, sha256=file.sha256, size=file.size, advice=_ADVICE)
        _refuse_folder_of_others(path.parent)
        return verified
    if path.stat().st_size != file.size:
        message = f"data file {path} has {path.stat().st_size} bytes, and not {file.size}; {_ADVICE}"
        raise DataFileDamaged(message)
    return path


def _refuse_folder_of_others(folder: Path) -> None:
    """Raise ``EngineRefused`` for a folder that a worker made, and in which this machine can remove nothing.

    What is to be forgotten, swept or compacted there later could not be.
    """
    if not os.access(folder, os.W_OK | os.X_OK):
        message = (
            f"a worker made {folder}, and this machine may not write there; nothing of this was collected: let the "
            "workers run as the user of this machine, by its number, and give it the folders that they made"
        )
        raise EngineRefused(message)


def _check_stated(path: Path, file: DataFile | QuarantineFile, schema: pa.Schema, number_max: int) -> None:
    stated = parquet_bytes.described(path)
    number = stated.notes.get(parquet_bytes.COMMIT_NOTE)
    if (stated.rows, number) != (file.rows, str(number_max)):
        message = (
            f"data file {path} has {stated.rows} rows for commit {number}, and not {file.rows} for commit "
            f"{number_max}; {_ADVICE}"
        )
        raise DataFileDamaged(message)
    if not stated.schema.equals(schema):
        message = f"data file {path} has the columns {stated.schema.names}, which are not ours; {_ADVICE}"
        raise DataFileDamaged(message)
