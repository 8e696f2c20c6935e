"""The power is cut after every change to the disk in every step of every life, and in some of the runs after.

What was not synced survives in every combination (``power_states``), by a model of the worst disk that is allowed. Each
distinct state is read as a reader would: it must show what the step came from, what it comes to, or what a reader was
shown between; once the command has returned, what it comes to. From the states that differ in more than what is
derived, and from some of the others, the step is run again, the night follows, and ``verify``. Files of states lie in
memory where the machine has a folder for it.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import lives
import recovery
from faulty_os import FaultyOs
from power_states import States, digest_of, lay_out
from tally import Tally

from pipeline.base.errors import TallybookError
from pipeline.objects import disk

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from power_states import Entry
    from recovery import Undisturbed

SEED = 16
STATES_MAX = 2_048
"""At one moment: where more are possible, the extreme ones, and others by chance."""
RECOVERED_MAX = 60
"""Of a step: so many states are recovered from that differ in what is derived alone."""
CUT_AGAIN_EVERY = 40
"""From every so many-th of these the power is cut in the run after too."""
_CHANGES = frozenset({"write", "rename", "link", "unlink", "mkdir"})
_DERIVED = (
    "lake/charges/",
    "lake/counted/",
    "lake/exchanges_daily/",
    "lake/suspicious_copies/",
    "lake/told/",
    "lake/usage_daily/",
    "invoices/2",
)
"""What no fact is read from: all states that differ here alone are alike to ``lives.facts``."""
_BITS = 160
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own in it


@dataclass(slots=True)
class Cuts:
    """The states of one run of a step: what they hold, and which of them are to be recovered from."""

    tally: Tally
    where: str
    folder: Path
    instants: random.Random
    every: int
    states_max: int
    known_facts: dict[int, Counter[str] | str]
    """By what readers look at; a text where they refuse it."""
    shown: list[Counter[str]] = field(default_factory=list)
    """What readers were shown so far, in its order."""
    distinct: dict[int, list[Entry]] = field(default_factory=dict)
    """By all that is visible."""
    weights: dict[tuple[str, bytes | None], int] = field(default_factory=dict)
    _moments: int = 0

    def weigh(self, entry: Entry) -> int:
        """Return one number for two sums: of all that is there, and of what facts are read from."""
        key = (entry.path, entry.content)
        if key not in self.weights:
            digest = digest_of(entry)
            self.weights[key] = digest | (0 if entry.path.startswith(_DERIVED) else digest << _BITS)
        return self.weights[key]

    def cut(self, fault: CuttingOs, *, is_done: bool = False) -> None:
        """Enumerate the states of this moment; ``is_done``: the command has returned."""
        self._moments += 1
        states = States(fault.model, self.weigh)
        latest = states.latest()
        now = self._facts(states, latest)
        if isinstance(now, str):
            self.tally.lost.append(f"{self.where}: what is there while it runs is refused: {now}")
            return
        if now not in self.shown:
            self.shown.append(now)
        if self._moments % self.every and not is_done:
            return
        for state in states.chosen(self.states_max, self.instants):
            self.tally.injected["states"] += 1
            weight = states.weight(state)
            if weight in self.distinct and not is_done:
                continue
            found = self._facts(states, state)
            allowed = [now] if is_done else self.shown
            if found not in allowed:
                what = "acknowledged, " if is_done else ""
                said = found if isinstance(found, str) else f"facts {sorted((allowed[-1] - found) or (found - now))}"
                self.tally.lost.append(f"{self.where}, {what}change {self._moments}: {said[:300]}")
            if weight not in self.distinct:
                self.distinct[weight] = states.entries(state)

    def _facts(self, states: States, state: tuple[int, ...]) -> Counter[str] | str:
        """Return the facts of a state, read once of all that are alike."""
        key = states.weight(state) >> _BITS
        if key not in self.known_facts:
            root = self.folder / "read"
            lay_out([each for each in states.entries(state) if not each.path.startswith(_DERIVED)], root)
            try:
                self.known_facts[key] = lives.facts(root)
            except (TallybookError, OSError, ValueError) as error:
                self.known_facts[key] = f"{type(error).__name__}: {error}"
            shutil.rmtree(root)
        return self.known_facts[key]


class CuttingOs(FaultyOs):
    """Cuts the power after every change to the disk, in thought."""

    def __init__(self, root: Path, cuts: Cuts, ignore_fsync: Callable[[str, bool], bool]) -> None:
        super().__init__(root, ignore_fsync=ignore_fsync)
        self._cuts = cuts

    def changed(self, name: str) -> None:
        """Enumerate what is left if the power is cut now."""
        if name in _CHANGES:
            self._cuts.cut(self)


def tried(scratch: Path, *, every: int) -> Tally:
    """Cut the power after every ``every``-th change of each step, and recover from as many fewer states."""
    tally = Tally("power_cuts", frozenset({"old", "new"}))
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else scratch, prefix="tallybook-power-") as name:
        folder = Path(name)
        for life in lives.LIVES:
            root = life.begin(folder / "life")
            for step in life.steps:
                lives.prepare(root, step)
                undisturbed = shutil.copytree(root, folder / "undisturbed")
                one_step(tally, folder, root, undisturbed, life, step, every=every)
                shutil.rmtree(root)
                undisturbed.rename(root)
            shutil.rmtree(root)
    return tally


def one_step(  # noqa: PLR0917 - all that a step is
    tally: Tally,
    folder: Path,
    root: Path,
    undisturbed: Path,
    life: lives.Life,
    step: lives.Step,
    *,
    every: int,
    recovered_max: int = RECOVERED_MAX,
    ignore_fsync: Callable[[str, bool], bool] = lambda *_: False,
) -> None:
    """Run a step in the copy ``undisturbed`` of ``root`` while the power is cut, and recover from what is left."""
    before = lives.facts(root)
    cuts = Cuts(tally, step.name, folder, random.Random(SEED), every, STATES_MAX, {}, shown=[before])
    _run_cut(cuts, undisturbed, step, ignore_fsync)
    known = recovery.of_undisturbed(before, undisturbed, life, step, folder)
    if cuts.shown[-1] != known.after:
        tally.lost.append(f"{step.name}: the model says {cuts.shown[-1]}, the disk {known.after}")
    for facts in cuts.shown:
        tally.outcomes[recovery.outcome(facts, known)] += 0
    tally.outcomes["distinct to readers"] += len(cuts.known_facts)
    tally.outcomes["distinct"] += len(cuts.distinct)
    for number, (place, entries) in enumerate(_to_be_recovered(cuts, recovered_max // every)):
        left = folder / "left"
        lay_out(entries, left)
        _recover(cuts, left, known, f"{step.name}, state {place}", is_cut_again=number % CUT_AGAIN_EVERY == 1)
        shutil.rmtree(left)


def _to_be_recovered(cuts: Cuts, derived_max: int) -> list[tuple[int, list[Entry]]]:
    """Return the first state of all that are alike to readers, and others spread over the rest."""
    alike: set[int] = set()
    first, others = [], []
    for place, (weight, entries) in enumerate(cuts.distinct.items()):
        (others if weight >> _BITS in alike else first).append((place, entries))
        alike.add(weight >> _BITS)
    if not derived_max:
        return []
    return sorted(first[:: cuts.every] + others[:: len(others) // derived_max + 1], key=lambda each: each[0])


def _run_cut(cuts: Cuts, root: Path, step: lives.Step, ignore_fsync: Callable[[str, bool], bool]) -> None:
    fault = CuttingOs(root, cuts, ignore_fsync)
    with mock.patch.object(disk, "os", fault):
        done = lives.run(root, step.arguments)
    if done.returncode:
        cuts.tally.lost.append(f"{cuts.where}: ends with {done.returncode}: {done.stderr[-200:]}")
    cuts.cut(fault, is_done=True)


def _recover(cuts: Cuts, root: Path, known: Undisturbed, where: str, *, is_cut_again: bool) -> None:
    tally = cuts.tally
    try:
        left = lives.facts(root)
    except TallybookError:
        return  # told already
    tally.outcomes[recovery.outcome(left, known)] += 1
    if is_cut_again and recovery.is_to_be_run_again(root, known):
        again = Cuts(
            tally, f"{where}, again", cuts.folder, cuts.instants, cuts.every, cuts.states_max, {}, shown=[left]
        )
        second = shutil.copytree(root, cuts.folder / "second")
        before = tally.injected["states"]
        _run_cut(again, second, known.step, lambda *_: False)
        tally.injected["states in runs after"] += tally.injected["states"] - before
        tally.injected["states"] = before
        tally.outcomes["distinct in runs after"] += len(again.distinct)
        shutil.rmtree(second)
    if recovery.finish(tally, where, root, known):
        tally.outcomes["recovered"] += 1
