"""Answers a query in SQL over the relations that anyone may query, and nothing else.

Does not own what a query may say and do (``pipeline.warehouse.queries``) nor how rows are printed.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.jobs.answers.queried.columns import VIEWS
from pipeline.jobs.answers.queried.relations import relations
from pipeline.objects.temporary.spill import spill_folder
from pipeline.warehouse.queries import asked, relations_read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.configuration.workspace import Workspace
    from pipeline.warehouse.queries import Answer


@contextmanager
def queried(workspace: Workspace, sql: str) -> Iterator[Answer]:
    """Return the rows of one SELECT, batch by batch. Only the relations that it reads are looked up.

    Raises ``ConfigurationError`` for anything but one SELECT of ``columns.VIEWS``, and for one that cannot be answered.
    """
    names = relations_read(sql, VIEWS)
    tables = relations(workspace, sorted(names))
    spill = spill_folder(workspace.lake) if workspace.lake.is_dir() else None
    with asked(sql, tables, spill=spill) as rows:
        yield rows
