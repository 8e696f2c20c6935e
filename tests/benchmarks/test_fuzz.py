"""The comparison of the two readers: what the kernel reads wrongly is found, also where an answer is asked for once."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from fuzzing import LineMaker, expected_rows, found_rows
from varied_lines import varied

from benchmarks import fuzz
from pipeline.collectors import LogFormat
from pipeline.collectors.decode import decode_line
from pipeline.collectors.kernel import readers
from pipeline.collectors.kernel.blocks import BlockDecoder, DecodedLines
from pipeline.collectors.kernel.rules import table
from pipeline.collectors.logs.lines import Line

if TYPE_CHECKING:
    from collections.abc import Iterable

pytest.importorskip("wasmtime", reason="wasmtime is not installed")


@pytest.fixture(autouse=True)
def _learns_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 0)
    monkeypatch.setattr(readers, "_idle", {})


def decoder() -> BlockDecoder:
    return BlockDecoder(source="s", log_format=LogFormat(), fingerprint=fuzz.fingerprint)


def some_lines(count: int) -> list[bytes]:
    maker = LineMaker("of a test", is_gentle=True, fresh=0.3)
    return [maker.made().content for _ in range(count)]


def asked_anew(lines: list[bytes]) -> list[int]:
    """Compare without remembering any answer: the simple way, which the quick one must agree with."""
    decoded = decoder().decoded(b"".join(line + b"\n" for line in lines), start=1, first_line=1)
    found, at, wrong = found_rows(decoded), 1, []
    for number, line in enumerate(lines, 1):
        place = Line(number, at, at + len(line) + 1, line)
        rows = decode_line(place, source="s", log_format=LogFormat(), fingerprint=fuzz.fingerprint)
        if found.get(number, []) != expected_rows(rows):
            wrong.append(number - 1)
        at = place.end
    return wrong


@pytest.mark.long
def test_an_answer_that_is_asked_for_once_is_the_one_of_before() -> None:
    lines = [line for line in some_lines(60) if line.strip() == line]
    came = fuzz.compared(lines, decoder())
    assert came.differing == asked_anew(lines) == []
    assert 0 < len(came.told) < len(lines)


def test_a_line_that_is_handed_over_at_another_place_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    plainly = BlockDecoder.plainly

    def elsewhere(self: BlockDecoder, lines: Iterable[Line]) -> Any:
        return plainly(self, (line._replace(end=line.end + 1) for line in lines))

    monkeypatch.setattr(BlockDecoder, "plainly", elsewhere)
    broken = b'{"ts": "2026-03-01T06:51:19Z", "api_key_id"'
    assert fuzz.compared([broken], decoder()).differing == [0]


def test_a_row_that_is_lost_behind_the_plain_reader_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BlockDecoder, "plainly", lambda *_: DecodedLines([], [], 0, 0, 0, 1))
    assert fuzz.compared([b"no JSON"], decoder()).differing == [0]


@pytest.mark.long
def test_lines_with_other_contents_are_mostly_of_patterns_that_are_known() -> None:
    chance, readers = random.Random(7), decoder()
    lines = some_lines(60)
    told = [lines[index] for index in fuzz.compared(lines, readers).told]
    others = [varied(chance.choice(told), chance) for _ in range(400)]
    came = fuzz.compared(others, readers)
    assert not came.differing
    assert len(came.told) >= 200
    assert len(set(others) - set(told)) >= 320
