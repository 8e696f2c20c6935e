"""JSON to values, exactly: numbers, depths at their borders, contradictions, what is whole of what is broken."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import (
    CONTRADICTED,
    UNREADABLE,
    Beginning,
    BrokenJson,
    ContradictedObject,
    beginning_of,
    depth_of_document,
    document_in,
    may_exceed,
    parse,
    stated_once,
    values_behind,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-7", -7),
        ("28.0", Decimal("28.0")),
        ("0.1", Decimal("0.1")),
        ("1e3", Decimal("1e3")),
        ("9" * 308, int("9" * 308)),
        ("1" + "0" * 308, 10**308),
        ("1" + "0" * 309, UNREADABLE),
        ("9" * 309, UNREADABLE),
        ("1e308", Decimal("1e308")),
        ("1e309", UNREADABLE),
        ("-1e309", UNREADABLE),
        ("NaN", UNREADABLE),
        ("-Infinity", UNREADABLE),
        ("1e-99999999999999999999", Decimal("1e-999")),
        (' \t\r\n[1, true, null, "a"]\n', [1, True, None, "a"]),
    ],
)
def test_numbers_are_exact_and_beyond_a_double_they_are_none(text: str, value: Any) -> None:
    found = parse(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ["", "{} {}", "[1,]", "{'a': 1}", "\u00a0{}", "[", "a", '"\x01"', "[1] x"])
def test_what_is_not_one_document_is_broken(text: str) -> None:
    with pytest.raises(BrokenJson):
        parse(text)


def nested(levels: int, inner: str = "1") -> str:
    return "[" * levels + inner + "]" * levels


def depth_of(value: Any) -> int:
    levels = 0
    while isinstance(value, list):
        levels, value = levels + 1, value[0]
    return levels


@pytest.mark.long
def test_what_is_nested_deeper_than_a_bound_is_unreadable_and_only_that() -> None:
    assert parse("[[1]]", depth_max=2) == [[1]]
    assert parse("[[[1]], 2]", depth_max=2) == [[UNREADABLE], 2]
    assert parse('{"a": {"b": {}}, "c": [{}, 3]}', depth_max=2) == {"a": {"b": UNREADABLE}, "c": [UNREADABLE, 3]}
    assert parse('{"a": {"b": [], "c": 1}}', depth_max=1) == {"a": UNREADABLE}
    assert parse('["[[[", "]]]", "{\\"[[", [[[1]]]]', depth_max=2) == ["[[[", "]]]", '{"[[', [UNREADABLE]]
    assert depth_of(parse(nested(64))) == 64
    assert depth_of(parse(nested(65))) == 64
    assert parse(nested(65, "2"), depth_max=65) == json.loads(nested(65, "2"))
    for levels in (200, 5_000, 100_000):
        assert depth_of(parse(nested(levels))) == 64
    assert depth_of(parse(nested(100_000), depth_max=3)) == 3


@pytest.mark.long
@pytest.mark.parametrize("levels", [65, 100_000])
def test_deep_nesting_does_not_hide_what_is_broken(levels: int) -> None:
    whole = nested(levels)
    for text in (whole[:-1], whole + "]", whole + " 1", "[" * levels, nested(levels, "01"), f"{whole[:levels]}1}}"):
        with pytest.raises(BrokenJson):
            parse(text)


def test_levels_are_counted_of_objects_and_arrays() -> None:
    for document, depth in ((1, 0), ("[[", 0), ({}, 1), ([], 1), ([1, [{"a": 1}], []], 3), ({"a": [{}], "b": 1}, 3)):
        assert depth_of_document(document) == depth
    assert not may_exceed("[[", 2)
    assert not may_exceed("[[]]", 2)
    assert may_exceed("[[[]]]", 2)
    assert may_exceed(b"[{[]}]", 2)
    assert may_exceed("{{{", 2)
    assert not may_exceed("{{{", 3)
    assert not may_exceed(b"{[]}", 2)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("1", "1", True),
        ("1", "1.0", True),
        ("1", "2", False),
        ("1", "true", False),
        ("0", "false", False),
        ("true", "true", True),
        ('"1"', "1", False),
        ("[1, 2]", "[1, 2.0]", True),
        ("[1, 2]", "[1]", False),
        ("[1, 2]", "[2, 1]", False),
        ("[1]", "[true]", False),
        ('{"a": 1, "b": 2}', '{"b": 2.0, "a": 1}', True),
        ('{"a": 1}', '{"a": 2}', False),
        ('{"a": 1}', '{"b": 1}', False),
        ('{"a": 1}', '{"a": 1, "b": null}', False),
        ('{"a": 1}', '{"a": true}', False),
        ('{"a": [1]}', '{"a": [true]}', False),
        ('{"a": 1, "a": 2}', '{"a": 1, "a": 2}', True),
        ('{"a": 1, "a": 2}', '{"a": 2}', False),
        ('{"a": 2}', '{"a": 1, "a": 2}', False),
        ("null", "0", False),
    ],
)
def test_a_key_that_is_stated_twice_contradicts_itself_unless_both_are_the_same_to_json(
    one: str, other: str, *, is_same: bool
) -> None:
    document = parse(f'{{"x": 0, "k": {one}, "k": {other}, "y": 1}}')
    assert isinstance(document, ContradictedObject)
    assert document.contradicted == (frozenset() if is_same else {"k"})
    assert (document.get("k") is CONTRADICTED) is not is_same
    assert dict.get(document, "k") == parse(other)
    assert list(document) == ["x", "k", "y"]
    assert document.get("z") is None
    assert document.get("z", 5) == 5
    if is_same:
        assert stated_once(document, "k") == parse(other)
    else:
        with pytest.raises(LineRefused) as refused:
            stated_once(document, "k")
        assert refused.value.detail == "k is stated more than once with different values"
        assert refused.value.reason == "duplicate_key"
    assert stated_once(document, "z", 5) == 5


def test_an_object_without_a_key_twice_is_a_plain_one() -> None:
    assert type(parse('{"a": {"b": 1}}')) is dict
    assert type(parse('{"a": {"b": 1, "b": 2}}')["a"]) is ContradictedObject
    assert (repr(UNREADABLE), repr(CONTRADICTED)) == ("UNREADABLE", "CONTRADICTED")


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ('{"a": 1}', {"a": 1}),
        ("[1]", [1]),
        ('\ufeff \t\r\n{"a": 1}\r\n', {"a": 1}),
        (json.dumps('{"a": 1}'), {"a": 1}),
        (json.dumps(json.dumps('{"a": 1}')), {"a": 1}),
        (json.dumps(json.dumps(json.dumps('{"a": 1}'))), None),
        ('{\\"a\\": 1}', {"a": 1}),
        ('{\\"a\\": "b\\nc"', None),
        ('[{\\"a\\": 1}]', [{"a": 1}]),
        (json.dumps(" [1] "), [1]),
        ("a", None),
        ('"a"', None),
        ("1", None),
        ('"1"', None),
        ("", None),
        ("{", None),
        ("{a", None),
        ("x{}", None),
    ],
)
def test_a_text_of_a_log_may_be_the_text_of_a_document_up_to_three_times(text: str, document: Any) -> None:
    assert document_in(text) == document


def test_a_document_in_a_text_is_as_deep_as_it_may_be() -> None:
    assert document_in("[[[1]]]", depth_max=2) == [[UNREADABLE]]
    assert document_in(json.dumps("[[[1]]]"), depth_max=2) == [[UNREADABLE]]
    assert depth_of(document_in(nested(65))) == 64


@pytest.mark.parametrize(
    ("text", "members", "end", "is_whole"),
    [
        ('{"a": 1, "b": [2]} rest', {"a": 1, "b": [2]}, 18, True),
        (' {"a":1}', {"a": 1}, 8, True),
        ('{"a": 1 , "b": "c"', {"a": 1, "b": "c"}, 9, False),
        ('{"a": 1, "b": 2', {"a": 1}, 8, False),
        ('{"a": 1, "b": [2]', {"a": 1, "b": [2]}, 8, False),
        ('{"a": 1, "b": {"c": 2}', {"a": 1, "b": {"c": 2}}, 8, False),
        ('{"a": 1, "b": [2', {"a": 1}, 8, False),
        ('{"a": 1, "b": "c', {"a": 1}, 8, False),
        ('{"a": 1, "b" 2}', {"a": 1}, 8, False),
        ('{"a": 1, 2: 3}', {"a": 1}, 8, False),
        ('{"a": 1; "b": 2}', {}, 1, False),
        ('{"a": "x"; "b": 2}', {}, 1, False),
        ('{"a\\"b": 1, "a\\u0062": 2}', {'a"b': 1, "ab": 2}, 25, True),
        ('{"a": tru', {}, 1, False),
        ("{}", {}, 1, False),
        ("[1]", {}, 0, False),
        ("", {}, 0, False),
    ],
)
def test_what_is_whole_of_a_broken_object_is_its_members_up_to_the_damage(
    text: str, members: dict[str, Any], end: int, *, is_whole: bool
) -> None:
    assert beginning_of(text) == Beginning(members, end, is_whole)


def test_the_beginning_of_a_second_object_is_looked_for_behind_the_first() -> None:
    assert beginning_of('{"a": 1}{"b": 2}', 8) == Beginning({"b": 2}, 16, is_whole=True)
    assert beginning_of('{"a": 1, "a": 2, "b": ').members.get("a") is CONTRADICTED
    assert beginning_of('{"a": ' + "[" * 100_000) == Beginning({}, 1, is_whole=False)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('x "k": 1, "k" : 2}', [2, 1]),
        ('"k":[1]}', [[1]]),
        ('"k": 1', []),
        ('"k": 1 x', []),
        ('"k": "a",', ["a"]),
        ('\\"k": 1,', []),
        ('"kk": 1,', []),
        ('"k": x, "k": 5,', [5]),
        ('"k": 5, "k": x,', [5]),
        (", ".join(f'"k": {value}' for value in range(10)) + ",", [9, 8, 7, 6, 5, 4, 3, 2]),
        ('"k": ' + "[" * 100_000, []),
    ],
)
def test_the_last_values_behind_a_name_are_found_wherever_it_stands(text: str, values: list[Any]) -> None:
    assert list(values_behind(text, "k")) == values
