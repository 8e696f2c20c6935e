"""Progress on stderr: drawn where a person watches it, told now and then where messages are JSON, else none.

Does not own what is counted.
"""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.cli.context import is_terminal
from pipeline.cli.messages.lines import Level, is_json, write_object
from pipeline.cli.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SECONDS_BETWEEN = 10


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None] | None]:
    """Give a function of (source, bytes read, bytes in all) that draws rate and time left.

    Where messages are JSON, it writes one in ten seconds. None where nobody watches stderr.
    """
    if is_json():
        yield _told_now_and_then()
        return
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


def _told_now_and_then() -> Callable[[str, int, int], None]:
    last = time.monotonic()

    def write(source: str, read: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN:
            last = now
            write_object(level=Level.INFO, event="progress", source=source, bytes_read=read, bytes_in_all=total)

    return write
