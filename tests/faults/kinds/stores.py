"""The lake and the invoices lie on a store whose answers lie, and at whose requests the command's process is killed.

Every step of every life is walked, request by request: before what it asks is done, or after, the process is killed by
SIGKILL; the store refuses, hangs up, answers too late or what is not so, once or from then on. Then the same machine
goes on, or every other time another one with an empty disk: the step is run again, the night, and ``verify``. Machine,
bucket and a third, empty machine must then have every fact once, and the bucket nothing that an undisturbed life leaves
not.

Owns which faults are tried at which request. Does not own the server (``tests/support/stores/faulty_store``), nor
machines at work at the same time (``store_rivals``).
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from unittest import mock

import faulty_store
import lives
import machines
import recovery
from faulty_store import Planned
from forking import ForkingParent, Run
from tally import Tally
from workspaces import fingerprints

from pipeline.objects import disk
from pipeline.objects.mounted import lease

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from crowds import Finished
    from faulty_store import Request
    from lives import Life, Step
    from machines import Bucket
    from workspaces import Done

_READ = ("500 before", "closed before", "late", "cut short", "flipped")
_WRITTEN = ("500 before", "503 before", "closed before", "500 after", "closed after", "late")
FAULTS_OF = {
    "create": (*_WRITTEN, "409 before"),
    "replace": (*_WRITTEN, "409 before"),
    "put": _WRITTEN,
    "delete": _WRITTEN,
    "get": _READ,
    "range": _READ,
    "head": ("500 before", "closed before"),
    "list": ("500 before", "closed before", "cut short", "stale list", "old list"),
}
LASTING = "500 before"
ALWAYS = (*((kill, False) for kill in faulty_store.KILLS), (LASTING, True))
"""At every request, whatever it asks; and whether from then on."""
OUTCOMES = frozenset({"old", "new", "ended", "refused in one line"})
_NAMES = re.compile(r"[0-9a-f]{16,64}|[0-9]{20}")
_OF_NOBODY = re.compile(r"(lake|invoices)/(_lock\.json|_conditions)")
"""What stays of no run: the lock, and by what a store was tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A step without any fault: what was there before, and after it, and after the next night."""

    step: Step
    night: tuple[str, ...]
    before: Counter[str]
    after: Counter[str]
    after_night: Counter[str]
    invoices: dict[str, str]
    objects: Counter[str]
    """What the bucket holds after the night, by class."""
    recovered: set[str] = field(default_factory=set)


def tried(scratch: Path, *, every: int) -> Tally:
    """Try every fault at every request of each step of each life, or one in ``every`` of all these, by lot."""
    tally = Tally("stores", OUTCOMES)
    with machines.a_bucket() as bucket, ForkingParent() as parent:
        walk = _Walk(tally=tally, bucket=bucket, parent=parent, scratch=scratch, every=every)
        for life in lives.LIVES:
            root = life.begin(scratch / "life")
            bucket.take(root)
            for step in life.steps:
                lives.prepare(root, step)
                walk.step(root, life, step)
            shutil.rmtree(root)
    return tally


def faults_at(step: str, request: Request, every: int) -> list[tuple[str, bool]]:
    """Return what is tried at a request of a step, and whether it lasts: all, or what the lot fell on.

    The lot is drawn by the names, so that a run can be had again, and any fault may meet any request.
    """
    everything = [*((fault, False) for fault in FAULTS_OF.get(request.kind, ())), *ALWAYS]
    return [each for each in everything if not zlib.crc32(f"{step} {request.number} {each}".encode()) % every]


@dataclass(slots=True, kw_only=True)
class _Walk:
    tally: Tally
    bucket: Bucket
    parent: ForkingParent
    scratch: Path
    every: int
    tried: int = 0

    def step(self, root: Path, life: Life, step: Step) -> None:
        """Try the faults of one step, and leave workspace and bucket as they are after it."""
        before = machines.facts(root, self.bucket)
        state = self.bucket.contents()
        undisturbed = shutil.copytree(root, self.scratch / "undisturbed")
        self.bucket.server.plan()
        _in_peace(undisturbed, step.arguments)
        requests = list(self.bucket.server.requests)
        after, after_state = machines.facts(undisturbed, self.bucket), self.bucket.contents()
        known = self._known(undisturbed, life, step, before, after)
        for request in requests:
            for fault, is_lasting in faults_at(step.name, request, self.every):
                self.bucket.refill(state)
                tried = shutil.copytree(root, self.scratch / "tried")
                where = f"{step.name}, {fault}{' from then on' if is_lasting else ''} at request {request.number} of "
                where += f"{len(requests)} ({request.kind} {request.key})"
                self.tried += 1
                self._one(tried, where, Planned(fault=fault, at=request.number, is_lasting=is_lasting), known)
                shutil.rmtree(tried)
        self.bucket.refill(after_state)
        shutil.rmtree(root)
        undisturbed.rename(root)

    def _known(self, root: Path, life: Life, step: Step, before: Counter[str], after: Counter[str]) -> Known:
        state = self.bucket.contents()
        later = shutil.copytree(root, self.scratch / "the night after")
        _in_peace(later, life.night)
        known = Known(
            step=step,
            night=life.night,
            before=before,
            after=after,
            after_night=machines.facts(later, self.bucket),
            invoices=fingerprints(later / "invoices"),
            objects=_classes(self.bucket.contents()),
        )
        shutil.rmtree(later)
        self.bucket.refill(state)
        return known

    def _one(self, root: Path, where: str, planned: Planned, known: Known) -> None:
        fault = f"{planned.fault}{' from then on' if planned.is_lasting else ''}"
        ended = (self._killed if planned.fault in faulty_store.KILLS else self._answered)(root, planned, known)
        is_reached = bool(self.bucket.server.injected)
        self.bucket.server.plan()
        if not is_reached:
            self.tally.outcomes["was not reached"] += 1  # requests of several threads change places
        else:
            self.tally.injected[fault] += 1
        machine = root
        if self.tried % 2:
            machine = machines.another_machine(root, self.scratch / "another")
            self.tally.outcomes["another machine went on"] += 1
        with machines.later(), mock.patch.object(disk, "os", recovery.WithoutWaiting()):
            found = machines.facts(machine, self.bucket)
            self.tally.outcomes["new" if found == known.after else "old" if found == known.before else "between"] += 1
            if ended == "ended":
                self.tally.compare(f"{where}: it had ended", found, known.after)
            elif ended not in {"killed", "refused in one line"}:
                self.tally.silent.append(f"{where}: {ended}")
            self._finish(machine, where, known)
        self.tally.outcomes[ended if ended in {"ended", "killed", "refused in one line"} else "wrong"] += 1
        if machine != root:
            shutil.rmtree(machine)

    def _killed(self, root: Path, planned: Planned, known: Known) -> str:
        number_to = self.scratch / "number"
        self.bucket.server.victim = faulty_store.pid_in(number_to)
        self.bucket.server.plan(planned)
        words = list(lives.words(known.step.arguments))
        ended = self.parent.run(Run(workspace=str(root), arguments=words, kill_after=None, number_to=str(number_to)))
        return "killed" if ended.is_killed else "ended" if not ended.code else f"ended with {ended.code}"

    def _answered(self, root: Path, planned: Planned, known: Known) -> str:
        self.bucket.server.plan(planned)
        try:
            done = lives.run(root, known.step.arguments)
        except Exception as error:  # noqa: BLE001 - whatever leaves the command is a traceback, and is what we look for
            return f"a traceback: {type(error).__name__}: {error}"
        return outcome_of(done)

    def _finish(self, machine: Path, where: str, known: Known) -> None:
        """Run the step again where somebody would, the night, and look at all that is there from everywhere."""
        digest = digest_of([machine], self.bucket)
        if digest in known.recovered:
            self.tally.outcomes["left what was recovered before"] += 1
            return
        known.recovered.add(digest)
        tally, bucket = self.tally, self.bucket
        bucket.age()
        if known.step.repeatable or machines.facts(machine, bucket) != known.after:
            done = lives.run(machine, known.step.arguments)
            if done.returncode:
                tally.lost.append(f"{where}: the run after ends with {done.returncode}: {done.stderr[-300:]}")
        tally.compare(where, machines.facts(machine, bucket), known.after)
        if (night := lives.run(machine, known.night)).returncode:
            tally.lost.append(f"{where}: the next night: {night.stderr[-300:]}")
        self._check_invoices(where, machine, known)
        if litter := [
            path.relative_to(machine) for path in machine.rglob("*") if disk.TEMPORARY_NAME.fullmatch(path.name)
        ]:
            tally.silent.append(f"{where}: not swept: {', '.join(map(str, litter))}")
        self._check_objects(where, known)
        empty = machines.another_machine(machine, self.scratch / "empty")
        tally.compare(f"{where}: from an empty disk", machines.facts(empty, bucket), known.after_night)
        for root in (machine, empty):
            checked = lives.run(root, lives.verify(root))
            if checked.returncode:
                failed = [line for line in checked.stdout.splitlines() if line.startswith("FAIL")]
                tally.lost.append(f"{where}: verify of {root.name}: {failed or checked.stderr[-300:]}")
        shutil.rmtree(empty)

    def _check_invoices(self, where: str, machine: Path, known: Known) -> None:
        found = fingerprints(machine / "invoices")
        if known.step.is_same_again:
            names = found.keys() | known.invoices.keys()
            differ = sorted(
                name
                for name in names
                if found.get(name) != known.invoices.get(name)
                and not (name not in found and name.startswith("configurations/"))  # brought once they are asked for
            )
            if differ:
                self.tally.silent.append(f"{where}: other files of invoices: {', '.join(differ)}")

    def _check_objects(self, where: str, known: Known) -> None:
        found = _classes(self.bucket.contents())
        for what, objects in (("not swept on the store", found - known.objects), ("not there", known.objects - found)):
            if objects:
                named = ", ".join(f"{count} {name}" for name, count in objects.items())
                self.tally.silent.append(f"{where}: {what}: {named}")


def outcome_of(done: Done | Finished) -> str:
    """Say what a command came to whose store did not do as it was asked."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("tallybook: ")]
    if "Traceback" in done.stderr:
        return f"a traceback: {done.stderr[-300:]}"
    if not done.returncode:
        return "ended"
    return "refused in one line" if len(lines) == 1 else f"ended with {done.returncode}: {done.stderr[-300:]!r}"


def _in_peace(root: Path, arguments: tuple[str, ...]) -> None:
    if (done := lives.run(root, arguments)).returncode:
        msg = f"{arguments}: {done.stderr}"
        raise RuntimeError(msg)


def _classes(contents: dict[str, bytes]) -> Counter[str]:
    return Counter(_NAMES.sub("*", key) for key in contents if not _OF_NOBODY.fullmatch(key))


def digest_of(roots: Iterable[Path], bucket: Bucket) -> str:
    """Return one digest of what machines and a bucket hold; of the lock, whether somebody left it, or something."""
    contents = bucket.contents()
    found = [
        f"{key} {hashlib.sha256(each).hexdigest()}" for key, each in contents.items() if not _OF_NOBODY.fullmatch(key)
    ]
    for key in ("lake/_lock.json", "invoices/_lock.json"):
        lock = json.loads(contents.get(key, b"{}"))
        found.append(f"{key} {lock.get('run') == lease.FREE} {lock.get('is_clean')}")
    digests = [*map(recovery.digest_of, roots), hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest()]
    return " ".join(digests)
