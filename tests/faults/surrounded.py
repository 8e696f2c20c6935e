"""Processes of the command line in surroundings that refuse: limits, small or read-only file systems, no permission.

What is mounted is mounted in a namespace of one process, so it is gone with it, whatever becomes of it; what the
command left there is copied out. As root the command lays down its privileges where permissions are to count.

Owns how a surrounding is entered and left. Does not own which are tried, nor what a command has to come to in them.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import resource
import shutil
import signal
import stat
import struct
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from forking import Asked, serve, take_streams

NOBODY = 65534
ALL = "."
_LIBC = ctypes.CDLL(None, use_errno=True)
_NEW_MOUNTS, _NEW_USER = 0x00020000, 0x10000000
_READ_ONLY, _REMOUNT, _BIND, _ALL_BELOW, _PRIVATE = 1, 32, 4096, 16384, 1 << 18
"""Flags of mount(2)."""
_CAPABILITIES_OF_LINUX_3 = 0x20080522
_PIPE_BYTES = 1 << 20
_SECONDS_MAX = 120
_MOMENT_SECONDS = 0.0005
_SCHEDULED = 2
"""The kind of clock that counts what the scheduler gave a process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surrounding:
    """What a command is begun in; places are names below the workspace, ``ALL`` is the whole of it."""

    limits: dict[str, int] = field(default_factory=dict)
    """Of the process, by their names in ``resource``."""
    address_mib: int | None = None
    """So much memory more may be asked for than the process has when the command begins."""
    free_kib: int | None = None
    """The file system of the workspace, one of memory, has so much room beside what is there."""
    free_files: int | None = None
    """Likewise, for so many files more."""
    read_only: str | None = None
    """A place that cannot be written."""
    read_only_after: float | None = None
    """The file system of the workspace becomes read-only after so many seconds of a processor."""
    tmp: str = ""
    """Where ``TMPDIR`` lies that is no usual one: ``missing``, or ``read-only`` as all such folders of the machine."""
    tmp_kib: int | None = None
    """``TMPDIR`` is a file system of memory with so much room."""
    hidden: str | None = None
    """A folder of the machine that is empty and cannot be written."""
    closed: tuple[str, ...] = ()
    """Places that nobody but root may read or write."""
    sealed: tuple[str, ...] = ()
    """Places that can be read and not written."""
    of_another: tuple[str, ...] = ()
    """Places that another user owns with all below; only root can give them away."""
    as_nobody: bool = False
    """The command is run as another user than root, to whom the workspace is given."""
    environment: dict[str, str | None] = field(default_factory=dict)
    memory_max: str | None = None
    """What DuckDB may hold before it spills."""

    @property
    def has_mounts(self) -> bool:
        """Whether file systems of its own are needed."""
        asked = (self.free_kib, self.free_files, self.read_only, self.read_only_after, self.tmp_kib, self.hidden)
        return any(each is not None for each in asked) or self.tmp == "read-only"

    @property
    def has_permissions(self) -> bool:
        """Whether it is about who may do what."""
        return bool(self.closed or self.sealed or self.of_another)


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What a command came to: an exit code, or minus the number of a signal; and what it said."""

    code: int = 0
    stdout: str = ""
    stderr: str = ""
    seconds: float = 0
    """Of a processor."""
    grown_kib: int = 0
    """By how much the file system of memory grew, where there is one."""
    grown_files: int = 0
    litter: tuple[str, ...] = ()
    """What the process left in its working directory, such as a core, or in ``TMPDIR``."""
    refused: str = ""
    """Why this machine cannot have such a surrounding; then nothing was run."""


class Surroundings(Asked):
    """The process that forks into surroundings."""

    script = __file__

    def run(self, workspace: Path, arguments: tuple[str, ...], surrounding: Surrounding) -> Came:
        """Run the command in the surrounding; what it left is in the workspace afterwards."""
        answer = self.ask({"workspace": str(workspace), "arguments": arguments, "surrounding": asdict(surrounding)})
        if "failed" in answer:
            raise RuntimeError(answer["failed"])
        return Came(**answer | {"litter": tuple(answer["litter"])})


@dataclass(frozen=True, slots=True)
class _Places:
    """Where a command is run: its workspace, its working directory, and its ``TMPDIR``."""

    books: Path
    cwd: Path
    tmp: Path


def _forked(asked: dict[str, Any]) -> dict[str, Any]:
    """Let a child enter the surrounding, so that its namespace ends with it; return its answer."""
    folder = Path(tempfile.mkdtemp(prefix="tallybook-surrounded-"))
    folder.chmod(0o755)
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        try:
            came = _entered(folder, Path(asked["workspace"]), asked["arguments"], Surrounding(**asked["surrounding"]))
            answer = asdict(came)
        except Exception as error:  # noqa: BLE001 - told to whoever asked
            answer = {"failed": f"{type(error).__name__}: {error}"}
        with os.fdopen(writes, "w", encoding="utf-8") as pipe:
            pipe.write(json.dumps(answer))
        os._exit(0)
    os.close(writes)
    with os.fdopen(reads, encoding="utf-8") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    shutil.rmtree(folder)
    answer = json.loads(said)
    assert isinstance(answer, dict)
    return answer


def _entered(folder: Path, workspace: Path, arguments: list[str], surrounding: Surrounding) -> Came:
    within = folder / "within"
    within.mkdir(mode=0o755)
    try:
        if surrounding.has_mounts:
            _namespace_of_our_own()
            _mount("tmpfs", within, "tmpfs", 0, "size=4g,mode=755")
    except OSError as error:
        return Came(refused=str(error))
    if (surrounding.of_another or surrounding.as_nobody) and os.geteuid():
        return Came(refused="only root can give files to another user")
    if surrounding.as_nobody and (closed := _closed_to_others()):
        return Came(refused=f"another user cannot read {closed}")
    places = _Places(within / "books", within / "cwd", within / "tmp")
    shutil.copytree(workspace, places.books)
    for each in (places.cwd, places.tmp):
        each.mkdir()
        each.chmod(0o777)
    modes = _without_permission(places.books, surrounding)
    before = _used(within)
    bound = _refuse(within, places, surrounding, before)
    came = _ran(places, arguments, surrounding, within)
    for each in bound:
        _mount(None, each, None, _BIND | _REMOUNT, "")
    if surrounding.has_mounts:
        _mount(None, within, None, _REMOUNT, "size=4g")
    after = _used(within)
    for path, mode in modes:
        with suppress(FileNotFoundError):
            path.chmod(mode)
    shutil.rmtree(workspace)
    shutil.copytree(places.books, workspace)
    litter = [str(path.relative_to(within)) for each in (places.cwd, places.tmp) for path in sorted(each.iterdir())]
    grown = [now - then if surrounding.has_mounts else 0 for now, then in zip(after, before, strict=True)]
    more = {"grown_kib": grown[0], "grown_files": grown[1], "litter": tuple(litter)}
    return Came(**asdict(came) | more)


def _closed_to_others() -> Path | None:
    """Return a folder above Python or the program that other users cannot enter."""
    for place in (Path(os.__file__).resolve(), Path(__file__).resolve()):
        for folder in place.parents:
            if not folder.stat().st_mode & stat.S_IXOTH:
                return folder
    return None


def _namespace_of_our_own() -> None:
    """Leave the mounts of the machine; who is not root is so among the mounts of its own."""
    user, group = os.geteuid(), os.getegid()
    _call("unshare", _NEW_MOUNTS | (_NEW_USER if user else 0))
    if user:
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1", encoding="ascii")
    _mount(None, Path("/"), None, _PRIVATE | _ALL_BELOW, "")


def _refuse(within: Path, places: _Places, surrounding: Surrounding, used: tuple[int, int]) -> list[Path]:
    """Let the machine be as small, or as closed, as is asked; return the folders that cannot be written any more."""
    if surrounding.tmp_kib is not None:
        _mount("tmpfs", places.tmp, "tmpfs", 0, f"size={max(surrounding.tmp_kib, 4)}k,mode=777")
        if not surrounding.tmp_kib:  # no size at all would be no limit
            (places.tmp / "filled").write_bytes(bytes(4096))
    if surrounding.hidden is not None:
        _mount("tmpfs", Path(surrounding.hidden), "tmpfs", _READ_ONLY, "size=4k,mode=0")
    bound = [] if surrounding.read_only is None else [places.books / surrounding.read_only]
    if surrounding.tmp == "read-only":
        bound += [places.tmp, places.cwd, *map(Path, ("/tmp", "/var/tmp", "/usr/tmp"))]  # noqa: S108 - not written to
    bound = [each for each in bound if each.exists()]
    for each in bound:
        _mount(str(each), each, None, _BIND | _ALL_BELOW, "")
        _mount(None, each, None, _BIND | _REMOUNT | _READ_ONLY, "")
    room = []
    if surrounding.free_kib is not None:
        room.append(f"size={used[0] + surrounding.free_kib}k")
    if surrounding.free_files is not None:
        room.append(f"nr_inodes={used[1] + surrounding.free_files}")
    if room:
        _mount(None, within, None, _REMOUNT, ",".join(room))
    return bound


def _without_permission(books: Path, surrounding: Surrounding) -> list[tuple[Path, int]]:
    """Close places, and give places away; return the modes that they had."""
    modes = []
    for name, mode in (*((name, 0) for name in surrounding.closed), *((name, 0o555) for name in surrounding.sealed)):
        path = books / name
        if path.exists():
            modes.append((path, path.stat().st_mode & 0o7777))
            path.chmod(mode)
    given = [books / name for name in (surrounding.of_another or ((ALL,) if surrounding.as_nobody else ()))]
    for path in (below for place in given for below in (place, *place.rglob("*"))):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    return modes


def _ran(places: _Places, arguments: list[str], surrounding: Surrounding, within: Path) -> Came:
    pipes = os.pipe(), os.pipe()
    for _, writes in pipes:
        fcntl.fcntl(writes, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)  # holds all that is said
    child = os.fork()
    if not child:
        _become(places, arguments, surrounding, pipes[0][1], pipes[1][1])
    for _, writes in pipes:
        os.close(writes)
    clock, begun, is_to_come = ~child << 3 | _SCHEDULED, time.monotonic(), surrounding.read_only_after
    while os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if is_to_come is not None and time.clock_gettime(clock) >= is_to_come:
            with suppress(OSError):  # while a file is written it is refused, and asked for again
                _mount(None, within, None, _REMOUNT | _READ_ONLY, "")
                is_to_come = None
        if time.monotonic() - begun > _SECONDS_MAX:
            os.kill(child, signal.SIGKILL)  # it is not waited for yet, so the number is still its own
        time.sleep(_MOMENT_SECONDS)
    _, status, used = os.wait4(child, 0)
    said = []
    for reads, _ in pipes:
        with os.fdopen(reads, encoding="utf-8", errors="replace") as pipe:
            said.append(pipe.read())
    seconds = used.ru_utime + used.ru_stime
    return Came(code=os.waitstatus_to_exitcode(status), stdout=said[0], stderr=said[1], seconds=seconds)


def _become(places: _Places, arguments: list[str], surrounding: Surrounding, stdout: int, stderr: int) -> NoReturn:
    """Be the command."""
    from pipeline.cli import main  # noqa: PLC0415 - only in the process that forks
    from pipeline.lake.log import checkpoints  # noqa: PLC0415
    from pipeline.warehouse import connection  # noqa: PLC0415

    try:
        take_streams(os.open(os.devnull, os.O_RDWR), stdout, stderr)
        os.closerange(3, 256)
        os.chdir(places.cwd)
        os.environ["TMPDIR"] = str(places.tmp / "missing" if surrounding.tmp == "missing" else places.tmp)
        tempfile.tempdir = None
        for name, value in surrounding.environment.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        checkpoints.COMMITS_BETWEEN = 2  # as lives.run has it
        connection.MEMORY_MAX = surrounding.memory_max or connection.MEMORY_MAX
        _limit(surrounding)
        if surrounding.as_nobody:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        elif surrounding.has_permissions:
            header = struct.pack("Ii", _CAPABILITIES_OF_LINUX_3, 0)
            _call("capset", header, bytes(24))
        main(["-w", str(places.books), *arguments])
    except BaseException:  # noqa: BLE001 - what leaves the command is a traceback
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
    os._exit(70)


def _limit(surrounding: Surrounding) -> None:
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))  # that it leaves no core is for the command to see to
    limits = dict(surrounding.limits)
    if surrounding.address_mib is not None:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        limits["RLIMIT_AS"] = pages * os.sysconf("SC_PAGE_SIZE") + (surrounding.address_mib << 20)
    for name, value in limits.items():
        number = getattr(resource, name)
        resource.setrlimit(number, (value, resource.getrlimit(number)[1]))


def _used(folder: Path) -> tuple[int, int]:
    """Return how many KiB and how many files a file system holds."""
    state = os.statvfs(folder)
    return (state.f_blocks - state.f_bfree) * state.f_frsize >> 10, state.f_files - state.f_ffree


def _mount(source: str | None, target: Path, kind: str | None, flags: int, options: str) -> None:
    """Call mount(2). Raises ``OSError`` where it is refused."""
    words = [None if word is None else word.encode() for word in (source, str(target), kind)]
    _call("mount", *words, flags, options.encode())


def _call(name: str, *arguments: Any) -> None:
    if getattr(_LIBC, name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


if __name__ == "__main__":
    serve(_forked)
