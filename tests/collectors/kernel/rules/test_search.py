"""A rule is found where all that decides a line is known, and none where a plain reader does what no rule says.

The plain reader is changed here, so that it does: what it makes of a line is then what each of these functions says.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from fuzzing import found_rows
from hypothesis import example, given
from hypothesis import strategies as st
from readings import sse

from pipeline.collectors import LogFormat
from pipeline.collectors.counting import named
from pipeline.collectors.event_columns import IDS, NUMBERS
from pipeline.collectors.identity import event_id
from pipeline.collectors.kernel import readers
from pipeline.collectors.kernel.blocks import BlockDecoder
from pipeline.collectors.kernel.program import Program
from pipeline.collectors.kernel.rules import finder, table
from pipeline.collectors.kernel.rules.finder import RuleFinder
from pipeline.collectors.kernel.rules.plain import PlainReader, fingerprint
from pipeline.collectors.kernel.rules.rule import NOTHING, OF_RAW, event_conditions
from pipeline.collectors.kernel.rules.search import counted_holes
from pipeline.collectors.values.strict_json import parse
from pipeline.collectors.values.traced import Condition, Linear, Relation, Trace, alone
from pipeline.tables.schemas import USAGE_EVENTS
from pipeline.usage import TOKENS_MAX, ContradictoryCounts, TokenCounts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from pipeline.collectors.kernel.rules.rule import Nothing, Rule

    Values: TypeAlias = dict[str, Any]
    Change: TypeAlias = Callable[[Values, "Seen"], Values | None]

FORMAT = LogFormat()
PROMPT, COMPLETION = "prompt_tokens", "completion_tokens"


class Seen:
    """What a changed reader looks at: the counts of a whole answer, or of each chunk of a stream."""

    def __init__(self, line: dict[str, Any]) -> None:
        body = line["response"]
        texts = body.split("\n\n") if isinstance(body, str) else []
        self.chunks = [parse(text.removeprefix("data: ")) for text in texts if text]
        documents = self.chunks or [body]
        self.usages = [document["usage"] for document in documents if "usage" in document]
        self.prompt, self.completion = self.usages[-1][PROMPT], self.usages[-1][COMPLETION]


@pytest.fixture(autouse=True)
def _knows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finder, "_known", {})
    monkeypatch.setattr(finder, "_known_of_forms", {})


@pytest.fixture
def changes(monkeypatch: pytest.MonkeyPatch) -> Callable[[Change], None]:
    """Return what lets the plain reader make something else of a line."""

    def change(how: Change) -> None:
        row_of = PlainReader.row_of

        def changed(plain: PlainReader, sample: bytes) -> Any:
            row = row_of(plain, sample)
            assert isinstance(row, tuple)
            values = how(dict(zip(USAGE_EVENTS.names, row, strict=True)), Seen(parse(sample.decode())))
            return NOTHING if values is None else tuple(values.values())

        monkeypatch.setattr(PlainReader, "row_of", changed)

    return change


def _line(response: Any) -> bytes:
    line = {"ts": "2026-03-01T06:51:19Z", "api_key_id": "k", "request_id": "r", "status": 200}
    return json.dumps(line | {"path": "/v1/chat/completions", "response": response}).encode() + b"\n"


def _whole(prompt: int = 30, completion: int = 20) -> bytes:
    usage = {PROMPT: prompt, COMPLETION: completion}
    return _line({"id": "a", "object": "chat.completion", "choices": [], "usage": usage})


def _streamed(*completions: int, texts: int = 2) -> bytes:
    """Return a stream of some texts alike, and running usage behind them."""
    text = {"id": "a", "choices": [{"index": 0, "delta": {"content": "x"}}]}
    usages = ({"id": "a", "choices": [], "usage": {PROMPT: 30, COMPLETION: each}} for each in completions)
    return _line(sse(*[text] * texts, *usages))


def _rules_of(*lines: bytes) -> tuple[Rule, ...] | Nothing:
    """Return the rules that lines of one shape teach."""
    program = Program(FORMAT)
    taught = []
    for line in lines:
        told = program.read(line)
        taught.append((program.shape(int(told.shapes[0])), told.holes[:512].tolist()))
    assert len({shape for shape, _ in taught}) == 1
    return RuleFinder(FORMAT, program.names).rules_of(taught[0][0], [example for _, example in taught])


def _holes(rules: Sequence[Rule] | Nothing) -> tuple[int, int]:
    """Return which holes have the counts of whole answers."""
    assert isinstance(rules, tuple)
    (prompt, _), (completion, _) = (rules[0].numbers[name].times[0] for name in (PROMPT, COMPLETION))
    return prompt, completion


def test_what_a_count_decides_is_a_rule_for_each_way(changes: Callable[[Change], None]) -> None:
    changes(lambda values, seen: values | {"service_tier": "large" if seen.prompt > 30 else "small"})
    rules = _rules_of(_whole(30), _whole(7), _whole(31))
    prompt, _ = _holes(rules)
    assert isinstance(rules, tuple)
    assert [rule.shared[2] for rule in rules] == ["small", "large"]
    at_most, more = Linear(30, ((prompt, -1),)), Linear(-31, ((prompt, 1),))
    assert [rule.conditions for rule in rules] == [
        (Condition(at_most, Relation.NOT_NEGATIVE),),
        (Condition(more, Relation.NOT_NEGATIVE),),
    ]


def test_each_way_has_its_ids(changes: Callable[[Change], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """What a count decides may be which id is the answer's: the kernel takes that of the rule that a row obeys."""
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 0)
    monkeypatch.setattr(readers, "_idle", {})

    def how(values: Values, seen: Seen) -> Values:
        ids = {name: values["request_id" if seen.prompt > 30 else name] for name in IDS}
        own = event_id(api_key_id=values["api_key_id"], line=b"", rule=FORMAT.identity, **ids)
        return values | ids | {"event_id": own}

    changes(how)
    decoder = BlockDecoder(source="s", log_format=FORMAT, fingerprint=str)
    decoder.decoded(_whole(30) + _whole(31), start=0, first_line=1)
    found = decoder.decoded(b"".join(_whole(prompt) for prompt in (29, 31, 7, 400)), start=0, first_line=1)
    assert found.told == 4
    assert [rows[0]["response_id"] for rows in found_rows(found).values()] == ["a", "r", "a", "r"]
    decoder.close()


def test_sums_may_have_constants_and_take_counts_off(changes: Callable[[Change], None]) -> None:
    changes(lambda values, seen: values | {"content_chunks": seen.prompt + seen.prompt - seen.completion + 7})
    rules = _rules_of(_whole())
    prompt, completion = _holes(rules)
    assert isinstance(rules, tuple)
    assert rules[0].numbers["content_chunks"] == Linear(7, tuple(sorted([(prompt, 2), (completion, -1)])))
    assert rules[0].is_obeyed(([30] * 9).__getitem__)
    assert not rules[0].is_obeyed([*[30] * completion, 68, *[30] * 9].__getitem__), "it would be less than nothing"


@pytest.mark.parametrize(
    "how",
    [
        lambda values, seen: values | {"choices": seen.prompt},
        lambda values, seen: values | {"content_chunks": seen.prompt * 2},
        lambda values, seen: values | {"content_chunks": seen.prompt - 31 if seen.prompt else 0},
        lambda values, seen: values | {"content_chunks": 9 * seen.completion + 0 * len(values)},
        lambda values, seen: values | {"service_tier": "s" if seen.prompt in {30, 31} else "t"},
        lambda values, seen: values | {"service_tier": f"{seen.prompt}"},
        lambda values, seen: values | {"content_chunks": int(Decimal(1) * seen.prompt)},
        lambda values, _: values | {"occurred_at": values["occurred_at"] + 1},
        lambda values, _: values | {"request_id": values["request_id"].upper() + "x"},
        lambda values, _: values | {"api_key_id": values["api_key_id"] + "x"},
        lambda values, _: values | {"api_key_id": fingerprint("x")},
        lambda values, _: values | {"response_id": "/".join((values["request_id"], values["response_id"]))},
        lambda values, _: values | {"model_reported": values["response_id"]},
    ],
)
def test_what_no_rule_says_teaches_none(changes: Callable[[Change], None], how: Change) -> None:
    assert _rules_of(_whole()) != ()
    finder._known.clear()  # noqa: SLF001 - what was asked before is the matter here
    changes(how)
    assert _rules_of(_whole()) == ()


def test_counts_may_be_so_great_that_a_thousand_times_as_much_is_none() -> None:
    assert len(_rules_of(_whole(2_000_000_000, 3))) == 1  # type: ignore[arg-type] # none is Nothing


def test_a_hole_may_have_the_key_itself() -> None:
    line = json.loads(_whole())
    line["api_key"] = line.pop("api_key_id")
    rules = _rules_of(json.dumps(line).encode() + b"\n")
    assert isinstance(rules, tuple)
    assert [(rule.key.how, rule.key.id) for rule in rules] == [(OF_RAW, "")]


def test_which_counts_tell_whether_two_rows_are_one() -> None:
    trace = Trace()
    numbers = [trace.placeholder(7, alone(hole)) for hole in (3, 4)]
    with trace:
        one, other = parse(str(numbers))
    assert counted_holes([one, None, other]) == (3, 4)
    assert counted_holes([0, one]) == (3,)
    assert counted_holes([]) == counted_holes([None, 0]) == ()
    assert [counted_holes([one, each]) for each in (one + one, one + 1, one + other, 5, "7")] == [None] * 5


def test_a_count_may_stand_before_all_else() -> None:
    line = json.loads(_whole())
    first = {"response": {"usage": line["response"].pop("usage"), **line["response"]}}
    rules = _rules_of(json.dumps(first | line | first).encode() + b"\n")
    assert isinstance(rules, tuple)
    assert [rule.numbers[PROMPT] for rule in rules] == [Linear(0, ((0, 1),))]


def _contents(seen: Seen) -> list[str]:
    return [choice["delta"]["content"] for chunk in seen.chunks for choice in chunk["choices"]]


@pytest.mark.parametrize(
    "is_so",
    [
        lambda contents: len(set(contents)) == 1,
        lambda contents: len(set(contents)) > 1,
        lambda contents: any("error" in content for content in contents),
        lambda contents: any(not content.isascii() for content in contents),
    ],
)
def test_what_texts_decide_teaches_none(changes: Callable[[Change], None], is_so: Callable[[list[str]], bool]) -> None:
    texts = [{"id": "a", "choices": [{"index": at, "delta": {"content": "x"}}]} for at in range(3)]
    line = _line(sse(*texts, {"id": "a", "choices": [], "usage": {PROMPT: 30, COMPLETION: 20}}))
    assert _rules_of(line) != ()
    finder._known.clear()  # noqa: SLF001 - what was asked before is the matter here
    changes(lambda values, seen: values | {"service_tier": "s" if is_so(_contents(seen)) else None})
    assert _rules_of(line) == ()


def test_a_sum_may_have_a_hole_as_often_as_it_likes(changes: Callable[[Change], None]) -> None:
    changes(lambda values, seen: values | {"content_chunks": sum([seen.prompt] * 40)})
    rules = _rules_of(_whole())
    assert isinstance(rules, tuple)
    assert [[times for _, times in rule.numbers["content_chunks"].times] for rule in rules] == [[40]]


COUNTS = [name for name in NUMBERS if name != "content_chunks"]
STATED = st.none() | st.integers(-1, 9) | st.sampled_from([TOKENS_MAX, TOKENS_MAX + 1])


@given(st.lists(STATED, min_size=len(COUNTS), max_size=len(COUNTS)))
@example([None, 3, 1] + [None] * 5)
@example([TOKENS_MAX] + [None] * 7)
@example([TOKENS_MAX + 1] + [None] * 7)
def test_what_holds_of_each_event_is_what_holds_of_counts(stated: list[int | None]) -> None:
    numbers = {name: alone(hole) for hole, name in enumerate(COUNTS) if stated[hole] is not None}
    holds = all(each.holds(lambda hole: stated[hole] or 0) for each in event_conditions(numbers))
    try:
        TokenCounts(**dict(zip(COUNTS, stated, strict=True)))  # type: ignore[arg-type] # they are counts
        are_counts = True
    except (ContradictoryCounts, ValueError):
        are_counts = False
    assert holds is are_counts


@pytest.mark.parametrize(
    "how",
    [
        lambda values, seen: values | {"choices": len(seen.chunks)},
        lambda values, seen: values | {"content_chunks": 1000 - len(seen.chunks)},
        lambda values, seen: values | {"content_chunks": 2 * len(seen.chunks)},
        lambda values, seen: values | {"content_chunks": min(len(seen.chunks), 4)},
        lambda values, seen: values | {"content_chunks": min(len(seen.chunks), 6)},
        lambda values, seen: values | {"content_chunks": len(seen.chunks) if len(seen.chunks) > 3 else None},
        lambda values, seen: values | {"other_usage": named({"a" * len(seen.chunks): seen.prompt})},
        lambda values, seen: values | {"service_tier": "s" if len(seen.chunks) > 3 and seen.completion > 19 else None},
        lambda values, seen: values | {"service_tier": "s" if len(seen.chunks) > 3 and seen.completion < 20 else None},
    ],
)
def test_what_the_number_of_chunks_decides_teaches_none(changes: Callable[[Change], None], how: Change) -> None:
    assert _rules_of(_streamed(20)) != ()
    finder._known.clear()  # noqa: SLF001 - what was asked before is the matter here
    changes(how)
    assert _rules_of(_streamed(20)) == ()


def test_the_number_of_chunks_may_be_in_a_sum(changes: Callable[[Change], None]) -> None:
    changes(lambda values, seen: values | {"content_chunks": len(seen.chunks) + seen.completion})
    rules = _rules_of(_streamed(20))
    assert isinstance(rules, tuple)
    (rule,) = rules
    found = rule.numbers["content_chunks"]
    assert (found.always, len(found.times)) == (2, 2), "the first and the last chunk are always there"


@pytest.mark.parametrize(
    ("how", "is_taught"),
    [
        (lambda values, _: values, True),
        (lambda values, seen: values | {"content_chunks": seen.usages[0][COMPLETION]}, False),
        (lambda values, seen: values | {"service_tier": "s" if seen.usages[0][COMPLETION] < 21 else None}, False),
        (lambda values, seen: values | {"service_tier": "s" if seen.usages[0][COMPLETION] < 10**9 else None}, False),
        (lambda values, seen: values | {"service_tier": "s" if seen.usages[0][COMPLETION] < 10**12 else None}, True),
        (lambda values, seen: values | {"service_tier": "s" if seen.usages[0] == seen.usages[-1] else None}, False),
    ],
)
def test_what_a_chunk_counted_that_others_replace_decides_nothing(
    changes: Callable[[Change], None],
    how: Change,
    is_taught: bool,  # noqa: FBT001
) -> None:
    changes(how)
    assert bool(_rules_of(_streamed(5, 9, 20))) is is_taught


@pytest.mark.parametrize(
    ("is_nothing", "found"),
    [
        (lambda _: True, NOTHING),
        (lambda seen: seen.prompt > 0, NOTHING),
        (lambda seen: seen.prompt > 7, ()),
        (lambda seen: seen.prompt * 2 > 7, ()),
        (lambda seen: len(seen.chunks) < 4, ()),
    ],
)
def test_lines_are_nothing_only_where_nothing_decides_it(
    changes: Callable[[Change], None], is_nothing: Callable[[Seen], bool], found: Any
) -> None:
    changes(lambda values, seen: None if is_nothing(seen) else values)
    assert _rules_of(_streamed(20)) == found
