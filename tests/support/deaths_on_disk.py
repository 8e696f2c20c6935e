"""Something dies at one call to the disk after the other: what each death leaves, and that a rerun finishes it.

Owns the walk, which ends where nothing died any more. What is done, and what must hold of what is left, is given by
each test. Who imports this has the faulty disk of ``tests/storage`` on its path.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import pytest
from faulty_os import POWER_CUTS, Died, FaultyOs

from pipeline.objects import disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from workspaces import Done

AT_EVERY_CALL = tuple(pytest.param(each, 1, marks=pytest.mark.slow) for each in (None, *POWER_CUTS))
"""Parameters ``cut`` and ``step``: a death at each call, and each power cut after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    root: Path
    """What a process left that is gone."""
    fault: FaultyOs
    """Knows what a power cut would leave of it."""

    def after(self, cut: str) -> Path:
        """Return what a power cut leaves of it, beside it."""
        return self.fault.after_power_cut(self.root.with_name(f"{self.root.name} {cut}"), POWER_CUTS[cut])


def deaths(
    make: Callable[[int], Path], do: Callable[[Path], object], *, first: int = 1, step: int = 1
) -> Iterator[Death]:
    """Let ``do`` die in what ``make`` makes for the number of a call, at call ``first`` and at each ``step`` calls on.

    Ends with the first that lives: it made fewer calls.
    """
    for die_at in count(first, step):
        root = make(die_at)
        fault = FaultyOs(root, die_at=die_at)
        with pytest.MonkeyPatch.context() as disturbed:
            disturbed.setattr(disk, "os", fault)
            try:
                do(root)
            except Died:
                fault.revive()
            else:
                return
        yield Death(root=root, fault=fault)


def finished_by_a_rerun(
    before: Path,
    run: Callable[[Path], Done],
    *,
    at_rest: Callable[[Path], dict[str, str]],
    fact: Callable[[Path], int],
    folder: Path,
    cut: str | None,
    step: int,
) -> set[int]:
    """Return what ``fact`` says of what the deaths of ``run`` left, of which a rerun makes what one undisturbed makes.

    Each begins with a copy of ``before``. ``cut`` names the power cut that follows each death, if any. ``at_rest``
    says what lies there in the end, by name and digest.
    """
    undisturbed = shutil.copytree(before, folder / "undisturbed")
    assert run(undisturbed).returncode == 0
    expected = at_rest(undisturbed)
    assert expected
    found = set()
    for death in deaths(lambda die_at: shutil.copytree(before, folder / f"death-{die_at}"), run, step=step):
        root = death.root if cut is None else death.after(cut)
        found.add(fact(root))
        again = run(root)
        assert again.returncode == 0, again.stderr
        assert at_rest(root) == expected
        for left in {root, death.root}:
            shutil.rmtree(left)
    return found
