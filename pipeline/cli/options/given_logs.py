"""A log that somebody names on the command line: a file, or the address of an object.

Owns what such a name may be. Does not own what the log is read as.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.configuration.stored.key_glob import is_stored
from pipeline.configuration.stored.stored_log import stored_log_at

if TYPE_CHECKING:
    from os import PathLike

    from pipeline.configuration.stored.stored_log import LogPath


class GivenLog(click.Path):
    """A file that is there, completed by shells as files are, or an object that is there."""

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False, path_type=Path)

    def convert(self, value: str | PathLike[str], param: click.Parameter | None, ctx: click.Context | None) -> LogPath:  # type: ignore[override]
        """Return the log of a name; a store is asked for the object. Raises what that raises."""
        if not isinstance(value, str) or not is_stored(value):
            return super().convert(value, param, ctx)  # type: ignore[return-value]
        log = stored_log_at(value)
        if log is None:
            self.fail(f"Object '{value}' does not exist.", param, ctx)
        return log
