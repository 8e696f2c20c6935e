"""Every class of file in a workspace is flipped, cut short and deleted, the last entry of every chain included.

Each is found by ``verify`` or by the next night, or amounts to nothing: it is derived, and written anew, equal; or
it is a kept count, and no answer changes; or it is what was told of, and the next night tells of all of it as new. What
a person writes (logs, configuration, rate cards) is not damaged here.
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import lives
from quick import WHOLE
from tally import Tally
from workspaces import append_log

from pipeline.base.errors import TallybookError
from pipeline.lake.told import read_told
from pipeline.objects.layout import lock

if TYPE_CHECKING:
    from pathlib import Path

    from quick import Share
    from workspaces import Done

WRITTEN_BY_PEOPLE = ("logs/", "rates/", "accounts.toml", "tallybook.toml")
QUESTIONS = (("usage",), ("cost",), ("invoice", "list"), ("budgets",), ("doctor", "--json"))
"""What is asked where a kept count is damaged that no night reads: its readers check it, and count anew."""
DAMAGES = ("flipped", "cut short", "emptied", "deleted")


def class_of(name: str) -> str:
    """Return the name with its numbers, digests and dates left out: files of one class are alike in it."""
    return re.sub(r"INV-\d+|[0-9a-f]{16,}|\d{4}-\d{2}(-\d{2})?|\d{20}", "*", name)


def tried(scratch: Path, *, every: int, share: Share = WHOLE) -> Tally:
    """Damage the first and the last file of every ``every``-th class, in a workspace at the end of its life."""
    tally = Tally("damage", frozenset({"found by verify", "amounts to nothing"}))
    root = lives.begin(scratch / "life")
    for step in lives.LIFE:
        lives.prepare(root, step)
        done = lives.run(root, step.arguments)
        if done.returncode:
            msg = f"{step.name}: {done.stderr}"
            raise RuntimeError(msg)
        if step.name == "issue once more":  # events are still there, before they are forgotten
            _damage_all(tally, root, scratch, every, share, "before forgetting")
    _damage_all(tally, root, scratch, every, share, "at the end")
    return tally


def _damage_all(  # noqa: PLR0917 - one stage of the life
    tally: Tally, root: Path, scratch: Path, every: int, share: Share, when: str
) -> None:
    expected_root = shutil.copytree(root, scratch / "expected")
    if (done := _next_night(expected_root)).returncode:
        msg = f"the night after: {done.stderr}"
        raise RuntimeError(msg)
    expected, answers, verify = lives.kept(expected_root), _answers(expected_root), lives.verify(root)
    classes: dict[str, list[str]] = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and not name.startswith(WRITTEN_BY_PEOPLE) and path != lock(root / "lake"):
            classes.setdefault(class_of(name), []).append(name)
    for names in share.in_turn(list(classes.values())[::every]):
        for name in dict.fromkeys((names[0], names[-1])):
            for damage in DAMAGES:
                tried = shutil.copytree(root, scratch / "tried")
                tally.injected[damage] += 1
                _hurt(tried / name, damage)
                outcome = _outcome(tried, verify, expected, answers)
                tally.outcomes[outcome] += 1
                if outcome == "silent":
                    tally.silent.append(f"{name} {damage}, {when}")
                shutil.rmtree(tried)
    shutil.rmtree(expected_root)


def _hurt(path: Path, damage: str) -> None:
    content = path.read_bytes()
    middle = len(content) // 2
    if damage == "flipped":
        path.write_bytes(content[:middle] + bytes((content[middle] ^ 1,)) + content[middle + 1 :] if content else b"1")
    elif damage == "cut short":
        path.write_bytes(content[:middle])
    elif damage == "emptied":
        path.write_bytes(b"")
    else:
        path.unlink()


def _next_night(root: Path) -> Done:
    """Run the night after, with a response to a raw key, so that the key secret is needed."""
    append_log(root, "a.jsonl", lives.with_raw_key("2026-11-04T10:00:00Z", "nov-4"))
    return lives.run(root, lives.NIGHT)


def _outcome(root: Path, verify: tuple[str, ...], expected: dict[str, str], answers: list[str]) -> str:
    try:
        if lives.run(root, verify).returncode:
            return "found by verify"
        if _next_night(root).returncode:
            return "found by the next night"
    except TallybookError:
        return "found by the next night"
    return _outcome_of_differences(root, expected, answers)


def _outcome_of_differences(root: Path, expected: dict[str, str], answers: list[str]) -> str:
    found = lives.kept(root)
    if found == expected:
        return "amounts to nothing"
    differ = {name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name)}
    if all(name.startswith("lake/counted/") for name in differ) and _answers(root) == answers:
        return "changes no answer"
    if all(name.startswith("lake/told/") for name in differ) and _everything_is_new(root):
        return "told as new"
    return "silent"


def _everything_is_new(root: Path) -> bool:
    """Say whether the last night told of all its warnings as new ones: nothing of before was believed."""
    told = read_told(root / "lake")
    return bool(told) and len({each.told_at for each in told}) == 1


def _answers(root: Path) -> list[str]:
    return [lives.run(root, question).stdout for question in QUESTIONS]
