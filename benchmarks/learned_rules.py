"""Shake the rules that the kernel learns: made-up counts that obey one, and are often equal or sums of others.

``python -m benchmarks.learned_rules --lines 1000 --seed 1``. ``fuzz`` compares lines, of which few are such that a
wrong rule shows; here each rule is compared with the plain reader by many lines of its own.

Owns what stands in their holes. Does not own the lines that are learned from (``related_counts`` of
``tests/support/lines``, and the makers of ``fuzz``), nor those of a shape (``kernel.rules.samples``).
"""

from __future__ import annotations

import random
import sys
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

import click

from benchmarks import fuzz
from pipeline.collectors import LogFormat
from pipeline.collectors.kernel.blocks import BlockDecoder
from pipeline.collectors.kernel.rules import finder, table
from pipeline.collectors.kernel.rules.rule import Rule
from pipeline.collectors.kernel.rules.search import Search
from pipeline.collectors.values.traced import Relation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pipeline.collectors.kernel.rules.rule import Nothing
    from pipeline.collectors.kernel.rules.samples import Samples

_ROUND_LINES = 40
_COUNT_MAX = 3_906_250_000
"""Lines with a greater count are read plainly."""
_TRIES = 6
"""So many contents are made up for each that obeys a rule."""
_IN_ORDER = 0.6
"""How often counts are in the order of the line that was learned from."""
_RELATED, _FOREIGN = 0.5, 0.8
"""Up to which fate lines are of related counts, and up to which they are no request log's."""
_FORMATS = (LogFormat(), LogFormat(fields={"usage": "usage"}), LogFormat(fields={"usage": "usage"}))


class _Learned(NamedTuple):
    """A rule, and what makes lines of its shape; ``example`` is the line that it was learned from."""

    rule: Rule
    samples: Samples
    example: Sequence[int]


class Shaken(NamedTuple):
    """What came of the rules that some lines have taught."""

    rules: int
    compared: int
    wrong: list[bytes]
    """Of each rule that is wrong, one line that shows it."""


def shaken(lines: Sequence[bytes], log_format: LogFormat, chance: random.Random, contents: int) -> Shaken:
    """Learn from lines, and compare each rule by so many contents."""
    learned: list[_Learned] = []
    decoder = BlockDecoder(source="s", log_format=log_format, fingerprint=fuzz.fingerprint)
    with (
        mock.patch.object(table, "LEARNED_FROM_BYTES", 0),
        mock.patch.object(finder, "_AHEAD", sys.maxsize),
        mock.patch.object(finder, "Search", _remembering(learned)),
    ):
        decoder.decoded(b"".join(line + b"\n" for line in lines), start=0, first_line=1)
        decoder.close()
    compared, wrong = 0, []
    for each in learned:
        for made in _obeying(each, chance, contents):
            compared += 1
            if not each.samples.comes_out(each.rule, made):
                wrong.append(each.samples.line(made))
                break
    return Shaken(len(learned), compared, wrong)


def _remembering(learned: list[_Learned]) -> Callable[..., Search]:
    """Return a search that notes the rules that it finds, and those that go over to another shape."""

    class Remembering(Search):
        def __init__(self, plain: Any, samples: Samples, example: Sequence[int]) -> None:
            super().__init__(plain, samples, example)
            self._learned_of = samples, example

        def rule(self) -> Rule | Nothing | None:
            found = super().rule()
            if isinstance(found, Rule):
                learned.append(_Learned(found, *self._learned_of))
            return found

        def confirms(self, rule: Rule) -> bool:
            is_confirmed = super().confirms(rule)
            if is_confirmed:
                learned.append(_Learned(rule, *self._learned_of))
            return is_confirmed

    return Remembering


def _obeying(learned: _Learned, chance: random.Random, count: int) -> Iterator[list[Any]]:
    """Yield some contents that obey a rule, as far as they are found."""
    if not learned.samples.counts:
        return
    for _ in range(count * _TRIES):
        made = _made_up(learned, chance)
        are_counts = all(1 <= made[hole] <= _COUNT_MAX for hole in learned.samples.counts)
        if are_counts and learned.rule.is_obeyed(made.__getitem__):
            yield made
            count -= 1
            if not count:
                return


def _made_up(learned: _Learned, chance: random.Random) -> list[Any]:
    """Return contents whose counts are sums of a few: mostly in the order of the example, but for some of them."""
    rule, samples, example = learned
    made = samples.contents()
    greatest = chance.choice((1, 2, 3, 5, 40, 10**3, 10**6, 10**8))
    few = [chance.randint(1, greatest) for _ in range(chance.choice((1, 2, 3, 4)))]
    counts = [sum(chance.choices(few, k=chance.choice((1, 1, 2, 3)))) for _ in samples.counts]
    in_order = sorted(samples.counts, key=lambda hole: example[hole])
    for hole, number in zip(in_order, sorted(counts) if chance.random() < _IN_ORDER else counts, strict=True):
        made[hole] = number
    for hole in chance.sample(in_order, chance.randrange(min(3, len(in_order)))):
        others = [made[other] for other in in_order if other != hole]
        made[hole] = sum(chance.sample(others, min(len(others), chance.choice((1, 1, 2, 3))))) or 1
    for hole in samples.lengths:
        made[hole] = chance.choice((1, 1, 2, 3, 5))
    zeros = [condition.of for condition in rule.conditions if condition.relation is Relation.ZERO]
    for zero in chance.sample(zeros, len(zeros)):
        hole, times = chance.choice([each for each in zero.times if abs(each[1]) == 1] or zero.times)
        made[hole] -= times * zero.of(made.__getitem__)
    return made


def made_lines(seed: str) -> tuple[list[bytes], LogFormat]:
    """Return lines of one log: half of the seeds make lines whose counts are related, the others any."""
    chance = random.Random(seed)
    fate = chance.random()
    if fate < _RELATED:
        line = fuzz.support("related_counts").line
        return [line(chance) for _ in range(_ROUND_LINES)], chance.choice(_FORMATS)
    maker = fuzz.foreign(seed) if fate < _FOREIGN else fuzz.related(seed)
    log_format = getattr(maker, "log_format", _FORMATS[0])
    return [maker.made().content for _ in range(_ROUND_LINES)], log_format


@click.command()
@click.option("--lines", default=1_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--contents", default=100, show_default=True, help="By how many lines each rule is compared.")
def main(lines: int, seed: int, contents: int) -> None:
    """Shake the rules that made-up lines teach; exit code 1 where any is wrong."""
    rules = compared = wrong = 0
    for number in range(-(-lines // _ROUND_LINES)):
        name = f"{seed}.{number}"
        found = shaken(*made_lines(name), random.Random(f"contents {name}"), contents)
        rules, compared, wrong = rules + found.rules, compared + found.compared, wrong + len(found.wrong)
        for line in found.wrong:
            click.echo(f"seed {name}: {line!r}")
    click.echo(f"{rules} rules, {compared} lines compared, {wrong} rules are wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
