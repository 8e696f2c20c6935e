"""Results as tables: Markdown, on the terminal and between the marks of ``docs/performance.md``.

Owns the form. Does not own the numbers (``suites``) nor the words around them (the document).
"""

from __future__ import annotations

import re
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.turns.measure import ratios

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.turns.measure import Run
    from benchmarks.turns.suites import Entry, Result

_HEADER = (
    "",
    "faster by (spread)",
    "without start-up",
    "by CPU time",
    "seconds",
    "CPU seconds",
    "peak MB",
    "rows that differ",
)
_MARKED = re.compile(r"(<!-- measured: (?P<name>[a-zA-Z0-9-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(result: Result) -> str:
    """Return a result as a Markdown table with its title and notes."""
    baseline = next(entry.runs for entry in result.entries if entry.name == result.baseline)
    body = [
        _HEADER,
        ("---", *["---:"] * (len(_HEADER) - 1)),
        *(_row(entry, baseline, result.baseline) for entry in result.entries),
    ]
    lines = [f"**{result.title}** (beside *{result.baseline}*; {len(baseline)} rounds)", ""]
    lines += [f"| {' | '.join(row)} |" for row in body]
    lines += ["", *result.notes] if result.notes else []
    return "\n".join(lines) + "\n"


def write_between_marks(document: Path, tables: Mapping[str, str]) -> list[str]:
    """Replace what stands between ``<!-- measured: NAME -->`` and ``<!-- end -->`` by the table of that name.

    Return the names of which there is none.
    """
    missing: list[str] = []

    def replaced(matched: re.Match[str]) -> str:
        text = tables.get(matched["name"])
        if text is None:
            missing.append(matched["name"])
            return matched[0]
        return f"{matched[1]}{text}{matched[3]}"

    document.write_text(_MARKED.sub(replaced, document.read_text(encoding="utf-8")), encoding="utf-8")
    return missing


def write_table(document: Path, name: str, text: str) -> None:
    """Replace what stands between the marks of one name."""
    write_between_marks(document, {name: text})


def _row(entry: Entry, baseline: Sequence[Run], baseline_name: str) -> tuple[str, ...]:
    name = (
        f"*{entry.name}*"
        if entry.name == baseline_name
        else f"**{entry.name}**"
        if entry.name == "tallybook"
        else entry.name
    )
    if not entry.runs:
        return (name, entry.trouble, *[""] * (len(_HEADER) - 2))
    whole, least, most = ratios(entry.runs, baseline, lambda run: run.wall_seconds)
    task, *_ = ratios(entry.runs, baseline, lambda run: run.task_seconds)
    cpu, *_ = ratios(entry.runs, baseline, lambda run: run.cpu_seconds)
    return (
        name,
        f"{short(whole)} ({short(least)} to {short(most)})",
        short(task),
        short(cpu),
        short(median(run.wall_seconds for run in entry.runs)),
        short(median(run.cpu_seconds for run in entry.runs)),
        f"{max(run.peak_bytes for run in entry.runs) / 1e6:.0f}",
        "" if entry.rows_differing is None else str(entry.rows_differing),
    )


def short(number: float) -> str:
    """Return a number with as many digits as are of use."""
    return f"{number:.0f}" if number >= 20 else f"{number:.1f}" if number >= 2 else f"{number:.2f}"  # noqa: PLR2004 - three digits are enough
