"""A rule that was found for one shape goes over to another of its form only where it is what that would teach."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from both_readers import fingerprint, read_plainly
from fuzzing import LineMaker, found_rows

from pipeline.collectors import LogFormat
from pipeline.collectors.kernel import readers
from pipeline.collectors.kernel.blocks import BlockDecoder
from pipeline.collectors.kernel.program import Program
from pipeline.collectors.kernel.rules import finder, table
from pipeline.collectors.kernel.rules.finder import RuleFinder
from pipeline.collectors.kernel.rules.plain import PlainReader
from pipeline.collectors.kernel.rules.samples import Samples
from pipeline.collectors.kernel.rules.shapes import parsed
from pipeline.collectors.values.traced import Relation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.collectors.kernel.rules.rule import Rule

FORMAT = LogFormat()
MODELS = ("m-1", "m-2-large", "sonar-pro", "grok-4", "gemini-2.5-pro", "chat.completion", "measured", "")
"""Some that the plain reader treats like no other, and some that are words of columns."""
_COUNTS = {"prompt_tokens": 30, "completion_tokens": 20}
_SUMMED = _COUNTS | {"total_tokens": 50}
USAGES: dict[str, dict[str, Any]] = {
    "counts": _COUNTS,
    "a total": _SUMMED,
    "cached": _COUNTS | {"prompt_tokens_details": {"cached_tokens": 7}},
    "cached and written": _SUMMED | {"prompt_tokens_details": {"cached_tokens": 7, "cache_write_tokens": 5}},
    "reasoning": _SUMMED | {"completion_tokens_details": {"reasoning_tokens": 9}},
    "Anthropic's": {"input_tokens": 30, "output_tokens": 20, "cache_read_input_tokens": 7},
}


@pytest.fixture(autouse=True)
def _knows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finder, "_known", {})
    monkeypatch.setattr(finder, "_known_of_forms", {})


def _line(requested: str, reported: str | None, usage: dict[str, Any]) -> bytes:
    """Return the line of an exchange; ``reported``: the model that the answer states, if it states one."""
    answer = {"id": "a", "object": "chat.completion", "choices": [], "usage": usage}
    response = answer if reported is None else answer | {"model": reported}
    line = {"ts": "2026-03-01T06:51:19Z", "api_key_id": "k", "status": 200, "path": "/v1/chat/completions"}
    return json.dumps(line | {"request": {"model": requested}, "response": response}).encode() + b"\n"


@pytest.fixture(scope="module")
def program() -> Program:
    return Program(FORMAT)


def _taught(program: Program, line: bytes) -> Rule | None:
    """Return the rule that a line teaches of its shape."""
    told = program.read(line)
    assert len(told.lines) == 1
    return _taught_by(program, program.shape(int(told.shapes[0])), told.holes[:512].tolist())


def _taught_by(program: Program, shape: bytes, example: list[int]) -> Rule | None:
    rules = RuleFinder(FORMAT, program.names).rules_of(shape, [example])
    return rules[0] if isinstance(rules, tuple) and rules else None


def test_a_shape_without_any_id_teaches_a_rule_and_none_where_something_else_than_its_line_is_its_identity(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = json.dumps({**json.loads(_line("m", None, _SUMMED)), "response": {"choices": [], "usage": _SUMMED}}).encode()
    rule = _taught(program, line + b"\n")
    assert rule is not None
    assert (rule.ids, [each.relation for each in rule.conditions]) == ({}, [Relation.ZERO])
    _forget(forms=True)
    row_of = PlainReader.row_of
    monkeypatch.setattr(PlainReader, "row_of", lambda asked, sample: row_of(asked, sample + b" "))
    assert _taught(program, line + b"\n") is None


def _forget(*, forms: bool) -> None:
    finder._known.clear()  # noqa: SLF001 - what was asked before is the matter of these tests
    if forms:
        finder._known_of_forms.clear()  # noqa: SLF001 - likewise


@pytest.mark.parametrize("usage", USAGES.values(), ids=USAGES)
@pytest.mark.parametrize("reports", [None, "the same", "another"])
def test_a_shape_has_the_rule_that_it_teaches_whichever_model_was_asked_of_before(
    program: Program, usage: dict[str, Any], reports: str | None
) -> None:
    lines = [
        _line(model, None if reports is None else model if reports == "the same" else f"{model}-2026", usage)
        for model in MODELS
    ]
    taught = []
    for line in lines:
        _forget(forms=True)
        taught.append(_taught(program, line))
    assert any(taught)
    for first in (0, MODELS.index("gemini-2.5-pro")):
        _forget(forms=True)
        _taught(program, lines[first])
        for line, rule in zip(lines, taught, strict=True):
            _forget(forms=False)
            assert _taught(program, line) == rule


def test_a_second_model_asks_the_plain_reader_less_often(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []
    row_of = PlainReader.row_of

    def noted(plain: PlainReader, sample: bytes) -> Any:
        asked.append(sample)
        return row_of(plain, sample)

    monkeypatch.setattr(PlainReader, "row_of", noted)
    counts: list[int] = []
    for model in MODELS[:3]:
        asked.clear()
        assert _taught(program, _line(model, model, USAGES["a total"])) is not None
        counts.append(len(asked))
    assert counts == [4, 1, 1]


BESIDE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "on the line": lambda line: line.update(nobody_asks=1),
    "in the answer": lambda line: line["response"].update(nobody_asks={"deep": [1]}),
    "in the usage": lambda line: line["response"]["usage"].update(nobody_asks="x"),
    "in the request": lambda line: line["request"].update(nobody_asks=None),
}
"""Where a name may stand that nobody looks at."""


@pytest.mark.parametrize("usage", USAGES.values(), ids=USAGES)
@pytest.mark.parametrize("put", BESIDE.values(), ids=BESIDE)
def test_a_name_that_nobody_looks_at_makes_another_shape_of_the_same_form(
    program: Program, monkeypatch: pytest.MonkeyPatch, usage: dict[str, Any], put: Callable[[dict[str, Any]], Any]
) -> None:
    line = json.loads(_line("m-1", "m-1", usage))
    put(line)
    one, other = _line("m-1", "m-1", usage), json.dumps(line).encode() + b"\n"
    taught = [_taught(program, one)]
    _forget(forms=True)
    taught.append(_taught(program, other))
    _forget(forms=True)
    assert _taught(program, one) == taught[0] == taught[1] is not None
    asked: list[bytes] = []
    row_of = PlainReader.row_of
    monkeypatch.setattr(PlainReader, "row_of", lambda plain, sample: asked.append(sample) or row_of(plain, sample))
    assert _taught(program, other) == taught[1]
    assert len(asked) == 1
    shapes = [program.shape(int(program.read(each).shapes[0])) for each in (one, other)]
    assert shapes[0] != shapes[1]
    assert len({parsed(shape, program.names).form for shape in shapes}) == 1


def test_of_what_states_no_counts_no_more_is_asked_than_there_are_answers(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two lines that suggest a rule, and two that must come out."""
    asked: list[bytes] = []
    row_of = PlainReader.row_of
    monkeypatch.setattr(PlainReader, "row_of", lambda plain, sample: asked.append(sample) or row_of(plain, sample))
    line = json.loads(_line("m-1", None, {})) | {"status": 429, "response": {"error": {"message": "slow down"}}}
    rule = _taught(program, json.dumps(line).encode() + b"\n")
    assert rule is not None
    assert not rule.numbers
    assert len(asked) == 4


_MODEL_STATED = re.compile(rb'(model[A-Za-z]*\\*"\s*:\s*\\*")[A-Za-z0-9._:/@+-]+')


def _of_many_models(maker: LineMaker, count: int) -> Iterator[bytes]:
    """Yield made-up lines, each as it is and with other models in the place of its own, and a name beside."""
    for _ in range(count):
        content = maker.made().content
        yield content
        for model in MODELS[1:6]:
            yield _MODEL_STATED.sub(rb"\g<1>" + model.encode(), content)
        yield re.sub(rb"\}[ \t\r]*$", b', "nobody_asks": 1}', content)


@pytest.mark.slow
def test_what_a_form_hands_on_is_what_each_shape_would_teach_by_itself(program: Program) -> None:
    learned: dict[bytes, tuple[Rule | None, list[int]]] = {}
    for content in _of_many_models(LineMaker("forms", families=0.6, is_gentle=True), 900):
        told = program.read(content + b"\n")
        if len(told.lines) == 1:
            shape, example = program.shape(int(told.shapes[0])), told.holes[:512].tolist()
            if shape not in learned:
                learned[shape] = _taught_by(program, shape, example), example
    forms = [parsed(shape, program.names).form for shape, (rule, _) in learned.items() if rule is not None]
    assert len(forms) - len(set(forms)) > 300, "too few shapes have a form that another has"
    for shape, (rule, example) in learned.items():
        _forget(forms=True)
        assert _taught_by(program, shape, example) == rule, shape


COUNTED = ("prompt_tokens", "completion_tokens", "total_tokens")
WITH_COUNTS_BESIDE = LogFormat(fields={f"usage.{name}": f"counted.{name}" for name in COUNTED})


@pytest.mark.long
@pytest.mark.parametrize("model", MODELS[:3])
def test_a_total_may_be_what_it_likes_only_where_a_rule_holds_with_a_right_one_and_each_count_above_all(
    model: str,
) -> None:
    """A stream that was cut has the output that its log counted, where that is more, and its total is right."""
    start = {"type": "message_start", "message": {"model": model, "usage": {"input_tokens": 24, "output_tokens": 1}}}
    line = {"ts": "2026-03-01T06:51:19Z", "api_key_id": "k", "status": 200, "path": "/v1/messages"}
    line |= {"request": {"model": model}, "response": f"event: message_start\ndata: {json.dumps(start)}\n\n"}
    content = json.dumps(line | {"counted": dict(zip(COUNTED, (88, 317, 405), strict=True))}).encode() + b"\n"
    program = Program(WITH_COUNTS_BESIDE)
    told = program.read(content)
    example = told.holes[:512].tolist()
    (rule,) = RuleFinder(WITH_COUNTS_BESIDE, program.names).rules_of(program.shape(int(told.shapes[0])), [example])
    assert rule.is_obeyed(example.__getitem__)
    assert rule.numbers["completion_tokens"].of(example.__getitem__) == 317
    totals = [each for each in rule.conditions if each.relation is Relation.ZERO]
    for hole in {hole for each in totals for hole, _ in each.of.times}:
        assert not rule.is_obeyed([*example[:hole], example[hole] + 1, *example[hole + 1 :]].__getitem__)


def test_what_is_known_of_a_shape_is_not_waited_for_by_another_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    line = _line("m", None, _COUNTS)

    def told(learned_from: int) -> list[int]:
        monkeypatch.setattr(table, "LEARNED_FROM_BYTES", learned_from)
        monkeypatch.setattr(readers, "_idle", {})
        decoder = BlockDecoder(source="s", log_format=FORMAT, fingerprint=str)
        return [decoder.decoded(line, start=0, first_line=1).told for _ in range(2)]

    assert told(10**9) == [0, 0]
    assert told(0) == [1, 1]
    assert told(10**9) == [1, 1]


def test_what_one_kernel_has_met_of_a_shape_counts_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    line = _line("m", None, _COUNTS)
    monkeypatch.setattr(table, "LINE_BYTES", 0)
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 3 * len(line))
    told = []
    for _ in range(4):
        monkeypatch.setattr(readers, "_idle", {})
        decoder = BlockDecoder(source="s", log_format=FORMAT, fingerprint=str)
        told.append(decoder.decoded(line, start=0, first_line=1).told)
    assert told == [0, 0, 1, 1]


def test_a_short_line_counts_for_what_it_takes_beside_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    line = _line("m", None, _COUNTS)
    monkeypatch.setattr(table, "LINE_BYTES", 9 * len(line))
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 11 * len(line))
    decoder = BlockDecoder(source="s", log_format=FORMAT, fingerprint=str)
    assert [decoder.decoded(line, start=0, first_line=1).told for _ in range(3)] == [0, 1, 1]


def test_of_too_many_shapes_it_is_forgotten_how_much_was_met(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller who makes each of his lines a shape of its own takes no memory."""
    monkeypatch.setattr(finder, "_KNOWN_MAX", 8)
    asked = finder.RuleFinder(FORMAT, ())
    for number in range(100):
        assert not asked.is_worth_it(b"%d" % number, 0, 10, 15)
    assert len(finder._met) <= 8  # noqa: SLF001 - what takes memory
    assert asked.is_worth_it(b"99", 0, 5, 15)
    assert not asked.is_worth_it(b"99", 1, 5, 15)


@pytest.mark.long
@pytest.mark.parametrize("often", [2, 3])
def test_whoever_makes_every_few_lines_a_shape_of_their_own_makes_them_cost_twice_what_they_do(
    monkeypatch: pytest.MonkeyPatch, often: int
) -> None:
    """What is asked is counted, in lines that are read plainly; a caller chooses what stands behind a path."""
    made: list[Samples] = []
    begin = Samples.__init__

    def noted(samples: Samples, *of: Any) -> None:
        made.append(samples)
        begin(samples, *of)

    monkeypatch.setattr(Samples, "__init__", noted)
    monkeypatch.setattr(finder, "_AHEAD", 40)
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 1)
    known = json.loads(_line("m", None, _COUNTS))
    lines = [json.dumps(known | {"path": f"/v1/chat/completions?{at // often}"}).encode() for at in range(300)]
    decoder = BlockDecoder(source="s", log_format=FORMAT, fingerprint=str)
    told = 0
    for at in range(0, len(lines), often):
        block = b"".join(line + b"\n" for line in lines[at : at + often])
        told += decoder.decoded(block, start=0, first_line=1).told
    costs = sum(each.asked for each in made)
    of_one = max(each.asked for each in made)
    assert 300 < costs <= 300 + 40 + of_one
    assert 0 < told < 300
    usual = BlockDecoder(source="s", log_format=FORMAT, fingerprint=str)
    usual_lines = _line("another", None, _COUNTS) * (of_one + often)
    assert [usual.decoded(usual_lines, start=0, first_line=1).told > 0 for _ in range(3)][-1], "others are learned"


def test_of_too_many_kernels_that_nobody_uses_one_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "_idle", {})
    monkeypatch.setattr(readers, "_IDLE_MAX", 2)
    formats = [FORMAT, LogFormat(time_zone="Europe/Paris")]
    taken = [readers.take(each, None) for each in (*formats, *formats)]
    for reader in taken:
        assert reader is not None
        readers.give_back(reader)
    assert [readers.take(each, None) in taken for each in (*formats, *formats)] == [False, True, False, True]


def _with_total(model: str, more: int) -> bytes:
    """Return a line whose total counts more than prompt and completion: Gemini's thoughts, or a contradiction."""
    return _line(model, model, _COUNTS | {"total_tokens": 50 + more})


def _told_of(decoder: BlockDecoder, *lines: bytes) -> int:
    """Return how many lines the kernel reads; both readers agree on all."""
    found = decoder.decoded(b"".join(lines), start=0, first_line=1)
    assert found_rows(found) == read_plainly([line.rstrip(b"\n") for line in lines], FORMAT)
    return found.told


@pytest.fixture
def learns_from_three_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "_idle", {})
    monkeypatch.setattr(table, "LINE_BYTES", 0)
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 3 * len(_with_total("gemini-2.5-pro", 0)))


@pytest.mark.usefixtures("learns_from_three_lines")
def test_lines_that_are_read_otherwise_have_a_rule_of_their_own_once_they_are_frequent() -> None:
    decoder = BlockDecoder(source="s", log_format=FORMAT, fingerprint=fingerprint)
    usual, thought = (_with_total("gemini-2.5-pro", more) for more in (0, 7))
    assert _told_of(decoder, *[usual] * 4) == 4
    assert _told_of(decoder, usual, thought, thought) == 1
    assert _told_of(decoder, thought, usual, thought) == 3
    assert _told_of(decoder, thought, usual, _with_total("gemini-2.5-pro", 900)) == 3
    other = BlockDecoder(source="s", log_format=FORMAT, fingerprint=fingerprint)
    assert _told_of(other, usual, thought) == 2, "what one kernel learned another has at once"


@pytest.mark.usefixtures("learns_from_three_lines")
def test_of_lines_that_are_refused_another_rule_is_searched_as_often_as_they_are_worth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decoder = BlockDecoder(source="s", log_format=FORMAT, fingerprint=fingerprint)
    usual, wrong = (_with_total("m", more) for more in (0, 7))
    assert _told_of(decoder, *[usual] * 4) == 4
    asked: list[bytes] = []
    row_of = PlainReader.row_of
    monkeypatch.setattr(PlainReader, "row_of", lambda plain, sample: asked.append(sample) or row_of(plain, sample))
    counts = []
    for _ in range(8):
        assert _told_of(decoder, usual, wrong) == 1
        counts.append(len(asked))
    assert counts == [0, 0, 0, 1, 1, 1, 1, 2]


@pytest.mark.usefixtures("learns_from_three_lines")
@pytest.mark.parametrize("room", ["of a shape", "of all"])
def test_a_shape_has_so_many_rules_at_most(monkeypatch: pytest.MonkeyPatch, room: str) -> None:
    decoder = BlockDecoder(source="s", log_format=FORMAT, fingerprint=fingerprint)
    usual, thought = (_with_total("gemini-2.5-pro", more) for more in (0, 7))
    assert _told_of(decoder, *[usual] * 4) == 4
    if room == "of a shape":
        monkeypatch.setattr(table, "RULES_MAX", 1)
    else:
        reader = decoder._reader  # noqa: SLF001 - its room is the matter here
        assert reader is not None
        monkeypatch.setattr(reader.rules, "_next_number", reader.program.rules_max)
    assert _told_of(decoder, *[thought] * 8, usual) == 1
    assert _told_of(decoder, *[_line("another", None, _COUNTS)] * 8) == 8, "others have a first one"
