"""The engine that a workspace counts with. Does not own what engines can do (``pipeline.warehouse.engines``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.configuration.settings import EngineKind
from pipeline.objects.temporary.spill import spill_folder
from pipeline.warehouse.engines.on_duckdb import OnDuckDb

if TYPE_CHECKING:
    from pipeline.configuration.workspace import Workspace
    from pipeline.warehouse.engines.engine import Engine


def engine_of(workspace: Workspace) -> Engine:
    """Return what counts the events of a workspace."""
    if workspace.engine.kind is EngineKind.SPARK:
        from pipeline.warehouse.engines.on_spark import OnSpark  # noqa: PLC0415  # few use it

        return OnSpark(remote=workspace.engine.remote, lake=workspace.lake, lake_there=workspace.engine.lake)
    return OnDuckDb(lake=workspace.lake, spill=spill_folder(workspace.lake))
