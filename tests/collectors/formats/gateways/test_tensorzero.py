"""Rows of TensorZero's table of calls, and what each of them bills."""

from __future__ import annotations

import json
from typing import Any

import pytest
from logged_documents import tensorzero_row

from pipeline.collectors.formats.found import format_of
from pipeline.collectors.formats.gateways import tensorzero

CHUNKS = [
    {"id": "c-2", "model": "m", "choices": [{"index": 0, "delta": {"content": "x"}}]},
    {"id": "c-2", "model": "m", "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}},
]


def test_a_row_is_a_call_whose_answer_decides(collect: Any) -> None:
    row = tensorzero_row(input_tokens=9, output_tokens=9)
    found = format_of(row)
    assert found is not None
    assert found.name == "tensorzero"
    event = collect(row).event
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("measured", 40, 5)
    assert (event["api_key_id"], event["request_id"]) == ("key_1", row["id"])
    assert (event["model_requested"], event["model_reported"]) == ("jamba", "jamba-large")
    assert event["occurred_at"].isoformat() == "2026-11-03T10:00:01+00:00"


def test_chunks_on_lines_are_a_stream(collect: Any) -> None:
    event = collect(tensorzero_row(raw_response="\n".join(map(json.dumps, CHUNKS)))).event
    assert (event["prompt_tokens"], event["completion_tokens"], event["response_id"]) == (7, 3, "c-2")


def test_without_an_answer_the_columns_count_and_hold_the_cache(collect: Any) -> None:
    parts = {"provider_cache_read_input_tokens": 30, "provider_cache_write_input_tokens": 4}
    assert collect(tensorzero_row(raw_response="", **parts)).tokens == (40, 5, 30, 4, None)
    more = {"provider_cache_read_input_tokens": 41}
    assert collect(tensorzero_row(raw_response="", **more)).refusal[0] == "contradictory_usage"


def test_an_answer_out_of_the_cache_is_not_metered(collect: Any) -> None:
    event = collect(tensorzero_row(cached=True)).event
    assert (event["status"], event["dialect"]) == ("not_metered", "openai-chat/cache-hit")


def test_a_row_of_a_gateway_without_keys_is_nobodys(collect: Any) -> None:
    row = tensorzero_row(tags={"user": "u"})
    assert collect(row).refusal == ("missing_field", "api_key or api_key_id")
    assert collect(row, fields={"api_key_id": "tags.user"}, format="tensorzero").event["api_key_id"] == "u"


@pytest.mark.parametrize("name", ["inference_id", "raw_response", "model_provider_name"])
def test_what_has_not_all_of_it_is_no_row(name: str) -> None:
    assert not tensorzero.recognises({each: value for each, value in tensorzero_row().items() if each != name})
