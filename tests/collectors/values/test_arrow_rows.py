"""Rows of Arrow tables as the JSON objects that they are: each type, what is missing, and what is no text."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collectors.values.arrow_rows import lines_of
from pipeline.collectors.values.strict_json import parse

NOON = datetime(2026, 10, 1, 12, 0, 0, 250_000, tzinfo=UTC)
UUID = bytes(range(16))
BROKEN = pa.Array.from_buffers(
    pa.string(), 2, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0\3\0\0\0"), pa.py_buffer(b"a\xffb")]
)
"""Two texts, of which the first is none in UTF-8: who writes a file need not look."""


def lines(**columns: Any) -> list[bytes]:
    return list(lines_of(pa.record_batch(columns)))


def value(column: pa.Array) -> Any:
    """Return what the only value of a column is in its row."""
    (line,) = lines(it=column)
    return json.loads(line).get("it")


@pytest.mark.parametrize(
    ("column", "written"),
    [
        pytest.param(pa.array([2**63], pa.uint64()), 2**63, id="a whole number"),
        pytest.param(pa.array([True]), True, id="a truth"),
        pytest.param(pa.array([12.5]), 12.5, id="a fraction"),
        pytest.param(pa.array([float("nan")]), None, id="what is missing, as pandas writes it"),
        pytest.param(pa.array([float("inf")]), "inf", id="no number at all"),
        pytest.param(pa.array([Decimal("120.00")]), 120, id="a decimal that is whole"),
        pytest.param(pa.array([Decimal("0.10")]), "0.10", id="a decimal"),
        pytest.param(pa.array([NOON], pa.timestamp("us", "UTC")), "2026-10-01T12:00:00.250000Z", id="an instant"),
        pytest.param(
            pa.array([NOON], pa.timestamp("ms", "Europe/Berlin")), "2026-10-01T12:00:00.250Z", id="one of a zone"
        ),
        pytest.param(pa.array([1], pa.timestamp("ns")), "1970-01-01T00:00:00.000000001", id="one of no zone"),
        pytest.param(
            pa.array([1_790_812_800_000_000_001], pa.timestamp("ns")), "2026-10-01T00:00:00.000000001", id="a late one"
        ),
        pytest.param(pa.array([-1], pa.timestamp("s")), "1969-12-31T23:59:59", id="one in seconds"),
        pytest.param(pa.array([2**62], pa.timestamp("s")), str(2**62), id="one beyond years"),
        pytest.param(pa.array([date(2026, 10, 1)]), "2026-10-01", id="a day"),
        pytest.param(pa.array([time(12, 30)]), "12:30:00", id="a time of day"),
        pytest.param(pa.array([timedelta(seconds=1.5)]), "0:00:01.500000", id="how long it took"),
        pytest.param(pa.array([b"k-1"]), "k-1", id="bytes that are a text"),
        pytest.param(pa.array([b"\xff\xfe"]), "//4=", id="bytes that are none"),
        pytest.param(pa.array(["a"]).dictionary_encode(), "a", id="a code"),
        pytest.param(pa.array(["a"], pa.string_view()), "a", id="a view of a text"),
        pytest.param(
            pa.ExtensionArray.from_storage(pa.uuid(), pa.array([UUID], pa.binary(16))),
            "00010203-0405-0607-0809-0a0b0c0d0e0f",
            id="a UUID",
        ),
        pytest.param(pa.array([[1, None]]), [1, None], id="a list"),
        pytest.param(pa.array([["a", None]], pa.list_(pa.string())), ["a", None], id="a list of texts"),
        pytest.param(
            pa.array([[1]], pa.large_list(pa.timestamp("s", "UTC"))), ["1970-01-01T00:00:01Z"], id="a large list"
        ),
        pytest.param(pa.array([[1, 2]], pa.list_(pa.int8(), 2)), [1, 2], id="a list of a fixed size"),
        pytest.param(
            pa.array([[{"at": NOON}]], pa.list_(pa.struct([("at", pa.timestamp("s", "UTC"))]))),
            [{"at": "2026-10-01T12:00:00Z"}],
            id="an instant in a list of structs",
        ),
        pytest.param(pa.array([{"a": 1, "b": None, "c": float("nan")}]), {"a": 1}, id="a struct"),
        pytest.param(
            pa.array([[("a", "x"), ("b", None)]], pa.map_(pa.string(), pa.string())), {"a": "x"}, id="a map of texts"
        ),
        pytest.param(pa.array([[(1, 2)]], pa.map_(pa.int32(), pa.int32())), {"1": 2}, id="a map of numbers"),
        pytest.param(
            pa.array([[({"a": 1}, 2)]], pa.map_(pa.struct([("a", pa.int8())]), pa.int8())),
            {'{"a": 1}': 2},
            id="a map of structs",
        ),
        pytest.param(
            pa.array([[("a", 1), ("a", 2)]], pa.map_(pa.string(), pa.int8())),
            [["a", 1], ["a", 2]],
            id="a map that says a key twice hides neither",
        ),
        pytest.param(pa.nulls(1), None, id="nothing"),
    ],
)
def test_each_type_is_what_it_means(column: pa.Array, written: Any) -> None:
    assert value(column) == written


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view(), pa.json_()])
def test_a_text_that_is_an_object_or_an_array_is_that(kind: pa.DataType) -> None:
    written = ['{"~":\r\n 1.50}', "[1,\n2]", '{"a": 1', "7", "true", '"a"', "", "a\nb"]
    texts = pa.array(written, pa.string())
    column = pa.ExtensionArray.from_storage(kind, texts) if isinstance(kind, pa.JsonType) else texts.cast(kind)
    objects = ['{"~":   1.50}', "[1, 2]"]
    texts_left = map(json.dumps, written[2:])
    assert lines(it=column) == [f'{{"it": {each}}}\n'.encode() for each in (*objects, *texts_left)]


def test_what_is_null_is_not_there() -> None:
    assert lines(a=pa.array([1, None]), b=pa.array([None, "x"])) == [b'{"a": 1}\n', b'{"b": "x"}\n']


def test_what_is_no_text_stays_so_and_costs_its_own_row_alone() -> None:
    nested = pa.StructArray.from_arrays([BROKEN], ["key"])
    assert lines(a=BROKEN, b=nested) == [
        b'{"a": "a\xff", "b": {"key": "a\xff"}}\n',
        b'{"a": "b", "b": {"key": "b"}}\n',
    ]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS


@given(st.lists(st.tuples(VALUES, TEXTS | st.none(), st.lists(TEXTS, max_size=3)), min_size=1, max_size=5), TEXTS)
def test_a_row_is_one_line_that_says_what_the_row_does(rows: list[tuple[Any, Any, Any]], name: str) -> None:
    kind = type(rows[0][0])
    first = [each if type(each) is kind else None for each, _, _ in rows]
    columns = {"first": first, f"t{name}": [text for _, text, _ in rows], "l": [each for _, _, each in rows]}
    written = lines(**{name: pa.array(column) for name, column in columns.items()})
    assert all(line.count(b"\n") == 1 and line.endswith(b"\n") for line in written)
    for at, line in enumerate(written):
        said = {name: column[at] for name, column in columns.items() if column[at] is not None}
        found = parse(line.decode())
        assert found.keys() == said.keys()
        for each, expected in said.items():
            assert found[each] == expected or json.loads(expected) == found[each]
