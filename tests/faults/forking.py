"""A process that has imported the whole command line and forks: real processes without half a second of imports.

It starts no thread before it forks, since a child has none of them: so it runs in a process of its own, which is asked
by lines of JSON. The child is what ``python -m pipeline.cli`` is once it has imported; it is killed by SIGKILL.
"""

from __future__ import annotations

import fcntl
import json
import os
import pkgutil
import signal
import struct
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

_MOMENT_SECONDS = 0.0005
_GOING_DOWN, _WITHOUT_FLUSHING_ITS_LOG = 0x8004587D, 2
"""``EXT4_IOC_SHUTDOWN`` and ``XFS_IOC_GOINGDOWN`` of Linux, with their flag ``NOLOGFLUSH``."""
_SCHEDULED = 2
"""The kind of clock that counts what the scheduler gave a process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A command as a process: what it is, and after how many seconds of a processor it is killed, where it is.

    A busy machine spends longer on the same: instants by the clock on the wall would lie beyond the end, or all early.
    """

    workspace: str
    arguments: list[str]
    kill_after: float | None
    cut_first: str | None = None
    """A folder whose file system loses its power before the process is killed."""
    number_to: str | None = None
    """The file into which the process writes its number, so that somebody else may kill it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a process ended: by our kill, or with an exit code; its seconds of a processor, and what it had printed."""

    is_killed: bool
    is_cut: bool
    """Whether its file system lost its power while it ran: it may end with an error before it is killed."""
    code: int
    seconds: float
    printed: str


def cut_power(folder: str) -> None:
    """Take the disk from a file system (ext4, XFS), as it is: nothing is flushed, and nothing is written any more.

    Raises ``OSError`` where the file system knows no such request.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.ioctl(descriptor, _GOING_DOWN, struct.pack("I", _WITHOUT_FLUSHING_ITS_LOG))
    finally:
        os.close(descriptor)


def in_a_fresh_process(run: Run) -> Ended:
    """Run the real command from its start, imports and all."""
    command = [sys.executable, "-m", "pipeline.cli", "-w", run.workspace, *run.arguments]
    reads, writes = os.pipe()
    child = os.posix_spawn(
        sys.executable,
        command,
        {**os.environ, "TMPDIR": _beside(run)},
        file_actions=[
            (os.POSIX_SPAWN_DUP2, writes, 1),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_RDWR, 0),
        ],
    )
    os.close(writes)
    return _ended(child, reads, run)


def _beside(run: Run) -> str:
    """Return the folder of the workspace, for temporary folders: who is killed leaves them, and they go with it."""
    return str(Path(run.workspace).parent)


class Asked:
    """A script in a process of its own that answers lines of JSON; leave the context to end it."""

    script = __file__

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, self.script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def ask(self, question: object) -> Any:
        """Send a line, and return the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        return json.loads(self._process.stdout.readline())


class ForkingParent(Asked):
    """The process that forks."""

    def run(self, run: Run) -> Ended:
        """Fork a child that runs the command, and say how it ended."""
        return Ended(**self.ask(asdict(run)))


def serve(answer: Callable[[Any], object]) -> None:
    """Answer each line of stdin by a line, with everything imported that a command may need."""
    import_the_command_line()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()


def take_streams(stdin: int, stdout: int, stderr: int) -> None:
    """Let a fork have these as its standard streams."""
    for number, descriptor in enumerate((stdin, stdout, stderr)):
        os.dup2(descriptor, number)
    sys.stdin = open(0, encoding="utf-8")  # noqa: SIM115 - until the process ends
    sys.stdout = open(1, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8")  # noqa: SIM115


def import_the_command_line() -> None:
    """Import all that a command may need; no thread is started."""
    from pipeline import cli  # noqa: PLC0415 - only in the process that forks

    for module in pkgutil.walk_packages([str(Path(cli.__file__).parent)], "pipeline.cli."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    for name in ("duckdb", "pyarrow.parquet", "pyarrow.compute", "pyarrow.dataset"):
        import_module(name)


def _forked(run: Run) -> Ended:
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        _become(run, writes)
    os.close(writes)
    return _ended(child, reads, run)


def _ended(child: int, reads: int, run: Run) -> Ended:
    is_cut = False
    clock = ~child << 3 | _SCHEDULED  # what clock_getcpuclockid(3) returns
    while os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if run.kill_after is not None and time.clock_gettime(clock) >= run.kill_after:
            if run.cut_first is not None:
                cut_power(run.cut_first)
                is_cut = True
            os.kill(child, signal.SIGKILL)  # it is not waited for yet, so the number is still its own
            break
        time.sleep(_MOMENT_SECONDS)
    _, status, used = os.wait4(child, 0)
    with os.fdopen(reads, encoding="utf-8", errors="replace") as pipe:  # a pipe holds all that is printed
        printed = pipe.read()
    code = os.waitstatus_to_exitcode(status)
    seconds = used.ru_utime + used.ru_stime
    return Ended(is_killed=code == -signal.SIGKILL, is_cut=is_cut, code=code, seconds=seconds, printed=printed)


def _become(run: Run, writes: int) -> None:
    """Be the command; never return."""
    from pipeline.cli import main  # noqa: PLC0415
    from pipeline.lake.log import checkpoints  # noqa: PLC0415

    try:
        if run.number_to is not None:
            Path(run.number_to).write_text(str(os.getpid()), encoding="ascii")
        nothing = os.open(os.devnull, os.O_RDWR)
        take_streams(nothing, writes, nothing)
        os.environ["TMPDIR"] = _beside(run)
        checkpoints.COMMITS_BETWEEN = 2  # as lives.run has it
        main(["-w", run.workspace, *run.arguments])
    finally:
        os._exit(70)


if __name__ == "__main__":
    serve(lambda asked: asdict(_forked(Run(**asked))))
