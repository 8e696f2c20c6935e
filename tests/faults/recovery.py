"""After a fault: the step is run again where it must be, then the night and ``verify``; nothing may lack or be double.

What comes of it is the same function of the files each time, so files that are equal but for the names of temporaries
are tried once: those that a fault left, and those that the run after came to. Owns what a workspace must come to. Does
not own the faults.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest import mock

import lives
from workspaces import fingerprints

from pipeline.objects import disk

if TYPE_CHECKING:
    from collections import Counter
    from pathlib import Path

    from lives import Life, Step
    from tally import Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Undisturbed:
    """A step without any fault: the facts before and after it, and the files of invoices after the next night."""

    step: Step
    night: tuple[str, ...]
    before: Counter[str]
    after: Counter[str]
    invoices: dict[str, str]
    recovered: set[str] = field(default_factory=set)
    """What was left, by ``digest_of``, where it was tried already."""
    seen_at_night: set[str] = field(default_factory=set)
    """What the run after came to, by its digest, where the next night and ``verify`` were tried already."""
    facts: dict[str, Counter[str]] = field(default_factory=dict)
    """The facts of what was left, by its digest."""


class WithoutWaiting:
    """The ``os`` whose fsync waits for no disk: no power is cut any more."""

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def fsync(self, descriptor: int) -> None:
        """Do nothing."""


def of_undisturbed(before: Counter[str], root: Path, life: Life, step: Step, scratch: Path) -> Undisturbed:
    """Return what a step came to in the workspace ``root``, which stays as it is."""
    later = shutil.copytree(root, scratch / "the night after")
    if (night := lives.run(later, life.night)).returncode:
        msg = f"the night after {step.name}: {night.stderr}"
        raise RuntimeError(msg)
    invoices = fingerprints(later / "invoices")
    shutil.rmtree(later)
    return Undisturbed(step=step, night=life.night, before=before, after=lives.facts(root), invoices=invoices)


def outcome(found: Counter[str], known: Undisturbed) -> str:
    """Say whether a fault left what was there before the step, what is there after it, or something between."""
    return "new" if found == known.after else "old" if found == known.before else "between"


def digest_of(root: Path) -> str:
    """Return one digest of all files and folders, of temporaries without their random names, and not of the lock."""
    lines = []
    for path in root.rglob("*"):
        name = path.relative_to(root).as_posix()
        is_temporary = disk.TEMPORARY_NAME.fullmatch(path.name)
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "a folder"
        if path.name != ".lock":
            lines.append(f"{f'{path.parent.relative_to(root)}/.tmp' if is_temporary else name} {content}")
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def facts_of(root: Path, known: Undisturbed, digest: str | None = None) -> Counter[str]:
    """Return ``lives.facts``, which are a function of the files, read once of all that have one digest."""
    digest = digest_of(root) if digest is None else digest
    if digest not in known.facts:
        known.facts[digest] = lives.facts(root)
    return known.facts[digest]


def is_to_be_run_again(root: Path, known: Undisturbed) -> bool:
    """Say whether somebody would: who issues or rotates looks first, and does not make again what is there."""
    return known.step.repeatable or lives.facts(root) != known.after


def finish(tally: Tally, where: str, root: Path, known: Undisturbed, digest: str | None = None) -> bool:
    """Run the step again, the night and ``verify``, and note what lacks, is double, or differs in a bill.

    ``digest`` is that of the workspace, where it is known. Return whether it had to be tried: not where the same was
    left before.
    """
    digest = digest_of(root) if digest is None else digest
    if digest in known.recovered:
        return False
    known.recovered.add(digest)
    with mock.patch.object(disk, "os", WithoutWaiting()):
        _finish(tally, where, root, known)
    return True


def _finish(tally: Tally, where: str, root: Path, known: Undisturbed) -> None:
    if is_to_be_run_again(root, known):
        done = lives.run(root, known.step.arguments)
        if done.returncode:
            tally.lost.append(f"{where}: the run after ends with {done.returncode}: {done.stderr[-200:]}")
    digest = digest_of(root)
    tally.compare(where, facts_of(root, known, digest), known.after)
    if digest in known.seen_at_night:
        return
    known.seen_at_night.add(digest)
    if (night := lives.run(root, known.night)).returncode:  # it writes anew what is derived
        tally.lost.append(f"{where}: the next night: {night.stderr[-200:]}")
    if known.step.is_same_again and (found := fingerprints(root / "invoices")) != known.invoices:
        names = found.keys() | known.invoices.keys()
        differ = sorted(name for name in names if found.get(name) != known.invoices.get(name))
        tally.silent.append(f"{where}: other files of invoices: {', '.join(differ)}")
    if litter := [path.relative_to(root) for path in root.rglob("*") if disk.TEMPORARY_NAME.fullmatch(path.name)]:
        tally.silent.append(f"{where}: not swept: {', '.join(map(str, litter))}")
    if (checked := lives.run(root, lives.verify(root))).returncode:
        failed = [line for line in checked.stdout.splitlines() if line.startswith("FAIL")]
        tally.lost.append(f"{where}: verify: {failed or checked.stderr[-200:]}")
