"""Several real processes of the command at the same time, forked by one that has imported everything.

Owns what each printed and how it ended. Does not own which commands meet (``rivals``).
"""

from __future__ import annotations

import os
import select
import sys
import time
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from forking import Asked, serve, take_streams

_READ_BYTES = 2**16


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A command as a process: it begins after ``delay`` seconds."""

    workspace: str
    arguments: list[str]
    delay: float = 0.0
    is_locking: bool = True
    """Whether the lock of the workspace, and of its store, works: not on every network file system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a process ended, and what it had printed."""

    returncode: int
    stdout: str
    stderr: str


class Crowd(Asked):
    """The process that forks."""

    script = __file__

    def together(self, members: list[Member]) -> list[Finished]:
        """Run the commands at the same time; return how each ended, in their order."""
        return [Finished(**each) for each in self.ask([asdict(member) for member in members])]


def _together(members: list[Member]) -> list[Finished]:
    printed: dict[int, bytearray] = {}
    children = []
    for member in members:
        (out, out_end), (err, err_end) = os.pipe(), os.pipe()
        child = os.fork()
        if not child:
            _become(member, out_end, err_end)
        os.close(out_end)
        os.close(err_end)
        printed |= {out: bytearray(), err: bytearray()}
        children.append((child, out, err))
    waiting = set(printed)
    while waiting:
        for pipe in select.select(list(waiting), [], [])[0]:
            content = os.read(pipe, _READ_BYTES)
            printed[pipe] += content
            if not content:
                waiting.remove(pipe)
                os.close(pipe)
    return [
        Finished(
            returncode=os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]),
            stdout=printed[out].decode("utf-8", "replace"),
            stderr=printed[err].decode("utf-8", "replace"),
        )
        for child, out, err in children
    ]


def _become(member: Member, out: int, err: int) -> None:
    """Be the command; never return."""
    from pipeline.cli import main  # noqa: PLC0415 - only in the process that forks
    from pipeline.lake.log import checkpoints  # noqa: PLC0415

    try:
        take_streams(os.open(os.devnull, os.O_RDWR), out, err)
        os.closerange(3, 256)
        checkpoints.COMMITS_BETWEEN = 2  # as lives.run has it
        if not member.is_locking:
            _let_the_lock_do_nothing()
        time.sleep(member.delay)
        main(["-w", member.workspace, *member.arguments])
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        raise
    finally:
        os._exit(1)


def _let_the_lock_do_nothing() -> None:
    from pipeline.objects import lock  # noqa: PLC0415
    from pipeline.objects.mounted import lease  # noqa: PLC0415

    class NoLocks:
        LOCK_EX = LOCK_NB = 0

        @staticmethod
        def flock(*_: Any) -> None:
            """Lock nothing."""

    lock.fcntl = NoLocks  # type: ignore[assignment]
    lease.EXPIRES_AFTER = timedelta(0)  # the lock of a store is over as soon as it is taken


if __name__ == "__main__":
    serve(lambda asked: [asdict(each) for each in _together([Member(**member) for member in asked])])
