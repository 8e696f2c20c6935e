"""What may enter an event: names as they are kept, numbers and flags, counts, and what each refusal says."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any

import pytest

from pipeline.collectors.families.reading import (
    any_of,
    count,
    count_of,
    counted_at,
    error_of,
    first,
    last,
    list_at,
    object_at,
    others_of,
    part_at,
    sum_of,
    word,
)
from pipeline.collectors.formats.mapping import number
from pipeline.collectors.values import fields
from pipeline.collectors.values.fields import LeftOut
from pipeline.collectors.values.refusal import LineRefused, shown
from pipeline.collectors.values.strict_json import CONTRADICTED, parse
from pipeline.usage import TOKENS_MAX, QuarantineReason

RAW = "sk-proj-0123456789abcdefghij"


def digest(name: str) -> str:
    return "%sha256:" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def refusal(check: Any, *given: Any, **named: Any) -> tuple[str, str]:
    with pytest.raises(LineRefused) as refused:
        check(*given, **named)
    return refused.value.reason.value, refused.value.detail


@pytest.mark.parametrize(
    ("check", "length_max", "allowed"),
    [
        (fields.identifier, 256, "Az09._:/@+=~,;#-"),
        (fields.model, 128, "Az09._:/@+-"),
        (fields.label, 64, "Az09._:/@+-"),
    ],
)
def test_a_name_is_kept_letter_by_letter_else_encoded_else_as_its_digest(
    check: Any, length_max: int, allowed: str
) -> None:
    assert check(allowed, "f") == allowed
    assert check("x" * length_max, "f") == "x" * length_max
    assert check("x" * (length_max + 1), "f") == digest("x" * (length_max + 1))
    assert check("a b%\u00e9\ud83d", "f") == "a%20b%25%C3%A9%ED%A0%BD"
    fits, longer = " " + "x" * (length_max - 3), " " + "x" * (length_max - 2)
    assert check(fits, "f") == "%20" + "x" * (length_max - 3)
    assert check(longer, "f") == digest(longer)
    assert check(RAW, "f") == digest(RAW)
    for value, kept in ((None, None), ("", None), (7, "7"), (-7, "-7"), (Decimal("7.0"), "7"), (0, "0")):
        assert check(value, "f") == kept
    long = 10**308 - 1
    assert check(long, "f") == digest(str(long))
    for value in (True, Decimal("7.5"), [], {}, 10**308, -(10**308), Decimal("1e308")):
        assert refusal(check, value, "f") == ("invalid_field", "f is neither a string nor a whole number")


@pytest.mark.parametrize(("odd", "ascii_"), [("=", "%3D"), ("~", "%7E"), (",", "%2C"), (";", "%3B"), ("#", "%23")])
def test_what_an_id_may_hold_and_a_model_may_not_is_encoded(odd: str, ascii_: str) -> None:
    assert fields.identifier(f"a{odd}", "f") == f"a{odd}"
    assert fields.model(f"a{odd}", "f") == fields.label(f"a{odd}", "f") == f"a{ascii_}"


def test_a_raw_key_is_a_name_only_where_it_may_look_like_one() -> None:
    assert fields.model(RAW, "f", may_look_like_key=True) == RAW
    assert fields.model("key_a", "f") == "key_a"


def test_a_text_a_flag_and_an_integer_are_what_they_are_or_refused_by_name() -> None:
    assert [fields.text(value, "f") for value in (None, "", "a")] == [None, None, "a"]
    assert refusal(fields.text, 7, "f") == ("invalid_field", "f is no string")
    assert [fields.flag(value, "f") for value in (None, True, False)] == [None, True, False]
    for value in (0, 1, "true", ""):
        assert refusal(fields.flag, value, "f") == ("invalid_field", "f is neither true nor false")


@pytest.mark.parametrize(
    ("value", "whole"),
    [
        *((None, None), ("", None), (100, 100), (599, 599), (Decimal("200.0"), 200), (Decimal("2e2"), 200)),
        *(("200", 200), (" 200 ", 200), ("+200", 200), ("200.0", 200), ("200.", 200), ("0200", 200)),
    ],
)
def test_an_integer_may_be_written_as_text_or_with_a_fraction_of_zero(value: Any, whole: int | None) -> None:
    assert fields.integer(value, "f", low=100, high=599) == whole


def test_what_is_no_integer_or_beyond_its_bounds_is_refused_with_them() -> None:
    for value in (True, False, Decimal("200.5"), "200.5", "two", "2 00", [], Decimal("1e400"), "9" * 31):
        assert refusal(fields.integer, value, "f", low=100, high=599) == ("invalid_field", "f is no integer")
    for value in (99, 600, -200):
        assert refusal(fields.integer, value, "f", low=100, high=599) == (
            "invalid_field",
            f"f is {value}; it lies between 100 and 599",
        )
    assert fields.integer("-5", "f", low=-5, high=0) == -5


def test_what_is_left_out_is_absent_and_named() -> None:
    left_out = LeftOut()
    assert left_out.names == frozenset()
    assert left_out.checked(fields.label, "x", "a") == "x"
    assert left_out.checked(fields.flag, 1, "b") is None

    def get(key: str) -> Any:
        if key == "twice":
            raise LineRefused(QuarantineReason.DUPLICATE_KEY, "x")
        return {"good": True, "bad": 1}[key]

    assert left_out.looked_up(get, "good", fields.flag, "c") is True
    assert left_out.looked_up(get, "bad", fields.flag, "d") is None
    assert left_out.looked_up(get, "twice", fields.flag, "e") is None
    assert left_out.names == {"b", "d", "e"}


@pytest.mark.parametrize(
    ("value", "tokens"),
    [(None, None), (0, 0), (28, 28), (Decimal("28.0"), 28), (Decimal(0), 0), (TOKENS_MAX, 10**12)],
)
def test_a_count_is_a_whole_number_up_to_a_million_million(value: Any, tokens: int | None) -> None:
    found = count(value, "n")
    assert (found, type(found)) == (tokens, type(tokens))


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        *((value, "n is no number") for value in (True, False, "28", [], {})),
        (-1, "n is -1; a token count lies between 0 and 1000000000000"),
        (TOKENS_MAX + 1, "n is 1000000000001; a token count lies between 0 and 1000000000000"),
        (Decimal("-0.5"), "n is -0.5; a token count lies between 0 and 1000000000000"),
        (Decimal("1000000000000.5"), "n is 1000000000000.5; a token count lies between 0 and 1000000000000"),
        (Decimal("1.5"), "n is 1.5; a token count is whole"),
        (10**30, "n is a number of absurd length; a token count lies between 0 and 1000000000000"),
    ],
)
def test_what_is_no_count_is_refused_with_its_value(value: Any, detail: str) -> None:
    assert refusal(count, value, "n") == ("invalid_usage", detail)


def test_a_count_that_is_stated_twice_is_refused_as_that() -> None:
    twice = ("duplicate_key", "n is stated more than once with different values")
    assert refusal(count, CONTRADICTED, "n") == twice
    assert refusal(count_of, parse('{"n": 1, "n": 2}'), "n") == twice


def test_a_number_of_absurd_length_is_shown_as_such() -> None:
    assert shown(10**30 - 1) == "9" * 30
    assert shown(-(10**30) + 1) == "-" + "9" * 30
    assert shown(10**30) == shown(-(10**30)) == "a number of absurd length"
    assert shown(Decimal("1." + "1" * 29)) == "1." + "1" * 29
    assert shown(Decimal("1." + "1" * 30)) == "a number of absurd length"


@pytest.mark.parametrize(
    ("usage", "found"),
    [({}, None), ({"a": 0}, 0), ({"b": 0}, 0), ({"a": 0, "b": 5}, 5), ({"a": 3, "b": 5}, 3), ({"a": None, "b": 5}, 5)],
)
def test_of_several_names_the_first_above_zero_counts_else_the_first_that_is_stated(
    usage: dict[str, Any], found: int | None
) -> None:
    assert count_of(usage, "a", "b") == found


def test_sums_are_of_what_is_stated() -> None:
    assert (sum_of(), sum_of(None), sum_of(0), sum_of(2, None, 3)) == (None, None, 0, 5)


def test_others_are_counts_above_zero_at_their_paths_and_what_is_none_is_left_out() -> None:
    names = {"x": ("a",), "y": ("b", "c"), "z": ("d",), "v": ("e",), "w": ("f", "g")}
    usage = {"a": 3, "b": {"c": 4}, "d": 0, "e": "five", "f": 6}
    assert others_of(usage, names) == {"x": 3, "y": 4}


def test_objects_and_lists_lie_at_paths_and_are_empty_where_there_is_none() -> None:
    document = {"a": {"b": {"c": 1}, "d": [1]}, "e": [2]}
    assert object_at(document, "a", "b") == part_at(document, "a", "b") == {"c": 1}
    assert object_at(document) == part_at(document) == document
    for names in (("x",), ("e",), ("a", "d"), ("e", "b"), ("a", "b", "c", "d")):
        assert object_at(document, *names) == part_at(document, *names) == {}
    assert object_at([1]) == part_at("a") == {}
    assert list_at(document, "e") == counted_at(document, "e") == [2]
    assert list_at(document, "a", "d") == counted_at(document, "a", "d") == [1]
    for names in (("x",), ("a",), ("x", "d"), ("e", "d")):
        assert list_at(document, *names) == counted_at(document, *names) == []


def test_what_leads_to_usage_is_stated_once_and_of_anything_else_the_last_counts() -> None:
    twice = parse('{"a": {"n": 1}, "a": {"n": 2}, "b": [1], "b": [2], "error": null, "error": 1, "type": 1, "type": 2}')
    assert part_at(twice, "a") == {"n": 2}
    assert list_at(twice, "b") == [2]
    assert any_of(twice, "a") == {"n": 2}
    assert any_of(twice, "x") is None
    assert error_of(twice)
    assert refusal(object_at, twice, "a") == ("duplicate_key", "a is stated more than once with different values")
    assert refusal(counted_at, twice, "b") == ("duplicate_key", "b is stated more than once with different values")


def test_an_error_is_an_object_or_an_event_of_that_name() -> None:
    assert error_of({"error": {}})
    assert error_of({"type": "error"})
    assert not error_of({"error": None, "type": "message"})
    assert not error_of({})


def test_the_first_value_that_can_be_a_name_counts_else_the_first_that_is_there() -> None:
    assert (first([]), first([None, ""]), last([])) == (None, None, None)
    assert (first([None, "", "a", "b"]), last(["a", "b", "", None])) == ("a", "b")
    assert (first([[1], "a"]), last(["a", [1]])) == ("a", "a")
    assert (first([[1], [2]]), last([[1], [2]])) == ([1], [2])
    assert (first([0, "a"]), first([None, False])) == (0, False)
    assert (word("a"), word(None), word(7)) == ("a", "", "")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        *(("12", 12), (" 12\t", 12), ("12.0", 12), ("12.", 12), ("0", 0), ("", None), ("-", None), (" - ", None)),
        *(("12.5", "12.5"), ("-1", "-1"), ("a dozen", "a dozen"), ("9" * 31, "9" * 31), (12, 12), (None, None)),
        *((Decimal("1.5"), Decimal("1.5")), (True, True), ([], [])),
    ],
)
def test_a_whole_number_that_is_written_as_text_is_one(value: Any, found: Any) -> None:
    assert number(value) == found
    assert type(number(value)) is type(found)
