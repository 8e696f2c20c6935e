"""The machine itself refuses, in every step of every life: no call is patched, the command is a process of its own.

Files may not grow (``ulimit -f``), few may be open, little memory may be had; a file system is full at every few KiB
and after every few files, or read-only from the start or from some instant on; folders and files are closed, or another
user's; ``TMPDIR`` is full, missing or read-only, there is no ``HOME`` and no ``/dev/shm``. The command ends in one line
that says what is wrong where and what to do, with exit code 8; or it goes on, and all it did is right or it says what
it could not read. It leaves neither a traceback nor a core, and no signal ends it, but where there is next to no memory
and a library gives up. In a usual surrounding it then comes to what it would have.

What this machine cannot refuse (no root, no mounts, no room for another user) is skipped by name.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections import Counter
from typing import TYPE_CHECKING

import lives
import recovery
from quick import WHOLE
from surrounded import ALL, Surrounding, Surroundings
from tally import Tally
from workspaces import fingerprints, plain, write_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from quick import Share
    from recovery import Undisturbed
    from surrounded import Came

MACHINE = 8
"""The exit code of what the machine refuses."""
WITHOUT_MEMORY = "ended by the system for want of memory"
AS_PROMISED = frozenset({"refused", "went on", "told what it could not read", WITHOUT_MEMORY})
ABORTED_BY_THE_LOADER = 127
"""By which the C library ends a process that it cannot give what a thread needs."""
NO_PLACES = ("memory", "thread", "open files", "TMPDIR")
"""What may be refused that is nowhere."""
PAGE_KIB = 4
"""What a file system of memory gives out at once."""
INSTANTS = 12
"""At which a file system becomes read-only, spread over the time that a step takes."""
OPEN_FILES = range(3, 28)
ADDRESS_MIB = (32, 64, 128, 256, 512, 1024, 2048, 4096, 6144, 8192)
"""Below the first the C library itself ends a process that asks for a thread."""
PLACES: dict[str, Callable[[str], Surrounding]] = {
    "read-only": lambda place: Surrounding(read_only=place),
    "no permission": lambda place: Surrounding(closed=(place,)),
    "no permission to write": lambda place: Surrounding(sealed=(place,)),
    "another user's": lambda place: Surrounding(of_another=(place,)),
}
"""What may be wrong with a folder or file of the workspace."""
WRONG_AT = {
    "read-only": (ALL, "lake", "invoices", "logs", "rates", "key-aliases"),
    "no permission": (
        *("logs", "logs/a.jsonl", "lake", "lake/usage_events", "lake/counted", "invoices", "invoices/register"),
        *("lake/usage_events/_delta_log/00000000000000000000.json", "invoices/register/00000000000000000001.json"),
        *("invoices/2026-09", "invoices/2026-09/invoices.csv", "invoices/configurations", "lake/told", "lake/charges"),
        *("key-secret", "tallybook.toml", "accounts.toml", "rates", "rates/standard.toml", "key-aliases"),
    ),
    "no permission to write": (
        *("lake", "lake/usage_events", "lake/usage_events/_delta_log", "lake/told"),
        *("invoices", "invoices/register"),
    ),
    "another user's": (ALL, "lake", "invoices", "logs"),
}
ELSEWHERE = {
    **{f"a full TMPDIR: {kib} KiB": Surrounding(tmp_kib=kib) for kib in (0, 4, 8, 16, 32, 64)},
    **{f"no TMPDIR: {tmp}": Surrounding(tmp=tmp) for tmp in ("missing", "read-only")},
    "no /dev/shm: hidden": Surrounding(hidden="/dev/shm"),  # noqa: S108 - nothing is written there
    "a bare environment: no HOME": Surrounding(environment={"HOME": None}),
    "a bare environment: a HOME that is not there": Surrounding(environment={"HOME": "/nowhere"}),
    "a bare environment: no PATH": Surrounding(environment={"PATH": None}),
}
"""What may be wrong beside the workspace."""


def tried(scratch: Path, *, every: int, share: Share = WHOLE) -> Tally:
    """Run each step of each life in every ``every``-th of the surroundings there are for it."""
    tally = Tally("real_refusals", frozenset({"refused", "went on", "told what it could not read", "old", "new"}))
    skipped: Counter[str] = Counter()
    seen = 0
    with Surroundings() as surroundings:
        for life in lives.LIVES:
            root = _with_a_second_log(life.begin(scratch / "life"))
            for step in life.steps:
                lives.prepare(root, step)
                before = lives.facts(root)
                undisturbed = shutil.copytree(root, scratch / "undisturbed")
                usual = _usual(surroundings, undisturbed, step)
                known = recovery.of_undisturbed(before, undisturbed, life, step, scratch)
                for name, surrounding in _points(root, undisturbed, usual).items():
                    seen += 1
                    if seen % every or seen // every % share.of != share.number:
                        continue
                    tried = shutil.copytree(root, scratch / "tried")
                    came = surroundings.run(tried, lives.words(step.arguments), surrounding)
                    if came.refused:
                        skipped[f"SKIPPED {_kind_of(name)} ({came.refused})"] += 1
                    else:
                        _check(tally, tried, name, came, usual, known, undisturbed)
                    shutil.rmtree(tried)
                shutil.rmtree(root)
                undisturbed.rename(root)
            shutil.rmtree(root)
    tally.outcomes.update(skipped)
    return tally


def _with_a_second_log(root: Path) -> Path:
    """Log to a second file, so that there is something to bill where the first cannot be read."""
    write_log(root, "b.jsonl", plain("2026-03-30T11:00:00Z", id="another-log"))
    return root


def _usual(surroundings: Surroundings, root: Path, step: lives.Step) -> Came:
    """Run the step where nothing is refused: where there can be a file system of memory, on one."""
    words = lives.words(step.arguments)
    came = surroundings.run(root, words, Surrounding(free_kib=1 << 20))
    if came.refused:
        came = surroundings.run(root, words, Surrounding())
    if came.code:
        msg = f"{step.name}: {came.stderr}"
        raise RuntimeError(msg)
    return came


def _points(root: Path, after: Path, usual: Came) -> dict[str, Surrounding]:
    """Return all surroundings that may refuse a step something, from what it needs where nothing is refused."""
    return {
        **{
            f"files may not grow: beyond {size} bytes": Surrounding(limits={"RLIMIT_FSIZE": size})
            for size in _sizes_to_stop_at(root, after)
        },
        **{f"few open files: {number}": Surrounding(limits={"RLIMIT_NOFILE": number}) for number in OPEN_FILES},
        **{f"little memory: {mib} MiB more": Surrounding(address_mib=mib) for mib in ADDRESS_MIB},
        **{
            f"a full disk: {kib} KiB free": Surrounding(free_kib=kib)
            for kib in range(0, usual.grown_kib + 8 * PAGE_KIB, PAGE_KIB)
        },
        **{
            f"a disk without room for files: {number} files more": Surrounding(free_files=number)
            for number in range(usual.grown_files + 4)
        },
        **{
            f"read-only in the middle: at {number} of {INSTANTS} parts of its time": Surrounding(
                read_only_after=usual.seconds * number / INSTANTS
            )
            for number in range(INSTANTS)
        },
        **{
            f"{kind}: {place}": PLACES[kind](place)
            for kind, places in WRONG_AT.items()
            for place in places
            if (root / place).exists()
        },
        **ELSEWHERE,
    }


def _sizes_to_stop_at(root: Path, after: Path) -> list[int]:
    """Return sizes at which the files that the step wrote are stopped: each before its last byte, all at the first."""
    had = fingerprints(root)
    written = [name for name, digest in fingerprints(after).items() if had.get(name) != digest]
    return sorted({0, 1} | {(after / name).stat().st_size - 1 for name in written} - {-1})


def _kind_of(name: str) -> str:
    return name.partition(":")[0]


def _check(  # noqa: PLR0917 - one run
    tally: Tally, root: Path, name: str, came: Came, usual: Came, known: Undisturbed, undisturbed: Path
) -> None:
    kind, where = _kind_of(name), f"{known.step.name}, {name}"
    tally.injected[kind] += 1
    digest = recovery.digest_of(root)
    found = recovery.facts_of(root, known, digest)
    tally.outcomes[recovery.outcome(found, known)] += 1
    is_done = found == known.after and (
        not known.step.is_same_again or fingerprints(root / "invoices") == fingerprints(undisturbed / "invoices")
    )
    outcome = outcome_of(came, usual.stderr, is_done=is_done, has_little_memory=kind == "little memory")
    tally.outcomes[outcome] += 1
    if outcome not in AS_PROMISED:
        tally.silent.append(f"{where}: {outcome}: exit code {came.code}, said {came.stderr[-300:]!r}")
    if left := [each for each in came.litter if not each.endswith("/filled")]:
        tally.silent.append(f"{where}: left {', '.join(left)}")
    if not recovery.finish(tally, where, root, known, digest):
        tally.outcomes["left what was recovered before"] += 1


def outcome_of(came: Came, usually_said: str, *, is_done: bool, has_little_memory: bool = False) -> str:  # noqa: PLR0911 - one an outcome
    """Say what a command came to that may have been refused something.

    ``is_done``: whether all is there that was to be made.
    """
    expected = usually_said.splitlines()
    lines = [line for line in came.stderr.splitlines() if not line.startswith("warning: ") and line not in expected]
    if came.code < 0 or came.code == ABORTED_BY_THE_LOADER:
        return WITHOUT_MEMORY if has_little_memory else f"ended by signal {-came.code}"
    if "Traceback" in came.stderr:
        return "a traceback"
    if came.code == MACHINE:
        if len(lines) != 1 or not lines[0].startswith("tallybook: ") or "run the command again" not in lines[0]:
            return "refused, and not in one line that says why and what to do"
        is_named = " /" in lines[0] or '"/' in lines[0] or any(word in lines[0] for word in NO_PLACES)
        return "refused" if is_named else "refused, and no path is named"
    if came.code or lines:
        return "ended with another reason" if came.code else "went on, and said something else"
    if is_done:
        return "went on"
    is_told = any(os.strerror(number) in came.stderr for number in errno.errorcode)
    return "told what it could not read" if is_told else "went on in silence"
