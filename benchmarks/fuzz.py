"""Compare the fast reader with the plain one on millions of made-up lines: ``python -m benchmarks.fuzz --lines 10000000 --seed 1``.

Owns the running of it. Does not own the lines (``tests/support/fuzzing.py``). A difference is printed with its line, made as short
as it can be, and with the seed that makes it again; nothing in it comes from a real log.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.collectors import LogFormat
from pipeline.collectors.decode import decode_line
from pipeline.collectors.fast.blocks import BlockDecoder
from pipeline.collectors.line_blocks import spans_of
from pipeline.collectors.lines import Line
from pipeline.schemas import QUARANTINE, USAGE_EVENTS

if TYPE_CHECKING:
    from types import ModuleType

_EVENT_LINE = USAGE_EVENTS.get_field_index("line")
_QUARANTINE_LINE = QUARANTINE.get_field_index("line")
_ROUND_LINES = 2_000
_BLOCK_LINES = 100
_FORMATS = (LogFormat(), LogFormat(), LogFormat(identity="request-id"), LogFormat(depth_max=4))


def _fuzzing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fuzzing", Path(__file__).parents[1] / "tests" / "support" / "fuzzing.py")
    if spec is None or spec.loader is None:
        message = "tests/support/fuzzing.py is not beside benchmarks/"
        raise click.ClickException(message)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def differing(lines: list[bytes], log_format: LogFormat) -> tuple[list[int], int]:
    """Return the indices of the lines that the two readers read differently, and how many took the quick way."""
    block = b"".join(line + b"\n" for line in lines)
    decoder = BlockDecoder(source="s", log_format=log_format, fingerprint=_fingerprint)
    decoded = decoder.decoded(block, spans_of(block, is_first=False), start=1, first_line=1)
    found = {row[_EVENT_LINE]: row for row in decoded.events} | {row[_QUARANTINE_LINE]: row for row in decoded.quarantined}
    at, wrong = 1, []
    for number, line in enumerate(lines, 1):
        end = at + len(line) + 1
        expected = decode_line(Line(number, at, end, line.removesuffix(b"\r")), source="s", log_format=log_format, fingerprint=_fingerprint)
        if found.get(number) != (expected and expected.values):
            wrong.append(number - 1)
        at = end
    return wrong, decoded.quick


def shortened(line: bytes, log_format: LogFormat) -> bytes:
    """Return a line that still differs, with as much cut out as leaves it differing."""
    size = len(line) // 2
    while size:
        at = 0
        while at < len(line):
            shorter = line[:at] + line[at + size :]
            if differing([shorter], log_format)[0]:
                line = shorter
            else:
                at += size
        size //= 2
    return line


def _round(seed: str) -> tuple[str, int, int, int, list[bytes]]:
    """Return the seed, the lines, those that took the quick way, the usual ones among them, and the shortest of those that differ."""
    maker = _fuzzing().LineMaker(seed, fresh=0.25)
    found: list[bytes] = []
    quick = usual = 0
    for _ in range(_ROUND_LINES // _BLOCK_LINES):
        log_format = maker.chance.choice(_FORMATS)
        made = [maker.made() for _ in range(_BLOCK_LINES)]
        lines = [line.content for line in made]
        wrong, took = differing(lines, log_format)
        quick += took
        usual += sum(line.is_usual for line in made)
        for index in wrong:
            alone = differing([lines[index]], log_format)[0]
            found.append(shortened(lines[index], log_format) if alone else b"only among others: " + lines[index])
    return seed, _ROUND_LINES, quick, usual, found


def _fingerprint(raw: str) -> str:
    return f"key_{len(raw)}"


@click.command()
@click.option("--lines", default=1_000_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--processes", default=2, show_default=True)
def main(lines: int, seed: int, processes: int) -> None:
    """Compare the two readers; exit code 1 where any line is read differently."""
    began, done, took, usual, wrong = time.monotonic(), 0, 0, 0, 0
    seeds = [f"{seed}.{number}" for number in range(-(-lines // _ROUND_LINES))]
    with get_context("spawn").Pool(processes) as pool:
        for made_by, count, quick, usual_here, found in pool.imap_unordered(_round, seeds):
            done, took, usual, wrong = done + count, took + quick, usual + usual_here, wrong + len(found)
            for line in found:
                click.echo(f"seed {made_by}: {line!r}")
            if done % (_ROUND_LINES * 500) == 0:
                click.echo(f"{done} lines, {wrong} differ, {took / done:.0%} took the quick way, {done / (time.monotonic() - began):.0f} lines a second")
    click.echo(f"{done} lines ({usual} usual), {wrong} differ, {took} took the quick way")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
