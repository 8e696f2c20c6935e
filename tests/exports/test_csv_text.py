"""CSV cells arrive as they were sent, and none of them is a formula."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.base.errors import InexactAmount
from pipeline.documents.csv_text import csv_bytes, escaped, unescaped

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.text(
    "=+-@|'\t\r\n\0 a,\"\uff1d\uff0b\uff0d\uff20\uff5c\u200b\ufeff\u2028", max_size=12
)
FORMULA_STARTS = "=+-@|\t\r\n\0\uff1d\uff0b\uff0d\uff20\uff5c"


def parsed(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_text_that_could_start_a_formula_is_escaped(start: str) -> None:
    assert escaped(f"{start}1+1") == f"'{start}1+1" or start in "\r\n"
    assert escaped(f"{start}1+1").startswith("'")
    assert escaped(f"  \u200b\ufeff{start}1+1").startswith("'") or start in "\r\n"
    assert escaped(f"Acme\n{start}1+1") == f"Acme\n'{start}1+1" or start in "\r\n"


@pytest.mark.parametrize(
    "hidden",
    [" ", "\u00a0", "\u3000", "\u200b", "\ufeff", "\u2060", "\ufe0f", "\u0301", "\u3164", "\x01", "\x7f", "\u202e"],
)
def test_a_formula_behind_something_invisible_is_escaped(hidden: str) -> None:
    assert escaped(f"{hidden}=1+1") == f"'{hidden}=1+1"


@pytest.mark.parametrize("line_break", ["\n", "\r", "\r\n", "\v", "\f", "\x85", "\u2028", "\u2029"])
def test_a_formula_on_a_later_line_of_a_cell_is_escaped(line_break: str) -> None:
    assert escaped(f"Acme{line_break}=1+1") == f"Acme{line_break}'=1+1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Acme Ltd",
        "a=b",
        "jamba-large",
        "1.5",
        " padded ",
        "Zoë",
        "株式会社",
        "a@b.c",
        "key_0a1b",
        "2026-10-01T00:00:00+03:00",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert escaped(text) == text


@pytest.mark.long
@given(TEXT)
@example("'=1")
@example("''=1")
@example("\n=1")
@example("'\n=1")
@example("\r\n")
def test_escaping_loses_nothing(text: str) -> None:
    assert unescaped(escaped(text)) == text


@given(TEXT, TEXT)
def test_different_texts_stay_different(one: str, other: str) -> None:
    assert (escaped(one) == escaped(other)) == (one == other)


@given(TEXT)
def test_no_line_of_an_escaped_cell_starts_a_formula(text: str) -> None:
    assert escaped(text)[:1] not in set(FORMULA_STARTS)
    for line in escaped(text).splitlines():
        assert line.strip(" \u200b\ufeff\u2028")[:1] not in set(FORMULA_STARTS)


@pytest.mark.long
@given(st.lists(st.tuples(TEXT, TEXT, st.integers()), max_size=8))
def test_what_was_written_is_what_is_read(rows: list[tuple[str, str, int]]) -> None:
    header, *read = parsed(csv_bytes(("name", "other", "count"), rows))
    assert header == ["name", "other", "count"]
    assert [(unescaped(name), unescaped(other), int(count)) for name, other, count in read] == rows


@pytest.mark.long
@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=Decimal("-1E+20"), max_value=Decimal("1E+20")))
def test_a_number_is_a_plain_decimal_and_never_escaped(number: Decimal) -> None:
    _, (cell,) = parsed(csv_bytes(("amount",), [(number,)]))
    assert Decimal(cell) == number
    assert set(cell) <= set("-0123456789.")


def test_a_file_is_written_to_the_letter_of_rfc_4180() -> None:
    rows = [
        ("Acme, Ltd", -1, Decimal("-1.50")),
        ('say "hi"', 0, Decimal("1E+3")),
        ("two\nlines", None, None),
        ("nul\0", 1, Decimal(0)),
        (" padded", 2, Decimal(1)),
    ]
    assert csv_bytes(("name", "count", "amount"), rows) == (
        b'name,count,amount\r\n"Acme, Ltd",-1,-1.50\r\n"say ""hi""",0,1000\r\n"two\nlines",,\r\n"nul\0",1,0\r\n'
        b'" padded",2,1\r\n'
    )


def test_text_is_utf_8_without_a_byte_order_mark() -> None:
    assert csv_bytes(("name",), [("Zoë 株式会社",)]) == "name\r\nZoë 株式会社\r\n".encode()


@pytest.mark.parametrize("value", [1.5, True, b"bytes", object()])
def test_a_cell_of_another_type_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="a cell is text, an int, a Decimal or None"):
        csv_bytes(("amount",), [(value,)])


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(InexactAmount):
        csv_bytes(("amount",), [(Decimal("NaN"),)])


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="2 cells, the header 1"):
        csv_bytes(("amount",), [(1, 2)])


def test_half_a_character_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogates not allowed"):
        csv_bytes(("name",), [("\ud800",)])
