"""The real command is killed by SIGKILL at a random instant of its run, on the real disk, in every step of every life.

The instants are spread evenly over the time of a processor that the step takes; the seed is fixed, the machine's speed
is not. Every fourth time the run after is killed too. Most are forked by a parent that has imported everything; every
twentieth is a process from its start. Afterwards the step is run again, the night, and ``verify``.
"""

from __future__ import annotations

import random
import shutil
import statistics
from typing import TYPE_CHECKING

import lives
import recovery
from forking import ForkingParent, Run, in_a_fresh_process
from quick import WHOLE
from tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from forking import Ended
    from lives import Step
    from quick import Share
    from recovery import Undisturbed

    Runner = Callable[[Run], Ended]

KILLS = 2_000
"""In a whole run, over all steps; first and second kills."""
SEED = 16
FRESH_EVERY, TWICE_EVERY = 20, 4
LATER_THAN_ALL = 1.05
"""Instants reach a little beyond the end, which is not at the same time twice."""


def tried(scratch: Path, *, every: int, share: Share = WHOLE) -> Tally:
    """Kill ``KILLS / every`` times in all shares, as often in each step."""
    tally = Tally("kills", frozenset({"old", "new"}))
    steps = sum(len(life.steps) for life in lives.LIVES)
    instants = random.Random(SEED + share.number)  # so that a run can be had again
    with ForkingParent() as parent:
        for life in lives.LIVES:
            root = life.begin(scratch / "life")
            for step in life.steps:
                lives.prepare(root, step)
                before = lives.facts(root)
                seconds = {parent.run: _seconds(parent.run, root, step, scratch)}
                undisturbed = shutil.copytree(root, scratch / "undisturbed")
                _in_peace(parent.run, undisturbed, step)
                known = recovery.of_undisturbed(before, undisturbed, life, step, scratch)
                enough = tally.injected.total() + -(-KILLS // (every * steps * share.of))
                number = 0
                while tally.injected.total() < enough:
                    number += 1
                    runner: Runner = in_a_fresh_process if number % FRESH_EVERY == 0 else parent.run
                    if runner not in seconds:
                        seconds[runner] = _seconds(runner, root, step, scratch)
                    tried = shutil.copytree(root, scratch / "tried")
                    where = f"{step.name}, run {number}"
                    _one(tally, tried, where, runner, instants, seconds[runner], known, twice=number % TWICE_EVERY == 0)
                    shutil.rmtree(tried)
                shutil.rmtree(root)
                undisturbed.rename(root)
            shutil.rmtree(root)
    return tally


def _one(  # noqa: PLR0917 - one kill
    tally: Tally,
    root: Path,
    where: str,
    runner: Runner,
    instants: random.Random,
    seconds: float,
    known: Undisturbed,
    *,
    twice: bool,
) -> None:
    kind = "a fresh process" if runner is in_a_fresh_process else "a forked process"
    ended = _killed(runner, root, known.step, instants.uniform(0, seconds * LATER_THAN_ALL))
    found = lives.facts(root)
    if ended.is_killed:
        tally.injected[kind] += 1
        tally.outcomes[recovery.outcome(found, known)] += 1
        if ended.printed:
            tally.outcomes["had printed"] += 1
            tally.compare(f"{where}: it had printed", found, known.after)
    else:
        tally.outcomes["had ended"] += 1
        if ended.code:
            tally.lost.append(f"{where}: it ended with {ended.code}")
        tally.compare(f"{where}: it had ended", found, known.after)
    if twice and recovery.is_to_be_run_again(root, known):
        again = _killed(runner, root, known.step, instants.uniform(0, seconds * LATER_THAN_ALL))
        if again.is_killed:
            tally.injected["once more in the run after"] += 1
        elif again.code:
            tally.lost.append(f"{where}: the run after ended with {again.code}")
    if not recovery.finish(tally, where, root, known):
        tally.outcomes["left what was recovered before"] += 1


def _killed(runner: Runner, root: Path, step: Step, after: float) -> Ended:
    return runner(Run(workspace=str(root), arguments=list(lives.words(step.arguments)), kill_after=after))


def _in_peace(runner: Runner, root: Path, step: Step) -> float:
    ended = runner(Run(workspace=str(root), arguments=list(lives.words(step.arguments)), kill_after=None))
    if ended.code:
        msg = f"{step.name}: ended with {ended.code}"
        raise RuntimeError(msg)
    return ended.seconds


def _seconds(runner: Runner, root: Path, step: Step, scratch: Path) -> float:
    """Return how many seconds of a processor the step takes, in the middle of three times."""
    taken = []
    for _ in range(3):
        copy = shutil.copytree(root, scratch / "timed")
        taken.append(_in_peace(runner, copy, step))
        shutil.rmtree(copy)
    return statistics.median(taken)
