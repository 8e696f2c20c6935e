"""Machines that meet on a store: two, one of which does all its work between two requests of the other; and crowds.

Each machine has its own disk, and some have logs that others have not. Between every two requests of a command another
machine runs another one as a whole, or the same; and two to eight real processes run at the same time. Every other time
the lock of the store is over at once, so that it keeps nobody off: what then holds is what the store's conditions hold.
Whoever is refused says so in one line, and is run again. What is there afterwards is what some order of the commands,
one after the other, would have made; a machine with an empty disk finds the same.

Does not own what becomes of a machine alone whose store lies (``stores``).
"""

from __future__ import annotations

import json
import random
import re
import shutil
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import permutations
from typing import TYPE_CHECKING
from unittest import mock

import lives
import machines
import stores
from crowds import Crowd, Member
from faulty_store import RIVAL, Planned
from forking import ForkingParent, Run
from rivals import COLLECT, COMPACT, FORGET, ISSUE, ISSUE_LATER, NIGHT, PAY, SEED, VOID
from tally import Tally
from workspaces import append_log, plain, write_log

from pipeline import lake
from pipeline.base.errors import TallybookError
from pipeline.lake.commits import kept_files
from pipeline.objects import layout
from pipeline.objects.mounted import lease

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from crowds import Finished
    from machines import Bucket
    from workspaces import Done

    Words = tuple[str, ...]

LOCKED = 5
ROUNDS = 10
"""Of each meeting of a crowd, in a whole run."""
JITTER_SECONDS = 0.3
_OF_ORDER = re.compile(r'[0-9a-f]{64}|"commit": [0-9]+')
OUTCOMES = frozenset({"ended", "refused: in use", "refused in one line"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """Commands of machines that meet, after a step of the life."""

    name: str
    stage: str
    writers: tuple[Words, Words]
    """The first is one machine's, the second the other's; of a crowd each is somebody's."""
    may_also: frozenset[int] = frozenset()
    """Exit codes of one that came too late, and says why in one line."""


MEETINGS = (
    Meeting(name="collects", stage="nightly", writers=(COLLECT, COLLECT)),
    Meeting(name="nights", stage="again", writers=(NIGHT, NIGHT)),
    Meeting(name="night and issue", stage="again", writers=(NIGHT, ISSUE)),
    Meeting(name="issue and issue", stage="again", writers=(ISSUE, ISSUE)),
    Meeting(name="two periods are issued", stage="again", writers=(ISSUE, ISSUE_LATER)),
    Meeting(name="void and night", stage="issue", writers=(VOID, NIGHT), may_also=frozenset({2})),
    Meeting(name="void and void", stage="issue", writers=(VOID, VOID), may_also=frozenset({2})),
    Meeting(name="payment and payment", stage="issue", writers=(PAY, PAY), may_also=frozenset({2})),
    Meeting(name="payment and void", stage="issue", writers=(PAY, VOID), may_also=frozenset({2})),
    Meeting(name="payment and night", stage="issue", writers=(PAY, NIGHT), may_also=frozenset({2})),
    Meeting(name="forget and night", stage="issue once more", writers=(FORGET, NIGHT)),
    Meeting(name="forget and forget", stage="issue once more", writers=(FORGET, FORGET)),
    Meeting(name="compact and compact", stage="again", writers=(COMPACT, COMPACT)),
    Meeting(name="compact and collect", stage="again", writers=(COMPACT, COLLECT)),
    Meeting(name="compact and night", stage="again", writers=(COMPACT, NIGHT)),
    Meeting(name="compact and issue", stage="again", writers=(COMPACT, ISSUE)),
    Meeting(name="compact and void", stage="issue", writers=(COMPACT, VOID), may_also=frozenset({2})),
    Meeting(name="compact and forget", stage="issue once more", writers=(COMPACT, FORGET)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The life as of after a step: the disk of the machine that lived it, and what the bucket held."""

    root: Path
    contents: dict[str, bytes]


@dataclass(slots=True, kw_only=True)
class _Meetings:
    tally: Tally
    bucket: Bucket
    scratch: Path
    every: int
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))  # so that a run can be had again
    looked_at: set[str] = field(default_factory=set)
    """What was left by meetings of before, and who was to run again: the same comes to the same."""

    def between_requests(self, parent: ForkingParent, stage: Stage, meeting: Meeting) -> None:
        """Let the other machine do all its work between two requests of one, in turn, with a lock and without."""
        for one, other in _assigned(meeting):
            ends = self._ends(stage, meeting, (one, other))
            machine, _ = self._machines(stage, 2)
            self.bucket.server.plan()
            lives.run(machine, one)
            requests = len(self.bucket.server.requests)
            for number, at in enumerate(range(1, requests + 1, self.every)):
                for is_locking in (True, False) if self.every == 1 else (number % 2 == 0,):
                    where = f"{meeting.name}: {_said(other)} at request {at} of {requests} of {_said(one)}"
                    self._interrupted(parent, stage, meeting, one, other, at, ends, where, is_locking=is_locking)

    def _interrupted(  # noqa: PLR0917 - one point of the walk
        self,
        parent: ForkingParent,
        stage: Stage,
        meeting: Meeting,
        one: Words,
        other: Words,
        at: int,
        ends: tuple[Counter[str], ...],
        where: str,
        *,
        is_locking: bool,
    ) -> None:
        where += "" if is_locking else ", no lock"
        machine, second = self._machines(stage, 2)
        codes: list[int] = []

        def rival() -> None:
            run = Run(workspace=str(second), arguments=list(lives.words(other)), kill_after=None)
            codes.append(parent.run(run).code)

        self.bucket.server.rival = rival
        self.bucket.server.plan(Planned(fault=RIVAL, at=at))
        with nullcontext() if is_locking else no_lock():
            done = lives.run(machine, one)
        self.bucket.server.plan()
        if not codes:
            self.tally.outcomes["was not reached"] += 1  # requests of several threads change places
            return
        self.tally.injected[f"between two requests{'' if is_locking else ', no lock'}"] += 1
        again = [(machine, one)] if self._is_to_be_run_again(where, meeting, done) else []
        if codes[0]:
            self.tally.outcomes["the other was refused"] += 1
            again.append((second, other))
        self._check(where, meeting, [machine, second], again, ends)

    def crowd(self, crowd: Crowd, stage: Stage, meeting: Meeting, rounds: int) -> None:
        """Let two to eight machines run at the same time."""
        ends = tuple(each for writers in _assigned(meeting) for each in self._ends(stage, meeting, writers))
        for number in range(rounds):
            is_locking = number % 2 == 0
            size = self.chance.randint(2, 8)
            who = [*meeting.writers, *(self.chance.choice(meeting.writers) for _ in range(size - 2))]
            roots = self._machines(stage, size)
            where = f"{meeting.name}, {size} machines, round {number}{'' if is_locking else ', no lock'}"
            self.tally.injected[f"meetings of {size} machines{'' if is_locking else ', no lock'}"] += 1
            self.bucket.server.plan()
            finished = crowd.together(
                [
                    Member(
                        workspace=str(root),
                        arguments=list(words),
                        delay=self.chance.uniform(0, JITTER_SECONDS),
                        is_locking=is_locking,
                    )
                    for root, words in zip(roots, who, strict=True)
                ]
            )
            again = [
                (root, words)
                for root, words, each in zip(roots, who, finished, strict=True)
                if self._is_to_be_run_again(where, meeting, each)
            ]
            self._check(where, meeting, roots, again, ends)

    def _machines(self, stage: Stage, count: int) -> list[Path]:
        """Set up machines: the first has lived so far, each second one has an empty disk, one has more logs."""
        self.bucket.refill(stage.contents)
        shutil.rmtree(self.scratch / "machines", ignore_errors=True)
        roots = [shutil.copytree(stage.root, self.scratch / "machines" / "0")]
        for number in range(1, count):
            to = self.scratch / "machines" / str(number)
            roots.append(machines.another_machine(stage.root, to) if number % 2 else shutil.copytree(stage.root, to))
            if number == 1:
                write_log(to, "of-the-other.jsonl", plain("2026-10-31T10:00:00Z", id="other"), "no JSON there")
        return roots

    def _ends(self, stage: Stage, meeting: Meeting, writers: tuple[Words, Words]) -> tuple[Counter[str], ...]:
        """Return the facts after each order of the two, each on a machine of its own."""
        ends = []
        for order in permutations((0, 1)):
            roots = self._machines(stage, 2)
            for place in order:
                done = lives.run(roots[place], writers[place])
                if done.returncode and done.returncode not in meeting.may_also:
                    msg = f"{meeting.name}: {writers[place]}: {done.stderr}"
                    raise RuntimeError(msg)
            ends.append(self._settled(roots))
        return tuple(ends)

    def _settled(self, roots: list[Path]) -> Counter[str]:
        """Let every machine collect what it has, so that facts do not depend on who collected; return them."""
        for root in roots[:2]:
            if (done := lives.run(root, COLLECT)).returncode:
                msg = f"collect afterwards: {done.stderr}"
                raise RuntimeError(msg)
        return self._facts(roots[0])

    def _facts(self, root: Path) -> Counter[str]:
        """Return the facts without what says in which order commits were made: their numbers, and digests."""
        found: Counter[str] = Counter()
        for fact, count in machines.facts(root, self.bucket).items():
            found[_OF_ORDER.sub("*", fact)] += count
        return found

    def _is_to_be_run_again(self, where: str, meeting: Meeting, done: Done | Finished) -> bool:
        """Note how a command ended, and say whether somebody would run it again."""
        ended = stores.outcome_of(done)
        if ended == "ended":
            self.tally.outcomes[ended] += 1
            return False
        if ended != "refused in one line":
            self.tally.silent.append(f"{where}: {ended}")
        elif done.returncode in meeting.may_also:
            self.tally.outcomes["came too late"] += 1
            return False
        elif done.returncode == LOCKED and "is in use by" in done.stderr:
            self.tally.outcomes["refused: in use"] += 1
        else:
            self.tally.outcomes[ended] += 1
        return True

    def _check(
        self,
        where: str,
        meeting: Meeting,
        roots: list[Path],
        again: list[tuple[Path, Words]],
        ends: tuple[Counter[str], ...],
    ) -> None:
        """Look at all that is there from everywhere; what cannot be read is lost."""
        try:
            self._look(where, meeting, roots, again, ends)
        except (TallybookError, RuntimeError) as error:
            self.tally.lost.append(f"{where}: {str(error)[-300:]}")

    def _look(
        self,
        where: str,
        meeting: Meeting,
        roots: list[Path],
        again: list[tuple[Path, Words]],
        ends: tuple[Counter[str], ...],
    ) -> None:
        tally, bucket = self.tally, self.bucket
        left = f"{meeting.name}: {stores.digest_of(roots, bucket)} {[(root.name, words) for root, words in again]}"
        if left in self.looked_at:
            tally.outcomes["left what was looked at before"] += 1
            return
        self.looked_at.add(left)
        bucket.age()
        with machines.later():
            for root, words in again:
                done = lives.run(root, words)
                if done.returncode and done.returncode not in meeting.may_also:
                    tally.lost.append(f"{where}: {_said(words)} run again: {done.stderr[-300:]}")
            found = self._settled(roots)
            if found not in ends:
                tally.compare(where, found, ends[0])
            for number, root in enumerate(roots[1:], 1):
                tally.compare(f"{where}: machine {number}", self._facts(root), found)
            if (night := lives.run(roots[0], lives.NIGHT)).returncode:
                tally.lost.append(f"{where}: the next night: {night.stderr[-300:]}")
            empty = machines.another_machine(roots[0], self.scratch / "empty")
            tally.compare(
                f"{where}: from an empty disk", machines.facts(empty, bucket), machines.facts(roots[0], bucket)
            )
            for root in (roots[0], roots[-1], empty):
                checked = lives.run(root, lives.verify(root))
                if checked.returncode:
                    failed = [line for line in checked.stdout.splitlines() if line.startswith("FAIL")]
                    tally.lost.append(f"{where}: verify of machine {root.name}: {failed or checked.stderr[-300:]}")
            tally.silent += [f"{where}: not swept on the store: {key}" for key in unnamed(empty, bucket)]
            tally.silent += [f"{where}: named, and not on the store: {key}" for key in lacking(bucket)]
            shutil.rmtree(empty)


def tried(scratch: Path, *, every: int, meetings: Iterable[Meeting] = MEETINGS, rounds: int = ROUNDS) -> Tally:
    """Hold the meetings: between every ``every``-th request, and ``rounds / every`` rounds of a crowd."""
    tally = Tally("store_rivals", OUTCOMES)
    with machines.a_bucket(machines.PATIENT) as bucket, ForkingParent() as parent, Crowd() as crowd:
        held = _Meetings(tally=tally, bucket=bucket, scratch=scratch, every=every)
        listed = tuple(meetings)
        stages = _stages(scratch, bucket, {meeting.stage for meeting in listed})
        for meeting in listed:
            held.between_requests(parent, stages[meeting.stage], meeting)
            held.crowd(crowd, stages[meeting.stage], meeting, -(-rounds // every))
    return tally


def unnamed(machine: Path, bucket: Bucket) -> list[str]:
    """Return the objects that a machine with all the facts knows no name for: those that were left by nobody's commit.

    Only of files by their digest; entries are facts, and what is derived is named by its manifest.
    """
    snapshot = lake.read_log(layout.lake(machine))
    events = (*snapshot.data_files, *snapshot.superseded_files)
    lines = (*snapshot.quarantine_files, *snapshot.superseded_quarantine_files)
    named = {f"lake/usage_events/{each.stored.path}" for each in events}
    named |= {f"lake/quarantine/{each.stored.path}" for each in lines}
    named |= {f"lake/forgotten/{each.name}" for each in kept_files(snapshot)}
    contents = bucket.contents()
    for table in {key.split("/")[1] for key in contents if key.endswith("/_manifest.json")}:
        manifest = contents[f"lake/{table}/_manifest.json"].decode()
        named |= {key for key in contents if key.startswith(f"lake/{table}/") and key.rpartition("/")[2] in manifest}
    last = json.loads(contents.get("lake/usage_events/_delta_log/_last_checkpoint", b"{}"))
    named.add(f"lake/usage_events/_delta_log/{last.get('version', 0):020d}.checkpoint.parquet")
    return sorted(key for key in contents if key.endswith(".parquet") and key not in named)


def lacking(bucket: Bucket) -> list[str]:
    """Return the files that a manifest on the store names, and that are not there."""
    contents = bucket.contents()
    found = []
    for key in contents:
        if key.endswith("/_manifest.json"):
            folder = key.rpartition("/")[0]
            named = [f"{folder}/{each['name']}" for each in json.loads(contents[key])["files"].values()]
            found += [each for each in named if each not in contents]
    return found


def _stages(scratch: Path, bucket: Bucket, wanted: set[str]) -> dict[str, Stage]:
    found = {}
    root = lives.begin(scratch / "life")
    bucket.refill({})
    for step in lives.LIFE:
        lives.prepare(root, step)
        if (done := lives.run(root, step.arguments)).returncode:
            msg = f"{step.name}: {done.stderr}"
            raise RuntimeError(msg)
        if step.name in wanted:
            copy = shutil.copytree(root, scratch / step.name.replace(" ", "-"))
            append_log(copy, "a.jsonl", *(plain("2026-10-30T10:00:00Z", id=f"new-{n}") for n in range(5)))
            found[step.name] = Stage(root=copy, contents=bucket.contents())
        if wanted <= found.keys():
            break
    return found


def _assigned(meeting: Meeting) -> list[tuple[Words, Words]]:
    """Return who may do which: each of two commands on either machine."""
    first, second = meeting.writers
    return list(dict.fromkeys([(first, second), (second, first)]))


def no_lock() -> mock._patch[timedelta]:
    """Let a lock be over as soon as it is taken."""
    return mock.patch.object(lease, "EXPIRES_AFTER", timedelta(0))


def _said(words: Words) -> str:
    return " ".join(words[:2] if words[0] == "invoice" else words[:1])
