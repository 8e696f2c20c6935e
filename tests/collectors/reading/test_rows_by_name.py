"""A row is made by name.

A reader states what it has read under a column's name, and need not know how many columns there are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.collectors import decode
from pipeline.collectors.decode import EventRow, _row_maker, decode_line
from pipeline.collectors.formats.log_format import LogFormat
from pipeline.collectors.logs.lines import Line
from pipeline.tables.schemas import USAGE_EVENTS
from pipeline.usage import ContradictoryCounts, TokenCounts
from pipeline.usage.events import COLUMNS

if TYPE_CHECKING:
    from pipeline.collectors.chat import BodyReading

LINE = (
    b'{"ts":"2026-03-01T06:00:00Z","api_key_id":"k","status":200,"response":{"id":"r","choices":[],'
    b'"usage":{"prompt_tokens":9,"completion_tokens":4}}}'
)


def test_what_a_reader_states_under_the_name_of_a_column_is_in_the_row(monkeypatch: pytest.MonkeyPatch) -> None:
    read = decode.read_exchange
    more = {"prompt_audio_tokens": 5, "completion_audio_tokens": 2, "prompt_cache_write_tokens": 3}
    more |= {"prompt_cached_tokens": 1, "prompt_cache_write_1h_tokens": 3}

    def stating_more(*given: Any) -> BodyReading:
        reading = read(*given)
        assert reading.tokens is not None
        return reading._replace(
            tokens=replace(reading.tokens, **more),
            other_usage='{"searches":2}',
            left_out=frozenset({"usage.seconds"}),
        )

    monkeypatch.setattr(decode, "read_exchange", stating_more)
    (row,) = decode_line(Line(1, 0, len(LINE), LINE), source="a.jsonl", log_format=LogFormat(), fingerprint=str)
    assert isinstance(row, EventRow)
    values = dict(zip(USAGE_EVENTS.names, row.values, strict=True))
    assert {name: values[name] for name in more} == more
    assert (values["other_usage"], values["left_out"], values["prompt_tokens"], values["response_id"]) == (
        '{"searches":2}',
        "usage.seconds",
        9,
        "r",
    )


def test_what_no_reader_states_is_null() -> None:
    (row,) = decode_line(Line(1, 0, len(LINE), LINE), source="a.jsonl", log_format=LogFormat(), fingerprint=str)
    assert isinstance(row, EventRow)
    values = dict(zip(USAGE_EVENTS.names, row.values, strict=True))
    assert [values[column.name] for column in COLUMNS if column.since > 1 and values[column.name]] == []
    assert (values["prompt_tokens"], values["reasoning_tokens"], values["stream"]) == (9, None, False)


def test_a_column_that_may_not_be_null_is_stated_and_none_is_stated_twice() -> None:
    required = tuple(column.name for column in COLUMNS if not column.nullable)
    assert dict(zip(USAGE_EVENTS.names, _row_maker(required)((*required, None)), strict=True)) == {
        name: name if name in required else None for name in USAGE_EVENTS.names
    }
    for name in required:
        with pytest.raises(ValueError, match=rf"\['{name}'\] may not be null"):
            _row_maker(tuple(other for other in required if other != name))
        with pytest.raises(ValueError, match="each column belongs there at most once"):
            _row_maker((*required, name))


@pytest.mark.parametrize(
    "part", ["prompt_audio_tokens", "completion_audio_tokens", "prompt_cache_write_1h_tokens", "reasoning_tokens"]
)
def test_a_part_is_never_more_than_its_whole(part: str) -> None:
    whole = {"prompt_tokens": 9, "completion_tokens": 9}
    if part == "prompt_cache_write_1h_tokens":
        whole["prompt_cache_write_tokens"] = 9
    TokenCounts(**{**whole, part: 9})
    with pytest.raises(ContradictoryCounts, match=f"{part} 10 > [a-z_]+ 9"):
        TokenCounts(**{**whole, part: 10})
