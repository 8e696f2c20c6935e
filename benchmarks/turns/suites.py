"""What is measured against what: each suite is one table.

Owns inputs, order and baselines. Does not own the measuring (``measure``) nor the tables (``report``). Inputs are kept
in the scratch folder under names that say what they are, so that a second run finds them.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from benchmarks.inputs.events import EventsRecipe, write_lake, write_workspace
from benchmarks.inputs.generate import compress, number_of, write_log
from benchmarks.inputs.lines import Recipe
from benchmarks.rating.cells import CELLS_FILE, write_cells
from benchmarks.turns.comparing import rows_differing
from benchmarks.turns.contenders import AGGREGATING, BASELINES, CONTENDERS, ORACLES, RATING, READING
from benchmarks.turns.measure import ROOT, Run, RunFailed, python, run, take_turns
from pipeline import lake
from pipeline.objects import layout

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from benchmarks.turns.contenders import Contender

FLOOR = "wc -l (reads, and understands nothing)"
OVER_STREAMS, SAMPLE, TO_COMMIT = "streams", "the sample", "logs to commit"
_RESULTS = "results.json"
_TIMED_BYTES_MAX = 2**28
"""In larger logs the oracle takes no turns: it is the slowest by far, and its ratio is that of smaller ones."""
_DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a table; ``runs`` is empty where the contender is absent or failed, and ``trouble`` says so."""

    name: str
    runs: tuple[Run, ...] = ()
    rows_differing: int | None = None
    """From the oracle's; None where there is nothing to compare."""
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One table: its entries, and the one that the others are compared with."""

    suite: str
    title: str
    baseline: str
    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return what ``from_json`` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Result:
        """Read what ``as_json`` returned."""
        entries = tuple(
            Entry(**{**entry, "runs": tuple(Run(**each) for each in entry["runs"])}) for entry in saved["entries"]
        )
        return cls(**{**saved, "entries": entries, "notes": tuple(saved["notes"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where inputs are kept, how often everything is run, and who hears about it."""

    scratch: Path
    rounds: int
    on_run: Callable[[str, int], None] = field(default=lambda _name, _turn: None)

    def reading(self, kind: str, size: str, *, has_prompts: bool = True) -> Result:
        """Measure logs to rows: every contender, and ``wc -l`` as the floor."""
        path = self._log(kind, size, has_prompts=has_prompts)
        entries = self._contest(READING, path, {FLOOR: ["wc", "-l", str(path)]})
        prompts = "" if has_prompts else ", requests logged without their messages"
        bare = "" if has_prompts else "-bare"
        return Result(
            suite=f"reading-{kind}-{size}{bare}",
            title=f"Reading {size} of {kind}{prompts}",
            baseline=BASELINES[READING],
            entries=entries,
        )

    def compression(self, kind: str, size: str) -> Result:
        """Measure the same log plain, as gzip and as zstd."""
        path = self._log(kind, size)
        commands = {"plain": _reading(path)}
        for name, suffix in (("gzip", ".gz"), ("zstd", ".zst")):
            compressed = path.with_name(path.name + suffix)
            commands[name] = _reading(compressed if compressed.exists() else compress(path, suffix))
        entries = self._turns(commands)
        return Result(
            suite=f"compression-{kind}",
            title=f"Reading {size} of {kind}, compressed",
            baseline="plain",
            entries=entries,
        )

    def committing(self, kind: str, size: str) -> Result:
        """Measure reading alone, and ``collect``: Parquet, digests, sync and the entry of the log as well."""
        path, root = self._log(kind, size), self.scratch / f"committing-{kind}"

        def begin(name: str) -> None:
            if name == TO_COMMIT:
                shutil.rmtree(root, ignore_errors=True)
                write_workspace(root)
                (root / "logs" / path.name).hardlink_to(path)

        commands = {"reading alone": _reading(path), TO_COMMIT: [*_tallybook(), "-w", str(root), "collect"]}
        entries = self._turns(commands, begin)
        return Result(
            suite=f"committing-{kind}",
            title=f"From {size} of {kind} to the commit",
            baseline="reading alone",
            entries=entries,
            notes=(_bytes_each(root, "in the lake"),),
        )

    def aggregating(self, events: str) -> Result:
        """Measure a lake to daily totals, each identity once."""
        root = self._workspace(events)
        entries = self._contest(AGGREGATING, root, {}, number_of(events))
        title = f"Aggregating {events} events over {_DAYS} days, each identity once"
        return Result(
            suite=f"aggregating-{events}",
            title=title,
            baseline=BASELINES[AGGREGATING],
            entries=entries,
            notes=(_bytes_each(root, ""),),
        )

    def rating(self, cells: str) -> Result:
        """Measure daily tokens to charges."""
        root = self.scratch / f"rating-{cells}"
        if not (root / CELLS_FILE).exists():
            write_workspace(root)
            write_cells(root, number_of(cells))
        entries = self._contest(RATING, root, {})
        return Result(
            suite="rating", title=f"Rating {cells} daily quantities", baseline=BASELINES[RATING], entries=entries
        )

    def nights(self, sizes: Sequence[str]) -> Result:
        """Measure a night in which nothing is new, over lakes of several sizes."""
        nothing = self._workspace("0")
        roots = {"an empty lake": nothing, **{f"{events} events": self._workspace(events) for events in sizes}}
        commands = {
            name: [*_tallybook(), "-w", str(root), "nightly", "--as-of", "2026-05-01"] for name, root in roots.items()
        }
        for command in commands.values():
            run(command)  # the first night writes marts and drafts
        return Result(
            suite="nights",
            title="A night in which nothing is new",
            baseline="an empty lake",
            entries=self._turns(commands),
        )

    def first_nights(self, size: str) -> Result:
        """Measure nights to which everything is new: over a log of streams, and over the committed sample."""
        roots = {name: self.scratch / f"night-{name.replace(' ', '-')}" for name in (OVER_STREAMS, SAMPLE)}
        log = self._log("streams", size)

        def begin(name: str) -> None:
            shutil.rmtree(roots[name], ignore_errors=True)
            roots[name].mkdir()
            for part in ("tallybook.toml", "accounts.toml", "rates", "logs"):
                copied = ROOT / "data" / part
                (shutil.copytree if copied.is_dir() else shutil.copy)(copied, roots[name] / part)
            if name == OVER_STREAMS:
                for sample in (roots[name] / "logs").iterdir():
                    sample.unlink()
                (roots[name] / "logs" / "app.jsonl").hardlink_to(log)

        commands = {name: [*_tallybook(), "-w", str(root), "nightly"] for name, root in roots.items()}
        return Result(
            suite="first-nights",
            title=f"A night to which everything is new: over {size} of streams, and over the sample",
            baseline=SAMPLE,
            entries=self._turns(commands, begin),
        )

    def commands(self) -> Result:
        """Measure commands that read no data."""
        root = self._workspace("0")
        commands = {
            "python, doing nothing": [sys.executable, "-c", ""],
            "tallybook -h": [*_tallybook(), "-h"],
            "tallybook rates check": [*_tallybook(), "-w", str(root), "rates", "check"],
        }
        return Result(
            suite="commands",
            title="Commands that read no data",
            baseline="python, doing nothing",
            entries=self._turns(commands),
        )

    def _contest(self, task: str, path: Path, floor: Mapping[str, Sequence[str]], events: int = 0) -> tuple[Entry, ...]:
        """Compare every contender's rows with the oracle's, then let those that can take turns."""
        troubles: dict[str, str] = {}
        differing: dict[str, int] = {}
        tried = [each for each in CONTENDERS if each.task == task]
        oracle, size = ORACLES[task], path.stat().st_size if path.is_file() else 0
        expected = self._rows(next(each for each in tried if each.name == oracle), path)
        for each in tried:
            if not each.is_installed:
                troubles[each.name] = f"{each.needs} is not installed"
            elif each.events_max is not None and events > each.events_max:
                troubles[each.name] = f"not tried beyond {each.events_max} events"
            elif each.name == oracle and size > _TIMED_BYTES_MAX:
                troubles[each.name] = "gives the rows that the others are compared with, and takes no turns here"
            else:
                try:
                    differing[each.name] = rows_differing(self._rows(each, path), expected)
                except RunFailed as failed:
                    troubles[each.name] = f"fails: {str(failed)[:120]}"
        commands = {**floor, **{name: _contending(task, name, path) for name in differing}}
        runs = take_turns(commands, self.rounds, self.on_run)
        names = [*floor, *(each.name for each in tried)]
        return tuple(
            Entry(
                name=name,
                runs=tuple(runs.get(name, ())),
                rows_differing=differing.get(name),
                trouble=troubles.get(name, ""),
            )
            for name in names
        )

    def _rows(self, each: Contender, path: Path) -> pa.Table:
        self.on_run(f"rows of {each.name}", 0)
        answer = self.scratch / "answer.parquet"
        run([*_contending(each.task, each.name, path), str(answer)])
        return pq.read_table(answer)

    def _turns(
        self, commands: Mapping[str, Sequence[str]], before: Callable[[str], None] = lambda _name: None
    ) -> tuple[Entry, ...]:
        turns = take_turns(commands, self.rounds, self.on_run, before)
        return tuple(Entry(name=name, runs=tuple(runs)) for name, runs in turns.items())

    def _log(self, kind: str, size: str, *, has_prompts: bool = True) -> Path:
        path = self.scratch / f"{kind}-{size}{'' if has_prompts else '-bare'}.jsonl"
        if not path.exists():
            self.on_run(f"writing {path.name}", 0)
            making = path.with_suffix(".part")
            write_log(making, Recipe(kind=kind, has_prompts=has_prompts), number_of(size))
            making.rename(path)
        return path

    def _workspace(self, events: str) -> Path:
        root = self.scratch / f"events-{events}"
        if not root.exists():
            self.on_run(f"writing {root.name}", 0)
            making = self.scratch / f"events-{events}.part"
            write_workspace(making)
            if number_of(events):
                write_lake(making, EventsRecipe(events=number_of(events), days=_DAYS))
            making.rename(root)
        return root


def kept(scratch: Path) -> dict[str, Result]:
    """Return the last result of every suite that was measured with a scratch folder."""
    path = scratch / _RESULTS
    saved = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {suite: Result.from_json(result) for suite, result in saved.items()}


def keep(scratch: Path, result: Result) -> None:
    """Keep a result in the place of an earlier one of its suite."""
    results = {suite: earlier.as_json() for suite, earlier in kept(scratch).items()}
    results[result.suite] = result.as_json()
    (scratch / _RESULTS).write_text(json.dumps(results, indent=1), encoding="utf-8")


def _bytes_each(root: Path, where: str) -> str:
    """Say how many events the lake of a workspace has, and how many bytes they take."""
    files = lake.read_log(layout.lake(root)).data_files
    events = sum(file.rows for file in files)
    return f"{events} events take {sum(file.size for file in files) / events:.1f} bytes each{where and f' {where}'}."


def _contending(task: str, name: str, path: Path) -> list[str]:
    return python("benchmarks.turns.contenders", task, name, str(path))


def _reading(path: Path) -> list[str]:
    return _contending(READING, "tallybook", path)


def _tallybook() -> list[str]:
    return [sys.executable, "-c", "from pipeline.cli import main; main()"]
