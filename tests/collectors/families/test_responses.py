"""OpenAI's Responses: JSON, streams, background, compaction."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from both_readers import by_kernel, read_plainly
from fuzzing import found_rows
from native_bodies import SPOKEN, turn
from readings import family_reading, read, sse, tokens, ways

from pipeline.collectors.kernel import readers
from pipeline.collectors.kernel.rules import table
from pipeline.collectors.values.refusal import LineRefused
from pipeline.usage import QuarantineReason

PATH = "/v1/responses"
USAGE = {
    "input_tokens": 120,
    "input_tokens_details": {"cached_tokens": 70, "cache_write_tokens": 30},
    "output_tokens": 45,
    "output_tokens_details": {"reasoning_tokens": 12},
    "total_tokens": 165,
}
MESSAGE = {"type": "message", "id": "msg_not_it", "content": [{"type": "output_text", "text": "Rain."}]}


def _response(**fields: Any) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "model": "gpt-5-mini",
        "service_tier": "flex",
        "output": [MESSAGE],
        "usage": USAGE,
    } | fields


def _stream(last: str = "response.completed", **fields: Any) -> list[dict[str, Any]]:
    begun = _response(status="in_progress", usage=None, output=[])
    return [
        {"type": "response.created", "sequence_number": 0, "response": begun},
        {"type": "response.in_progress", "sequence_number": 1, "response": begun},
        {"type": "response.output_text.delta", "sequence_number": 2, "item_id": "msg_not_it", "delta": "Rain."},
        {"type": last, "sequence_number": 3, "response": _response(**fields)},
    ]


def test_cached_and_written_are_within_the_input_and_reasoning_within_the_output() -> None:
    assert tokens(_response(), path=PATH) == (120, 45, 70, 30, 12)


def test_what_is_written_for_twelve_hours_is_of_the_writes_and_kept_by_name() -> None:
    lifetimes = {"ttl_30m_tokens": 10, "ttl_12h_tokens": 20}
    details = USAGE["input_tokens_details"] | {"cache_write_tokens_details": lifetimes}
    response = _response(usage=USAGE | {"input_tokens_details": details})
    assert tokens(response, path=PATH) == (120, 45, 70, 30, 12)
    assert read(response, path=PATH).other_usage == '{"cache_write_12h_tokens":20}'
    nothing = details | {"cache_write_tokens_details": {"ttl_30m_tokens": 30, "ttl_12h_tokens": 0}}
    assert read(_response(usage=USAGE | {"input_tokens_details": nothing}), path=PATH).other_usage is None


@pytest.mark.parametrize("beside", [{}, {"cached_tokens": 70}, {"cached_tokens": 0}])
def test_what_perplexity_cached_goes_by_anthropic_s_name_as_well(beside: dict[str, int]) -> None:
    details = {"cache_read_input_tokens": 70, "cache_creation_input_tokens": 30}
    usage = USAGE | {"input_tokens_details": details | beside}
    assert tokens(_response(usage=usage), path=PATH) == (120, 45, 70, 30, 12)


def _reasoned(output: int, reasoning: int, total: int | None) -> dict[str, Any]:
    details = {"reasoning_tokens": reasoning}
    return {"input_tokens": 32, "output_tokens": output, "output_tokens_details": details, "total_tokens": total}


def test_the_total_tells_whether_the_output_holds_the_reasoning() -> None:
    for usage, counts, convention in (
        (_reasoned(9, 94, 135), (32, 103, None, None, 94), "/reasoning-apart"),
        (_reasoned(94, 94, 220), (32, 188, None, None, 94), "/reasoning-apart"),
        (_reasoned(103, 94, 135), (32, 103, None, None, 94), ""),
        (_reasoned(50, 64, 82), (32, 50, None, None, None), "/reasoning-unknown"),
        (_reasoned(50, 0, 82), (32, 50, None, None, 0), ""),
        (_reasoned(50, 20, None), (32, 50, None, None, 20), ""),
    ):
        body = _response(usage=usage)
        assert tokens(body, path=PATH) == counts
        assert read(body, path=PATH).dialect == f"openai-responses{convention}"
    for usage in (_reasoned(9, 94, 136), _reasoned(9, 94, None)):
        with pytest.raises(LineRefused):
            read(_response(usage=usage), path=PATH)


def _counted(**more: Any) -> dict[str, Any]:
    return {"input_tokens": 120, "output_tokens": 45, "total_tokens": 165} | more


@pytest.mark.parametrize(
    "usage",
    [
        _counted(cached_tokens=70, cache_write_tokens=30),
        _counted(cache_read_tokens=70, cache_creation_tokens=30),
        _counted(cache_read_input_tokens=70, cache_creation_input_tokens=30),
        _counted(prompt_cache_hit_tokens=70, prompt_cache_write_tokens=30),
        _counted(input_tokens_details={"cache_read_tokens": 70, "write_cached_tokens": 30}),
        _counted(input_tokens_details={"cached_tokens": 0}, cached_tokens=70, cache_write_tokens=30),
        _counted(prompt_tokens_details={"cached_tokens": 70, "cached_creation_tokens": 30}),
    ],
)
def test_what_gateways_say_of_a_cache_where_chat_or_anthropic_has_it_lies_within_the_input(
    usage: dict[str, Any],
) -> None:
    assert tokens(_response(usage=usage), path=PATH) == (120, 45, 70, 30, None)
    assert read(_response(usage=usage), path=PATH).dialect == "openai-responses"


def test_anthropic_s_own_usage_object_in_a_response_leaves_the_cache_out_of_the_input() -> None:
    usage = {"input_tokens": 20, "cache_read_input_tokens": 70, "cache_creation_input_tokens": 30, "output_tokens": 45}
    assert tokens(_response(usage=usage), path=PATH) == (120, 45, 70, 30, None)
    assert read(_response(usage=usage), path=PATH).dialect == "openai-responses/cached-apart"
    assert tokens(_response(usage=usage | {"total_tokens": 165}), path=PATH) == (120, 45, 70, 30, None)
    with pytest.raises(LineRefused):
        read(_response(usage=usage | {"total_tokens": 65}), path=PATH)


CHATS = {
    "prompt_tokens": 120,
    "completion_tokens": 45,
    "total_tokens": 165,
    "prompt_tokens_details": {
        "cached_tokens": 70,
        "cache_creation_tokens": 30,
        "cache_creation_token_details": {"ephemeral_1h_input_tokens": 20},
        "audio_tokens": None,
    },
    "completion_tokens_details": {"reasoning_tokens": 12, "audio_tokens": None},
}
"""The usage of a response as LiteLLM's callbacks get it."""


@pytest.mark.parametrize("beside", [{}, {"input_tokens": 120, "output_tokens": 45}, {"input_tokens": 0}])
def test_parts_count_where_a_gateway_put_chats_usage_object_into_a_response(beside: dict[str, int]) -> None:
    body = _response(usage=CHATS | beside, tool_usage={"web_search": {"num_requests": 2}})
    assert tokens(body, path=PATH) == (120, 45, 70, 30, 12)
    reading = read(body, path=PATH)
    assert (reading.dialect, reading.other_usage) == ("openai-responses", '{"web_searches":2}')
    assert reading.tokens is not None
    assert reading.tokens.prompt_cache_write_1h_tokens == 20


def test_the_prompt_by_chats_name_is_that_of_a_response_with_parts_of_its_own() -> None:
    names = {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens"}
    assert tokens(_response(usage={names.get(name, name): of for name, of in USAGE.items()})) == (120, 45, 70, 30, 12)


@pytest.mark.parametrize(
    ("total", "expected"), [(265, ((220, 45, 70, 30, 12), "openai-responses/cached-apart")), (165, None)]
)
def test_what_was_cached_lies_beside_the_input_where_the_total_counts_it(
    total: int, expected: tuple[object, str] | None
) -> None:
    body = _response(usage=USAGE | {"total_tokens": total})
    stated = (tokens(body, path=PATH), read(body, path=PATH).dialect)
    assert stated == (expected or ((120, 45, 70, 30, 12), "openai-responses"))


def test_id_model_tier_and_status_are_those_of_the_response() -> None:
    reading = read(_response(), path=PATH)
    assert (reading.dialect, reading.response_id, reading.model_reported) == (
        "openai-responses",
        "resp_1",
        "gpt-5-mini",
    )
    assert (reading.service_tier, reading.finish_reason, reading.choices, reading.is_stream) == (
        "flex",
        "completed",
        1,
        False,
    )


@pytest.mark.parametrize("way", ways())
def test_a_stream_states_its_usage_in_the_final_event(way: str) -> None:
    body = ways(*_stream())[way]
    assert tokens(body, path=PATH) == (120, 45, 70, 30, 12)
    reading = read(body, path=PATH)
    assert (reading.response_id, reading.is_stream, reading.finish_reason) == ("resp_1", True, "completed")


def test_zeros_of_a_later_event_take_nothing_back() -> None:
    zeros = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
    again = {"type": "response.done", "response": _response(usage=zeros)}
    for body in ways(*_stream(), again).values():
        assert tokens(body, path=PATH) == (120, 45, 70, 30, 12)


def test_usage_by_the_names_of_vercels_sdk_is_chats() -> None:
    usage = {"inputTokens": 120, "outputTokens": 45, "cachedInputTokens": 70, "reasoningTokens": 12}
    assert tokens(_response(usage=usage), path=PATH) == (120, 45, 70, None, 12)


def test_an_incomplete_answer_is_measured_and_tells_its_reason() -> None:
    incomplete = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    for body in (_response(**incomplete), ways(*_stream("response.incomplete", **incomplete))["transcript"]):
        reading = read(body, path=PATH)
        assert (reading.status.value, reading.finish_reason) == ("measured", "max_output_tokens")


def test_an_output_of_zero_is_zero() -> None:
    usage = {"input_tokens": 9, "output_tokens": 0, "total_tokens": 9}
    assert tokens(_response(usage=usage, output=[]), path=PATH)[:2] == (9, 0)


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_a_background_response_is_unknown_until_it_is_asked_for(status: str) -> None:
    queued = read(_response(status=status, usage=None, output=[]), path=PATH)
    polled = read(_response(), path=f"{PATH}/resp_1", method="GET")
    assert (queued.status.value, polled.status.value) == ("unknown", "measured")
    assert queued.response_id == polled.response_id == "resp_1"


def test_a_background_response_and_every_answer_to_asking_for_it_are_one_exchange(collect: Any) -> None:
    line = {"ts": "2026-09-01T12:00:00Z", "api_key_id": "key_1", "status": 200}
    queued = line | {"method": "POST", "path": PATH, "response": _response(status="queued", usage=None, output=[])}
    polled = [
        line | {"method": "GET", "path": f"{PATH}/resp_1", "request_id": f"req-{at}", "response": _response()}
        for at in range(2)
    ]
    events = collect(queued, *polled).events
    assert [event["status"] for event in events] == ["unknown", "measured", "measured"]
    assert len({event["event_id"] for event in events}) == 1


def test_a_stream_that_is_gone_on_with_is_the_response_that_it_is_of_though_it_was_cut_again() -> None:
    line = {"path": "/v1/responses/resp_1?stream=true&starting_after=42", "method": "GET"}
    cut = read(sse({"type": "response.output_text.delta", "sequence_number": 43, "delta": "Rain."}), **line)
    assert (cut.status.value, cut.response_id) == ("estimated", "resp_1")
    whole = read(sse(*_stream()[2:]), **line)
    assert (whole.status.value, whole.response_id) == ("measured", "resp_1")
    named = read(sse(*_stream(id="resp_2")[2:]), **line)
    assert named.response_id == "resp_2"
    assert read(sse({"type": "response.output_text.delta", "delta": "Rain."}), path=PATH).response_id is None
    assert read({"object": "response", "status": "queued"}, **line).response_id is None


@pytest.mark.parametrize(
    ("method", "path", "response"),
    [
        ("DELETE", f"{PATH}/resp_1", {"id": "resp_1", "object": "response", "deleted": True}),
        ("GET", f"{PATH}/resp_1/input_items", {"object": "list", "data": [MESSAGE]}),
        ("POST", f"{PATH}/input_tokens", {"object": "response.input_tokens", "input_tokens": 11}),
        ("POST", f"{PATH}/resp_1/cancel", _response(status="cancelled", usage=None, output=[])),
    ],
)
def test_what_is_done_to_a_response_is_not_metered(method: str, path: str, response: dict[str, Any]) -> None:
    assert read(response, method=method, path=path).status.value == "not_metered"


def test_a_failed_response_is_failed_unless_it_states_usage() -> None:
    broken = {"status": "failed", "error": {"code": "server_error"}}
    assert read(_response(usage=None, output=[], **broken), path=PATH).status.value == "failed"
    assert read(_response(**broken), path=PATH).status.value == "measured"
    stream = _stream("response.failed", usage=None, **broken)
    assert read(ways(*stream)["transcript"], path=PATH).status.value == "failed"


def test_an_event_called_error_fails_the_stream() -> None:
    error = {"type": "error", "sequence_number": 0, "code": "rate_limit_exceeded", "message": "slow down"}
    assert read(ways(error)["transcript"], path=PATH).status.value == "failed"
    assert read(ways(error)["array"], path=PATH).status.value == "failed"
    assert read(ways(*_stream()[:2], error)["transcript"], path=PATH).status.value == "failed"
    assert read(ways(*_stream(), error)["transcript"], path=PATH).status.value == "measured"


def test_a_stream_that_was_cut_is_estimated_from_what_it_generated() -> None:
    call = {"type": "response.function_call_arguments.delta", "delta": '{"city"'}
    thought = {"type": "response.reasoning_summary_text.delta", "delta": "First"}
    reading = read(ways(*_stream()[:3], call, thought)["transcript"], path=PATH)
    assert (reading.status.value, reading.content_chunks) == ("estimated", 3)
    assert reading.tokens is not None
    assert (reading.tokens.prompt_tokens, reading.tokens.completion_tokens) == (None, 3)


def test_a_compaction_is_measured_and_its_model_is_the_requested_one() -> None:
    compaction = {"id": "resp_2", "object": "response.compaction", "output": [], "usage": USAGE}
    line = {"path": f"{PATH}/compact", "request": {"model": "gpt-5-codex"}}
    reading = read(compaction, **line)
    assert tokens(compaction, **line) == (120, 45, 70, 30, 12)
    assert (reading.response_id, reading.model_reported) == ("resp_2", None)


def test_zeros_beside_an_answer_are_no_measurement() -> None:
    zeros = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
    assert read(_response(usage=zeros), path=PATH).status.value == "unknown"


@pytest.mark.parametrize("http_status", [408, 499, 500, 504])
def test_stated_usage_counts_under_any_status(http_status: int) -> None:
    assert tokens(ways(*_stream())["transcript"], path=PATH, status=http_status)[:2] == (120, 45)


@pytest.mark.parametrize("path", ["/ai/ask", "/gateway/team-7/answer", None])
def test_it_is_known_by_its_body_where_no_path_tells(path: str | None) -> None:
    assert tokens(_response(), path=path)[:2] == (120, 45)
    assert tokens(ways(*_stream())["transcript"], path=path)[:2] == (120, 45)


def test_a_total_that_is_not_its_sum_is_refused_with_the_numbers() -> None:
    with pytest.raises(LineRefused) as refused:
        read(_response(usage=USAGE | {"total_tokens": 200}), path=PATH)
    assert refused.value.reason is QuarantineReason.CONTRADICTORY_USAGE
    assert refused.value.detail == "the stated total 200 is not 120 of the prompt + 45 of the completion"


def test_audio_and_tools_of_the_provider_are_kept_apart() -> None:
    usage = USAGE | {"num_sources_used": 4, "input_tokens_details": {"cached_tokens": 0, "audio_tokens": 33}}
    stated = family_reading(_response(usage=usage)).stated
    assert stated is not None
    assert (stated.prompt_audio, dict(stated.others)) == (33, {"searches": 4})


def test_what_tools_consumed_of_other_models_is_kept_by_name() -> None:
    images = {"input_tokens": 171, "input_tokens_details": {"text_tokens": 171}, "output_tokens": 1756}
    images |= {"total_tokens": 1927, "cached_tokens": 64}
    tools = {"image_gen": images, "web_search": {"num_requests": 2}}
    for body in (_response(tool_usage=tools), ways(*_stream(tool_usage=tools))["transcript"]):
        reading = read(body, path=PATH)
        assert tokens(body, path=PATH) == (120, 45, 70, 30, 12)
        named = {"image_prompt_tokens": 171, "image_cached_tokens": 64, "image_completion_tokens": 1756}
        assert json.loads(reading.other_usage or "") == named | {"web_searches": 2}
    nothing = {"image_gen": {"input_tokens": 0, "output_tokens": 0}, "web_search": {"num_requests": 0}}
    assert read(_response(tool_usage=nothing), path=PATH).other_usage is None


def _drawn(prompt: int, completion: int) -> dict[str, Any]:
    usage = {"model": "m-2", "input_tokens": prompt, "output_tokens": completion, "reasoning_tokens": 1}
    return {"type": "image_generation_call", "svg_usage": usage | {"total_tokens": prompt + completion}}


@pytest.mark.parametrize("usage", [USAGE, CHATS], ids=["its own", "chat's"])
def test_what_a_model_consumed_that_wrote_images_as_svg_is_kept_by_name(usage: dict[str, Any]) -> None:
    output = [_drawn(200, 310), {"type": "image_generation_call", "svg_usage": None}, _drawn(11, 3), "text"]
    whole = _response(usage=usage, output=output)
    for body in (whole, ways(*_stream(usage=usage, output=output))["transcript"]):
        assert tokens(body, path=PATH) == tokens(_response(usage=usage), path=PATH)
        assert read(body, path=PATH).other_usage == '{"svg_completion_tokens":313,"svg_prompt_tokens":211}'


def test_what_tools_of_perplexity_did_is_kept_by_name_and_what_models_of_theirs_consumed() -> None:
    consumed = {"model": "m-2", "input_tokens": 55, "output_tokens": 6}
    called = {
        "search_web": {"invocation": 3, "cost_usd": 0.015},
        "web_search": {"invocation": 2},
        "fetch_url": {"invocation": 4, "token_usage": [consumed, "text", {"input_tokens": 5}]},
        "people_search": {"invocation": 5},
        "finance_search": {"invocation": 6},
        "sandbox": {"invocation": 1, "token_usage": [consumed]},
        "another": {"invocation": 9},
    }
    reading = read(_response(usage=USAGE | {"tool_calls_details": called}), path=PATH)
    assert json.loads(reading.other_usage or "") == {
        "web_searches": 5,
        "web_fetches": 4,
        "people_searches": 5,
        "finance_searches": 6,
        "code_runs": 1,
        "tool_prompt_tokens": 115,
        "tool_completion_tokens": 12,
    }
    assert tokens(_response(usage=USAGE | {"tool_calls_details": called}), path=PATH) == (120, 45, 70, 30, 12)


@pytest.mark.parametrize("at", [0, 3, 4])
def test_what_an_event_says_of_its_own_state_is_no_finish_of_the_response(at: int) -> None:
    events = _stream()
    events.insert(at, {"type": "response.output_text.done", "status": "in_progress", "item_id": "msg_not_it"})
    assert read(events, path=PATH).finish_reason == "completed"


REALTIME = "/v1/realtime"


@pytest.mark.parametrize(
    "line", [{"path": None}, {"path": REALTIME}, {"path": REALTIME, "method": "GET", "status": 101}]
)
def test_a_turn_that_was_spoken_has_its_audio_and_what_of_each_was_cached(line: dict[str, Any]) -> None:
    reading = read(turn(1), **line)
    assert (reading.status.value, reading.response_id) == ("measured", "resp_1")
    assert tokens(turn(1), **line)[:3] == (1000, 121, 400)
    assert reading.tokens is not None
    assert (reading.tokens.prompt_audio_tokens, reading.tokens.completion_audio_tokens) == (200, 91)


@pytest.mark.parametrize("way", ways())
def test_every_turn_of_a_session_is_an_event_of_its_own_and_what_was_transcribed_is_none(way: str) -> None:
    session = {"type": "session.created", "session": {"model": "gpt-realtime"}}
    turns = [turn(1), SPOKEN, turn(2, input_tokens=2000, total_tokens=2121), SPOKEN]
    reading = read(ways(session, *turns)[way], path=REALTIME)
    found = [(each.status.value, each.response_id, each.tokens) for each in (reading, *reading.parts)]
    assert [each[:2] for each in found] == [("measured", "resp_1"), ("measured", "resp_2")]
    assert [tokens and (tokens.prompt_tokens, tokens.completion_tokens) for *_, tokens in found] == [
        (1000, 121),
        (2000, 121),
    ]
    assert {each.model_reported for each in (reading, *reading.parts)} == {"gpt-realtime"}
    kept = '{"transcribed_completion_tokens":4,"transcribed_prompt_tokens":9}'
    assert [each.other_usage for each in (reading, *reading.parts)] == [kept, None]


def test_a_turn_that_is_logged_alone_and_in_its_session_is_the_same_event(collect: Any, exchange: Any) -> None:
    session = exchange(response=[turn(1), turn(2)])
    ids = [event["event_id"] for event in collect(session).events]
    assert ids == [collect(exchange(response=turn(number))).event["event_id"] for number in (1, 2)]
    assert len(set(ids)) == 2


def test_an_answer_that_is_stated_again_is_one_and_turns_without_ids_are_told_apart() -> None:
    assert read([turn(1), turn(1, input_tokens=1200, total_tokens=1321)], path=REALTIME).parts == ()
    assert tokens([turn(1), turn(1, input_tokens=1200, total_tokens=1321)], path=REALTIME)[0] == 1200
    nameless = [turn(1), turn(2)]
    for each in nameless:
        del each["response"]["id"]
    reading = read(nameless, path=REALTIME)
    assert [each.part for each in (reading, *reading.parts)] == [None, "turn 1"]


def test_speech_that_was_transcribed_in_a_session_is_not_metered_and_kept_by_name() -> None:
    reading = read(SPOKEN, path=None)
    assert (reading.status.value, reading.other_usage) == ("not_metered", '{"completion_tokens":4,"prompt_tokens":9}')


def test_what_was_transcribed_in_a_session_is_added_up_of_each_item_once() -> None:
    other = SPOKEN | {"item_id": "item_2"}
    both = '{"transcribed_completion_tokens":8,"transcribed_prompt_tokens":18}'
    assert read([SPOKEN, other, SPOKEN, turn(1)], path=REALTIME).other_usage == both
    assert read([SPOKEN, other, SPOKEN], path=None).other_usage == '{"completion_tokens":8,"prompt_tokens":18}'
    nameless = [SPOKEN | {"item_id": None}, SPOKEN | {"item_id": None}]
    assert read(nameless, path=None).other_usage == '{"completion_tokens":8,"prompt_tokens":18}'
    by_the_second = SPOKEN | {"usage": {"type": "duration", "seconds": 12}}
    assert read([by_the_second, turn(1)], path=REALTIME).other_usage == '{"transcribed_seconds":12}'
    nothing = turn(1) | {"response": {"object": "realtime.response", "id": "resp_1", "status": "failed"}}
    reading = read([SPOKEN, nothing], path=REALTIME)
    assert (reading.status.value, reading.other_usage is None) == ("failed", False)


def _delegated(kind: str, response: dict[str, Any]) -> dict[str, Any]:
    event = {"type": kind, "sequence_number": 1, "response": response}
    return {"type": "response.event", "event_id": "event_not_it", "delegation_id": "d-1", "event": event}


DECISION = {"answers": [{"type": "predicate", "probability": 0.9}], "model": "gpt-6-luna", "usage": USAGE}
DECIDED = {
    "type": "decision.event",
    "event_id": "event_not_it",
    "event": {"type": "decision.completed", "decision": DECISION},
}
LIVE = {"path": "/v1/live?model=gpt-live-1", "method": "GET", "status": 101}


@pytest.mark.parametrize("way", ways())
def test_what_a_live_session_leaves_to_other_models_are_events_and_its_seconds_are_kept(way: str) -> None:
    session = [
        {"type": "session.started", "session": {"id": "s-1", "model": "gpt-live-1"}},
        _delegated("response.created", _response(status="in_progress", usage=None, output=[])),
        _delegated("response.completed", _response(output=[])),
        {"type": "session.usage.updated", "usage": {"seconds": 30}},
        DECIDED,
        _delegated("response.completed", _response(id="resp_2", output=[])),
        DECIDED,
        {"type": "session.closed", "session": {"model": "gpt-live-1"}, "usage": {"seconds": 65.0, "paused_seconds": 5}},
    ]
    reading = read(ways(*session)[way], **LIVE)
    found = [reading, *reading.parts]
    assert [(each.response_id, each.model_reported, each.service_tier) for each in found] == [
        ("resp_1", "gpt-5-mini", "flex"),
        (None, "gpt-6-luna", "decisions"),
        ("resp_2", "gpt-5-mini", "flex"),
        (None, "gpt-6-luna", "decisions"),
    ]
    assert {each.tokens and (each.tokens.prompt_tokens, each.tokens.completion_tokens) for each in found} == {(120, 45)}
    assert len({(each.response_id, each.part) for each in found}) == 4
    assert [each.other_usage for each in found] == [
        '{"session_paused_seconds":5,"session_seconds":65}',
        None,
        None,
        None,
    ]


def test_a_live_session_may_leave_nothing_to_others_or_decisions_alone() -> None:
    closed = {"type": "session.closed", "usage": {"seconds": 65, "active_seconds": 45, "paused_seconds": 20}}
    reading = read([closed], **LIVE)
    assert (reading.status.value, reading.other_usage) == ("not_metered", '{"paused_seconds":20,"seconds":65}')
    reading = read([DECIDED, closed], **LIVE)
    assert reading.other_usage == '{"session_paused_seconds":20,"session_seconds":65}'
    assert (reading.status.value, reading.service_tier, reading.parts) == ("measured", "decisions", ())
    assert read([{"type": "decision.event", "event": {"type": "decision.failed"}}], **LIVE).status.value == "unknown"


def test_what_tools_of_xai_of_openrouter_and_of_ark_did_is_kept_by_name() -> None:
    of_xai = {"num_server_side_tools_used": 4, "server_side_tool_usage_details": {"web_search_calls": 3}}
    assert read(_response(usage=USAGE | of_xai), path=PATH).other_usage == '{"server_tool_calls":4,"web_searches":3}'
    of_openrouter = {"server_tool_use_details": {"web_search_requests": 2, "tool_calls_requested": 4}}
    assert read(_response(usage=USAGE | of_openrouter), path=PATH).other_usage == '{"web_searches":2}'
    of_ark = {"tool_usage": {"web_search": 2}, "tool_usage_details": {"web_search": {"search_engine": 2}}}
    assert read(_response(usage=USAGE | of_ark), path=PATH).other_usage == '{"web_searches":2}'


def test_a_session_that_states_nothing_is_unknown_and_never_failed() -> None:
    assert read(None, path=PATH, method="GET", status=101).status.value == "unknown"
    assert read(None, path=REALTIME, method="GET", status=101).status.value == "not_metered"


def test_both_readers_say_the_same_of_what_tools_did_and_consumed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 0)
    monkeypatch.setattr(readers, "_idle", {})
    chance = random.Random(1)
    lines = []
    for number in range(120):
        one, two, three = (chance.randrange(1, 90) for _ in range(3))
        of_each = {"search_web": {"invocation": one, "token_usage": [{"input_tokens": two, "output_tokens": three}]}}
        of_tools = {"image_gen": {"input_tokens": one, "output_tokens": two, "cached_tokens": three}}
        answer = (
            _response(usage=USAGE | {"tool_calls_details": of_each}),
            _response(output=[_drawn(one, two), _drawn(two, three)][: 1 + number % 2], tool_usage=of_tools),
            {"created": 1, "data": [{"b64_json": "PHN2"}], "svg_usage": {"input_tokens": one, "output_tokens": two}},
            {"usage": {"topicPolicyUnits": one, "contentPolicyUnits": two}, "action": "NONE"},
        )[number % 4]
        path = (PATH, PATH, "/v1/images/generations", "/guardrail/g-1/version/1/apply")[number % 4]
        line = {"ts": "2026-03-01T06:51:19Z", "request_id": f"r-{number}", "api_key_id": "k", "status": 200}
        lines.append(json.dumps({**line, "path": path, "response": answer}).encode())
    assert found_rows(by_kernel(lines)) == read_plainly(lines)
