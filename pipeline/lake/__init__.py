"""The lake of usage events at rest: its Delta log, its data files, and the tables that are derived from it.

Owns the one way to commit events, which files count, and what an earlier run counted. Does not own reading logs
(``pipeline.collectors``), the columns (``pipeline.usage.events``) nor the disk (``pipeline.objects``).
Read first: ``commits``, then ``log.delta``; of logs that are read again, ``rereading``.
"""

from pipeline.lake.checked_files import check_present, verified_data_files, verified_files, verified_quarantine
from pipeline.lake.commits import commit, next_number, read_log, sweep_orphans
from pipeline.lake.log.snapshot import LakeSnapshot
from pipeline.lake.rereading import NewReading, Rereading

__all__ = [
    "LakeSnapshot",
    "NewReading",
    "Rereading",
    "check_present",
    "commit",
    "next_number",
    "read_log",
    "sweep_orphans",
    "verified_data_files",
    "verified_files",
    "verified_quarantine",
]
