"""The machine refuses calls to the disk in every step of every life, writes and reads, for each reason it may have.

A refusal is met once, or lasts from then on, as of a full disk. The command ends in one line that says what is wrong
where and what to do, with exit code 8; or it goes on, and all it did is right or it says what it could not read. Run
again without the fault, it comes to what it would have.

Owns which calls can be refused for which reason. Does not own refusals by the real machine (``tests/storage``), nor
what an engine reads and writes by itself, which no patch in Python sees.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import shutil
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest import mock

import lives
import recovery
from tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from recovery import Undisturbed
    from workspaces import Done

MACHINE = 8
"""The exit code of what the machine refuses."""
_MAKING = frozenset({"create", "mkdir", "rename", "link"})
_WRITING = frozenset({"write", "fsync", "ftruncate"})
_REMOVING = frozenset({"unlink", "rmdir"})
_LOOKING = frozenset({"open", "listing", "read"})
MAY_BE_REFUSED = {
    errno.ENOSPC: _MAKING | _WRITING,
    errno.EDQUOT: _MAKING | _WRITING,
    errno.EROFS: _MAKING | _WRITING | _REMOVING,
    errno.EMFILE: frozenset({"create", "open", "listing"}),
    errno.EACCES: _MAKING | _REMOVING | {"open", "listing"},
    errno.EIO: _MAKING | _WRITING | _REMOVING | _LOOKING,
    errno.EINTR: frozenset({"mkdir", "rename", "link", "unlink", "rmdir"}),
}
"""Which calls the system refuses for which reason. Python itself calls again what a signal interrupts, but for calls
on names, which a network file system may interrupt.
"""
AS_PROMISED = frozenset({"refused", "went on", "told what it could not read"})
"""What a command may come to that was refused something."""
LOGS_AS_OFTEN = 20
ONCE, LASTING = "once", "from then on"
_BY_PATH = {"mkdir": "mkdir", "rename": "rename", "link": "link", "unlink": "unlink", "rmdir": "rmdir"} | dict.fromkeys(
    ("scandir", "listdir"), "listing"
)
_BY_DESCRIPTOR = {"write": "write", "fsync": "fsync", "ftruncate": "ftruncate", "read": "read", "pread": "read"}


@dataclass(slots=True)
class Refusing:
    """Counts the calls below a folder; refuses number ``refuse_at`` (from 1), or all that it may from there on."""

    root: str
    refuse_at: int | None = None
    number: int = 0
    is_lasting: bool = False
    calls: list[tuple[str, str]] = field(default_factory=list)
    """Of what kind each was, and of which path."""
    refused: list[str] = field(default_factory=list)
    _descriptors: dict[int, str] = field(default_factory=dict)
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def met(self, call: str, path: str, *, is_named: bool = True) -> None:
        """Count a call, and refuse it where its turn has come; the system names no path of an open file."""
        with self._one_at_a_time:
            self.calls.append((call, path))
            at = len(self.calls)
            if self.refuse_at is None or call not in MAY_BE_REFUSED[self.number]:
                return
            if at != self.refuse_at and not (self.is_lasting and at > self.refuse_at):
                return
            self.refused.append(call)
        raise OSError(self.number, os.strerror(self.number), *([path] if is_named else []))

    @contextmanager
    def patched(self) -> Iterator[None]:
        """Let all that Python asks of the disk pass by here."""
        with ExitStack() as patches:
            for name, call in _BY_PATH.items():
                patches.enter_context(mock.patch.object(os, name, self._by_path(getattr(os, name), call)))
            for name, call in _BY_DESCRIPTOR.items():
                patches.enter_context(mock.patch.object(os, name, self._by_descriptor(getattr(os, name), call)))
            patches.enter_context(mock.patch.object(os, "open", self._open(os.open)))
            patches.enter_context(mock.patch.object(os, "close", self._close(os.close)))
            opened = self._open_file(io.open)
            patches.enter_context(mock.patch.object(io, "open", opened))
            patches.enter_context(mock.patch.object(builtins, "open", opened))
            yield

    def _within(self, path: object) -> str | None:
        """Return a path below the folder as text; ``None`` of any other."""
        if not isinstance(path, (str, bytes, os.PathLike)):
            return None
        text = os.fsdecode(path)
        return text if text.startswith(self.root) else None

    def _by_path(self, real: Callable[..., Any], call: str) -> Callable[..., Any]:
        def asked(*arguments: Any, **keywords: Any) -> Any:
            path = self._within(arguments[0]) if arguments else None
            if path is not None:
                self.met(call, path)
            return real(*arguments, **keywords)

        return asked

    def _by_descriptor(self, real: Callable[..., Any], call: str) -> Callable[..., Any]:
        def asked(descriptor: int, *arguments: Any) -> Any:
            if descriptor in self._descriptors:
                self.met(call, self._descriptors[descriptor], is_named=False)
            return real(descriptor, *arguments)

        return asked

    def _open(self, real: Callable[..., int]) -> Callable[..., int]:
        def asked(path: Any, flags: int, *arguments: Any, **keywords: Any) -> int:
            within = self._within(path)
            if within is None:
                return real(path, flags, *arguments, **keywords)
            self.met("create" if flags & os.O_CREAT else "open", within)
            descriptor = real(path, flags, *arguments, **keywords)
            self._descriptors[descriptor] = within
            return descriptor

        return asked

    def _close(self, real: Callable[[int], None]) -> Callable[[int], None]:
        def asked(descriptor: int) -> None:
            self._descriptors.pop(descriptor, None)
            real(descriptor)

        return asked

    def _open_file(self, real: Callable[..., Any]) -> Callable[..., Any]:
        """Open as ``open`` does; a file's content is one read, refused at the first byte."""

        def asked(file: Any, mode: str = "r", *arguments: Any, **keywords: Any) -> Any:
            within = self._descriptors.pop(file, None) if isinstance(file, int) else self._within(file)
            if within is None:
                return real(file, mode, *arguments, **keywords)
            if not isinstance(file, int):
                self.met("create" if set(mode) & set("wxa") else "open", within)
            if mode.startswith("r"):
                self.met("read", within, is_named=False)
            return real(file, mode, *arguments, **keywords)

        return asked


def tried(scratch: Path, *, every: int) -> Tally:
    """Refuse each call of each step for each reason it may have, once and lasting: every ``every``-th of all these."""
    tally = Tally("machine_refusals", frozenset({"refused", "told what it could not read", "old", "new"}))
    seen = 0
    for life in lives.LIVES:
        root = life.begin(scratch / "life")
        for step in life.steps:
            lives.prepare(root, step)
            before = lives.facts(root)
            undisturbed = shutil.copytree(root, scratch / "undisturbed")
            points = _points(undisturbed, step)
            known = recovery.of_undisturbed(before, undisturbed, life, step, scratch)
            for refuse_at, call, path, number, how in points:
                seen += 1
                # There are few calls on logs, and what is made of them is another matter.
                if seen % (1 + every // LOGS_AS_OFTEN if path.startswith(f"{undisturbed}/logs/") else every):
                    continue
                tried = shutil.copytree(root, scratch / "tried")
                refusing = Refusing(f"{tried}/", refuse_at=refuse_at, number=number, is_lasting=how == LASTING)
                at = f"call {refuse_at}, {call} {path.removeprefix(str(undisturbed))}"
                where = f"{step.name}, {errno.errorcode[number]} {how} at {at}"
                _one(tally, tried, where, refusing, known)
                shutil.rmtree(tried)
            shutil.rmtree(root)
            undisturbed.rename(root)
        shutil.rmtree(root)
    return tally


def _points(root: Path, step: lives.Step) -> list[tuple[int, str, str, int, str]]:
    """Run the step undisturbed; return each call by its place, each reason that it may be refused for, and how long."""
    counting = Refusing(f"{root}/")
    with counting.patched():
        done = lives.run(root, step.arguments)
    if done.returncode:
        msg = f"{step.name}: {done.stderr}"
        raise RuntimeError(msg)
    return [
        (place, call, path, number, how)
        for place, (call, path) in enumerate(counting.calls, start=1)
        for number, calls in MAY_BE_REFUSED.items()
        if call in calls
        for how in (ONCE, LASTING)
    ]


def _one(tally: Tally, root: Path, where: str, refusing: Refusing, known: Undisturbed) -> None:
    done: Done | None
    try:
        with refusing.patched():
            done = lives.run(root, known.step.arguments)
    except Exception as error:  # noqa: BLE001 - whatever leaves the command is a traceback, and is what we look for
        done = None
        tally.silent.append(f"{where}: a traceback: {type(error).__name__}: {error}")
    tally.injected[errno.errorcode[refusing.number]] += 1
    if not refusing.refused:
        tally.outcomes["was not reached"] += 1  # files are checked by several threads, and calls change places
        return
    found = lives.facts(root)
    tally.outcomes[recovery.outcome(found, known)] += 1
    if done is not None:
        outcome = outcome_of(done, refusing.number, root, is_done=found == known.after)
        tally.outcomes[outcome] += 1
        if outcome not in AS_PROMISED:
            tally.silent.append(f"{where}: {outcome}: exit code {done.returncode}, said {done.stderr[-300:]!r}")
    if not recovery.finish(tally, where, root, known):
        tally.outcomes["left what was recovered before"] += 1


def outcome_of(done: Done, number: int, root: Path, *, is_done: bool) -> str:
    """Say what a command that was refused something came to; ``is_done``, whether all is there that was to be made."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("tallybook: ")]
    if "Traceback" in done.stderr:
        return "a traceback"
    if done.returncode == MACHINE:
        if len(lines) != 1 or os.strerror(number) not in lines[0] or "run the command again" not in lines[0]:
            return "refused, and not in one line that says why and what to do"
        names = [word.strip(";:,") for word in lines[0].split()]
        is_named = any(name.startswith(str(root)) or (root / name).is_file() for name in names)
        return "refused" if is_named else "refused, and no path is named"
    if done.returncode:
        return "ended with another reason"
    if is_done:
        return "went on"
    return "told what it could not read" if os.strerror(number) in done.stderr + done.stdout else "went on in silence"
