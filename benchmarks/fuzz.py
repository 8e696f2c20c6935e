"""Compare the kernel with the plain reader on millions of made-up lines.

``python -m benchmarks.fuzz --lines 10000000 --seed 1``.

Owns the running of it. Does not own the lines (``tests/support/lines``: ``fuzzing.py``, ``damaged_streams.py``,
``varied_lines.py``, and of logs that are no request logs ``foreign_lines.py``). A difference is printed with its line,
made as short as it can be, and with the seed that makes it again; nothing comes from a real log.
"""

from __future__ import annotations

import importlib
import random
import sys
import time
from collections import Counter
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

import click

from pipeline.collectors import LogFormat
from pipeline.collectors.decode import decode_line
from pipeline.collectors.kernel import blocks
from pipeline.collectors.kernel.blocks import BlockDecoder
from pipeline.collectors.kernel.rules import finder, table
from pipeline.collectors.logs.lines import Line, bare_span

if TYPE_CHECKING:
    from types import ModuleType

    from pipeline.collectors.decode import EventRow, QuarantineRow

_ROUND_LINES = 4_000
_BLOCK_LINES = 200
_MADE_LINES = 20
"""Of a block. The others are made of those that the kernel has told, with other contents in their holes."""
_VARIED_LINES = _BLOCK_LINES - _MADE_LINES
_LAID_OUT_OTHERWISE = 0.2
"""The share of these that are changed in one place more, so that they are not laid out as the one before them."""
_FRESH = (0.25, 0.01, 0.0, 0.0)
"""The share of lines that are made anew: with few of them, the same lines are damaged again and again."""
_FAMILIES = (0.0, 0.5, 0.95)
"""The share of bodies that are of any family, and not chat's."""
_RELATED = 0.2
"""The share of rounds whose lines have counts that must be related, or that are kept by name if they are."""
_AIMED = 0.7
"""The share of rounds whose lines are damaged streams."""
_WITHOUT_IDS = 0.2
"""The share of rounds whose lines have no ids, mostly: they are known by their bytes."""
_GENTLE = 0.9
"""The share of rounds in which lines are damaged so little that the kernel tells many."""
_FORMATS = (
    *[LogFormat()] * 10,
    LogFormat(identity="request-id"),
    LogFormat(depth_max=4),
    LogFormat(fields={"api_key_id": "request.model", "request.model": "api_key_id"}),
    LogFormat(fields={"request_id": "response.id"}),
    LogFormat(dialect="openai-chat"),
)
_WITH_USAGE_BESIDE = LogFormat(fields={"usage": "usage", "cache_hit": "cache_hit"})
_LEARNED_FROM_BYTES = (0, 0, 5_000)
"""A shape is learned from every line at once, however odd; in some rounds, only where it is met again: these are
quicker, and more lines meet rules that were learned from others.
"""


@cache
def support(name: str) -> ModuleType:
    """Return a module of ``tests/support/lines``."""
    folder = Path(__file__).parents[1] / "tests" / "support" / "lines"
    if not (folder / f"{name}.py").is_file():
        message = f"tests/support/lines/{name}.py is not beside benchmarks/"
        raise click.ClickException(message)
    sys.path.append(str(folder))  # it imports what lies beside it
    return importlib.import_module(name)


def _fuzzing() -> ModuleType:
    return support("fuzzing")


class Compared(NamedTuple):
    """What came of lines that both readers have read."""

    differing: list[int]
    """The indices of the lines that they read differently."""
    told: list[int]
    """The indices of the lines that the kernel did not hand over."""


def compared(lines: list[bytes], decoder: BlockDecoder) -> Compared:
    """Read lines with both readers, as one block, and compare what each line amounts to.

    What the kernel hands over is read by the plain reader within the decoder. That answer is not asked for again where
    the decoder asked by the very words that we ask by: equal lines at equal places are read alike.
    """
    block = b"".join(line + b"\n" for line in lines)
    handed_over: dict[Line, list[EventRow | QuarantineRow]] = {}

    def remembering(line: Line, **how: Any) -> list[EventRow | QuarantineRow]:
        rows = decode_line(line, **how)
        if how == asked:
            handed_over[line] = rows
        return rows

    asked = {"source": "s", "log_format": decoder.log_format, "fingerprint": fingerprint}
    with mock.patch.object(blocks, "decode_line", remembering):
        decoded = decoder.decoded(block, start=1, first_line=1)
    found = _fuzzing().found_rows(decoded)
    at, wrong, told = 1, [], []
    for number, line in enumerate(lines, 1):
        end = at + len(line) + 1
        place = Line(number, at, end, line[slice(*bare_span(line, 0, len(line)))])
        rows = handed_over.get(place)
        if rows is None:
            told.append(number - 1)
            rows = decode_line(place, **asked)
        if found.get(number, []) != _fuzzing().expected_rows(rows):
            wrong.append(number - 1)
        at = end
    return Compared(wrong, told)


def shortened(line: bytes, decoder: BlockDecoder) -> bytes:
    """Return a line that still differs, with as much cut out as leaves it differing."""
    size = len(line) // 2
    while size:
        at = 0
        while at < len(line):
            shorter = line[:at] + line[at + size :]
            if compared([shorter], decoder).differing:
                line = shorter
            else:
                at += size
        size //= 2
    return line


_Counted = str | tuple[str, str]
"""What is counted: of all lines, or of those of a format."""


class _Round(NamedTuple):
    """What came of some lines."""

    seed: str
    counts: Counter[_Counted]
    """Of its lines, of the usual among them, and of those that the kernel told; the same by format."""
    differing: list[bytes]
    """Each as short as it can be."""


def made_by(seed: str, aimed: float) -> Any:
    """Return a maker of lines: of damaged streams, in so great a share of seeds, or of any lines."""
    chance = random.Random(f"maker {seed}")
    is_aimed, is_gentle = chance.random() < aimed, chance.random() < _GENTLE
    if is_aimed:
        return support("damaged_streams").DamagedStreams(seed, is_gentle=is_gentle)
    return _fuzzing().LineMaker(
        seed, fresh=chance.choice(_FRESH), is_gentle=is_gentle, families=chance.choice(_FAMILIES)
    )


def related(seed: str) -> Any:
    """Return a maker of lines whose counts must be related, or are kept by name where they are."""
    bodies = sorted(support("family_bodies").RELATED)
    return _fuzzing().LineMaker(seed, fresh=_FRESH[0], is_gentle=_is_gentle(seed), families=1.0, bodies=bodies)


def foreign(seed: str) -> Any:
    """Return a maker of lines that are no request log's; ``log_format`` is what they are read by."""
    return support("foreign_lines").ForeignLines(seed, is_gentle=_is_gentle(seed))


def _is_gentle(seed: str) -> bool:
    return random.Random(f"maker {seed}").random() < _GENTLE


def _round(seed: str) -> _Round:
    chance = random.Random(seed)
    if chance.random() < float(seed.partition(":")[2] or 0):
        maker = foreign(seed)
        log_format = maker.log_format
    elif random.Random(f"related {seed}").random() < _RELATED:
        maker, log_format = related(seed), chance.choice((_FORMATS[0], _WITH_USAGE_BESIDE))
    else:
        maker, log_format = made_by(seed, _AIMED), chance.choice(_FORMATS)
    with (
        mock.patch.object(table, "LEARNED_FROM_BYTES", chance.choice(_LEARNED_FROM_BYTES)),
        mock.patch.object(finder, "_AHEAD", sys.maxsize),
    ):
        return _round_of(seed, maker, log_format, chance)


def _round_of(seed: str, maker: Any, log_format: LogFormat, chance: random.Random) -> _Round:
    decoder = BlockDecoder(source="s", log_format=log_format, fingerprint=fingerprint)
    found: list[bytes] = []
    counts = Counter[_Counted]()
    is_known_by_ids = hasattr(maker, "kind") and log_format.format is None  # else no line would be of its format
    has_ids = chance.random() >= _WITHOUT_IDS or is_known_by_ids
    for _ in range(_ROUND_LINES // _BLOCK_LINES):
        made = [maker.made() for _ in range(_MADE_LINES)]
        counts.update(usual=sum(line.is_usual for line in made))
        lines = [line.content if has_ids else support("varied_lines").without_ids(line.content) for line in made]
        told = _block(lines, decoder, found, counts)
        # What was told is of a pattern that the kernel knows now: further lines of it are what finds the pattern out.
        of = told or range(len(lines))
        _block([_varied(lines[chance.choice(of)], chance) for _ in range(_VARIED_LINES)], decoder, found, counts)
    kind = getattr(maker, "kind", None)
    name = f"{kind}, {'gentle' if _is_gentle(seed) else 'damaged'}" if kind else "request logs"
    counts.update({(name, "lines"): counts["lines"], (name, "told"): counts["told"]})
    return _Round(seed, counts, found)


def _varied(line: bytes, chance: random.Random) -> bytes:
    varied: bytes = support("varied_lines").varied(line, chance)
    if chance.random() < _LAID_OUT_OTHERWISE:
        varied = support("varied_lines").laid_out_otherwise(varied, chance)
    return varied


def _block(lines: list[bytes], decoder: BlockDecoder, found: list[bytes], counts: Counter[_Counted]) -> list[int]:
    """Compare the readers on lines, add those that differ to ``found``, and return the indices of the told."""
    try:
        differ, told = compared(lines, decoder)
    except Exception as error:  # noqa: BLE001 - whatever it is, it would end a night, and the other rounds go on
        counts.update(lines=len(lines))
        found += [b"%s: %s" % (type(error).__name__.encode(), line) for line in lines if _raises(line, decoder)]
        return []
    counts.update(lines=len(lines), told=len(told))
    for index in differ:
        alone = compared([lines[index]], decoder).differing
        found.append(shortened(lines[index], decoder) if alone else b"only among others: " + lines[index])
    return told


def _raises(line: bytes, decoder: BlockDecoder) -> bool:
    try:
        compared([line], decoder)
    except Exception:  # noqa: BLE001 - which it is was told of the block
        return True
    return False


def fingerprint(raw: str) -> str:
    """Stand for the fingerprint of a key."""
    return f"key_{len(raw)}"


@click.command()
@click.option("--lines", default=1_000_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--processes", default=2, show_default=True)
@click.option("--formats", default=0.3, show_default=True, help="The share of rounds whose lines are no request log's.")
def main(lines: int, seed: int, processes: int, formats: float) -> None:
    """Compare the two readers; exit code 1 where any line is read differently."""
    began, done, wrong = time.monotonic(), Counter[_Counted](), 0
    seeds = [f"{seed}.{number}:{formats}" for number in range(-(-lines // _ROUND_LINES))]
    with get_context("spawn").Pool(processes) as pool:
        for number, found in enumerate(pool.imap_unordered(_round, seeds), 1):
            done.update(found.counts)
            wrong += len(found.differing)
            for line in found.differing:
                click.echo(f"seed {found.seed}: {line!r}")
            if number % 10 == 0 or number == len(seeds):
                counts = f"{done['lines']} lines ({done['usual']} usual, {done['told']} read by the kernel)"
                click.echo(f"{counts}, {wrong} differ, {done['lines'] / (time.monotonic() - began):.0f} lines a second")
    for name in sorted(each[0] for each in done if isinstance(each, tuple) and each[1] == "lines"):
        read, told = done[name, "lines"], done[name, "told"]
        click.echo(f"{name}: {read} lines, {told / read:.0%} read by the kernel")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
