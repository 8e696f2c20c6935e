"""The goals of reading, beside what was measured of them: ``python -m benchmarks.turns.goals``.

Owns which goals there are, and from which measurement each is answered: the results that ``benchmarks.run`` and
``benchmarks.families`` keep in the scratch folder. ``benchmarks.run`` writes them into the document. Does not own the
measuring. A goal whose measurement is not there is shown as such.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import click

from benchmarks import families
from benchmarks.turns.measure import ROOT, ratios, scratch_option
from benchmarks.turns.report import short
from benchmarks.turns.suites import FLOOR, OVER_STREAMS, SAMPLE, TO_COMMIT, kept

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from benchmarks.turns.measure import Run
    from benchmarks.turns.suites import Entry, Result

    Of = Callable[[Run], float]

DOCUMENT = ROOT / "docs" / "performance.md"
_TIMES = "\N{MULTIPLICATION SIGN}"
OURS, PLAINLY = "tallybook", "tallybook, plain reader"


class Measured(NamedTuple):
    """What is known."""

    results: Mapping[str, Result]
    families: Sequence[families.Measured]


class Found(NamedTuple):
    """What was measured of a goal, and words about it."""

    number: float
    beside: str = ""


class Bound(NamedTuple):
    """What is to be reached."""

    number: float
    unit: str
    is_least: bool

    def __str__(self) -> str:
        """Say it."""
        return f"{'≥' if self.is_least else '≤'} {self.number:g} {self.unit}"


class Goal(NamedTuple):
    """One goal; what finds what was measured of it raises ``LookupError`` where nothing was."""

    text: str
    bound: Bound
    found: Callable[[Measured], Found]


def _at_least(times: float) -> Bound:
    return Bound(times, _TIMES, is_least=True)


def _at_most(number: float, unit: str) -> Bound:
    return Bound(number, unit, is_least=False)


def _entry(result: Result, name: str) -> Entry:
    return {each.name: each for each in result.entries}[name]


def _wall(run: Run) -> float:
    return run.wall_seconds


def _task(run: Run) -> float:
    return run.task_seconds


def _times(suite: str, of: Of, name: str = OURS) -> Callable[[Measured], Found]:
    """Return what finds how many times as fast as its baseline one was."""

    def found(measured: Measured) -> Found:
        result = measured.results[suite]
        runs = _entry(result, name).runs
        number, *_ = ratios(runs, _entry(result, result.baseline).runs, of)
        return Found(number, f"{short(median(map(of, runs)))} s")

    return found


def _times_of_others(suite: str) -> Callable[[Measured], Found]:
    """Return what finds how many times as fast as the best other one with the same rows it was."""

    def found(measured: Measured) -> Found:
        result = measured.results[suite]
        ours = _entry(result, OURS).runs
        others = {
            each.name: ratios(ours, each.runs, _wall)[0]
            for each in result.entries
            if each.runs and each.name not in (OURS, PLAINLY, FLOOR) and not each.rows_differing
        }
        best = min(others, key=lambda name: others[name])
        return Found(others[best], best)

    return found


def _share(suite: str, name: str) -> Callable[[Measured], Found]:
    """Return what finds how much of its baseline's time one took."""

    def found(measured: Measured) -> Found:
        number, beside = _times(suite, _wall, name)(measured)
        return Found(1 / number, beside)

    return found


def _cpu_seconds(suite: str, name: str) -> Callable[[Measured], Found]:
    def found(measured: Measured) -> Found:
        return Found(median(run.cpu_seconds for run in _entry(measured.results[suite], name).runs))

    return found


def _peak(measured: Measured) -> Found:
    """Find the most memory that one of our runs over large logs took."""
    peaks = {
        suite: max(run.peak_bytes for run in _entry(result, name).runs) / 1e6
        for suite, result in measured.results.items()
        for name in (OURS, OVER_STREAMS)
        if suite.startswith(("reading-", "first-nights")) and name in [each.name for each in result.entries]
    }
    if not peaks:
        raise LookupError
    most = max(peaks, key=lambda suite: peaks[suite])
    return Found(peaks[most], most)


def _slowest_family(*, streamed: bool) -> Callable[[Measured], Found]:
    def found(measured: Measured) -> Found:
        chosen = [each for each in measured.families if each.is_streamed == streamed]
        if not chosen:
            raise LookupError
        slowest = min(chosen, key=lambda each: each.ratio)
        return Found(slowest.ratio, f"{slowest.name}, of {len(chosen)}")

    return found


GOALS = (
    Goal("1 GB of streams, whole process", _at_least(25), _times("reading-streams-1GB", _wall)),
    Goal("the same without start-up, two processors", _at_least(40), _times("reading-streams-1GB", _task)),
    Goal(
        "the same beside the best other one whose rows are the same",
        *(_at_least(2), _times_of_others("reading-streams-1GB")),
    ),
    Goal("1 GB of short bodies, whole process", _at_least(4), _times("reading-short-1GB", _wall)),
    Goal("the same without start-up", _at_least(6), _times("reading-short-1GB", _task)),
    Goal("1 GB of mixed lines, whole process", _at_least(8), _times("reading-mixed-1GB", _wall)),
    Goal("64 MB of mixed lines, whole process", _at_least(8), _times("reading-mixed-64MB", _wall)),
    Goal("a text that differs in every chunk, whole process", _at_least(20), _times("reading-obfuscated-1GB", _wall)),
    Goal("streams of every other family, warm", _at_least(8), _slowest_family(streamed=True)),
    Goal("whole bodies of every other family, warm", _at_least(8), _slowest_family(streamed=False)),
    *(
        Goal(f"{kind} as {name}, beside plain", _at_most(1.3, _TIMES), _share(f"compression-{kind}", name))
        for kind in ("streams", "short")
        for name in ("gzip", "zstd")
    ),
    *(
        Goal(
            f"logs to the commit, beside reading {kind} alone",
            *(_at_most(1.25, _TIMES), _share(f"committing-{kind}", TO_COMMIT)),
        )
        for kind in ("streams", "short")
    ),
    Goal("the most memory that any of these took", _at_most(300, "MB"), _peak),
    Goal("aggregating 5 M events, beside `GROUP BY id`", _at_least(1), _times("aggregating-5M", _wall)),
    Goal("a night over 1 GB of streams", _at_most(1.2, "s of CPU"), _cpu_seconds("first-nights", OVER_STREAMS)),
    Goal("the sample's night", _at_most(1.0, "s of CPU"), _cpu_seconds("first-nights", SAMPLE)),
)


def table(measured: Measured) -> str:
    """Return the goals as a table, a row each."""
    return "".join(
        f"| {' | '.join(cells)} |\n"
        for cells in (("goal", "bound", "measured", ""), ("---", "---:", "---:", "---"), *map(_row(measured), GOALS))
    )


def _row(measured: Measured) -> Callable[[Goal], tuple[str, ...]]:
    def row(goal: Goal) -> tuple[str, ...]:
        try:
            number, beside = goal.found(measured)
        except LookupError:
            return goal.text, str(goal.bound), "", "not measured"
        return (
            goal.text,
            str(goal.bound),
            f"{short(number)} {goal.bound.unit}{beside and f' ({beside})'}",
            _said(goal.bound, number),
        )

    return row


def _said(bound: Bound, number: float) -> str:
    reached = number / bound.number if bound.is_least else bound.number / number
    return "met" if reached >= 1 else f"**missed**: {100 * reached:.0f} % of it"


def measured_in(scratch: Path) -> Measured:
    """Return what was measured with a scratch folder."""
    return Measured(kept(scratch), families.kept(scratch))


@click.command()
@scratch_option
def main(*, scratch: Path) -> None:
    """Print the goals, and whether they are met."""
    click.echo(table(measured_in(scratch)), nl=False)


if __name__ == "__main__":
    main()
