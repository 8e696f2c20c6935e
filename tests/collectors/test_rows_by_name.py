"""A row is made by name: a reader states what it has read under a column's name, and need not know how many columns there are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.collectors import decode
from pipeline.collectors.decode import EventRow, decode_line, row_of
from pipeline.collectors.lines import Line
from pipeline.collectors.log_format import LogFormat
from pipeline.schemas import USAGE_EVENTS
from pipeline.usage import ContradictoryCounts, TokenCounts

if TYPE_CHECKING:
    from pipeline.collectors.chat import BodyReading

LINE = b'{"ts":"2026-03-01T06:00:00Z","api_key_id":"k","status":200,"response":{"id":"r","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4}}}'
REQUIRED = ("event_id", "occurred_at", "api_key_id", "status", "http_status", "source", "line", "byte_start", "byte_end")


def test_what_a_reader_states_under_the_name_of_a_column_is_in_the_row(monkeypatch: pytest.MonkeyPatch) -> None:
    read = decode.read_exchange
    more = {"prompt_audio_tokens": 5, "completion_audio_tokens": 2, "prompt_cache_write_tokens": 3}
    more |= {"prompt_cached_tokens": 1, "prompt_cache_write_1h_tokens": 3}

    def stating_more(*given: Any) -> BodyReading:
        reading = read(*given)
        assert reading.tokens is not None
        return replace(reading, tokens=replace(reading.tokens, **more), other_usage='{"searches":2}', left_out=frozenset({"usage.seconds"}))

    monkeypatch.setattr(decode, "read_exchange", stating_more)
    row = decode_line(Line(1, 0, len(LINE), LINE), source="a.jsonl", log_format=LogFormat(), fingerprint=str)
    assert isinstance(row, EventRow)
    values = dict(zip(USAGE_EVENTS.names, row.values, strict=True))
    assert {name: values[name] for name in more} == more
    assert (values["other_usage"], values["left_out"], values["prompt_tokens"], values["response_id"]) == ('{"searches":2}', "usage.seconds", 9, "r")


def test_what_is_not_named_is_null_and_what_may_not_be_null_must_be_named() -> None:
    values = {name: name for name in REQUIRED}
    assert dict(zip(USAGE_EVENTS.names, row_of(values), strict=True)) == {**dict.fromkeys(USAGE_EVENTS.names), **values}
    for name in REQUIRED:
        with pytest.raises(KeyError, match=name):
            row_of({other: value for other, value in values.items() if other != name})


def test_a_name_that_is_no_columns_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\['prompt_audio'\] are no columns of usage events"):
        row_of({**dict.fromkeys(REQUIRED, 1), "prompt_audio": 1})


@pytest.mark.parametrize("part", ["prompt_audio_tokens", "completion_audio_tokens", "prompt_cache_write_1h_tokens", "reasoning_tokens"])
def test_a_part_is_never_more_than_its_whole(part: str) -> None:
    whole = {"prompt_tokens": 9, "completion_tokens": 9, "prompt_cache_write_tokens": 9}
    TokenCounts(**{**whole, part: 9})
    with pytest.raises(ContradictoryCounts, match=f"{part} 10 > [a-z_]+ 9"):
        TokenCounts(**{**whole, part: 10})
