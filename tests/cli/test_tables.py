"""Tables at many widths: what is asked for is there, numbers are whole, and no line is longer than the terminal."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.base.beginnings import may_mean
from pipeline.cli.tables.columns import Column, Kind
from pipeline.cli.tables.forms import Form, table_text
from pipeline.cli.visible import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.cli.tables.columns import Cell

KEYS = [f"key_{letter * 6}{digit * 26}" for letter, digit in ("a1", "a2", "b1")]
USAGE = (
    Column(name="events", kind=Kind.COUNT),
    Column(name="prompt_tokens", kind=Kind.COUNT),
    Column(name="prompt_cached_tokens", kind=Kind.COUNT, is_detail=True),
    Column(name="prompt_audio_tokens", kind=Kind.COUNT, is_detail=True),
    Column(name="completion_tokens", kind=Kind.COUNT),
    Column(name="amount", kind=Kind.MONEY),
    Column(name="currency"),
    Column(name="share", kind=Kind.SHARE),
    Column(name="key", kind=Kind.ID, is_asked=True),
    Column(name="day", kind=Kind.DATE, is_asked=True),
)
ROWS: list[tuple[Cell, ...]] = [
    (12, 123_456_789, 1_234, 0, 98_765, Decimal("1234567.50"), "USD", Decimal("0.251"), KEYS[0], date(2026, 10, 1)),
    (7, 1_000, 0, 0, 0, Decimal("0.0000125"), "USD", Decimal("0.5"), KEYS[1], date(2026, 10, 2)),
    (0, 1, 0, 0, 2, Decimal("-3.10"), "USD", Decimal("0.249"), KEYS[2], date(2026, 10, 2)),
]


def shown(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], width: int | None) -> str:
    return table_text(columns, rows, form=Form.TABLE, width=width)


def columns_of(text: str) -> int:
    wide = {"W", "F"}
    marks = {"Mn", "Me"}
    return sum(
        0 if unicodedata.category(each) in marks else 2 if unicodedata.east_asian_width(each) in wide else 1
        for each in text
    )


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200, None])
def test_what_was_asked_for_comes_first_and_no_number_is_cut(width: int | None) -> None:
    text = shown(USAGE, ROWS, width)
    assert all(len(line) <= (width or 10_000) for line in text.splitlines())
    assert next(line for line in text.splitlines() if not line.startswith(" ")).split()[0] == "key"
    for number in ("123,456,789", "1,234,567.50", "0.0000125", "-3.10", "98,765", "25.1 %", "2026-10-02"):
        assert number in text


def test_at_eighty_columns_ids_are_shortened_and_still_told_apart() -> None:
    text = shown(USAGE[4:], [row[4:] for row in ROWS], 80)
    firsts = [line.split()[0] for line in text.splitlines() if line.startswith("key_")]
    assert len(set(firsts)) == 3
    assert all("…" in each and each.startswith("key_") for each in firsts)


def test_words_about_several_ids_are_not_shortened_as_if_they_were_one() -> None:
    columns = [Column(name="key", kind=Kind.ID, is_asked=True), Column(name="tokens", kind=Kind.COUNT)]
    rows = [(f"key_{number:032x}", 1) for number in range(3)] + [("70516 others", 12)]
    assert "70516 others" in shown(columns, rows, 22)


def test_a_column_of_zeros_is_left_out_and_named_below() -> None:
    for form in (Form.TABLE, Form.MARKDOWN):
        text = table_text(USAGE, ROWS, form=form, width=200)
        header, *_ = text.splitlines()
        assert "audio" not in header
        assert "prompt_audio_tokens" in text.splitlines()[-1]
    for form in (Form.CSV, Form.LINES, Form.JSON):
        assert "prompt_audio_tokens" in table_text(USAGE, ROWS, form=form)


def test_a_column_that_was_asked_for_is_there_although_it_is_empty() -> None:
    text = shown([Column(name="tag:team", is_asked=True), Column(name="events", kind=Kind.COUNT)], [("", 3)], 80)
    assert "tag:team" in text.splitlines()[0]


def test_details_are_left_out_for_want_of_room_before_the_table_becomes_records() -> None:
    wide = shown(USAGE, ROWS, 100)
    assert "want of room" not in wide
    narrow = shown(USAGE, ROWS, 92)
    assert narrow.splitlines()[-1].startswith("left out for want of room, -o csv has them: prompt_cached_tokens")


def test_where_nothing_else_fits_each_field_is_a_line() -> None:
    columns = [Column(name=f"amount_{n}", kind=Kind.MONEY) for n in range(12)]
    text = shown(columns, [tuple(Decimal(f"{n}000000.25") for n in range(1, 13))] * 2, 60)
    assert "amount_0   1,000,000.25" in text.splitlines()
    assert len(text.split("\n\n")) == 2


def test_no_rows_are_said_to_be_none() -> None:
    assert shown(USAGE, [], 80) == "no rows\n"
    assert table_text(USAGE[:2], [], form=Form.LINES) == "events\tprompt_tokens\n"
    assert json.loads(table_text(USAGE, [], form=Form.JSON)) == {"schema_version": 1, "rows": []}


def test_json_has_counts_as_numbers_money_as_text_and_a_version() -> None:
    document = json.loads(table_text(USAGE, ROWS, form=Form.JSON))
    assert document["schema_version"] == 1
    assert document["rows"][1] == {
        "events": 7,
        "prompt_tokens": 1_000,
        "prompt_cached_tokens": 0,
        "prompt_audio_tokens": 0,
        "completion_tokens": 0,
        "amount": "0.0000125",
        "currency": "USD",
        "share": "0.5",
        "key": KEYS[1],
        "day": "2026-10-02",
    }


def test_csv_has_numbers_as_numbers_also_where_they_came_as_text() -> None:
    columns = [Column(name="note"), Column(name="amount", kind=Kind.MONEY)]
    assert table_text(columns, [("-1.00", "-1.00")], form=Form.CSV) == "note,amount\r\n'-1.00,-1.00\r\n"


def test_lines_for_programs_have_no_width_no_separators_and_headings() -> None:
    columns = [Column(name="time", heading="time (UTC)"), Column(name="tokens", kind=Kind.COUNT)]
    assert (
        table_text(columns, [("x" * 300, 1_234_567)], form=Form.LINES) == f"time (UTC)\ttokens\n{'x' * 300}\t1234567\n"
    )


def test_only_a_header_is_coloured_and_the_columns_stay_where_they_are() -> None:
    plain = shown(USAGE, ROWS, 100)
    coloured = table_text(USAGE, ROWS, form=Form.TABLE, width=100, is_coloured=True)
    assert re.sub(r"\x1b\[[0-9]*m", "", coloured) == plain
    assert coloured != plain
    assert "\x1b" not in "".join(coloured.splitlines()[3:])


def test_markdown_shows_a_name_as_it_is() -> None:
    name = "a|b*c* `d` [e](http://f) <img src=g> _h_ i_j & k"
    line = table_text([Column(name="model")], [(name,)], form=Form.MARKDOWN).splitlines()[2]
    assert line == r"| a\|b\*c\* \`d\` \[e\](http://f) &lt;img src=g&gt; \_h\_ i_j &amp; k |"


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="1 cells of 2"):
        table_text(USAGE[:2], [(1,)], form=Form.TABLE)


HOSTILE = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
CELLS = {
    Kind.TEXT: HOSTILE,
    Kind.ID: HOSTILE,
    Kind.COUNT: st.integers(-(2**63), 2**63 - 1),
    Kind.MONEY: st.decimals(-(10**12), 10**12, places=9),
    Kind.DATE: st.dates(),
    Kind.SPAN: st.just("120-380"),
    Kind.SHARE: st.decimals(0, 1, places=4),
}


@st.composite
def answers(draw: st.DrawFn) -> tuple[list[Column], list[tuple[Cell, ...]]]:
    kinds = draw(st.lists(st.sampled_from(list(Kind)), min_size=1, max_size=14))
    columns = [
        Column(
            name=f"c{n}_{draw(st.sampled_from(['tokens', 'of_prompts_read', 'x']))}",
            kind=kind,
            is_asked=draw(st.booleans()),
            is_detail=draw(st.booleans()),
        )
        for n, kind in enumerate(kinds)
    ]
    rows = draw(st.lists(st.tuples(*(CELLS[kind] for kind in kinds)), min_size=1, max_size=4))
    return columns, rows


@pytest.mark.long
@settings(max_examples=50)
@given(answers(), st.integers(40, 220))
def test_at_any_width_numbers_are_whole_lines_fit_and_every_asked_column_is_there(
    answer: tuple[list[Column], list[tuple[Cell, ...]]], width: int
) -> None:
    columns, rows = answer
    text = shown(columns, rows, width)
    assert all(columns_of(line) <= width for line in text.splitlines())
    assert all(visible(line) == line for line in text.split("\n"))
    heads = text.replace("\n", " ")
    for place, column in enumerate(columns):
        if column.is_asked:
            assert all(part in heads for part in re.findall(r"[a-z0-9]+_?", column.name))
        if column.kind is Kind.COUNT and (column.is_asked or not column.is_detail):
            cells = [row[place] for row in rows]
            assert not any(cells) or all(f"{cell:,}" in text for cell in cells)


@settings(max_examples=30)
@given(answers())
def test_csv_and_json_hold_every_column_of_every_row(answer: tuple[list[Column], list[tuple[Cell, ...]]]) -> None:
    columns, rows = answer
    read = json.loads(table_text(columns, rows, form=Form.JSON))["rows"]
    assert [list(row) for row in read] == [[column.name for column in columns]] * len(rows)
    for row, given_row in zip(read, rows, strict=True):
        assert [row[c.name] for c in columns if c.kind is Kind.TEXT] == [
            cell for c, cell in zip(columns, given_row, strict=True) if c.kind is Kind.TEXT
        ]
    lines = list(csv.reader(io.StringIO(table_text(columns, rows, form=Form.CSV), newline="")))
    assert [len(line) or 1 for line in lines] == [len(columns)] * (1 + len(rows))  # an empty line is an empty cell


def test_ids_that_begin_alike_are_told_apart_by_their_ends() -> None:
    ids = [f"draft-2026-{month:02}-customer-{number:03}-eur" for month in (8, 9, 10) for number in range(60)]
    columns = [Column(name="invoice", kind=Kind.ID), Column(name="total", kind=Kind.MONEY)]
    firsts = [line.split()[0] for line in shown(columns, [(each, 1) for each in ids], 28).splitlines()[2:]]
    assert len(set(firsts)) == len(ids)
    for typed, whole in zip(firsts, ids, strict=True):
        assert len(typed) <= 21
        assert [each for each in ids if may_mean(typed, each)] == [whole], "what is shown is enough to ask for it"


def test_a_short_id_is_whole_as_long_as_a_detail_can_be_left_out() -> None:
    columns = [
        Column(name="account", kind=Kind.ID, is_asked=True),
        Column(name="cost", kind=Kind.MONEY),
        Column(name="requests", kind=Kind.COUNT, is_detail=True),
    ]
    rows = [("customer-001-eur", Decimal("1234567.25"), 1), ("customer-002-eur", Decimal(1), 1)]
    text = shown(columns, rows, 32)
    assert "customer-001-eur" in text
    assert "left out for want of room" in text
    assert "customer-001-eur" not in shown(columns, rows, 24)


def test_a_long_word_is_broken_behind_a_separator() -> None:
    columns = [Column(name="model", is_asked=True), Column(name="tokens", kind=Kind.COUNT)]
    text = shown(columns, [("arn:aws:bedrock:eu-central-1:000000000000:inference-profile/sums-015", 12)], 36)
    firsts = [line.split()[0] for line in text.splitlines()[2:]]
    assert firsts == ["arn:aws:bedrock:eu-central-", "1:000000000000:inference-", "profile/sums-015"]


def test_a_late_detail_is_left_out_after_all_details_and_before_rows_become_records() -> None:
    columns = [
        Column(name="model", is_asked=True),
        Column(name="charge", kind=Kind.MONEY, is_asked=True),
        Column(name="cost", kind=Kind.MONEY, is_asked=True, is_late_detail=True),
        Column(name="requests", kind=Kind.COUNT, is_detail=True),
    ]
    rows = [("jamba-large", Decimal("1234567.1234567"), Decimal("234567.1234567"), 12_345)] * 2
    found = {width: shown(columns, rows, width).splitlines() for width in (80, 50, 40, 26)}
    assert "left out" not in found[80][-1]
    assert " ".join(found[50][-2:]).endswith("has them: requests")
    assert " ".join(found[40][-2:]).endswith("has them: cost, requests")
    assert any(line.split() == ["cost", "234,567.1234567"] for line in found[26]), "a record has every field"


def test_a_column_that_says_the_same_in_every_row_is_said_below_before_rows_become_records() -> None:
    columns = [
        Column(name="card"),
        Column(name="model"),
        Column(name="effective_from", kind=Kind.DATE),
        Column(name="prompt", kind=Kind.MONEY),
        Column(name="completion", kind=Kind.MONEY),
    ]
    rows = [("standard", f"jamba-{number}", "2026-01-01T00:00:00Z", Decimal("2.5"), Decimal(4)) for number in (1, 2)]
    text = shown(columns, rows, 46)
    assert text.splitlines()[0].split() == ["model", "prompt", "completion"]
    assert " ".join(text.split()).endswith("the same in every row: card standard, effective_from 2026-01-01T00:00:00Z")
    assert text.count("2.5") == 2, "a number is told in each row"
    varied = [replace(columns[0], is_varied=True), *columns[1:]]
    assert "card standard" not in shown(varied, rows, 46), "it is not the same in rows that are not shown"
    asked = [replace(columns[0], is_asked=True), *columns[1:]]
    assert shown(asked, rows, 46).startswith("card ")
