"""A line that follows one of its layout is read leaf by leaf, and amounts to what it would amount to alone.

The oracle is the plain reader. Beside the lines of each case stands a usual one, so that each is read by the layout of
one before it, or by none.
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from both_readers import by_kernel, read_plainly
from fuzzing import LineMaker, found_rows
from varied_lines import laid_out_otherwise, varied

from pipeline.collectors import LogFormat
from pipeline.collectors.kernel import readers
from pipeline.collectors.kernel.program import Program
from pipeline.collectors.kernel.rules import table

if TYPE_CHECKING:
    from collections.abc import Sequence

_LINE = b'{"ts": "2026-03-01T06:51:19Z", "request_id": "r", "api_key_id": "k", "status": 200, "x": 1, "response": %b}'


def _answer(**changes: Any) -> bytes:
    whole = {"id": "a", "model": "m", "choices": [{"index": 0, "message": {"content": "x"}, "finish_reason": "stop"}]}
    return json.dumps(
        whole | {"usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}} | changes
    ).encode()


USUAL = _LINE % _answer()
OTHER = USUAL.replace(b'"a"', b'"b"').replace(b": 3,", b": 30,").replace(b": 5}", b": 32}")


@pytest.fixture(autouse=True)
def _learns_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 0)
    monkeypatch.setattr(readers, "_idle", {})


def _compare(lines: Sequence[bytes], log_format: LogFormat | None = None) -> int:
    """Compare both readers on lines; return how many the kernel told."""
    log_format = log_format or LogFormat()
    found = by_kernel(lines, log_format)
    assert found_rows(found) == read_plainly(lines, log_format)
    return found.told


def _changed(before: bytes, after: bytes, line: bytes = USUAL) -> bytes:
    assert before in line
    return line.replace(before, after, 1)


def _fates(lines: Sequence[bytes]) -> list[int]:
    """Return which lines the kernel tells, before anybody asks what they amount to: 1 or 0 each."""
    program = Program(LogFormat())  # which the arrays lie in
    fates: list[int] = program.read(b"\n".join((*lines, b""))).fates.tolist()
    return fates


HANDED_OVER = {
    "a colon is a colon": _changed(b'"model": ', b'"model"; '),
    "a brace closes what a brace opened": _changed(b"}}}", b"}]}"),
    "a quote ends a name": _changed(b'"usage": ', b"'usage\": "),
    "the end of a line is an end": USUAL + b"}",
    "nothing follows a line": USUAL + b' "x"',
    "a line has an end": USUAL[:-1],
    "a line that ends within its layout": _changed(b', "total_tokens": 5}}}', b""),
    "an id consists of characters of ids": _changed(b'"a"', b'"a a"'),
    "a count is whole": _changed(b": 3,", b": 3.5,"),
    "a count does not begin with zeros": _changed(b": 3,", b": 03,"),
    "a word is written as JSON writes it": _changed(b'"stop"', b"nulx"),
    "a text of which words are expected has no escapes": _changed(b'"m"', b'"\\u006d"'),
    "an instant is one": _changed(b"03-01T", b"02-30T"),
    "a string has no control characters": _changed(b'"content": "x"', b'"content": "\x1f"'),
    "a value nobody looks at is one": _changed(b'"x": 1', b'"x": 01'),
    "a word goes on": _changed(b"200", b"200.0.0"),
    "a name may be written with escapes": _changed(b'"usage"', b'"us\\u0061ge"'),
    "a character is whole": _changed(b'"x": 1', b'"x": "\xc3"'),
}
"""Changes to a line of which the layout was kept, by what would be told wrongly if they were not seen."""

TOLD = {
    "another model": _changed(b'"m"', b'"n"'),
    "a longer model": _changed(b'"m"', b'"m-2"'),
    "another status": _changed(b"200", b"500"),
    "an empty text": _changed(b'"content": "x"', b'"content": ""'),
    "a count of zero": _changed(b": 2,", b": 0,").replace(b": 5}", b": 3}"),
    "a null where there was a word": _changed(b'"stop"', b"null"),
    "an object where there was a word": _changed(b'"stop"', b'{"type": "stop"}'),
    "a list where there was a word": _changed(b'"stop"', b'["stop", 1]'),
    "an object where there was a value nobody looks at": _changed(b'"x": 1', b'"x": {"a": [1, {"b": null}]}'),
    "an id that is equal to another one": _changed(b'"a"', b'"r"'),
    "no id": _changed(b'"a"', b'""'),
    "a text for an answer": _LINE % b'"upstream connect error"',
    "an answer in a text": _LINE % json.dumps(_answer().decode()).encode(),
    "no answer": _LINE % b"null",
    "blanks before and behind": b"  " + USUAL + b" \t ",
    "a carriage return behind": USUAL + b"\r",
    "other members": _changed(b'"x": 1, ', b'"y": 1, "method": "POST", '),
    "members in another order": _changed(b'"api_key_id": "k", "status": 200', b'"status": 200, "api_key_id": "k"'),
    "without blanks": USUAL.replace(b", ", b",").replace(b": ", b":"),
    "more choices": _changed(b"}],", b"}, {}],"),
    "no choices": _LINE % _answer(choices=[]),
}
"""Lines that are told, whether or not they fit."""


@pytest.mark.parametrize("claim", HANDED_OVER)
def test_what_a_layout_does_not_make_certain_is_handed_over(claim: str) -> None:
    for lines in ([USUAL, HANDED_OVER[claim], OTHER], [OTHER, USUAL, HANDED_OVER[claim], HANDED_OVER[claim], USUAL]):
        assert _compare(lines) == len(lines) - lines.count(HANDED_OVER[claim])


@pytest.mark.parametrize("claim", TOLD)
def test_a_line_behind_one_that_is_much_the_same_is_told_as_it_is(claim: str) -> None:
    changed = TOLD[claim]
    for lines in ([USUAL, changed, OTHER], [changed, USUAL, changed, OTHER, changed]):
        assert _compare(lines) == len(lines)


def test_a_name_that_is_stated_twice_is_not_told_by_two_layouts_that_state_it_once() -> None:
    start = b'{"ts": "2026-03-01T06:51:19Z", "request_id": "r", '
    one = start + b'"status": 500, "api_key_id": "k", "x": 1}'
    other = start + b'"method": "POST", "api_key_id": "k", "status": 500}'
    twice = start + b'"status": 500, "api_key_id": "k", "status": 200}'
    lines = [one, other, twice, one, twice, other, twice]
    assert _fates(lines) == [line != twice for line in lines]


def test_layouts_have_no_place_in_common_that_is_longer_in_one() -> None:
    start = b'{"ts": "2026-03-01T06:51:19Z", "request_id": "r", "api_key_id": "k", '
    one = start + b'"request": null, "status": 500, "x": 1}'
    other = start + b'"request": {"model": "m"}, "status": 500, "y": 1}'
    broken = start + b'"request": null}, "status": 500, "y": 1}'
    lines = [other, one, broken, other, broken, one]
    assert _compare(lines) == 4


def test_layouts_with_a_long_beginning_in_common_go_on_from_one_another() -> None:
    ends = (b'"x": 1}', b'"y": 1}', b'"y": 1, "method": "POST"}', b'"path": "/v1/chat/completions"}', b'"status": 404}')
    start = b'{"ts": "2026-03-01T06:51:1%dZ", "request_id": "r%d", "api_key_id": "k", '
    lines = [start % (number % 9, number) + ends[number * 7 % len(ends)] for number in range(40)]
    assert _compare(lines) == len(lines)


@pytest.mark.parametrize("numbers", ["0.5, 0.25", "7", "0.5, 7, 0.5, 0.25", "0.5, 0.25, 0.125", "", "{}", "0.5, {}"])
def test_numbers_of_any_count_are_one_leaf(numbers: str) -> None:
    lines = [
        _LINE % _answer().replace(b'"index": 0', b'"index": [%b]' % each)
        for each in (b"0.5, 0.25", numbers.encode(), b"0.5", numbers.encode(), b"{}", numbers.encode())
    ]
    assert _compare(lines) == len(lines)


def test_a_line_whose_counts_leave_no_room_for_what_follows_is_handed_over() -> None:
    instant, rest = (
        USUAL[1 : USUAL.index(b', "request_id"')],
        USUAL[USUAL.index(b', "request_id"') : USUAL.index(b', "x"')],
    )
    few, many = (
        b'{"response": {"prompt_tokens": [' + b"1, " * count + b'1], "id": "a"}' + rest + b", " + instant + b"}"
        for count in (1, 252)
    )
    assert _fates([many]) == [0]
    assert _fates([few, many, few]) == [1, 0, 1]


def test_lines_behind_more_counts_than_a_block_has_room_for_are_handed_over() -> None:
    line = USUAL.replace(_answer(), b'{"id": "a", "prompt_tokens": [' + b"1, " * 240 + b"1]}")
    fates = _fates([line] * 3000)
    told = fates.count(1)
    assert 2000 < told < 3000
    assert fates == [1] * told + [0] * (3000 - told)


def test_a_line_whose_words_leave_no_room_for_what_follows_is_handed_over() -> None:
    words = b", ".join([b'{"type": "%b"}' % (b"t" * 100)] * 20)
    line = _LINE % (b'{"index": [%b1], "object": [' + words + b"]}")
    lines = [line % (b"1, " * count) for count in (2, 800, 1400, 1500, 2)]
    assert _fates(lines) == [1, 1, 0, 0, 1]
    assert _compare(lines) == 3


@pytest.mark.parametrize("size", [90, 97, 120, 300])
def test_a_line_of_more_leaves_than_a_layout_holds_is_parsed_each_time(size: int) -> None:
    choices = [{"index": number, "x": number} for number in range(size // 2)]
    lines = [_LINE % _answer(choices=choices, id=f"{number}") for number in range(3)]
    assert _compare([*lines, _changed(b'"usage": ', b'"usage"; ', lines[0]), USUAL]) == 4


@pytest.mark.parametrize(("fixed", "words"), [(1_000_000, 0), (5_000, 0), (0, 30)])
def test_a_line_too_long_for_a_layout_is_parsed_each_time(fixed: int, words: int) -> None:
    of_words = b'"object": [' + b'{"type": "%b"}, ' % (b"t" * 100) * words + b'{}], "choices"'
    long = b"{" + b" " * fixed + USUAL[1:].replace(b'"choices"', of_words)
    damaged = [_changed(b'"model": ', b'"model"; ', line) for line in (long, USUAL)]
    assert _compare([USUAL, long, long, USUAL, *damaged, long, OTHER]) == 6


def test_more_layouts_than_there_is_room_for_are_each_told() -> None:
    ones = [_changed(b'"x": 1', b'"x%d": 1' % number) for number in range(40)]
    lines = [*ones, *ones, *ones[::-1]]
    assert _compare(lines) == len(lines)


def test_other_models_and_texts_are_other_shapes() -> None:
    lines = [
        _LINE % _answer(model=model, choices=[{"message": {"content": text}}])
        for model in ("m", "n", "mm", "m", "mmmmmmmmmmmmmmmmmmm", "nnnnnnnnnnnnnnnnnnn")
        for text in ("", "x", "x" * 40)
    ]
    assert _compare(lines) == len(lines)


def _told(program: Program, line: bytes) -> list[bytes]:
    told = program.read(line + b"\n" + line + b"\n")
    return [program.shape(int(number)) for number in told.shapes]


def test_forgotten_shapes_have_no_layout() -> None:
    program = Program(LogFormat())
    shapes = _told(program, USUAL)
    program.forget()
    first = _LINE.replace(b'"x": 1', b'"method": "POST"') % b"null"
    assert len({*_told(program, first), *_told(program, USUAL)}) == 2
    assert _told(program, USUAL) == shapes


@pytest.mark.long
def test_bytes_that_are_no_utf8_are_seen_wherever_they_stand() -> None:
    starts = [bytes([first]) for first in range(0x7F, 0x100)]
    texts = [
        first + rest for first in starts for rest in (b"", b"\x80", b"\x8f\x80", b"\x90\x80", b"\xa0\x80", b"\xbf\xbf")
    ]
    texts += [b"\xf0\x8f\x80\x80", b"\xf0\x90\x80\x80", b"\xf4\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80"]
    texts += [first + b"\xbf\xbf\xbf" + behind for first in starts for behind in (b"", b"\xbf", b"\xc3\xa9")]
    for begin in range(16):
        lines = [b'{"x": "' + b"x" * begin + text + end for text in texts for end in (b'"}', b'"}' + b" " * 40)]
        assert _fates(lines) == [_is_utf8(line) for line in lines]
    few = [
        b"\xc3\xa9",
        b"\xe2\x80\x93",
        b"\xf0\x9f\x8d\x90",
        b"\xc3",
        b"\xe2\x80",
        b"\xf0\x9f\x8d",
        b"\xa9",
        b"\xed\xa0\x80",
    ]
    for begin in range(40, 100):  # sixty-four bytes are passed at once
        lines = [
            b'{"x": "' + "\u00e9".encode() * (begin % 2) + b"x" * begin + text + b"x" * behind + b'"}'
            for text in few
            for behind in (*range(14), 60, *range(75, 90))
        ]
        assert _fates(lines) == [_is_utf8(line) for line in lines]


@pytest.mark.long
def test_escapes_are_what_they_are_wherever_they_stand() -> None:
    """In a string that nobody looks into, and in one of which somebody asks whether it is empty."""
    ends = [b"", *(bytes([code]) for code in range(1, 128) if code != 10), b"u0041", b"u00g0", b"u005", b'"', b'u005c"']
    for begin in range(16):
        texts = [b"x" * begin + b"\\" * slashes + end for slashes in range(5) for end in ends]
        for start in (b'{"x": "', b'{"response": {"content": "'):
            closed = b'"' + b"}" * start.count(b"{")
            lines = [start + text + rest + closed for text in texts for rest in (b"", b"x" * 20, b'\\"')]
            assert _fates(lines) == [_is_json(line) for line in lines]


def _is_json(line: bytes) -> int:
    try:
        json.loads(line)
    except ValueError:
        return 0
    return 1


def _is_utf8(line: bytes) -> int:
    try:
        line.decode()
    except UnicodeDecodeError:
        return 0
    return 1


@pytest.mark.parametrize("seed", range(1, 4))
@pytest.mark.long
def test_lines_with_one_change_behind_those_without_are_read_as_the_plain_reader_reads_them(seed: int) -> None:
    chance = random.Random(f"layouts {seed}")
    maker = LineMaker(seed, is_gentle=True, families=0.5)
    program = Program(LogFormat())
    usual = [line for line in (maker.made().content for _ in range(60)) if _told(program, line)][:10]
    lines = []
    for _ in range(60):
        line = chance.choice(usual)
        lines += [line, varied(line, chance), laid_out_otherwise(varied(line, chance), chance)]
    assert _compare(lines) > 60


@pytest.mark.long
def test_errors_of_any_kind_follow_one_another() -> None:
    kinds = (
        *(b'{"message": "wait 6 ms", "code": 429}', b'{"message": "wait \\"7\\" ms"}', b"{}", b'["x"]', b"[]", b"null"),
        *(b'"text"', b'"other \\\\ text"', b'""', b"7", b"0", b"true", b'{"error": {"usage": {"prompt_tokens": 3}}}'),
    )
    chance = random.Random("errors")
    lines = [
        (_LINE % answer).replace(b'"r"', b'"r%d"' % number)
        for number in range(300)
        for answer in (b'{"error": %s, "type": "x"}' % chance.choice(kinds), _answer())
        if chance.random() < 0.8
    ]
    assert _compare(lines) == len(lines)
    broken = [_changed(b'"error": ', b'"error": x', line) if b'"error"' in line else line for line in lines]
    assert 50 < _compare(broken) == sum(b'"error"' not in line for line in lines)
