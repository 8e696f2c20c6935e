"""Two to eight real processes meet in one workspace, again and again: writers, and readers among them.

Whoever is refused says so in one line with the exit code of a workspace that is in use, and is run again. What is there
afterwards is what some order of the commands, one after the other, would have made. A reader's answer is one that it
would have had before, between or after them. Every fifth time no lock works, as on some network file systems: then a
command may fail, and nothing that is there may be lost, double or half.
"""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import dataclass, field
from itertools import permutations
from typing import TYPE_CHECKING

import lives
import recovery
from crowds import Crowd, Member
from quick import WHOLE
from tally import Tally
from workspaces import append_log, plain

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence
    from pathlib import Path

    from crowds import Finished
    from quick import Share

SEED = 16
LOCKED = 5
"""The exit code of a workspace that is in use."""
ROUNDS = 30
"""Of each meeting, in a whole run."""
WITHOUT_LOCK_EVERY = 5
JITTER_SECONDS = 0.4
OUTCOMES = frozenset({"ended", "refused: in use", "answered as of before", "answered as of later"})
COLLECT = ("collect",)
NIGHT = ("nightly", "--as-of", "2026-11-02")
ISSUE = ("invoice", "issue", "--period", "2026-09", "--as-of", "2026-11-02")
ISSUE_LATER = ("invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-02")
VOID = ("invoice", "void", "INV-000001", "--yes", "--as-of", "2026-11-03")
PAY = ("invoice", "paid", "INV-000001", "--on", "2026-11-03", "--as-of", "2026-11-03")
FORGET = ("forget", "--before", "2026-10-01", "--with-uninvoiced", "--yes", "--as-of", "2026-11-04")
ROTATE = ("keys", "rotate", "--as-of", "2026-11-03T12:00:00Z")
COMPACT = ("compact", "--as-of", "2026-11-03T11:00:00Z")
READERS = (
    ("usage", "-o", "json"),
    ("invoice", "list", "-o", "json"),
    ("verify",),
    ("cost", "-o", "json"),
    ("report", "--period", "2026-10", "--as-of", "2026-11-02", "--to", "-"),
)

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """Commands that meet: ``writers`` take turns until there are enough; readers are added to them."""

    name: str
    stage: str
    """Which step of the life is done before."""
    writers: tuple[Words, ...]
    readers: tuple[Words, ...] = ()
    once: bool = False
    """Whether each writer is there once: it would do its work twice, as it was told."""
    may_also: frozenset[int] = frozenset()
    """Exit codes of a writer that came too late, and says why in one line."""


MEETINGS = (
    Meeting(name="nights", stage="again", writers=(NIGHT,)),
    Meeting(name="collects", stage="nightly", writers=(COLLECT,)),
    Meeting(name="night and issue", stage="again", writers=(NIGHT, ISSUE)),
    Meeting(name="issue and issue", stage="again", writers=(ISSUE,)),
    Meeting(name="two periods are issued", stage="again", writers=(ISSUE, ISSUE_LATER)),
    Meeting(name="void and night", stage="issue", writers=(VOID, NIGHT), may_also=frozenset({2})),
    Meeting(name="void and void", stage="issue", writers=(VOID,), may_also=frozenset({2})),
    Meeting(name="payment and night", stage="issue", writers=(PAY, NIGHT), once=True),
    Meeting(name="forget and night", stage="issue once more", writers=(FORGET, NIGHT)),
    Meeting(name="rotate and collect", stage="issue", writers=(ROTATE, COLLECT), once=True),
    Meeting(name="compact and compact", stage="again", writers=(COMPACT,)),
    Meeting(name="compact and night", stage="again", writers=(COMPACT, NIGHT)),
    Meeting(name="compact and collect", stage="again", writers=(COMPACT, COLLECT)),
    Meeting(name="compact and issue", stage="again", writers=(COMPACT, ISSUE)),
    Meeting(name="compact and void", stage="issue", writers=(COMPACT, VOID), may_also=frozenset({2})),
    Meeting(name="compact and forget", stage="issue once more", writers=(COMPACT, FORGET)),
    Meeting(name="forget and night in a compacted lake", stage="compact", writers=(FORGET, NIGHT)),
    Meeting(name="readers and nights", stage="nightly", writers=(NIGHT,), readers=READERS),
    Meeting(name="readers and issue", stage="again", writers=(ISSUE, NIGHT), readers=READERS),
    Meeting(name="readers and void", stage="issue", writers=(VOID,), readers=READERS, may_also=frozenset({2})),
    Meeting(name="readers and forget", stage="issue once more", writers=(FORGET,), readers=READERS),
    Meeting(name="readers and compact", stage="issue", writers=(COMPACT,), readers=READERS),
    Meeting(name="readers, compact and forget", stage="issue once more", writers=(COMPACT, FORGET), readers=READERS),
)
UPGRADE = Meeting(
    name="upgrade and night",
    stage="",
    writers=(("upgrade", "--as-of", "2026-05-02"), ("nightly", "--as-of", "2026-06-01")),
    readers=(("usage", "-o", "json"), ("invoice", "list", "-o", "json")),
)
"""In a workspace of the first program with a register."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What may be there after a meeting, and what a reader may answer."""

    ends: tuple[Counter[str], ...]
    """The facts after each order of the writers."""
    answers: dict[Words, tuple[str, ...]]
    """Of each reader, as of before first."""
    verified: set[str] = field(default_factory=set)
    """What was left, by its digest, where the night after it was tried already."""


def tried(
    scratch: Path, *, every: int, share: Share = WHOLE, meetings: Sequence[Meeting] = (*MEETINGS, UPGRADE)
) -> Tally:
    """Hold ``ROUNDS / every`` rounds of each meeting."""
    tally = Tally("rivals", OUTCOMES)
    chance = random.Random(SEED + share.number)  # so that a run can be had again, as far as a machine can
    stages = _stages(scratch, {meeting.stage for meeting in meetings})
    with Crowd() as crowd:
        for meeting in share.in_turn(meetings):
            root = stages[meeting.stage]
            known = _known(root, meeting, scratch)
            for number in range(-(-ROUNDS // every)):
                tried = shutil.copytree(root, scratch / "tried")
                is_locking = number % WITHOUT_LOCK_EVERY != WITHOUT_LOCK_EVERY - 1
                _round(tally, crowd, tried, meeting, known, chance, is_locking=is_locking, where=f"round {number}")
                shutil.rmtree(tried)
    return tally


def _stages(scratch: Path, wanted: set[str]) -> dict[str, Path]:
    """Return a copy of the workspace as of after each of these steps, with new lines in its log."""
    found = {}
    if UPGRADE.stage in wanted:
        found[UPGRADE.stage] = lives.begin_with_an_older_lake(scratch / "of an older lake")
    root = lives.begin(scratch / "life")
    for step in lives.LIFE:
        if wanted <= found.keys():
            break
        lives.prepare(root, step)
        if (done := lives.run(root, step.arguments)).returncode:
            msg = f"{step.name}: {done.stderr}"
            raise RuntimeError(msg)
        if step.name in wanted:
            found[step.name] = shutil.copytree(root, scratch / step.name.replace(" ", "-"))
            append_log(found[step.name], "a.jsonl", *(plain("2026-10-30T10:00:00Z", id=f"new-{n}") for n in range(5)))
    return found


def _known(root: Path, meeting: Meeting, scratch: Path) -> Known:
    """Run the commands in each order, one after the other."""
    ends: list[Counter[str]] = []
    answers: dict[Words, dict[str, None]] = {reader: {} for reader in meeting.readers}
    orders = list(permutations(meeting.writers))
    if meeting.readers and NIGHT in meeting.writers:  # it commits what it collected before it drafts
        orders += [(COLLECT,), *((*order[: at + 1], COLLECT) for order in orders for at in range(len(order) - 1))]
    for order in orders:
        copy = shutil.copytree(root, scratch / "one after the other")
        _ask(copy, answers)
        for words in order:
            done = lives.run(copy, words)
            if done.returncode and done.returncode not in meeting.may_also:
                msg = f"{meeting.name}: {words}: {done.stderr}"
                raise RuntimeError(msg)
            _ask(copy, answers)
        if len(order) == len(meeting.writers):
            ends.append(lives.facts(copy))
        shutil.rmtree(copy)
    return Known(ends=tuple(ends), answers={reader: tuple(told) for reader, told in answers.items()})


def _ask(root: Path, answers: dict[Words, dict[str, None]]) -> None:
    for reader, told in answers.items():
        told[_comparable(lives.run(root, reader).stdout, root)] = None


def _comparable(answer: str, root: Path) -> str:
    """Return an answer without the folder that it is of, and without when it was asked."""
    try:
        document = json.loads(answer)
    except ValueError:
        return answer.replace(str(root), "")
    if isinstance(document, dict):
        document.pop("generated_at", None)
    return json.dumps(document, sort_keys=True).replace(str(root), "")


def _round(  # noqa: C901, PLR0917 - one meeting
    tally: Tally,
    crowd: Crowd,
    root: Path,
    meeting: Meeting,
    known: Known,
    chance: random.Random,
    *,
    is_locking: bool,
    where: str,
) -> None:
    size = len(meeting.writers) if meeting.once else chance.randint(max(2, len(meeting.writers)), 8)
    who = list(meeting.writers) if meeting.once else [chance.choice(meeting.writers) for _ in range(size)]
    who = [*meeting.writers, *who[len(meeting.writers) :]]
    if meeting.readers:
        who = [*meeting.writers, *(chance.choice(meeting.readers) for _ in range(max(2, size - len(meeting.writers))))]
    where = f"{meeting.name}, {where}, {len(who)} processes{'' if is_locking else ', no lock'}"
    tally.injected[f"meetings of {len(who)}{'' if is_locking else ' without a lock'}"] += 1
    finished = crowd.together(
        [
            Member(
                workspace=str(root),
                arguments=list(words),
                delay=chance.uniform(0, JITTER_SECONDS),
                is_locking=is_locking,
            )
            for words in who
        ]
    )
    for words, each in zip(who, finished, strict=True):
        if words in meeting.readers:
            _check_reader(tally, root, where, words, each, known)
        else:
            _check_writer(tally, where, words, each, meeting, is_locking=is_locking)
    to_be_run_again = [words for words, each in zip(who, finished, strict=True) if each.returncode not in {0, 2}]
    for words in dict.fromkeys(to_be_run_again):
        if words in meeting.writers and not (meeting.once and lives.facts(root) in known.ends):
            done = lives.run(root, words)
            if done.returncode and done.returncode not in meeting.may_also:
                tally.lost.append(f"{where}: {words} run again: {done.stderr[-300:]}")
    found = lives.facts(root)
    if found not in known.ends:
        tally.compare(where, found, known.ends[0])
    if (digest := recovery.digest_of(root)) in known.verified:
        tally.outcomes["left what was verified before"] += 1
        return
    known.verified.add(digest)
    if (night := lives.run(root, lives.NIGHT if meeting is not UPGRADE else lives.LIVES[1].night)).returncode:
        tally.lost.append(f"{where}: the next night: {night.stderr[-300:]}")
    if (checked := lives.run(root, lives.verify(root))).returncode:
        failed = [line for line in checked.stdout.splitlines() if line.startswith("FAIL")]
        tally.lost.append(f"{where}: verify: {failed or checked.stderr[-200:]}")


def _check_writer(
    tally: Tally, where: str, words: Words, done: Finished, meeting: Meeting, *, is_locking: bool
) -> None:
    lines = [line for line in done.stderr.splitlines() if line.startswith("tallybook: ")]
    if done.returncode == 0:
        tally.outcomes["ended"] += 1
    elif done.returncode == LOCKED and len(lines) == 1 and "is in use by" in lines[0]:
        tally.outcomes["refused: in use"] += 1
    elif done.returncode in meeting.may_also and len(lines) == 1:
        tally.outcomes["came too late"] += 1
    elif not is_locking:
        tally.outcomes["failed without a lock"] += 1
    else:
        tally.silent.append(f"{where}: {' '.join(words)} ended with {done.returncode}: {done.stderr[-300:]!r}")


def _check_reader(  # noqa: PLR0917 - one answer
    tally: Tally, root: Path, where: str, words: Words, done: Finished, known: Known
) -> None:
    answer = _comparable(done.stdout, root)
    if done.returncode == LOCKED and "was in use by" in done.stderr and done.stderr.count("\n") == 1:
        tally.outcomes["was told that a run is under way"] += 1
        return
    if done.returncode == 0 and answer in known.answers[words]:
        tally.outcomes["answered as of before" if answer == known.answers[words][0] else "answered as of later"] += 1
        return
    if words[0] == "verify" and done.returncode == 0 and "begun and not finished" in answer:
        tally.outcomes["was told of a run that is not finished"] += 1
        return
    said = done.stderr[-300:] or answer[-300:]
    tally.silent.append(f"{where}: {' '.join(words)} ended with {done.returncode} and answered: {said!r}")
