"""When what a run left is nobody's any more: its name says the number of the process that wrote it.

One rule, for half written files in a workspace and for folders in ``TMPDIR``: the process is gone, and an hour has
passed, since nobody sees the processes of another container. What an engine put down (``spill``) is taken away as soon
as its process is gone: it may fill the disk that the next run needs, and a reader in another container that loses it
fails, and has lost nothing.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DEAD_AFTER_SECONDS = 3600
"""Nothing is written, or tried, for so long."""
ALIVE_SECONDS_MAX = 24 * 3600
"""After which a process of that number is another one."""


def is_dead(path: Path, process_id: int) -> bool:
    """Say whether the process that wrote a file or folder is gone; what has its own name by now is not dead."""
    try:
        age = time.time() - path.stat(follow_symlinks=False).st_mtime
    except FileNotFoundError:
        return False
    is_gone = process_id == os.getpid() or not is_alive(process_id) or age > ALIVE_SECONDS_MAX
    return is_gone and age > DEAD_AFTER_SECONDS


def is_alive(process_id: int) -> bool:
    """Say whether there is a process of that number, as far as this one can see."""
    try:
        os.kill(process_id, 0)  # sends nothing, only asks
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # somebody else's
    return True
