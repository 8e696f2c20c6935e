"""Whole processes taking turns, with the time, the CPU time and the memory of each.

Owns the measuring. Does not own what is run. Turns are taken (A B C A B C …) so that whatever else the machine does
falls on all alike, and ratios are made within a turn: they hold on a busy machine, where seconds do not. CPU seconds
are those of all threads.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import IO, TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ROOT = Path(__file__).parents[2]
_LAUNCHER = Path(__file__).parent / "launch.py"
scratch_option = click.option(
    "--scratch",
    type=click.Path(path_type=Path, file_okay=False),
    default=ROOT / "build" / "benchmarks",
    help="Where inputs and results are kept.",
)
"""The option of every benchmark that keeps what it measures for the next run."""


class RunFailed(Exception):
    """A process ended with an error; the text is the last line it wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One process from start to end."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    """Of the process, or of its largest child."""
    said: dict[str, Any] = field(default_factory=dict)
    """The JSON object in its last line, if there is one; ``seconds`` there leave start-up out."""

    @property
    def task_seconds(self) -> float:
        """Seconds without start-up where the process states them, else all."""
        return float(self.said.get("seconds", self.wall_seconds))


def run(command: Sequence[str]) -> Run:
    """Run a command to its end. Raises ``RunFailed``."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        launched = subprocess.run(  # noqa: S603 - our own commands
            [sys.executable, "-I", "-S", str(_LAUNCHER), str(output.fileno()), str(errors.fileno()), *command],
            cwd=ROOT,
            pass_fds=(output.fileno(), errors.fileno()),
            stdout=subprocess.PIPE,
            check=True,
        )
        used = json.loads(launched.stdout)
        exit_code = used.pop("exit_code")
        if exit_code != 0:
            raise RunFailed(_last_line(errors) or f"exit code {exit_code}")
        said = _last_line(output)
    return Run(**used, said=json.loads(said) if said.startswith("{") else {})


def take_turns(
    commands: Mapping[str, Sequence[str]],
    rounds: int,
    on_run: Callable[[str, int], None],
    before: Callable[[str], None] = lambda _name: None,
) -> dict[str, list[Run]]:
    """Run every command once a round, in their order; what is done ``before`` each is not measured."""
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for turn in range(rounds):
        for name, command in commands.items():
            on_run(name, turn)
            before(name)
            runs[name].append(run(command))
    return runs


def ratios(of: Sequence[Run], baseline: Sequence[Run], key: Callable[[Run], float]) -> tuple[float, float, float]:
    """Return how many times faster than the baseline: the median over the turns, and the least and the most."""
    each = [key(theirs) / key(ours) for ours, theirs in zip(of, baseline, strict=True)]
    return median(each), min(each), max(each)


def python(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of ours."""
    return [sys.executable, "-m", module, *arguments]


def _last_line(file: IO[bytes]) -> str:
    file.seek(0)
    lines = file.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
