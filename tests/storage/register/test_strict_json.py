from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.objects.encoded.strict_json import checked_fields, parse_object

ours = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    st.lists,
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "not JSON"),
        (b"{} {}", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'"a"', "not a JSON object"),
        (b'{"a": 1, "a": 1}', "a field twice"),
        (b'{"a": {"b": 1, "b": 1}}', "a field twice"),
        (b'{"a": 1.0}', "integers only"),
        (b'{"a": 1e999}', "integers only"),
        (b'{"a": NaN}', "integers only"),
        (b'{"a": -Infinity}', "integers only"),
        (b'{"a": "\xff"}', "not UTF-8 at byte 7"),
        (b'{"a": ' + b"[" * 100_000, "nested too deep"),
    ],
)
def test_what_a_lax_reader_would_guess_at_is_refused(text: bytes, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_object(text)


@pytest.mark.long
@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), ours))
def test_what_we_write_is_what_we_read(document: dict[str, object]) -> None:
    assert parse_object(json.dumps(document, ensure_ascii=False).encode()) == document


@pytest.mark.parametrize("value", [{}, {"a": 1, "b": 2}, {"a": "1"}, {"a": True}, [], None])
def test_fields_must_be_exactly_those_named_and_true_is_no_number(value: object) -> None:
    with pytest.raises(ValueError, match="the note"):
        checked_fields(value, "the note", a=int)
