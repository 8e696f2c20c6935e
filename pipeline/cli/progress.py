"""Progress on stderr, only where a person watches it.

Does not own what is counted.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.cli.context import is_terminal
from pipeline.cli.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None] | None]:
    """Give a function of (source, bytes read, bytes in all) that draws rate and time left.

    None where nobody watches stderr.
    """
    if not is_terminal(sys.stderr):
        yield None
        return
    from rich.console import Console  # noqa: PLC0415  # only where a person watches
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)

        def draw(source: str, read: int, total: int) -> None:
            bar.update(task, description=visible(source)[-40:], completed=read, total=total)

        yield draw
