"""Anthropic's Messages: disjoint counts, overlaid streams, iterations, streams of AWS."""

from __future__ import annotations

from typing import Any

import pytest
from readings import family_reading, invoke_ways, read, tokens, ways

PATH = "/v1/messages"
USAGE = {"input_tokens": 21, "cache_read_input_tokens": 500, "cache_creation_input_tokens": 60, "output_tokens": 34}


def _message(usage: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "sonnet-4-5",
        "content": [{"type": "text", "text": "Snow."}],
        "stop_reason": "end_turn",
        "usage": usage,
    } | fields


def _start(usage: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"type": "message_start", "message": _message(usage, content=[], stop_reason=None, **fields)}


def _delta(usage: dict[str, Any] | None = None, reason: str | None = "end_turn") -> dict[str, Any]:
    event = {"type": "message_delta", "delta": {"stop_reason": reason}}
    return event if usage is None else event | {"usage": usage}


TEXT = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Snow."}}
STOP = {"type": "message_stop"}


def test_the_prompt_is_input_and_what_was_read_from_and_written_to_the_cache() -> None:
    assert tokens(_message(USAGE), path=PATH) == (581, 34, 500, 60, None)


def test_id_model_tier_and_reason_are_those_of_the_message() -> None:
    reading = read(_message(USAGE | {"service_tier": "priority"}), path=PATH)
    assert (reading.dialect, reading.response_id, reading.model_reported) == ("anthropic", "msg_1", "sonnet-4-5")
    assert (reading.service_tier, reading.finish_reason, reading.choices) == ("priority", "end_turn", 1)


def test_thinking_lies_within_the_output() -> None:
    assert tokens(_message(USAGE | {"output_tokens_details": {"thinking_tokens": 20}}), path=PATH) == (
        581,
        34,
        500,
        60,
        20,
    )


def test_writes_that_live_an_hour_are_told_apart_and_are_never_added() -> None:
    parts = {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 40}
    stated = family_reading(_message(USAGE | {"cache_creation": parts})).stated
    assert stated is not None
    assert (stated.prompt, stated.written, stated.written_1h) == (581, 60, 40)


def test_of_two_counts_of_writes_the_flat_one_is_the_newer() -> None:
    parts = {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 5}
    assert tokens(_message(USAGE | {"cache_creation": parts}), path=PATH)[3] == 60
    without = {name: count for name, count in USAGE.items() if name != "cache_creation_input_tokens"}
    assert tokens(_message(without | {"cache_creation": parts}), path=PATH) == (536, 34, 500, 15, None)


def test_writes_of_zero_beside_lifetimes_that_are_not_are_a_placeholder() -> None:
    parts = {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 5}
    usage = USAGE | {"cache_creation_input_tokens": 0, "cache_creation": parts}
    assert tokens(_message(usage), path=PATH) == (536, 34, 500, 15, None)
    counts = read(_message(usage), path=PATH).tokens
    assert counts is not None
    assert counts.prompt_cache_write_1h_tokens == 5
    nothing = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}
    assert tokens(_message(usage | {"cache_creation": nothing}), path=PATH) == (521, 34, 500, 0, None)
    last = {"input_tokens": 21, "cache_read_input_tokens": 500, "cache_creation_input_tokens": 0, "output_tokens": 34}
    start = _start(USAGE | {"cache_creation_input_tokens": 15, "cache_creation": parts})
    assert tokens(ways(start, TEXT, _delta(last))["transcript"], path=PATH) == (521, 34, 500, 0, None)


@pytest.mark.parametrize("flat", [True, False, "7", -1, 0])
def test_writes_of_a_usage_that_counts_nothing_refuse_nothing(flat: object) -> None:
    usage = {"input_tokens": 2766, "output_tokens": None, "cache_creation_input_tokens": flat}
    usage |= {"cache_creation": {"ephemeral_5m_input_tokens": "7"}}
    assert read(_message(usage), path=PATH).status.value == "unknown"


@pytest.mark.parametrize("way", ways())
def test_early_streams_have_the_usage_of_their_end_within_its_delta(way: str) -> None:
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn", "usage": {"output_tokens": 34}}}
    events = [_start(USAGE | {"output_tokens": 1}), TEXT, end, STOP]
    assert tokens(ways(*events)[way], path=PATH) == (581, 34, 500, 60, None)
    assert read(ways(*events)[way], path=PATH).dialect == "anthropic"


def test_an_end_that_repeats_the_message_states_its_output() -> None:
    events = [_start(USAGE | {"output_tokens": 1}), TEXT, STOP | {"message": _message(USAGE)}]
    assert tokens(ways(*events)["transcript"], path=PATH) == (581, 34, 500, 60, None)
    assert read(ways(*events)["transcript"], path=PATH).dialect == "anthropic"


@pytest.mark.parametrize(("prompt", "whole"), [(3602, 3604), (5000, 5000)])
def test_model_studio_states_the_whole_prompt_before_it_knows_of_its_cache(prompt: int, whole: int) -> None:
    end = {
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 3604,
        "prompt_tokens_details": {"cached_tokens": 3604},
        "output_tokens": 878,
    }
    start = _start({"input_tokens": prompt, "output_tokens": 0})
    stream = ways(start, TEXT, _delta(end))["transcript"]
    assert tokens(stream, path=PATH) == (whole, 878, 3604, 0, None)
    assert read(stream, path=PATH).dialect == "anthropic/cached-within"


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ({}, {"input_tokens": 10}),
        ({}, {"prompt_tokens_details": {"cached_tokens": 99}}),
        ({}, {"prompt_tokens_details": None}),
        ({"cache_read_input_tokens": 40}, {}),
    ],
)
def test_any_other_cache_that_is_stated_at_the_end_lies_outside_of_the_prompt(
    start: dict[str, Any], end: dict[str, Any]
) -> None:
    both = {"cache_read_input_tokens": 40, "prompt_tokens_details": {"cached_tokens": 40}, "output_tokens": 8}
    stream = ways(_start({"input_tokens": 10, "output_tokens": 1} | start), TEXT, _delta(both | end))["transcript"]
    assert tokens(stream, path=PATH) == (50, 8, 40, None, None)
    assert read(stream, path=PATH).dialect == "anthropic"


@pytest.mark.parametrize("way", ways())
def test_a_stream_overlays_the_start_by_the_delta_and_adds_nothing(way: str) -> None:
    events = [_start(USAGE | {"output_tokens": 3}), TEXT, _delta({"output_tokens": 34}), STOP]
    assert tokens(ways(*events)[way], path=PATH) == (581, 34, 500, 60, None)
    assert read(ways(*events)[way], path=PATH).finish_reason == "end_turn"


def test_a_field_that_is_null_or_absent_in_the_delta_leaves_that_of_the_start() -> None:
    last = {"input_tokens": None, "cache_read_input_tokens": None, "output_tokens": 34}
    assert tokens(ways(_start(USAGE), TEXT, _delta(last))["transcript"], path=PATH) == (581, 34, 500, 60, None)


def test_the_input_may_grow_and_the_cache_may_be_newer_in_the_delta() -> None:
    last = {"input_tokens": 900, "cache_read_input_tokens": 640, "cache_creation_input_tokens": 0, "output_tokens": 77}
    assert tokens(ways(_start(USAGE), TEXT, _delta(last))["transcript"], path=PATH) == (1540, 77, 640, 0, None)


def test_running_totals_in_several_deltas_are_not_added() -> None:
    events = [
        _start(USAGE),
        _delta({"output_tokens": 10}, None),
        _delta({"output_tokens": 25}, None),
        _delta({"output_tokens": 34}),
    ]
    assert tokens(ways(*events)["transcript"], path=PATH)[1] == 34


def test_a_prompt_of_zeros_in_the_delta_is_a_placeholder_that_loses_to_the_start() -> None:
    for zeros in ({"input_tokens": 0}, {"input_tokens": 0, "cache_read_input_tokens": 0}):
        last = zeros | {"output_tokens": 77}
        assert tokens(ways(_start(USAGE), TEXT, _delta(last))["transcript"], path=PATH) == (581, 77, 500, 60, None)
    moved = {"input_tokens": 0, "cache_read_input_tokens": 581, "cache_creation_input_tokens": 0, "output_tokens": 77}
    assert tokens(ways(_start(USAGE), TEXT, _delta(moved))["transcript"], path=PATH) == (581, 77, 581, 0, None)
    first = _start({"input_tokens": 0, "output_tokens": 0})
    assert tokens(ways(first, TEXT, _delta(USAGE))["transcript"], path=PATH) == (581, 34, 500, 60, None)


def test_chats_usage_in_a_message_is_read_as_chats() -> None:
    usage = {"prompt_tokens": 581, "completion_tokens": 34, "total_tokens": 615}
    usage |= {"prompt_tokens_details": {"cached_tokens": 500, "cache_write_tokens": 60}}
    for stated in (usage, dict.fromkeys(USAGE, 0) | usage):
        assert tokens(_message(stated), path=PATH) == (581, 34, 500, 60, None)
    events = [_start({"input_tokens": 9, "output_tokens": 1}), TEXT, _delta(usage), STOP]
    for body in ways(*events).values():
        assert tokens(body, path=PATH) == (581, 34, 500, 60, None)
        assert read(body, path=PATH).dialect == "anthropic"
    assert tokens(_message(USAGE | {"prompt_tokens": 7, "completion_tokens": 7}), path=PATH)[:2] == (581, 34)


@pytest.mark.parametrize("way", ways())
def test_a_stream_that_was_cut_behind_its_start_is_measured_and_says_that_its_output_had_only_begun(way: str) -> None:
    start = _start(USAGE | {"output_tokens": 3})
    for end in ([], [_delta()], [_delta(), STOP]):
        body = ways(start, TEXT, TEXT, *end)[way]
        assert tokens(body, path=PATH) == (581, 3, 500, 60, None)
        assert read(body, path=PATH).dialect == "anthropic/output-begun"
    begins, fails = (
        {"type": "content_block_start", "index": 0},
        {"type": "error", "error": {"type": "overloaded_error"}},
    )
    for rest in ([], [STOP], [{"type": "ping"}], [begins], [fails]):
        body = ways(start, *rest)[way]
        assert tokens(body, path=PATH) == (581, 3, 500, 60, None)
        assert read(body, path=PATH).dialect == "anthropic/output-begun"
    for body in (ways(start, TEXT, _delta({"output_tokens": 3}))[way], _message(USAGE)):
        assert read(body, path=PATH).dialect == "anthropic"


def test_fast_mode_is_a_tier_for_it_has_prices_of_its_own() -> None:
    for usage, tier in [
        (USAGE | {"speed": "fast"}, "fast"),
        (USAGE | {"speed": "fast", "service_tier": "standard"}, "fast"),
        (USAGE | {"speed": "fast", "inference_geo": "us"}, "fast"),
        (USAGE | {"speed": "fast", "service_tier": "priority"}, "priority"),
        (USAGE | {"speed": "standard", "service_tier": "standard"}, "standard"),
        (USAGE | {"speed": None, "service_tier": "batch"}, "batch"),
    ]:
        assert read(_message(usage), path=PATH).service_tier == tier
        assert read(ways(_start(usage), TEXT, _delta(USAGE))["transcript"], path=PATH).service_tier == tier


def test_an_answer_that_was_made_in_the_usa_alone_is_a_tier_for_it_has_prices_of_its_own() -> None:
    for usage, tier in [
        (USAGE | {"inference_geo": "us"}, "us"),
        (USAGE | {"inference_geo": "us", "service_tier": "standard"}, "us"),
        (USAGE | {"inference_geo": "us", "service_tier": "batch"}, "batch"),
        *(
            (USAGE | {"inference_geo": geo, "service_tier": "standard"}, "standard")
            for geo in ("global", "not_available")
        ),
    ]:
        assert read(_message(usage), path=PATH).service_tier == tier
        assert read(ways(_start(usage), TEXT, _delta(USAGE))["transcript"], path=PATH).service_tier == tier


def test_two_starts_of_one_id_are_one_answer() -> None:
    rest = [TEXT, _delta({"output_tokens": 34}), STOP]
    body = ways(_start(USAGE | {"input_tokens": 5}), *rest, _start(USAGE), *rest)["transcript"]
    assert tokens(body, path=PATH)[:2] == (581, 34)


def test_of_starts_with_two_ids_no_usage_is_believed_and_nothing_estimated() -> None:
    rest = [TEXT, _delta({"output_tokens": 34}), STOP]
    spliced = ways(_start(USAGE), *rest, _start(USAGE, id="msg_2"), *rest)["transcript"]
    reading = read(spliced, path=PATH)
    assert (reading.status.value, reading.dialect, reading.tokens) == ("unknown", "anthropic", None)


def test_a_compaction_is_billed_on_top() -> None:
    iterations = [
        {"type": "compaction", "input_tokens": 9000, "output_tokens": 400, "cache_read_input_tokens": 100},
        {"type": "message"} | USAGE,
    ]
    body = _message(USAGE | {"iterations": iterations})
    assert tokens(body, path=PATH) == (9681, 434, 600, 60, None)
    assert read(body, path=PATH).dialect == "anthropic/compaction"


ADVISED = [
    {"type": "message"} | USAGE,
    {"type": "advisor_message", "model": "opus-4-5", "input_tokens": 800, "output_tokens": 90},
    {"type": "advisor_message", "model": "opus-4-5", "input_tokens": 900, "output_tokens": 7},
]


def _in_both_forms(iterations: list[dict[str, Any]]) -> tuple[Any, ...]:
    stream = ways(_start(USAGE), TEXT, _delta({"output_tokens": 34, "iterations": iterations}), STOP)["transcript"]
    return _message(USAGE | {"iterations": iterations}), stream


def test_an_advisor_of_another_model_is_not_mixed_with_the_answer_and_is_measured_apart() -> None:
    for body in _in_both_forms(ADVISED):
        assert tokens(body, path=PATH)[:2] == (581, 34)
        whole = read(body, path=PATH)
        assert whole.other_usage is None
        assert [(part.model_reported, part.status.value, part.part) for part in whole.parts] == [
            ("opus-4-5", "measured", "iteration 1"),
            ("opus-4-5", "measured", "iteration 2"),
        ]
        assert [part.tokens and (part.tokens.prompt_tokens, part.tokens.completion_tokens) for part in whole.parts] == [
            (800, 90),
            (900, 7),
        ]


def test_an_answer_with_advice_is_an_event_for_each_of_its_models_and_a_copy_of_it_the_same_ones(
    collect: Any, exchange: Any
) -> None:
    plain, stream = (collect(exchange(path=PATH, response=body)) for body in _in_both_forms(ADVISED))
    assert [(event["model_reported"], event["prompt_tokens"]) for event in plain.events] == [
        ("sonnet-4-5", 581),
        ("opus-4-5", 800),
        ("opus-4-5", 900),
    ]
    identities = [event["event_id"] for event in plain.events]
    assert len(set(identities)) == 3
    assert identities == [event["event_id"] for event in stream.events]
    assert len({(event["response_id"], event["line"], event["byte_start"]) for event in plain.events}) == 1
    (record,) = plain.records
    assert (record.lines, record.further, record.events) == (1, 2, {"measured": 3})
    assert record.is_balanced


@pytest.mark.parametrize("fields", [{"id": None}, {"id": None, "request_id": ...}])
def test_parts_of_an_answer_without_ids_are_told_apart(collect: Any, exchange: Any, fields: dict[str, Any]) -> None:
    body = _message(USAGE | {"iterations": ADVISED}) | {"id": fields.pop("id")}
    events = collect(exchange(path=PATH, response=body, **fields)).events
    assert len({event["event_id"] for event in events}) == 3


def test_advice_that_contradicts_itself_is_quarantined_with_its_line(collect: Any, exchange: Any) -> None:
    iterations = [ADVISED[0], ADVISED[1] | {"input_tokens": "many"}]
    body = _message(USAGE | {"iterations": iterations})
    assert collect(exchange(path=PATH, response=body)).refusal[0] == "invalid_usage"


def test_whoever_declined_before_a_fallback_is_an_event_that_is_not_billed() -> None:
    iterations = [
        {"type": "message", "model": "opus-4-5", "input_tokens": 570, "output_tokens": 0},
        {"type": "fallback_message", "model": "haiku-4-5"} | USAGE,
    ]
    for body in _in_both_forms(iterations):
        whole = read(body, path=PATH)
        assert (whole.model_reported, whole.status.value) == ("haiku-4-5", "measured")
        (declined,) = whole.parts
        assert (declined.model_reported, declined.status.value, declined.tokens) == ("opus-4-5", "not_metered", None)
        assert declined.other_usage == '{"prompt_tokens":570}'


def test_a_fallback_is_rated_by_the_model_that_answered() -> None:
    iterations = [{"type": "fallback_message", "model": "haiku-4-5"} | USAGE]
    for body in (
        _message(USAGE | {"iterations": iterations}),
        ways(_start(USAGE), TEXT, _delta({"output_tokens": 34, "iterations": iterations}))["transcript"],
    ):
        assert read(body, path=PATH).model_reported == "haiku-4-5"
        assert tokens(body, path=PATH)[:2] == (581, 34)


def test_searches_are_kept_by_name() -> None:
    body = _message(USAGE | {"server_tool_use": {"web_search_requests": 3}})
    assert read(body, path=PATH).other_usage == '{"web_searches":3}'


@pytest.mark.parametrize("way", invoke_ways())
def test_in_a_stream_of_aws_the_message_counts_before_the_metrics(way: str) -> None:
    metrics = {"inputTokenCount": 581, "outputTokenCount": 30}
    stop = STOP | {"amazon-bedrock-invocationMetrics": metrics}
    body = invoke_ways(_start(USAGE | {"output_tokens": 1}), TEXT, _delta({"output_tokens": 34}), stop)[way]
    line = {"path": "/model/anthropic.haiku-3-20240307-v1%3A0/invoke-with-response-stream"}
    assert tokens(body, **line) == (581, 34, 500, 60, None)


@pytest.mark.parametrize("path", ["/v1/projects/p/publishers/anthropic/models/sonnet-4@2:rawPredict", "/ai/ask", None])
def test_it_is_read_on_every_route(path: str | None) -> None:
    assert tokens(_message(USAGE), path=path)[:2] == (581, 34)
    events = [_start(USAGE), TEXT, _delta({"output_tokens": 34})]
    assert tokens(ways(*events)["transcript"], path=path)[:2] == (581, 34)


def test_an_error_in_a_stream_fails_it_only_where_no_usage_was_stated() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
    assert read(ways(error)["lines"] + "\n" + ways(STOP)["lines"], path=PATH).status.value == "failed"
    assert tokens(ways(_start(USAGE), TEXT, error)["transcript"], path=PATH)[:2] == (581, 34)


def test_a_start_without_output_tokens_states_no_usage() -> None:
    half = {"input_tokens": 21, "output_tokens": None}
    reading = read(ways(_start(half), TEXT, TEXT)["transcript"], path=PATH)
    assert (reading.status.value, reading.content_chunks) == ("estimated", 2)


@pytest.mark.parametrize("http_status", [408, 499, 500, 529])
def test_stated_usage_counts_under_any_status(http_status: int) -> None:
    assert tokens(_message(USAGE), path=PATH, status=http_status)[:2] == (581, 34)


def test_zeros_beside_an_answer_are_no_measurement() -> None:
    assert read(_message({"input_tokens": 0, "output_tokens": 0}), path=PATH).status.value == "unknown"


def test_an_old_completion_states_nothing_and_is_unknown() -> None:
    body = {
        "type": "completion",
        "id": "compl_1",
        "completion": " Snow.",
        "stop_reason": "stop_sequence",
        "model": "instant-1.2",
    }
    assert read(body, path="/v1/complete").status.value == "unknown"


def test_counting_tokens_is_not_metered() -> None:
    for path in ("/v1/messages/count_tokens", None, "/ai/how-long"):
        assert read({"input_tokens": 2095}, path=path).status.value == "not_metered"
