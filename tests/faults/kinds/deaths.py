"""The process dies at calls to the disk in every step of a life: before the call, half way, after it.

After each death the step is run again; every other time it dies once more while it is.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any
from unittest import mock

import lives
import recovery
from faulty_os import Died, FaultyOs
from quick import WHOLE
from tally import Tally

from pipeline.objects import disk

if TYPE_CHECKING:
    from pathlib import Path

    from quick import Share
    from recovery import Undisturbed

TAKEN_FOR_DAMAGE = ("still there (it was begun and not finished",)
"""What was to be forgotten may be called still there."""
MOMENTS = ("before", "half", "after")


class DyingOs(FaultyOs):
    """Dies at call ``die_at``: ``before`` it, ``half`` way (a write has written half), or ``after`` it was done."""

    def __init__(self, root: Path, *, die_at: int | None, moment: str) -> None:
        super().__init__(root, die_at=die_at)
        self.moment = moment

    def _count(self, name: str, arguments: tuple[Any, ...]) -> None:
        if self.dead or self.calls + 1 != self.die_at or self.moment == "half":
            super()._count(name, arguments)
            return
        self.calls += 1
        self.dead = True
        if self.moment == "after":
            if name in ("write", "rename", "link", "unlink", "mkdir"):
                getattr(os, name)(*arguments)
            elif name == "open":
                os.close(os.open(*arguments))
        raise Died


def tried(scratch: Path, *, every: int, share: Share = WHOLE) -> Tally:
    """Let the process die at every ``every``-th call of each step of each life."""
    tally = Tally("deaths", frozenset({"old", "new"}))
    for life in lives.LIVES:
        root = life.begin(scratch / "life")
        for step in life.steps:
            lives.prepare(root, step)
            before = lives.facts(root)
            undisturbed = shutil.copytree(root, scratch / "undisturbed")
            calls = _calls(undisturbed, step)
            known = recovery.of_undisturbed(before, undisturbed, life, step, scratch)
            verified: set[str] = set()
            for number, die_at in share.in_a_row(list(enumerate(range(1, calls + 1, every)))):
                moment = MOMENTS[number % 3] if every > 1 else None
                for each in MOMENTS if moment is None else (moment,):
                    where = f"{step.name}, {each} call {die_at} of {calls}"
                    tried = shutil.copytree(root, scratch / "tried")
                    _one(tally, tried, where, die_at, each, known, verified, twice=number % 2 == 1)
                    shutil.rmtree(tried)
            shutil.rmtree(root)
            undisturbed.rename(root)
        shutil.rmtree(root)
    return tally


def _calls(root: Path, step: lives.Step) -> int:
    counting = DyingOs(root, die_at=None, moment="before")
    with mock.patch.object(disk, "os", counting):
        done = lives.run(root, step.arguments)
    if done.returncode:
        msg = f"{step.name}: {done.stderr}"
        raise RuntimeError(msg)
    return counting.calls


def _dies(root: Path, step: lives.Step, die_at: int, moment: str) -> bool:
    with mock.patch.object(disk, "os", DyingOs(root, die_at=die_at, moment=moment)):
        try:
            lives.run(root, step.arguments)
        except Died:
            return True
    return False


def _verify_between(tally: Tally, root: Path, where: str) -> None:
    """What is between calls no run that died damage, but for what ``TAKEN_FOR_DAMAGE`` says."""
    checked = lives.run(root, ("verify",))
    failed = [line for line in checked.stdout.splitlines() if line.startswith("FAIL")]
    if checked.returncode not in (0, 6) or [
        line for line in failed if not any(said in line for said in TAKEN_FOR_DAMAGE)
    ]:
        tally.lost.append(f"{where}: verify before it was run again: {failed or checked.stderr[-200:]}")


def _one(  # noqa: PLR0917 - one point of the walk
    tally: Tally,
    root: Path,
    where: str,
    die_at: int,
    moment: str,
    known: Undisturbed,
    verified: set[str],
    *,
    twice: bool,
) -> None:
    """Die once, or twice. What ``verify`` says is a function of the files: it is asked once of all that are equal."""
    if not _dies(root, known.step, die_at, moment):
        tally.outcomes["was not reached"] += 1
        tally.lost.append(f"{where}: the run did not reach the call")
        return
    tally.injected[f"{moment} a call"] += 1
    digest: str | None = recovery.digest_of(root)
    if digest is not None and digest not in verified:
        verified.add(digest)
        _verify_between(tally, root, where)
    found = recovery.facts_of(root, known, digest)
    tally.outcomes[recovery.outcome(found, known)] += 1
    if twice and (known.step.repeatable or found != known.after):
        digest = None
        tally.injected["once more in the run after"] += _dies(root, known.step, max(1, die_at // 2), moment)
    if not recovery.finish(tally, where, root, known, digest):
        tally.outcomes["left what was recovered before"] += 1
