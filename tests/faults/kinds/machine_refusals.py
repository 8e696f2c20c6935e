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
import sys
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

import click
import lives
import recovery
from quick import WHOLE
from tally import Tally

from pipeline import cli
from pipeline.cli import surroundings
from pipeline.objects import disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from types import FrameType

    from quick import Share
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
ALIKE = frozenset(number for number in MAY_BE_REFUSED if type(OSError(number, "")) is OSError)
"""Reasons that are of one class: who does not ask an error which of them it is cannot tell them apart."""
_MAY_ASK = {(surroundings.__file__, "machine_error_text"), (surroundings.__file__, "machine_remedy")}
_MAY_ASK |= {(click.core.__file__, "main"), (cli.__file__, "invoke")}
"""The code that may: it words what the command ends with, in the same way for each of them (a test says so); click's,
which asks whether a pipe is closed; and ours, which looks in an error's words for the name of a data file.
"""
_BY_PATH = {"mkdir": "mkdir", "rename": "rename", "link": "link", "unlink": "unlink", "rmdir": "rmdir"} | dict.fromkeys(
    ("scandir", "listdir"), "listing"
)
_BY_DESCRIPTOR = {"write": "write", "fsync": "fsync", "ftruncate": "ftruncate", "read": "read", "pread": "read"}


def _may_ask(frame: FrameType) -> bool:
    return (frame.f_code.co_filename, frame.f_code.co_name) in _MAY_ASK


class Unasked(OSError):
    """A refusal that knows whether somebody asked for which reason it is."""

    is_asked = False

    def __getattribute__(self, name: str) -> Any:
        """Note who asks for anything that the reason can be told from."""
        if name in {"errno", "strerror", "args"} and not _may_ask(sys._getframe(1)):  # noqa: SLF001 - who asks
            self.is_asked = True
        return super().__getattribute__(name)

    def __str__(self) -> str:
        """Note who asks for it in words."""
        if not _may_ask(sys._getframe(1)):  # noqa: SLF001 - who asks
            self.is_asked = True
        return super().__str__()

    def __repr__(self) -> str:
        """Note that it was told in words."""
        self.is_asked = True
        return super().__repr__()

    def __reduce__(self) -> Any:
        """Note that it was copied."""
        self.is_asked = True
        return super().__reduce__()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen of a refusal that was tried: all that says which others come to the same, call by call."""

    number: int
    is_lasting: bool
    later: frozenset[str]
    """Of which kinds the calls were after the first refusal."""
    is_asked: bool
    """Whether anything that may decide has asked for which reason it was."""

    def proves(self, number: int, *, is_lasting: bool) -> bool:
        """Say whether another refusal at the same call comes to the same.

        It does where nobody could tell the reasons apart, and where of the calls after it the same ones are refused:
        then the program goes the same way from each call to the next.
        """
        if number != self.number and (self.is_asked or not {number, self.number} <= ALIKE):
            return False
        ours, others = (
            MAY_BE_REFUSED[each] if lasts else frozenset()
            for each, lasts in ((self.number, self.is_lasting), (number, is_lasting))
        )
        return self.later & ours == self.later & others


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
    errors: list[OSError] = field(default_factory=list)
    """What was raised."""
    _descriptors: dict[int, str] = field(default_factory=dict)
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    @property
    def later(self) -> frozenset[str]:
        """Of which kinds the calls were that came after the first refusal."""
        return frozenset(call for call, _ in self.calls[self.refuse_at :])

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
            kind = Unasked if self.number in ALIKE else OSError
            self.errors.append(kind(self.number, os.strerror(self.number), *([path] if is_named else [])))
            error = self.errors[-1]
        raise error

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


def tried(scratch: Path, *, every: int, share: Share = WHOLE, simply: bool = False) -> Tally:
    """Refuse each call of each step for each reason it may have, once and lasting: every ``every``-th of all these.

    ``simply``: try those, too, that one which was tried proves to come to the same.
    """
    tally = Tally("machine_refusals", frozenset({"refused", "told what it could not read", "old", "new"}))
    seen = 0
    for life in lives.LIVES:
        root = life.begin(scratch / "life")
        for step in life.steps:
            lives.prepare(root, step)
            before = lives.facts(root)
            undisturbed = shutil.copytree(root, scratch / "undisturbed")
            points = []
            for point in _points(undisturbed, step):
                seen += 1
                # There are few calls on logs, and what is made of them is another matter.
                is_of_a_log = point.path.startswith("logs/")
                if not seen % (1 + every // LOGS_AS_OFTEN if is_of_a_log else every):
                    points.append(point)
            known = recovery.of_undisturbed(before, undisturbed, life, step, scratch)
            _try_each(tally, root, share.in_a_row(points), known, scratch, simply=simply)
            shutil.rmtree(root)
            undisturbed.rename(root)
        shutil.rmtree(root)
    return tally


def _try_each(
    tally: Tally, root: Path, points: Sequence[Point], known: Undisturbed, scratch: Path, *, simply: bool
) -> None:
    at_this_call: list[Seen] = []
    place = 0
    for point in points:
        if point.place != place:
            place, at_this_call = point.place, []
        if not simply and any(each.proves(point.number, is_lasting=point.how == LASTING) for each in at_this_call):
            tally.injected[errno.errorcode[point.number]] += 1
            tally.outcomes["proven to come to what another came to"] += 1
            continue
        tried = shutil.copytree(root, scratch / "tried")
        refusing = Refusing(f"{tried}/", refuse_at=point.place, number=point.number, is_lasting=point.how == LASTING)
        where = f"{known.step.name}, {errno.errorcode[point.number]} {point.how} at call {point.place}, "
        _one(tally, tried, f"{where}{point.call} {point.path}", refusing, known)
        if point.is_of(refusing):
            is_asked = any(getattr(error, "is_asked", True) for error in refusing.errors)
            at_this_call.append(
                Seen(
                    number=point.number,
                    is_lasting=point.how == LASTING,
                    later=refusing.later,
                    is_asked=is_asked,
                )
            )
        shutil.rmtree(tried)


class Point(NamedTuple):
    """A call of a step, a reason to refuse it for, and how long."""

    place: int
    """Among the calls, from 1."""
    call: str
    path: str
    """Below the workspace, with the name of a temporary left out: it is another one each time."""
    number: int
    how: str

    def is_of(self, refusing: Refusing) -> bool:
        """Say whether it was this call that was refused: threads may let calls change places."""
        if not refusing.refused:
            return False
        call, path = refusing.calls[self.place - 1]
        return (call, _known_again(path.removeprefix(refusing.root))) == (self.call, self.path)


def _known_again(path: str) -> str:
    folder, _, name = path.rpartition("/")
    return f"{folder}/.tmp" if disk.TEMPORARY_NAME.fullmatch(name) else path


def _points(root: Path, step: lives.Step) -> list[Point]:
    """Run the step undisturbed; return each call by its place, each reason that it may be refused for, and how long."""
    counting = Refusing(f"{root}/")
    with counting.patched():
        done = lives.run(root, step.arguments)
    if done.returncode:
        msg = f"{step.name}: {done.stderr}"
        raise RuntimeError(msg)
    return [
        Point(place, call, _known_again(path.removeprefix(counting.root)), number, how)
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
    digest = recovery.digest_of(root)
    found = recovery.facts_of(root, known, digest)
    tally.outcomes[recovery.outcome(found, known)] += 1
    if done is not None:
        outcome = outcome_of(done, refusing.number, root, is_done=found == known.after)
        tally.outcomes[outcome] += 1
        if outcome not in AS_PROMISED:
            tally.silent.append(f"{where}: {outcome}: exit code {done.returncode}, said {done.stderr[-300:]!r}")
    if not recovery.finish(tally, where, root, known, digest):
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
