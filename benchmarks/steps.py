"""Where the time of reading a log goes, step by step: ``python -m benchmarks.steps LOG``.

One process reads the log several times, and the least time of each step is shown, without that of the steps within it.
Owns the list of steps. Watching them costs some microseconds a block, and nothing a line. Time is the
processor's, since what else a machine does is no step of this.
"""

from __future__ import annotations

import time
from collections import defaultdict
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.collectors import LogFormat, read_log, segment
from pipeline.collectors.kernel import blocks, program
from pipeline.collectors.kernel.rules import finder
from pipeline.collectors.logs import line_blocks
from pipeline.collectors.logs.log_file import LogFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_REST = "between the steps"
_STEPS: tuple[tuple[Any, str, str], ...] = (
    (LogFile, "_blocks", "reading the file"),
    (line_blocks.LineBlocks, "__iter__", "joining whole lines"),
    (line_blocks.LineBlocks, "take", "hashing"),
    (program.Program, "read", "the kernel"),
    (finder.RuleFinder, "rules_of", "learning shapes"),
    (blocks.BlockDecoder, "_told_rows", "which lines have a rule that they obey"),
    (blocks.BlockDecoder, "_events", "columns of the lines that have"),
    (program.Program, "identities", "identities"),
    (blocks.BlockDecoder, "plainly", "lines that are handed over, one by one"),
    (segment.SegmentBuilder, "add_all", "collecting rows"),
    (segment.SegmentBuilder, "_flush", "making Arrow of rows"),
)


class Watch:
    """Adds up what each step takes, but for the steps that it calls."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._now = _REST
        self._since = time.thread_time()

    def switch(self, step: str) -> str:
        """Let another step go on; return the one before."""
        at, before = time.thread_time(), self._now
        self.seconds[before] += at - self._since
        self._now, self._since = step, at
        return before

    def watched(self, function: Callable[..., Any], step: str) -> Callable[..., Any]:
        """Return the function with its time added to the step; a generator only while it works."""

        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            before = self.switch(step)
            try:
                result = function(*args, **kwargs)
            finally:
                self.switch(before)
            return self._iterated(result, step) if hasattr(result, "gi_frame") else result

        return call

    def _iterated(self, items: Iterator[Any], step: str) -> Iterator[Any]:
        while True:
            before = self.switch(step)
            try:
                item = next(items)
            except StopIteration:
                return
            finally:
                self.switch(before)
            yield item


@click.command()
@click.argument("log", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--rounds", default=7, show_default=True)
def main(log: Path, rounds: int) -> None:
    """Print what each step of reading LOG takes a line, in microseconds, in the round in which it took least."""
    watch = Watch()
    for owner, name, step in _STEPS:
        setattr(owner, name, watch.watched(getattr(owner, name), step))
    rounds_seconds: list[dict[str, float]] = []
    lines = 0
    for _ in range(rounds):
        watch.seconds.clear()
        watch.switch(_REST)
        segments = read_log(
            log, source=log.name, name="benchmark", log_format=LogFormat(), fingerprint=lambda _raw: "key"
        )
        lines = sum(segment.record.lines for segment in segments)
        watch.switch(_REST)
        rounds_seconds.append(dict(watch.seconds))
    least = {
        step: min(seconds.get(step, 0.0) for seconds in rounds_seconds) * 1e6 / lines for step in rounds_seconds[0]
    }
    total = sum(least.values())
    click.echo("| step | µs a line | share |\n| --- | ---: | ---: |")
    for step, microseconds in sorted(least.items(), key=lambda each: -each[1]):
        click.echo(f"| {step} | {microseconds:.2f} | {microseconds / total:.0%} |")
    click.echo(f"| all of {lines} lines | {total:.1f} | |")


if __name__ == "__main__":
    main()
