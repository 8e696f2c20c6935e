"""Change one thing in a module at a time, and see whether the tests of its group notice.

``python -m benchmarks.mutants python --of rating --sample 300 --seed 1``. Does not own the groups and what amounts to
nothing (``groups.py``), the changes (``changed_python.py``), or how they are tried (``trials.py``).
"""

from __future__ import annotations

import random
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmarks.mutants.changed_python import mutants
from benchmarks.mutants.groups import EQUAL, GROUPS
from benchmarks.mutants.trials import ROOT, Trial, module_of, tried

if TYPE_CHECKING:
    from types import CodeType

    from benchmarks.mutants.changed_python import Mutant

_NOTICED_MIN = 0.95


@click.command(name="python")
@click.option("--of", "group", type=click.Choice(sorted(GROUPS)), required=True, help="Which modules, and tests.")
@click.option("--sample", type=int, help="So many of them, by chance; all without.")
@click.option("--seed", default=1, show_default=True, help="Which chance.")
@click.option("--only", default="", help="Mutants whose name has this text in it.")
@click.option("--list", "is_listed", is_flag=True, help="Name them, and try none.")
@click.option("--seen", type=click.Path(path_type=Path), help="Keep here what each test calls, and believe it.")
@click.option("--seconds", default=20.0, show_default=True, help="How long each may be looked for, in seconds of CPU.")
@click.option("--verbose", is_flag=True, help="Also say what noticed each.")
def main(
    group: str,
    sample: int | None,
    seed: int,
    only: str,
    *,
    seen: Path | None,
    seconds: float,
    is_listed: bool,
    verbose: bool,
) -> None:
    """Try mutants of the modules of a group; exit code 1 where fewer than 95 % of those that matter are noticed."""
    began = time.monotonic()
    trials = [each for each in every_trial(group) if only in each.name]
    if sample is not None and sample < len(trials):
        trials = random.Random(seed).sample(trials, sample)
    if is_listed:
        click.echo("\n".join(each.name for each in trials))
        return
    equal = [each.name for each in trials if any(is_named(each.name, begin) for begin in EQUAL[group])]
    noticed = survived = 0
    for verdict in tried([each for each in trials if each.name not in equal], seen, seconds):
        noticed += verdict.noticed_by is not None
        survived += verdict.noticed_by is None
        if verdict.noticed_by is None:
            click.echo(f"NOT NOTICED: {verdict.name}")
        elif verbose:
            click.echo(f"noticed by {verdict.noticed_by}: {verdict.name}")
    share = noticed / (noticed + survived) if noticed + survived else 1.0
    click.echo(
        f"{group}: {len(trials)} mutants: {noticed} noticed, {len(equal)} amount to nothing, {survived} not noticed; "
        f"{share:.1%} of those that matter are noticed; {time.monotonic() - began:.0f} s"
    )
    sys.exit(1 if share < _NOTICED_MIN else 0)


def every_trial(group: str) -> list[Trial]:
    """Return every mutant of the modules of a group."""
    modules, tests = GROUPS[group]
    found: list[Trial] = []
    for file in (file for each in modules for file in _files(ROOT / each)):
        path = file.relative_to(ROOT).as_posix()
        every = mutants(module_of(path).removeprefix("pipeline."), file.read_text(encoding="utf-8"))
        found.extend(Trial(each.name, path, partial(_compiled, each, str(file)), tests) for each in every)
    return found


def is_named(name: str, begin: str) -> bool:
    """Say whether a name begins so; the second change of one name is another one, which says so itself."""
    return name.startswith(begin) and not name.removeprefix(begin).startswith(" (#")


def _files(path: Path) -> list[Path]:
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _compiled(mutant: Mutant, file: str) -> CodeType:
    return compile(mutant.tree(), file, "exec", dont_inherit=True)
