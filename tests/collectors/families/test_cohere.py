"""Cohere, versions 1 and 2: what it bills comes before what its tokenizer counted."""

from __future__ import annotations

from typing import Any

import pytest
from readings import json_lines, read, tokens, ways

V1, V2 = "/v1/chat", "/v2/chat"
BILLED = {
    "billed_units": {"input_tokens": 8, "output_tokens": 40},
    "tokens": {"input_tokens": 1390, "output_tokens": 44},
}
TOKENS = {"tokens": {"input_tokens": 1390, "output_tokens": 44}}


def _v2(usage: dict[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": [{"type": "text", "text": "Dew."}]}
    return {"id": "c2-1", "finish_reason": "COMPLETE", "message": message, "usage": usage}


def _v2_stream(usage: dict[str, Any] | None) -> list[dict[str, Any]]:
    return [
        {"type": "message-start", "id": "c2-1", "delta": {"message": {"role": "assistant", "content": []}}},
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "De"}}}},
        {"type": "tool-call-delta", "index": 0, "delta": {"message": {"tool_calls": {"function": {"arguments": "{"}}}}},
        {"type": "message-end", "delta": {"finish_reason": "TOOL_CALL"} | ({"usage": usage} if usage else {})},
    ]


def _v1(meta: dict[str, Any]) -> dict[str, Any]:
    return {"response_id": "r1-1", "generation_id": "g1-1", "text": "Dew.", "finish_reason": "COMPLETE", "meta": meta}


def test_billed_units_are_the_bill_and_tokens_stand_in_where_they_are_absent() -> None:
    assert tokens(_v2(BILLED), path=V2) == (8, 40, None, None, None)
    assert read(_v2(BILLED), path=V2).dialect == "cohere-v2/billed-units"
    assert tokens(_v2(TOKENS), path=V2)[:2] == (1390, 44)
    assert read(_v2(TOKENS), path=V2).dialect == "cohere-v2"


def test_cached_tokens_are_stated_only_with_tokens() -> None:
    assert tokens(_v2(BILLED | {"cached_tokens": 1200}), path=V2)[2] is None
    assert tokens(_v2(TOKENS | {"cached_tokens": 1200}), path=V2)[2] == 1200


@pytest.mark.parametrize(("reasoning", "stated"), [(30, 30), (40, 40), (41, None)])
def test_reasoning_is_stated_only_where_it_lies_within_the_billed_output(reasoning: int, stated: int | None) -> None:
    usage = {"billed_units": BILLED["billed_units"], "tokens": BILLED["tokens"] | {"reasoning_tokens": reasoning}}
    assert tokens(_v2(usage), path=V2) == (8, 40, None, None, stated)


def test_no_body_names_the_model_and_the_id_is_that_of_the_answer() -> None:
    reading = read(_v2(BILLED), path=V2, request={"model": "command-a-03-2025"})
    assert (reading.response_id, reading.model_reported, reading.finish_reason) == ("c2-1", None, "COMPLETE")
    assert read(_v1(BILLED), path=V1).response_id == "r1-1"


@pytest.mark.parametrize("way", ways())
def test_version_two_streams_its_usage_when_the_message_ends(way: str) -> None:
    body = ways(*_v2_stream(BILLED))[way]
    assert tokens(body, path=V2)[:2] == (8, 40)
    reading = read(body, path=V2)
    assert (reading.dialect, reading.response_id, reading.finish_reason) == (
        "cohere-v2/billed-units",
        "c2-1",
        "TOOL_CALL",
    )


def test_version_one_states_its_usage_in_meta() -> None:
    assert tokens(_v1(BILLED), path=V1)[:2] == (8, 40)
    assert read(_v1(BILLED), path=V1).dialect == "cohere-v1/billed-units"
    generated = {"id": "gen-1", "generations": [{"id": "g", "text": "Dew."}], "prompt": "say", "meta": BILLED}
    assert tokens(generated, path="/v1/generate")[:2] == (8, 40)


@pytest.mark.parametrize("ends_in_a_newline", [True, False])
def test_version_one_streams_lines_and_its_usage_is_in_the_last(*, ends_in_a_newline: bool) -> None:
    lines = json_lines(
        {"is_finished": False, "event_type": "stream-start", "generation_id": "g1-1"},
        {"is_finished": False, "event_type": "text-generation", "text": "Dew."},
        {"is_finished": True, "event_type": "stream-end", "finish_reason": "COMPLETE", "response": _v1(BILLED)},
    )
    body = lines if ends_in_a_newline else lines.rstrip("\n")
    assert tokens(body, path=V1)[:2] == (8, 40)
    assert read(body, path=V1).is_stream is True


def test_a_stream_without_usage_is_estimated_from_text_and_tool_calls() -> None:
    reading = read(ways(*_v2_stream(None))["transcript"], path=V2)
    assert (reading.status.value, reading.content_chunks) == ("estimated", 2)


@pytest.mark.parametrize("end", [{"finish_reason": "ERROR"}, {"error": "an invalid tool"}])
def test_a_stream_that_broke_off_has_failed_unless_it_states_what_it_consumed(end: dict[str, Any]) -> None:
    """Cohere reports what went wrong in the last event, where its other streams have their usage."""
    *before, _ = _v2_stream(None)
    for usage, status in ((None, "failed"), ({}, "failed"), (BILLED, "measured")):
        stated = {} if usage is None else {"usage": usage}
        body = ways(*before, {"type": "message-end", "delta": end | stated})["transcript"]
        assert read(body, path=V2).status.value == status


@pytest.mark.parametrize("reason", ["ERROR", "ERROR_TOXIC", "ERROR_LIMIT"])
def test_a_stream_of_version_one_that_broke_off_has_failed(reason: str) -> None:
    begun = {"is_finished": False, "event_type": "text-generation", "text": "Dew."}
    end = {"is_finished": True, "event_type": "stream-end", "finish_reason": reason}
    assert read(json_lines(begun, end), path=V1).status.value == "failed"
    assert read(json_lines(begun, end | {"response": _v1(BILLED)}), path=V1).status.value == "measured"


def test_search_units_are_no_tokens() -> None:
    usage = {"billed_units": BILLED["billed_units"] | {"search_units": 2}}
    assert tokens(_v2(usage), path=V2)[:2] == (8, 40)
    assert read(_v2(usage), path=V2).other_usage == '{"search_units":2}'


@pytest.mark.parametrize("path", ["/ai/ask", None])
def test_both_versions_are_known_by_their_bodies(path: str | None) -> None:
    assert read(_v2(BILLED), path=path).dialect == "cohere-v2/billed-units"
    assert read(_v1(BILLED), path=path).dialect == "cohere-v1/billed-units"


@pytest.mark.parametrize("http_status", [499, 500])
def test_stated_usage_counts_under_any_status(http_status: int) -> None:
    assert tokens(_v2(BILLED), path=V2, status=http_status)[:2] == (8, 40)


def test_zeros_beside_an_answer_are_no_measurement() -> None:
    assert read(_v2({"billed_units": {"input_tokens": 0, "output_tokens": 0}}), path=V2).status.value == "unknown"


@pytest.mark.parametrize(("cached", "kept"), [(1389, 1389), (1390, 1390), (1391, None)])
def test_more_cached_than_there_is_of_the_prompt_is_of_unknown_share(cached: int, kept: int | None) -> None:
    assert tokens(_v2(TOKENS | {"cached_tokens": cached}), path=V2) == (1390, 44, kept, None, None)


@pytest.mark.parametrize(("reasoning", "kept"), [(43, 43), (44, 44), (45, None)])
def test_more_reasoning_than_there_is_of_the_completion_is_of_unknown_share(reasoning: int, kept: int | None) -> None:
    usage = {"tokens": TOKENS["tokens"] | {"reasoning_tokens": reasoning}}
    assert tokens(_v2(usage), path=V2) == (1390, 44, None, None, kept)


@pytest.mark.parametrize("side", ["input_tokens", "output_tokens"])
def test_billed_units_of_one_side_alone_are_no_bill(side: str) -> None:
    assert tokens(_v2({"billed_units": {side: 7}} | TOKENS), path=V2)[:2] == (1390, 44)
    assert read(_v2({"billed_units": {side: 7}}), path=V2).tokens is None


@pytest.mark.parametrize("holder", ["data", "response"])
def test_an_answer_that_only_calls_tools_is_one_within_an_object_of_a_gateway_as_well(holder: str) -> None:
    message = {"role": "assistant", "tool_plan": "I look it up.", "tool_calls": [{"id": "t", "type": "function"}]}
    answer = {"id": "c2-1", "message": message, "finish_reason": "TOOL_CALL", "usage": BILLED}
    assert tokens({"code": 0, holder: answer}, path=V2)[:2] == (8, 40)
