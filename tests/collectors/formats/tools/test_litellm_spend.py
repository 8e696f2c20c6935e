"""Rows of LiteLLM's table of spend: the bill that the payload of the same call makes, whatever a row leaves out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.collectors.formats.found import format_of
from pipeline.collectors.formats.tools import litellm, litellm_spend

CALL = "31ac6e26-6a0c-4a2c-9f0b-2f6c1f1f4f10"
ANSWER: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "jamba-large",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "."}, "finish_reason": "stop"}],
    "usage": {
        "prompt_tokens": 40,
        "completion_tokens": 5,
        "total_tokens": 45,
        "prompt_tokens_details": {
            "cached_tokens": 20,
            "cache_creation_tokens": 10,
            "cache_creation_token_details": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 6},
        },
        "completion_tokens_details": {"reasoning_tokens": 2},
    },
}
METADATA: dict[str, Any] = {
    "user_api_key": "88dc28d0",
    "user_api_key_alias": "team-a",
    "status": "success",
    "error_information": None,
    "usage_object": ANSWER["usage"],
    "additional_usage_values": {name: of for name, of in ANSWER["usage"].items() if name.endswith("details")},
}
COPIED = "chatcmpl-1_cache_hit1793700009.5"
ZEROS = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
EVENT = ("event_id", "occurred_at", "api_key_id", "status", "http_status", "model_reported", "other_usage")


def row(**fields: Any) -> dict[str, Any]:
    """A successful call as the API answers it; keywords replace fields, ``...`` leaves one out."""
    line = {
        "request_id": "chatcmpl-1",
        "call_type": "acompletion",
        "api_key": "88dc28d0",
        "spend": 99.0,
        "total_tokens": 45,
        "prompt_tokens": 40,
        "completion_tokens": 5,
        "startTime": "2026-11-03T10:00:01.250Z",
        "endTime": "2026-11-03T10:00:02.500Z",
        "request_duration_ms": 1250,
        "completionStartTime": "2026-11-03T10:00:02.500Z",
        "model": "openai/jamba-large",
        "model_id": "d5f0",
        "model_group": "jamba",
        "custom_llm_provider": "openai",
        "api_base": "https://models.example/v1",
        "user": "default_user_id",
        "metadata": METADATA,
        "cache_hit": "None",
        "cache_key": "Cache OFF",
        "request_tags": [],
        "team_id": "",
        "end_user": "",
        "requester_ip_address": None,
        "messages": {},
        "response": {},
        "session_id": "5b1f",
        "status": "success",
        "proxy_server_request": {},
        "litellm_call_id": CALL,
    } | fields
    return {name: value for name, value in line.items() if value is not ...}


def payload(**fields: Any) -> dict[str, Any]:
    """The payload that callbacks get of the same call."""
    return {
        "id": "chatcmpl-1",
        "litellm_call_id": CALL,
        "call_type": "acompletion",
        "status": "success",
        "cache_hit": None,
        "startTime": 1_793_700_001.25,
        "model": "openai/jamba-large",
        "model_group": "jamba",
        "metadata": {"user_api_key_hash": "88dc28d0", "usage_object": ANSWER["usage"]},
        "prompt_tokens": 40,
        "completion_tokens": 5,
        "total_tokens": 45,
        "response_cost": 99.0,
        "response": ANSWER,
    } | fields


def bill(collected: Any) -> tuple[Any, ...]:
    """What decides a bill of one event."""
    event = collected.event
    counts = [event[name] for name in sorted(event) if name.endswith("_tokens")]
    return (*(event[name] for name in EVENT), counts)


AS_EXPORTED = [
    row(),
    row(response=ANSWER),
    row(response=json.dumps(ANSWER), metadata=json.dumps(METADATA)),
    row(response="{}", metadata=json.dumps(METADATA), messages="{}", request_tags="[]"),
    row(response=..., messages=..., proxy_server_request=...),
    row(startTime="2026-11-03T10:00:01.25", status=..., litellm_call_id=...),
    row(startTime="2026-11-03 10:00:01.25"),
    row(metadata=METADATA | {"usage_object": None}),
    row(model="jamba-large", custom_llm_provider=None),
]


OF_2025 = {
    "prompt_tokens_details": {"cached_tokens": 20},
    "cache_read_input_tokens": 20,
    "cache_creation_input_tokens": 30,
}
"""What stands beside the counts of a row when LiteLLM left out of the prompt what was written to a cache."""


@pytest.mark.parametrize("place", ["usage_object", "additional_usage_values"])
@pytest.mark.parametrize("written", [dict, json.dumps], ids=["objects", "text"])
def test_what_litellm_left_out_of_the_prompt_is_added_to_it(collect: Any, place: str, written: Any) -> None:
    collected = collect(row(metadata=written({place: OF_2025})))
    assert collected.tokens == (70, 5, 20, 30, None)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (OF_2025 | {"cache_creation_input_tokens": 20}, (40, 5, 20, 20, None)),
        (
            OF_2025 | {"prompt_tokens_details": {"cached_tokens": 20, "cache_creation_tokens": 30}},
            "contradictory_usage",
        ),
        (OF_2025 | {"cache_read_input_tokens": None}, "contradictory_usage"),
        (OF_2025 | {"cache_creation_input_tokens": "30"}, "contradictory_usage"),
    ],
)
def test_only_what_lies_outside_of_it_is_added(collect: Any, usage: dict[str, Any], expected: Any) -> None:
    collected = collect(row(metadata={"usage_object": usage}))
    assert (collected.refusal[0] if isinstance(expected, str) else collected.tokens) == expected


@pytest.mark.parametrize("line", AS_EXPORTED)
def test_a_row_is_the_bill_that_the_payload_of_its_call_is(collect: Any, line: dict[str, Any]) -> None:
    found = format_of(line)
    assert found is not None
    assert found.name == "litellm-spend"
    collected = collect(line)
    assert bill(collected) == bill(collect(payload()))
    assert collected.tokens == (40, 5, 20, 10, 2)
    assert collected.event["prompt_cache_write_1h_tokens"] == 6


def test_a_row_with_its_answer_is_the_whole_event_that_its_payload_is(collect: Any) -> None:
    theirs, ours = (collect(line).event for line in (payload(), row(response=ANSWER)))
    for name in ("byte_end", "byte_start"):
        theirs.pop(name), ours.pop(name)
    assert ours == theirs


def test_a_page_of_the_api_is_its_rows(collect: Any) -> None:
    page = {"data": [row(), row(request_id="chatcmpl-2")], "total": 2, "page": 1, "page_size": 50, "total_pages": 1}
    assert [event["response_id"] for event in collect(page).events] == ["chatcmpl-1", "chatcmpl-2"]
    assert collect({"data": [row(), 7]}).refusal == ("invalid_field", "data is no list of spend logs")


@pytest.mark.parametrize(
    ("fields", "ids"),
    [
        ({}, ("chatcmpl-1", CALL)),
        ({"request_id": CALL}, (None, CALL)),
        ({"litellm_call_id": ...}, ("chatcmpl-1", None)),
        ({"litellm_call_id": ..., "request_id": CALL}, (None, CALL)),
        ({"litellm_call_id": ..., "metadata": METADATA | {"litellm_call_id": CALL}}, ("chatcmpl-1", CALL)),
        ({"litellm_call_id": ..., "metadata": {"litellm_call_id": "mine"}, "request_id": "mine"}, (None, "mine")),
        ({"litellm_call_id": ..., "metadata": "{", "request_id": "mine"}, ("mine", None)),
        ({"litellm_call_id": "c-1", "request_id": CALL}, (CALL, "c-1")),
        ({"request_id": None}, (None, CALL)),
        ({"request_id": 7, "litellm_call_id": ["x"]}, ("7", None)),
    ],
)
def test_the_id_of_the_call_is_told_from_the_answer_s(collect: Any, fields: dict[str, Any], ids: Any) -> None:
    event = collect(row(**fields)).event
    assert (event["response_id"], event["request_id"]) == ids


def test_an_embedding_that_has_no_id_is_one_call_in_both_logs(collect: Any) -> None:
    answer = {"object": "list", "model": "jamba-large", "data": [], "usage": {"prompt_tokens": 8, "total_tokens": 8}}
    counts = {"prompt_tokens": 8, "completion_tokens": 0, "total_tokens": 8, "call_type": "aembedding"}
    metadata = {"user_api_key_hash": "88dc28d0", "usage_object": None}
    theirs = collect(payload(id=CALL, response=answer, metadata=metadata, **counts))
    ours = collect(row(request_id=CALL, metadata={}, **counts))
    assert bill(ours) == bill(theirs)
    assert ours.tokens[:2] == (8, 0)


def test_a_cached_answer_is_not_metered_and_has_the_id_of_the_call_it_is_a_copy_of(collect: Any) -> None:
    copy = row(request_id=COPIED, cache_hit="True", cache_key="6f1a", litellm_call_id="other")
    first, second = collect(row(), copy).events
    assert (first["status"], second["status"]) == ("measured", "not_metered")
    assert first["event_id"] == second["event_id"]
    assert json.loads(second["other_usage"]) == {"completion_tokens": 5, "prompt_tokens": 40}


@pytest.mark.parametrize("word", ["None", "False", "", None])
def test_an_id_says_that_an_answer_is_a_copy_where_the_flag_does_not(collect: Any, word: Any) -> None:
    of_another = {"user_api_key_hash": "99ee", "usage_object": ANSWER["usage"]}
    in_table = row(request_id=COPIED, api_key="99ee", cache_hit=word, cache_key="6f1a")
    lines = (in_table, payload(id=COPIED, metadata=of_another))
    for event in (collect(line).event for line in lines):
        assert (event["status"], event["response_id"], event["api_key_id"]) == ("not_metered", "chatcmpl-1", "99ee")
    assert collect(payload(id=7)).event["status"] == "measured"


@pytest.mark.parametrize(
    "chosen",
    [
        {"cache_key": "Cache OFF", "litellm_call_id": "other"},
        {"cache_key": "6f1a", "litellm_call_id": COPIED},
        {"cache_key": "6f1a", "response": ANSWER | {"id": COPIED}},
        {"cache_key": "6f1a", "response": json.dumps(ANSWER | {"id": COPIED})},
    ],
)
@pytest.mark.parametrize("word", ["None", "False", None])
def test_whoever_chooses_an_id_that_ends_as_a_copys_does_is_billed(collect: Any, chosen: Any, word: Any) -> None:
    event = collect(row(request_id=COPIED, cache_hit=word) | chosen).event
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("measured", 40, 5)
    assert COPIED in (event["response_id"], event["request_id"])


def test_a_response_of_the_background_is_billed_once_by_its_id_and_never_left_unknown(collect: Any) -> None:
    kind = {"call_type": "aresponses", "request_id": "resp_1"}
    begun = row(**kind, metadata={"usage_object": {}}, **ZEROS)
    settled = row(call_type="aget_responses", request_id="resp_1_background_cost", litellm_call_id="other")
    polled = payload(id="resp_1", call_type="aresponses", response=ANSWER | {"id": "resp_1"})
    events = collect(begun, settled, polled).events
    assert [event["status"] for event in events] == ["unknown", "measured", "measured"]
    assert len({event["event_id"] for event in events}) == 1


@pytest.mark.parametrize("word", ["False", "None", "", None, False, ...])
def test_what_is_no_hit_is_billed_however_it_is_written(collect: Any, word: Any) -> None:
    assert collect(row(cache_hit=word)).event["status"] == "measured"


def test_a_word_that_is_neither_hit_nor_none_is_quarantined(collect: Any) -> None:
    assert collect(row(cache_hit="Perhaps")).refusal[0] == "invalid_field"


@pytest.mark.parametrize(
    ("error", "http_status"),
    [({"error_code": "429"}, 429), ({"error_code": ""}, 500), ({"error_code": "odd"}, 0), (None, 500)],
)
@pytest.mark.parametrize("is_text", [True, False])
def test_a_failure_without_usage_is_failed_and_one_call_with_its_payload(
    collect: Any, error: Any, http_status: int, *, is_text: bool
) -> None:
    metadata: Any = {"status": "failure", "error_information": error, "usage_object": None}
    metadata = json.dumps(metadata) if is_text else metadata
    failed = row(request_id=CALL, status="failure", metadata=metadata, cache_hit="", **ZEROS)
    events = [collect(line).event for line in (failed, {**failed, "status": None})]
    theirs = collect(payload(id=CALL, status="failure", response={}, error_information=error, **ZEROS)).event
    for event in events:
        assert (event["status"], event["http_status"]) == ("failed", http_status)
        assert event["event_id"] == theirs["event_id"]


def test_tokens_that_a_failure_states_were_consumed(collect: Any) -> None:
    failed = row(status="failure", metadata={"status": "failure", "error_information": {"error_code": "500"}})
    event = collect(failed).event
    assert (event["status"], event["http_status"], event["prompt_tokens"]) == ("measured", 500, 40)


@pytest.mark.parametrize("code", ["429", "odd"])
@pytest.mark.parametrize("is_text", [True, False])
def test_a_prompt_that_litellm_made_up_for_a_failure_is_no_usage(collect: Any, code: str, *, is_text: bool) -> None:
    metadata: Any = {"status": "failure", "error_information": {"error_code": code}, "usage_object": None}
    made_up = {"prompt_tokens": 40, "completion_tokens": 0, "total_tokens": 40}
    failed = row(request_id=CALL, metadata=json.dumps(metadata) if is_text else metadata, status=None, **made_up)
    for line in (failed, failed | {"status": "failure"}):
        event = collect(line).event
        assert (event["status"], event["prompt_tokens"], event["response_id"]) == ("failed", None, None)


@pytest.mark.parametrize("kind", ["_arealtime", "_aresponses_websocket", "acreate_interaction"])
def test_sessions_and_interactions_without_usage_are_unknown_and_never_free(collect: Any, kind: str) -> None:
    for line in (row(call_type=kind, metadata={}, **ZEROS), payload(call_type=kind, response={}, **ZEROS)):
        assert collect(line).event["status"] == "unknown"
    assert collect(row(call_type=kind)).tokens[:2] == (40, 5)


def test_what_was_written_to_a_cache_is_that_by_the_newer_name_too(collect: Any) -> None:
    usage = {"prompt_tokens_details": {"cached_tokens": 20, "cache_write_tokens": 10}}
    assert collect(row(metadata={"usage_object": usage})).tokens == (40, 5, 20, 10, None)


def test_a_zero_is_a_placeholder_beside_a_real_count_by_another_name(collect: Any) -> None:
    usage = {"prompt_tokens_details": {"cached_tokens": 0, "cache_creation_tokens": 0}}
    usage |= {"cache_read_input_tokens": 20, "cache_creation_input_tokens": 10}
    assert collect(row(metadata={"usage_object": usage})).tokens == (40, 5, 20, 10, None)


def test_a_stream_of_which_litellm_saw_no_usage_is_unknown_and_never_free(collect: Any) -> None:
    assert collect(row(metadata={"usage_object": None}, **ZEROS)).event["status"] == "unknown"


def test_tries_before_an_answer_are_rows_of_their_own_and_the_answer_alone_is_billed(collect: Any) -> None:
    tries = [row(request_id=f"{CALL[:-1]}{n}", litellm_call_id=..., status="failure", **ZEROS) for n in (1, 2)]
    events = collect(*tries, row()).events
    assert [event["status"] for event in events] == ["failed", "failed", "measured"]
    assert len({event["event_id"] for event in events}) == 3


@pytest.mark.parametrize(
    ("call_type", "status"),
    [
        *(("aimage_generation", "not_metered"), ("arerank", "not_metered"), ("aretrieve_batch", "not_metered")),
        *(("anthropic_messages", "measured"), ("aresponses", "measured"), ("", "measured")),
    ],
)
def test_the_kind_of_a_call_says_whether_a_meter_is_for_it(collect: Any, call_type: str, status: str) -> None:
    assert collect(row(call_type=call_type)).event["status"] == status


def test_whose_key_it_was_is_the_hash_that_the_row_has_and_fields_may_name_another(collect: Any) -> None:
    assert collect(row(api_key="")).event["api_key_id"] == "88dc28d0"
    assert collect(row(api_key="", metadata={})).refusal == ("missing_field", "api_key or api_key_id")
    fields = {"api_key_id": "metadata.user_api_key_alias"}
    for metadata in (METADATA, json.dumps(METADATA)):
        event = collect(row(metadata=metadata), format="litellm-spend", fields=fields).event
        assert event["api_key_id"] == "team-a"


def test_a_raw_key_in_the_place_of_the_hash_is_quarantined_and_not_repeated(collect: Any) -> None:
    raw = "sk-" + "made-up-0123456789abcdef"
    reason, detail = collect(row(api_key=raw)).refusal
    assert reason == "invalid_field"
    assert raw not in detail


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"prompt_tokens": -1}, "invalid_usage"),
        ({"prompt_tokens": "many"}, "invalid_usage"),
        ({"total_tokens": 50}, "contradictory_usage"),
        ({"startTime": "yesterday"}, "invalid_field"),
        ({"startTime": None}, "missing_field"),
    ],
)
def test_what_decides_the_bill_and_cannot_be_is_quarantined(collect: Any, fields: dict[str, Any], reason: str) -> None:
    assert collect(row(metadata={}, **fields)).refusal[0] == reason


def test_what_a_row_states_twice_is_quarantined(collect: Any) -> None:
    for name, other in (("request_id", '"chatcmpl-2"'), ("model", '"m"'), ("prompt_tokens", "41")):
        twice = json.dumps(row())[:-1] + f', "{name}": {other}}}'
        assert collect(twice).refusal[0] == "duplicate_key"


def test_nothing_is_recognised_by_less_than_its_five_names() -> None:
    names = ("request_id", "call_type", "api_key", "spend", "startTime")
    assert litellm_spend.recognises(dict.fromkeys(names))
    for name in names:
        assert not litellm_spend.recognises(dict.fromkeys(set(names) - {name}))
    assert not litellm_spend.recognises({"data": [7]})
    assert not litellm.recognises(row(response=ANSWER))
    assert not litellm_spend.recognises(payload())
