"""A rule that was found for one shape goes over to another of its form only where it is what that would teach."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fuzzing import LineMaker

from pipeline.collectors import LogFormat
from pipeline.collectors.decode import decode_line
from pipeline.collectors.kernel import readers
from pipeline.collectors.kernel.blocks import BlockDecoder
from pipeline.collectors.kernel.program import Program
from pipeline.collectors.kernel.rules import finder, table
from pipeline.collectors.kernel.rules.finder import RuleFinder
from pipeline.collectors.kernel.rules.plain import PlainReader
from pipeline.collectors.kernel.rules.rule import Rule
from pipeline.collectors.kernel.rules.samples import Samples
from pipeline.collectors.kernel.rules.shapes import parsed
from pipeline.collectors.logs.lines import Line
from pipeline.collectors.values import strict_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
    """Return the rule of a line's shape."""
    told = program.read(line)
    assert len(told.lines) == 1
    return RuleFinder(FORMAT, program.names).rule_of(program.shape(int(told.shapes[0])), [told.holes[:512].tolist()])


def test_a_shape_without_any_id_teaches_a_rule_and_none_where_something_else_than_its_line_is_its_identity(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = json.dumps({**json.loads(_line("m", None, _SUMMED)), "response": {"choices": [], "usage": _SUMMED}}).encode()
    rule = _taught(program, line + b"\n")
    assert rule is not None
    assert (rule.ids, len(rule.totals)) == ({}, 1)
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
    assert counts[1] == counts[2] == 3 < counts[0] / 3  # one, and one with each of both counts above all others


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
    """There is nothing that could be equal: of an error a few samples of each kind are enough."""
    asked: list[bytes] = []
    row_of = PlainReader.row_of
    monkeypatch.setattr(PlainReader, "row_of", lambda plain, sample: asked.append(sample) or row_of(plain, sample))
    line = json.loads(_line("m-1", None, {})) | {"status": 429, "response": {"error": {"message": "slow down"}}}
    rule = _taught(program, json.dumps(line).encode() + b"\n")
    assert rule is not None
    assert not rule.numbers
    assert 7 < len(asked) < 30


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
    """By its own line, or where that is an odd one which does not obey the rule, by a usual line of its form."""
    learned: dict[bytes, tuple[Any, list[int]]] = {}
    for content in _of_many_models(LineMaker("forms", families=0.6, is_gentle=True), 900):
        told = program.read(content + b"\n")
        if len(told.lines) == 1:
            shape, example = program.shape(int(told.shapes[0])), told.holes[:512].tolist()
            if shape not in learned:
                learned[shape] = RuleFinder(FORMAT, program.names).rule_of(shape, [example]), example
    forms = [parsed(shape, program.names).form for shape, (rule, _) in learned.items() if rule is not None]
    assert len(forms) - len(set(forms)) > 300, "too few shapes have a form that another has"
    usual: dict[Any, list[int]] = {}
    for shape, (rule, example) in learned.items():
        if isinstance(rule, Rule) and rule.is_obeyed(example.__getitem__):
            usual.setdefault(parsed(shape, program.names).form, example)
    taught_by_others = 0
    for shape, (rule, example) in learned.items():
        is_odd = isinstance(rule, Rule) and not rule.is_obeyed(example.__getitem__)
        teaches = usual.get(parsed(shape, program.names).form, example) if is_odd else example
        taught_by_others += teaches is not example
        _forget(forms=True)
        assert _in_order(RuleFinder(FORMAT, program.names).rule_of(shape, [teaches])) == _in_order(rule), shape
    assert taught_by_others < len(learned) / 100, "too few shapes were compared with what their own line teaches"


def _in_order(rule: Any) -> Any:
    """Return a rule with the terms of its sums in order: they are found in that of an example's counts."""
    if not isinstance(rule, Rule):
        return rule
    numbers = {name: (each.always, sorted(each.holes), sorted(each.less)) for name, each in rule.numbers.items()}
    counts = rule.counts if rule.counts is None else tuple(sorted(rule.counts))
    return replace(rule, numbers=numbers, counts=counts, totals=tuple(sorted(rule.totals)))


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
    rule = RuleFinder(WITH_COUNTS_BESIDE, program.names).rule_of(program.shape(int(told.shapes[0])), [example])
    if isinstance(rule, Rule) and rule.is_obeyed(example.__getitem__):
        assert rule.numbers["completion_tokens"].of(example.__getitem__) == 317


class Model(str):
    """The name of a model, which remembers what code looks at what it is."""

    __slots__ = ()
    looked_at_by: set[str] = set()  # noqa: RUF012 - of all names


def _noted(method: str) -> Callable[..., Any]:
    plain = getattr(str, method)

    def noted(self: Model, *arguments: Any) -> Any:
        caller = sys._getframe(1)  # noqa: SLF001 - there is no other way to know who asks
        function = caller.f_code.co_qualname.partition(".<locals>")[0]
        Model.looked_at_by.add(f"{caller.f_globals['__name__'].removeprefix('pipeline.collectors.')}.{function}")
        return plain(self, *arguments)

    return noted


_LOOKS = [name for name, each in vars(str).items() if callable(each) and name not in ("__new__", "__getattribute__")]
for _name in set(_LOOKS) - {"__repr__", "__str__", "__sizeof__", "__getnewargs__", "encode"}:
    setattr(Model, _name, _noted(_name))

LOOK_AT_MODELS = {
    "families.chat_usage._is_gemini": "total beyond prompt and completion, or parts beyond their whole",
    "families.chat_usage._is_grok": "more cached than the prompt",
    "families.chat_usage._is_reasoning_apart": "more reasoning than the completion",
}
"""Code that decides by what a model is, and of which counts: of such as no rule is for, or as a rule compares."""
WHETHER_IT_IS_ONE = {
    "families.reading.first": "whether anything is stated",
    "families.chat.read_as": "likewise",
    "decode._values": "likewise",
    "values.fields._text": "whether it is empty; what is no name of a model is spelled otherwise",
    "values.fields.spelled": "likewise",
    "exchange._with_what_is_beside": "whether anything is stated",
    "values.strict_json._is_same": "of what is stated twice, and so is handed over",
    "broken_text.agreed": "of lines with bytes that are no UTF-8, which are handed over",
}
"""Code that asks whether there is a name, and one that can be stored: of all lines of a shape, one sample tells."""


@pytest.mark.long
def test_who_decides_by_what_a_model_is_does_so_only_of_counts_that_no_rule_is_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """For this reason one sample proves that a rule of a form holds for a shape; other code is to be thought of."""

    def watched(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return {
            name: Model(value) if isinstance(value, str) and "model" in name.lower() else value for name, value in pairs
        }

    monkeypatch.setattr(strict_json, "_STRICT", json.JSONDecoder(object_pairs_hook=watched))
    Model.looked_at_by.clear()
    beyond = ({"total_tokens": 60}, {"prompt_tokens_details": {"cached_tokens": 31}})
    odd = [_line(model, model, _COUNTS | more) for model in MODELS for more in beyond]
    for number, content in enumerate([*odd, *_of_many_models(LineMaker("models", families=0.7), 400)], 1):
        line = Line(number, 0, len(content) + 1, content)
        decode_line(line, source="s", log_format=FORMAT, fingerprint=str)
    assert {*LOOK_AT_MODELS, "families.reading.first"} <= Model.looked_at_by, "nothing was watched"
    assert Model.looked_at_by - {*LOOK_AT_MODELS, *WHETHER_IT_IS_ONE} == set()


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


def test_a_shape_is_asked_of_once_lines_of_it_took_half_of_what_a_rule_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule of a row of LiteLLM's takes as long as hundreds of lines; of a small log that is longer than the log."""
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 1)
    known = json.loads(_line("m", None, _COUNTS))
    decoder = BlockDecoder(source="s", log_format=FORMAT, fingerprint=str)
    told = []
    for path in ("first", "second", "third"):
        line = json.dumps(known | {"path": f"/v1/chat/completions?{path}"}).encode() + b"\n"
        told.append([decoder.decoded(line, start=0, first_line=1).told for _ in range(200)].index(1))
    costs = finder._costs  # noqa: SLF001 - what it took
    half = costs.spent / 3 / 2
    assert half > 5
    assert told[0] == 0
    assert half / 2 < told[1] == told[2] <= half  # a line is longer than its shape
    assert costs.of_a_rule("another format") == 0


@pytest.mark.long
@pytest.mark.parametrize("often", [3, 6])
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
    monkeypatch.setattr(finder, "_WORTH", sys.maxsize)
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 1)
    known = json.loads(_line("m", None, _COUNTS))
    lines = [json.dumps(known | {"path": f"/v1/chat/completions?{at // often}"}).encode() for at in range(300)]
    decoder = BlockDecoder(source="s", log_format=FORMAT, fingerprint=str)
    told = 0
    for at in range(0, len(lines), often):
        block = b"".join(line + b"\n" for line in lines[at : at + often])
        told += decoder.decoded(block, start=0, first_line=1).told
    costs = sum(each.asked + each.made // 8 for each in made)
    of_one = max(each.asked + each.made // 8 for each in made)
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
